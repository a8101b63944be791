"""What the other networks cost, against one layer of ReLU read out at its end, for the same pairs and steps."""

import numpy as np

from benchmarks.engine import series
from benchmarks.measure import Row, one_thread, seconds
from rntk import RNTK
from rntk.gradient import free_scales, gram_gradient
from rntk.sensitivity import sensitivity


def rows() -> list[Row]:
    """The networks' share of the table."""
    with one_thread():
        return [*depths(), *lengths(), *readouts(), *nonlinearities(), gradient(), *gradient_by_scales()]


def timed(kernel: RNTK, X, pair_steps: float) -> float:
    """Nanoseconds a pair and step, of all pairs of X."""
    return seconds(lambda: kernel(X), 3, at_least=0.3) / pair_steps * 1e9


def equal(n: int = 300, T: int = 300) -> tuple[np.ndarray, float]:
    """Series of equal length, and how many pairs and steps they have."""
    return series(n, T), n * (n + 1) / 2 * T


def row(what: str, here: float, there: float, goal: str = "", of: float = 1.0) -> Row:
    return Row(what, f"{here:.2f} ns", f"{there:.2f} ns", here / there / of, goal)


def depths() -> list[Row]:
    """L layers against L times one."""
    X, pair_steps = equal()
    one = timed(RNTK(1.4, sigma_b=0.3), X, pair_steps)
    return [
        row(
            f"depth {depth} against {depth} × depth 1, n = T = 300, one thread",
            timed(RNTK(1.2, 0.7, 0.3, depth=depth), X, pair_steps),
            one,
            "≤ 1.3",
            depth,
        )
        for depth in (2, 3, 5)
    ]


def lengths() -> list[Row]:
    """Unequal lengths, for each pair the steps that both have."""
    X, pair_steps = equal()
    kernel, found, rng = RNTK(1.4, sigma_b=0.3), [], np.random.default_rng(0)
    one = timed(kernel, X, pair_steps)
    for shortest in (150, 30, 1):
        T = rng.integers(shortest, 301, len(X))
        ragged = [x[:t] for x, t in zip(X, T, strict=True)]
        common = np.minimum.outer(T, T)[np.triu_indices(len(X))].sum()
        found.append(
            row(f"lengths of {shortest} to 300, a step that both have", timed(kernel, ragged, common), one, "≤ 1.5")
        )
    return found


def readouts() -> list[Row]:
    """All T S steps of a pair, and T of them."""
    X, pair_steps = equal(100, 100)
    n = len(X)
    many, many_steps = equal(100, 1000)
    one = timed(RNTK(1.4, sigma_b=0.3), many, many_steps)
    mean = timed(RNTK(1.4, sigma_b=0.3, readout="mean"), X, n * (n + 1) / 2 * 100**2)
    untied = timed(RNTK(1.4, sigma_b=0.3, readout="mean_untied"), X, pair_steps)
    last = timed(RNTK(1.4, sigma_b=0.3), X, pair_steps)
    return [
        row("mean over all T S steps, n = T = 100, a step", mean, one, "about 1"),
        row("mean over t = s, n = T = 100", untied, last),
    ]


def nonlinearities() -> list[Row]:
    """Each against ReLU."""
    X, pair_steps = equal(200, 200)
    one = timed(RNTK(1.2, sigma_b=0.3), X, pair_steps)
    return [
        row(f"{name} against relu, n = T = 200", timed(RNTK(1.2, sigma_b=0.3, nonlinearity=name), X, pair_steps), one)
        for name in ("leaky_relu", "linear", "erf", "sin", "gelu", "tanh")
    ]


def gradient() -> Row:
    """The gradient by every step against the kernel of the same pairs, both in NumPy."""
    X = series(200, 200)
    kernel = RNTK(1.3, sigma_b=0.2, backend="numpy")
    here = seconds(lambda: sensitivity(kernel, X[0], X[1:]), 3)
    there = seconds(lambda: kernel(X[:1], X[1:]), 3)
    return Row(
        "the gradient by all 200 steps, against one evaluation",
        f"{here * 1e3:.0f} ms",
        f"{there * 1e3:.0f} ms",
        here / there,
    )


def gradient_by_scales() -> list[Row]:
    """The Gram with its gradient by all scales against the Gram alone."""
    X, found = series(500, 500), []
    for name in ("relu", "erf"):
        kernel = RNTK(1.3, sigma_b=0.2, nonlinearity=name)
        by = free_scales(kernel)
        here, there = seconds(lambda k=kernel, by=by: gram_gradient(k, X, by), 3), seconds(lambda k=kernel: k(X), 3)
        what = f"a Gram and its gradient by {len(by)} scales, {name}, n = T = 500, against the Gram"
        found.append(Row(what, f"{here * 1e3:.0f} ms", f"{there * 1e3:.0f} ms", here / there, "≤ 3"))
    return found
