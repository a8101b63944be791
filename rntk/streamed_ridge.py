"""Ridge classification from a set that comes in blocks: exact, in one pass, without a learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rntk.base import Parametrised, check_number

RIDGES = tuple(10.0 ** (k / 2) for k in range(-20, 5))


@dataclass(repr=False)
class StreamedRidge(Parametrised):
    """Least squares on a column a class, 1 in it and 0 elsewhere, with a ridge; what is learned block by block is what is learned at once.

    With F the features of all series so far, (n, m), and Y their classes, (n, classes), both less their means:

        W = (FᵀF + λI)⁻¹ FᵀY,        class(x) = argmax (φ(x) − mean)ᵀ W + mean of Y

    Only [F 1 Y]ᵀ[F 1 Y], (m + 1 + classes)², is kept, to which a block adds: O(m²) a series, whatever their order. λ is that of
    `ridges`, in units of the mean eigenvalue of FᵀF, for which generalised cross-validation is least:

        ‖Y − FW‖² / (1 − d/n)²,        d = 1 + Σ_i Λ_i / (Λ_i + λ),        FᵀF = U Λ Uᵀ

    ridges: numbers > 0. `partial_fit(F, y, classes)`, `predict(F)`, `decision_function(F)` as in scikit-learn; `classes_`, and
    `coef_`, (classes, m), `intercept_`, (classes,), and `ridge_` as of all that was seen. Raises ValueError for a ridge out of range, a
    class that is none of `classes`, another number of features, and where predictions come before partial_fit.

    Source: Golub, Heath, Wahba, "Generalized Cross-Validation as a Method for Choosing a Good Ridge Parameter", Technometrics 1979.
    """

    ridges: Sequence[float] = RIDGES

    def __post_init__(self):
        if np.ndim(self.ridges) != 1 or len(self.ridges) == 0:
            raise ValueError(f"ridges={self.ridges!r}: a list of numbers > 0 is needed")
        for ridge in self.ridges:
            check_number("ridges", ridge, type(self).__name__, positive=True)

    def partial_fit(self, F, y, classes=None) -> "StreamedRidge":
        """Add a block: features (n, m), labels (n,), and in the first call all classes that will come."""
        F, y = np.asarray(F, np.float64), np.asarray(y)
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("the first call of partial_fit needs `classes`: all labels that there will be")
            self.classes_ = np.unique(classes)
            size = F.shape[1] + 1 + len(self.classes_)
            self.moments_ = np.zeros((size, size))
        if F.shape[1] != self._m:
            raise ValueError(f"a block has {F.shape[1]} features, and those before it {self._m}")
        one_hot = (y[:, None] == self.classes_).astype(np.float64)
        if not one_hot.any(axis=1).all():
            unknown = y[int(np.argmin(one_hot.any(axis=1)))]
            raise ValueError(
                f"the label {unknown.item()!r} is none of the classes that the first block named: {self.classes_}"
            )
        Z = np.concatenate([F, np.ones((len(F), 1)), one_hot], axis=1)
        self.moments_ += Z.T @ Z
        self._solved = None
        return self

    @property
    def _m(self) -> int:
        return len(self.moments_) - 1 - len(self.classes_)

    def _solution(self) -> tuple[np.ndarray, np.ndarray, float]:
        """coef_, intercept_ and ridge_."""
        if not hasattr(self, "moments_"):
            raise ValueError("StreamedRidge has seen no series yet: call partial_fit first")
        if getattr(self, "_solved", None) is None:
            m, n, means = (
                self._m,
                self.moments_[self._m, self._m],
                self.moments_[self._m] / self.moments_[self._m, self._m],
            )
            centred = self.moments_ - n * np.outer(means, means)
            eigenvalues, U = np.linalg.eigh(centred[:m, :m])
            eigenvalues = np.maximum(eigenvalues, 0)
            projected, total = U.T @ centred[:m, m + 1 :], np.trace(centred[m + 1 :, m + 1 :])
            unit, squares = eigenvalues.mean() or 1.0, (projected**2).sum(axis=1)

            def validated(ridge: float) -> float:
                kept = eigenvalues + ridge * unit
                error = total - squares @ ((eigenvalues + 2 * ridge * unit) / kept**2)
                left = 1 - (1 + (eigenvalues / kept).sum()) / n
                return max(error, 0) / left**2 if left > 0 else np.inf

            ridge = min(self.ridges, key=validated)
            W = U @ (projected / (eigenvalues + ridge * unit)[:, None])
            self._solved = W.T, means[m + 1 :] - means[:m] @ W, float(ridge)
        return self._solved

    @property
    def coef_(self) -> np.ndarray:
        """Wᵀ, (classes, m)."""
        return self._solution()[0]

    @property
    def intercept_(self) -> np.ndarray:
        """What is added, (classes,)."""
        return self._solution()[1]

    @property
    def ridge_(self) -> float:
        """The one of `ridges` that was chosen."""
        return self._solution()[2]

    def decision_function(self, F) -> np.ndarray:
        """(n, classes)."""
        return np.asarray(F, np.float64) @ self.coef_.T + self.intercept_

    def predict(self, F) -> np.ndarray:
        """The class of each row, (n,)."""
        chosen = self.decision_function(F).argmax(axis=1)
        return self.classes_[chosen]
