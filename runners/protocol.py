"""The protocol: how series are normalised, how the training set is folded, which C are tried and how ties are broken."""

from dataclasses import asdict, dataclass
from hashlib import sha256

import numpy as np

from rntk.base import FLOAT_MAX, is_number
from rntk.normalisation import NORMALISATIONS
from rntk.svm.folds import folds

TIE_BREAKS = ("first", "vote")
MOST_FOLDS = 1000  # more than the training sets of the 56 have series: each is then left out by itself
MOST_SEEDS = 2**32  # as NumPy and scikit-learn have it
MOST_ITERATIONS = 2**31 - 1

NUMERICS = 4  # raised when a change of the code changes results, so that older records are not taken for the new ones
TRAINING = 1  # the same for what trains networks, and for their tasks alone


@dataclass(frozen=True)
class Protocol:
    """What is the same for every task of a study.

    normalisation: "unit" divides each series by its Euclidean norm, "zscore" subtracts its mean and divides by its
    standard deviation, "none".
    folds: number of cross-validation folds on the training set, 2 to 1,000; fewer where there are fewer series. C: the SVM's C
    values, > 0, ascending. tie_break: "first" in grid order, or "vote" of all tied settings. seed: of the fold shuffle, joined with
    the dataset's name, 0 to 2³² − 1.
    max_iter: iterations after which one SVM is given up as not converged. missing: "interpolate" for datasets with missing
    values, which are refused otherwise.

    Raises ValueError for anything else.
    """

    normalisation: str = "unit"
    folds: int = 10
    C: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    tie_break: str = "first"
    seed: int = 0
    max_iter: int = 100_000
    missing: str | None = None

    def __post_init__(self):
        if not (isinstance(self.C, list | tuple) and all(map(is_number, self.C))):
            raise ValueError(f"protocol.C={self.C!r}: a list of numbers is needed")
        choices = {"normalisation": NORMALISATIONS, "tie_break": TIE_BREAKS, "missing": (None, "interpolate")}
        for name, valid in choices.items():
            if getattr(self, name) not in valid:
                raise ValueError(
                    f"protocol.{name}={getattr(self, name)!r} is unknown: choose one of {', '.join(map(str, valid))}"
                )
        ranges = {"folds": (2, MOST_FOLDS), "seed": (0, MOST_SEEDS - 1), "max_iter": (1, MOST_ITERATIONS)}
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ValueError(f"protocol.{name}={value!r}: a whole number from {least} to {most} is needed")
        if not self.C or any(not 0 < c <= FLOAT_MAX for c in self.C) or list(self.C) != sorted(set(self.C)):
            raise ValueError(f"protocol.C={list(self.C)}: finite values > 0 in ascending order are needed")
        object.__setattr__(self, "C", tuple(map(float, self.C)))

    def as_dict(self) -> dict:
        """The protocol as plain values, for keys and records; `missing` where it says something."""
        return {name: value for name, value in asdict(self).items() if value is not None} | {"C": list(self.C)}

    def fold_seed(self, dataset: str) -> int:
        """The seed of a dataset's folds: from the protocol's seed and the dataset's name, the same for all methods
        and in any order of tasks.
        """
        return int.from_bytes(sha256(f"{self.seed}:{dataset}".encode()).digest()[:4], "big")

    def split(self, y: np.ndarray, dataset: str, count: int | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
        """The dataset's folds, as `rntk.svm.folds` makes them, as pairs of training and validation indices; `count` of them
        where a method has a number of its own.
        """
        return folds(y, count or self.folds, self.fold_seed(dataset))
