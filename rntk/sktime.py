"""The kernel in sktime: classifier, regressor, and kernel or distance of pairs of series (`pip install rntk[sktime]`).

Every panel type of sktime is taken: series of unequal lengths and of several channels, without missing values; lists of arrays
(T_i,) too. The same for arrays in scikit-learn: `rntk.sklearn`.
"""

from typing import ClassVar

import numpy as np

from rntk.base import check_choice, warn_once
from rntk.estimator import KernelEstimator, check_kernel, diagonal, normalised
from rntk.extras import needs
from rntk.kernel import RNTK
from rntk.normalisation import NORMALISATIONS
from rntk.sequences import Sequences, as_sequences, refuse_hidden

with needs("sktime"):
    from sktime.classification.base import BaseClassifier
    from sktime.dists_kernels.base import BasePairwiseTransformerPanel
    from sktime.regression.base import BaseRegressor

    from rntk.ridge import RIDGES, Regression
    from rntk.svm.classification import Classification

__all__ = ["RNTKClassifier", "RNTKPairwise", "RNTKRegressor"]

TAGS = {
    "authors": "The RNTK study authors",
    "maintainers": "The RNTK study authors",
    "X_inner_mtype": ["df-list", "numpy3D"],
    "capability:multivariate": True,
    "capability:unequal_length": True,
    "capability:missing_values": False,
    "python_dependencies": ["numba"],
}
OF_ESTIMATORS = {"capability:categorical_in_X": False}


def sequences(X) -> Sequences:
    """A panel as sktime hands it over, (n, m, T) or a list of data frames."""
    return as_sequences(X.transpose(0, 2, 1) if isinstance(X, np.ndarray) else [np.asarray(frame) for frame in X])


def panel(X):
    """Lists of arrays (T_i,), which sktime does not know, as lists of data frames; anything else as it is. Raises ValueError where
    values are hidden, which sktime reads.
    """
    refuse_hidden(X, "X")
    if isinstance(X, list | tuple) and X and all(isinstance(x, np.ndarray) and x.ndim == 1 for x in X):
        import pandas as pd

        X = as_sequences(X)
        return [pd.DataFrame({"x": x[start:, 0]}) for x, start in zip(X.values, X.starts, strict=True)]
    return X


class OfPanels:
    """What sktime's estimators do to a panel before anything else."""

    def _internal_convert(self, X, y=None):
        refuse_hidden(y, "y")
        return super()._internal_convert(panel(X), y)


class RNTKClassifier(OfPanels, Classification, BaseClassifier):
    """Time series classification by a C-SVM on a recurrent neural tangent kernel.

    Parameters:
        kernel: an RNTK, or another kernel object; None needs no tuning. It is RNTK(sigma_b=0.05, readout="mean",
            dtype="float32"), which compares every step with every other, T² steps a pair; for series that have more than 400,000
            steps together (less than a minute of one core) one of T steps a pair (`rntk.estimator.default_kernel`). With the
            default C they have a mean accuracy of 81.5 and 78.2 % over the study's 56 datasets
            (`python -m benchmarks.defaults`), where kernels tuned to each have 75 to 82.
        C: the machine's C > 0 on the kernel as it is; None is 1000 divided by the mean of k(x, x), which needs no tuning
            either. Only without a grid.
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
        probability: whether to learn probabilities, Platt's sigmoids of the machine's decisions on held-out folds, for
            `predict_proba`: scikit-learn's `CalibratedClassifierCV`, on the Gram that is there. Where one is not far from
            another the likeliest class can be another than `predict` names. Without it `predict_proba` is 0 and 1, and says so.
        verbose: whether to show, on stderr, how far fit and predict are: a bar where they take more than two seconds.

    After fit: `kernel_` and `C_`, the ones in use, and with a grid `cv_accuracy_`, the share of the training set that is right
    where it is held out, and `cv_results_`, as scikit-learn's searches have it: `params`, `param_sigma_w` …, `mean_test_score` (the
    share, over all folds together), `rank_test_score`, `dropped` (cannot win any more, and has no score: `rntk.svm.scores`), `note`.

    Raises TypeError for what is no kernel or no list, ValueError for a parameter out of range, where no setting of the grid can be
    used, and for probabilities of a class with one member; without a grid, a machine that does not converge is a warning.

    Examples
    --------
    >>> from rntk.sktime import RNTKClassifier
    >>> from sktime.datasets import load_unit_test
    >>> X, y = load_unit_test(split="train")
    >>> classifier = RNTKClassifier().fit(X, y)
    >>> float(classifier.score(X, y))
    1.0
    >>> chosen = RNTKClassifier(grid={"sigma_u": [0.1, 1.0]}, probability=True, folds=5).fit(X, y)
    >>> chosen.predict_proba(X[:3]).shape
    (3, 2)

    Source of kernel and protocol: Alemohammad, Wang, Balestriero, Baraniuk, "The Recurrent Neural Tangent Kernel", ICLR
    2021; of probabilities: Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
    """

    _tags: ClassVar = {
        **TAGS,
        **OF_ESTIMATORS,
        "capability:predict_proba": False,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "classifier_type": "kernel",
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
        probability=False,
        verbose=0,
    ):
        super().__init__(kernel, C, normalisation, grid, Cs, folds, random_state, max_iter, probability, verbose)
        self.set_tags(**{"capability:predict_proba": bool(probability)})

    def _fit(self, X, y):
        self._learn(sequences(X), y)
        return self

    def _predict(self, X):
        return self._labels(sequences(X))

    def _predict_proba(self, X):
        if self.probability:
            return self._probabilities(sequences(X))
        warn_once(
            "RNTKClassifier.predict_proba is 0 and 1, for probability=False: RNTKClassifier(probability=True) learns probabilities"
        )
        return super()._predict_proba(X)

    @classmethod
    def get_test_params(cls, parameter_set="default"):
        """Small settings, for sktime's own tests."""
        return [
            {},
            {"grid": {"sigma_w": [1.2, 1.4]}, "Cs": (1.0, 10.0), "folds": 2, "normalisation": "zscore"},
            {"kernel": RNTK(sigma_b=0.1), "probability": True, "folds": 2},
        ]


class RNTKRegressor(OfPanels, Regression, BaseRegressor):
    """Time series regression by kernel ridge on a recurrent neural tangent kernel, with the intervals of the Gaussian process that it
    is the mean of.

    Ridge and kernel are those of the least squared error of leave-one-out, in closed form: one eigendecomposition a kernel
    (`rntk.ridge.Spectrum`).

    Parameters:
        kernel: an RNTK, or another kernel object; None is as in RNTKClassifier. Where it matters when something happens, as in
            windows of the past, one that reads out the last step is better, RNTK(sigma_b=0.1).
        ridges: the ridges to choose from, each > 0, or one, in units of the mean of k(x, x), less the Gram's means; by
            default from 1e-5 to 100, two a decade.
        normalisation: "none", for the size of a series tells something; "unit" or "zscore", as in RNTKClassifier.
        grid: values of the kernel's parameters to choose from, as in RNTKClassifier.
        verbose: whether to show, on stderr, how far fit and predict are: a bar where they take more than two seconds.

    After fit: `kernel_` and `ridge_` (on the kernel as it is, KernelRidge's alpha), the ones in use; `cv_error_`, the root mean
    squared error of leave-one-out; `cv_results_` as scikit-learn's searches have it, whose `mean_test_score` is minus the mean squared
    error.

    Raises TypeError and ValueError as RNTKClassifier does, and ValueError for a single series.

    Examples
    --------
    >>> import numpy as np
    >>> from rntk import RNTK
    >>> from rntk.sktime import RNTKRegressor
    >>> rng = np.random.default_rng(0)
    >>> speed = rng.uniform(1, 3, size=60)
    >>> X = np.sin(speed[:, None] * np.linspace(0, 6, 40) + rng.uniform(0, 6, size=(60, 1)))[:, None, :]
    >>> regressor = RNTKRegressor().fit(X[:40], speed[:40])
    >>> regressor.score(X[40:], speed[40:]) > 0.9
    True
    >>> low, high = regressor.predict_interval(X[40:], coverage=0.9).T
    >>> inside = (low < speed[40:]) & (speed[40:] < high)

    A forecaster, from windows of the past:

    >>> from sktime.datasets import load_airline
    >>> from sktime.forecasting.compose import make_reduction
    >>> y = load_airline()
    >>> forecaster = make_reduction(RNTKRegressor(RNTK(sigma_b=0.1)), window_length=24, scitype="time-series-regressor")
    >>> len(forecaster.fit(y[:-12], fh=[1, 2, 3]).predict())
    3
    """

    _tags: ClassVar = {**TAGS, **OF_ESTIMATORS}

    def __init__(self, kernel=None, ridges=RIDGES, normalisation="none", grid=None, verbose=0):
        super().__init__(kernel, ridges, normalisation, grid, verbose)

    def _fit(self, X, y):
        self._learn(sequences(X), y)
        return self

    def _predict(self, X):
        return self._values(sequences(X))

    def predict_interval(self, X, coverage=0.9):
        """Between what a new observation lies with probability `coverage`, noise included: (n, 2), lower and upper end."""
        self.check_is_fitted()
        return self._interval(sequences(self._check_convert_X_for_predict(X)), coverage)

    @classmethod
    def get_test_params(cls, parameter_set="default"):
        """Small settings, for sktime's own tests."""
        return [{}, {"grid": {"sigma_w": [1.2, 1.4]}, "ridges": 0.1, "normalisation": "zscore"}]


class RNTKPairwise(KernelEstimator, BasePairwiseTransformerPanel):
    """The kernel of every pair of series of two panels, or the distance that it induces: what sktime's classifiers by neighbours,
    SVMs and clusterers ask for.

    Parameters:
        kernel: an RNTK, or another kernel object; None is RNTK(sigma_b=0.05, readout="mean"), T² steps a pair.
        distance: whether to return √(k(x, x) + k(y, y) − 2 k(x, y)) instead. Of pairs that nearly are equal the root of the kernel's
            error is left: 1e-7 of √k(x, x) in float64, and in float32 a hundredth.
        normalisation: "unit", "zscore" or "none", as in RNTKClassifier.

    Examples
    --------
    >>> from rntk.sktime import RNTKPairwise
    >>> from sktime.classification.distance_based import KNeighborsTimeSeriesClassifier
    >>> from sktime.classification.kernel_based import TimeSeriesSVC
    >>> from sktime.datasets import load_unit_test
    >>> X, y = load_unit_test(split="train")
    >>> neighbours = KNeighborsTimeSeriesClassifier(distance=RNTKPairwise(distance=True)).fit(X, y)
    >>> machine = TimeSeriesSVC(kernel=RNTKPairwise()).fit(X, y)

    Clusters, by scikit-learn from the Gram:

    >>> from sklearn.cluster import SpectralClustering
    >>> K = RNTKPairwise().transform(X)
    >>> found = SpectralClustering(2, affinity="precomputed", random_state=0).fit_predict(K)
    """

    _tags: ClassVar = {**TAGS, "symmetric": True, "pwtrafo_type": "kernel"}

    def __init__(self, kernel=None, distance=False, normalisation="unit"):
        self.kernel = kernel
        self.distance = distance
        self.normalisation = normalisation
        super().__init__()
        self.set_tags(pwtrafo_type="distance" if distance else "kernel")

    def _pairwise_panel_x_check(self, X, var_name="X"):
        return super()._pairwise_panel_x_check(panel(X), var_name)

    def _transform(self, X, X2=None):
        kernel = self._checked_kernel()
        X, X2 = self._series(X), None if X2 is None or X2 is X else self._series(X2)
        K = np.asarray(kernel(X, X2), np.float64)
        if not self.distance:
            return K
        own = diagonal(kernel, X)
        others = own if X2 is None else diagonal(kernel, X2)
        squared = own[:, None] + others - 2 * K
        if X2 is None:
            np.fill_diagonal(squared, 0)
        return np.sqrt(np.maximum(squared, 0))

    def transform_diag(self, X):
        """k(x, x) of every series of X, (n,), or its distance from itself, 0."""
        X = self._series(self._pairwise_panel_x_check(X))
        return np.zeros(len(X)) if self.distance else diagonal(self._checked_kernel(), X)

    def _checked_kernel(self):
        check_kernel(self.kernel, "RNTKPairwise")
        return RNTK(sigma_b=0.05, readout="mean") if self.kernel is None else self.kernel

    def _series(self, X):
        check_choice("normalisation", self.normalisation, NORMALISATIONS)
        return normalised(sequences(X), self.normalisation)

    @classmethod
    def get_test_params(cls, parameter_set="default"):
        """Small settings, for sktime's own tests."""
        return [{}, {"kernel": RNTK(sigma_b=0.1), "distance": True, "normalisation": "zscore"}]
