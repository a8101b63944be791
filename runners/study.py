"""A study: the missing tasks of a plan, run in worker processes, each record on disk before anyone hears of it.

One level of parallelism: joblib's loky processes over tasks, one thread each. A worker that dies takes the pool with it, not the study: what is
missing then runs again in fewer workers, and a task that kills the last worker alone is recorded as failed.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from results import store
from results.record import Record
from runners.evaluate import blank_record, run_task
from runners.plan import estimate
from runners.task import Task


def run_tasks(
    tasks: list[Task],
    folder: Path,
    *,
    root: str | None,
    workers: int,
    timeout: float | None = None,
    on_record: Callable[[Record], None] = lambda record: None,
) -> None:
    """Run tasks in the given order on `workers` processes; calls `on_record`, in this process, with each record as it comes in."""
    warm_up()
    costs = {task.key: estimate(task) for task in tasks}
    missing = {task.key: task for task in tasks}
    bar = tqdm(total=sum(costs.values()), desc="study", bar_format=BAR, disable=None, file=sys.stderr)
    started, done = time.perf_counter(), 0.0
    with bar:
        while missing:
            try:
                for record in _parallel(list(missing.values()), folder, root, timeout, workers):
                    del missing[record.key]
                    on_record(record)
                    done += costs[record.key]
                    bar.update(costs[record.key])
                    left = (time.perf_counter() - started) * (sum(costs.values()) - done) / done
                    bar.write(
                        f"[{len(tasks) - len(missing)}/{len(tasks)}] {describe(record)}"
                        + (f", about {left / 60:.0f} min left" if bar.disable else "")
                    )
            except TerminatedWorkerError:
                missing = {key: task for key, task in missing.items() if not _final(task, folder, on_record)}
                if workers > 1:
                    workers -= 1
                    bar.write(f"a worker was killed (out of memory?): going on with {workers}")
                elif missing:
                    culprit = missing.pop(next(iter(missing)))
                    record = blank_record(culprit, "failed", "its worker process was killed (out of memory?)")
                    store.write(record, folder)
                    on_record(record)
                    bar.write(describe(record))


BAR = "{desc} {percentage:3.0f}% |{bar}| {elapsed} gone, about {remaining} left"


def _parallel(tasks, folder, root, timeout, workers):
    # joblib runs a single job in this very process; with two and one dispatched at a time, a task that dies takes only its worker along
    with parallel_config("loky", n_jobs=max(workers, 2), inner_max_num_threads=1):
        yield from Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch=workers)(
            delayed(run_task)(task, folder, root, timeout) for task in tasks
        )


def _final(task: Task, folder: Path, on_record) -> bool:
    """Whether a task's record was written although its worker's answer was lost; then it is passed on now."""
    for path in (Path(folder) / "records").glob(f"{task.dataset}__{task.method.name}__{task.key[:10]}.json"):
        record = store.read_head(path)
        if record.status == "ok":
            on_record(record)
            return True
    return False


def warm_up() -> None:
    """Compile the engine once, here: many processes that compile into one cache at the same time can spoil it."""
    import numpy as np

    from baselines import NTK
    from rntk import RNTK

    X = np.eye(3)
    RNTK()(X, X + 1)
    NTK()(X, X + 1)


def describe(record: Record) -> str:
    """A record in one line."""
    if record.status == "ok":
        return f"{record.dataset} {record.method}: cv {record.cv_accuracy:.4f}, test {record.test_accuracy:.4f}, {record.timings['total']:.1f} s"
    return f"{record.dataset} {record.method}: {record.status}: {record.reason}"
