"""The tasks of a study on a Dask cluster (`executor=dask`): futures, longest first, each in a process of its own beside its worker.

A worker is a process of `python -m dask worker`, started in a checkout of this same code. It runs tasks in processes of its threads,
not in the threads: there the limits of a task hold as on one machine, a task that dies takes no worker along, and one that is no longer
wanted, because its study was ended or is gone, can be killed. A task is tried again where its process or its worker dies, then once more
when no other is running, and has failed after that.
"""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait
from contextlib import suppress
from functools import cache
from hashlib import sha256
from itertools import count
from multiprocessing.util import Finalize
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import NamedTemporaryFile
from threading import Event
from uuid import uuid4

from distributed import Client, Future, KilledWorker, get_worker
from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

from datasets import DataError, Dataset, DatasetMissing, load
from datasets.fetch import fetch
from results import store
from results.record import Record
from runners.environment import environment
from runners.evaluate import blank_record, computed
from runners.study import TICK, TRIES, Progress, Work, serve
from runners.task import Task

PATIENCE = 5  # seconds until a scheduler has to answer
MATTERS = ("code", "python", "numpy", "scipy", "scikit-learn", "numba", "sktime", "distributed")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class Unfit(ValueError):
    """A worker that cannot compute what this study would; says which, why, and what to do."""


class Died(RuntimeError):
    """The process of a task was killed."""


class Cluster:
    """The workers of the Dask scheduler at an address, as an executor of `runners.study.run_tasks`.

    `output` says who writes records: "returned", this process, to which they come; "shared", the workers, into a folder that all see.
    `data` says where datasets come from: "shipped", from this process, once to a worker; "shared", from what each worker finds. Raises
    ValueError where the scheduler does not answer, it has no workers, or one is `Unfit`.
    """

    def __init__(self, scheduler: str, output: str, data: str):
        self.scheduler, self.output, self.data = scheduler, output, data
        try:
            self.client = Client(scheduler, timeout=PATIENCE, set_as_default=False, name="rntk-study")
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(
                f"executor.scheduler={scheduler}: no scheduler answers there ({error}); start one (`python -m dask scheduler`), "
                f"or mend the address"
            ) from error

    def __enter__(self) -> "Cluster":
        try:
            self._check_versions()
        except BaseException:
            self.client.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.client.close()

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""
        return sum(worker["nthreads"] for worker in self.client.scheduler_info(n_workers=-1)["workers"].values())

    def __call__(
        self, tasks: list[Task], workers: int, work: Work, asked: Event, progress: Progress
    ) -> Iterator[Record]:
        """The records of tasks, each on disk, until all are there or it is `asked` to end. Raises ValueError where a worker is `Unfit`
        or the scheduler is gone, after what runs then has ended.
        """
        root = work.root and str(Path(work.root).absolute())
        self._check_places(tasks, work.folder, root)
        folder = Path(work.folder).absolute() if self.output == "shared" else None
        shipped, run = {}, f"0{uuid4().hex[:8]}"

        def submit(task: Task, priority: int) -> Future:
            dataset = None
            if self.data == "shipped":
                place = task.source, task.protocol.missing
                if place not in shipped:  # the dataset is in the graph: a worker that dies with it loses nothing
                    shipped[place] = self.client.submit(
                        held, loaded(*place, work.root), key=f"rntk_data-{run}-{len(shipped)}", priority=len(tasks)
                    )
                dataset = shipped[place]
            return self.client.submit(
                on_worker,
                task,
                dataset,
                about(),
                folder,
                root,
                work.limits,
                work.scores,
                key=f"rntk_task-{run}-{task.dataset}-{task.method.name}-{next(numbers)}",
                priority=priority,
                retries=TRIES - 1,
                pure=False,
            )

        numbers, suspects = count(), []
        for task, record in self._ended(tasks, submit, asked, progress):
            if record is None:
                suspects.append(task)
                progress.say(
                    f"{task.dataset} {task.method.name}: killed with its worker; tried again alone, at the end"
                )
            else:
                yield self._written(record, work.folder)
        for suspect in suspects:
            for task, record in self._ended([suspect], submit, asked, progress):
                if record is None:
                    reason = f"its process or its worker was killed {TRIES} times (out of memory?)"
                    record = blank_record(task, "failed", reason)
                    store.write(record, work.folder)
                    yield record
                else:
                    yield self._written(record, work.folder)

    def _written(self, record: Record, folder: Path) -> Record:
        if self.output == "returned":
            store.write(record, folder)
        return record

    def _ended(self, tasks, submit, asked, progress) -> Iterator[tuple[Task, Record | None]]:
        """Tasks as they end, with their records; None of one whose workers died."""
        ended, running, fault, begun, waiting = SimpleQueue(), {}, None, True, False
        for i, task in enumerate(tasks):
            if asked.is_set():
                return
            future = submit(task, len(tasks) - i)
            running[future.key] = task, future
            future.add_done_callback(ended.put)
        try:
            while running:
                if begun and (asked.is_set() or fault):
                    begun = False
                    self._begin_no_more([future for _, future in running.values()])
                try:
                    future = ended.get(timeout=TICK)
                except Empty:
                    waiting = self._waits(waiting, progress)
                    progress.workers = self.workers or 1
                    continue
                task, _ = running.pop(future.key)
                try:
                    yield task, future.result()
                except (KilledWorker, Died):
                    yield task, None
                except Unfit as error:
                    fault = error
                except CancelledError as error:
                    if begun:
                        raise ValueError(
                            f"the scheduler {self.scheduler} is gone, or has forgotten this study: start it again, and run the same "
                            f"command again: what is recorded is kept"
                        ) from error
        finally:
            with suppress(Exception):  # nobody there to be told
                self.client.cancel([future for _, future in running.values()])
        if fault:
            raise fault

    def _begin_no_more(self, futures: list[Future]) -> None:
        """Take back the tasks that no worker has begun."""
        begun = {key for keys in self.client.run(executing).values() for key in keys}
        self.client.cancel([future for future in futures if future.key not in begun and not future.done()])

    def _waits(self, waiting: bool, progress: Progress) -> bool:
        """Whether there is no worker, which is said where it was not `waiting` for one before."""
        if self.workers:
            return False
        if not waiting:
            progress.say(f"no worker is left at {self.scheduler}: waiting for one (Ctrl-C twice ends this)")
        return True

    def _check_versions(self) -> None:
        """Raise ValueError where there are no workers, or one is of another version."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise ValueError(
                f"executor.scheduler={self.scheduler}: it has no workers; start some in a checkout "
                f"(`python -m dask worker {self.scheduler}`)"
            )
        faults = []
        for address, found in self.client.run(about, on_error="return").items():
            if isinstance(found, Exception):
                faults.append(
                    f"worker {address} cannot load this study ({type(found).__name__}: {found}): start it in a checkout, "
                    f"with its packages, by `python -m dask worker {self.scheduler}` "
                    f"(`dask worker` alone does not look into the folder that it is started in)"
                )
            elif fault := difference(address, found, about()):
                faults.append(fault)
        if faults:
            raise Unfit("\n".join(faults))

    def _check_places(self, tasks: list[Task], folder: Path, root: str | None) -> None:
        """Raise ValueError where a worker does not see the folder or the data that it is to share."""
        if self.output == "shared":
            Path(folder).mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=folder, prefix=".seen-") as file:
                seen = self.client.run(os.path.exists, os.path.abspath(file.name))
            if blind := sorted(address for address, found in seen.items() if not found):
                raise Unfit(
                    f"{', '.join(blind)} {'do' if len(blind) > 1 else 'does'} not see {folder}, into which workers are to write: "
                    f"name an output folder on a file system that all share, or let records come back, executor.output=returned"
                )
        if self.data == "shared":
            sources = sorted({task.source for task in tasks})
            lacking = {address: names for address, names in self.client.run(absent, sources, root).items() if names}
            if lacking:
                raise Unfit("\n".join(without(address, names) for address, names in sorted(lacking.items())))


def without(address: str, names: list[str]) -> str:
    """What is said of a worker that lacks datasets."""
    return (
        f"worker {address} has no {', '.join(names)}: give it RNTK_DATA or data.root, a folder that it sees, or have them shipped, "
        f"executor.data=shipped"
    )


def difference(address: str, theirs: dict, ours: dict) -> str | None:
    """In what a worker differs from this process so that its results might; None where in nothing."""
    differ = [f"{name} {theirs.get(name)}, here {ours[name]}" for name in MATTERS if theirs.get(name) != ours[name]]
    if not differ:
        return None
    return f"worker {address} is of another version: {'; '.join(differ)}: start it in the same checkout and environment as this study"


@cache
def about() -> dict[str, str]:
    """What results of this process depend on besides their tasks: a hash of the code, and versions."""
    from importlib.metadata import version

    code, root = sha256(), Path(__file__).parents[1]
    for package in ("baselines", "datasets", "results", "rntk", "runners"):
        for path in sorted((root / package).rglob("*.py")):
            code.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    found = environment()
    python = ".".join(found["python"].split(".")[:2])
    return found | {"python": python, "distributed": version("distributed"), "code": code.hexdigest()[:12]}


def held(dataset: Dataset | None) -> Dataset | None:
    """A dataset, as a task of its own, whose result goes to each worker that needs it, once."""
    return dataset


def loaded(source: str, missing: str | None, root: str | None) -> Dataset | None:
    """A task's dataset; None where it cannot be had, of which the task's record will say why."""
    try:
        return load(source, root, downloads=False, missing=missing)
    except (DataError, DatasetMissing, ValueError):
        return None


def absent(sources: list[str], root: str | None) -> list[str]:
    """Those of datasets that this process would not find."""
    names = []
    for source in sources:
        try:
            names += fetch([source], root, downloads=False)
        except ValueError:  # a path of one's own
            names.append(source)
    return names


def executing(dask_worker) -> list[str]:
    """The keys of what a worker is computing."""
    return [task.key for task in dask_worker.state.executing]


def on_worker(
    task: Task, dataset: Dataset | None, ours: dict, folder: Path | None, root: str | None, limits, scores: str
) -> Record:
    """A task's record, computed beside this worker, and written where it has a folder. Raises Unfit, Died."""
    address = get_worker().address
    if fault := difference(address, about(), ours):
        raise Unfit(fault)
    record = in_process(work_on, os.getpid(), task, dataset, folder, root, limits, scores)
    if record.status == "skipped" and dataset is None:
        raise Unfit(f"{without(address, [task.dataset])} ({record.reason})")
    return record


def work_on(parent: int, task: Task, dataset: Dataset | None, folder: Path | None, root, limits, scores) -> Record:
    """Compute a task in a process of its own; a record of data that are not there is not written."""
    serve(parent)
    record = computed(task, root, limits, 1, scores, dataset)
    if folder and record.status != "skipped":
        store.write(record, folder)
    return record


_THREAD = threading.local()


def in_process(function, *arguments):
    """The result of a function, from the process of this thread, which begins with the first. Raises Died where it is killed, and where
    the scheduler has taken back the task that this thread works on, whose process is then killed.
    """
    if not hasattr(_THREAD, "pool"):
        multiprocessing.current_process().daemon = False  # a nanny's worker is one, and would have no children
        _THREAD.pool = pool = ProcessPoolExecutor(1, env=ONE_THREAD)
        Finalize(
            None, pool.shutdown, kwargs={"kill_workers": True}, exitpriority=1
        )  # or a worker that ends waits for it
    worker, future = get_worker(), _THREAD.pool.submit(function, *arguments)
    key = worker.get_current_task()
    try:
        while not wait([future], timeout=TICK).done:
            if worker.state.tasks[key].state == "cancelled":
                raise Died("the task was taken back")
        return future.result()
    except (BrokenProcessPool, Died) as error:
        _THREAD.pool.shutdown(wait=False, kill_workers=True)
        del _THREAD.pool
        raise Died(f"the process of the task was killed ({error})") from error
