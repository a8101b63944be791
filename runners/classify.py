"""Selection on the training set, refit, and the predictions for the test set: all a method does, without a test label."""

import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from sklearn.base import clone

from results.record import Record
from rntk.base import Kernel
from runners import svm
from runners.protocol import Protocol
from runners.selection import TaskTimeout, compute, scaled, score_grid, without_factor
from runners.task import Task

HOW = ("dtype", "backend")  # how a kernel is computed, not what it is: named where the config names it


@dataclass
class Outcome:
    """What a method made of a dataset: the setting it chose on the training set, its predictions for the test set."""

    predicted: np.ndarray
    selected: dict[str, Any]
    cv_accuracy: float
    n_tied: int
    gram: dict[str, float] = field(default_factory=dict)


def with_kernel(
    task: Task, record: Record, X_train, y_train, X_test, timings: dict, deadline: float, scores: str = "best"
) -> Outcome:
    """Choose the kernel's setting and C, refit on the whole training set, and only then compute the test rows."""
    protocol, method = task.protocol, task.method
    kernel = method.build()
    if hasattr(kernel, "fit"):
        kernel.fit(X_train)
    folds = protocol.split(y_train, task.dataset)
    found = score_grid(kernel, method, X_train, y_train, folds, protocol, deadline, scores)
    timings.update(found.timings)
    record.grid = found.rows()
    record.n_unusable = int(np.count_nonzero(found.correct < 0))
    ranking = found.best_first()
    if not ranking:
        raise svm.NotConverged(f"no setting of the grid is usable; the first says: {found.notes[0]}")

    chosen, ballots, gram = None, [], {}
    for (score, row), choices in groupby(ranking, key=lambda choice: (found.correct[choice], choice[0])):
        if chosen and (protocol.tie_break == "first" or score < found.correct[chosen]):
            break
        if score < found.best and found.dropped.any():  # the second best may be among the dropped
            break
        started = time.perf_counter()
        setting, factor = without_factor(kernel, found.settings[row])
        K, scale = scaled(compute(kernel, setting, X_train))
        machines = refit(
            K,
            y_train,
            [(column, protocol.C[column]) for _, column in choices],
            scale * factor,
            record.grid[row],
            protocol,
        )
        timings["refit"] = timings.get("refit", 0.0) + time.perf_counter() - started
        if not machines:
            continue
        if chosen is None:
            chosen, gram = (row, machines[0][0]), health(K, scale * factor)
        started = time.perf_counter()
        K_test = np.divide(compute(kernel, setting, X_test, X_train), scale, dtype=np.float64, order="C")
        if not np.isfinite(K_test).all():
            raise ValueError(f"the Gram of test and training series is not finite at {found.settings[row]}")
        ballots += [machine.predict(K_test, np.arange(len(K_test))) for _, machine in machines]
        timings["predict"] = timings.get("predict", 0.0) + time.perf_counter() - started
    if chosen is None and found.dropped.any():
        return with_kernel(task, record, X_train, y_train, X_test, timings, deadline, "all")
    if chosen is None:
        raise svm.NotConverged("no setting that cross-validation scored could be refitted on the whole training set")
    setting = method.parameters(found.settings[chosen[0]])
    others = {name: value for name, value in vars(kernel).items() if isinstance(kernel, Kernel) and name not in HOW}
    selected = {**others, **setting, "C": protocol.C[chosen[1]]}
    n_tied = int(np.count_nonzero((found.correct == found.correct[chosen]) & ~found.dropped))
    return Outcome(majority(ballots), selected, float(found.correct[chosen] / found.n), n_tied, gram)


def refit(K, y, choices: list[tuple[int, float]], scale: float, row: dict, protocol: Protocol) -> list[tuple[int, Any]]:
    """Fit each (column, C) on the whole training set.

    Those that do not converge are noted in the grid's row and left out.
    """
    machines = []
    for column, C in choices:
        try:
            machines.append((column, svm.Machine(np.arange(len(y)), y).fit(K, C * scale, protocol.max_iter)))
        except svm.NotConverged as error:
            row["note"] = f"not converged at C={C:g} on the whole training set: {error}"
            continue
        if protocol.tie_break == "first":
            break
    return machines


def majority(ballots: list[np.ndarray]) -> np.ndarray:
    """The label most voters give each case; of equally many, the one that an earlier voter gave."""
    return np.array([Counter(votes).most_common(1)[0][0] for votes in zip(*ballots, strict=True)])


def health(K: np.ndarray, scale: float) -> dict[str, float]:
    """The state of the chosen Gram: its mean diagonal, and, divided by that, its asymmetry and smallest eigenvalue."""
    return {
        "scale": scale,
        "symmetry_error": float(np.abs(K - K.T).max()),
        "smallest_eigenvalue": float(np.linalg.eigvalsh(K)[0]),
    }


def with_classifier(task: Task, record: Record, X_train, y_train, X_test, timings: dict, deadline: float) -> Outcome:
    """Score each setting of a classifier by the same folds, refit the best, and classify the test set."""
    method = task.method
    folds = task.protocol.split(y_train, task.dataset)
    correct = []
    started = time.perf_counter()
    for setting in method.settings():
        if time.monotonic() > deadline:
            raise TaskTimeout(f"stopped after {len(correct)} of {method.n_settings} settings")
        model = method.build(setting)
        hits = (
            np.count_nonzero(clone(model).fit(X_train[fit], y_train[fit]).predict(X_train[held]) == y_train[held])
            for fit, held in folds
        )
        correct.append(sum(hits))
        record.grid.append({**setting, "correct": correct[-1]})
    timings["selection"] = time.perf_counter() - started
    best = int(np.argmax(correct))
    setting = list(method.settings())[best]
    started = time.perf_counter()
    predicted = method.build(setting).fit(X_train, y_train).predict(X_test)
    timings["predict"] = time.perf_counter() - started
    return Outcome(predicted, method.parameters(setting), correct[best] / len(y_train), correct.count(correct[best]))
