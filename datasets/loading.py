"""Loading a dataset by its name, from the first source that has it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.catalogue import find
from datasets.downloads import download
from datasets.reading import Dataset, interpolated, read
from datasets.sources import DatasetMissing, locate


def load(name: str, root: str | Path | None = None, *, downloads: bool = True, missing: str | None = None) -> Dataset:
    """Load a dataset of the archive by name, from the first source that has it, verified.

    Series of different lengths come as lists of arrays. `missing="interpolate"` fills missing values in, on the line between
    their neighbours in time.

    Sources, in order: the folder `root` (or the environment variable RNTK_DATA) in the archive's layout, the cache of
    earlier downloads (RNTK_CACHE), what sktime bundles, and, with `downloads`, the mirror on the package index and
    the archive's site.

    Raises ValueError for an unknown name (the closest first), and for a dataset with missing values unless they are to
    be filled in; `DataError`, a ValueError, for a file that is not what the catalogue says; `DatasetMissing` where no
    source has it.
    """
    entry = find(name)
    if missing not in (None, "interpolate"):
        raise ValueError(f"missing={missing!r}: 'interpolate', or None for datasets in which nothing is missing")
    if entry.missing and missing is None:
        raise ValueError(
            f"{name} has missing values: missing='interpolate' (in a study: protocol.missing) fills them in"
        )
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
    if not entry.missing:
        return dataset
    X_train, X_test = (np.array([interpolated(x) for x in X]) for X in (dataset.X_train, dataset.X_test))
    return replace(dataset, X_train=X_train, X_test=X_test)
