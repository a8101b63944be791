"""Selection of a kernel's hyperparameters and of C by cross-validation on the training set.

The choice and its score are those of plain cross-validation over every setting, C and fold, at less cost:

- what settings share is computed once, and a Gram once for all settings that differ by a factor alone;
- Grams are scaled to a mean diagonal of 1. An SVM on K with C is the SVM on K/s with C·s, and is solved stably
  however large s is;
- where no coefficient of an SVM ever was at its bound C on the way to the solution, the way is the same for every larger
  C, and so is the solution: it is not solved again;
- a setting and C are dropped once they cannot reach the best score any more, even with every case of the folds to
  come. That is a bound and no guess: what ties with the best is never dropped. To find good settings early, the grid
  is walked in strides, and to find bad ones early, the folds in which most cases were missed so far come first.

An SVM that needs more than `max_iter` iterations is given up: its setting counts as not converged with this C, and
cannot be selected.

Nothing here ever sees a test series or a test label.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runners import svm
from runners.protocol import Protocol

UNUSABLE = -1
GOLDEN = (5**0.5 - 1) / 2


class TaskTimeout(Exception):
    """The task has used up its time."""


@dataclass
class Scores:
    """What cross-validation found: for each setting and C the number of training cases classified correctly, UNUSABLE
    where there is none.

    Where `dropped`, the number is what it could have reached at most, and less than the best.
    """

    settings: list[dict[str, Any]]
    C: tuple[float, ...]
    n: int
    correct: np.ndarray
    dropped: np.ndarray
    notes: list[str]
    timings: dict[str, float] = field(default_factory=lambda: {"kernel": 0.0, "selection": 0.0})

    @classmethod
    def empty(cls, settings, C, n):
        """No score yet."""
        shape = (len(settings), len(C))
        return cls(settings, C, n, np.full(shape, UNUSABLE), np.zeros(shape, bool), [""] * len(settings))

    @property
    def best(self) -> int:
        """The highest score."""
        return int(self.correct[~self.dropped].max(initial=UNUSABLE))

    def best_first(self) -> list[tuple[int, int]]:
        """Scored (setting, C) index pairs, best score first; ties in grid order, C ascending."""
        flat, scored = self.correct.ravel(), ~self.dropped.ravel()
        order = np.argsort(-flat, kind="stable")
        return [divmod(int(index), len(self.C)) for index in order if scored[index] and flat[index] != UNUSABLE]

    def rows(self) -> list[dict[str, Any]]:
        """One row a setting, for the record's grid table: a count for each C, or "<=" and its bound."""
        return [
            {
                **setting,
                **{f"C={c:g}": f"<={k}" if d else int(k) for c, k, d in zip(self.C, *found, strict=True)},
                "note": note,
            }
            for setting, *found, note in zip(self.settings, self.correct, self.dropped, self.notes, strict=True)
        ]


def score_grid(
    kernel,
    method,
    X: np.ndarray,
    y: np.ndarray,
    folds,
    protocol: Protocol,
    deadline: float = np.inf,
    scores: str = "best",
) -> Scores:
    """Score the settings of a method's grid on the training set X, y; with scores="all", none is dropped.

    Raises TaskTimeout once `time.monotonic()` passes the deadline.
    """
    found = Scores.empty(list(method.settings()), protocol.C, len(y))
    validation = CrossValidation(y, folds, protocol.max_iter)
    started = time.perf_counter()
    gram = kernel.over(X) if hasattr(kernel, "over") else lambda setting: compute(kernel, setting, X)
    found.timings["kernel"] += time.perf_counter() - started
    done = 0
    for setting, members in in_strides(groups(kernel, found.settings)):
        if time.monotonic() > deadline:
            raise TaskTimeout(f"stopped after {done} of {len(found.settings)} settings")
        started = time.perf_counter()
        try:
            K, scale = scaled(gram(setting))
        except ValueError as error:
            for row, _ in members:
                found.notes[row] = str(error)
            continue
        finally:
            done += len(members)
            found.timings["kernel"] += time.perf_counter() - started
        started = time.perf_counter()
        for row, factor in members:
            C = [c * scale * factor for c in protocol.C]
            floor = found.best if scores == "best" else UNUSABLE
            found.correct[row], found.dropped[row], found.notes[row] = validation.run(K, C, floor)
        found.timings["selection"] += time.perf_counter() - started
    return found


def groups(kernel, settings: list[dict[str, Any]]) -> list[tuple[dict[str, Any], list[tuple[int, float]]]]:
    """Settings that differ by a factor of the kernel alone, together: (setting, [(row, factor), …])."""
    together: dict[str, tuple[dict[str, Any], list]] = {}
    for row, setting in enumerate(settings):
        shared, factor = without_factor(kernel, setting)
        together.setdefault(repr(shared), (shared, []))[1].append((row, factor))
    return list(together.values())


def without_factor(kernel, setting: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """The setting without a factor of the whole kernel, and that factor, for kernels that know it."""
    return kernel.without_factor(setting) if hasattr(kernel, "without_factor") else (setting, 1.0)


def in_strides(items: list) -> list:
    """The items in an order whose beginning is spread evenly over the whole list, however long it is."""
    return [items[i] for i in sorted(range(len(items)), key=lambda i: (i * GOLDEN) % 1)]


def compute(kernel, setting: dict[str, Any], X, Y=None) -> np.ndarray:
    """The Gram of a kernel at a setting."""
    return kernel.set_params(**setting)(X, Y) if setting else kernel(X, Y)


def scaled(K: np.ndarray) -> tuple[np.ndarray, float]:
    """K / s, float64, and s, the mean diagonal. Raises ValueError where K is not finite or its diagonal not positive."""
    if not np.isfinite(K).all():
        raise ValueError("the Gram is not finite")
    scale = float(np.mean(np.diagonal(K)))
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"the Gram has a mean diagonal of {scale:g}: it must be positive and finite")
    return np.divide(K, scale, dtype=np.float64, order="C"), scale


class CrossValidation:
    """The folds of a training set, laid out once, and what one setting after another teaches about which are hard."""

    def __init__(self, y: np.ndarray, folds, max_iter: int):
        self.y, self.max_iter = y, max_iter
        self.folds = [(svm.Machine(train, y), held) for train, held in folds]
        self.misses, self.cases = np.zeros(len(folds)), np.full(len(folds), 1e-9)

    def run(self, K: np.ndarray, C: list[float], floor: int) -> tuple[np.ndarray, np.ndarray, str]:
        """Correctly classified cases over all folds for each C (ascending), on a scaled Gram; which C were dropped, as
        they cannot reach `floor`, with what they could have reached; and a note on those that did not converge.
        """
        correct, dropped = np.zeros(len(C), dtype=int), np.zeros(len(C), bool)
        to_come, problem = len(self.y), ""
        for index in np.argsort(-self.misses / self.cases, kind="stable"):
            machine, held = self.folds[index]
            to_come -= len(held)
            columns = np.flatnonzero(~dropped & (correct != UNUSABLE))
            if not len(columns):
                break
            machine.start()
            hits = None
            for column in columns:
                if hits is None or not machine.is_settled:
                    try:
                        machine.fit(K, C[column], self.max_iter)
                    except svm.NotConverged as error:
                        correct[column], problem, hits = UNUSABLE, str(error), None
                        continue
                    hits = np.count_nonzero(machine.predict(K, held) == self.y[held])
                self.misses[index] += len(held) - hits
                self.cases[index] += len(held)
                correct[column] += hits
                if to_come and correct[column] + to_come < floor:
                    dropped[column] = True
                    correct[column] += to_come
        unsolved = ", ".join(f"{column + 1}." for column in np.flatnonzero(correct == UNUSABLE))
        return correct, dropped, f"not converged at the {unsolved} C: {problem}" if unsolved else ""
