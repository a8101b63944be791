"""A dataset as arrays, read from files that are proven to be the archive's."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.catalogue import Entry
from datasets.sources import DataError

HEADER, DIGITS, LONGEST = (
    2**20,
    40,
    10_000,
)  # bytes before a file's series and of a value at most; steps (the archive's longest has 2,844)
MISSING = ("", "NA")  # what stands for a value that is not there, beside NaN


@dataclass(frozen=True)
class Dataset:
    """One UCR dataset with the archive's split.

    X has shape (n, T), float64, or is a list of n arrays (T_i,) where series differ in length; y holds the labels as the file
    gives them, as text. `sha256` is of the archive's two original files, which the data are proven to equal; `source` is the
    folder they were read from; `width` the number of steps for which the files have room.
    """

    name: str
    X_train: np.ndarray | list[np.ndarray]
    y_train: np.ndarray
    X_test: np.ndarray | list[np.ndarray]
    y_test: np.ndarray
    sha256: str
    source: str
    width: int

    @property
    def ragged(self) -> bool:
        """Whether series differ in length."""
        return isinstance(self.X_train, list)


def read(entry: Entry, train: Path, test: Path) -> Dataset:
    """A dataset from its two files, missing values as NaN; raises DataError where they are not what the catalogue says.

    No file is parsed before its hash is found right, or, where only that of its values is known, its size.
    """
    files = ((train, entry.n_train, entry.sha256_train), (test, entry.n_test, entry.sha256_test))
    for path, n, sha256 in files:
        if path.suffix == ".tsv" and sha256:
            with path.open("rb") as file:
                _verify(path, hashlib.file_digest(file, "sha256").hexdigest(), sha256)
        else:
            _bound(path, HEADER + n * (1 + (entry.length or LONGEST)) * DIGITS)
    (X_train, y_train), (X_test, y_test) = (_table(entry, path, n) for path, n, _ in files)
    width = max(X_train.shape[1], X_test.shape[1])
    if entry.length is None:
        X_train, X_test = ([_without_padding(x) for x in X] for X in (X_train, X_test))
    for path, X in ((train, X_train), (test, X_test)):
        strange = np.count_nonzero(~np.isfinite(np.concatenate(X))) + sum(len(x) == 0 for x in X)
        if strange and not entry.missing:
            raise DataError(f"{path}: {strange} values are NaN or infinite, where the catalogue has none missing")
    classes = len(np.unique(np.concatenate([y_train, y_test])))
    if classes != entry.n_classes:
        raise DataError(
            f"{train.parent}: {classes} classes, where the catalogue has {entry.n_classes} for {entry.name}"
        )
    if train.suffix != ".tsv":
        _verify(train.parent, digest(X_train, y_train, X_test, y_test), entry.sha256_values)
    return Dataset(entry.name, X_train, y_train, X_test, y_test, entry.sha256, str(train.parent), width)


def _verify(path: Path, found: str, expected: str) -> None:
    if expected and found != expected:
        raise DataError(
            f"{path}: SHA-256 {found[:16]}…, where the archive's has {expected[:16]}…: the data differ from the archive's; "
            f"remove or replace this file"
        )


def _bound(path: Path, most: int) -> None:
    """Raise DataError for a file of more bytes than a dataset of the catalogue's size can need."""
    size = path.stat().st_size
    if size > most:
        raise DataError(f"{path}: {size} bytes, where the catalogue's sizes need no more than {most}: it is not read")


def _table(entry: Entry, path: Path, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The series of a file of the archive, (n, T), the shorter ones filled up with NaN, and their labels."""
    series, y = _read_tsv(path) if path.suffix == ".tsv" else _read_panel(path)
    width = max(map(len, series), default=0)
    if len(series) != n or (width != entry.length if entry.length else width > LONGEST):
        expected = f"{n} of {entry.length or 'different lengths'} for {entry.name}"
        raise DataError(f"{path}: {len(series)} series of {width} steps, where the catalogue has {expected}")
    X = np.full((n, width), np.nan)
    for row, x in zip(X, series, strict=True):
        row[: len(x)] = x if x.ndim == 1 else x[:, 0]
    return X, y


def digest(X_train, y_train, X_test, y_test) -> str:
    """SHA-256 of labels and float64 values, whatever the file format: `sha256_values` of the catalogue. Of series of different
    lengths the lengths count too, of series of several channels their number.
    """
    sha = hashlib.sha256()
    for X, y in ((X_train, y_train), (X_test, y_test)):
        sha.update("\n".join(y).encode() + b"\0")
        if isinstance(X, list):
            sha.update(np.array([len(x) for x in X], "<i8").tobytes())
        if X[0].ndim > 1:
            sha.update(b"%d channels\0" % X[0].shape[1])
        sha.update(np.concatenate(X).astype("<f8").tobytes())
    return sha.hexdigest()


def _without_padding(x: np.ndarray) -> np.ndarray:
    """A series without the NaN after its end, with which the archive fills its lines to one length."""
    return x[: len(x) - int(np.argmax(~np.isnan(x[::-1])))] if not np.isnan(x).all() else x[:0]


def interpolated(x: np.ndarray) -> np.ndarray:
    """A series, (T,) or (T, m), with what is missing (NaN) on the line between its neighbours in time; at the ends, the nearest
    value.
    """
    if x.ndim == 2:
        return np.stack([interpolated(channel) for channel in x.T], axis=1)
    steps, known = np.arange(len(x)), np.isfinite(x)
    return np.interp(steps, steps[known], x[known])


def _read_tsv(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """The archive's own format: a label and the values of one series a line, separated by tabs. The series, (T_i,), and the labels."""
    series, labels = [], []
    try:
        for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), 1):
            label, *cells = line.removesuffix("\r").split("\t")
            if not (label or cells):
                continue
            if not cells:
                raise ValueError(f"line {number} has no tab")
            series.append(np.fromiter(map(_value, cells), np.float64, len(cells)))
            labels.append(label.strip('"'))
        if not series:
            raise ValueError("it holds no line")
    except ValueError as error:
        raise DataError(
            f"{path}: not a table of a label and numbers a line, separated by tabs ({error}): is its ending right?"
        ) from error
    return series, np.array(labels)


def _value(cell: str) -> float:
    """The number in a cell; NaN where none is."""
    if "_" in cell:
        raise ValueError(f"could not convert string to float: {cell!r}")  # Python's own numerals
    return np.nan if cell in MISSING else float(cell)


def _read_panel(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """The series, (T_i, m), and the labels of a .ts or .arff file, as sktime reads them."""
    from sktime.datasets import load_from_arff_to_dataframe, load_from_tsfile

    try:
        if path.suffix == ".arff":
            nested, y = load_from_arff_to_dataframe(str(path))
        else:
            nested, y = load_from_tsfile(str(path), return_data_type="nested_univ")
        series = [np.stack([np.asarray(x, np.float64) for x in row], axis=1) for row in nested.to_numpy()]
        if not series:
            raise ValueError("it holds none")
    except Exception as error:  # the readers raise many kinds
        raise DataError(
            f"{path}: not a {path.suffix} file of labelled series ({error}): is its ending right?"
        ) from error
    return series, np.char.strip(np.asarray(y).astype(str), "'\"")


def read_series(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """The series of a file, (T_i,) or (T_i, m), and their labels; raises DataError where it is not what its ending says."""
    return _read_tsv(path) if path.suffix == ".tsv" else _read_panel(path)
