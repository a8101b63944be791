"""The Gram engine against NumPy, against itself at other sizes, and against what the machine's arithmetic allows."""

import math

import numba
import numpy as np

from benchmarks import formula
from benchmarks.measure import Row, one_thread, seconds
from rntk import RNTK, engine_cpu, recursion


def series(n: int, T: int, seed: int = 0) -> np.ndarray:
    """Random series of norm 1."""
    X = np.random.default_rng(seed).normal(size=(n, T))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def rows() -> list[Row]:
    """The engine's share of the table."""
    return [*against_numpy(), *against_itself(), *against_the_machine()]


def against_numpy(n: int = 500, T: int = 500) -> list[Row]:
    """Symmetric Grams, float64 and float32, on all threads."""
    X, threads, found = series(n, T), numba.get_num_threads(), []
    np.zeros(30 * 2**20, np.uint8).fill(1)  # once freed, memory of this size is kept: NumPy is then twice as fast
    pair_steps = n * (n + 1) / 2 * T / threads * 1e-9
    size = f"n = T = {n}, {threads} threads"
    for nonlinearity in ("relu", "erf"):
        double = RNTK(sigma_w=1.4, sigma_b=0.3, nonlinearity=nonlinearity)
        single = RNTK(sigma_w=1.4, sigma_b=0.3, nonlinearity=nonlinearity, dtype="float32")
        there = seconds(lambda name=nonlinearity: formula.gram(X, 1.4, 0.3, nonlinearity=name), 7)
        here = seconds(lambda kernel=double: kernel(X), 7)
        half = seconds(lambda kernel=single: kernel(X), 7)
        per_step = f"{here * 1e3:.0f} ms ({here / pair_steps:.2f} ns a pair, step and core)"
        found += [
            Row(
                f"Gram, {nonlinearity}, against the formula in NumPy, {size}",
                per_step,
                f"{there * 1e3:.0f} ms",
                there / here,
                "≥ 25, ≤ 1.5 ns",
            ),
            Row(
                f"  float32 against float64, {size}",
                f"{half * 1e3:.0f} ms",
                f"{here * 1e3:.0f} ms",
                here / half,
                "≥ 1.7",
            ),
        ]
    return found


def against_itself() -> list[Row]:
    """Time a pair and step at other sizes, relative to n = T = 500, on one thread; and of rectangular Grams."""
    kernel, found = RNTK(sigma_w=1.4, sigma_b=0.3), []
    sizes = [
        (50, 500),
        (100, 500),
        (200, 500),
        (1000, 500),
        (2000, 500),
        (4000, 500),
        (4000, 50),
        (500, 50),
        (500, 100),
        (500, 1000),
    ]

    def per_step(n, T, repeats=3):
        X = series(n, T)
        return seconds(lambda: kernel(X), repeats, at_least=0.5) / (n * (n + 1) / 2 * T) * 1e9

    def row(what, here):
        return Row(what, f"{here:.2f} ns", f"{unit:.2f} ns", here / unit, "0.9 to 1.1")

    with one_thread():
        unit = per_step(500, 500)
        for n, T in sizes:
            here = per_step(n, T, 1 if n > 1000 else 3)
            found.append(row(f"Gram, n = {n}, T = {T} against n = T = 500, one thread", here))
        X, Y = series(300, 300), series(500, 300, 1)
        here = seconds(lambda: kernel(X, Y), 5) / (300 * 500 * 300) * 1e9
        return [*found, row("rectangular Gram, 300 × 500, T = 300", here)]


@numba.njit(fastmath={"contract"}, error_model="numpy")
def _rectifier(a, b, times):
    for _ in range(times):
        for j in range(a.size):
            x = a[j]
            p = q = math.sqrt(x)
            for c in (1.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
                p, q = p * x + c, q * x - c
            b[j] = p + q


@numba.njit(fastmath={"contract"}, error_model="numpy")
def _erf(a, b, times):
    for _ in range(times):
        for j in range(a.size):
            x = a[j]
            p, q = math.sqrt(x), 1 / x
            for c in (1.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
                p, q = p * x + c, q * x - c
            b[j] = p + q


def against_the_machine() -> list[Row]:
    """How far a step is from its arithmetic alone: 18 products and fused products and a root, for erf 16, a root and a quotient,
    of one number after another.
    """
    a, b, times, found = np.random.default_rng(0).uniform(0.1, 0.9, size=1024), np.empty(1024), 2000, []
    X = series(1000, 200)
    for nonlinearity, arithmetic, what in (
        ("relu", _rectifier, "18 (fused) products and a root"),
        ("erf", _erf, "16, a root and a quotient"),
    ):
        limit = seconds(lambda f=arithmetic: f(a, b, times), 5) / times / 1024 * 1e9
        p = recursion.Parameters(1.4, 1.0, 0.3, 0.0, 1.0, nonlinearity)
        prepared = engine_cpu.prepare(np.ascontiguousarray(X.T[:, None, :]), p)
        with one_thread():
            step = seconds(lambda x=prepared: engine_cpu.gram(x, None), 3) / (1000 * 999 / 2 * 200) * 1e9
        found.append(
            Row(f"a step of {nonlinearity} against its {what}", f"{step:.2f} ns", f"{limit:.2f} ns", step / limit)
        )
    return found
