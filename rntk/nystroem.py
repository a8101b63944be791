"""Landmarks: features whose products are nearly the kernel, for sets too large for a Gram."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rntk.base import Parametrised, check_choice, check_count
from rntk.landmarks import CANDIDATES, LANDMARKS, ROUNDING
from rntk.sequences import as_chunks, as_sequences, in_chunks
from rntk.waiting import each, shown


@dataclass(repr=False)
class NystroemFeatures(Parametrised):
    """Features φ(x) with φ(x)·φ(y) ≈ k(x, y), from the kernel with a few landmarks z_1 … z_m, drawn from the training set:

        φ(x) = (k(x, z_1), …, k(x, z_m)) V Λ^{−1/2},        K_zz = V Λ Vᵀ

    The products are exact among the landmarks, and everywhere if the landmarks span the kernel. A linear model on the
    features costs O(n m²) time and O(n m) memory, where the Gram takes O(n²). Directions whose eigenvalue is lost in
    rounding are left out.

    kernel: any kernel of this package, as `k(X, Y)`. n_landmarks ≥ 1; all series where there are fewer. seed: of the
    draw. block: series a pass. verbose: whether to show, on stderr, how far fit and transform are, from two seconds on.
    landmarks: how they are drawn: "uniform"; or from a Gram of 4 n_landmarks series, which are drawn uniformly, "kmeans++" (far from
    each other) or "leverage" (by ridge leverage scores): see `rntk.landmarks`.

    `fit(X)` and `transform(X)` take arrays of shape (n, T) or (n, T, m); transform returns (n, rank), rank ≤
    n_landmarks. A Dask array, cut along the series alone, gives a Dask array of features, chunk by chunk (`rntk.distributed`); of
    the training set only the chunks are computed that hold drawn series. As in scikit-learn: `get_params` and `set_params` for
    `clone`, pipelines and searches. Raises ValueError for n_landmarks, block or landmarks out of range, and where transform comes
    before fit.

    Source: Williams, Seeger, "Using the Nyström Method to Speed Up Kernel Machines", NeurIPS 2000.
    """

    kernel: Callable
    n_landmarks: int = 500
    seed: int = 0
    block: int = 2048
    verbose: int = 0
    landmarks: str = "uniform"

    @shown
    def fit(self, X, y=None) -> "NystroemFeatures":
        """Draw the landmarks from X; y is not looked at."""
        check_count("n_landmarks", self.n_landmarks)
        check_count("block", self.block)
        check_choice("landmarks", self.landmarks, LANDMARKS)
        choose, rng = LANDMARKS[self.landmarks], np.random.default_rng(self.seed)
        X = as_chunks(X) if in_chunks(X) else as_sequences(X)
        wanted = self.n_landmarks * (CANDIDATES if choose else 1)
        drawn = np.sort(rng.choice(len(X), min(wanted, len(X)), replace=False))
        Z = as_sequences(X[drawn].compute(), "what is drawn of X") if in_chunks(X) else X[drawn]
        K = np.asarray(self.kernel(Z), dtype=np.float64)
        if len(Z) > self.n_landmarks:
            chosen = np.sort(choose(K, self.n_landmarks, rng))
            Z, K = Z[chosen], K[np.ix_(chosen, chosen)]
        self.landmarks_ = Z
        eigenvalues, V = np.linalg.eigh(K)
        kept = eigenvalues > ROUNDING * eigenvalues[-1]
        self.normalisation_ = V[:, kept] / np.sqrt(eigenvalues[kept])
        return self

    @shown
    def transform(self, X) -> np.ndarray:
        """The features of X, (n, rank), a block of series at a time."""
        if not hasattr(self, "landmarks_"):
            raise ValueError("NystroemFeatures has no landmarks yet: call fit with the training set first")
        if in_chunks(X):
            from rntk import distributed  # Dask, which is there where one of its arrays is

            return distributed.features(self, X)
        from rntk.products import product  # numba: loaded at the first call, not at import

        X = as_sequences(X)
        features = np.empty((len(X), self.normalisation_.shape[1]))
        for start in each(range(0, len(X), self.block), "blocks"):
            rows = slice(start, start + self.block)
            features[rows] = product(self.kernel(X[rows], self.landmarks_), self.normalisation_)
        return features

    def fit_transform(self, X, y=None) -> np.ndarray:
        """fit, then transform."""
        return self.fit(X).transform(X)
