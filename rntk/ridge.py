"""Kernel ridge regression, and the Gaussian process that it is the mean of: ridge and kernel by leave-one-out in closed form."""

from copy import copy
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from rntk.base import check_choice, check_number, is_number
from rntk.estimator import KernelEstimator, check_kernel, diagonal, normalised, settings, table
from rntk.kernel import RNTK
from rntk.normalisation import NORMALISATIONS
from rntk.sequences import Sequences
from rntk.svm.grams import Grams
from rntk.waiting import each, shown

RIDGES = tuple(10.0 ** (k / 2) for k in range(-10, 5))


@dataclass(frozen=True)
class Spectrum:
    """A Gram K of n series without its means, H K H = U Λ Uᵀ with H = I − 11ᵀ/n: everything that ridges ask of it.

    The model is f(x) = b + Σ α_i k(x, x_i) with a constant b that no ridge holds back, the minimum of Σ (y_i − f(x_i))² + λ αᵀKα; or
    y = b + f + ε with f ~ N(0, s² K), ε ~ N(0, s² λ) and every b equally likely. With P = U' (Λ + λ)⁻¹ U'ᵀ, U' = H U:

        α = P y,      y_i − f₍₋ᵢ₎(x_i) = α_i / P_ii,      s² = yᵀ P y / (n − 1),

    where f₍₋ᵢ₎ is learned without series i, its constant too, and s² is of the greatest (restricted) likelihood.

    Source: Rasmussen, Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, sections 2.7 and 5.4.2.
    """

    means: np.ndarray
    eigenvalues: np.ndarray
    U: np.ndarray

    @classmethod
    def of(cls, K: np.ndarray) -> "Spectrum":
        """Of a symmetric Gram, (n, n)."""
        means = K.mean(axis=0)
        eigenvalues, U = np.linalg.eigh(K - means - means[:, None] + means.mean())
        return cls(means, np.maximum(eigenvalues, 0), U - U.mean(axis=0))

    @property
    def unit(self) -> float:
        """The mean of k(x, x) less the means, which ridges are measured in; 1 where it is lost in rounding."""
        mean = float(self.eigenvalues.mean())
        return mean if mean > 1e-12 * abs(self.means.mean()) else 1.0

    def left_out(self, y: np.ndarray, ridge: float) -> np.ndarray:
        """The error of each y by what the others say, (n,)."""
        weights = 1 / (self.eigenvalues + ridge)
        return (self.U @ (weights * (y @ self.U))) / (self.U**2 @ weights)

    def coefficients(self, y: np.ndarray, ridge: float) -> np.ndarray:
        """α, (n,)."""
        return self.U @ ((y @ self.U) / (self.eigenvalues + ridge))

    def scale(self, y: np.ndarray, ridge: float) -> float:
        """s²."""
        return float((y @ self.U) ** 2 @ (1 / (self.eigenvalues + ridge)) / (len(y) - 1))

    def centred(self, K: np.ndarray) -> np.ndarray:
        """The Gram of other series with these, (r, n), without the means."""
        return K - self.means - K.mean(axis=1, keepdims=True) + self.means.mean()

    def variance(self, K: np.ndarray, own: np.ndarray, ridge: float) -> np.ndarray:
        """The variance of a new y in units of s², (r,), from K, (r, n), and `own`, k(x, x): that of f, of b and of the noise."""
        centred = self.centred(K)
        prior = own - 2 * K.mean(axis=1) + self.means.mean()
        known = (centred @ self.U) ** 2 @ (1 / (self.eigenvalues + ridge))
        return np.maximum(prior - known, 0) + ridge * (1 + 1 / len(self.U))


class Regression(KernelEstimator):
    """Parameters, learning and predicting, on checked sequences."""

    def __init__(self, kernel=None, ridges=RIDGES, normalisation="none", grid=None, verbose=0):
        self.kernel = kernel
        self.ridges = ridges
        self.normalisation = normalisation
        self.grid = grid
        self.verbose = verbose
        super().__init__()

    @shown
    def _learn(self, X: Sequences, y: np.ndarray) -> None:
        """Everything that fit finds."""
        ridges = self._check_parameters()
        if len(X) < 2:
            raise ValueError("n_samples=1: leave-one-out needs two series at least")
        kernel = RNTK() if self.kernel is None and isinstance(self.grid, str) else self._kernel(X)
        self.X_, y = normalised(X, self.normalisation), np.asarray(y, np.float64)
        grams = Grams(kernel, self.X_)
        tried = [{}] if self.grid is None else settings(self.grid, kernel)
        errors, notes, best = np.full((len(tried), len(ridges)), np.nan), [""] * len(tried), None
        for row, setting in enumerate(each(tried, "kernels")):
            try:
                K, scale = grams.train(setting, thorough=row == 0)
            except ValueError as error:
                if self.grid is None:
                    raise
                notes[row] = str(error)
                continue
            spectrum = Spectrum.of(K)
            errors[row] = [np.mean(spectrum.left_out(y, ridge * spectrum.unit) ** 2) for ridge in ridges]
            if best is None or errors[row].min() < np.nanmin(errors[:row]):
                best = setting, spectrum, scale, ridges[int(errors[row].argmin())] * spectrum.unit
        if best is None:
            raise ValueError(f"no setting of the grid is usable; the first says: {notes[0]}")
        setting, self.spectrum_, self.scale_, ridge = best
        self.kernel_ = grams.at(setting) if setting else copy(kernel)
        self.ridge_ = ridge * self.scale_
        self.coefficients_, self.mean_ = self.spectrum_.coefficients(y, ridge), float(y.mean())
        self.variance_ = self.spectrum_.scale(y, ridge)
        self.cv_error_ = float(np.sqrt(np.nanmin(errors)))
        self.cv_results_ = table(
            [{**setting, "ridge": ridge} for setting in tried for ridge in ridges],
            -errors.ravel(),
            np.zeros(errors.size, bool),
            [note for note in notes for _ in ridges],
        )

    @shown
    def _values(self, X: Sequences, std: bool = False):
        """The predictions, (n,), and if `std` also their standard deviations."""
        X = normalised(X, self.normalisation)
        K = Grams(self.kernel_, self.X_).test({}, X) / np.float64(self.scale_)
        values = self.mean_ + self.spectrum_.centred(K) @ self.coefficients_
        if not std:
            return values
        own = diagonal(self.kernel_, X) / self.scale_
        return values, np.sqrt(self.variance_ * self.spectrum_.variance(K, own, self.ridge_ / self.scale_))

    def _interval(self, X: Sequences, coverage: float) -> np.ndarray:
        """(n, 2)."""
        check_number("coverage", coverage, type(self).__name__, positive=True)
        if not coverage < 1:
            raise ValueError(f"coverage={coverage!r}: a share below 1 is needed")
        values, deviations = self._values(X, std=True)
        width = NormalDist().inv_cdf((1 + coverage) / 2) * deviations
        return np.stack([values - width, values + width], axis=1)

    def _check_parameters(self) -> list[Any]:
        """The ridges. Raises ValueError or TypeError for a parameter that cannot be used, before anything is computed."""
        name = type(self).__name__
        check_kernel(self.kernel, name)
        check_choice("normalisation", self.normalisation, NORMALISATIONS)
        if self.grid is not None:
            settings(self.grid, RNTK() if self.kernel is None else self.kernel)
        ridges = [self.ridges] if is_number(self.ridges) else list(self.ridges) if np.ndim(self.ridges) == 1 else []
        if not ridges:
            raise ValueError(f"ridges={self.ridges!r}: a number > 0 or a list of such numbers is needed")
        for ridge in ridges:
            check_number("ridges", ridge, name, positive=True)
        return ridges
