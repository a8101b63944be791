"""A plan of 10,000 tasks on 100 workers, laid out without running it: `python -m benchmarks.schedule`.

The tasks are those of two reference studies, each again under other names until there are enough. They begin in the plan's order, by
estimates, and take what their records say: so the schedule shows what wrong estimates cost, too. `python -m benchmarks.schedule FOLDER`
draws it: docs/figures/schedule.png.
"""

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.measure import Row, arguments, table
from results import store
from results.figures import COLOURS, figure, save
from runners.method import Method
from runners.plan import END_SECONDS, RECORD_SECONDS, duration, layout, longest_first, shard
from runners.protocol import Protocol
from runners.task import Task

REFERENCE = Path(__file__).parents[1] / "results" / "reference"
STUDIES = ("ucr56", "family")
TASKS, WORKERS = 10_000, 100


@cache
def measured() -> list[tuple[Task, float]]:
    """Tasks of the reference studies, and the seconds that they took."""
    records = [record for study in STUDIES for record in store.study_records(REFERENCE / study)]
    once = {record.key: record for record in records if record.status == "ok"}
    return [
        (Task(record.source, Method(**record.method_config), Protocol(**record.protocol)), record.timings["total"])
        for record in once.values()
    ]


def many(n: int) -> tuple[list[Task], dict[str, float]]:
    """n tasks, those that were measured again and again under other names, and by key what each takes."""
    tasks, taken = [], {}
    for i in count():
        for task, seconds in measured()[: n - len(tasks)]:
            tasks.append(Task(task.source, replace(task.method, name=f"{task.method.name}_{i}"), task.protocol))
            taken[tasks[-1].key] = seconds
        if len(tasks) == n:
            return tasks, taken


def efficiency(spans: Iterable[tuple[int, float, float]], workers: int) -> float:
    """The share of the workers' time, until the last task ends, in which they are busy."""
    spans = list(spans)
    return sum(end - begin for _, begin, end in spans) / (workers * max(end for *_, end in spans))


def gantt(spans: Sequence[tuple[int, float, float]], workers: int) -> Figure:
    """Workers below one another, their tasks over time, and how many of them are busy."""
    end = max(end for *_, end in spans)
    unit, name = (3600, "hours") if end > 7200 else (60, "minutes")

    def draw(made: Figure) -> None:
        above, below = made.subplots(2, sharex=True, height_ratios=[4, 1])
        for colour, parity in ((COLOURS[0], 0), (COLOURS[1], 1)):  # a worker's tasks in turn
            for worker in range(workers):
                bars = [(begin / unit, (stop - begin) / unit) for one, begin, stop in spans if one == worker][parity::2]
                above.broken_barh(bars, (worker, 1), color=colour, linewidth=0, rasterized=True)
        above.set(ylabel="worker", ylim=(workers, 0))
        moments = np.linspace(0, end, 500)
        begun, ended = (np.sort([span[i] for span in spans]) for i in (1, 2))
        busy = np.searchsorted(begun, moments, "right") - np.searchsorted(ended, moments, "right")
        below.fill_between(moments / unit, busy, color=COLOURS[0], linewidth=0)
        below.set(xlabel=f"{name}", ylabel="busy", xlim=(0, end / unit), ylim=(0, workers))

    return figure(draw, 3.4)


def rows() -> list[Row]:
    """How long it takes to lay out, its efficiency, and those of other orders."""
    tasks, taken = many(TASKS)
    began = time.perf_counter()
    spans = layout([taken[task.key] for task in longest_first(tasks)], WORKERS)
    laid_out = time.perf_counter() - began
    known = layout(sorted(taken.values(), reverse=True), WORKERS)
    shuffled = [*taken.values()]
    random.Random(0).shuffle(shuffled)
    mixed = layout(shuffled, WORKERS)
    parts = [sum(taken[task.key] for task in shard(tasks, k, 10)) / (WORKERS / 10) for k in range(1, 11)]
    recording = RECORD_SECONDS * TASKS + END_SECONDS
    return [
        Row(f"{TASKS:,} tasks on {WORKERS} workers: laid out in", f"{laid_out:.2f} s", "", None, "seconds"),
        Row("  its length, against work / workers", *lengths(spans, taken), efficiency(spans, WORKERS), "≥ 0.95"),
        Row("  were all times known", *lengths(known, taken), efficiency(known, WORKERS)),
        Row("  in an order of no meaning", *lengths(mixed, taken), efficiency(mixed, WORKERS)),
        Row(
            "  the longest of 10 shards, against their mean",
            f"{max(parts):.0f} s",
            f"{sum(parts) / 10:.0f} s",
            max(parts) * 10 / sum(parts),
        ),
        Row("  MLflow, kept by the one process that records", duration(recording)),
    ]


def lengths(spans: Sequence[tuple[int, float, float]], taken: dict[str, float]) -> tuple[str, str]:
    """When the last task ends, and when it would if the work could be divided at will."""
    return f"{max(end for *_, end in spans):.0f} s", f"{sum(taken.values()) / WORKERS:.0f} s"


if __name__ == "__main__":
    if folders := arguments(__doc__, 1):
        tasks, taken = many(TASKS)
        spans = layout([taken[task.key] for task in longest_first(tasks)], WORKERS)
        save(gantt(spans, WORKERS), Path(folders[0]), "schedule")
    print(table(rows()))
