"""A classifier of more series than memory holds: features and a linear model, a block at a time, that go on where they were interrupted."""

import json
import mmap
import os
import re
import time
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from rntk.base import Parametrised, check_count
from rntk.blocks import described
from rntk.sequences import as_sequences
from rntk.streamed_ridge import StreamedRidge
from rntk.version import __version__
from rntk.waiting import each, shown

EVERY = 5.0  # seconds of work that an interruption may cost


@dataclass(repr=False)
class StreamedClassifier(Parametrised):
    """A linear model on features of series that are read, from a memory-mapped file for instance, a block at a time.

        features: what gives a block of series its features, with `fit` and `transform`: NystroemFeatures, RandomFeatures,
            `rntk.sklearn.RNTKFeatures`, which also normalises the series, a pipeline. Fitted to a sample.
        model: with `partial_fit(F, y, classes)` and `predict(F)`: a StreamedRidge, which is exact after one epoch, or scikit-learn's
            SGDClassifier with a `random_state`.
        epochs: how often all series are shown to the model; features are computed anew each time.
        sample: how many series features are fitted to, and the scale by which they are divided: the root of the mean of |φ(x)|².
        block: series a pass. seed: of the sample, and of the order: each epoch has the blocks in a new order, and the series of each
            in a new order. What lies far apart in the file does not meet in a block: a file sorted by class suits the ridge alone.
        verbose: whether to show, on stderr, how far it is.

    `fit(X, y, path=None)`: X is an array (n, T) or (n, T, m) in memory or mapped from a file (`np.load(…, mmap_mode="r")`), or whatever
    has a `shape` and gives arrays for slices, as zarr's; y is (n,). All series are checked before any is learned from. Memory is taken
    for a block, the features of the sample, the model, and y.

    `path` is a file for what was learned so far, in NumPy's format without pickle, replaced as a whole every five seconds. Called again
    with the same arguments, after an interruption of any kind, fit goes on from there, and ends with the same bytes as without; what
    is complete is not computed again. That holds for the same machine and number of threads: rounding must be the same.

    Raises ValueError for parameters out of range, series and labels that do not match, series that the kernel refuses (before they are
    learned from), a file of another fit, which differences it names, and a file that is damaged.
    """

    features: Any
    model: Any = field(default_factory=StreamedRidge)
    epochs: int = 1
    sample: int = 10_000
    block: int = 4096
    seed: int = 0
    verbose: int = 0

    @shown
    def fit(self, X, y, path=None) -> "StreamedClassifier":
        """Learn from series X and labels y, (n,), and keep what is learned in the file `path`."""
        y = self._check(X, y)
        self.classes_ = np.unique(y)
        sample, digest = self._first_look(X)
        self.features_ = fresh(self.features).fit(sample)
        self.scale_ = 1.0
        F = self._features(sample)
        self.scale_ = float(np.sqrt(np.mean(np.einsum("ij,ij->i", F, F)))) or 1.0
        self.model_ = fresh(self.model)
        fit = {
            "features": parameters(self.features),
            "values": [f"{value:.5g}" for value in np.ravel(F[:2])],
            "model": parameters(self.model),
            "X": digest,
            "y": sha256(repr(y.shape).encode() + y.dtype.str.encode() + y.tobytes()).hexdigest(),
            "shape": list(X.shape),
            **{name: int(getattr(self, name)) for name in ("epochs", "sample", "block", "seed")},
            "version": __version__,
        }
        blocks = -(-len(y) // self.block)
        done, saved = 0 if path is None else restore(self.model_, path, fit), time.monotonic()
        for step in each(range(done, self.epochs * blocks), "blocks"):
            rows, order = self._shuffled(step, len(y))
            F = self._features(X[rows])
            self.model_.partial_fit(F[order], y[rows][order], classes=self.classes_)
            release(X)
            last = step + 1 == self.epochs * blocks
            if path is not None and (last or time.monotonic() - saved >= EVERY):
                save(self.model_, path, fit, step + 1)
                saved = time.monotonic()
        return self

    @shown
    def predict(self, X) -> np.ndarray:
        """The labels of X, (n,), a block at a time."""
        if not hasattr(self, "model_"):
            raise ValueError("StreamedClassifier has learned nothing yet: call fit first")
        found = []
        for start in each(range(0, X.shape[0], self.block), "blocks"):
            found.append(self.model_.predict(self._features(X[start : start + self.block])))
            release(X)
        return np.concatenate(found)

    def score(self, X, y) -> float:
        """The share of X whose label is found."""
        return float(np.mean(self.predict(X) == np.asarray(y)))

    def _features(self, X) -> np.ndarray:
        return self.features_.transform(X) / self.scale_

    def _shuffled(self, step: int, n: int) -> tuple[slice, np.ndarray]:
        """The block of a step, and the order of its series: of the seed and the step alone, so that any step can be the first."""
        epoch, place = divmod(step, -(-n // self.block))
        start = int(np.random.default_rng([self.seed, epoch]).permutation(-(-n // self.block))[place]) * self.block
        rows = slice(start, min(start + self.block, n))
        return rows, np.random.default_rng([self.seed, epoch, start]).permutation(rows.stop - rows.start)

    def _first_look(self, X) -> tuple[np.ndarray, str]:
        """The sample, and the digest of all; every series is checked."""
        n = X.shape[0]
        drawn = np.sort(np.random.default_rng(self.seed).choice(n, min(self.sample, n), replace=False))
        sample, digest = [], sha256()
        for start in each(range(0, n, self.block), "blocks"):
            stop = min(start + self.block, n)
            block = as_sequences(X[start:stop], f"the block of series {start} to {stop - 1}")
            digest.update(np.ascontiguousarray(block.values))
            sample.append(block.values[drawn[(drawn >= start) & (drawn < stop)] - start])
            release(X)
        sample = np.concatenate(sample)
        return (sample if len(X.shape) == 3 else sample[:, :, 0]), digest.hexdigest()

    def _check(self, X, y) -> np.ndarray:
        """The labels, an array of one type. Raises ValueError for what cannot be learned from."""
        for name in ("epochs", "sample", "block"):
            check_count(name, getattr(self, name))
        for owner, needed in ((self.features, ("fit", "transform")), (self.model, ("partial_fit", "predict"))):
            missing = [name for name in needed if not hasattr(owner, name)]
            if missing:
                raise ValueError(f"{owner!r} has no {missing[0]}: it cannot be given a block at a time")
        if getattr(self.model, "random_state", 0) is None:
            raise ValueError(
                f"{self.model!r} draws at random: give it a random_state, by which it can go on where it was"
            )
        if len(getattr(X, "shape", ())) not in (2, 3):
            raise ValueError(
                f"X is of type {type(X).__name__} and shape {getattr(X, 'shape', None)}: an array (n, T) or (n, T, m) is needed, "
                f"in memory or mapped from a file"
            )
        y = np.asarray(y)
        y = np.array(y.tolist()) if y.dtype == object else y
        if y.shape != (X.shape[0],):
            raise ValueError(f"y has shape {y.shape}, and X has {X.shape[0]} series: a label for each is needed")
        if (y != y).any():
            raise ValueError(f"y holds NaN at {int(np.argmax(y != y))}: a label for each series is needed")
        if (y == y[0]).all():
            raise ValueError(f"y holds one class, {y[0]!r}: two at least are needed")
        return y


def fresh(estimator):
    """An estimator of the same parameters that has seen nothing, and shares nothing with the one that is given."""
    return type(estimator)(**deepcopy(estimator.get_params(deep=False)))


def parameters(estimator) -> str:
    """An estimator with all its parameters, without addresses, which say nothing of what it computes."""
    if isinstance(estimator, Parametrised):
        text = described(estimator)
    else:
        given = {name: value for name, value in estimator.get_params().items() if not hasattr(value, "get_params")}
        kernels = (described(v) for v in estimator.get_params().values() if isinstance(v, Parametrised))
        text = f"{type(estimator).__qualname__}({given}, {', '.join(kernels)})"
    return re.sub(r"( at) 0x[0-9a-f]+|(verbose'?)[=:] ?\w+", r"\1\2", text)


def release(X) -> None:
    """Give back what was read of a map of a file, which else counts as this process' memory. Where it may be written to, it stays."""
    if isinstance(X, np.memmap) and X.mode == "r" and hasattr(mmap, "MADV_DONTNEED"):
        X._mmap.madvise(mmap.MADV_DONTNEED)


def state(model) -> dict[str, np.ndarray]:
    """What a model has learned: its arrays and numbers that are no parameters."""
    learned = {name: value for name, value in vars(model).items() if name not in model.get_params()}
    kept = {
        name: np.asarray(v) for name, v in learned.items() if isinstance(v, np.ndarray | np.generic | int | float | str)
    }
    return {name: value for name, value in kept.items() if value.dtype != object}


def save(model, path, fit: dict, done: int) -> None:
    """Replace the file as a whole: it is never seen half written, whatever happens to this process or the machine."""
    temporary = Path(f"{path}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, note=np.array(json.dumps({**fit, "done": done})), **state(model))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def restore(model, path, fit: dict) -> int:
    """How many blocks of this very fit the file has behind it, 0 where there is none; the model has learned them then."""
    if not Path(path).exists():
        return 0
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        note = json.loads(str(held.pop("note")))
        done = note.pop("done")
    except (ValueError, TypeError, AttributeError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise ValueError(
            f"{path} is damaged, or no file of a StreamedClassifier ({error}): remove it, or choose another path"
        ) from error
    if note != fit:
        differing = sorted(name for name in fit if note.get(name) != fit[name])
        raise ValueError(f"{path} is of another fit ({', '.join(differing)} differ): remove it, or choose another path")
    for name, value in held.items():
        setattr(model, name, value if value.ndim else value.item())
    return done
