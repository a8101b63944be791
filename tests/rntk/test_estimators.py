"""Estimators of scikit-learn and sktime on one core: what they share, and that each is at home in its library."""

import doctest
import importlib
import sys
import warnings
from itertools import count

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import SpectralClustering
from sklearn.decomposition import KernelPCA
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.gaussian_process.kernels import Kernel as ScikitKernel
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KernelCenterer
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from sktime.classification.distance_based import KNeighborsTimeSeriesClassifier

from baselines import RBF
from rntk import RNTK, NystroemFeatures, base, sklearn, sktime
from rntk.base import Kernel
from rntk.estimator import MODEST, default_kernel, table
from rntk.ridge import Spectrum
from rntk.sequences import as_sequences

MODULES = ["rntk", "rntk.kernel", "rntk.sklearn"]


@pytest.fixture(scope="module")
def waves():
    """Noisy sinusoids of three speeds."""
    rng = np.random.default_rng(0)
    speed = np.repeat([1.0, 2.0, 3.0], 14)
    t = np.linspace(0, 1, 24)
    X = np.sin(2 * np.pi * (speed[:, None] * t + rng.uniform(size=(42, 1)))) + 0.5 * rng.normal(size=(42, 24))
    return X, speed


@parametrize_with_checks([sklearn.RNTKClassifier(), sklearn.RNTKRegressor(), sklearn.RNTKFeatures(n_landmarks=20)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        sklearn.RNTKClassifier(RNTK(sigma_b=0.1), grid={"sigma_w": [1.2, 1.4]}, folds=3, probability=True),
        sklearn.RNTKRegressor(RNTK(sigma_b=0.1), grid={"sigma_w": [1.2, 1.4]}),
    ]
)
def test_scikit_learns_own_checks_of_estimators_that_choose(estimator, check):
    check(estimator)


@pytest.mark.parametrize("module", [*MODULES, pytest.param("rntk.sktime", marks=pytest.mark.slow)])
def test_the_examples_of_docstrings(module):
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 3 and found.failed == 0


# Leave-one-out, and the Gaussian process


@pytest.mark.parametrize("ridge", [1e-3, 0.3, 30.0])
def test_leave_one_out_is_that_of_learning_without_each(waves, ridge):
    """The constant is learned without the series, too."""
    X, y = waves
    K, n = RNTK(sigma_b=0.1)(X), len(y)
    errors = []
    for i in range(n):
        kept = np.delete(np.arange(n), i)
        system = np.ones((n, n))  # [K + λ, 1; 1ᵀ, 0] [α; b] = [y; 0]
        system[:-1, :-1] = K[np.ix_(kept, kept)] + ridge * np.eye(n - 1)
        system[-1, -1] = 0
        *alpha, b = np.linalg.solve(system, np.append(y[kept], 0))
        errors.append(y[i] - K[i, kept] @ alpha - b)
    np.testing.assert_allclose(Spectrum.of(K).left_out(y, ridge), errors, rtol=1e-7, atol=1e-9)


def test_it_is_kernel_ridge_regression_on_centred_features(waves):
    X, y = waves
    kernel = RNTK(sigma_b=0.1, sigma_v=3.0)
    ours = sklearn.RNTKRegressor(kernel, ridges=0.1).fit(X[::2], y[::2])
    centrer = KernelCenterer().fit(kernel(X[::2]))
    theirs = KernelRidge(alpha=ours.ridge_, kernel="precomputed")
    theirs.fit(centrer.transform(kernel(X[::2])), y[::2] - y[::2].mean())
    expected = y[::2].mean() + theirs.predict(centrer.transform(kernel(X[1::2], X[::2])))
    np.testing.assert_allclose(ours.predict(X[1::2]), expected, rtol=1e-9)


class Given(ScikitKernel):
    """s² K of a kernel of this package and s² λ of noise, all as given."""

    def __init__(self, kernel, scale, noise):
        self.kernel, self.scale, self.noise = kernel, scale, noise

    def __call__(self, X, Y=None, eval_gradient=False):
        return self.scale * self.kernel(X, Y) + (self.noise * np.eye(len(X)) if Y is None else 0)

    def diag(self, X):
        return self.scale * self.kernel.diag(X) + self.noise

    def is_stationary(self):
        return False


def test_deviations_are_those_of_the_gaussian_process(waves):
    """Of scikit-learn's, whose constant has a variance so large that it may be anything; s² maximises the likelihood of contrasts."""
    X, y = waves
    y = y + np.random.default_rng(1).normal(size=len(y))
    kernel = RNTK(sigma_b=0.1)
    ours = sklearn.RNTKRegressor(kernel, ridges=0.1).fit(X[::2], y[::2])
    s = ours.variance_ / ours.scale_
    theirs = GaussianProcessRegressor(Given(kernel, s, s * ours.ridge_) + ConstantKernel(1e5), alpha=0, optimizer=None)
    values, deviations = theirs.fit(X[::2], y[::2]).predict(X[1::2], return_std=True)
    found, spread = ours.predict(X[1::2], return_std=True)
    np.testing.assert_allclose(found, values, rtol=1e-4)
    np.testing.assert_allclose(spread, deviations, rtol=1e-4)
    # contrasts: any orthonormal basis of what sums to zero
    n = len(y[::2])
    Q = np.linalg.qr(np.column_stack([np.ones(n), np.random.default_rng(2).normal(size=(n, n - 1))]))[0][:, 1:]
    G, z = Q.T @ (kernel(X[::2]) + ours.ridge_ * np.eye(n)) @ Q, Q.T @ y[::2]
    np.testing.assert_allclose(s, z @ np.linalg.solve(G, z) / (n - 1), rtol=1e-9)


def test_intervals_hold_what_they_say():
    """Of a Gaussian process with this very kernel, over new observations."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 6))
    kernel = RNTK(sigma_b=0.5)
    K = kernel(X)
    y = 50 + np.linalg.cholesky(K + 0.05 * K.mean() * np.eye(500)) @ rng.normal(size=500)
    regressor = sklearn.RNTKRegressor(kernel).fit(X[:200], y[:200])
    for coverage in (0.5, 0.9):
        low, high = regressor.predict_interval(X[200:], coverage).T
        assert abs(np.mean((low < y[200:]) & (y[200:] < high)) - coverage) < 0.06
    with pytest.raises(ValueError, match=r"coverage=1\.5: a share below 1"):
        regressor.predict_interval(X, 1.5)


def test_kernel_and_ridge_are_those_of_the_least_error(waves):
    X, y = waves
    grid = {"sigma_w": [1.2, 400.0], "sigma_b": [0.1, 1.0], "sigma_v": [1.0, 2.0]}
    long = np.repeat(X, 30, axis=1)  # overflows at the larger σ_w
    ours = sklearn.RNTKRegressor(RNTK(), ridges=(0.01, 0.1, 1), grid=grid, normalisation="unit").fit(long, y)
    found = ours.cv_results_
    unit = long / np.linalg.norm(long, axis=1, keepdims=True)
    for setting, score, note in zip(found["params"], found["mean_test_score"], found["note"], strict=True):
        if setting["sigma_w"] == 400:
            assert np.isnan(score) and "overflows" in note
            continue
        spectrum = Spectrum.of(RNTK(**{name: setting[name] for name in grid})(unit))
        errors = spectrum.left_out(y, setting["ridge"] * spectrum.unit)
        np.testing.assert_allclose(score, -np.mean(errors**2), rtol=1e-6)
    best = found["params"][int(np.flatnonzero(found["rank_test_score"] == 1)[0])]
    assert (ours.kernel_.sigma_w, ours.kernel_.sigma_b) == (1.2, best["sigma_b"])
    np.testing.assert_allclose(ours.cv_error_**2, -np.nanmax(found["mean_test_score"]), rtol=1e-12)
    with pytest.raises(ValueError, match=r"no setting of the grid is usable; the first says: .*overflows"):
        sklearn.RNTKRegressor(RNTK(), grid={"sigma_w": [400.0]}).fit(long, y)


def test_a_kernel_of_ones_own_has_intervals_too(waves):
    """With nothing but a call and `set_params`."""

    class Mine:
        def __call__(self, X, Y=None):
            return RBF(0.5)(X, Y)

        def set_params(self, **params):
            assert not params

    X, y = waves
    mine, ours = (sklearn.RNTKRegressor(kernel).fit(X, y).predict(X, return_std=True) for kernel in (Mine(), RBF(0.5)))
    np.testing.assert_allclose(mine, ours, rtol=1e-9)


# Both libraries


def test_both_libraries_have_the_same(waves):
    X, y = waves
    panel = X[:, None, :]
    here, there = sklearn.RNTKClassifier(probability=True), sktime.RNTKClassifier(probability=True)
    here.fit(X, y.astype(int)), there.fit(panel, y.astype(int))
    np.testing.assert_array_equal(here.predict(X), there.predict(panel))
    np.testing.assert_array_equal(here.predict_proba(X), there.predict_proba(panel))
    here, there = sklearn.RNTKRegressor().fit(X, y), sktime.RNTKRegressor().fit(panel, y)
    np.testing.assert_array_equal(here.predict_interval(X), there.predict_interval(panel))
    assert here.kernel_ == there.kernel_ == RNTK(sigma_b=0.05, readout="mean", dtype="float32")


def test_lists_of_series_of_any_length(waves):
    """Lists of arrays (T_i,), and channels: one that is silent changes nothing but the scale of the scalar products, by m."""
    X, y = waves
    shorter, labels = [x[i % 6 :] for i, x in enumerate(X)], np.where(y > 2, "fast", "slow")
    kernel = RNTK(sigma_b=0.1, readout="mean")
    expected = sktime.RNTKClassifier(kernel).fit(shorter, labels).predict(shorter)
    assert (expected == labels).mean() > 0.9
    here = sklearn.RNTKClassifier(kernel).fit(shorter, labels)
    np.testing.assert_array_equal(here.predict(shorter), expected)
    np.testing.assert_array_equal(here.predict(X[:3]), here.predict(list(X[:3])))
    as_objects = np.empty(len(X), object)
    as_objects[:] = shorter
    np.testing.assert_array_equal(sklearn.RNTKClassifier(kernel).fit(as_objects, labels).predict(shorter), expected)
    assert cross_val_score(here, shorter, labels, cv=3).mean() > 0.8
    assert sklearn.RNTKRegressor(kernel).fit(shorter, y).score(shorter, y) > 0.9
    silent = np.stack([X, 0 * X], axis=2)
    wider = sklearn.RNTKClassifier(RNTK(sigma_u=2**0.5, sigma_b=0.1)).fit(silent, labels)
    plain = sklearn.RNTKClassifier(RNTK(sigma_b=0.1)).fit(X, labels)
    np.testing.assert_allclose(wider.C_, plain.C_, rtol=1e-9)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        here.fit(shorter, labels[1:])


@pytest.mark.parametrize("library", [sklearn, sktime])
@pytest.mark.parametrize("name", ["RNTKClassifier", "RNTKRegressor"])
@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"kernel": "relu"},
            TypeError,
            r"kernel='relu': .* needs a kernel object.* for instance RNTK\(nonlinearity='relu'\)",
        ),
        ({"kernel": RNTK}, TypeError, r"for instance RNTK\(\)"),
        ({"kernel": np.dot}, TypeError, r"needs a kernel object"),
        (
            {"grid": {"sigma_w": 1.3}},
            TypeError,
            r"grid\['sigma_w'\]=1.3: a list of values is needed, for instance \[1.3\]",
        ),
        ({"grid": {"direction": "both"}}, TypeError, r"for instance \['both'\]"),
        ({"grid": [1.3]}, TypeError, r"grid=\[1.3\]: a dictionary of lists"),
        ({"grid": {"sigma_B": [1]}}, ValueError, r"'sigma_B' is unknown: choose one of sigma_b, "),
        ({"normalisation": "z"}, ValueError, r"normalisation='z' is unknown: choose one of zscore"),
    ],
)
def test_what_cannot_be_used_is_said(waves, library, name, parameters, error, message):
    X, y = waves
    with pytest.raises(error, match=message):
        getattr(library, name)(**parameters).fit(X if library is sklearn else X[:, None], y.astype(int))


@pytest.mark.parametrize("ridges", [0, [], [0.1, -1], "all", None])
def test_ridges_out_of_range(waves, ridges):
    with pytest.raises(ValueError, match=r"ridges="):
        sklearn.RNTKRegressor(ridges=ridges).fit(*waves)


def test_long_series_have_a_kernel_of_their_length(monkeypatch):
    """By the steps of all series together: 400,000 where every pair of steps is looked at, and half of a Gram."""
    n, T = 400, 1000
    assert n * T == (2 * MODEST) ** 0.5
    same, more = (as_sequences(np.ones((n, t))) for t in (T, T + 1))
    assert default_kernel(same).readout == "mean"
    assert default_kernel(more).readout == "mean_untied"
    unequal = as_sequences([np.ones(T + 3 - i % 2) for i in range(n)])
    assert (default_kernel(unequal).readout, default_kernel(unequal).direction) == ("last", "both")
    assert default_kernel(more, share=0.1).readout == "mean"
    monkeypatch.setattr("rntk.estimator.MODEST", 50.0)
    X, y = np.random.default_rng(0).normal(size=(6, 4)), [0, 1] * 3
    assert sklearn.RNTKClassifier().fit(X, y).kernel_ == default_kernel(as_sequences(X))
    assert sklearn.RNTKFeatures(n_landmarks=1).fit(X).kernel_.readout == "mean_untied"  # 6 · 4 · 4 pairs of steps
    assert sklearn.RNTKFeatures(n_landmarks=1).fit(X[:3]).kernel_.readout == "mean"


def test_the_table_of_what_was_tried_is_scikit_learns(waves):
    X, y = waves
    grid = {"sigma_w": [1.2, 1.4], "direction": ["forward", "both"], "depth": [1]}
    ours = sklearn.RNTKClassifier(RNTK(), grid=grid, Cs=(0.001, 1.0, 10.0), folds=3).fit(X, y.astype(int)).cv_results_
    theirs = GridSearchCV(SVC(kernel=RNTK()), {"kernel__sigma_w": [1.2, 1.4], "C": [1.0]}, cv=3).fit(X, y.astype(int))
    assert {"params", "mean_test_score", "rank_test_score"} <= {*ours} & {*theirs.cv_results_}
    assert {len(column) for column in ours.values()} == {12}
    assert ours["param_direction"].tolist() == [setting["direction"] for setting in ours["params"]]
    assert type(ours["param_C"]) is type(theirs.cv_results_["param_C"])
    assert ours["dropped"].any()
    assert np.isnan(ours["mean_test_score"][ours["dropped"]]).all()
    tried = [{"a": i} for i in range(5)]
    ranks = table(tried, np.array([0.5, np.nan, 0.9, 0.9, 0.1]), np.zeros(5, bool), [""] * 5)["rank_test_score"]
    assert ranks.tolist() == [3, 5, 1, 1, 4]


# Probabilities


def test_probabilities_are_platts_on_held_out_folds(waves):
    X, y = waves
    labels = np.random.default_rng(0).permutation(y.astype(int))  # nothing to learn: no class is sure
    kernel = RNTK(sigma_b=0.1, sigma_v=0.02)
    ours = sklearn.RNTKClassifier(kernel, C=25.0, normalisation="none", folds=4, random_state=5, probability=True)
    parts = StratifiedKFold(4, shuffle=True, random_state=5)
    theirs = CalibratedClassifierCV(SVC(kernel="precomputed", C=25.0), cv=parts, ensemble=False)
    expected = theirs.fit(kernel(X[::2]), labels[::2]).predict_proba(kernel(X[1::2], X[::2]))
    found = ours.fit(X[::2], labels[::2]).predict_proba(X[1::2])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.max() < 0.8
    chosen = sklearn.RNTKClassifier(kernel, grid={"sigma_v": [0.1, 7.0]}, folds=3, probability=True).fit(
        X, y.astype(int)
    )
    assert (chosen.classes_[chosen.predict_proba(X).argmax(axis=1)] == chosen.predict(X)).mean() > 0.9


def test_without_them_nothing_is_made_up(waves, monkeypatch):
    X, y = waves
    labels = y.astype(int)
    here = sklearn.RNTKClassifier().fit(X, labels)
    assert not hasattr(here, "predict_proba")
    with pytest.raises(AttributeError, match="predict_proba"):
        here.predict_proba(X)
    base.warn_once.cache_clear()
    there = sktime.RNTKClassifier().fit(X[:, None], labels)
    assert not there.get_tag("capability:predict_proba")
    assert sktime.RNTKClassifier(probability=True).get_tag("capability:predict_proba")
    with pytest.warns(UserWarning, match="probability=True"):
        there.predict_proba(X[:, None])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(np.unique(there.predict_proba(X[:, None]))) == {0, 1}
    single = np.append(labels[:20], 9)
    with pytest.raises(ValueError, match="class 9 has one series"):
        sklearn.RNTKClassifier(probability=True).fit(X[:21], single)
    alone = sklearn.RNTKClassifier(probability=True).fit(X[:5], np.ones(5))
    assert (alone.predict_proba(X) == 1).all() and (alone.predict(X) == 1).all()


# Parameters of parameters


@pytest.mark.parametrize(
    "estimator",
    [
        sklearn.RNTKClassifier,
        sklearn.RNTKRegressor,
        sklearn.RNTKFeatures,
        sktime.RNTKClassifier,
        sktime.RNTKRegressor,
        sktime.RNTKPairwise,
        NystroemFeatures,
    ],
)
def test_the_kernels_parameters_are_reached(estimator):
    given = RNTK(sigma_w=1.1)
    made = estimator(kernel=given)
    assert made.get_params()["kernel__sigma_w"] == 1.1
    other = clone(made).set_params(kernel__sigma_w=1.3, kernel__direction="both")
    assert other.kernel == RNTK(sigma_w=1.3, direction="both")
    assert given == RNTK(sigma_w=1.1)
    with pytest.raises(ValueError, match="sigma_q"):
        other.set_params(kernel__sigma_q=1)
    if estimator is NystroemFeatures:
        with pytest.raises(ValueError, match="n_landmarks=500 has no parameters: a cannot be set"):
            made.set_params(n_landmarks__a=1)
        assert made.set_params(kernel__sigma_w=2).kernel.sigma_w == 2 and given.sigma_w == 1.1
        return
    with pytest.raises(ValueError, match=r"kernel__sigma_w cannot be set: kernel=None.* kernel=RNTK"):
        estimator().set_params(kernel__sigma_w=1.3)
    assert estimator().set_params(kernel=RNTK(), kernel__sigma_w=1.3).kernel.sigma_w == 1.3


@pytest.mark.parametrize("features", [sklearn.RNTKFeatures(RNTK(), n_landmarks=15), NystroemFeatures(RNTK(), 15)])
def test_a_search_over_the_kernel_of_features(waves, features):
    X, y = waves
    pipeline = make_pipeline(features, LogisticRegression(C=1e3, max_iter=1000))
    step = pipeline.steps[0][0]
    search = GridSearchCV(pipeline, {f"{step}__kernel__sigma_w": [0.0, 1.3]}, cv=3).fit(X, y.astype(int))
    assert search.best_params_ == {f"{step}__kernel__sigma_w": 1.3}  # without recurrence the last step is all it sees
    made = sklearn.RNTKFeatures(RNTK(), normalisation="none").fit(X)
    np.testing.assert_allclose(made.transform(X) @ made.transform(X).T, RNTK()(X), rtol=1e-6)
    assert made.get_feature_names_out()[0] == "rntkfeatures0"


def test_landmarks_of_features_are_chosen_as_asked(waves):
    X, _ = waves
    for landmarks in ("kmeans++", "leverage"):
        made = sklearn.RNTKFeatures(RNTK(), 5, normalisation="none", random_state=1, landmarks=landmarks).fit(X)
        expected = NystroemFeatures(RNTK(), 5, seed=1, landmarks=landmarks).fit(X)
        np.testing.assert_array_equal(made.transform(X), expected.transform(X))
        assert not np.array_equal(
            expected.landmarks_.values, NystroemFeatures(RNTK(), 5, seed=1).fit(X).landmarks_.values
        )
    with pytest.raises(ValueError, match="landmarks='kmeans' is unknown: choose one of kmeans\\+\\+"):
        sklearn.RNTKFeatures(RNTK(), 5, landmarks="kmeans").fit(X)


# What scikit-learn would call pair by pair


@pytest.mark.parametrize(
    "machine",
    [
        lambda kernel: KernelRidge(kernel=kernel, alpha=0.1),
        lambda kernel: Nystroem(kernel=kernel, n_components=9, random_state=0),
        lambda kernel: KernelPCA(kernel=kernel, n_components=3),
        lambda kernel: SpectralClustering(3, affinity=kernel, random_state=0),
    ],
    ids=["KernelRidge", "Nystroem", "KernelPCA", "SpectralClustering"],
)
def test_kernels_are_called_at_once(waves, machine, monkeypatch):
    calls = []
    call = Kernel.__call__
    monkeypatch.setattr(RNTK, "__call__", lambda self, X, Y=None: calls.append(np.ndim(X)) or call(self, X, Y))
    X, y = waves
    machine(RNTK(sigma_b=0.1, sigma_h=0.3)).fit(X, y)
    assert calls and set(calls) == {2}


def test_who_calls_pair_by_pair_is_told_once(monkeypatch):
    monkeypatch.setattr(base, "single", count(1))
    base.warn_once.cache_clear()
    k, x, y = RNTK(), np.ones(3), np.arange(3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(base.MANY_PAIRS - 1):
            k(x, y)
    with pytest.warns(UserWarning, match=r"GPKernel\(k\).*precomputed"):
        k(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2 * base.MANY_PAIRS):
            k(x, y)


def test_gaussian_processes_are_told_which_object_is_a_kernel_of_theirs(waves):
    X, y = waves
    for join in (lambda k: k + WhiteKernel(), lambda k: 2.0 * k, lambda k: k * k, lambda k: k**2):
        with pytest.raises(TypeError, match=r"GPKernel\(RNTK\(sigma_b=0\.1\)\) \+ WhiteKernel\(\)"):
            join(RNTK(sigma_b=0.1))
    for kernel in (RNTK(sigma_b=0.1), WhiteKernel() + RNTK(sigma_b=0.1)):
        for process in (GaussianProcessRegressor, GaussianProcessClassifier):
            with pytest.raises(AttributeError, match=r"give them GPKernel\(RNTK\(sigma_b=0\.1\)\)"):
                process(kernel).fit(X, y)
    assert not hasattr(RNTK(), "anything")


# Words


def test_a_kernel_says_what_is_not_the_default():
    assert repr(RNTK()) == "RNTK()"
    assert repr(RNTK(sigma_w=1.4, sigma_b=0, nonlinearity="erf")) == "RNTK(sigma_w=1.4, nonlinearity='erf')"
    assert repr(RNTK(sigma_b=(0.0, 0.1), depth=2)) == "RNTK(sigma_b=(0.0, 0.1), depth=2)"
    assert repr(NystroemFeatures(RNTK(depth=2))) == "NystroemFeatures(kernel=RNTK(depth=2))"
    assert eval(repr(RNTK(sigma_u=0.3, readout="mean"))) == RNTK(sigma_u=0.3, readout="mean")


@pytest.mark.parametrize(("module", "missing"), [("sktime", "sktime"), ("sklearn", "sklearn.base"), ("finite", "jax")])
def test_what_is_not_installed_is_said_with_the_command(monkeypatch, module, missing):
    extra = {"finite": "networks"}.get(module, module)
    monkeypatch.delitem(sys.modules, f"rntk.{module}", raising=False)
    for name in [name for name in sys.modules if name.startswith("sktime")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"is not installed: pip install 'rntk\[{extra}\]'"):
        importlib.import_module(f"rntk.{module}")


# Pairs of series


@pytest.mark.parametrize("normalisation", ["none", "unit"])
def test_distances_are_those_of_the_features(waves, normalisation):
    X, y = waves
    scaled = X / np.linalg.norm(X, axis=1, keepdims=True) if normalisation == "unit" else X
    kernel = RNTK(sigma_b=0.1, direction="both")
    Z = np.linalg.cholesky(kernel(scaled))
    pairs = sktime.RNTKPairwise(kernel, distance=True, normalisation=normalisation)
    expected = np.linalg.norm(Z[:, None] - Z, axis=2)
    np.testing.assert_allclose(pairs.transform(X[:, None]), expected, atol=1e-6)
    np.testing.assert_allclose(pairs(X[:5, None], X[3:, None]), expected[:5, 3:], atol=1e-6)
    assert (np.diag(pairs(X[:, None])) == 0).all() and (pairs.transform_diag(X[:, None]) == 0).all()
    plain = sktime.RNTKPairwise(kernel, normalisation=normalisation)
    np.testing.assert_array_equal(plain(X[:, None]), kernel(scaled))
    np.testing.assert_allclose(plain.transform_diag(X[:, None]), np.diag(kernel(scaled)), rtol=1e-9)
    assert (plain.get_tag("pwtrafo_type"), pairs.get_tag("pwtrafo_type")) == ("kernel", "distance")
    neighbours = KNeighborsTimeSeriesClassifier(distance=pairs).fit(X[::2, None], y[::2].astype(int))
    nearest = expected[1::2, ::2].argmin(axis=1)
    np.testing.assert_array_equal(neighbours.predict(X[1::2, None]), y[::2].astype(int)[nearest])
