"""The Grams of a kernel over the settings of its grid: each is checked before anything is learned from it."""

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

ROWS = 3  # of a Gram that are computed once more as those of two sets
# of |k(x, y)| / √(k(x, x) k(y, y)): far above rounding, far below a fault
TOLERANCE = {"float64": 1e-6, "float32": 1e-2}


def scaled(K: np.ndarray) -> tuple[np.ndarray, float]:
    """K / s, float64, and s, the mean diagonal. An SVM on K with C is one on K / s with C·s, and is solved stably however large
    s is. Raises ValueError where s is not positive and finite.
    """
    scale = float(np.diagonal(K).mean())
    if not 0 < scale < np.inf:
        raise ValueError(f"the Gram has a mean diagonal of {scale:g}: it must be positive and finite")
    return np.divide(K, scale, dtype=np.float64, order="C"), scale


class FaultyKernel(Exception):
    """A kernel returned what no kernel returns: the message names the kernel, the rule and what was found."""


class Grams:
    """The Grams of a kernel with a training set X, at one setting of its hyperparameters after another.

    kernel: called as k(X, Y=None), with `set_params`; it stays as it is. Where it has `over` (`rntk.base.Kernel`), what its
    settings share is computed once.

    Every Gram must have its shape, hold real and finite numbers, be symmetric and of nonnegative diagonal where it is that
    of one set, and agree with the Gram of two sets: FaultyKernel is raised where it does not. A ValueError of the kernel's own
    is let through: so it says that a setting cannot be computed.
    """

    def __init__(self, kernel: Callable, X):
        self.kernel, self.X = kernel, X

    @cached_property
    def _gram(self) -> Callable[[dict[str, Any]], np.ndarray]:
        """The Gram of X at a setting."""
        return self.kernel.over(self.X) if hasattr(self.kernel, "over") else lambda setting: self.at(setting)(self.X)

    def at(self, setting: dict[str, Any]) -> Callable:
        """The kernel at a setting."""
        kernel = copy(self.kernel)
        kernel.set_params(**setting)
        return kernel

    def train(self, setting: dict[str, Any], thorough: bool = False) -> tuple[np.ndarray, float]:
        """The Gram of the training set, `scaled`: K / s and s.

        `thorough`: its first rows are computed once more, as k(X[:3], X), and compared. Raises ValueError also where the
        diagonal is 0 throughout.
        """
        K = self._checked(self._gram(setting), setting, len(self.X))
        tolerance = TOLERANCE.get(K.dtype.name, TOLERANCE["float64"])
        diagonal = np.diagonal(K)
        if diagonal.min() < 0:
            i = int(diagonal.argmin())
            self._refuse(setting, "of nonnegative diagonal", f"K[{i}, {i}] = {diagonal[i]:.3g}")
        if not (K == K.T).all():
            i, j = np.unravel_index(np.abs(K - K.T).argmax(), K.shape)
            if abs(K[i, j] - K[j, i]) > tolerance * np.sqrt(diagonal[i] * diagonal[j]):
                self._refuse(setting, "symmetric", f"K[{i}, {j}] = {K[i, j]:.3g} and K[{j}, {i}] = {K[j, i]:.3g}")
        if thorough:
            self._compare(K, setting, tolerance)
        return scaled(K)

    def test(self, setting: dict[str, Any], X_test) -> np.ndarray:
        """The Gram of other series with the training set, (n_test, n)."""
        return self._checked(self.at(setting)(X_test, self.X), setting, len(X_test))

    def _checked(self, K, setting, n: int) -> np.ndarray:
        """A Gram of n series with the training set."""
        K = np.asarray(K)
        if K.shape != (n, len(self.X)):
            self._refuse(setting, f"of shape {(n, len(self.X))}", f"it has {K.shape}")
        if K.dtype.kind not in "fiu":
            self._refuse(setting, "of real numbers", f"its dtype is {K.dtype.name}")
        if not np.isfinite(K).all():
            i, j = np.argwhere(~np.isfinite(K))[0]
            self._refuse(
                setting,
                "finite (a kernel raises ValueError at a setting that it cannot compute)",
                f"K[{i}, {j}] = {K[i, j]}",
            )
        return K

    def _compare(self, K, setting, tolerance: float) -> None:
        """Raise FaultyKernel unless the first rows are those of a Gram of two sets. (Off the diagonal, where a series meets
        itself, and a kernel may add what belongs to one series alone.)
        """
        rows = self._checked(self.at(setting)(self.X[:ROWS], self.X), setting, min(ROWS, len(self.X)))
        own = np.sqrt(np.diagonal(K).astype(np.float64))
        off = np.abs(rows - K[: len(rows)].astype(np.float64))
        np.fill_diagonal(off, 0)
        if (off > tolerance * np.outer(own[: len(rows)], own)).any():
            i, j = np.unravel_index(off.argmax(), off.shape)
            self._refuse(
                setting,
                f"the same for k(X) and k(X[:{ROWS}], X)",
                f"at [{i}, {j}] they are {K[i, j]:.3g} and {rows[i, j]:.3g}",
            )

    def _refuse(self, setting, rule: str, finding: str) -> None:
        name, where = type(self.kernel).__name__, ", ".join(f"{key}={value!r}" for key, value in setting.items())
        raise FaultyKernel(f"{name}({where}): its Gram must be {rule}, and {finding}")
