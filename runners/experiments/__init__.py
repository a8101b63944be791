"""The theory's experiments, one a file: each computes rows and numbers, and draws nothing (`runners.theory` runs them)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import linregress


@dataclass(frozen=True)
class Findings:
    """What an experiment found: `rows`, a table, and `numbers`, what it says in the end, by name."""

    rows: list[dict[str, Any]]
    numbers: dict[str, Any]


def power_law(widths, values) -> dict[str, float]:
    """The exponent of values ∝ width^exponent, by least squares of the logarithms, and its standard error.

    Raises ValueError for fewer than two widths.
    """
    if len(set(widths)) < 2:
        raise ValueError(
            f"the law is fitted over two widths or more, from `fit_from` on where there is one; got {sorted(set(widths))}"
        )
    fit = linregress(np.log(widths), np.log(values))
    return {"exponent": round(float(fit.slope), 4), "error": round(float(fit.stderr), 4)}


def distance(K: np.ndarray, limit: np.ndarray) -> float:
    """‖K − limit‖ / ‖limit‖, of Frobenius."""
    return float(np.linalg.norm(K - limit) / np.linalg.norm(limit))


def noise(n: int, T: int, seed: int) -> np.ndarray:
    """n sequences of T steps of white noise, of unit norm: (n, T)."""
    X = np.random.default_rng(seed).normal(size=(n, T))
    return X / np.linalg.norm(X, axis=1, keepdims=True)
