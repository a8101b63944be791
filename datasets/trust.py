"""Whose code a configuration may name. A `_target_`, and a function that returns a dataset, is imported and called: one out of a stranger's
file must not be `os.system`.
"""

import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

OURS = ("rntk", "baselines", "datasets")
LIBRARIES = ("sklearn", "sktime", "aeon", "tslearn")
VARIABLE = "RNTK_TRUST"


def check_trusted(what: str, name: str) -> None:
    """Raise ValueError where the module of a dotted name is neither ours, nor of a library of estimators, nor a file of one's own under
    the current folder, nor what the environment variable RNTK_TRUST lists, or in it: names of packages or modules, with commas between.

    A module that is not found is let pass: who imports it says so. `what` begins the message.
    """
    trusted = (*OURS, *LIBRARIES, *filter(None, map(str.strip, os.environ.get(VARIABLE, "").split(","))))
    if any(name == one or name.startswith(f"{one}.") for one in trusted):
        return
    package = name.split(".")[0]
    if not _is_own(package, Path.cwd()):
        raise ValueError(
            f"{what}: {name} would be run, and is neither ours, nor of {', '.join(LIBRARIES)}, nor in a file under this folder; if you "
            f"trust it, say so: {VARIABLE}={package}"
        )


@cache
def _is_own(package: str, folder: Path) -> bool:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return True
    if spec is None:
        return True
    places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or [])
    return bool(places) and all(
        (path := Path(place).resolve()).is_relative_to(folder.resolve())
        and not path.is_relative_to(sys.prefix)
        and "site-packages" not in path.parts
        for place in places
    )
