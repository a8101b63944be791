"""The plan of a study: which tasks there are, which have a record, and how long the others will take.

Made before any data is loaded, but those of one's own, of which nothing is known before.
"""

from dataclasses import dataclass, field
from pathlib import Path

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


def estimate(task: Task) -> float:
    """About how many seconds a task takes on one core."""
    entry = task.entry
    n, T = entry.n_train, entry.length or UNKNOWN_LENGTH
    if task.method.network:
        return training_seconds(task.method, n, entry.n_test, T, task.protocol.folds)
    if task.method.kernel is None:
        return 0.1 + task.method.n_settings * 2e-9 * n * (n + entry.n_test) * T
    constant, pair, pair_step = GRAM_SECONDS.get(task.method.kernel["_target_"], OTHER_GRAM_SECONDS)
    gram = constant + n**2 * (pair + pair_step * steps(task.method, T))
    constant, fold_pair, fold_class = FOLD_SECONDS
    fold = constant + fold_pair * n**2 + fold_class * n * entry.n_classes
    at_the_end = gram * (1 + 2 * entry.n_test / n)  # the chosen setting once more, and the test rows
    return 0.1 + task.method.n_settings * (gram + min(task.protocol.folds, n) * fold) + at_the_end


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

    def seconds(self, workers: int) -> float:
        """About how long the missing tasks take: the work shared among workers, but never less than the longest task."""
        costs = [estimate(task) for task in self.to_run]
        return max(sum(costs) / workers, max(costs, default=0.0))

    def describe(self, workers: int) -> str:
        """The plan in one line."""
        if not self.to_run:
            return f"{len(self.done)} of {len(self.tasks)} done, nothing to run"
        time = f"about {duration(self.seconds(workers))} with {workers} worker{'s' if workers > 1 else ''}"
        return f"{len(self.done)} of {len(self.tasks)} done, {len(self.to_run)} to run, {time}"


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
    to_run = sorted(
        (task for task in tasks if task.key not in final),
        key=lambda task: (-estimate(task), task.dataset, task.method.name),
    )
    return Plan(done, to_run, damaged)


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
