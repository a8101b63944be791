"""The plan of a study: which tasks there are, which have a record, and how long the others will take.

Made before any data is loaded, but those of one's own, of which nothing is known before.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapreplace
from pathlib import Path
from types import MappingProxyType

from results import store
from results.index import final_keys
from runners.method import Method
from runners.task import Task

# Seconds on one core of the machine of the reference run, fitted to its records: for the Gram of one setting, a constant,
# a part for each pair of training series, and for each pair and step; for one setting on one fold, over all C and with
# what is dropped, a constant, and a part for each pair, and each series and class.
GRAM_SECONDS = {"rntk.RNTK": (7e-5, 0.0, 6.8e-10), "baselines.NTK": (4.5e-5, 1.1e-8, 0.0)}
UNKNOWN_LENGTH = 300  # of series that differ in length, which the catalogue does not say
FLOAT32 = 0.42  # of the time of float64
OTHER_GRAM_SECONDS = (3e-5, 3e-9, 2e-11)
FOLD_SECONDS = (6e-6, 2.9e-9, 3.3e-7)
EPOCHS, CELL_SECONDS = 30, (1e-7, 1e-10)  # of a training until it is stopped; a step of a series, and of a unit squared
DISTANCE_SECONDS = 2e-9  # of a pair and step, Euclidean
WARPING_SECONDS = (3e-6, 3e-10)  # of a pair, and of each two steps in the band, with what need not be computed
MINIROCKET_SECONDS = (
    24,
    2.6e-6,
    5.2e-6,
)  # a task, a series and step that is transformed, a pair of series that are fitted
# Of the study's own process: until workers run, for each record, and for tables and report.
BEGIN_SECONDS, RECORD_SECONDS, END_SECONDS = 5, 0.25, 10

REFERENCE_PACE = MappingProxyType({"other": 1.0})
LEARNED = 10.0  # seconds of ended tasks from which on they tell more than what was measured before


def parts(task: Task) -> dict[str, float]:
    """About how many seconds a task takes on one core of the reference machine, by the kind of work (`runners.pace`)."""
    entry, method = task.entry, task.method
    n, T = entry.n_train, entry.length or UNKNOWN_LENGTH
    folds = min(task.protocol.folds, n)
    if method.network:
        return {"other": training_seconds(method, n, entry.n_test, T, folds)}
    if method.kernel is None:
        return {"other": 0.1 + classifier_seconds(method, n, entry.n_test, T, folds)}
    target = method.kernel["_target_"]
    constant, pair, pair_step = GRAM_SECONDS.get(target, OTHER_GRAM_SECONDS)
    gram = constant + n**2 * (pair + pair_step * steps(method, T))
    constant, fold_pair, fold_class = FOLD_SECONDS
    fold = constant + fold_pair * n**2 + fold_class * n * entry.n_classes
    at_the_end = gram * (1 + 2 * entry.n_test / n)  # the chosen setting once more, and the test rows
    grams, machines = method.n_settings * gram + at_the_end, method.n_settings * folds * fold
    if target not in GRAM_SECONDS:
        return {"other": 0.1 + grams, "machine": machines}
    dtype = "float32" if method.kernel.get("dtype") == "float32" else "float64"
    return {"other": 0.1, dtype: grams, "machine": machines}


def classifier_seconds(method: Method, n: int, n_test: int, T: int, folds: int) -> float:
    """The same of a classifier: each of its settings on each fold, and the best on the test set."""
    pairs = method.n_settings * n**2 + n * n_test
    if method.config["_target_"] == "baselines.warping.WarpingNeighbour":
        windows = method.axes.get("window", [method.config.get("window", 1)])
        band = sum(min(T, 2 * int(window * T) + 1) for window in windows) / len(windows)
        pair, cell = WARPING_SECONDS
        return pairs * (pair + cell * T * band)
    if is_minirocket(method):
        task, step, pair = MINIROCKET_SECONDS
        return method.n_settings * (task + step * T * (folds * n + n_test) + pair * (folds + 1) * n**2)
    return DISTANCE_SECONDS * pairs * T


def is_minirocket(method: Method) -> bool:
    """Whether a classifier is sktime's MiniRocket, of which is known how long it takes."""
    target = method.config["_target_"].rsplit(".", 1)[-1]
    return target == "RocketClassifier" and method.config.get("rocket_transform") == "minirocket"


def is_known(method: Method) -> bool:
    """Whether anything is known of how long a method takes: not of what others have written, until one of its tasks has ended."""
    return method.config["_target_"].split(".")[0] in ("rntk", "baselines") or is_minirocket(method)


def estimate(task: Task, pace: Mapping[str, float] = REFERENCE_PACE) -> float:
    """About how many seconds a task takes on one core, where work takes `pace` times as long as on the reference machine.

    Of a method that is not known, how long one would that is as fast as ours.
    """
    return sum(seconds * pace.get(kind, pace["other"]) for kind, seconds in parts(task).items())


class Forecast:
    """How long tasks take: as estimated, each method's corrected by how long those of its tasks took that have ended, and until
    they are enough by how long all did.
    """

    def __init__(self, pace: Mapping[str, float] = REFERENCE_PACE):
        self.pace = pace
        self.expected, self.taken = Counter(), Counter()  # seconds by method of what has ended

    def learn(self, task: Task, seconds: float) -> None:
        """Take note of how long a task took."""
        self.expected[task.method.name] += estimate(task, self.pace)
        self.taken[task.method.name] += seconds

    def seconds(self, task: Task) -> float | None:
        """About how long a task takes; None where nobody knows."""
        name, guess = task.method.name, estimate(task, self.pace)
        expected, taken = self.expected[name], self.taken[name]
        if not is_known(task.method):
            return guess * taken / expected if expected else None
        overall = (LEARNED + self.taken.total()) / (LEARNED + self.expected.total())
        return guess * (LEARNED * overall + taken) / (LEARNED + expected)

    def remaining(
        self, tasks: Sequence[Task], workers: int, running: Mapping[str, tuple[float, float]] = MappingProxyType({})
    ) -> float:
        """About how long a study takes that has these tasks to run, to its end.

        Each worker takes the next task when it is free, but no more tasks end than the study's own process can record; `running` is,
        by key, which share of a task is done and the seconds that took. Tasks of which nobody knows how long they take are left out.
        """
        left = []
        for task in tasks:
            share, seconds = running.get(task.key, (0.0, 0.0))
            guess = self.seconds(task) or 0.0
            slower = (LEARNED + seconds) / (LEARNED + guess * share) if share else 1.0
            left.append(guess * (1 - share) * slower)
        ends = [end for _, _, end in layout(left, workers)]
        return max(*ends, 0.0, self.own(RECORD_SECONDS * len(tasks))) + self.own(END_SECONDS)

    def own(self, seconds: float) -> float:
        """How long what is no task takes, from what it takes on the reference machine."""
        return seconds * self.pace["other"]

    def unknown(self, tasks: Iterable[Task]) -> list[str]:
        """The methods of which nobody knows how long they take."""
        return list(dict.fromkeys(task.method.name for task in tasks if self.seconds(task) is None))


def training_seconds(method: Method, n: int, n_test: int, T: int, folds: int) -> float:
    """About how many seconds the trainings of a network take: of the batches of all folds and settings, and of all seeds."""

    def values(name, default):
        return method.axes.get(name, [method.network.get(name, default)])

    cell = CELL_SECONDS[1] * (3 if "GRU" in method.network["_target_"] else 1)
    unit_steps = sum(d * (CELL_SECONDS[0] + cell * w**2) for d in values("depth", 1) for w in values("width", 100))
    runs = len(values("learning_rate", 0.01)) * (method.network.get("folds") or folds)
    seeds = method.network.get("seeds", 3) / len(values("depth", 1)) / len(values("width", 100))
    return 12 + EPOCHS * (runs + seeds) * max(n, 100) * T * unit_steps


def steps(method: Method, T: int) -> float:
    """How many steps of one layer a pair takes, on average over the grid."""

    def mean(name, default, cost):
        values = method.axes.get(name, [method.kernel.get(name, default)])
        return sum(map(cost, values)) / len(values)

    return (
        mean("depth", 1, float)
        * mean("direction", "forward", lambda way: 2 if way == "both" else 1)
        * mean("readout", "last", lambda readout: T**2 if readout == "mean" else T)
        * mean("dtype", "float64", lambda dtype: FLOAT32 if dtype == "float32" else 1)
    )


@dataclass(frozen=True)
class Plan:
    """The tasks of a study: those that have a final record, and those to run, longest first; and what is wrong with records that are
    damaged, by folder and the file name of the head.
    """

    done: list[Task]
    to_run: list[Task]
    damaged: dict[tuple[Path, str], str] = field(default_factory=dict)

    @property
    def tasks(self) -> list[Task]:
        """All of them."""
        return self.done + self.to_run

    @property
    def able(self) -> list[Task]:
        """Those to run whose packages are there."""
        return [task for task in self.to_run if not task.method.absent]

    def describe(self, workers: int, forecast: Forecast) -> str:
        """The plan in one line."""
        if not self.to_run:
            return f"{len(self.done)} of {len(self.tasks)} done, nothing to run"
        time = duration(forecast.own(BEGIN_SECONDS) + forecast.remaining(self.able, workers))
        with_workers = f"about {time} with {workers} worker{'s' if workers > 1 else ''}"
        unknown = forecast.unknown(self.able)
        and_more = f", and what {', '.join(unknown)} takes, which is not known" if unknown else ""
        return f"{len(self.done)} of {len(self.tasks)} done, {len(self.to_run)} to run, {with_workers}{and_more}"


def make_plan(tasks: list[Task], folder: Path) -> Plan:
    """Split tasks into those with a final record of the same key, under `folder` or beside it, and those to run, longest
    first; records that are damaged count for none.
    """
    final, damaged = set(), {}
    for place in store.folders(folder):
        keys, faults = final_keys(place)
        final |= keys
        damaged |= {(place, name): fault for name, fault in faults.items()}
    done = [task for task in tasks if task.key in final]
    return Plan(done, longest_first(task for task in tasks if task.key not in final), damaged)


def shard(tasks: Iterable[Task], k: int, n: int) -> list[Task]:
    """The k-th of n parts of tasks, in their order: each task, longest first, goes to the part that has least to do.

    No task is in two parts, and none in no part; they depend on the estimates alone, and neither on the machine nor on what is done.
    """
    ordered = longest_first(tasks)
    parts = [part for part, _, _ in layout(map(estimate, ordered), n)]
    mine = {task.key for task, part in zip(ordered, parts, strict=True) if part == k - 1}
    return [task for task in tasks if task.key in mine]


def layout(seconds: Iterable[float], workers: int) -> list[tuple[int, float, float]]:
    """Of tasks that begin in this order, each on the worker that is free first: its worker, when it begins and when it ends."""
    free, spans = [(0.0, worker) for worker in range(workers)], []
    for taken in seconds:
        begin, worker = free[0]
        heapreplace(free, (begin + taken, worker))
        spans.append((worker, begin, begin + taken))
    return spans


def longest_first(tasks: Iterable[Task]) -> list[Task]:
    """Tasks in the order in which they begin."""
    return sorted(tasks, key=lambda task: (-estimate(task), task.dataset, task.method.name))


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
