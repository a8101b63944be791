"""How fast this machine is: small pieces of the study's own work, timed, beside what they take on the machine of the reference run.

python -m runners.pace
"""

import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from statistics import geometric_mean, mean, median

import numba
import numpy as np

from rntk import RNTK
from rntk.machine import cores
from rntk.svm.machine import Machine

TRIAL = 0.25  # seconds for which a piece is repeated
REFERENCE = {"float64": 1.75e-3, "float32": 0.88e-3, "machine": 0.32e-3}  # seconds on the machine of the reference run


def piece(kind: str) -> Callable[[], object]:
    """A Gram of the RNTK, in float64 or float32, or the machines of three classes, five C."""
    draw = np.random.default_rng(0).normal
    if kind == "machine":
        X, y = draw(size=(90, 4)), np.repeat([0, 1, 2], 30)
        K = np.exp(-((X[:, None] + y[:, None, None] - X - y[:, None]) ** 2).sum(axis=2) / 4)
        machine = Machine(np.arange(90), y)
        return lambda: machine.path(K, [0.01, 0.1, 1.0, 10.0, 100.0])
    X, k = draw(size=(128, 200)), RNTK(sigma_w=1.2, dtype=kind)
    return lambda: k(X)


def measure(kinds: Iterable[str], at_once: int = 1) -> dict[str, float]:
    """How many times as long as on the reference machine kinds of work take here, with so many at once; of those in REFERENCE, and
    as "other" the geometric mean of these, 1 where there are none. Takes a second, once what they need is compiled.

    What cannot be computed here is left out: what is wrong, the tasks will say.
    """
    pace = {}
    with ThreadPoolExecutor(at_once, initializer=numba.set_num_threads, initargs=(1,)) as pool:
        for kind in sorted(REFERENCE.keys() & set(kinds)):
            try:
                pace[kind] = mean(pool.map(seconds, [piece(kind)] * at_once)) / REFERENCE[kind]
            except Exception as error:
                print(f"note: no calibration by {kind}: {error}", file=sys.stderr)
    return pace | {"other": geometric_mean(pace.values()) if pace else 1.0}


def seconds(work: Callable[[], object]) -> float:
    """What work takes once it is compiled, the median of as many trials as there is time for."""
    work()
    taken, end = [], time.perf_counter() + TRIAL
    while time.perf_counter() < end:
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return median(taken)


if __name__ == "__main__":
    for kind, factor in measure(REFERENCE, cores()).items():
        print(f"{kind}\t{factor:.2f}")
