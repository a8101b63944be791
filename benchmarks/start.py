"""How long a command takes to start."""

import subprocess
import sys

from benchmarks.measure import Row, seconds


def rows() -> list[Row]:
    """Whole processes, against an empty one."""
    empty = seconds(lambda: _run("-c", "pass"), 3)
    found = []
    for what, arguments, goal in (
        ("python -m runners.run --help", ("-m", "runners.run", "--help"), "< 1.5 s"),
        ("import rntk", ("-c", "import rntk"), "< 0.5 s"),
        ("import rntk, and a first Gram", ("-c", "from rntk import RNTK; RNTK()([[1.0, 2.0], [2.0, 1.0]])"), ""),
    ):
        here = seconds(lambda arguments=arguments: _run(*arguments), 3)
        found.append(Row(f"{what}, against an empty process", f"{here:.2f} s", f"{empty:.2f} s", here / empty, goal))
    return found


def _run(*arguments):
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
