"""The kernel in scikit-learn: classifier, regressor and features for arrays of series (`pip install rntk[sklearn]`).

In `cross_val_score`, `GridSearchCV`, pipelines. X is an array (n, T), or (n, T, m) of m channels, or a list of arrays (T_i,) or
(T_i, m) of unequal lengths. The same for panels of sktime: `rntk.sktime`.
"""

import numpy as np

from rntk.base import check_choice, check_count
from rntk.estimator import KernelEstimator, check_kernel, normalised
from rntk.extras import needs
from rntk.normalisation import NORMALISATIONS
from rntk.nystroem import NystroemFeatures
from rntk.sequences import FITS, Sequences, as_sequences, refuse_hidden

with needs("sklearn"):
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        RegressorMixin,
        TransformerMixin,
    )
    from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data

    from rntk.ridge import RIDGES, Regression
    from rntk.svm.classification import Classification

__all__ = ["RNTKClassifier", "RNTKFeatures", "RNTKRegressor"]


def ragged(X) -> bool:
    """Whether X is a list, or an array of objects, of series of different shapes."""
    if isinstance(X, np.ndarray):
        return X.dtype == object and X.ndim == 1 and any(isinstance(x, np.ndarray | list) for x in X)
    return (
        isinstance(X, list | tuple)
        and len({np.shape(x) if hasattr(x, "shape") else len(x) for x in X if np.iterable(x)}) > 1
    )


class OfSeries:
    """What scikit-learn's estimators do to series before anything else."""

    def _sequences(self, X, fitting: bool = False) -> Sequences:
        """Series as the kernel takes them: arrays are checked by scikit-learn, lists of unequal lengths by this package."""
        if ragged(X):
            return as_sequences(X)
        self._validated(X, reset=fitting)
        return as_sequences(X)

    def _training_set(self, X, y, numeric: bool) -> tuple[Sequences, np.ndarray]:
        """Series, and what they are to be told by."""
        refuse_hidden(y, "y")
        if ragged(X) and y is not None:
            check_consistent_length(X, y)
            return as_sequences(X), column_or_1d(y, dtype=np.float64 if numeric else None, warn=True)
        _, y = self._validated(X, y, y_numeric=numeric)
        return as_sequences(X), y

    def _validated(self, *given, **options):
        """What scikit-learn makes of series. It also reads hidden values, texts and dates, which `as_sequences` refuses."""
        try:
            return validate_data(self, *given, allow_nd=True, dtype=np.float64, **options)
        except OverflowError as error:
            raise ValueError(f"X holds a whole number that no float64 can: {FITS}") from error

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class RNTKClassifier(OfSeries, Classification, ClassifierMixin, BaseEstimator):
    """Classification of series by a C-SVM on a recurrent neural tangent kernel.

    Parameters:
        kernel: an RNTK, or another kernel object; None needs no tuning. It is RNTK(sigma_b=0.05, readout="mean",
            dtype="float32"), which compares every step with every other, T² steps a pair; for series that have more than 400,000
            steps together one of T steps a pair (`rntk.estimator.default_kernel`). `kernel__sigma_w` and so on name the
            parameters of the one that is given.
        C: the machine's C > 0 on the kernel as it is; None is 1000 divided by the mean of k(x, x), which needs no tuning
            either. Only without a grid.
        normalisation: "unit" divides each series by its Euclidean norm over all channels and steps; "zscore" subtracts from
            each channel its mean and divides it by its standard deviation; "none".
        grid: values to choose from by cross-validation, by name of the kernel's parameters, for instance
            {"sigma_w": [1.3, 1.4], "direction": ["forward", "backward"]}; "paper" is the grid of the RNTK paper. None chooses
            nothing, and {} chooses C alone. Many times as fast as GridSearchCV: what settings share is computed once, and what
            cannot win is dropped.
        Cs, folds, random_state: the C to choose from, ascending; the number of folds, stratified and shuffled, and the seed.
        max_iter: iterations after which a machine is given up. Settings where one is given up are out.
        probability: whether there is `predict_proba`: Platt's sigmoids of the machine's decisions on held-out folds
            (`CalibratedClassifierCV`). The likeliest class can be another than `predict` names.
        verbose: whether to show, on stderr, how far fit and predict are: a bar where they take more than two seconds.

    After fit: `classes_`, `kernel_`, `C_`, `n_iter_` (of each pair of classes), and with a grid `cv_accuracy_` and `cv_results_`, as
    GridSearchCV has it, with `dropped` (no score, for it cannot win any more) and `note`. More in `rntk.sktime.RNTKClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from rntk import RNTK
    >>> from rntk.sklearn import RNTKClassifier
    >>> from sklearn.model_selection import GridSearchCV, cross_val_score
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["slow", "fast"], 20)
    >>> X = np.sin(np.where(y == "slow", 1, 3)[:, None] * np.linspace(0, 6, 30) + rng.uniform(0, 6, size=(40, 1)))
    >>> bool(cross_val_score(RNTKClassifier(), X, y).mean() > 0.9)
    True
    >>> search = GridSearchCV(RNTKClassifier(kernel=RNTK(sigma_b=0.1)), {"kernel__sigma_w": [1.2, 1.4]}).fit(X, y)
    >>> RNTKClassifier().fit([x[i % 5 :] for i, x in enumerate(X)], y).predict([X[0], X[1, 7:]]).tolist()
    ['slow', 'slow']
    """

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

    def fit(self, X, y):
        """Learn from the series X and their labels y, (n,)."""
        X, y = self._training_set(X, y, numeric=False)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        self._learn(X, y)
        return self

    def predict(self, X):
        """The label of every series, (n,)."""
        check_is_fitted(self)
        return self._labels(self._sequences(X))

    def _has_probabilities(self) -> bool:
        if not self.probability:
            raise AttributeError(
                "RNTKClassifier has predict_proba with probability=True, which learns probabilities in fit"
            )
        return True

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """The probability of every class for every series, (n, classes), in the order of `classes_`."""
        check_is_fitted(self)
        return self._probabilities(self._sequences(X))


class RNTKRegressor(OfSeries, Regression, RegressorMixin, BaseEstimator):
    """Regression on series by kernel ridge on a recurrent neural tangent kernel, with the deviations of the Gaussian process that it is
    the mean of.

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
    squared error of leave-one-out; `cv_results_` as GridSearchCV has it, whose `mean_test_score` is minus the mean squared error.

    Raises TypeError for what is no kernel or no list, ValueError for a parameter out of range, for a single series, and where no
    setting of the grid can be used.

    Examples
    --------
    >>> import numpy as np
    >>> from rntk.sklearn import RNTKRegressor
    >>> rng = np.random.default_rng(0)
    >>> speed = rng.uniform(1, 3, size=60)
    >>> X = np.sin(speed[:, None] * np.linspace(0, 6, 40) + rng.uniform(0, 6, size=(60, 1)))
    >>> regressor = RNTKRegressor().fit(X[:40], speed[:40])
    >>> values, deviations = regressor.predict(X[40:], return_std=True)
    >>> regressor.score(X[40:], speed[40:]) > 0.9
    True
    """

    def __init__(self, kernel=None, ridges=RIDGES, normalisation="none", grid=None, verbose=0):
        super().__init__(kernel, ridges, normalisation, grid, verbose)

    def fit(self, X, y):
        """Learn from the series X and a number for each, (n,)."""
        self._learn(*self._training_set(X, y, numeric=True))
        return self

    def predict(self, X, return_std=False):
        """The number of every series, (n,); with `return_std` also the standard deviation of a new observation, noise included."""
        check_is_fitted(self)
        return self._values(self._sequences(X), return_std)

    def predict_interval(self, X, coverage=0.9):
        """Between what a new observation lies with probability `coverage`: (n, 2), lower and upper end."""
        check_is_fitted(self)
        return self._interval(self._sequences(X), coverage)


class RNTKFeatures(OfSeries, KernelEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features whose products are nearly the kernel, by landmarks (`rntk.NystroemFeatures`): linear models on them take n² no time.

    Parameters:
        kernel: an RNTK, or another kernel object; None is as in RNTKClassifier, by the work for series and landmarks.
        n_landmarks: series of the training set that are drawn, ≥ 1; all where there are fewer.
        normalisation: "unit", "zscore" or "none", as in RNTKClassifier.
        random_state: seed of the draw.
        verbose: whether to show, on stderr, how far fit and transform are: a bar where they take more than two seconds.
        landmarks: how they are drawn, "uniform", "kmeans++" or "leverage", as in NystroemFeatures.

    After fit: `kernel_`, and `features_`, the NystroemFeatures.

    Examples
    --------
    >>> import numpy as np
    >>> from rntk.sklearn import RNTKFeatures
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["slow", "fast"], 20)
    >>> X = np.sin(np.where(y == "slow", 1, 3)[:, None] * np.linspace(0, 6, 30) + rng.uniform(0, 6, size=(40, 1)))
    >>> model = make_pipeline(RNTKFeatures(n_landmarks=20), LogisticRegression(C=1e4)).fit(X, y)
    """

    def __init__(
        self, kernel=None, n_landmarks=500, normalisation="unit", random_state=0, verbose=0, landmarks="uniform"
    ):
        self.kernel = kernel
        self.n_landmarks = n_landmarks
        self.normalisation = normalisation
        self.random_state = random_state
        self.verbose = verbose
        self.landmarks = landmarks

    def fit(self, X, y=None):
        """Draw the landmarks from X; y is not looked at."""
        check_kernel(self.kernel, "RNTKFeatures")
        check_choice("normalisation", self.normalisation, NORMALISATIONS)
        check_count("n_landmarks", self.n_landmarks)
        X = self._sequences(X, fitting=True)
        self.kernel_ = self._kernel(X, min(1, self.n_landmarks / len(X)))
        seed = self.random_state
        if not isinstance(seed, int):
            seed = int(check_random_state(seed).randint(2**31 - 1))
        features = NystroemFeatures(
            self.kernel_, self.n_landmarks, seed, verbose=self.verbose, landmarks=self.landmarks
        )
        self.features_ = features.fit(normalised(X, self.normalisation))
        return self

    def transform(self, X):
        """The features of X, (n, rank), rank ≤ n_landmarks."""
        check_is_fitted(self)
        return self.features_.transform(normalised(self._sequences(X), self.normalisation))

    @property
    def _n_features_out(self) -> int:
        return self.features_.normalisation_.shape[1]
