"""Selection on the training set, refit, and the predictions for the test set: all a method does, without a test label."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone

from results.record import Record
from rntk.base import Kernel
from rntk.svm.scores import OutOfTime
from rntk.svm.search import Search, health
from rntk.waiting import each
from runners.environment import quiet_jax, trainers
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
    if isinstance(kernel, Kernel) and not kernel.takes_unequal_lengths:
        check_one_length(X_train, task, kernel)
    if hasattr(kernel, "fit"):
        kernel.fit(X_train)
    search = Search(
        kernel, list(method.settings()), protocol.C, protocol.max_iter, protocol.tie_break, every=scores == "all"
    )
    try:
        search.fit(X_train, y_train, protocol.split(y_train, task.dataset), deadline)
        predicted = search.predict(X_test)
    finally:
        timings.update(search.timings)
        if search.scores:
            record.grid = search.scores.rows()
            record.n_unusable = int(np.count_nonzero(search.scores.correct < 0))
    fixed = {name: value for name, value in vars(kernel).items() if isinstance(kernel, Kernel) and name not in HOW}
    selected = {**fixed, **method.parameters(search.setting), "C": search.best_C}
    return Outcome(predicted, selected, search.cv_accuracy, search.n_tied, health(*search.gram))


def check_one_length(X_train, task: Task, model: Any) -> None:
    """Raise ValueError where series of several lengths are given to what takes those of one."""
    if isinstance(X_train, list):
        raise ValueError(
            f"{task.dataset} has series of {min(map(len, X_train))} to {max(map(len, X_train))} steps, and {type(model).__name__} "
            f"compares those of one length: set the method's `lengths` to pad, cut or resample"
        )


def as_taken(X: np.ndarray, model: Any) -> np.ndarray:
    """Series of several channels, (n, T, m), as a classifier takes them: sktime's as (n, m, T); one that says `takes_channels` as they
    are; any other as vectors, (n, T·m), as the kernels of vectors do. Of one channel they stay (n, T).
    """
    if X.ndim == 2 or getattr(model, "takes_channels", False):
        return X
    return X.transpose(0, 2, 1) if hasattr(model, "get_tag") else X.reshape(len(X), -1)


def with_network(task: Task, record: Record, X_train, y_train, X_test, timings: dict, deadline: float) -> Outcome:
    """Choose a network's setting, train it on the whole training set from several seeds, and classify the test set with each."""
    from baselines.selection import NetworkSearch
    from baselines.training import forget_programs

    quiet_jax()
    protocol, method = task.protocol, task.method
    record.environment = record.environment | trainers()  # that of the process is shared
    network = method.build()
    search = NetworkSearch(network, list(method.settings()), protocol.fold_seed(task.dataset))
    try:
        search.fit(X_train, y_train, protocol.split(y_train, task.dataset, network.folds), deadline)
        predicted = search.predict(X_test)
    finally:
        timings.update(search.timings)
        record.grid, record.curves, record.runs = search.rows, search.curves, search.runs
        record.n_unusable = sum(row["correct"] < 0 for row in search.rows)
        forget_programs()
    record.seeds["networks"] = search.seed
    return Outcome(predicted, method.parameters(search.setting), search.cv_accuracy, search.n_tied)


def with_classifier(task: Task, record: Record, X_train, y_train, X_test, timings: dict, deadline: float) -> Outcome:
    """Score each setting of a classifier by the same folds, refit the best, and classify the test set.

    A classifier with a `random_state` that its config leaves open gets the dataset's seed.
    """
    method, protocol = task.method, task.protocol
    check_one_length(X_train, task, method.build())
    X_train, X_test = (as_taken(X, method.build()) for X in (X_train, X_test))
    record.environment = record.environment | method.packages
    folds = protocol.split(y_train, task.dataset)
    seed = protocol.fold_seed(task.dataset) >> 1  # 31 bits: some take no more

    def build(setting):
        model = method.build(setting)
        if getattr(model, "random_state", seed) is None:
            model.set_params(random_state=seed)
            record.seeds["classifier"] = seed
        return model

    correct = []
    started = time.perf_counter()
    for setting in each(method.settings(), "settings"):
        if time.monotonic() > deadline:
            raise OutOfTime(f"stopped after {len(correct)} of {method.n_settings} settings")
        model = build(setting)
        hits = (
            np.count_nonzero(clone(model).fit(X_train[fit], y_train[fit]).predict(X_train[held]) == y_train[held])
            for fit, held in each(folds, "")
        )
        correct.append(sum(hits))
        record.grid.append({**setting, "correct": correct[-1]})
    timings["selection"] = time.perf_counter() - started
    best = int(np.argmax(correct))
    setting = list(method.settings())[best]
    started = time.perf_counter()
    predicted = build(setting).fit(X_train, y_train).predict(X_test)
    timings["predict"] = time.perf_counter() - started
    return Outcome(predicted, method.parameters(setting), correct[best] / len(y_train), correct.count(correct[best]))
