"""The classical kernels of vectors, on a series read as one vector of T·m numbers."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist, pdist

from rntk.base import Kernel
from rntk.sequences import Sequences, as_pair


def vectors(X: Sequences) -> np.ndarray:
    """Sequences of equal lengths as vectors of shape (n, T·m)."""
    return X.values.reshape(len(X), -1)


def squared_distances(X: Sequences, Y: Sequences | None) -> np.ndarray:
    """|x − y|² of every pair, from the differences themselves: zero, exactly, between equal series."""
    return cdist(vectors(X), vectors(X if Y is None else Y), "sqeuclidean")


@dataclass
class RBF(Kernel):
    """k(x, y) = exp(−γ |x − y|²), with γ > 0 in units of one over squared distance."""

    gamma: float = 1.0

    def _validate(self):
        self._check("gamma", positive=True)

    def _pairs(self, X, Y):
        return squared_distances(X, Y)

    def _gram(self, pairs):
        return np.exp(-self.gamma * pairs)

    def _diag(self, X):
        return np.ones(len(X))


@dataclass
class Gaussian(Kernel):
    """k(x, y) = exp(−|x − y|² / 2b²) with a bandwidth that follows the data: b = multiple × median.

    `fit(X)` sets `median` to the median Euclidean distance between two different series of X, the training set; until
    then it is 1, and `multiple` is the bandwidth itself. The same family as RBF, on a scale of its own. Both
    parameters > 0.
    """

    multiple: float = 1.0
    median: float = 1.0

    def _validate(self):
        self._check("multiple", "median", positive=True)

    def fit(self, X) -> "Gaussian":
        """Set `median` from the training set X, shape (n, T) or (n, T, m).

        Raises ValueError where it is 0, or n < 2.
        """
        distances = pdist(vectors(as_pair(X)[0]))
        if not len(distances) or np.median(distances) == 0:
            raise ValueError(
                "the median distance of the training set is 0 or undefined: the Gaussian kernel has no bandwidth; use RBF"
            )
        return self.set_params(median=float(np.median(distances)))

    def _pairs(self, X, Y):
        return squared_distances(X, Y)

    def _gram(self, pairs):
        return np.exp(-pairs / (2 * (self.multiple * self.median) ** 2))

    def _diag(self, X):
        return np.ones(len(X))


@dataclass
class Polynomial(Kernel):
    """k(x, y) = (r + ⟨x, y⟩)^d with offset r ≥ 0 and a whole degree d ≥ 1. Raises ValueError where it overflows."""

    degree: int = 2
    offset: float = 0.0

    def _validate(self):
        self._check("degree", positive=True, whole=True)
        self._check("offset")

    @property
    def _order(self):
        return 2 * self.degree

    def _pairs(self, X, Y):
        return vectors(X) @ vectors(X if Y is None else Y).T

    def _gram(self, pairs):
        with np.errstate(over="ignore"):
            K = (self.offset + pairs) ** self.degree
        if not np.isfinite(K).all():
            raise ValueError(f"{self} overflows float64: use a smaller degree, or smaller series")
        return K

    def _diag(self, X):
        return self._gram(np.einsum("ij,ij->i", vectors(X), vectors(X)))
