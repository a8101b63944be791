"""Fetch datasets into the cache before a study needs them: `python -m datasets.fetch` (the 56), or `python -m
datasets.fetch Coffee Wine`.
"""

import sys
from collections.abc import Iterable

from datasets.catalogue import find, listed
from datasets.downloads import download
from datasets.sources import DataError, locate


def fetch(names: Iterable[str], root: str | None = None, downloads: bool = True) -> dict[str, str]:
    """Download what no local folder holds.

    Returns the reason for each dataset that cannot be had, and raises nothing for those.
    """
    reasons, absent = {}, []
    for name in names:
        try:
            if not locate(name, root):
                absent.append(find(name))
        except DataError as error:
            reasons[name] = str(error)
    return reasons | (download(absent) if downloads else {entry.name: "in no local source" for entry in absent})


def main() -> int:
    """Fetch the datasets named on the command line; exit status 1 if one is missing."""
    try:
        names = [find(name).name for name in sys.argv[1:]] or listed()
        reasons = fetch(names)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, reason in reasons.items():
        print(f"missing: {name}: {reason}", file=sys.stderr)
    print(f"{len(names) - len(reasons)} of {len(names)} datasets are here")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
