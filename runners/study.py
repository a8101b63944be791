"""A study: the missing tasks of a plan, run in worker processes, each record on disk before anyone hears of it.

One level of parallelism: joblib's loky processes over tasks, one thread each. A worker that dies takes the pool with
it, not the study: what is missing then runs again in fewer workers, and a task that kills the last worker alone is
recorded as failed.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Thread

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from results import store
from results.record import Record
from runners.evaluate import blank_record, run_task
from runners.plan import duration, estimate
from runners.task import Task


def run_tasks(
    tasks: list[Task],
    folder: Path,
    *,
    root: str | None,
    workers: int,
    timeout: float | None = None,
    scores: str = "best",
    on_record: Callable[[Record], None] = lambda record: None,
) -> None:
    """Run tasks in the given order on `workers` processes.

    Calls `on_record`, in this process, with each record as it comes in.
    """
    if not tasks:
        return
    missing = {task.key: task for task in tasks}
    with Progress(tasks) as progress:

        def take(record: Record) -> None:
            del missing[record.key]
            on_record(record)
            progress.advance(record)

        while missing:
            since = datetime.now(UTC).replace(microsecond=0)
            try:
                for record in _parallel(list(missing.values()), workers, folder, root, timeout, 1, scores):
                    take(record)
            except TerminatedWorkerError:
                for record in _lost(missing, folder, since):
                    take(record)
                if workers > 1:
                    workers -= 1
                    progress.say(f"a worker was killed (out of memory?): going on with {workers}")
                elif missing:
                    culprit = next(iter(missing.values()))
                    record = blank_record(culprit, "failed", "its worker process was killed (out of memory?)")
                    store.write(record, folder)
                    take(record)


class Progress:
    """One bar for a study, by estimated work and not by the number of tasks; a line a record where nobody watches a bar."""

    FORMAT = "{desc} {percentage:3.0f}% |{bar}| {elapsed} gone, about {remaining} left"

    def __init__(self, tasks: list[Task]):
        self.costs = {task.key: estimate(task) for task in tasks}
        self.left = set(self.costs)
        self.started = time.perf_counter()

    def __enter__(self):
        self.bar = tqdm(
            total=sum(self.costs.values()), desc="study", bar_format=self.FORMAT, disable=None, file=sys.stderr
        )
        return self

    def __exit__(self, *_):
        self.bar.close()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        tqdm.write(text, file=sys.stderr)

    def advance(self, record: Record) -> None:
        """Count a record in, and say how it ended."""
        self.left.discard(record.key)
        self.bar.update(self.costs[record.key])
        to_do = sum(self.costs[key] for key in self.left)
        gone = time.perf_counter() - self.started
        remaining = gone * to_do / (sum(self.costs.values()) - to_do)
        line = f"[{len(self.costs) - len(self.left)}/{len(self.costs)}] {describe(record)}"
        self.say(f"{line}, about {duration(remaining)} left" if self.bar.disable else line)


def _parallel(tasks, workers, *arguments):
    # joblib runs a single job in this very process; with two and one dispatched at a time, a task that dies takes
    # only its worker along
    with parallel_config("loky", n_jobs=max(workers, 2), inner_max_num_threads=1):
        yield from Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch=workers)(
            delayed(_work)(os.getpid(), task, *arguments) for task in tasks
        )


def _work(parent: int, *arguments) -> Record:
    _end_with(parent)
    return run_task(*arguments)


@cache
def _end_with(parent: int) -> None:
    """End this worker when the study's process is gone: a killed study must not compute on beside the one that resumes it."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _lost(missing: dict[str, Task], folder: Path, since: datetime) -> list[Record]:
    """Records that a pool wrote since it began, although its answers were lost with it."""
    written = [record for record in store.heads(folder) if record.key in missing and "finished" in record.timings]
    return [record for record in written if datetime.fromisoformat(record.timings["finished"]) >= since]


def describe(record: Record) -> str:
    """A record in one line."""
    if record.status == "ok":
        scores = f"cv {record.cv_accuracy:.4f}, test {record.test_accuracy:.4f}"
        return f"{record.dataset} {record.method}: {scores}, {record.timings['total']:.1f} s"
    return f"{record.dataset} {record.method}: {record.status}: {record.reason}"
