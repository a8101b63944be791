"""The record: what one task, a dataset and a method under a protocol, produced.

It is the result; everything else is made from it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from numbers import Integral, Real
from typing import get_args, get_origin, get_type_hints

import numpy as np

STATUSES = ("ok", "failed", "timeout", "memory", "not_converged", "skipped")
TABLES = ("grid", "predictions", "curves")
FINAL = ("ok", "not_converged")  # the others are tried again when the study runs again


@dataclass
class Record:
    """One task's result.

    `selected` is flat: every hyperparameter of the chosen setting by name, those the grid holds fixed included, and
    C. `cv_accuracy` and `test_accuracy` are shares in [0, 1], or None where there are none; `n_tied` counts the
    (setting, C) pairs that reached the best score, the chosen one included, `n_unusable` those found to have no score.
    `timings` holds everything that may differ between two runs of the same task: seconds by stage, threads, peak
    memory of the process in MiB, the time of day.

    Of a network that was trained from several seeds, `runs` says for each of them for how many epochs, with what test accuracy,
    and whether it diverged; `test_accuracy` is their mean.

    `own` is of a dataset of one's own: its `source`, which `datasets.load` takes, the number of its `channels`, how it was `split`
    where it came without a test part, and `notes` on its labels.

    `grid`, `predictions` and `curves` are tables of their own (`results.store`): one row a setting with its hyperparameters,
    the number of training cases classified correctly in cross-validation for each C (−1 where the SVM did not
    converge or the Gram was unusable, "<=41" where it was dropped, as it could reach no more than 41 and others reach
    more) and a note; one row a test case (and run, where there are several) with its label and the prediction; of networks, one
    row a setting and epoch. `tables` has the checksum of each that was written (`results.integrity`).

    Raises ValueError for a value of another type, and for a status that there is not.
    """

    dataset: str
    method: str
    key: str
    status: str
    reason: str = ""
    traceback: str = ""
    selected: dict = field(default_factory=dict)
    cv_accuracy: float | None = None
    test_accuracy: float | None = None
    n_tied: int | None = None
    n_settings: int | None = None
    n_unusable: int | None = None
    n_train: int | None = None
    n_test: int | None = None
    length: int | None = None
    dataset_sha256: str = ""
    own: dict = field(default_factory=dict)
    method_config: dict = field(default_factory=dict)
    protocol: dict = field(default_factory=dict)
    seeds: dict = field(default_factory=dict)
    runs: list[dict] = field(default_factory=list)
    gram: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    timings: dict = field(default_factory=dict)
    grid: list[dict] = field(default_factory=list)
    predictions: list[dict] = field(default_factory=list)
    curves: list[dict] = field(default_factory=list)
    tables: dict = field(default_factory=dict)

    def __post_init__(self):
        for name, types in TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, types) or isinstance(value, bool):
                raise ValueError(f"{name}={value!r}: {' or '.join(one.__name__ for one in types)} is needed")
        if self.status not in STATUSES:
            raise ValueError(f"status={self.status!r}: a record's status is one of {', '.join(STATUSES)}")

    @property
    def is_final(self) -> bool:
        """Whether the task need not run again. One that says `ok` and lacks what that promises is damaged (`results.integrity`)."""
        return self.status in FINAL

    def succeed(self) -> None:
        """Set the status to `ok`. Raises ValueError where the record does not hold what that promises."""
        lacking = self.lacking()
        if lacking:
            raise ValueError(f"{self.dataset} {self.method}: a record of status ok needs {' and '.join(lacking)}")
        self.status = "ok"

    def lacking(self, right: Sequence[bool] | None = None) -> list[str]:
        """What `ok` promises and the record does not hold: its scores, and a prediction for every test case (from every run that
        did not diverge), of which `test_accuracy` is the share that is right. `right` says it of each, of predictions in a file.
        """
        if right is None:
            right = [row["predicted"] == row["label"] for row in self.predictions]
        runs = sum(not run["diverged"] for run in self.runs) if self.runs else 1
        holds = {
            "a cv_accuracy in [0, 1]": self.cv_accuracy is not None and 0 <= self.cv_accuracy <= 1,
            "an n_tied of at least 1": self.n_tied is not None and self.n_tied >= 1,
            f"predictions for {self.n_test} test cases": self.n_test is not None and len(right) == runs * self.n_test,
            "the test_accuracy of its predictions": bool(right) and self.test_accuracy == np.mean(right),
        }
        return [what for what, there in holds.items() if not there]

    def head(self) -> dict:
        """The record without its tables, as plain JSON types; runs, and what is said of one's own data, only where there is something."""
        return {
            name: plain(value)
            for name, value in asdict(self).items()
            if name not in (*TABLES, "tables") and (name not in ("runs", "own") or value)
        }

    @property
    def source(self) -> str:
        """What `datasets.load` takes for the record's dataset."""
        return self.own.get("source", self.dataset)

    @property
    def spread(self) -> float | None:
        """The standard deviation (n − 1) of the test accuracy over runs; None where there are fewer than two."""
        found = [run["test_accuracy"] for run in self.runs if "test_accuracy" in run]
        return float(np.std(found, ddof=1)) if len(found) > 1 else None

    @property
    def name(self) -> str:
        """The record's file name without its ending: dataset, method and the beginning of the key."""
        return f"{self.dataset}__{self.method}__{self.key[:10]}"


NUMBERS = {float: Real, int: Integral}  # NumPy's too
TYPES = {
    name: (get_origin(kind),)
    if get_origin(kind) is list
    else tuple(NUMBERS.get(one, one) for one in get_args(kind) or [kind])
    for name, kind in get_type_hints(Record).items()
}


def plain(value):
    """A value as JSON holds it: NumPy scalars become Python's, at any depth."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
