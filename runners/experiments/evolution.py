"""The empirical kernel of a network while it trains on a dataset: how fast it moves, whether it learns the labels, and whether an
SVM on it is better than on the kernel at initialisation.
"""

from itertools import product
from math import sqrt

import jax
import jax.numpy as jnp
import numpy as np
import optax

from datasets import load
from rntk import RNTK
from rntk.finite import FiniteNetwork
from rntk.normalisation import normalise
from rntk.sequences import as_sequences
from rntk.svm.search import Search
from runners.experiments import Findings
from runners.experiments.descent import outputs, times_until
from runners.protocol import Protocol


def evolution(
    datasets: list[str],
    width: int,
    seeds: int,
    readouts: list[str],
    epochs: int,
    times: int,
    learning_rate: float,
    sigma_w: float,
    root: str | None = None,
) -> Findings:
    """A ReLU network with one output, trained on two-class datasets with the logistic loss by RMSProp, all series a step; at some
    epochs its tangent kernel K on the training and test series:

        velocity   (1 − ⟨K, K'⟩ / ‖K‖‖K'‖) / epochs, K' of the time before        (Fort et al., NeurIPS 2020)
        alignment  ⟨HKH, HyyᵀH⟩ / ‖HKH‖‖HyyᵀH‖, H = I − 1/n, of the training set    (Cortes et al., JMLR 2012)
        network, svm   the test accuracy of the network, and of an SVM on K, its C by the protocol's cross-validation

    The numbers of a dataset and readout: both accuracies at first and at last, the mean gain of the SVM at last and its standard
    error over seeds; `since`, the first epoch from which on the mean gain stays above two standard errors, if any.
    """
    rows, numbers = [], {}
    for name in datasets:
        found = load(name, root)
        classes, labels = np.unique(np.concatenate([found.y_train, found.y_test]), return_inverse=True)
        if len(classes) != 2:
            raise ValueError(f"datasets: {name} has {len(classes)} classes: this experiment takes datasets of two")
        X = as_sequences(normalise(np.concatenate([found.X_train, found.X_test]), "zscore"))
        n = len(found.X_train)
        for readout, seed in product(readouts, range(seeds)):
            network = FiniteNetwork(RNTK(sigma_w=sigma_w, sigma_v=sqrt(2), readout=readout), width)
            before, last = None, 0
            for epoch, parameters in trained(network, X[:n], labels[:n], epochs, times, learning_rate, seed):
                K = network.kernels(parameters, X)[0].astype(np.float64)
                f = np.asarray(outputs(network, parameters, X[n:]))
                here = {
                    "velocity": 0.0 if before is None else (1 - cosine(K, before)) / (epoch - last),
                    "alignment": alignment(K[:n, :n], 2.0 * labels[:n] - 1),
                    "network": float(np.mean((f > 0) == labels[n:])),
                    "svm": svm_accuracy(K, labels, n, name),
                }
                rows.append({"dataset": name, "readout": readout, "seed": seed, "epoch": epoch, **here})
                before, last = K, epoch
        for readout in readouts:
            numbers[f"{name}, {readout}"] = gains([r for r in rows if (r["dataset"], r["readout"]) == (name, readout)])
    return Findings(rows, numbers)


def trained(network: FiniteNetwork, X, labels, epochs: int, times: int, rate: float, seed: int):
    """(epoch, parameters) at some epochs of a training. Raises ValueError where it diverges."""
    y, optimiser = jnp.asarray(2.0 * labels - 1), optax.chain(optax.clip_by_global_norm(1.0), optax.rmsprop(rate))

    def loss(parameters):
        return jax.nn.softplus(-y * outputs(network, parameters, X)).mean()

    def step(_, state):
        updates, inner = optimiser.update(jax.grad(loss)(state[0]), state[1])
        return optax.apply_updates(state[0], updates), inner

    run = jax.jit(lambda state, steps: jax.lax.fori_loop(0, steps, step, state))
    parameters, now = network.init(jax.random.PRNGKey(seed), X.shape[2]), 0
    state = parameters, optimiser.init(parameters)
    for time in times_until(epochs, times):
        state, now = run(state, time - now), time
        if not np.isfinite(float(loss(state[0]))):
            raise ValueError(f"seed {seed} diverged by epoch {time}: use a smaller learning_rate or sigma_w")
        yield time, state[0]


class Given:
    """A kernel of which all values are there: it is called with indices."""

    def __init__(self, K: np.ndarray):
        self.K = K

    def set_params(self):
        """It has none."""
        return self

    def __call__(self, rows, columns=None):
        return self.K[np.ix_(rows, rows if columns is None else columns)]


def svm_accuracy(K: np.ndarray, labels: np.ndarray, n: int, dataset: str) -> float:
    """The test accuracy of the SVM on a kernel between all series, of which the first n are the training set."""
    protocol = Protocol()
    search = Search(Given(K), [{}], protocol.C).fit(np.arange(n), labels[:n], protocol.split(labels[:n], dataset))
    return float(np.mean(search.predict(np.arange(n, len(K))) == labels[n:]))


def centred(K: np.ndarray) -> np.ndarray:
    """HKH, H = I − 1/n."""
    return K - K.mean(axis=0) - K.mean(axis=1)[:, None] + K.mean()


def alignment(K: np.ndarray, y: np.ndarray) -> float:
    """The cosine between K and yyᵀ, both centred."""
    return cosine(centred(K), centred(np.outer(y, y)))


def cosine(A: np.ndarray, B: np.ndarray) -> float:
    """⟨A, B⟩ / ‖A‖‖B‖."""
    return float((A * B).sum() / (np.linalg.norm(A) * np.linalg.norm(B)))


def gains(rows: list[dict]) -> dict:
    """What a learned kernel is worth, over seeds."""
    epochs = sorted({row["epoch"] for row in rows})
    svm, network = (
        np.array([[r[what] for r in rows if r["epoch"] == e] for e in epochs]) for what in ("svm", "network")
    )
    gain = svm - svm[0]
    error = gain.std(axis=1, ddof=1) / sqrt(gain.shape[1]) if gain.shape[1] > 1 else np.full(len(epochs), np.nan)
    clear = [bool(c) for c in gain.mean(axis=1) > 2 * error]
    since = next((epoch for i, epoch in enumerate(epochs) if all(clear[i:])), None)
    found = {
        "svm at first": svm[0].mean(),
        "svm at last": svm[-1].mean(),
        "network at last": network[-1].mean(),
        "gain": gain[-1].mean(),
        "error": error[-1],
    }
    return {name: round(float(value), 4) for name, value in found.items()} | {"since": since}
