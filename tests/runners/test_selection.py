"""Selection gives what plain cross-validation gives, looks at no test data, and survives settings that cannot be
solved.
"""

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.svm import SVC

from baselines import RBF
from datasets import load
from rntk import RNTK
from runners import evaluate, selection
from runners.method import Method
from runners.protocol import Protocol, normalise
from runners.selection import UNUSABLE, NotConverged, cross_validate, fit_svm, is_free, scaled, score_grid
from runners.task import Task

spec = importlib.util.spec_from_file_location("misbehaving", Path(__file__).with_name("kernels.py"))
misbehaving = sys.modules["misbehaving"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(misbehaving)

PROTOCOL = Protocol()


def training_set(name):
    dataset = load(name, downloads=False)
    return normalise(dataset.X_train, "unit"), np.unique(dataset.y_train, return_inverse=True)[1]


def plain_scores(K, y, folds, C):
    """Every C and fold solved by scikit-learn on the Gram as it is: no scaling, no slices kept, no shortcut."""
    return [
        sum(
            np.sum(SVC(kernel="precomputed", C=c).fit(K[np.ix_(a, a)], y[a]).predict(K[np.ix_(b, a)]) == y[b])
            for a, b in folds
        )
        for c in C
    ]


@pytest.mark.parametrize("name", ["ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf"])
def test_scores_are_those_of_plain_cross_validation(name):
    X, y = training_set(name)
    folds = PROTOCOL.split(y, name)
    grid = {"sigma_w": [1.34, 1.45], "sigma_b": [0.0, 0.1, 1.0], "sigma_h": [0.1]}
    method = Method("rntk", {"_target_": "rntk.RNTK", **grid})
    scores = score_grid(method.build(), method, X, y, folds, PROTOCOL)
    assert [tuple(setting.values()) for setting in scores.settings] == list(itertools.product(*grid.values()))
    for setting, found in zip(scores.settings, scores.correct, strict=True):
        np.testing.assert_array_equal(found, plain_scores(RNTK(**setting)(X), y, folds, PROTOCOL.C))


def test_the_shortcut_over_C_skips_work_and_changes_nothing(monkeypatch):
    X, y = training_set("GunPoint")
    folds = PROTOCOL.split(y, "GunPoint")
    K, scale = scaled(RNTK(sigma_b=0.1)(X))
    fits = []
    monkeypatch.setattr(selection, "fit_svm", lambda *arguments: fits.append(arguments) or fit_svm(*arguments))
    C = [c * scale for c in PROTOCOL.C]
    correct, note = cross_validate(K, y, folds, C, 10**5)
    assert note == ""
    assert len(folds) <= len(fits) < len(folds) * len(C)
    np.testing.assert_array_equal(correct, plain_scores(K, y, folds, C))


def test_a_free_solution_is_optimal_for_every_larger_C():
    X, y = training_set("GunPoint")
    K, _ = scaled(RNTK(sigma_b=0.1)(X))
    small, large = fit_svm(K, y, 1e6, 10**5), fit_svm(K, y, 1e9, 10**5)
    assert is_free(small, 1e6)
    np.testing.assert_array_equal(small.dual_coef_, large.dual_coef_)
    assert not is_free(fit_svm(K, y, 1e-3, 10**5), 1e-3)


def test_an_svm_that_cannot_be_solved_is_stopped_and_its_setting_is_out():
    """The same series in both classes, with a C of 1e20: no finite solution separates them, and LIBSVM would go on."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(20, 5)), 2, axis=0)
    y = np.tile([0, 1], 20)
    K = X @ X.T + 1e-9
    with pytest.raises(NotConverged):
        fit_svm(K, y, 1e20, 1000)
    folds = Protocol(folds=4).split(y, "none")
    correct, note = cross_validate(K, y, folds, [1e-3, 1e20, 1e21], 1000)
    assert correct[0] != UNUSABLE
    assert correct[1:].tolist() == [UNUSABLE, UNUSABLE]
    assert note == "not converged from the 2. C on: more than 1000 iterations"


def test_settings_whose_gram_is_unusable_are_noted_and_never_selected():
    X, y = training_set("GunPoint")
    method = Method("partial", {"_target_": "misbehaving.Partial", "gamma": [5.0, 1.0, 0.5, 0.1]})
    scores = score_grid(method.build(), method, X, y, PROTOCOL.split(y, "GunPoint"), PROTOCOL)
    assert (scores.correct[:3] == UNUSABLE).all()
    assert [note.split(":")[0] for note in scores.notes] == [
        "too large",
        "the Gram is not finite",
        "the Gram has a mean diagonal of 0",
        "",
    ]
    assert {row for row, _ in scores.best_first()} == {3}


def test_overflowing_sigma_w_is_a_note_in_the_grid():
    X, y = training_set("OSULeaf")
    method = Method("rntk", {"_target_": "rntk.RNTK", "sigma_w": [9.0, 1.4]})
    scores = score_grid(method.build(), method, X[:40], y[:40], PROTOCOL.split(y[:40], "OSULeaf"), PROTOCOL)
    assert "sigma_w=9.0" in scores.notes[0]
    assert scores.best_first()[0][0] == 1


def test_ties_go_to_the_first_in_grid_order():
    X, y = training_set("GunPoint")
    method = Method("indifferent", {"_target_": "misbehaving.Indifferent", "gamma": [3.0, 2.0, 1.0]})
    scores = score_grid(method.build(), method, X, y, PROTOCOL.split(y, "GunPoint"), PROTOCOL)
    best = scores.best_first()[0]
    assert best[0] == 0
    assert scores.correct[0].argmax() == best[1]


class Spy(RBF):
    """Notes how often it was called with and without a second set."""

    calls: list = []  # noqa: RUF012

    def _gram(self, X, Y):
        self.calls.append(None if Y is None else len(X))
        return super()._gram(X, Y)


def test_test_rows_are_computed_only_after_a_setting_is_chosen(monkeypatch, tmp_path):
    monkeypatch.setattr(misbehaving, "Spy", Spy, raising=False)
    Spy.calls.clear()
    method = Method("spy", {"_target_": "misbehaving.Spy", "gamma": [0.1, 1.0, 10.0]})
    record = evaluate.run_task(Task("GunPoint", method, PROTOCOL), tmp_path, None)
    assert record.status == "ok"
    assert Spy.calls == [None, None, None, None, 150]


@pytest.mark.parametrize("tie_break", ["first", "vote"])
def test_shuffled_test_labels_change_no_selection(monkeypatch, tmp_path, tie_break):
    from dataclasses import replace

    method = Method("rntk", {"_target_": "rntk.RNTK", "sigma_w": [1.34, 1.41], "sigma_b": [0.0, 0.1]})
    task = Task("GunPoint", method, Protocol(tie_break=tie_break))
    honest = evaluate.run_task(task, tmp_path / "a", None)
    original = load("GunPoint", downloads=False)
    shuffled = replace(original, y_test=np.random.default_rng(0).permutation(original.y_test))
    monkeypatch.setattr(evaluate, "load", lambda *arguments, **options: shuffled)
    blind = evaluate.run_task(task, tmp_path / "b", None)
    for name in ("selected", "cv_accuracy", "n_tied", "grid", "gram", "seeds"):
        assert getattr(blind, name) == getattr(honest, name), name
    assert [row["predicted"] for row in blind.predictions] == [row["predicted"] for row in honest.predictions]
    assert blind.test_accuracy != honest.test_accuracy


def test_vote_is_the_majority_of_all_tied_settings(tmp_path):
    method = Method("rbf", {"_target_": "baselines.RBF", "gamma": [0.1, 1.0, 5.0, 20.0]})
    record = evaluate.run_task(Task("GunPoint", method, Protocol(tie_break="vote")), tmp_path, None)
    dataset = load("GunPoint", downloads=False)
    X, X_test = normalise(dataset.X_train, "unit"), normalise(dataset.X_test, "unit")
    best = max(max(v for k, v in row.items() if k.startswith("C=")) for row in record.grid)
    ballots = [
        SVC(kernel="precomputed", C=float(name[2:]))
        .fit(RBF(row["gamma"])(X), dataset.y_train)
        .predict(RBF(row["gamma"])(X_test, X))
        for row in record.grid
        for name, hits in row.items()
        if name.startswith("C=") and hits == best
    ]
    assert record.n_tied == len(ballots) > 1
    share = np.mean(np.array(ballots) == "1", axis=0)
    decided = share != 0.5
    np.testing.assert_array_equal(
        np.array([row["predicted"] for row in record.predictions])[decided] == "1", share[decided] > 0.5
    )


def test_a_task_that_runs_out_of_time_says_so(tmp_path):
    method = Method("rbf", {"_target_": "baselines.RBF", "gamma": [0.1] * 50})
    record = evaluate.run_task(Task("GunPoint", method, PROTOCOL), tmp_path, None, timeout=1e-9)
    assert record.status == "timeout"
    assert "of 50 settings" in record.reason


def test_a_task_of_which_nothing_can_be_selected_is_not_converged(tmp_path):
    method = Method("partial", {"_target_": "misbehaving.Partial", "gamma": [2.0, 3.0]})
    record = evaluate.run_task(Task("GunPoint", method, PROTOCOL), tmp_path, None)
    assert record.status == "not_converged"
    assert "too large" in record.reason
    assert record.test_accuracy is None
