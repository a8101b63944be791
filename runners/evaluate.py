"""One task, from its dataset to its record.

Runs in a worker process: no downloads, no MLflow, and no exception leaves it.
"""

import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from datasets import DataError, Dataset, DatasetMissing, catalogue, load
from datasets.catalogue import Entry
from datasets.lengths import length_of, one_length
from results import store
from results.record import Record
from rntk.machine import peak_memory
from rntk.normalisation import normalise
from rntk.svm.machine import NotConverged
from rntk.svm.scores import OutOfTime
from runners.classify import with_classifier, with_kernel, with_network
from runners.environment import environment, limit_threads
from runners.limits import NO_LIMITS, Limits, limited
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task


def run_task(
    task: Task,
    folder: Path,
    root: str | None,
    limits: Limits = NO_LIMITS,
    threads: int = 1,
    scores: str = "best",
) -> Record:
    """Evaluate a task and write its record under `folder`; see `computed`."""
    record = computed(task, root, limits, threads, scores)
    store.write(record, folder)
    return record


def computed(
    task: Task,
    root: str | None,
    limits: Limits = NO_LIMITS,
    threads: int = 1,
    scores: str = "best",
    dataset: Dataset | None = None,
) -> Record:
    """Evaluate a task; whatever goes wrong is in the record.

    `scores` says whether all settings are scored to the end (`rntk.svm.scores`); `dataset` is the task's, where it was loaded before.
    """
    started = time.perf_counter()
    record = blank_record(task, "failed")
    record.environment = environment()
    timings: dict[str, float] = {}
    try:
        with limit_threads(threads), limited(limits):
            deadline = time.monotonic() + (limits.timeout or np.inf)
            loading = time.perf_counter()
            if dataset is None:
                dataset = load(task.source, root, downloads=False, missing=task.protocol.missing)
            evaluate(task, dataset, record, timings, loading, deadline, scores)
    except DatasetMissing as error:
        record.status, record.reason = "skipped", str(error)
    except OutOfTime as error:
        record.status, record.reason = "timeout", f"{error} (limit {limits.timeout:g} s)"
    except MemoryError as error:
        limit = f" (limit {limits.memory:g} GiB)" if limits.memory else ""
        record.status, record.reason = "memory", f"{error or 'more memory was needed than there is'}{limit}"
    except NotConverged as error:
        record.status, record.reason = "not_converged", str(error)
    except Exception as error:  # a failing task must not stop the others: what happened is its record
        record.reason, record.traceback = f"{type(error).__name__}: {error}", traceback.format_exc()
    timings["total"] = time.perf_counter() - started
    record.timings = {name: round(seconds, 4) for name, seconds in timings.items()} | {
        "threads": threads,
        "peak_memory_mib": round(peak_memory() / 2**20),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return record


def recorded(task: Task, folder: Path) -> Record | None:
    """The record of a task under `folder`, looked for by its name; None where there is none. Raises Damage where it is damaged."""
    name = head_of(task)
    if store.read_file(folder, name) is None:
        return None
    record = store.sound(folder, name)
    return record if record.key == task.key else None


def head_of(task: Task) -> str:
    """The name of the file that holds the head of a task's record."""
    return f"{blank_record(task, 'failed').name}.json"


def blank_record(task: Task, status: str, reason: str = "") -> Record:
    """A record that says what the task was, and nothing of its result."""
    return Record(
        task.dataset,
        task.method.name,
        task.key,
        status,
        reason,
        dataset_sha256=task.entry.sha256,
        method_config=task.method.as_dict(),
        protocol=task.protocol.as_dict(),
        seeds={"folds": task.protocol.fold_seed(task.dataset)},
        own=facts(task.entry) if task.entry.is_own else {},
    )


def facts(entry: Entry) -> dict:
    """What a record says of a dataset of one's own: where it came from, its channels, how it was split, and what to know of its
    labels.
    """
    said = {"source": entry.source, "channels": entry.channels, "split": entry.split, "notes": list(entry.notes)}
    return {name: value for name, value in said.items() if value}


def evaluate(
    task: Task, dataset: Dataset, record: Record, timings: dict, loading: float, deadline: float, scores: str
) -> None:
    """Select on the training set, then classify the test set, and fill in the record; `loading` is when the dataset began to be loaded."""
    if dataset.sha256 != task.entry.sha256:
        raise DataError(
            f"{dataset.name} is not what it was when the task was planned: its files changed, or its function does not return "
            f"the same each time (give it a seed): run again"
        )
    X_train, X_test = prepared(dataset, task.method, task.protocol)
    classes, y_train = np.unique(dataset.y_train, return_inverse=True)
    record.n_train, record.n_test = len(X_train), len(X_test)
    record.length = None if isinstance(X_train, list) else X_train.shape[1]
    record.n_settings = task.method.n_settings
    timings["load"] = time.perf_counter() - loading

    data = X_train, y_train, X_test, timings, deadline
    if task.method.kernel:
        outcome = with_kernel(task, record, *data, scores)
    else:
        outcome = (with_network if task.method.network else with_classifier)(task, record, *data)

    predicted = classes[outcome.predicted]
    record.selected, record.cv_accuracy, record.n_tied = outcome.selected, outcome.cv_accuracy, outcome.n_tied
    record.gram = outcome.gram
    if record.runs:
        trained = [run for run in record.runs if not run["diverged"]]
        for run, labels in zip(trained, predicted, strict=True):
            run["test_accuracy"] = float(np.mean(labels == dataset.y_test))
            record.predictions += predictions(dataset, labels, seed=run["seed"])
    else:
        record.predictions = predictions(dataset, predicted)
    record.test_accuracy = float(np.mean(predicted == dataset.y_test))
    record.succeed()


def prepared(dataset: Dataset, method: Method, protocol: Protocol) -> list:
    """The training and test series as a method takes them: arrays, or lists where lengths differ and it takes them as they are.

    Series are cut or resampled before they are normalised, and padded after; but for the published errors they were padded
    before, to the width of the files.
    """
    how, lengths, sets = (
        method.normalisation or protocol.normalisation,
        method.lengths,
        (dataset.X_train, dataset.X_test),
    )
    if how == "published":
        how = published_normalisation(dataset.name)
        if dataset.ragged:
            sets = [one_length(X, "pad", dataset.width) for X in sets]
    elif dataset.ragged and lengths:
        T = length_of(dataset.X_train, lengths)
        if lengths == "pad":
            return [one_length(normalised(X, how), lengths, T) for X in sets]
        sets = [one_length(X, lengths, T) for X in sets]
    return [normalised(X, how) for X in sets]


def normalised(X: np.ndarray | list[np.ndarray], how: str) -> np.ndarray | list[np.ndarray]:
    """Each series normalised by itself, of one length or of several: its norm is over all channels and steps, mean and standard
    deviation are of each channel (as `rntk.classifier` has it).
    """
    if isinstance(X, list):
        return [normalise(x, how, None if how == "unit" and x.ndim == 2 else 0) for x in X]
    return normalise(X, how, (1, 2) if how == "unit" and X.ndim == 3 else 1)


def published_normalisation(dataset: str) -> str:
    """What the archive's published 1-NN error was computed on; raises ValueError where that is not known.

    Of series of unequal lengths it is the z-score where it is not known: so it was of all others but one. Of a dataset of one's own,
    which has no published error, it is the z-score too.
    """
    known = {"raw": "none", "interp/zero-pad": "none", "z-norm": "zscore"}
    if dataset not in catalogue():
        return "zscore"
    entry = catalogue()[dataset]
    if entry.ed_preprocessing not in known and entry.length is not None:
        raise ValueError(f"how {dataset} was normalised for its published error is not known: set method.normalisation")
    return known.get(entry.ed_preprocessing, "zscore")


def predictions(dataset: Dataset, predicted: np.ndarray, **of: int) -> list[dict]:
    """One row a test case."""
    return [
        {**of, "case": i, "label": label, "predicted": guess}
        for i, (label, guess) in enumerate(zip(dataset.y_test, predicted, strict=True))
    ]
