"""The kernel with a support vector machine as a classifier of sktime (`pip install rntk[classifier]`)."""

import warnings
from itertools import product
from typing import ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC
from sktime.classification.base import BaseClassifier

from rntk.base import check_choice, check_count
from rntk.kernel import RNTK
from rntk.protocol import NORMALISATIONS, folds, normalise

PAPER = {
    "sigma_w": [*(s / 100 for s in range(134, 143)), 2**0.5, *(s / 100 for s in range(143, 148))],
    "sigma_b": [0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1, 2],
    "sigma_h": [0, 0.01, 0.1, 0.5, 1],
}


class RNTKClassifier(BaseClassifier):
    """Time series classification by a C-SVM on a recurrent neural tangent kernel.

    Takes every panel type of sktime: series of unequal length and of several channels, without missing values.

    Parameters:
        kernel: an RNTK; None is RNTK(sigma_b=0.05, readout="mean", dtype="float32"), which needs no tuning: with it and the
            default C a mean accuracy of 81.5 % over the study's 56 datasets (`python -m benchmarks.defaults`), where kernels
            tuned to each have 75 to 82. It takes as many steps a pair as the product of both lengths; for long series
            RNTK(sigma_b=0.1, direction="both") takes twice the shorter length, and has 72.9 %.
        C: the machine's C > 0 on the kernel as it is; None is 1000 divided by the mean of k(x, x), which needs none either.
            Only without a grid.
        normalisation: "unit" divides each series by its Euclidean norm over all channels and steps; "zscore" subtracts from
            each channel its mean and divides it by its standard deviation; "none".
        grid: values to choose from by cross-validation, by name of the kernel's parameters, for instance
            {"sigma_w": [1.3, 1.4], "direction": ["forward", "backward"]}; "paper" is the grid of the RNTK paper (900
            kernels; of RNTK(), where no kernel is given). None chooses nothing, and {} chooses C alone.
        Cs: the C to choose from, ascending, where there is a grid.
        folds: of the cross-validation, stratified and shuffled; plain where no class has as many members; fewer where there
            are fewer series. The highest accuracy wins, and the first of equals, C ascending; the next best where the
            machine of all series does not converge.
        random_state: seed of the shuffle.
        max_iter: iterations after which a machine is given up. Settings where one is given up are out.

    After fit: `kernel_` and `C_`, the ones in use, and with a grid `cv_accuracy_` and `cv_results_`, a list of (setting, C,
    accuracy).

    Raises ValueError for a parameter out of range and where no setting of the grid can be used; without a grid, a machine that
    does not converge is a warning.

    Examples
    --------
    >>> from rntk.classifier import RNTKClassifier
    >>> from sktime.datasets import load_unit_test
    >>> X, y = load_unit_test(split="train")
    >>> classifier = RNTKClassifier().fit(X, y)
    >>> float(classifier.score(X, y))
    1.0

    Source of kernel and protocol: Alemohammad, Wang, Balestriero, Baraniuk, "The Recurrent Neural Tangent Kernel", ICLR
    2021.
    """

    _tags: ClassVar = {
        "authors": "rntk",
        "X_inner_mtype": ["df-list", "numpy3D"],
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:missing_values": False,
        "capability:predict_proba": False,
        "capability:categorical_in_X": False,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "classifier_type": "kernel",
        "python_dependencies": ["numba"],
    }

    def __init__(
        self,
        kernel=None,
        C=None,
        normalisation="unit",
        grid=None,
        Cs=(0.01, 0.1, 1.0, 10.0, 100.0),
        folds=10,
        random_state=0,
        max_iter=100_000,
    ):
        self.kernel = kernel
        self.C = C
        self.normalisation = normalisation
        self.grid = grid
        self.Cs = Cs
        self.folds = folds
        self.random_state = random_state
        self.max_iter = max_iter
        super().__init__()

    def _fit(self, X, y):
        self._check_parameters()
        self.X_ = self._normalised(X)
        default = RNTK() if self._is_paper else RNTK(sigma_b=0.05, readout="mean", dtype="float32")
        kernel = default if self.kernel is None else self.kernel
        self.kernel_ = type(kernel)(**kernel.get_params())
        for setting, C in [({}, self.C)] if self.grid is None else self._select(y):
            K, self.scale_ = scaled(self.kernel_.set_params(**setting)(self.X_))
            self.C_ = 1000 / self.scale_ if C is None else C
            self.machine_ = self._machine(K, y, self.C_ * self.scale_)
            if self.machine_ is not None:
                return self
        raise ValueError(
            f"no machine converged within {self.max_iter} iterations: raise max_iter, or choose another grid"
        )

    @property
    def _is_paper(self) -> bool:
        return isinstance(self.grid, str) and self.grid == "paper"

    def _normalised(self, X) -> list[np.ndarray]:
        """A panel of sktime, (n, m, T) or a list of data frames, as a list of arrays (T_i, m), each normalised on its own."""
        arrays = X.transpose(0, 2, 1) if isinstance(X, np.ndarray) else [np.asarray(frame, dtype=float) for frame in X]
        return [normalise(x, self.normalisation, None if self.normalisation == "unit" else 0) for x in arrays]

    def _check_parameters(self):
        check_choice("normalisation", self.normalisation, NORMALISATIONS)
        if self.C is not None and not self.C > 0:
            raise ValueError(f"C={self.C!r}: a number > 0 is needed")
        if self.grid is not None:
            if self.C is not None:
                raise ValueError(f"C={self.C!r} and a grid: with a grid, one of Cs is chosen")
            check_count("folds", self.folds)
            if self.folds < 2 or not len(self.Cs) or list(self.Cs) != sorted(self.Cs) or not self.Cs[0] > 0:
                raise ValueError(
                    f"folds={self.folds!r}, Cs={self.Cs!r}: at least 2 folds, and C > 0 in ascending order"
                )

    def _select(self, y):
        """Settings and their C, those with the highest accuracy of cross-validation first."""
        axes = PAPER if self._is_paper else dict(self.grid)
        settings = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
        gram, splits = self.kernel_.over(self.X_), folds(y, self.folds, self.random_state)
        self.cv_results_ = []
        for setting in settings:
            K, scale = scaled(gram(setting))
            for C in self.Cs:
                hits = [self._hits(K, y, fit, held, C * scale) for fit, held in splits]
                if None not in hits:
                    self.cv_results_.append((setting, C, sum(hits) / len(y)))
        for setting, C, accuracy in sorted(self.cv_results_, key=lambda found: -found[2]):
            self.cv_accuracy_ = accuracy
            yield setting, C

    def _hits(self, K, y, fit, held, C) -> int | None:
        """How many of the cases held back one machine gets right; None if it does not converge."""
        if len(np.unique(y[fit])) == 1:
            return int((y[held] == y[fit[0]]).sum())
        machine = self._machine(K[np.ix_(fit, fit)], y[fit], C)
        return None if machine is None else int((machine.predict(K[np.ix_(held, fit)]) == y[held]).sum())

    def _machine(self, K, y, C) -> SVC | None:
        """A machine; where there are others to choose from, None if it does not converge."""
        with warnings.catch_warnings():
            if self.grid is not None:
                warnings.simplefilter("error", ConvergenceWarning)
            try:
                return SVC(kernel="precomputed", C=C, max_iter=self.max_iter).fit(K, y)
            except ConvergenceWarning:
                return None

    def _predict(self, X):
        K = self.kernel_(self._normalised(X), self.X_)
        return self.machine_.predict(K / self.scale_)

    @classmethod
    def get_test_params(cls, parameter_set="default"):
        """Two small settings, for sktime's own tests."""
        return [{}, {"grid": {"sigma_w": [1.2, 1.4]}, "Cs": (1.0, 10.0), "folds": 2, "normalisation": "zscore"}]


def scaled(K: np.ndarray) -> tuple[np.ndarray, float]:
    """K / s and s, its mean diagonal: an SVM on K with C is one on K / s with C s, and of any scale solved alike."""
    scale = float(np.mean(np.diagonal(K))) or 1.0
    return np.asarray(K, dtype=np.float64) / scale, scale
