"""What is known of the 128 datasets of the UCR archive (2018), and of the 30 of UEA's, before any file is opened.

`archive.csv` holds the archive's own figures (sizes, classes, lengths, published 1-NN errors) and the SHA-256 of its
original files. `ucr56.txt` lists the datasets of the study; whoever has another list swaps that file. Of the multivariate
archive of UEA the names alone are known, `uea30.txt`: where its datasets lie, they are read as one's own are.

Sources: Dau et al., "The UCR Time Series Archive", IEEE/CAA Journal of Automatica Sinica, 2019; Bagnall et al., "The UEA
multivariate time series classification archive, 2018", arXiv:1811.00075.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One dataset of the catalogue.

    `length` is None where series differ in length; `ed_error` is the archive's published 1-NN Euclidean error, found
    again on values prepared as `ed_preprocessing` says ("raw", "z-norm", or "" where neither gives it);
    `sha256_values` is of the parsed labels and values (`datasets.reading.digest`), for files in another format. A
    hash is "" where the original was not at hand.

    Of a dataset of one's own (`datasets.own`), whose `type` is "own": `source`, what `datasets.load` takes; `split`, how the test
    part was made where none was given; `channels`; and `notes`, what is to be known before a result is read.
    """

    name: str
    type: str
    n_train: int
    n_test: int
    n_classes: int
    length: int | None
    missing: bool
    ed_error: float
    ed_preprocessing: str
    sha256_train: str
    sha256_test: str
    sha256_values: str
    source: str = ""
    split: str = ""
    channels: int = 1
    notes: tuple[str, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether it is a dataset of one's own, and none of the archive."""
        return self.type == "own"

    @property
    def sha256(self) -> str:
        """One hash for the two original files, or of the content of a dataset of one's own: what its results are keyed by."""
        return self.sha256_values if self.is_own else f"{self.sha256_train}:{self.sha256_test}"


@cache
def catalogue() -> dict[str, Entry]:
    """All 128 datasets by name."""
    with open(HERE / "archive.csv", newline="") as file:
        return {row["name"]: _entry(row) for row in csv.DictReader(file)}


def _entry(row: dict[str, str]) -> Entry:
    return Entry(
        name=row["name"],
        type=row["type"],
        n_train=int(row["n_train"]),
        n_test=int(row["n_test"]),
        n_classes=int(row["n_classes"]),
        length=None if row["length"] == "Vary" else int(row["length"]),
        missing=row["missing"] == "yes",
        ed_error=float(row["ed_error"]),
        ed_preprocessing=row["ed_preprocessing"],
        sha256_train=row["sha256_train"],
        sha256_test=row["sha256_test"],
        sha256_values=row["sha256_values"],
    )


@cache
def multivariate() -> tuple[str, ...]:
    """The names of UEA's datasets."""
    return tuple(lines(HERE / "uea30.txt"))


def archive_names() -> tuple[str, ...]:
    """The names of all datasets of both archives."""
    return (*catalogue(), *multivariate())


def unknown(what: str, name: str, valid: Iterable[str], most: int = 12) -> str:
    """The message for a name that is not among the valid ones: which it is similar to, or that there is none; and the valid ones,
    `most` of them at the most.
    """
    valid = list(valid)
    near = similar(name, valid)
    rest = [other for other in valid if other not in near][: most - len(near)]
    more = f", … ({len(valid)} in all)" if len(valid) > most else ""
    if not near:
        return f"unknown {what} {name!r}: nothing similar; choose one of {', '.join(rest)}{more}"
    others = f" Or choose one of {', '.join(rest)}{more}" if rest else ""
    return f"unknown {what} {name!r}: did you mean {' or '.join(near)}?{others}"


def similar(name: str, valid: Iterable[str], most: int = 3) -> list[str]:
    """The valid names that may have been meant, the most similar first: seven tenths alike, or continued."""

    def likeness(other: str) -> float:
        given, other = str(name).lower(), other.lower()
        return 1.0 if given and other.startswith(given) else SequenceMatcher(None, given, other).ratio()

    near = [other for other in valid if likeness(other) >= 0.7]
    return sorted(near, key=lambda other: -likeness(other))[:most]


def in_study(entry: Entry) -> bool:
    """The rule of the study: equal length, nothing missing, under 1,000 series in all, under 1,000 steps, over 20
    training series.
    """
    return (
        entry.length is not None
        and not entry.missing
        and entry.n_train + entry.n_test < 1000
        and entry.length < 1000
        and entry.n_train > 20
    )


def listed(path: Path = HERE / "ucr56.txt") -> list[str]:
    """The dataset names of a list file, one a line; # starts a comment.

    Raises ValueError, with the closest names first, for a name that neither archive has.
    """
    found = lines(path)
    for name in found:
        if name not in archive_names():
            raise ValueError(unknown("dataset", name, archive_names()))
    return found


def lines(path: Path) -> list[str]:
    """The lines of a list file, without comments."""
    found = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in found if line]
