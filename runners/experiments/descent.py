"""Gradient descent of a finite network on few sequences, and what its limit predicts."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from rntk.finite import FiniteNetwork
from rntk.sequences import Sequences, as_sequences


def outputs(network: FiniteNetwork, parameters: dict, X: Sequences):
    """f(x) of every sequence, (n,), without initial states."""
    z = jnp.zeros((len(network.ways), network.kernel.depth, network.width))
    values, starts = jnp.asarray(X.values, jnp.float32), jnp.asarray(X.starts)
    return jax.vmap(lambda x, start: network.apply(parameters, x, z, start))(values, starts)


class Descent:
    """Full-batch gradient descent on ½ Σ (f(x_i) − y_i)², θ ← θ − rate · gradient, of one network on one training set; compiled once
    for all seeds.
    """

    def __init__(self, network: FiniteNetwork, X, y, X_test, rate: float):
        self.network, X, X_test, y = network, as_sequences(X), as_sequences(X_test), jnp.asarray(y, jnp.float32)
        self.channels = X.shape[2]

        def loss(parameters):
            return 0.5 * ((outputs(network, parameters, X) - y) ** 2).sum()

        def step(_, parameters):
            return jax.tree.map(lambda p, g: p - rate * g, parameters, jax.grad(loss)(parameters))

        self._run = jax.jit(lambda parameters, steps: jax.lax.fori_loop(0, steps, step, parameters))
        self._outputs = jax.jit(lambda parameters: [outputs(network, parameters, Z) for Z in (X, X_test)])

    def path(self, times: list[int], seed: int) -> Iterator[tuple[dict, np.ndarray, np.ndarray]]:
        """(parameters, f(X), f(X_test)) at each of the times, numbers of steps, ascending, from a random network."""
        parameters, now = self.network.init(jax.random.PRNGKey(seed), self.channels), 0
        for time in times:
            parameters, now = self._run(parameters, time - now), time
            yield (parameters, *(np.asarray(f, np.float64) for f in self._outputs(parameters)))


def predicted(
    K: np.ndarray, K_test: np.ndarray, f: np.ndarray, f_test: np.ndarray, y: np.ndarray, rate: float, time: int
):
    """f(X) and f(X_test) after `time` steps, from those at first, as the limit has it: with K of the training set, (n, n), and
    K_test of the test set with it,

        f_t(X) = y + (I − rate K)^t (f_0(X) − y),    f_t(X*) = f_0(X*) − K* K⁻¹ (I − (I − rate K)^t) (f_0(X) − y)
    """
    eigenvalues, V = np.linalg.eigh(K)
    left = (1 - rate * eigenvalues) ** time
    error = V.T @ (f - y)
    share = np.where(eigenvalues > 1e-12 * eigenvalues[-1], (1 - left) / eigenvalues, rate * time)
    return y + V @ (left * error), f_test - K_test @ (V @ (share * error))


def times_until(steps: int, count: int) -> list[int]:
    """0 and `count` numbers of steps or fewer, evenly spaced in their logarithm, the last of them `steps`."""
    return [0, *sorted({round(t) for t in np.geomspace(1, steps, count)})]
