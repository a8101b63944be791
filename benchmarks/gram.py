"""The engine against the recursion in NumPy, both in one run: `python -m benchmarks.gram [n] [T]` (500 500)."""

import sys
import time

import numba
import numpy as np

from rntk import RNTK, recursion


def seconds(function, repeats: int) -> float:
    """The least of several runs, after one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def main(n: int = 500, T: int = 500) -> None:
    """Print, for each nonlinearity and number of threads, the ratio of times and the time a pair and step takes a core."""
    X = np.random.default_rng(0).normal(size=(n, T, 1))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    print(f"symmetric Gram, n = {n}, T = {T}, float64")
    for nonlinearity in ("relu", "erf"):
        kernel = RNTK(sigma_w=1.4, sigma_b=0.3, nonlinearity=nonlinearity)
        parameters = recursion.Parameters(**kernel.get_params())
        reference = seconds(lambda p=parameters: recursion.gram(X, None, p), 2)
        for threads in sorted({1, numba.config.NUMBA_NUM_THREADS}):
            numba.set_num_threads(threads)
            engine = seconds(lambda k=kernel: k(X), 5)
            per_step = engine * threads / (n * (n + 1) / 2 * T) * 1e9
            print(
                f"{nonlinearity:5} {threads} threads: {reference / engine:5.1f} × NumPy, {per_step:.2f} ns a pair, step and core"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
