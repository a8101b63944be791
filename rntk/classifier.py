"""The kernel with a support vector machine as a classifier of sktime (`pip install rntk[classifier]`)."""

import warnings
from copy import copy
from itertools import product
from typing import ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sktime.classification.base import BaseClassifier

from rntk.base import check_choice, check_count
from rntk.kernel import RNTK
from rntk.normalisation import NORMALISATIONS, normalise
from rntk.svm.folds import folds
from rntk.svm.grams import Grams
from rntk.svm.machine import Machine, NotConverged
from rntk.svm.search import Search

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
    accuracy) of what was scored to the end: what cannot win any more is dropped (`rntk.svm.scores`).

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
        if self.grid is None:
            self._learn(kernel, y)
        else:
            self._search(kernel, y)
        return self

    def _learn(self, kernel, y):
        """The machine of one kernel and C."""
        self.kernel_ = copy(kernel)
        K, self.scale_ = Grams(self.kernel_, self.X_).train({})
        self.C_ = 1000 / self.scale_ if self.C is None else self.C
        machine = Machine(np.arange(len(y)), y)
        (self.solution_,) = machine.path(K, [self.C_ * self.scale_], self.max_iter, approximate=True)
        if self.solution_.problem:
            what = f"the machine did not converge: {self.solution_.problem}; raise max_iter, or choose a smaller C"
            warnings.warn(what, ConvergenceWarning, stacklevel=2)

    def _search(self, kernel, y):
        """The machine of the setting and C with the highest accuracy of cross-validation."""
        axes = PAPER if self._is_paper else dict(self.grid)
        settings = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
        search = Search(kernel, settings, tuple(self.Cs), self.max_iter)
        try:
            search.fit(self.X_, y, folds(y, self.folds, self.random_state))
        except NotConverged as error:
            raise ValueError(f"{error}: raise max_iter, or choose another grid") from error
        self.kernel_, self.C_, self.scale_ = search.grams.at(search.setting), search.best_C, search.gram[1]
        _, _, (self.solution_,) = search.voters[0]
        self.cv_accuracy_, scores = search.cv_accuracy, search.scores
        self.cv_results_ = [
            (settings[row], self.Cs[column], scores.correct[row, column] / len(y))
            for row, column in sorted(scores.best_first())
        ]

    @property
    def _is_paper(self) -> bool:
        return isinstance(self.grid, str) and self.grid == "paper"

    def _normalised(self, X):
        """A panel of sktime, (n, m, T) or a list of data frames, each series normalised on its own: (n, T) where there is one
        channel and one length, otherwise a list of arrays (T_i, m).
        """
        if isinstance(X, np.ndarray) and X.shape[1] == 1:
            return normalise(X[:, 0], self.normalisation)
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

    def _predict(self, X):
        K = Grams(self.kernel_, self.X_).test({}, self._normalised(X))
        return self.solution_.predict(K / np.float64(self.scale_))

    @classmethod
    def get_test_params(cls, parameter_set="default"):
        """Two small settings, for sktime's own tests."""
        return [{}, {"grid": {"sigma_w": [1.2, 1.4]}, "Cs": (1.0, 10.0), "folds": 2, "normalisation": "zscore"}]
