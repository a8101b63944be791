"""The C-SVM on a kernel as an estimator without a library: what scikit-learn's and sktime's classifiers have in common."""

import warnings
from copy import copy

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from rntk.base import check_choice, check_count, check_number
from rntk.estimator import KernelEstimator, check_kernel, normalised, settings, table
from rntk.kernel import RNTK
from rntk.normalisation import NORMALISATIONS
from rntk.sequences import Sequences
from rntk.svm.folds import folds
from rntk.svm.grams import Grams
from rntk.svm.machine import Machine, NotConverged
from rntk.svm.scores import UNUSABLE
from rntk.svm.search import Search
from rntk.waiting import shown


class Classification(KernelEstimator):
    """Parameters, learning and classifying, on checked sequences."""

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
        probability=False,
        verbose=0,
    ):
        self.kernel = kernel
        self.C = C
        self.normalisation = normalisation
        self.grid = grid
        self.Cs = Cs
        self.folds = folds
        self.random_state = random_state
        self.max_iter = max_iter
        self.probability = probability
        self.verbose = verbose
        super().__init__()

    @shown
    def _learn(self, X: Sequences, y: np.ndarray) -> None:
        """Everything that fit finds."""
        self._check_parameters(y)
        kernel = RNTK() if self.kernel is None and isinstance(self.grid, str) else self._kernel(X)
        self.X_ = normalised(X, self.normalisation)
        K = self._solve(kernel, y) if self.grid is None else self._search(kernel, y)
        self.n_iter_ = self.solution_.iterations
        if self.probability and len(np.unique(y)) > 1:
            self._calibrate(K, y)

    def _solve(self, kernel, y) -> np.ndarray:
        """The machine of one kernel and C. Returns its Gram, as `Grams.train` scales it."""
        self.kernel_ = copy(kernel)
        K, self.scale_ = Grams(self.kernel_, self.X_).train({})
        self.C_ = 1000 / self.scale_ if self.C is None else self.C
        machine = Machine(np.arange(len(y)), y)
        (self.solution_,) = machine.path(K, [self.C_ * self.scale_], self.max_iter, approximate=True)
        if self.solution_.problem:
            what = f"the machine did not converge: {self.solution_.problem}; raise max_iter, or choose a smaller C"
            warnings.warn(what, ConvergenceWarning, stacklevel=2)
        return K

    def _search(self, kernel, y) -> np.ndarray:
        """The machine of the setting and C with the highest accuracy of cross-validation. Returns its Gram."""
        tried = settings(self.grid, kernel)
        search = Search(kernel, tried, tuple(self.Cs), self.max_iter)
        try:
            search.fit(self.X_, y, folds(y, self.folds, self.random_state))
        except NotConverged as error:
            raise ValueError(f"{error}: raise max_iter, or choose another grid") from error
        self.kernel_, self.C_, (K, self.scale_) = search.grams.at(search.setting), search.best_C, search.gram
        _, _, (self.solution_,) = search.voters[0]
        self.cv_accuracy_, found = search.cv_accuracy, search.scores
        self.cv_results_ = table(
            [{**setting, "C": C} for setting in tried for C in self.Cs],
            np.where(found.dropped | (found.correct == UNUSABLE), np.nan, found.correct / len(y)).ravel(),
            found.dropped.ravel(),
            [note for note in found.notes for _ in self.Cs],
        )
        return K

    def _calibrate(self, K, y) -> None:
        """Platt's sigmoids of the machine's decisions, fitted to those on the held-out parts of the Gram."""
        machine = SVC(kernel="precomputed", C=self.C_ * self.scale_, max_iter=self.max_iter)
        count = min(self.folds, np.unique(y, return_counts=True)[1].min())
        parts = StratifiedKFold(count, shuffle=True, random_state=self.random_state)
        self.calibrated_ = CalibratedClassifierCV(machine, method="sigmoid", cv=parts, ensemble=False).fit(K, y)

    @shown
    def _to_train(self, X: Sequences) -> np.ndarray:
        """The Gram of other series with the training set, scaled as that was."""
        return Grams(self.kernel_, self.X_).test({}, normalised(X, self.normalisation)) / np.float64(self.scale_)

    def _labels(self, X: Sequences) -> np.ndarray:
        return self.solution_.predict(self._to_train(X))

    def _probabilities(self, X: Sequences) -> np.ndarray:
        """(n, classes), the classes in order."""
        if len(self.solution_.machine.classes) == 1:
            return np.ones((len(X), 1))
        return self.calibrated_.predict_proba(self._to_train(X))

    def _check_parameters(self, y) -> None:
        """Raise ValueError or TypeError for a parameter that cannot be used, before anything is computed."""
        name = type(self).__name__
        check_kernel(self.kernel, name)
        check_choice("normalisation", self.normalisation, NORMALISATIONS)
        check_count("max_iter", self.max_iter)
        check_count("folds", self.folds)
        if self.C is not None:
            check_number("C", self.C, name, positive=True)
        if self.grid is not None:
            if len(y) < 2:
                raise ValueError("n_samples=1: cross-validation needs two series at least")
            settings(self.grid, RNTK() if self.kernel is None else self.kernel)
            if self.C is not None:
                raise ValueError(f"C={self.C!r} and a grid: with a grid, one of Cs is chosen")
            if np.ndim(self.Cs) != 1 or not len(self.Cs) or list(self.Cs) != sorted(self.Cs) or not self.Cs[0] > 0:
                raise ValueError(f"Cs={self.Cs!r}: C > 0 in ascending order are needed")
        if self.folds < 2:
            raise ValueError(f"folds={self.folds!r}: at least 2 folds are needed")
        labels, counts = np.unique(y, return_counts=True)
        if self.probability and len(labels) > 1 and counts.min() < 2:
            raise ValueError(
                f"probability=True: class {labels[counts.argmin()]!s} has one series, and probabilities are learned from series "
                f"that are held out: give it two, leave it out, or use probability=False"
            )
