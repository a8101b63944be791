"""What a finished study says of itself: its time against its plan, its memory, and how busy its cores were.

`python -m benchmarks.study outputs/ucr56` for another than the reference run.
"""

from datetime import datetime
from pathlib import Path

from benchmarks.measure import Row, arguments, table
from results import store
from runners.method import Method
from runners.plan import estimate
from runners.protocol import Protocol
from runners.task import Task

REFERENCE = Path(__file__).parents[1] / "results" / "reference" / "ucr56"
OTHERS = 12  # the last tasks, when a core may have nothing left to do


def rows(folder: Path = REFERENCE) -> list[Row]:
    """The share of a study's records in the table."""
    records = [record for record in store.study_records(folder) if record.status == "ok"]
    spans = sorted(
        (datetime.fromisoformat(record.timings["finished"]).timestamp(), record.timings["total"]) for record in records
    )
    began = min(end - total for end, total in spans)
    wall = spans[-1][0] - began
    work = sum(total for _, total in spans)
    tasks = [Task(record.source, Method(**record.method_config), Protocol(**record.protocol)) for record in records]
    planned = sum(map(estimate, tasks))
    until = spans[-OTHERS][0]
    busy = sum(max(0.0, total - max(0.0, end - until)) for end, total in spans)
    workers = round(work / wall)
    return [
        Row(
            f"study {folder.name}, {len(records)} tasks, {workers} workers: time",
            f"{wall / 60:.1f} min",
            "",
            None,
            "≤ 15 min",
        ),
        Row(
            "  its plan against what it took",
            f"{planned / 60:.1f} min of work",
            f"{work / 60:.1f} min",
            planned / work,
            "0.7 to 1.3",
        ),
        Row(
            "  a worker's memory",
            f"{max(record.timings['peak_memory_mib'] for record in records)} MiB",
            "",
            None,
            "≤ 1.5 GiB",
        ),
        Row(
            f"  cores busy until the last {OTHERS} tasks",
            "",
            "",
            busy / (workers * (until - began)),
            "≥ 0.95",
        ),
    ]


if __name__ == "__main__":
    print(table(rows(*map(Path, arguments(__doc__, 1)))))
