"""All benchmarks, one table: `python -m benchmarks`, or some: `python -m benchmarks engine start`."""

import sys
import time
from importlib import import_module

from benchmarks.measure import arguments, machine, table

SECTIONS = ("start", "engine", "networks", "training", "solver", "selection", "large", "study", "schedule", "cluster")


def main(names: list[str]) -> None:
    """Run sections and print their rows as one table."""
    unknown = set(names) - set(SECTIONS)
    if unknown:
        sys.exit(f"there is no benchmark {unknown.pop()!r}: choose from {', '.join(SECTIONS)}")
    started, rows = time.perf_counter(), []
    for name in names or SECTIONS:
        began = time.perf_counter()
        rows += import_module(f"benchmarks.{name}").rows()
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(f"{machine()}; {time.perf_counter() - started:.0f} s\n")
    print(table(rows))


if __name__ == "__main__":
    main(arguments(__doc__, len(SECTIONS)))
