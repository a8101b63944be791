"""One task, from its dataset to its record.

Runs in a worker process: no downloads, no MLflow, one thread, and no exception leaves it.
"""

import platform
import re
import resource
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits

import rntk
from datasets import Dataset, DatasetMissing, find, load
from results import store
from results.record import Record
from rntk.base import Kernel
from runners.protocol import NUMERICS, normalise
from runners.selection import NotConverged, Scores, TaskTimeout, compute, fit_svm, predict, scaled, score_grid
from runners.task import Task


@dataclass
class Outcome:
    """What a method made of a dataset: which setting it chose on the training set, and its predictions for the test
    set.
    """

    predicted: np.ndarray
    selected: dict[str, Any]
    cv_accuracy: float
    n_tied: int
    scores: Scores | None = None
    gram: dict[str, float] | None = None


def run_task(task: Task, folder: Path, root: str | None, timeout: float | None = None, threads: int = 1) -> Record:
    """Evaluate a task and write its record under `folder`; whatever goes wrong is in the record.

    `timeout` is in seconds, looked at between settings.
    """
    started = time.perf_counter()
    record = blank_record(task, "failed")
    record.environment = environment(threads)
    timings: dict[str, float] = {}
    try:
        with threads_limited(threads):
            evaluate(task, record, timings, root, time.monotonic() + (timeout or np.inf))
    except DatasetMissing as error:
        record.status, record.reason = "skipped", str(error)
    except TaskTimeout as error:
        record.status, record.reason = "timeout", f"{error} (limit {timeout:g} s)"
    except NotConverged as error:
        record.status, record.reason = "not_converged", str(error)
    except Exception as error:  # a failing task must not stop the others: what happened is its record
        record.status, record.reason, record.traceback = (
            "failed",
            f"{type(error).__name__}: {error}",
            traceback.format_exc(),
        )
    timings["total"] = time.perf_counter() - started
    record.timings = {name: round(seconds, 4) for name, seconds in timings.items()} | {
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    store.write(record, folder)
    return record


def blank_record(task: Task, status: str, reason: str = "") -> Record:
    """A record that says what the task was, and nothing of its result."""
    return Record(
        task.dataset,
        task.method.name,
        task.key,
        status,
        reason,
        dataset_sha256=find(task.dataset).sha256,
        method_config=task.method.as_dict(),
        protocol=task.protocol.as_dict(),
        seeds={"folds": task.protocol.fold_seed(task.dataset)},
    )


def evaluate(task: Task, record: Record, timings: dict, root: str | None, deadline: float) -> None:
    """Select on the training set, then classify the test set, and fill in the record."""
    started = time.perf_counter()
    dataset = load(task.dataset, root, downloads=False)
    how = task.method.normalisation or task.protocol.normalisation
    if how == "published":
        how = {"raw": "none", "z-norm": "zscore"}[find(task.dataset).ed_preprocessing]
    X_train, X_test = normalise(dataset.X_train, how), normalise(dataset.X_test, how)
    classes, y_train = np.unique(dataset.y_train, return_inverse=True)
    record.n_train, record.n_test, record.length = len(X_train), len(X_test), X_train.shape[1]
    record.n_settings = task.method.n_settings
    timings["load"] = time.perf_counter() - started

    classify = with_kernel if task.method.kernel else with_classifier
    outcome = classify(task, record, X_train, y_train, X_test, timings, deadline)

    predicted = classes[outcome.predicted]
    record.status = "ok"
    record.selected, record.cv_accuracy, record.n_tied = outcome.selected, outcome.cv_accuracy, outcome.n_tied
    record.gram = outcome.gram or {}
    record.test_accuracy = float(np.mean(predicted == dataset.y_test))
    record.predictions = predictions(dataset, predicted)


def predictions(dataset: Dataset, predicted: np.ndarray) -> list[dict]:
    """One row a test case."""
    return [
        {"case": i, "label": label, "predicted": guess}
        for i, (label, guess) in enumerate(zip(dataset.y_test, predicted, strict=True))
    ]


def with_kernel(task: Task, record: Record, X_train, y_train, X_test, timings: dict, deadline: float) -> Outcome:
    """Choose the kernel's setting and C, refit on the whole training set, and only then compute the rows of the test
    set.
    """
    protocol, method = task.protocol, task.method
    kernel = method.build()
    if hasattr(kernel, "fit"):
        kernel.fit(X_train)
    folds = protocol.split(y_train, task.dataset)
    scores = score_grid(kernel, method, X_train, y_train, folds, protocol, deadline)
    timings.update(scores.timings)
    record.grid = scores.rows()
    record.n_unusable = int(np.count_nonzero(scores.correct < 0))
    ranking = scores.best_first()
    if not ranking:
        raise NotConverged(f"no setting of the grid is usable; the first says: {scores.notes[0]}")

    best = scores.correct[ranking[0]]
    voters = (
        [choice for choice in ranking if scores.correct[choice] == best] if protocol.tie_break == "vote" else ranking
    )
    chosen, ballots, gram = None, [], {}
    for row, choices in groupby(voters, key=itemgetter(0)):
        if protocol.tie_break == "first" and chosen:
            break
        started = time.perf_counter()
        K, scale = scaled(compute(kernel, scores.settings[row], X_train))
        machines = refit(
            K, y_train, [(column, protocol.C[column]) for _, column in choices], scale, record.grid[row], protocol
        )
        timings["refit"] = timings.get("refit", 0.0) + time.perf_counter() - started
        if not machines:
            continue
        if chosen is None:
            chosen, gram = (row, machines[0][0]), health(K, scale)
        started = time.perf_counter()
        K_test = compute(kernel, scores.settings[row], X_test, X_train) / scale
        ballots += [predict(machine, K_test) for _, machine in machines]
        timings["predict"] = timings.get("predict", 0.0) + time.perf_counter() - started
    if chosen is None:
        raise NotConverged("no setting that cross-validation scored could be refitted on the whole training set")
    setting = method.parameters(scores.settings[chosen[0]])
    fitted = {name: value for name, value in vars(kernel).items() if isinstance(kernel, Kernel) and name not in setting}
    selected = {**setting, **fitted, "C": protocol.C[chosen[1]]}
    n_tied = int(np.count_nonzero(scores.correct == scores.correct[chosen]))
    return Outcome(majority(ballots), selected, float(scores.correct[chosen] / scores.n), n_tied, scores, gram)


def refit(K, y, choices: list[tuple[int, float]], scale: float, row: dict, protocol) -> list[tuple[int, Any]]:
    """Fit each (column, C) on the whole training set.

    Those that do not converge are noted in the grid's row and left out.
    """
    machines = []
    for column, C in choices:
        try:
            machines.append((column, fit_svm(K, y, C * scale, protocol.max_iter)))
        except NotConverged as error:
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


def threads_limited(threads: int):
    """Limit BLAS and the kernel engine to a number of threads."""
    import numba

    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    return threadpool_limits(threads)


def processor() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else []
    return names[0] if names else platform.processor()


@cache
def environment(threads: int) -> dict[str, Any]:
    """What else the numbers may depend on."""
    packages = ("numpy", "scipy", "scikit-learn", "numba", "pandas", "sktime", "joblib", "hydra-core", "mlflow")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": processor(),
        "numerics": NUMERICS,
        "threads": threads,
        "rntk": rntk.__version__,
        **{package: version(package) for package in packages},
    }
