"""Selection of a kernel's hyperparameters and of C by cross-validation on the training set.

The scores are those of plain cross-validation, every setting, C and fold, at less cost:

- the Gram of a setting is computed once and sliced for the folds;
- Grams are scaled to a mean diagonal of 1. An SVM on K with C is the SVM on K/s with C·s, and is solved stably
  however large s is;
- where no coefficient of an SVM's solution is at its bound C, the same solution is optimal for every larger C: they
  are not solved again.

An SVM that needs more than `max_iter` iterations is given up: its setting with this C, and with every larger C of the
same setting, whose problem contains it, counts as not converged and cannot be selected.

Nothing here ever sees a test series or a test label.
"""

import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from runners.protocol import Protocol

UNUSABLE = -1


class NotConverged(Exception):
    """An SVM was stopped by the iteration limit, or its solution is not finite."""


class TaskTimeout(Exception):
    """The task has used up its time."""


@dataclass
class Scores:
    """What cross-validation found: for each setting and C the number of training cases classified correctly, UNUSABLE
    where there is none.
    """

    settings: list[dict[str, Any]]
    C: tuple[float, ...]
    n: int
    correct: np.ndarray
    notes: list[str]
    timings: dict[str, float] = field(default_factory=dict)

    def best_first(self) -> list[tuple[int, int]]:
        """Usable (setting, C) index pairs, best score first; ties in grid order, C ascending."""
        flat = self.correct.ravel()
        order = np.argsort(-flat, kind="stable")
        return [divmod(int(index), len(self.C)) for index in order if flat[index] != UNUSABLE]

    def rows(self) -> list[dict[str, Any]]:
        """One row a setting, for the record's grid table."""
        counts = ({f"C={c:g}": int(count) for c, count in zip(self.C, row, strict=True)} for row in self.correct)
        return [
            {**setting, **row, "note": note}
            for setting, row, note in zip(self.settings, counts, self.notes, strict=True)
        ]


def score_grid(
    kernel, method, X: np.ndarray, y: np.ndarray, folds, protocol: Protocol, deadline: float = np.inf
) -> Scores:
    """Score every setting of a method's grid on the training set X, y.

    Raises TaskTimeout once `time.monotonic()` passes the deadline.
    """
    settings = list(method.settings())
    correct = np.full((len(settings), len(protocol.C)), UNUSABLE)
    notes = []
    timings = {"kernel": 0.0, "selection": 0.0}
    for row, setting in enumerate(settings):
        if time.monotonic() > deadline:
            raise TaskTimeout(f"stopped after {row} of {len(settings)} settings")
        started = time.perf_counter()
        try:
            K, scale = scaled(compute(kernel, setting, X))
        except ValueError as error:
            notes.append(str(error))
            continue
        finally:
            timings["kernel"] += time.perf_counter() - started
        started = time.perf_counter()
        correct[row], note = cross_validate(K, y, folds, [c * scale for c in protocol.C], protocol.max_iter)
        notes.append(note)
        timings["selection"] += time.perf_counter() - started
    return Scores(settings, protocol.C, len(y), correct, notes, timings)


def compute(kernel, setting: dict[str, Any], X, Y=None) -> np.ndarray:
    """The Gram of a kernel at a setting."""
    return kernel.set_params(**setting)(X, Y) if setting else kernel(X, Y)


def scaled(K: np.ndarray) -> tuple[np.ndarray, float]:
    """K / s and s, the mean diagonal. Raises ValueError where K is not finite or its diagonal not positive."""
    if not np.isfinite(K).all():
        raise ValueError("the Gram is not finite")
    scale = float(np.mean(np.diagonal(K)))
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"the Gram has a mean diagonal of {scale:g}: it must be positive and finite")
    return K / scale, scale


def cross_validate(K: np.ndarray, y: np.ndarray, folds, C: list[float], max_iter: int) -> tuple[np.ndarray, str]:
    """Correctly classified cases over all folds, for each C (ascending), on a scaled Gram.

    And a note on those that did not converge.
    """
    correct = np.zeros(len(C), dtype=int)
    note = ""
    usable = len(C)  # the C before this index converged in all folds so far
    for train, validate in folds:
        K_train, K_validate, expected = K[np.ix_(train, train)], K[np.ix_(validate, train)], y[validate]
        free = False
        for index in range(usable):
            if not free:
                try:
                    machine = fit_svm(K_train, y[train], C[index], max_iter)
                except NotConverged as error:
                    usable, note = index, str(error)
                    break
                hits = np.count_nonzero(predict(machine, K_validate) == expected)
                free = is_free(machine, C[index])
            correct[index] += hits
    correct[usable:] = UNUSABLE
    return correct, note and f"not converged from the {usable + 1}. C on: {note}"


def fit_svm(K: np.ndarray, y: np.ndarray, C: float, max_iter: int) -> SVC | int:
    """A C-SVM (LIBSVM, one-versus-one) on a precomputed Gram; the label itself where there is only one.

    Raises NotConverged.
    """
    if (y == y[0]).all():
        return y[0]
    machine = SVC(C=C, kernel="precomputed", max_iter=max_iter, cache_size=500)
    with warnings.catch_warnings(), sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            machine.fit(K, y)
        except ValueError as error:  # "The dual coefficients or intercepts are not finite"
            raise NotConverged(str(error)) from error
    if machine.fit_status_:
        raise NotConverged(f"more than {max_iter} iterations")
    return machine


def is_free(machine: SVC | int, C: float) -> bool:
    """Whether no coefficient of the solution is at its bound C."""
    return not isinstance(machine, SVC) or bool(np.abs(machine.dual_coef_).max(initial=0.0) < C)


def predict(machine: SVC | int, K: np.ndarray) -> np.ndarray:
    """Labels for the rows of K: Grams of new cases with the training cases, on the scale the machine was fitted on."""
    if not isinstance(machine, SVC):
        return np.full(len(K), machine)
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        return machine.predict(K)
