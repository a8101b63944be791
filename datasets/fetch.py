"""Fetch datasets into the cache before a study needs them: `python -m datasets.fetch` (the 56), or `python -m
datasets.fetch Coffee Wine`.
"""

import argparse
import sys
from collections.abc import Iterable

from datasets.catalogue import archive_names, listed
from datasets.downloads import download
from datasets.loading import find
from datasets.sources import DataError, locate


def fetch(names: Iterable[str], root: str | None = None, downloads: bool = True) -> dict[str, str]:
    """Download what no local folder holds. Of one's own datasets there is nothing to fetch.

    Returns the reason for each dataset that cannot be had, and raises nothing for those.
    """
    reasons, absent = {}, []
    for name in names:
        try:
            if name not in archive_names():
                find(name)
            elif not locate(name, root):
                absent.append(name)
        except DataError as error:
            reasons[name] = str(error)
    return reasons | (download(absent) if downloads else dict.fromkeys(absent, "in no local source"))


def main() -> int:
    """Fetch the datasets named on the command line; exit status 1 if one is missing."""
    parser = argparse.ArgumentParser(
        description="Fetch datasets of the archives into the cache, RNTK_CACHE or ~/.cache/rntk-study."
    )
    parser.add_argument(
        "datasets", nargs="*", metavar="DATASET", help="names, e.g. Coffee Wine (default: the 56 of the study)"
    )
    try:
        names = parser.parse_args().datasets or listed()
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
