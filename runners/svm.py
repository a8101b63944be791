"""The C-SVM on a precomputed Gram: LIBSVM as scikit-learn ships it, called without what surrounds it.

`sklearn.svm.SVC` checks and copies its input at every fit, which for a few dozen series takes ten times as long as the
solver. Here the solver is called directly, with the settings of `SVC` (tolerance 1e-3, shrinking, one-versus-one): the
solution is the same to the last bit, and a test says so.
"""

from typing import Any, NamedTuple

import numpy as np
from sklearn.svm import _libsvm

CACHE_MIB = 500


class NotConverged(Exception):
    """An SVM was stopped by the iteration limit, or its solution is not finite."""


class Machine(NamedTuple):
    """A fitted SVM: LIBSVM's own description of it, and whether its solution is free, with no coefficient at the bound C."""

    model: tuple[np.ndarray, ...]
    is_free: bool

    def predict(self, K: np.ndarray) -> np.ndarray:
        """Labels for the rows of K: Grams of new cases with the training cases, on the scale the machine was fitted on."""
        K = np.ascontiguousarray(K, dtype=np.float64)
        return _libsvm.predict(K, *self.model, kernel="precomputed", cache_size=CACHE_MIB).astype(int)


class Constant(NamedTuple):
    """What stands in for an SVM where all cases have one label."""

    label: Any
    is_free: bool = True

    def predict(self, K: np.ndarray) -> np.ndarray:
        """The label, for each row of K."""
        return np.full(len(K), self.label)


def fit(K: np.ndarray, y: np.ndarray, C: float, max_iter: int) -> Machine | Constant:
    """A C-SVM on K, (n, n), finite, and the labels y, (n,), whole numbers ≥ 0.

    Raises NotConverged where `max_iter` iterations are not enough.
    """
    if (y == y[0]).all():
        return Constant(y[0])
    K = np.ascontiguousarray(K, dtype=np.float64)
    _libsvm.set_verbosity_wrap(0)
    *model, status, _ = _libsvm.fit(
        K, y.astype(np.float64), kernel="precomputed", C=C, max_iter=max_iter, cache_size=CACHE_MIB
    )
    coefficients, intercept = model[3], model[4]
    if status:
        raise NotConverged(f"more than {max_iter} iterations")
    if not (np.isfinite(coefficients).all() and np.isfinite(intercept).all()):
        raise NotConverged("its coefficients are not finite")
    return Machine(tuple(model), bool(np.abs(coefficients).max(initial=0.0) < C))
