"""Pictures of the kernels that a study chose: their Grams, and which steps of a series they look at.

python -m runners.pictures results/reference/family --datasets GunPoint Trace --methods rntk rntk_family rbf

Computes, from a study's records, the Gram of the training set at the chosen setting of each method, and for the RNTKs among them the
sensitivity to each step of one training series a class. Series are read from what lies on this machine. A readout at every step
(`mean`) takes T² steps of a series: minutes at some hundred steps.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from datasets import load
from results.figures.attention import attention
from results.figures.grams import gram_pictures
from results.figures.study import Drawing
from results.figures.style import CHANNELS
from results.integrity import telling
from results.record import Record
from results.store import study_records
from rntk import RNTK
from rntk.sensitivity import sensitivity
from rntk.svm.grams import Grams
from runners.evaluate import prepared
from runners.method import Method
from runners.protocol import Protocol

CLASSES = 6  # whose series are drawn, the first ones


@dataclass(frozen=True)
class Chosen:
    """The kernel that a record's task chose, with the training series as it takes them, and their labels."""

    record: Record
    grams: Grams
    setting: dict
    y: np.ndarray

    @property
    def kernel(self) -> Callable:
        """The kernel at the chosen setting."""
        return self.grams.at(self.setting)

    def gram(self) -> np.ndarray:
        """K / s of the training set, s the mean diagonal, as the machine gets it."""
        return self.grams.train(self.setting)[0]


def chosen(record: Record, root: str | None = None) -> Chosen:
    """The kernel of a record, with the series of its dataset under its protocol.

    Raises ValueError where the record is of no kernel or has no result, or its dataset cannot be had.
    """
    if record.status != "ok":
        raise ValueError(f"{record.dataset} {record.method} has no result: {record.status}")
    method, protocol = Method(**record.method_config), Protocol(**record.protocol)
    if not method.kernel:
        raise ValueError(f"{method.name} is a {method.kind}: it has no Gram")
    dataset = load(record.source, root, downloads=False, missing=protocol.missing)
    X, _ = prepared(dataset, method, protocol)
    kernel = method.build()
    if hasattr(kernel, "fit"):
        kernel.fit(X)
    setting = {name: record.selected[name] for name in method.axes}
    return Chosen(record, Grams(kernel, X), setting, dataset.y_train)


def examples(X: Sequence[np.ndarray], y: np.ndarray) -> dict[str, int]:
    """A training series of each of the first CLASSES classes: that nearest to the mean of its class, or the first where lengths
    differ.
    """
    found = {}
    for label in sorted(np.unique(y), key=lambda label: (len(label), label))[:CLASSES]:
        where = np.flatnonzero(y == label)
        if isinstance(X, list):
            found[str(label)] = int(where[0])
        else:
            off = np.linalg.norm((X[where] - X[where].mean(axis=0)).reshape(len(where), -1), axis=1)
            found[str(label)] = int(where[off.argmin()])
    return found


def steps_looked_at(kernel: RNTK, X: Sequence[np.ndarray], i: int) -> np.ndarray:
    """The mean over the other training series y of |∂k(x_i, y)/∂x_{i,t}|, for every step t, and channel where there are several: an
    array of the shape of X[i].
    """
    others = [*X[:i], *X[i + 1 :]] if isinstance(X, list) else np.delete(X, i, axis=0)
    return np.abs(sensitivity(kernel, X[i], others)).mean(axis=0).reshape(np.shape(X[i]))


def pictures(dataset: str, records: Sequence[Record], root: str | None = None) -> list[Drawing]:
    """The pictures of one dataset, of records of kernels. Raises ValueError for others, and where the dataset cannot be had."""
    kernels = {record.method: chosen(record, root) for record in records}
    X = next(iter(kernels.values())).grams.X
    of_a_class = "the first series" if isinstance(X, list) else "the series nearest to its mean"
    m = X[0].size // len(X[0])
    of_channels = f" {min(m, CHANNELS)} of {m} channels one below another, each on a scale of its own." if m > 1 else ""
    return [
        Drawing(
            f"{dataset}_grams", f"{dataset}: Grams",
            f"Grams of the training set of {dataset}, divided by their mean diagonal, at the chosen settings and sorted by class, and "
            "below each the eigenvalues of the centred Gram as shares of their sum.",
            partial(_grams, kernels),
        ),
        Drawing(
            f"{dataset}_sensitivity", f"{dataset}: the steps that count",
            f"How strongly each step t of a training series x of {dataset} moves the chosen kernels, as the mean of |∂k(x, y)/∂x_t| over "
            f"the other training series y: of each class {of_a_class}.{of_channels}",
            partial(_sensitivity, kernels),
        ),
    ]  # fmt: skip


def _grams(kernels: dict[str, Chosen]):
    first = next(iter(kernels.values()))
    return gram_pictures({name: found.gram() for name, found in kernels.items()}, first.y)


def _sensitivity(kernels: dict[str, Chosen]):
    recurrent = {name: found for name, found in kernels.items() if isinstance(found.kernel, RNTK)}
    if not recurrent:
        raise ValueError(f"sensitivities are of RNTKs, and none is among {', '.join(kernels)}")
    first = next(iter(recurrent.values()))
    shown = examples(first.grams.X, first.y)
    found = {
        name: {label: steps_looked_at(one.kernel, one.grams.X, i) for label, i in shown.items()}
        for name, one in recurrent.items()
    }
    return attention({label: np.asarray(first.grams.X[i]) for label, i in shown.items()}, found)


@telling
def main() -> int:
    """Draw the pictures of the datasets and methods named on the command line."""
    from results.figures.__main__ import write

    parser = argparse.ArgumentParser(
        prog="python -m runners.pictures", description="Draw the kernels that a study chose."
    )
    parser.add_argument("folder", type=Path, help="the study's folder")
    parser.add_argument("--datasets", nargs="+", required=True, metavar="DATASET")
    parser.add_argument("--methods", nargs="+", required=True, metavar="METHOD", help="methods that are kernels")
    parser.add_argument("--to", type=Path, help="where to write the pictures (default: that folder's own `pictures`)")
    parser.add_argument("--root", help="a folder of datasets in the archive's layout (default: RNTK_DATA)")
    arguments = parser.parse_args()
    try:
        records = {(record.dataset, record.method): record for record in study_records(arguments.folder)}
        found = []
        for dataset in arguments.datasets:
            named = [(dataset, method) for method in arguments.methods]
            if absent := [name for name in named if name not in records]:
                raise ValueError(f"{arguments.folder} has no record of {' '.join(absent[0])}")
            found += pictures(dataset, [records[name] for name in named], arguments.root)
        paths, reasons = write(found, arguments.to or arguments.folder / "pictures")
    except (ValueError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for path in paths:
        print(path)
    for name, reason in reasons.items():
        print(f"not drawn: {name}: {reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
