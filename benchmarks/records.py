"""How long it takes to plan a study of which all is done, and to look one task up, beside many records: `python -m benchmarks.records`.

The plan is made three times: without an index, which opens every record, then with it, and with it after a record was damaged. The
lookup is what `runners.run` does. Times are of this machine: that of reading the same number of files stands beside them.

At last: what it takes to write the records of the reference run, and to track them, against the work of its tasks (on another machine).
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.study import REFERENCE
from results.index import final_keys
from results.integrity import sealed
from results.record import TABLES, Record
from results.store import RECORDS, heads, read_files, read_table, to_csv, write, write_pack
from runners.config import quiet_mlflow
from runners.evaluate import recorded
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task
from runners.view.tracker import Tracker

METHOD = Method("rbf", kernel={"_target_": "baselines.RBF", "gamma": [0.1, 1.0, 10.0]})


def write_many(folder: Path, n: int) -> None:
    """Write n records as a study has them, of a hundred test cases each, without waiting for the disk."""
    records = folder / RECORDS
    records.mkdir(parents=True)
    rows = [{"case": i, "label": "1", "predicted": str(i % 2)} for i in range(100)]
    tables = {"predictions": to_csv(rows).encode(), "grid": b"gamma,C=1,note\n" + b"0.1,55,\n" * 3}
    for i in range(n):
        key = f"{i:064x}"[::-1]
        record = Record(
            "Coffee", f"rbf_{i}", key, "ok", cv_accuracy=0.55, test_accuracy=0.5, n_tied=1, n_test=100, n_train=100,
            method_config=METHOD.as_dict(), protocol=Protocol().as_dict(), timings={"total": 1.0},
        )  # fmt: skip
        for name, content in tables.items():
            (records / f"{record.name}.{name}.csv").write_bytes(content)
        (records / f"{record.name}.json").write_bytes(sealed(record.head(), tables))


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def clocks(call: Callable[[], object]) -> tuple[float, float]:
    """How long a call takes, and for how long it has a processor."""
    began = time.process_time()
    return seconds(call), time.process_time() - began


def main(n: int = 100_000) -> None:
    """Print a line a measurement."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "study"
        print(f"{n} records written in {seconds(lambda: write_many(folder, n)):.1f} s")
        time.sleep(3)  # what is younger than two seconds is not trusted to the index
        files = list((folder / RECORDS).iterdir())
        print(f"{len(files)} files read in {seconds(lambda: [path.read_bytes() for path in files]):.1f} s")
        print(f"plan without an index: {seconds(lambda: final_keys(folder)):.1f} s")
        print(f"plan with it: {seconds(lambda: final_keys(folder)):.2f} s")
        files[0].write_bytes(b"")
        print(f"plan with it, a file damaged: {seconds(lambda: final_keys(folder)):.2f} s")
        print(f"one task: {1e3 * seconds(lambda: recorded(Task('Coffee', METHOD, Protocol()), folder)):.1f} ms")


def overhead() -> None:
    """Print what records and tracking add to the work of the reference run."""
    quiet_mlflow()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "ucr56"
        write_pack(folder, read_files(REFERENCE))
        records = list(heads(folder))
        whole = [replace(one, **{name: read_table(one, folder, name) for name in TABLES}) for one in records]
        written = clocks(lambda: [write(one, Path(temporary) / "again") for one in whole])
        tracker = Tracker("ucr56", f"sqlite:///{temporary}/mlflow.db", Path(temporary))
        tracked = clocks(lambda: [tracker.log(one, folder) for one in records])
    work = sum(one.timings["total"] for one in records)
    print(
        f"{len(records)} records, of {work:.0f} s of work, whose workers go on while their process waits for the disk"
    )
    for what, i in (("a processor's", 1), ("all", 0)):
        share = (written[i] + tracked[i]) / work
        print(f"{what} time: {written[i]:.1f} s to write, {tracked[i]:.1f} s to track, {share:.1%} of the work")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
    overhead()
