"""Loading a dataset: of an archive, by its name, from the first source that has it; one's own, from a path or a function."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.catalogue import Entry, catalogue, multivariate
from datasets.downloads import download
from datasets.own import archived, read_own
from datasets.reading import Dataset, interpolated, read
from datasets.sources import DatasetMissing, locate


def find(source: str) -> Entry:
    """What is known of a dataset before it is classified: the catalogue's entry for a name, or a path in the archive's layout; for
    another path, for a function, and for a name of UEA's archive, that of a dataset which is read.

    Raises ValueError where there is no such dataset, with the most similar names, and as `load` does for what is read.
    """
    source = placed(source)
    if source in catalogue():
        return catalogue()[source]
    if place := archived(source):
        return catalogue()[place[0]]
    return read_own(source).entry


def placed(source: str, root: str | Path | None = None, downloads: bool = False) -> str:
    """The folder of a dataset of UEA's archive, which is then read as one's own; any other source as it is.

    Raises as `load` does, where no source has it.
    """
    return str(_files(source, root, downloads)[0].parent) if source in multivariate() else source


def load(source: str, root: str | Path | None = None, *, downloads: bool = True, missing: str | None = None) -> Dataset:
    """Load a dataset: of UCR's archive by name, from the first place that has it, verified; of UEA's by name, likewise, and read as
    one's own; or one's own, from a path or a function (`datasets.own`).

    Series of different lengths come as lists of arrays. `missing="interpolate"` fills missing values in, on the line between
    their neighbours in time.

    Places, in order: the folder `root` (or the environment variable RNTK_DATA) in the archive's layout, the cache of
    earlier downloads (RNTK_CACHE), what sktime bundles, and, with `downloads`, the mirror on the package index and
    the archive's site.

    Raises ValueError for an unknown name (the closest first), and for a dataset with missing values unless they are to
    be filled in; `DataError`, a ValueError, for a file that is not what the catalogue says; `DatasetMissing` where no
    source has it.
    """
    source = placed(source, root, downloads)
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
    dataset = read(entry, *_files(name, root, downloads))
    return filled(dataset) if entry.missing else dataset


def _files(name: str, root: str | Path | None, downloads: bool) -> tuple[Path, Path]:
    """The training and the test file of an archive's dataset, from the first place that has it."""
    files = locate(name, root)
    if files is None and downloads:
        reasons = download([name])
        if name in reasons:
            raise DatasetMissing(f"{name} is in no source: {reasons[name]}: set RNTK_DATA to a folder that holds it")
        files = locate(name, root)
    if files is None:
        raise DatasetMissing(
            f"{name} is in no local source: run `python -m datasets.fetch {name}`, or set RNTK_DATA to a folder that holds it"
        )
    return files


def filled(dataset: Dataset) -> Dataset:
    """A dataset with the values that are missing filled in."""
    X_train, X_test = ([interpolated(x) for x in X] for X in (dataset.X_train, dataset.X_test))
    if not dataset.ragged:
        X_train, X_test = np.array(X_train), np.array(X_test)
    return replace(dataset, X_train=X_train, X_test=X_test)
