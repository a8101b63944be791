"""The plan of a study: which tasks there are, which have a record, and how long the others will take.

Made before any data is loaded.
"""

from dataclasses import dataclass
from pathlib import Path

from datasets import find
from results import store
from results.record import FINAL
from runners.task import Task

# One core's seconds, measured on the study itself: per pair, step and setting for kernels with a recursion over time
# or depth, per pair and series value for the others; and for the SVM per fold and setting, with a part that grows
# with the Gram.
SECONDS_PER_STEP = {"rntk.RNTK": 2.4e-9 / 2, "baselines.NTK": 1e-10}
SECONDS_PER_STEP_OTHER = 1e-9
SECONDS_PER_FOLD = 1.5e-3
SECONDS_PER_FOLD_ENTRY = 3e-8


def estimate(task: Task) -> float:
    """About how many seconds a task takes on one core."""
    entry = find(task.dataset)
    if task.method.kernel is None:
        return 2e-9 * (entry.n_train + entry.n_test) * entry.n_train * entry.length + 0.1
    rate = SECONDS_PER_STEP.get(task.method.kernel["_target_"], SECONDS_PER_STEP_OTHER)
    gram = rate * entry.n_train**2 * entry.length
    folds = min(task.protocol.folds, entry.n_train) * (SECONDS_PER_FOLD + SECONDS_PER_FOLD_ENTRY * entry.n_train**2)
    return task.method.n_settings * (gram + folds) + 0.1


@dataclass(frozen=True)
class Plan:
    """The tasks of a study: those that have a final record, and those to run, longest first."""

    done: list[Task]
    to_run: list[Task]

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
    """Split tasks into those with a final record of the same key under `folder` and those to run, longest first."""
    final = {record.key for record in store.heads(folder) if record.status in FINAL}
    done = [task for task in tasks if task.key in final]
    to_run = sorted(
        (task for task in tasks if task.key not in final),
        key=lambda task: (-estimate(task), task.dataset, task.method.name),
    )
    return Plan(done, to_run)


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
