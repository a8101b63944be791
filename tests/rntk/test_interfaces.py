"""The kernel where other libraries ask for one: scikit-learn's machines, processes and features, sktime's classifiers."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.gaussian_process.tests import test_kernels as scikit
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sktime.datasets import load_plaid
from sktime.datatypes import convert_to
from sktime.utils.estimator_checks import check_estimator

from datasets import load
from rntk import RNTK, unpadded
from rntk.estimator import PAPER
from rntk.gaussian_process import GPKernel
from rntk.sktime import RNTKClassifier, RNTKPairwise, RNTKRegressor
from runners.evaluate import run_task
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def waves():
    """Two classes of noisy sinusoids, slow and fast, and a number to predict: the frequency."""
    rng = np.random.default_rng(0)
    frequency = np.repeat([1.0, 3.0], 15)
    t = np.linspace(0, 1, 24)
    X = np.sin(2 * np.pi * (frequency[:, None] * t + rng.uniform(size=(30, 1)))) + 0.1 * rng.normal(size=(30, 24))
    return X, frequency


def test_support_vector_machines_take_the_kernel_as_a_function(waves):
    X, y = waves
    labels = y.astype(int)
    machine = SVC(kernel=RNTK(sigma_b=0.1)).fit(X, labels)
    by_gram = SVC(kernel="precomputed").fit(RNTK(sigma_b=0.1)(X), labels)
    np.testing.assert_array_equal(machine.predict(X), by_gram.predict(RNTK(sigma_b=0.1)(X)))
    search = GridSearchCV(SVC(kernel=RNTK()), {"kernel__sigma_b": [0.0, 0.3], "C": [1, 10]}, cv=3).fit(X, labels)
    assert search.best_score_ > 0.8
    assert clone(search.best_estimator_).kernel == search.best_estimator_.kernel


@pytest.mark.parametrize("wrap", [GPKernel, lambda kernel: kernel], ids=["object", "function"])
def test_ridge_and_features(waves, wrap):
    """Called pair by pair as a function, or at once as an object: the same numbers."""
    X, y = waves
    kernel = RNTK(sigma_b=0.1, direction="both")
    K = kernel(X)
    ridge = KernelRidge(kernel=wrap(kernel), alpha=0.1).fit(X, y)
    by_gram = KernelRidge(kernel="precomputed", alpha=0.1).fit(K, y)
    np.testing.assert_allclose(ridge.predict(X), by_gram.predict(K), rtol=1e-6)
    features = Nystroem(kernel=wrap(kernel), n_components=30, random_state=0).fit_transform(X)
    np.testing.assert_allclose(features @ features.T, K, rtol=1e-6, atol=1e-6 * K.max())
    few = Nystroem(kernel=wrap(kernel), n_components=8, random_state=0)
    assert make_pipeline(few, SVC()).fit(X, y.astype(int)).score(X, y) > 0.8


KERNELS = [
    GPKernel(RNTK(sigma_b=0.1)),
    GPKernel(RNTK(depth=2, readout="mean", direction="both")) + WhiteKernel(0.1),
    2.0 * GPKernel(RNTK(nonlinearity="erf")) * RBF(2.0),
    ConstantKernel(0.5) * GPKernel(RNTK(output="nngp")) ** 2,
]


CHECKS = [
    "kernel_gradient",
    "kernel_theta",
    "auto_vs_cross",
    "kernel_diag",
    "kernel_clone",
    "set_get_params",
    "repr_kernels",
]
LEFT_OUT = {
    (1, "auto_vs_cross"),
    *((i, "kernel_theta") for i in (1, 2, 3)),  # by scikit-learn too: white noise, composites
    (0, "kernel_theta"),  # it looks for parameters of the hyperparameters' names, and ours are the kernel's within
    (
        0,
        "kernel_gradient",
    ),  # series of one channel, whose angles are 0 or π at first: over its step of 1e-10 the Gram's rounding
    (
        1,
        "kernel_gradient",
    ),  # outweighs the difference. tests/rntk/test_gradient.py has both kinds of networks, with longer steps
}


@pytest.mark.parametrize(
    ("kernel", "check"),
    [(kernel, check) for i, kernel in enumerate(KERNELS) for check in CHECKS if (i, check) not in LEFT_OUT],
    ids=str,
)
def test_scikit_learns_own_checks_of_kernels(kernel, check):
    getattr(scikit, f"test_{check}")(kernel)


@pytest.mark.slow
def test_gaussian_processes(waves):
    X, y = waves
    kernel = ConstantKernel(1.0) * GPKernel(RNTK(sigma_b=0.1)) + WhiteKernel(0.01)
    process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0).fit(X[::2], y[::2])
    assert np.abs(process.predict(X[1::2]) - y[1::2]).mean() < 0.7  # a chance guess is off by 1
    assert len(process.kernel_.theta) == 6  # the constant, the noise, and σ_w, σ_u, σ_b and σ_v
    assert GaussianProcessClassifier(GPKernel(RNTK(sigma_b=0.1))).fit(X, y.astype(int)).score(X, y.astype(int)) > 0.9
    assert pickle.loads(pickle.dumps(kernel)) == kernel
    with pytest.raises(ValueError, match="only be evaluated when Y is None"):
        KERNELS[0](X, X, eval_gradient=True)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [RNTKClassifier, RNTKPairwise, RNTKRegressor])
def test_sktimes_own_checks(estimator):
    results = check_estimator(estimator, raise_exceptions=False, verbose=False)
    assert len(results) > 140
    assert {name: found for name, found in results.items() if found != "PASSED"} == {}


def test_every_panel_type_gives_the_same(waves):
    X, y = waves
    panel, labels = np.stack([X, X[:, ::-1]], axis=1), np.where(y > 2, "fast", "slow")
    expected = RNTKClassifier().fit(panel, labels).predict(panel)
    assert (expected == labels).mean() > 0.9
    for mtype in ("df-list", "pd-multiindex", "nested_univ"):
        given = convert_to(panel, mtype)
        np.testing.assert_array_equal(RNTKClassifier().fit(given, labels).predict(given), expected)


def test_unequal_lengths_and_missing_values(waves):
    X, y = waves
    frames = convert_to(X[:, None, :], "df-list")
    shorter = [frame.iloc[i % 6 :].reset_index(drop=True) for i, frame in enumerate(frames)]
    assert RNTKClassifier(kernel=RNTK(sigma_b=0.1, readout="mean")).fit(shorter, y.astype(int)).score(shorter, y) > 0.9
    frames[3].iloc[4, 0] = np.nan
    with pytest.raises(ValueError, match="missing values"):
        RNTKClassifier().fit(frames, y.astype(int))


def test_padding_is_where_every_channel_is_silent():
    """One channel ends sooner than the other: that is a missing value, and no padding."""
    nan = np.nan
    X = np.array([[[1, 2], [3, nan], [nan, nan]], [[nan, 4], [5, nan], [nan, 6]]])
    found = unpadded(X)
    np.testing.assert_array_equal(found[0], X[0, :2])
    np.testing.assert_array_equal(found[1], X[1])
    for channel in range(2):
        lengths = [len(x) for x in unpadded(X[:, :, channel])]
        assert lengths == [2 - channel, 2 + channel]
    with pytest.raises(ValueError, match="sequence 1 of X holds nothing but NaN"):
        unpadded([[1.0, nan], [nan, nan]])


def test_a_ragged_dataset_of_the_archive():
    """PLAID as sktime bundles it, currents of eleven appliances between 100 and 1,344 steps: better than the largest class."""
    X, y = load_plaid(split="train", return_type="df-list")
    chosen = np.random.default_rng(0).choice(len(X), 160, replace=False)
    X, y = [X[i] for i in chosen], np.asarray(y)[chosen]
    assert len({len(x) for x in X}) > 50
    predicted = RNTKClassifier().fit(X[:120], y[:120]).predict(X[120:])
    assert (predicted == y[120:]).mean() > 1.5 * np.unique(y[120:], return_counts=True)[1].max() / 40
    padded = np.full((160, max(len(x) for x in X)), np.nan)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x.iloc[:, 0]
    kernel = RNTK(sigma_b=0.1)
    np.testing.assert_array_equal(kernel(unpadded(padded)[:30]), kernel([x.to_numpy() for x in X[:30]]))
    with pytest.raises(ValueError, match=r"rntk\.unpadded"):
        kernel(padded)


@pytest.mark.parametrize("dataset", ["GunPoint", "ArrowHead"])
def test_its_selection_is_the_studys(dataset, tmp_path):
    """The same scores for every setting and C that is scored, the same choice, the same prediction of every test case."""
    data, protocol = load(dataset, downloads=False), Protocol()
    grid = {"sigma_w": [1.3, 1.45], "sigma_b": [0, 0.2], "direction": ["forward", "both"], "sigma_v": [0.5, 2.0]}
    task = Task(dataset, Method("here", kernel={"_target_": "rntk.RNTK", **grid}), protocol)
    record = run_task(task, tmp_path, None)
    ours = RNTKClassifier(RNTK(), grid=grid, random_state=protocol.fold_seed(dataset))
    ours.fit(data.X_train[:, None, :], data.y_train)
    assert {name: getattr(ours.kernel_, name) for name in grid} == {name: record.selected[name] for name in grid}
    assert (ours.C_, ours.cv_accuracy_) == (record.selected["C"], record.cv_accuracy)
    assert ours.predict(data.X_test[:, None, :]).tolist() == [row["predicted"] for row in record.predictions]
    found = ours.cv_results_
    cells = [
        ({name: row[name] for name in grid} | {"C": C}, row[f"C={C:g}"]) for row in record.grid for C in protocol.C
    ]
    assert found["params"] == [setting for setting, _ in cells]
    scores = [cell / record.n_train if isinstance(cell, int) else np.nan for _, cell in cells]
    np.testing.assert_array_equal(found["mean_test_score"], scores)
    np.testing.assert_array_equal(found["dropped"], [str(cell).startswith("<=") for _, cell in cells])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"C": 0}, "C=0"),
        ({"C": 1.0, "grid": {}}, "one of Cs is chosen"),
        ({"normalisation": "units"}, "choose one of unit"),
        ({"grid": {}, "folds": 1}, "at least 2 folds"),
        ({"grid": {}, "Cs": (10, 1)}, "ascending"),
        ({"grid": {}, "Cs": 10}, "ascending"),
        ({"grid": {"sigma_q": [1]}}, "'sigma_q' is unknown: choose one of sigma_"),
        ({"grid": {"sigma_w": []}}, "'sigma_w'] is empty"),
        ({"grid": "papers"}, "choose one of paper"),
        ({"grid": {}, "Cs": (100.0,), "max_iter": 1}, "more than 1 iterations: raise max_iter, or choose another grid"),
    ],
)
def test_parameters_out_of_range(waves, parameters, message):
    X, y = waves
    with pytest.raises(ValueError, match=message):
        RNTKClassifier(**parameters).fit(X[:, None, :], y.astype(int))


def test_the_papers_grid_is_the_studys():
    study = yaml.safe_load((ROOT / "conf/method/rntk.yaml").read_text())["kernel"]
    assert {name: values for name, values in study.items() if isinstance(values, list)} == PAPER
    X, y = np.random.default_rng(0).normal(size=(4, 1, 5)), np.array([0, 0, 1, 1])
    machine = RNTKClassifier(grid="paper", Cs=(1.0,), folds=2).fit(X, y)
    assert machine.kernel_.readout == "last" and machine.kernel_.dtype == "float64"


@pytest.fixture(scope="module")
def loud(waves):
    """The waves, beside them a channel of noise a tenth of their size, and what each is called."""
    X, y = waves
    noise = 0.1 * np.random.default_rng(1).normal(size=X.shape)
    return np.stack([X, noise], axis=1), np.where(y > 2, "fast", "slow")


def test_a_series_is_divided_by_its_norm_over_all_channels_and_steps(loud):
    """Noise that is quiet stays quiet, and the machine is scikit-learn's on the Gram of what is left, whatever its scale."""
    X, y = loud
    kernel = RNTK(sigma_b=0.1, sigma_v=10.0)
    machine = RNTKClassifier(kernel).fit(X[::2], y[::2])
    unit = (X / np.sqrt((X**2).sum(axis=(1, 2)))[:, None, None]).transpose(0, 2, 1)
    np.testing.assert_allclose(machine.X_, unit[::2], rtol=1e-12)
    C = 1000 / np.mean([kernel(x[None])[0, 0] for x in unit[::2]])
    np.testing.assert_allclose(machine.C_, C, rtol=1e-12)
    theirs = SVC(kernel="precomputed", C=C).fit(kernel(unit[::2]), y[::2])
    np.testing.assert_array_equal(machine.predict(X[1::2]), theirs.predict(kernel(unit[1::2], unit[::2])))


def test_the_kernel_given_stays_as_it_is(loud):
    X, y = loud
    kernel = RNTK(sigma_b=0.1)
    machine = RNTKClassifier(kernel, grid={"sigma_w": [1.2], "direction": ["both"]}, folds=2).fit(X, y)
    assert machine.kernel_ == RNTK(sigma_w=1.2, sigma_b=0.1, direction="both")
    assert kernel == RNTK(sigma_b=0.1)
    machine = RNTKClassifier(kernel).fit(X, y)
    kernel.set_params(sigma_b=0.9)  # later, by its owner
    assert machine.kernel_ == RNTK(sigma_b=0.1)


def test_where_the_training_part_of_a_fold_has_one_class_it_is_the_answer(waves):
    """Ten series, one of them of another class: without it nobody knows that class, and the nine are told apart from it."""
    X, _ = waves
    X, y = X[:10, None, :], np.array(["usual"] * 4 + ["rare"] + ["usual"] * 5)
    machine = RNTKClassifier(grid={}, Cs=(0.01,), folds=3).fit(X, y)
    assert machine.cv_accuracy_ == 0.9


def test_a_constant_channel_stays_silent():
    """The mean of many equal numbers rounds, and what is left has a deviation of its own."""
    X = np.full((4, 1, 7), 0.1) * np.arange(1, 5)[:, None, None]
    X = np.concatenate([X, np.random.default_rng(0).normal(size=X.shape)], axis=1)
    machine = RNTKClassifier(normalisation="zscore").fit(X, np.array([0, 0, 1, 1]))
    assert all((np.abs(x[:, 0]) < 1e-12).all() and abs(x[:, 1].std() - 1) < 1e-12 for x in machine.X_)


def test_without_a_grid_a_machine_that_does_not_converge_is_a_warning(waves):
    X, y = waves
    labels = np.random.default_rng(0).permutation(y.astype(int))
    with pytest.warns(ConvergenceWarning, match="more than 3 iterations; raise max_iter, or choose a smaller C"):
        machine = RNTKClassifier(max_iter=3).fit(X[:, None, :], labels)
    with pytest.warns(ConvergenceWarning, match="terminated early"):
        by_gram = SVC(kernel="precomputed", C=1000.0, max_iter=3).fit(
            machine.kernel_(X / norms(X)) / machine.scale_, labels
        )
    np.testing.assert_array_equal(
        machine.predict(X[:, None, :]), by_gram.predict(machine.kernel_(X / norms(X)) / machine.scale_)
    )


def norms(X):
    return np.linalg.norm(X, axis=1, keepdims=True)
