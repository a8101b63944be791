"""What a record says of its task, found again by NumPy, SciPy and scikit-learn from the files on."""

import sys
from dataclasses import replace

import mlflow
import numba
import numpy as np
import pandas
import pytest
import scipy
import sklearn
from scipy.spatial.distance import cdist
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from threadpoolctl import threadpool_info, threadpool_limits

from datasets import catalogue, find, load
from rntk import RNTK
from runners.evaluate import run_task
from runners.method import Method
from runners.protocol import NUMERICS, Protocol
from runners.task import Task

NEAREST = Method("1nn_ed", classifier={"_target_": "baselines.NearestNeighbour"}, normalisation="published")


def unit(X):
    return X / np.sqrt((X**2).sum(axis=1, keepdims=True))


def rbf(X, Y, gamma):
    return np.exp(-gamma * cdist(X, Y) ** 2)


def predicted(record):
    return [row["predicted"] for row in record.predictions]


def moved(X):
    """The same wave added to every series: all distances stay as they are, but not those of z-scores."""
    return X + np.linspace(-20, 20, X.shape[1])


def rescaled(X):
    """Every series in a unit of its own, from a zero of its own: a z-score undoes it, and nothing else."""
    rng = np.random.default_rng(len(X))
    return X * rng.uniform(0.2, 5, (len(X), 1)) + rng.normal(size=(len(X), 1))


@pytest.mark.parametrize(("preprocessing", "change"), [("raw", moved), ("z-norm", rescaled)])
def test_nearest_neighbours_have_the_error_of_what_it_was_published_for(preprocessing, change, tmp_path, monkeypatch):
    """GunPoint, whose published error both give, changed so that one of them does not."""
    data, entry = load("GunPoint"), find("GunPoint")
    folder = tmp_path / "data" / "GunPoint"
    folder.mkdir(parents=True)
    for split, X, y in (("TRAIN", data.X_train, data.y_train), ("TEST", data.X_test, data.y_test)):
        table = np.column_stack([y.astype(int), change(X)])
        np.savetxt(folder / f"GunPoint_{split}.tsv", table, fmt=["%d", *["%.17g"] * entry.length], delimiter="\t")
    unproven = replace(entry, sha256_train="", sha256_test="", ed_preprocessing=preprocessing)
    monkeypatch.setitem(catalogue(), "GunPoint", unproven)
    task = Task("GunPoint", NEAREST, Protocol())
    record = run_task(task, tmp_path, str(tmp_path / "data"))
    assert round(1 - record.test_accuracy, 4) == entry.ed_error
    monkeypatch.setitem(catalogue(), "GunPoint", replace(unproven, ed_preprocessing=""))
    unknown = run_task(task, tmp_path, str(tmp_path / "data"))
    assert unknown.status == "failed" and "set method.normalisation" in unknown.reason


@pytest.mark.parametrize("name", ["GunPoint", "ItalyPowerDemand"])
def test_nearest_neighbours_have_the_published_error(name, tmp_path):
    record = run_task(Task(name, NEAREST, Protocol()), tmp_path, None)
    assert round(1 - record.test_accuracy, 4) == find(name).ed_error


def test_a_classifiers_grid_is_searched_by_the_protocols_folds(tmp_path):
    """The best is neither the first nor the last, another setting ties with it, and the metric is no axis."""
    ks = [25, 1, 3, 5, 15]
    config = {"_target_": "sklearn.neighbors.KNeighborsClassifier", "n_neighbors": ks, "metric": "manhattan"}
    task = Task("ItalyPowerDemand", Method("knn", classifier=config), Protocol(seed=1))
    record = run_task(task, tmp_path, None)
    data = load("ItalyPowerDemand")
    X, X_test = unit(data.X_train), unit(data.X_test)
    folds = StratifiedKFold(10, shuffle=True, random_state=record.seeds["folds"])
    models = [KNeighborsClassifier(k, metric="manhattan") for k in ks]
    hits = [
        sum(
            np.sum(model.fit(X[fit], data.y_train[fit]).predict(X[held]) == data.y_train[held])
            for fit, held in folds.split(X, data.y_train)
        )
        for model in models
    ]
    best = int(np.argmax(hits))
    assert 0 < best < len(ks) - 1 and hits.count(hits[best]) > 1
    assert [(row["n_neighbors"], row["correct"]) for row in record.grid] == list(zip(ks, hits, strict=True))
    assert record.selected == {"n_neighbors": ks[best], "metric": "manhattan"}
    assert record.cv_accuracy == hits[best] / len(X)
    assert record.n_tied == hits.count(hits[best])
    assert (record.n_settings, record.n_train, record.n_test, record.length) == (5, 67, 1029, 24)
    labels = models[best].fit(X, data.y_train).predict(X_test)
    assert predicted(record) == labels.tolist()
    assert [row["label"] for row in record.predictions] == data.y_test.tolist()
    assert record.test_accuracy == np.mean(labels == data.y_test)


@pytest.mark.parametrize("gammas", [[10.0, 2.0], [2.0, 10.0]], ids=str)
def test_where_two_settings_vote_against_each_other_the_earlier_wins(gammas, tmp_path):
    method = Method("rbf", {"_target_": "baselines.RBF", "gamma": gammas})
    record = run_task(Task("GunPoint", method, Protocol(C=[10], tie_break="vote")), tmp_path, None)
    data = load("GunPoint")
    X, X_test = unit(data.X_train), unit(data.X_test)
    votes = [
        SVC(kernel="precomputed", C=10).fit(rbf(X, X, gamma), data.y_train).predict(rbf(X_test, X, gamma))
        for gamma in gammas
    ]
    assert record.n_tied == 2 and np.any(votes[0] != votes[1])
    assert predicted(record) == votes[0].tolist()


@pytest.mark.parametrize(
    ("kernel", "gram"),
    [
        ({"_target_": "baselines.Polynomial", "degree": [2], "offset": 0.5}, lambda X: (0.5 + X @ X.T) ** 2),
        (
            {"_target_": "tests.runners.kernels.Rounded", "gamma": 0.001},
            lambda X: rbf(X, X, 0.001) + np.triu(np.full((50, 50), 1e-7), 1),
        ),
        ({"_target_": "rntk.RNTK", "sigma_v": [10.0]}, lambda X: RNTK(sigma_v=10.0)(X)),
    ],
    ids=["polynomial", "rounded", "rntk"],
)
def test_the_state_of_the_chosen_gram(kernel, gram, tmp_path):
    """Of K / s, s the mean diagonal. Eigenvalues are those of the lower half."""
    protocol = Protocol(normalisation="none", C=[1])
    record = run_task(Task("GunPoint", Method("one", kernel), protocol), tmp_path, None)
    K = gram(load("GunPoint").X_train)
    scale = np.trace(K) / len(K)
    assert record.gram["scale"] == pytest.approx(scale, rel=1e-12)
    assert record.gram["symmetry_error"] == pytest.approx(np.max(np.abs(K - K.T)) / scale, rel=1e-6)
    lower = np.tril(K) + np.tril(K, -1).T
    assert record.gram["smallest_eigenvalue"] == pytest.approx(np.min(np.linalg.eigvals(lower).real) / scale, rel=1e-6)


def test_a_dataset_that_is_not_here_is_no_failure_of_its_task(tmp_path):
    record = run_task(Task("Coffee", NEAREST, Protocol()), tmp_path, None)
    assert (record.status, record.test_accuracy) == ("skipped", None)
    assert "python -m datasets.fetch Coffee" in record.reason


def test_a_record_names_the_versions_and_the_machine(tmp_path):
    record = run_task(Task("GunPoint", NEAREST, Protocol()), tmp_path, None)
    modules = {"numpy": np, "scipy": scipy, "scikit-learn": sklearn, "numba": numba, "pandas": pandas, "mlflow": mlflow}
    assert {name: record.environment[name] for name in modules} == {name: m.__version__ for name, m in modules.items()}
    assert record.environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert record.environment["numerics"] == NUMERICS


@pytest.mark.parametrize("threads", [1, 10_000])
def test_linear_algebra_has_one_thread_and_the_engine_as_many_as_there_are(threads, tmp_path, monkeypatch):
    """What a kernel finds while it is evaluated; sums in another order would round otherwise."""
    found = []

    def gram(self, pairs):
        found.append((numba.get_num_threads(), {pool["num_threads"] for pool in threadpool_info()}))
        return np.exp(-pairs)

    monkeypatch.setattr("baselines.RBF._gram", gram)
    task = Task("GunPoint", Method("rbf", {"_target_": "baselines.RBF"}), Protocol(C=[1]))
    with threadpool_limits(2, "blas"):
        record = run_task(task, tmp_path, None, threads=threads)
    assert record.status == "ok", record.traceback
    assert record.timings["threads"] == threads
    assert {engine for engine, _ in found} == {min(threads, numba.config.NUMBA_NUM_THREADS)}
    assert set().union(*(pools for _, pools in found)) == {1}
