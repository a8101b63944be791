"""A task from its dataset to its record, computed once more with scikit-learn alone."""

import itertools
from dataclasses import replace

import numba
import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC
from threadpoolctl import threadpool_info

from baselines import RBF
from datasets import load
from rntk import RNTK
from rntk.normalisation import normalise
from rntk.svm.machine import Machine
from runners import evaluate
from runners.environment import limit_threads
from runners.evaluate import run_task
from runners.limits import Limits
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task
from tests.runners.kernels import Spy

# Mean diagonals of 0.1 and 20, and readout scales as an axis: another C, or another scale, gives other predictions.
GRIDS = {
    "small": {"sigma_w": [1.3, 0.8], "sigma_b": [0.0, 0.1], "sigma_v": [0.5, 0.3]},
    "large": {"sigma_w": [1.3, 0.8], "sigma_b": [0.0, 0.1], "sigma_v": [7.0, 5.0]},
}


@pytest.mark.parametrize("tie_break", ["first", "vote"])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_a_task_is_plain_cross_validation_refit_and_prediction(tmp_path, grid, tie_break):
    """Every setting and C by scikit-learn's SVC on the kernel as it is, fold by fold; the choice refitted; case by case."""
    protocol = Protocol(C=(0.01, 0.1, 1, 10, 100), tie_break=tie_break)
    task = Task("ArrowHead", Method("rntk", {"_target_": "rntk.RNTK", **grid}), protocol)
    record, every = (run_task(task, tmp_path / scores, None, scores=scores) for scores in ("best", "all"))
    assert record.status == "ok", record.traceback
    assert every.predictions == record.predictions

    data = load("ArrowHead", downloads=False)
    X, X_test = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (data.X_train, data.X_test))
    folds = list(StratifiedKFold(10, shuffle=True, random_state=record.seeds["folds"]).split(X, data.y_train))
    hits, predicted = {}, {}
    for values in itertools.product(*grid.values()):
        kernel = RNTK(**dict(zip(grid, values, strict=True)))
        K, K_test = kernel(X), kernel(X_test, X)
        for C in protocol.C:
            machine = SVC(kernel="precomputed", C=C, tol=1e-3)
            hits[*values, C] = sum(
                np.sum(machine.fit(K[np.ix_(a, a)], data.y_train[a]).predict(K[np.ix_(b, a)]) == data.y_train[b])
                for a, b in folds
            )
            predicted[*values, C] = machine.fit(K, data.y_train).predict(K_test)
    best = [choice for choice in hits if hits[choice] == max(hits.values())]
    assert tuple(record.selected[name] for name in (*grid, "C")) == best[0]
    assert record.n_tied == len(best)
    assert record.cv_accuracy == hits[best[0]] / 36
    found = np.array([row["predicted"] for row in record.predictions])
    if tie_break == "first":
        expected, decided = predicted[best[0]], np.ones(len(found), bool)
    else:
        labels = np.unique(data.y_train)
        votes = np.array([np.sum([predicted[choice] == label for choice in best], axis=0) for label in labels])
        expected, decided = labels[votes.argmax(axis=0)], (votes == votes.max(axis=0)).sum(axis=0) == 1
    np.testing.assert_array_equal(found[decided], expected[decided])
    assert record.test_accuracy == np.mean(found == data.y_test)


def evaluated(folder, kernel, dataset="GunPoint", scores="best", timeout=None, **protocol):
    """The record of a task with a kernel given by its `_target_` and parameters."""
    method = Method("some", kernel).validate()
    return run_task(Task(dataset, method, Protocol(**protocol)), folder, None, Limits(timeout), scores=scores)


def test_test_rows_are_computed_only_after_a_setting_is_chosen(tmp_path):
    """And the first Gram, and the chosen one, are compared with three rows of their own."""
    Spy.shapes.clear()
    record = evaluated(tmp_path, {"_target_": "tests.runners.kernels.Spy", "gamma": [0.1, 1.0, 10.0]})
    assert record.status == "ok", record.traceback
    one, three = (50, 50), (3, 50)
    assert Spy.shapes == [one, three, one, one, one, three, (150, 50)]


def test_a_record_says_what_was_dropped_or_holds_every_score(tmp_path):
    rbf = {"_target_": "baselines.RBF", "gamma": [0.01, 1.0, 5.0]}
    best, every = (evaluated(tmp_path / scores, rbf, scores=scores) for scores in ("best", "all"))
    dropped = 0
    for ours, theirs in zip(best.grid, every.grid, strict=True):
        for name in (f"C={C:g}" for C in Protocol().C):
            found, true = ours[name], theirs[name]
            assert isinstance(true, int)
            if isinstance(found, str):
                dropped += 1
                assert true <= int(found.removeprefix("<=")) < best.cv_accuracy * best.n_train
            else:
                assert found == true
    assert dropped > 0
    for name in ("selected", "cv_accuracy", "n_tied", "test_accuracy", "predictions", "gram"):
        assert getattr(best, name) == getattr(every, name)


@pytest.mark.parametrize("tie_break", ["first", "vote"])
def test_where_the_best_cannot_be_refitted_the_second_best_is_found_among_the_dropped(monkeypatch, tmp_path, tie_break):
    rbf = {"_target_": "baselines.RBF", "gamma": [0.01, 1.0, 5.0, 20.0]}
    every = evaluated(tmp_path / "all", rbf, scores="all", tie_break=tie_break)
    scores = {(row["gamma"], C): row[f"C={C:g}"] for row in every.grid for C in Protocol().C}
    refused = {gamma for gamma, C in scores if scores[gamma, C] == max(scores.values())}
    second = max((choice for choice in scores if choice[0] not in refused), key=lambda choice: scores[choice])
    X = normalise(load("GunPoint", downloads=False).X_train, "unit")
    marks, path = [RBF(gamma)(X)[0, 1] for gamma in refused], Machine.path

    def stubborn(self, K, *arguments):
        solutions = path(self, K, *arguments)
        if len(self.cases) == len(X) and np.isclose(K[0, 1], marks).any():
            return [solution._replace(problem="on purpose") for solution in solutions]
        return solutions

    monkeypatch.setattr(Machine, "path", stubborn)
    record = evaluated(tmp_path / "best", rbf, tie_break=tie_break)
    assert record.status == "ok", record.traceback
    assert (record.selected["gamma"], record.selected["C"]) == second
    assert not any(isinstance(value, str) and value.startswith("<=") for row in record.grid for value in row.values())
    notes = {row["gamma"]: row["note"] for row in record.grid}
    assert all("on the whole training set: on purpose" in notes[gamma] for gamma in refused)


@pytest.mark.parametrize("tie_break", ["first", "vote"])
def test_shuffled_test_labels_change_no_selection(monkeypatch, tmp_path, tie_break):
    rntk = {"_target_": "rntk.RNTK", "sigma_w": [1.34, 1.41], "sigma_b": [0.0, 0.1]}
    honest = evaluated(tmp_path / "a", rntk, tie_break=tie_break)
    original = load("GunPoint", downloads=False)
    shuffled = replace(original, y_test=np.random.default_rng(0).permutation(original.y_test))
    monkeypatch.setattr(evaluate, "load", lambda *arguments, **options: shuffled)
    blind = evaluated(tmp_path / "b", rntk, tie_break=tie_break)
    for name in ("selected", "cv_accuracy", "n_tied", "grid", "gram", "seeds"):
        assert getattr(blind, name) == getattr(honest, name), name
    assert [row["predicted"] for row in blind.predictions] == [row["predicted"] for row in honest.predictions]
    assert blind.test_accuracy != honest.test_accuracy


def test_a_task_that_runs_out_of_time_says_so(tmp_path):
    record = evaluated(tmp_path, {"_target_": "baselines.RBF", "gamma": [0.1] * 50}, timeout=1e-9)
    assert record.status == "timeout"
    assert record.reason == "stopped after 0 of 50 settings (limit 1e-09 s)"


def test_a_task_of_which_nothing_can_be_selected_is_not_converged(tmp_path):
    record = evaluated(tmp_path, {"_target_": "tests.runners.kernels.Partial", "gamma": [2.0, 3.0]})
    assert record.status == "not_converged"
    assert "too large" in record.reason
    assert record.test_accuracy is None
    assert [row["note"] for row in record.grid] == ["too large", "too large"]
    assert record.n_unusable == 10


def test_a_sigma_for_each_layer_is_a_setting(tmp_path):
    deep = {"_target_": "rntk.RNTK", "depth": 2, "sigma_w": [[1.3, 1.2], 1.4], "sigma_b": 0.1}
    record = evaluated(tmp_path, deep, scores="all")
    assert record.status == "ok", record.traceback
    alone = evaluated(tmp_path, deep | {"sigma_w": [[1.3, 1.2]]}, scores="all")
    assert [row | {"sigma_w": 0} for row in record.grid[:1]] == [row | {"sigma_w": 0} for row in alone.grid]
    assert record.grid[0] != record.grid[1] | {"sigma_w": [1.3, 1.2]}


FAULTY = {
    "Wide": "FaultyKernel: Wide(gamma=1.0): its Gram must be of shape (50, 50), and it has (50, 51)",
    "Turned": "FaultyKernel: Turned(gamma=1.0): its Gram must be of shape (3, 50), and it has (50, 3)",
    "Undefined": "FaultyKernel: Undefined(gamma=1.0): its Gram must be finite",
    "Lopsided": "FaultyKernel: Lopsided(gamma=1.0): its Gram must be symmetric, and K[0, 25] = 1 and K[25, 0] = 0.269",
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_kernel_gets_no_result(tmp_path, name):
    """Of the wrong shape, test rows turned around, not finite, not symmetric."""
    record = evaluated(tmp_path, {"_target_": f"tests.runners.kernels.{name}", "gamma": [1.0]})
    assert (record.status, record.test_accuracy, record.predictions) == ("failed", None, [])
    assert record.reason.startswith(FAULTY[name])


def test_threads_are_given_back(monkeypatch):
    """Whatever happens meanwhile; and never more than there are."""
    threads = [3]
    monkeypatch.setattr(numba, "get_num_threads", lambda: threads[0])
    monkeypatch.setattr(numba, "set_num_threads", lambda n: threads.__setitem__(0, n))
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 4)
    before = [pool["num_threads"] for pool in threadpool_info()]
    for asked, given in ((2, 2), (100, 4)):
        with pytest.raises(KeyError), limit_threads(asked):
            assert threads == [given]
            raise KeyError
        assert threads == [3]
    assert [pool["num_threads"] for pool in threadpool_info()] == before
