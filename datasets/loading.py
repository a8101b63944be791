"""Loading a dataset: of the archive, by its name, from the first source that has it; one's own, from a path or a function."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.catalogue import Entry, catalogue
from datasets.downloads import download
from datasets.own import archived, read_own
from datasets.reading import Dataset, interpolated, read
from datasets.sources import DatasetMissing, locate


def find(source: str) -> Entry:
    """What is known of a dataset before it is classified: the catalogue's entry for a name, or a path in the archive's layout; for
    another path and for a function, that of a dataset of one's own, which is read.

    Raises ValueError where there is no such dataset, with the most similar names, and as `load` does for one's own.
    """
    if source in catalogue():
        return catalogue()[source]
    if place := archived(source):
        return catalogue()[place[0]]
    return read_own(source).entry


def load(source: str, root: str | Path | None = None, *, downloads: bool = True, missing: str | None = None) -> Dataset:
    """Load a dataset: of the archive by name, from the first place that has it, verified; or one's own, from a path or a function
    (`datasets.own`).

    Series of different lengths come as lists of arrays. `missing="interpolate"` fills missing values in, on the line between
    their neighbours in time.

    Places, in order: the folder `root` (or the environment variable RNTK_DATA) in the archive's layout, the cache of
    earlier downloads (RNTK_CACHE), what sktime bundles, and, with `downloads`, the mirror on the package index and
    the archive's site.

    Raises ValueError for an unknown name (the closest first), and for a dataset with missing values unless they are to
    be filled in; `DataError`, a ValueError, for a file that is not what the catalogue says; `DatasetMissing` where no
    source has it.
    """
    entry = find(source)
    name = entry.name
    if missing not in (None, "interpolate"):
        raise ValueError(f"missing={missing!r}: 'interpolate', or None for datasets in which nothing is missing")
    if entry.missing and missing is None:
        raise ValueError(
            f"{name} has missing values: missing='interpolate' (in a study: +protocol.missing=interpolate) fills them in"
        )
    if entry.is_own:
        return filled(read_own(source).dataset) if entry.missing else read_own(source).dataset
    if place := archived(source):
        root = place[1]
    files = locate(name, root)
    if files is None and downloads:
        reasons = download([entry])
        if name in reasons:
            raise DatasetMissing(f"{name} is in no source: {reasons[name]}")
        files = locate(name, root)
    if files is None:
        raise DatasetMissing(
            f"{name} is in no local source: run `python -m datasets.fetch {name}`, or set RNTK_DATA to a folder that holds it"
        )
    dataset = read(entry, *files)
    return filled(dataset) if entry.missing else dataset


def filled(dataset: Dataset) -> Dataset:
    """A dataset with the values that are missing filled in."""
    X_train, X_test = ([interpolated(x) for x in X] for X in (dataset.X_train, dataset.X_test))
    if not dataset.ragged:
        X_train, X_test = np.array(X_train), np.array(X_test)
    return replace(dataset, X_train=X_train, X_test=X_test)
