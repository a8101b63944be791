"""Timing two things against each other in one run, and a table of what came out."""

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numba
import numpy as np

from rntk.machine import cores
from runners.environment import processor


def arguments(about: str, most: int = 0) -> list[str]:
    """What stands on a measurement's command line, `most` arguments at the most; `--help` prints what it is `about`."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for i in range(most):
        parser.add_argument(f"argument {i + 1}", nargs="?")
    return [value for value in vars(parser.parse_args()).values() if value is not None]


@dataclass
class Row:
    """One measurement: what, our figure and the other side's (as text, with units), their ratio, and what was aimed at."""

    what: str
    ours: str
    theirs: str = ""
    ratio: float | None = None
    goal: str = ""

    def __str__(self):
        ratio = "" if self.ratio is None else f"{self.ratio:.3g}"
        return f"| {self.what} | {self.ours} | {self.theirs} | {ratio} | {self.goal} |"


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    return "\n".join(
        ["| What | Ours | Other side | Ratio | Goal |", "| --- | ---: | ---: | ---: | --- |", *map(str, rows)]
    )


def seconds(function: Callable, repeats: int = 5, at_least: float = 0.0) -> float:
    """The least of several runs, after one that is not counted; more runs until `at_least` seconds have gone by."""
    function()
    times, began = [], time.perf_counter()
    while len(times) < repeats or time.perf_counter() - began < at_least:
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the engine to one thread."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)


def machine() -> str:
    """What the figures were measured on."""
    return (
        f"{processor()}, {cores()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, Numba {numba.__version__}"
    )
