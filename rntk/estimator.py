"""What all estimators share, whatever library asks: kernel and grid as they are given, series as they are normalised, and the
table of what was tried.
"""

from itertools import product
from typing import Any

import numpy as np

from rntk.base import check_choice
from rntk.kernel import RNTK
from rntk.nonlinearities import NONLINEARITIES
from rntk.normalisation import normalise
from rntk.sequences import Sequences

PAPER = {
    "sigma_w": [*(s / 100 for s in range(134, 143)), 2**0.5, *(s / 100 for s in range(143, 148))],
    "sigma_b": [0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1, 2],
    "sigma_h": [0, 0.01, 0.1, 0.5, 1],
}
MODEST = 8e10  # pairs of steps, less than a minute of one core: a Gram of series that have 400,000 steps together


def default_kernel(X: Sequences, share: float = 0.5) -> RNTK:
    """The kernel for series X that needs no tuning, for a share of all pairs of them (a half, where the Gram is symmetric).

    The mean over all pairs of steps where there are at most `MODEST`; otherwise a kernel that takes as many steps a pair as a
    series has: a readout for every step, or that of the last where lengths differ, in both directions. Mean accuracies over the
    study's 56 datasets: 81.5, 78.2 and 75.0 % (`python -m benchmarks.defaults`).
    """
    if share * float(X.lengths.sum()) ** 2 <= MODEST:
        return RNTK(sigma_b=0.05, readout="mean", dtype="float32")
    if X.ragged:
        return RNTK(sigma_u=0.1, sigma_b=0.05, direction="both")
    return RNTK(sigma_w=1.3, sigma_u=0.3, sigma_b=0.05, readout="mean_untied", dtype="float32")


def check_kernel(kernel, owner: str) -> None:
    """Raise TypeError unless `kernel` is None or a kernel object; the message says what to give instead."""
    if kernel is None or (callable(kernel) and hasattr(kernel, "set_params") and not isinstance(kernel, type)):
        return
    instead = "RNTK(sigma_b=0.1)"
    if isinstance(kernel, type):
        instead = f"{kernel.__name__}()"
    elif isinstance(kernel, str) and kernel in NONLINEARITIES:
        instead = f"RNTK(nonlinearity={kernel!r})"
    raise TypeError(
        f"kernel={kernel!r}: {owner} needs a kernel object, that is called as k(X, Y) and has set_params, for instance {instead}; "
        f"None is the default"
    )


def settings(grid, kernel=None) -> list[dict[str, Any]]:
    """The settings of a grid, a list of values for each name of a kernel's parameters, or "paper"; the last name varies fastest.

    Raises TypeError for values that are no list, ValueError for an unknown name and no values; `kernel` knows the names.
    """
    if isinstance(grid, str):
        check_choice("grid", grid, ("paper",))
    elif not isinstance(grid, dict):
        raise TypeError(
            f'grid={grid!r}: a dictionary of lists is needed, for instance {{"sigma_w": [1.3, 1.4]}}, or "paper"'
        )
    axes = PAPER if isinstance(grid, str) else grid
    for name, values in axes.items():
        if hasattr(kernel, "get_params"):
            check_choice("a name in grid", name, kernel.get_params())
        if not isinstance(values, list | tuple) and (isinstance(values, str) or np.ndim(values) == 0):
            raise TypeError(f"grid[{name!r}]={values!r}: a list of values is needed, for instance [{values!r}]")
        if len(values) == 0:
            raise ValueError(f"grid[{name!r}] is empty: at least one value is needed")
    lists = (values.tolist() if isinstance(values, np.ndarray) else values for values in axes.values())
    return [dict(zip(axes, setting, strict=True)) for setting in product(*lists)]


def table(tried: list[dict[str, Any]], scores: np.ndarray, dropped: np.ndarray, notes: list[str]) -> dict[str, Any]:
    """`cv_results_` as scikit-learn's searches have it: a row for each setting tried, NaN where it has no score.

    Beside theirs (`params`, `param_<name>`, `mean_test_score`, `rank_test_score`), `dropped` says which settings were given up
    as they could not win any more, and `note` why others cannot be used.
    """
    _, place, ties = np.unique(-np.nan_to_num(scores, nan=-np.inf), return_inverse=True, return_counts=True)
    columns = {
        f"param_{name}": np.ma.array(np.fromiter((row[name] for row in tried), object, len(tried)), mask=False)
        for name in tried[0]
    }
    return {
        "params": tried,
        **columns,
        "mean_test_score": scores,
        "rank_test_score": (1 + np.cumsum(ties) - ties)[place].astype(np.int32),
        "dropped": dropped,
        "note": np.array(notes, object),
    }


def normalised(X: Sequences, how: str) -> np.ndarray | list[np.ndarray]:
    """Each sequence normalised on its own: (n, T) where there is one channel and one length, otherwise arrays (T_i, m)."""
    if not X.ragged and X.shape[2] == 1:
        return normalise(X.values[:, :, 0], how)
    axis = None if how == "unit" else 0
    return [normalise(x[start:], how, axis) for x, start in zip(X.values, X.starts, strict=True)]


def diagonal(kernel, X) -> np.ndarray:
    """k(x, x) of every series, also of a kernel of one's own that has no `diag`."""
    if hasattr(kernel, "diag"):
        return np.asarray(kernel.diag(X), np.float64)
    return np.array([kernel(X[i : i + 1])[0, 0] for i in range(len(X))], np.float64)


class KernelEstimator:
    """An estimator with the parameters `kernel` and `normalisation`, in whatever library."""

    def set_params(self, **params):
        """Set parameters by name; those of the kernel are `kernel__sigma_w` and so on.

        Raises ValueError for the kernel's where there is none yet.
        """
        kernel = params.get("kernel", self.kernel)
        of_kernel = [name for name in params if name.startswith("kernel__")]
        if kernel is None and of_kernel:
            raise ValueError(
                f"{of_kernel[0]} cannot be set: kernel=None is chosen by fit. Give one first, for instance kernel=RNTK(sigma_b=0.1)"
            )
        return super().set_params(**params)

    def _kernel(self, X: Sequences, share: float = 0.5):
        """The kernel to use: the one that is given, or the default for X."""
        return default_kernel(X, share) if self.kernel is None else self.kernel
