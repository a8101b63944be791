"""Datasets of one's own: from files, or from a function; read whole, and known by their content.

Files: a folder in the archive's layout, `<Name>_TRAIN.tsv` and `<Name>_TEST.tsv`, or one file `<Name>.tsv`, which is split;
likewise `.ts` and `.arff`. A function: `my_package.load_sines`, called without arguments, returns (X_train, y_train, X_test,
y_test), or (X, y), which is split. X is an array (n, T), or (n, T, m) for m channels, or a list of arrays (T_i,) or (T_i, m);
NaN at a series' end is padding, and elsewhere a missing value. y holds labels of any kind.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numpy as np

from datasets.catalogue import Entry, archive_names, catalogue, similar, unknown
from datasets.reading import Dataset, digest, read_series
from datasets.sources import DataError, find_files
from datasets.trust import check_trusted

ENDINGS = (".tsv", ".ts", ".arff")  # of a dataset that is there in several, the first counts
SHARE = 0.3  # of the series, for the test, where there is no test part
LONGEST = 80  # letters of a name, which becomes that of files
FUNCTION = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
PART = re.compile(r"(.+?)(?:_(TRAIN|TEST))?", re.DOTALL)


@dataclass(frozen=True)
class Own:
    """A dataset of one's own: its entry, and its series as they were given, missing values as NaN."""

    entry: Entry
    dataset: Dataset


def read_own(source: str) -> Own:
    """The dataset at a path, or from a function; read once in a process while its files stay as they are.

    Raises ValueError where `source` names nothing, and `DataError`, a ValueError, where what it names is no dataset to classify.
    """
    source = absolute(source)
    if is_path(source):
        files = files_of(Path(source))
        return _from_files(source, files, tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files))
    if FUNCTION.fullmatch(source):
        return _from_function(source, function_of(source))
    own_data = "" if similar(source, archive_names()) else "; of data of one's own, a path or a function is needed"
    raise ValueError(unknown("dataset", source, archive_names()) + own_data)


def absolute(source: str) -> str:
    """A path from the root, for whoever works in another folder; a function as it is."""
    return os.path.abspath(os.path.expanduser(source)) if is_path(source) else source


def is_path(source: str) -> bool:
    """Whether a source is meant as a path."""
    path = Path(os.path.expanduser(source))  # "~nobody" stays as it is, where pathlib's raises RuntimeError
    return len(path.parts) > 1 or source.startswith((".", "~")) or path.suffix in ENDINGS or os.path.exists(path)


def own_name(source: str) -> str:
    """By which name tables and records know it: of files, what stands before `_TRAIN`, `_TEST` and the ending; of a function, its own,
    less `load_`.
    """
    if is_path(source):
        path = Path(absolute(source))
        inside = list(_groups(path)) if os.path.isdir(path) else [PART.fullmatch(path.stem)[1]]
        name = inside[0] if len(inside) == 1 else path.name
    else:
        name = source.rsplit(".", 1)[-1].removeprefix("load_")
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".-")[:LONGEST] or "unnamed"


def archived(source: str) -> tuple[str, Path] | None:
    """Name and parent folder, where a path is that of one of the archive's datasets, in the archive's layout."""
    if not is_path(source):
        return None
    path = Path(absolute(source))
    return (path.name, path.parent) if path.name in catalogue() and find_files(path.name, path.parent) else None


def members(source: str) -> list[str]:
    """The sources of the datasets in a folder: in its files, and in its folders' files; `source` itself where it is one
    dataset, or no folder.

    Raises ValueError for a folder without any.
    """
    folder = Path(absolute(source))
    if source in archive_names() or not (is_path(source) and os.path.isdir(folder)):
        return [source if source in archive_names() else absolute(source)]
    inside = [str(path) for path in sorted(folder.iterdir()) if path.is_dir() and _groups(path)]
    here = _groups(folder)
    if len(here) == 1 and not inside:
        return [str(folder)]
    if not here and not inside:
        raise ValueError(f"{source!r} holds no dataset: {_layout(folder.name)}")
    return [str(files[0]) for files in here.values()] + inside


def files_of(path: Path) -> tuple[Path, ...]:
    """The training and the test file of a path, or the one file that is to be split."""
    if os.path.isdir(path):
        groups = _groups(path)
        if not groups:
            raise ValueError(f"{str(path)!r} holds no dataset: {_layout(path.name)}")
        if len(groups) > 1:
            raise ValueError(
                f"{str(path)!r} holds {len(groups)} datasets: name the file of one, or make a study of all by study.datasets={path}"
            )
        (files,) = groups.values()
    else:
        if not os.path.exists(path):
            near = similar(path.name, [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else [])
            meant = f"did you mean {' or '.join(near)}?" if near else "nothing similar lies beside it"
            raise ValueError(f"there is no {str(path)!r}: {meant}")
        if path.suffix not in ENDINGS:
            raise ValueError(f"{str(path)!r}: a dataset's file ends in {', '.join(ENDINGS)}")
        name, part = PART.fullmatch(path.stem).groups()
        files = tuple(path.with_name(f"{name}_{part}{path.suffix}") for part in ("TRAIN", "TEST")) if part else (path,)
    for file, other in zip(files, files[::-1], strict=True):
        if not file.exists():
            raise DataError(
                f"{other} is there without {file.name}: add it; one file to be split has no _TRAIN in its name"
            )
    return files


def _layout(name: str) -> str:
    return f"{name}_TRAIN.tsv and {name}_TEST.tsv are needed, or {name}.tsv (or .ts, .arff)"


def _groups(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The datasets whose files lie in a folder, by name; one that has the folder's name is the only one."""
    found = {}
    for ending in ENDINGS:
        for file in sorted(folder.glob(f"*{ending}")):
            name, part = PART.fullmatch(file.stem).groups()
            pair = tuple(file.with_name(f"{name}_{part}{ending}") for part in ("TRAIN", "TEST"))
            found.setdefault(name, pair if part else (file,))
    return {folder.name: found[folder.name]} if folder.name in found else dict(sorted(found.items()))


@lru_cache(maxsize=4)
def _from_files(source: str, files: tuple[Path, ...], version: tuple) -> Own:
    return own(own_name(source), source, *(read_series(file) for file in files))


def function_of(source: str) -> Callable:
    """The function that a dotted name means; raises ValueError where there is none."""
    check_trusted(f"dataset {source!r}", source)
    module, name = source.rsplit(".", 1)
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"dataset {source!r}: {error}: a path, or a function that can be imported from this folder, is needed"
        ) from error
    except Exception as error:
        raise DataError(f"dataset {source!r}: {module} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ValueError(f"dataset {source!r}: a function is needed, and it is of type {type(found).__name__}")
    return found


@lru_cache(maxsize=4)
def _from_function(source: str, load: Callable) -> Own:
    try:
        given = load()
    except Exception as error:
        raise DataError(f"dataset {source!r}: the function raised {type(error).__name__}: {error}") from error
    if not (isinstance(given, tuple) and len(given) in (2, 4)):
        found = f"{len(given)} things" if isinstance(given, tuple) else type(given).__name__
        raise DataError(
            f"dataset {source!r}: the function returned {found}, where (X_train, y_train, X_test, y_test) or (X, y) is expected"
        )
    return own(own_name(source), source, *zip(given[::2], given[1::2], strict=True))


def own(name: str, source: str, train: tuple, test: tuple | None = None) -> Own:
    """A dataset from its parts, each a pair of series and labels; without a test part, from one that is split.

    Raises DataError where series or labels cannot be classified, naming the dataset and what to do.
    """
    parts = [("training series", train), ("test series", test)] if test else [("series", train)]
    sets = [series_of(X, f"{name}: its {what}") for what, (X, _) in parts]
    channels = [X[0].shape[1] for X in sets]
    if len(set(channels)) > 1:
        raise DataError(f"{name}: its training series have {channels[0]} channels and its test series {channels[1]}")
    labels = labels_of([y for _, (_, y) in parts], list(map(len, sets)), name)
    split = ""
    if test is None:
        held, split = split_by_name(labels[0], name)
        sets = [[x for x, out in zip(sets[0], held, strict=True) if out == part] for part in (False, True)]
        labels = [labels[0][~held], labels[0][held]]
    if len(set(labels[0])) < 2:
        raise DataError(
            f"{name}: all training series are of class {str(labels[0][0])!r}: at least two classes are needed"
        )
    every = [x for X in sets for x in X]
    lengths = sorted({len(x) for x in every})
    missing = any(np.isnan(x).any() for x in every)
    X_train, X_test = (_as_one([x[:, 0] for x in X] if channels[0] == 1 else X, len(lengths) == 1) for X in sets)
    entry = Entry(
        name, "own", len(X_train), len(X_test), len(set(labels[0]) | set(labels[1])),
        length=lengths[0] if len(lengths) == 1 else None, missing=missing, ed_error=np.nan, ed_preprocessing="",
        sha256_train="", sha256_test="", sha256_values=digest(X_train, labels[0], X_test, labels[1]),
        source=source, split=split, channels=channels[0], notes=tuple(notes(*labels)),
    )  # fmt: skip
    return Own(entry, Dataset(name, X_train, labels[0], X_test, labels[1], entry.sha256, source, lengths[-1]))


def _as_one(X: list[np.ndarray], equal: bool) -> np.ndarray | list[np.ndarray]:
    return np.stack(X) if equal else X


def notes(y_train: np.ndarray, y_test: np.ndarray) -> list[str]:
    """What a user should know of the labels before he reads a result."""
    said = []
    unseen = ~np.isin(y_test, y_train)
    if unseen.any():
        which = ", ".join(np.unique(y_test[unseen]))
        said.append(
            f"{np.count_nonzero(unseen)} test series have labels that training lacks ({which}): they count as errors"
        )
    classes, counts = np.unique(y_train, return_counts=True)
    if (counts == 1).any():
        which = ", ".join(classes[counts == 1])
        said.append(f"classes with one training series ({which}): in cross-validation it is always misclassified")
    return said


def series_of(X, what: str) -> list[np.ndarray]:
    """Series as arrays (T_i, m), float64, without padding; raises DataError naming `what` for anything else."""
    try:
        table = getattr(X, "to_numpy", lambda: X)()
        arrays = [_numbers(x) for x in table]
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{what} are not arrays of numbers: {error}") from error
    if not arrays:
        raise DataError(f"{what} are none: at least one is needed")
    series = []
    for i, x in enumerate(arrays):
        if x.ndim not in (1, 2) or 0 in x.shape:
            raise DataError(f"{what}: number {i} has shape {x.shape}, where (T,), or (T, m) of m channels, is expected")
        x = x[:, None] if x.ndim == 1 else x
        if series and x.shape[1] != series[0].shape[1]:
            raise DataError(f"{what}: number {i} has {x.shape[1]} channels and number 0 has {series[0].shape[1]}")
        if np.isinf(x).any():
            raise DataError(
                f"{what}: number {i} holds infinity: every value must be finite, or NaN where it is missing"
            )
        if np.isnan(x).all(axis=0).any():
            raise DataError(f"{what}: number {i} holds no value (of a channel): leave it out")
        held = ~np.isnan(x).all(axis=1)
        series.append(x[: len(x) - int(np.argmax(held[::-1]))])
    return series


def _numbers(x) -> np.ndarray:
    """An array of float64; raises ValueError, TypeError or OverflowError for hidden values, and for texts, dates and complex numbers."""
    if np.ma.is_masked(x):
        raise ValueError("some are masked; fill them with NaN, which counts as missing (`X.filled(np.nan)`)")
    array = np.asarray(x)
    strange = (
        next((value for value in array.flat if isinstance(value, str | bytes)), None) if array.dtype == object else None
    )
    if array.dtype.kind not in "biufO" or strange is not None:
        raise TypeError(f"they are {array.dtype.name if strange is None else repr(strange)}")
    return array.astype(np.float64)


def labels_of(given: list, sizes: list[int], name: str) -> list[np.ndarray]:
    """The labels of the parts as text, numbers of all parts written alike; raises DataError where one is missing."""
    if any(np.ma.is_masked(y) for y in given):
        raise DataError(f"{name}: some labels are masked: label every series, or leave it out")
    labels = [np.asarray(y).ravel() if np.ndim(y) else np.array([y]) for y in given]
    for y, size in zip(labels, sizes, strict=True):
        if len(y) != size:
            raise DataError(f"{name}: {size} series have {len(y)} labels: one each is needed")
    every = np.concatenate(labels)
    if any(label is None or label != label or label == "" for label in every.tolist()):
        raise DataError(f"{name}: a label is missing (None, NaN or empty): label every series, or leave it out")
    text = np.array([label.decode() if isinstance(label, bytes) else str(label) for label in every.tolist()])
    return np.split(text, np.cumsum(sizes)[:-1])


def split_by_name(y: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """Which series are held out for the test: SHARE of them, stratified by class, by a seed made of the dataset's name; and that
    in words.
    """
    from sklearn.model_selection import train_test_split

    seed = int.from_bytes(sha256(f"split:{name}".encode()).digest()[:4], "big")
    classes, counts = np.unique(y, return_counts=True)
    if (counts == 1).any():
        raise DataError(
            f"{name}: class {str(classes[counts == 1][0])!r} has one series, which cannot be in training and test: leave it out, or "
            f"bring a test part"
        )
    try:
        _, test = train_test_split(np.arange(len(y)), test_size=SHARE, stratify=y, random_state=seed)
    except ValueError as error:
        raise DataError(
            f"{name}: {len(y)} series of {len(classes)} classes cannot be split: bring a test part"
        ) from error
    return np.isin(np.arange(len(y)), test), f"stratified, {SHARE:.0%} for the test, seed {seed}"
