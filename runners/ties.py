"""How much of a result is the luck of a tie: `python -m runners.ties outputs/ucr56`.

Where several (setting, C) of a kernel reach the best score of cross-validation, the first in grid order is the study's choice. Here
all of them are refitted and scored on the test set, by the same functions, and `ties.csv` in the study's folder says how far their test
accuracies lie apart. It is for reporting alone: nothing is chosen by it, and no record is written.

Killed and started again, it goes on where it was.
"""

import argparse
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from datasets import Dataset, DatasetMissing, load
from results import store
from results.integrity import telling
from results.record import Record
from results.tables import markdown
from results.ties import COLUMNS, TIES, read_ties, readable, row_of, summary
from results.writing import write_text
from rntk.svm.grams import Grams
from rntk.svm.machine import Machine
from rntk.svm.scores import without_factor
from runners.environment import limit_threads
from runners.evaluate import prepared
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task


def write_ties(folder: Path, to: Path | None = None, root: str | None = None) -> dict[str, str]:
    """Write what the tied choices of the study in `folder` are worth (to `folder`/ties.csv, or `to`), one row a kernel's task, each as
    it is computed; rows that are there of the same tasks stay.

    Returns for each dataset that cannot be had why. Raises ValueError where no kernel has a record, and for one that today's code
    or data do not bear out.
    """
    records = [record for record in store.study_records(folder) if record.status == "ok" and kernel_of(record)]
    if not records:
        raise ValueError(f"{folder} holds no record of a kernel: run the study first, or name a folder that has some")
    to = Path(to or Path(folder) / TIES)
    tasks = {record.key: task_of(record) for record in records}
    rows = {row["key"]: row for row in read_ties(to).to_dict("records") if row["key"] in tasks} if to.exists() else {}
    missing: dict[str, str] = {}
    with limit_threads(1):
        for record in tqdm(records, desc="ties", disable=None, file=sys.stderr):
            if record.key in rows or record.dataset in missing:
                continue
            try:
                dataset = load(record.source, root, downloads=False, missing=tasks[record.key].protocol.missing)
            except DatasetMissing as error:
                missing[record.dataset] = str(error)
                continue
            rows[record.key] = row_of(record, *tied_accuracies(record, folder, tasks[record.key], dataset))
            done = sorted(rows.values(), key=lambda row: (row["dataset"], row["method"]))
            write_text(to, store.to_csv([{name: row[name] for name in COLUMNS} for row in done]))
    return missing


def kernel_of(record: Record) -> bool:
    """Whether a record is of a kernel, of whose settings and C one was chosen."""
    return record.method_config.get("kernel") is not None


def task_of(record: Record) -> Task:
    """The task of a record. Raises ValueError where today's code gives it another key, or no single setting was chosen."""
    name = f"{record.dataset} {record.method}"
    task = Task(record.source, Method(**record.method_config), Protocol(**record.protocol))
    if task.key != record.key:
        raise ValueError(f"the record of {name} is of other code or data than today's: run the study again")
    if task.protocol.tie_break != "first":
        raise ValueError(f"{name}: with tie_break={task.protocol.tie_break} all tied settings are the choice")
    return task


def tied_accuracies(record: Record, folder: Path, task: Task, dataset: Dataset) -> tuple[int, list[float]]:
    """How many (setting, C) tie for a record's best score, and the test accuracies of those that can be refitted, in grid order, C
    ascending: the first is that of the study's choice.

    Raises ValueError where that is not the setting, or not the test accuracy, of the record.
    """
    protocol, settings = task.protocol, list(task.method.settings())
    pairs = tied_pairs(record, folder, protocol)
    X_train, X_test = prepared(dataset, task.method, protocol)
    classes, y = np.unique(dataset.y_train, return_inverse=True)
    kernel = task.method.build()
    if hasattr(kernel, "fit"):
        kernel.fit(X_train)
    grams, machine = Grams(kernel, X_train), Machine(np.arange(len(y)), y)
    found, accuracies = [], []
    for row, columns in groupby(pairs, key=lambda pair: pair[0]):
        setting, factor = without_factor(kernel, settings[row])
        K, scale = grams.train(setting)
        K_test = np.divide(grams.test(setting, X_test), scale, dtype=np.float64, order="C")
        for _, column in columns:
            (solution,) = machine.path(K, [protocol.C[column] * scale * factor], protocol.max_iter)
            if not solution.problem:
                found.append({**settings[row], "C": protocol.C[column]})
                accuracies.append(float(np.mean(classes[solution.predict(K_test)] == dataset.y_test)))
    chosen = {name: record.selected[name] for name in (*task.method.axes, "C")}
    if not found or (found[0], accuracies[0]) != (chosen, record.test_accuracy):
        again = f"{found[0]}, right on {accuracies[0]:.4f}" if found else "none"
        raise ValueError(
            f"the record of {record.dataset} {record.method} chose {chosen}, right on {record.test_accuracy:.4f} of the test set, "
            f"and refitted here the first of the tied is {again}: run the study again on this machine"
        )
    return len(pairs), accuracies


def tied_pairs(record: Record, folder: Path, protocol: Protocol) -> list[tuple[int, int]]:
    """The indices of setting and C that reach a record's best score, in grid order, C ascending.

    Raises ValueError where they are not as many as the record says.
    """
    best = str(round(record.cv_accuracy * record.n_train))
    grid = store.read_table(record, folder, "grid")
    cells = [[cells[f"C={c:g}"] for c in protocol.C] for cells in grid]
    pairs = [(row, column) for row, found in enumerate(cells) for column, cell in enumerate(found) if cell == best]
    if len(pairs) != record.n_tied:
        raise ValueError(
            f"the record of {record.dataset} {record.method} says that {record.n_tied} tied, and its grid table has {len(pairs)}"
        )
    return pairs


@telling
def main() -> int:
    """Refit what tied in a study's records, write `ties.csv`, and print what it says."""
    parser = argparse.ArgumentParser(
        description="Score all choices that tied in cross-validation on the test set, for reporting alone."
    )
    parser.add_argument("folder", type=Path, help="the study's folder, e.g. outputs/ucr56 or results/reference/ucr56")
    parser.add_argument("--to", type=Path, metavar="FILE", help=f"where to write (default: {TIES} in the folder)")
    parser.add_argument("--root", metavar="DATA", help="a folder in the archive's layout (default: RNTK_DATA)")
    arguments = parser.parse_args()
    try:
        missing = write_ties(arguments.folder, arguments.to, arguments.root)
        rows = read_ties(arguments.to or arguments.folder / TIES)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped: what is done is written; run the same command again to go on", file=sys.stderr)
        return 130
    print(markdown(readable(summary(rows)), f"{rows.dataset.nunique()} datasets."))
    for dataset, reason in missing.items():
        print(f"missing: {dataset}: {reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
