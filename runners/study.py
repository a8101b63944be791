"""A study: the missing tasks of a plan, run in worker processes, each record on disk before anyone hears of it.

One level of parallelism: an executor over tasks, one thread each. `on_loky`, here, has joblib's processes on this machine;
`runners.cluster` has those of a Dask cluster. Where a worker dies or cannot begin, joblib's pool ends, and the study goes on: one worker
fewer runs what is missing, and each small group of tasks that ends well adds a worker again, up to the number that was asked for. A task
has failed when its worker died TRIES times while no other task was running.
"""

import errno
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool
from tqdm import tqdm

from results import store
from results.integrity import Damage
from results.record import Record
from rntk.waiting import SOON, Watch, watched
from runners.ending import asked_once
from runners.evaluate import blank_record, recorded, run_task
from runners.limits import NO_LIMITS, Limits
from runners.plan import Forecast, duration
from runners.task import Task

TRIES = 3
NO_ROOM = (errno.ENOMEM, errno.EAGAIN)  # for another process
TICK = 1.0  # seconds between two looks at how far the running tasks are


@dataclass(frozen=True)
class Work:
    """What the tasks of a study have in common: the folder of its records and that of the data, the limits, which scores are computed
    to the end, and a folder for reports of how far they are.
    """

    folder: Path
    root: str | None
    limits: Limits
    scores: str
    reports: str


def run_tasks(
    tasks: list[Task],
    folder: Path,
    *,
    root: str | None,
    workers: int,
    limits: Limits = NO_LIMITS,
    scores: str = "best",
    on_record: Callable[[Record], None] = lambda record: None,
    forecast: Forecast | None = None,
    executor: Callable[[list[Task], int, Work, Event, "Progress"], Iterator[Record]] | None = None,
) -> None:
    """Run tasks in the given order on `workers` processes.

    `executor` gives the records as they come in, each already on disk (None: `on_loky`), and `on_record` is called with them in this
    process. `forecast` says how long tasks take, and learns. After a Ctrl-C those that run are finished, and KeyboardInterrupt is
    raised; after a second one at once.
    """
    if not tasks:
        return
    left = len(tasks)
    with (
        TemporaryDirectory(prefix="rntk-") as reports,
        Progress(tasks, workers, forecast, Path(reports)) as progress,
        asked_once() as asked,
    ):
        work = Work(folder, root, limits, scores, reports)
        with closing((executor or on_loky)(tasks, workers, work, asked, progress)) as records:
            for record in records:
                left -= 1
                on_record(record)
                progress.advance(record)
        if left:
            raise KeyboardInterrupt


def on_loky(tasks: list[Task], workers: int, work: Work, asked: Event, progress: "Progress") -> Iterator[Record]:
    """The records of tasks, from `workers` processes of this machine, until all are there or it is `asked` to end."""
    missing, most, deaths = {task.key: task for task in tasks}, workers, Counter()
    while missing and not asked.is_set():
        since, progress.workers = datetime.now(UTC).replace(microsecond=0), workers
        some = list(missing.values())[: None if workers == most else 2 * workers]
        try:
            for record in _parallel(
                some, workers, asked, work.reports, work.folder, work.root, work.limits, 1, work.scores
            ):
                del missing[record.key]
                yield record
            workers = min(workers + 1, most)
        except (BrokenProcessPool, OSError) as error:
            if isinstance(error, OSError) and error.errno not in NO_ROOM:
                raise
            for record in _lost(missing, work.folder, since):
                del missing[record.key]
                yield record
            if workers > 1:
                workers -= 1
                progress.say(f"a worker was killed, or could not begin (out of memory?): going on with {workers}")
            elif missing:
                culprit = next(iter(missing.values()))
                deaths[culprit.key] += 1
                if deaths[culprit.key] == TRIES:
                    reason = f"its worker process was killed {TRIES} times, or could not begin (out of memory?)"
                    record = blank_record(culprit, "failed", reason)
                    store.write(record, work.folder)
                    del missing[record.key]
                    yield record


class Progress:
    """One bar for a study, by time and not by the number of tasks, that says how far the running tasks are; a line a record where
    nobody watches a bar.
    """

    FORMAT = "{desc} {percentage:3.0f}% |{bar}| {elapsed} gone{postfix}"

    def __init__(self, tasks: list[Task], workers: int, forecast: Forecast | None, reports: Path):
        self.tasks, self.workers, self.reports = {task.key: task for task in tasks}, workers, reports
        self.left = self.tasks.copy()
        self.forecast = Forecast() if forecast is None else forecast
        self.started, self.ended, self.lock = time.perf_counter(), Event(), Lock()

    def __enter__(self):
        self.bar = tqdm(total=1.0, desc="study", bar_format=self.FORMAT, disable=None, file=sys.stderr)
        self.watcher = Thread(target=self._watch, daemon=True)
        if not self.bar.disable:
            self.watcher.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        if self.watcher.is_alive():
            self.watcher.join()
        self.bar.close()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        tqdm.write(text, file=sys.stderr)

    def advance(self, record: Record) -> None:
        """Count a record in, and say how it ended."""
        with self.lock:
            task = self.left.pop(record.key)
            if record.status == "ok":
                self.forecast.learn(task, record.timings["total"])
            remaining, _ = self.outlook()
        line = f"[{len(self.tasks) - len(self.left)}/{len(self.tasks)}] {describe(record)}"
        self.say(f"{line}, about {duration(remaining)} left" if self.bar.disable else line)

    def outlook(self) -> tuple[float, str]:
        """About how many seconds are left, and how far the running tasks are."""
        found = {path.name: read(path) for path in sorted(self.reports.iterdir()) if path.name in self.left}
        running = {key: report for key, report in found.items() if report}
        times = {key: (share, seconds) for key, (share, seconds, _) in running.items()}
        words = [
            f"{self.tasks[key].dataset} {self.tasks[key].method.name} {said}" for key, (*_, said) in running.items()
        ]
        return self.forecast.remaining(list(self.left.values()), self.workers, times), "; ".join(words)

    def _watch(self) -> None:
        while not self.ended.wait(TICK):
            with self.lock:
                remaining, running = self.outlook()
            gone = time.perf_counter() - self.started
            self.bar.n = gone / (gone + remaining)
            self.bar.set_postfix_str(f"about {duration(remaining)} left" + (f"; {running}" if running else ""))


class Report:
    """A task's own word on how far it is, in a file, for the process that waits for it: from SOON on, once a second."""

    def __init__(self, path: Path):
        self.path, self.share, self.began, self.next = path, 0.0, time.monotonic(), SOON

    def __call__(self, watch: Watch) -> None:
        self.share = max(self.share, watch.share)  # what comes after the grid begins anew
        gone = time.monotonic() - self.began
        if watch.loops and gone > self.next:
            self.next = gone + TICK
            with suppress(OSError):  # a full disk, or nobody there to read: no reason to fail
                self.path.write_text(f"{self.share} {gone} {str(watch.loops[0]) or f'{watch.share:.0%}'}\n")


def read(path: Path) -> tuple[float, float, str] | None:
    """The share that is done, for how many seconds, and in words; None while it is being written."""
    share, _, rest = path.read_text().partition(" ")
    seconds, _, said = rest.partition(" ")
    return (float(share), float(seconds), said.strip()) if said.endswith("\n") else None


def _parallel(tasks, workers, asked, *arguments):
    def to_begin():
        for task in tasks:
            if asked.is_set():
                return
            yield delayed(_work)(os.getpid(), task, *arguments)

    # joblib runs a single job in this very process; with two and one dispatched at a time, a task that dies takes
    # only its worker along
    with parallel_config("loky", n_jobs=max(workers, 2), inner_max_num_threads=1):
        yield from Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch=workers)(to_begin())


def _work(parent: int, task: Task, reports: str, *arguments) -> Record:
    serve(parent)
    with watched(Watch(Report(Path(reports) / task.key))):
        return run_task(task, *arguments)


@cache
def serve(parent: int) -> None:
    """Make this process a worker of another: quiet, deaf to Ctrl-C, and ended when that is gone: a killed study must not compute on
    beside the one that resumes it.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal sends it to all: the study's process says what comes of it
    os.environ["RNTK_QUIET"] = "1"  # what is compiled the study's process has said

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _lost(missing: dict[str, Task], folder: Path, since: datetime) -> list[Record]:
    """Records that a pool wrote since it began, although its answers were lost with it."""
    found = []
    for task in missing.values():
        with suppress(Damage):
            record = recorded(task, folder)
            if record and "finished" in record.timings and datetime.fromisoformat(record.timings["finished"]) >= since:
                found.append(record)
    return found


def describe(record: Record) -> str:
    """A record in one line."""
    if record.status == "ok":
        scores = f"cv {record.cv_accuracy:.4f}, test {record.test_accuracy:.4f}"
        return f"{record.dataset} {record.method}: {scores}, {record.timings['total']:.1f} s"
    return f"{record.dataset} {record.method}: {record.status}: {record.reason}"
