"""Many trainings of one architecture as one program: folds, learning rates and seeds are a batch of runs (JAX, optax)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf

import jax
import jax.numpy as jnp
import numpy as np
import optax

from baselines.networks import Network
from rntk.machine import readable, require
from rntk.sequences import Sequences
from rntk.svm.scores import OutOfTime
from rntk.waiting import each

DECAY = 0.9  # of RMSProp's mean of squared gradients
TENTH = 10  # of the series are a batch at the most, so that an epoch has several steps (as dl-4-tsc has it)
SEVERAL = 64  # series that are classified at a time
WORTH_COMPILING = 5_000  # series × steps from which fewer runs are worth a program of their own


@dataclass(frozen=True)
class Run:
    """One training: the seed of its draw and its shuffles, its learning rate, and the series that it learns from and is validated
    on, as indices.
    """

    seed: int
    learning_rate: float
    train: np.ndarray
    held: np.ndarray


@dataclass
class History:
    """What became of a run, epoch by epoch, from the first.

    loss: mean cross-entropy of the training series, each taken before the step that it takes part in. correct, validation_loss: how
    many of the series for validation are classified correctly, and their mean cross-entropy. best: the epoch with the best score,
    counted from 1; 0 where there is none. diverged: the epoch in which a loss was no longer finite, or 0. The cross-entropy is known up
    to the rounding of the logits, in single precision: it may be infinite once these exceed 1e9 or so.

    The score is the number of correct series and, where that is equal, the smaller validation loss: on few series the number
    alone says too little.
    """

    loss: list[float] = field(default_factory=list)
    correct: list[int] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    best: int = 0
    diverged: int = 0

    def see(self, loss: float, correct: int, validation_loss: float) -> bool:
        """Take in an epoch; returns whether its score is the best so far."""
        self.loss.append(loss)
        self.correct.append(correct)
        self.validation_loss.append(validation_loss)
        epoch = len(self.loss)
        if not np.isfinite([loss, validation_loss]).all():
            self.diverged = epoch
        elif not self.best or self._score(epoch) > self._score(self.best):
            self.best = epoch
        return self.best == epoch

    def over(self, patience: float) -> bool:
        """Whether the training ends: it diverged, or had `patience` epochs without a better score."""
        return bool(self.diverged) or len(self.loss) - self.best >= patience

    def _score(self, epoch: int) -> tuple[int, float]:
        return self.correct[epoch - 1], -self.validation_loss[epoch - 1]


class Trainer:
    """An architecture and a labelled set of sequences: labels y, (n,), are 0 … classes − 1.

    All runs are trained together: parameters are stacked (`vmap`), an epoch is a loop over batches and a network one over
    time (`scan`). Each run draws, shuffles and steps as it would alone. Raises MemoryError where the program will not fit.
    """

    def __init__(self, network: Network, X: Sequences, y: np.ndarray, classes: int):
        self.network, self.X, self.classes = network, X, classes
        self._data = (*on_device(X), jnp.asarray(y, jnp.int32))
        self._optimiser = optax.chain(optax.clip_by_global_norm(network.clip), optax.scale_by_rms(DECAY))
        self._begin = jax.jit(jax.vmap(self._begin_one))
        self._epoch = jax.jit(jax.vmap(self._epoch_one, in_axes=(0, 0, 0, 0, None, None)), donate_argnums=0)
        self._score = jax.jit(jax.vmap(self._score_one, in_axes=(0, 0, None)))
        self._keep = jax.jit(jax.vmap(lambda better, *trees: jax.tree.map(partial(jnp.where, better), *trees)))
        self._classify = jax.jit(jax.vmap(self._classify_one, in_axes=(0, None, None)))

    def validate(self, runs: list[Run], deadline: float = inf) -> list[History]:
        """The history of every run, each until its score was not bettered for `patience` epochs.

        Raises OutOfTime once `time.monotonic()` passes the deadline.
        """
        return self._train(runs, self.network.epochs, self.network.patience, deadline)[0]

    def train(self, runs: list[Run], epochs: int, deadline: float = inf) -> tuple[list[History], dict]:
        """The history of every run through all epochs, and the parameters of all, stacked, each at its best epoch.

        Raises OutOfTime once `time.monotonic()` passes the deadline.
        """
        return self._train(runs, epochs, inf, deadline)

    def _train(self, runs: list[Run], epochs: int, patience: float, deadline: float) -> tuple[list[History], dict]:
        self._foresee(len(runs), max(len(run.held) for run in runs))
        histories = [History() for _ in runs]
        with device_memory(f"{len(runs)} trainings of {self.network}"):
            seeds = jnp.array([run.seed for run in runs], jnp.uint32)
            rates = jnp.array([run.learning_rate for run in runs])
            train, held = padded([run.train for run in runs], self._batch), padded([run.held for run in runs], 1)
            state = self._begin(seeds)
            kept, going = jax.tree.map(jnp.copy, state[0]), np.arange(len(runs))
            for epoch in each(range(epochs), "epochs"):
                if time.monotonic() > deadline:
                    raise OutOfTime(f"stopped after {epoch} epochs")
                state, loss = self._epoch(state, seeds, rates, train, epoch, self._data)
                seen = zip(going, *map(np.asarray, (loss, *self._score(state[0], held, self._data))), strict=True)
                better = np.array(
                    [
                        not histories[run].over(patience)
                        and histories[run].see(float(loss), int(correct), float(after))
                        for run, loss, correct, after in seen
                    ]
                )
                on = np.array([not histories[run].over(patience) for run in going])
                if not on.any():
                    break
                if patience == inf:
                    kept = self._keep(better, state[0], kept)
                elif 2 * on.sum() <= len(going) and self._worth():
                    going, on = going[on], jnp.flatnonzero(on)
                    state, seeds, rates, train, held = jax.tree.map(
                        lambda part, on=on: part[on], (state, seeds, rates, train, held)
                    )
            return histories, kept

    def classify(self, parameters: dict, X: Sequences) -> np.ndarray:
        """The class that each of the stacked networks gives each sequence, (runs, n)."""
        with device_memory(f"{len(X)} sequences by {self.network}"):
            return np.asarray(self._classify(parameters, *on_device(X)))

    @property
    def _batch(self) -> int:
        return max(1, min(self.network.batch, len(self.X) // TENTH))

    def _worth(self) -> bool:
        return len(self.X) * self.X.shape[1] >= WORTH_COMPILING

    def _foresee(self, runs: int, held: int) -> None:
        """Raise MemoryError if parameters with their gradients, and the states that the gradient of a batch needs, or the outputs of so
        many series for validation, will not fit. What is asked is the host's memory: another device says so itself.
        """
        if jax.default_backend() != "cpu":
            return
        sizes = jax.eval_shape(lambda: self.network.init(jax.random.PRNGKey(0), self.X.shape[2], self.classes))
        parameters = sum(leaf.size for leaf in jax.tree.leaves(sizes))
        states = max(4 * self._batch, 2 * held) * self.X.shape[1] * self.network.width * self.network.depth
        require(
            4 * runs * (4 * parameters + states),
            f"{runs} trainings of {self.network} together",
            "a smaller width, fewer learning rates or fewer folds need less",
        )

    def _begin_one(self, seed):
        """Parameters, and the optimiser's state."""
        parameters = self.network.init(jax.random.PRNGKey(seed), self.X.shape[2], self.classes)
        return parameters, self._optimiser.init(parameters)

    def _losses(self, parameters, index, data):
        """Logits and cross-entropies of some series, and their weights: 0 where an index is only filled in."""
        values, starts, y = (part[index] for part in data)
        logits = jax.vmap(partial(self.network.logits, parameters))(values, starts)
        return logits, optax.softmax_cross_entropy_with_integer_labels(logits, y), index >= 0

    def _epoch_one(self, state, seed, rate, train, epoch, data):
        """One epoch of one run: the state after it, and the mean loss."""
        key = jax.random.fold_in(jax.random.PRNGKey(seed), epoch + 1)  # the draw took the key itself
        drawn = jax.random.uniform(key, train.size)
        order = train.ravel()[jnp.argsort(jnp.where(train.ravel() >= 0, drawn, 2.0))]  # what is filled in comes last

        def mean_loss(parameters, index):
            _, losses, weights = self._losses(parameters, index, data)
            return (weights * losses).sum() / jnp.maximum(weights.sum(), 1), weights.sum()

        def step(state, index):
            parameters, optimiser = state
            (loss, count), gradient = jax.value_and_grad(mean_loss, has_aux=True)(parameters, index)
            updates, optimiser = self._optimiser.update(gradient, optimiser)
            after = jax.tree.map(lambda p, u: p - rate * u, parameters, updates), optimiser
            # other runs may have a batch more than this one, which takes no step for it
            return jax.tree.map(lambda new, old: jnp.where(count > 0, new, old), after, state), loss * count

        state, losses = jax.lax.scan(step, state, order.reshape(train.shape))
        return state, losses.sum() / (train >= 0).sum()

    def _score_one(self, parameters, held, data):
        """How many of the series for validation are right, and their mean loss."""
        logits, losses, weights = self._losses(parameters, held.ravel(), data)
        right = (logits.argmax(1) == data[2][held.ravel()]) & weights
        return right.sum(), (weights * losses).sum() / weights.sum()

    def _classify_one(self, parameters, values, starts):
        logits = jax.lax.map(lambda one: self.network.logits(parameters, *one), (values, starts), batch_size=SEVERAL)
        return logits.argmax(1)


def on_device(X: Sequences) -> tuple[jnp.ndarray, jnp.ndarray]:
    """The values and starts of sequences, in single precision."""
    return jnp.asarray(X.values, jnp.float32), jnp.asarray(X.starts, jnp.int32)


def padded(indices: list[np.ndarray], batch: int) -> jnp.ndarray:
    """Indices of several runs as (runs, batches, batch), filled in with −1."""
    batches = -(-max(map(len, indices)) // batch)
    filled = np.full((len(indices), batches * batch), -1, np.int32)
    for row, index in zip(filled, indices, strict=True):
        row[: len(index)] = index
    return jnp.asarray(filled.reshape(len(indices), batches, batch))


@contextmanager
def device_memory(what: str) -> Iterator[None]:
    """Raise MemoryError in words, where JAX says that the device's memory is used up."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        device = jax.devices()[0]
        size = (device.memory_stats() or {}).get("bytes_limit")
        raise MemoryError(
            f"{what} need more than the memory of {device}{f', {readable(size)}' if size else ''}: "
            f"a smaller width, fewer learning rates or fewer folds need less"
        ) from error


def forget_programs() -> None:
    """Give back the memory of compiled programs: those of one data set fit no other."""
    jax.clear_caches()
