"""The scores of a grid by cross-validation: how many training cases each setting and C classifies correctly.

They are those of plain cross-validation over every setting, C and fold, at less cost:

- what settings share is computed once, and a Gram once for all settings that differ by a factor alone;
- where no coefficient of an SVM ever was at its bound C on the way to the solution, the way is the same for every larger
  C, and so is the solution: it is not solved again;
- a setting and C are dropped once they cannot reach the best score any more, even with every case of the folds to
  come. That is a bound and no guess: what ties with the best is never dropped. To find good settings early, the grid
  is walked in strides, and to find bad ones early, the folds in which most cases were missed so far come first.

An SVM that needs more than `max_iter` iterations is given up: its setting counts as not converged with this C, and
cannot be selected.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rntk.svm.grams import Grams
from rntk.svm.machine import Machine
from rntk.waiting import each

UNUSABLE = -1
GOLDEN = (5**0.5 - 1) / 2


class OutOfTime(Exception):
    """The time that a search may take is used up."""


@dataclass
class Scores:
    """What cross-validation found: for each setting and C the number of the n training cases classified correctly, UNUSABLE
    where there is none.

    Where `dropped`, the number is what it could have reached at most, and less than the best.
    """

    settings: list[dict[str, Any]]
    C: tuple[float, ...]
    n: int
    correct: np.ndarray = field(init=False)
    dropped: np.ndarray = field(init=False)
    notes: list[str] = field(init=False)

    def __post_init__(self):
        shape = (len(self.settings), len(self.C))
        self.correct, self.dropped = np.full(shape, UNUSABLE), np.zeros(shape, bool)
        self.notes = [""] * len(self.settings)

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
        """One row a setting: its hyperparameters, a count for each C, or "<=" and its bound, and a note."""
        return [
            {
                **setting,
                **{f"C={c:g}": f"<={k}" if d else int(k) for c, k, d in zip(self.C, *found, strict=True)},
                "note": note,
            }
            for setting, *found, note in zip(self.settings, self.correct, self.dropped, self.notes, strict=True)
        ]


def score(
    scores: Scores,
    grams: Grams,
    y: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    max_iter: int,
    timings: dict[str, float],
    every: bool = False,
    deadline: float = np.inf,
) -> None:
    """Fill in the scores of all settings for a training set with the labels y; with `every`, none is dropped.

    Seconds are added to timings["kernel"] and timings["selection"]. Raises OutOfTime once `time.monotonic()` passes the
    deadline, FaultyKernel for a Gram that is none; a setting of which the kernel says by a ValueError that it cannot be
    computed is noted.
    """
    validation = CrossValidation(y, folds, max_iter)
    done = 0
    for setting, members in each(in_strides(groups(grams.kernel, scores.settings)), "kernels"):
        if time.monotonic() > deadline:
            raise OutOfTime(f"stopped after {done} of {len(scores.settings)} settings")
        started = time.perf_counter()
        try:
            K, scale = grams.train(setting, thorough=done == 0)
        except ValueError as error:
            for row, _ in members:
                scores.notes[row] = str(error)
            continue
        finally:
            done += len(members)
            timings["kernel"] += time.perf_counter() - started
        started = time.perf_counter()
        for row, factor in members:
            C = [c * scale * factor for c in scores.C]
            floor = UNUSABLE if every else scores.best
            scores.correct[row], scores.dropped[row], scores.notes[row] = validation.run(K, C, floor)
        timings["selection"] += time.perf_counter() - started


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


class CrossValidation:
    """The folds of a training set, laid out once, and what one setting after another teaches about which are hard."""

    def __init__(self, y: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]], max_iter: int):
        self.y, self.max_iter = y, max_iter
        self.folds = [(Machine(train, y), held) for train, held in folds]
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
            for column, solution in zip(columns, machine.path(K, [C[c] for c in columns], self.max_iter), strict=True):
                if solution.problem:
                    correct[column], problem = UNUSABLE, solution.problem
                    continue
                if not solution.same:
                    hits = np.count_nonzero(solution.predict(K, held) == self.y[held])
                self.misses[index] += len(held) - hits
                self.cases[index] += len(held)
                correct[column] += hits
                if to_come and correct[column] + to_come < floor:
                    dropped[column] = True
                    correct[column] += to_come
        unsolved = ", ".join(f"{column + 1}." for column in np.flatnonzero(correct == UNUSABLE))
        return correct, dropped, f"not converged at the {unsolved} C: {problem}" if unsolved else ""
