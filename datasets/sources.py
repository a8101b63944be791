"""Where files may lie on this machine, in the order they are looked for.

1. a local folder in the archive's layout, `<Dataset>/<Dataset>_TRAIN.tsv` (argument, or environment variable
   RNTK_DATA);
2. the cache of earlier downloads (RNTK_CACHE, else `~/.cache/rntk-study`), which `datasets.downloads` fills;
3. what sktime bundles.
"""

import os
from importlib.util import find_spec
from pathlib import Path

from datasets.catalogue import catalogue


class DataError(ValueError):
    """A file is there, but is not what the catalogue says."""


class DatasetMissing(LookupError):
    """No source has the dataset."""


def cache_folder() -> Path:
    """Where downloads are kept."""
    return Path(os.environ.get("RNTK_CACHE") or Path.home() / ".cache" / "rntk-study")


def folders(root: str | Path | None = None) -> list[Path]:
    """The folders to look into, in order. Raises ValueError where a folder was named that does not exist."""
    root = root or os.environ.get("RNTK_DATA")
    if root and not Path(root).is_dir():
        raise ValueError(
            f"the data folder {str(root)!r} (data.root or RNTK_DATA) does not exist: name a folder of <Dataset>/<Dataset>_TRAIN.tsv"
        )
    return ([Path(root)] if root else []) + [cache_folder()] + bundled()


def bundled() -> list[Path]:
    """The folder of what sktime bundles, if it is installed."""
    sktime = find_spec("sktime")
    return [Path(sktime.submodule_search_locations[0]) / "datasets" / "data"] if sktime else []


def locate(name: str, root: str | Path | None = None) -> tuple[Path, Path] | None:
    """The training and test file of a dataset in the first folder that has it, or None; raises as `find_files` does.

    What sktime bundles is passed over where the catalogue has a dataset and no hash of its values: its PLAID is rounded to five
    digits.
    """
    unverified = bundled() if name in catalogue() and not catalogue()[name].sha256_values else []
    places = (folder for folder in folders(root) if folder not in unverified)
    return next(filter(None, (find_files(name, folder) for folder in places)), None)


def find_files(name: str, folder: Path) -> tuple[Path, Path] | None:
    """The training and test file of a dataset in a folder, or None.

    Raises DataError where one is there without the other.
    """
    for suffix in ("tsv", "ts"):
        files = [folder / name / f"{name}_{split}.{suffix}" for split in ("TRAIN", "TEST")]
        if all(file.is_file() for file in files):
            return files[0], files[1]
    present = [file.name for file in (folder / name).glob(f"{name}_*.ts*")] if (folder / name).is_dir() else []
    if present:
        raise DataError(
            f"{folder / name}: holds {present[0]} without the other half of {name}_TRAIN.tsv and {name}_TEST.tsv"
        )
    return None
