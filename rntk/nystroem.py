"""Landmarks: features whose products are nearly the kernel, for sets too large for a Gram."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rntk.base import Parametrised, check_count
from rntk.sequences import as_sequences
from rntk.waiting import each, shown

ROUNDING = 2.0**-26  # what a kernel near c = 1 keeps of its digits


@dataclass(repr=False)
class NystroemFeatures(Parametrised):
    """Features φ(x) with φ(x)·φ(y) ≈ k(x, y), from the kernel with a few landmarks z_1 … z_m, drawn from the training set:

        φ(x) = (k(x, z_1), …, k(x, z_m)) V Λ^{−1/2},        K_zz = V Λ Vᵀ

    The products are exact among the landmarks, and everywhere if the landmarks span the kernel. A linear model on the
    features costs O(n m²) time and O(n m) memory, where the Gram takes O(n²). Directions whose eigenvalue is lost in
    rounding are left out.

    kernel: any kernel of this package, as `k(X, Y)`. n_landmarks ≥ 1; all series where there are fewer. seed: of the
    draw. block: series a pass. verbose: whether to show, on stderr, how far fit and transform are, from two seconds on.

    `fit(X)` and `transform(X)` take arrays of shape (n, T) or (n, T, m); transform returns (n, rank), rank ≤
    n_landmarks. As in scikit-learn: `get_params` and `set_params` for `clone`, pipelines and searches. Raises ValueError for
    n_landmarks or block out of range, and where transform comes before fit.

    Source: Williams, Seeger, "Using the Nyström Method to Speed Up Kernel Machines", NeurIPS 2000.
    """

    kernel: Callable
    n_landmarks: int = 500
    seed: int = 0
    block: int = 2048
    verbose: int = 0

    @shown
    def fit(self, X, y=None) -> "NystroemFeatures":
        """Draw the landmarks from X; y is not looked at."""
        check_count("n_landmarks", self.n_landmarks)
        check_count("block", self.block)
        X = as_sequences(X)
        drawn = np.random.default_rng(self.seed).choice(len(X), min(self.n_landmarks, len(X)), replace=False)
        self.landmarks_ = X[np.sort(drawn)]
        K = np.asarray(self.kernel(self.landmarks_), dtype=np.float64)
        eigenvalues, V = np.linalg.eigh(K)
        kept = eigenvalues > ROUNDING * eigenvalues[-1]
        self.normalisation_ = V[:, kept] / np.sqrt(eigenvalues[kept])
        return self

    @shown
    def transform(self, X) -> np.ndarray:
        """The features of X, (n, rank), a block of series at a time."""
        if not hasattr(self, "landmarks_"):
            raise ValueError("NystroemFeatures has no landmarks yet: call fit with the training set first")
        X = as_sequences(X)
        features = np.empty((len(X), self.normalisation_.shape[1]))
        for start in each(range(0, len(X), self.block), "blocks"):
            rows = slice(start, start + self.block)
            features[rows] = self.kernel(X[rows], self.landmarks_) @ self.normalisation_
        return features

    def fit_transform(self, X, y=None) -> np.ndarray:
        """fit, then transform."""
        return self.fit(X).transform(X)
