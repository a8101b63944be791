"""Series made, not measured: for what no archive has, sizes that are chosen, classes and next steps that are known."""

import numpy as np


def noisy_sinusoids(
    n: int, T: int, classes: int = 4, noise: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """n series of T steps, and their classes 0 … classes − 1, as equal in number as n allows and in random order.

        x_t = sin(2π (2 + c) t/T + φ) + noise · ε_t,        t = 0 … T − 1,   φ uniform on [0, 2π),   ε_t ~ N(0, 1)

    c is the class: it has 2 + c periods in a series, at any phase. Returns arrays of shape (n, T) and (n,). Raises
    ValueError where n < classes, T < 2 (classes + 1) (steps too few for the fastest class), or noise < 0.
    """
    if classes < 1 or n < classes:
        raise ValueError(f"n={n}, classes={classes}: at least one class and one series a class are needed")
    if 2 * (classes + 1) > T:
        raise ValueError(f"T={T}: {classes} classes need at least {2 * (classes + 1)} steps")
    if not noise >= 0:
        raise ValueError(f"noise={noise}: a number >= 0 is needed")
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    phase = rng.uniform(0, 2 * np.pi, size=n)
    X = rng.standard_normal((n, T))
    X *= noise
    X += np.sin(2 * np.pi * np.outer(2 + y, np.arange(T) / T) + phase[:, None])
    return X, y


def sinusoid_windows(
    n: int, shortest: int, longest: int, noise: float, rng: np.random.Generator, period: int = 1000
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """n windows of one period of a noisy sinusoid, and what comes next: the step after each as it is seen, and without noise.

        x_t = sin(2π t/period) + noise · ε_t,      ε_t ~ N(0, 1), drawn anew for every window

    A window begins at any step of the period, goes on over its end, and has `shortest` to `longest` steps, all equally likely. Returns a
    list of n arrays (T_i,) and two of shape (n,). Raises ValueError where n < 1, not 1 ≤ shortest ≤ longest, or noise < 0.
    """
    if n < 1 or not 1 <= shortest <= longest or not noise >= 0:
        raise ValueError(
            f"n={n}, shortest={shortest}, longest={longest}, noise={noise}: n >= 1, 1 <= shortest <= longest and noise >= 0 are needed"
        )
    begins, lengths = rng.integers(period, size=n), rng.integers(shortest, longest + 1, size=n)
    ideal = [np.sin(2 * np.pi * (begin + np.arange(T + 1)) / period) for begin, T in zip(begins, lengths, strict=True)]
    seen = [x + noise * rng.standard_normal(len(x)) for x in ideal]
    return [x[:-1] for x in seen], np.array([x[-1] for x in seen]), np.array([x[-1] for x in ideal])
