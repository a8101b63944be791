"""The scores of a grid are those of plain cross-validation, whatever was shared, reused or dropped on the way."""

import itertools

import numpy as np
import pytest

from baselines import NTK
from rntk import RNTK
from rntk.svm import scores as module
from rntk.svm.grams import Grams, scaled
from rntk.svm.machine import Machine
from rntk.svm.scores import UNUSABLE, CrossValidation, OutOfTime, Scores, in_strides, score
from tests.rntk.svm.problems import BUNDLED, PROTOCOL, plain_scores, scores_of, training_set
from tests.runners.kernels import Indifferent, Partial


def grid_of(**axes):
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


@pytest.mark.parametrize("name", BUNDLED)
def test_scores_are_those_of_plain_cross_validation(name):
    X, y, folds = training_set(name)
    grid = grid_of(sigma_w=[1.34, 1.45], sigma_b=[0.0, 0.1, 1.0], sigma_h=[0.1], sigma_v=[1.0, 0.3])
    found = scores_of(RNTK(), grid, X, y, folds, every=True)
    assert not found.dropped.any()
    for setting, row in zip(grid, found.correct, strict=True):
        np.testing.assert_array_equal(row, plain_scores(RNTK(**setting)(X), y, folds, PROTOCOL.C))


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("kernel", [RNTK, NTK])
def test_dropping_loses_no_tie_and_its_bounds_are_true(name, kernel):
    X, y, folds = training_set(name)
    grid = grid_of(sigma_w=[0.5, 1.34, 1.45], sigma_b=[0.0, 0.1, 1.0, 2.0])
    every, best = (scores_of(kernel(), grid, X, y, folds, which) for which in (True, False))
    scored = ~best.dropped
    assert 0 < best.dropped.sum() < best.dropped.size
    np.testing.assert_array_equal(best.correct[scored], every.correct[scored])
    assert (every.correct[best.dropped] <= best.correct[best.dropped]).all()
    assert (best.correct[best.dropped] < best.best).all()
    assert best.best == every.best
    ties = [choice for choice in every.best_first() if every.correct[choice] == every.best]
    assert best.best_first()[: len(ties)] == ties


def test_strides_visit_everything_once_and_spread_out():
    order = in_strides(list(range(900)))
    assert sorted(order) == list(range(900))
    gaps = np.diff(np.sort([0, *order[:50], 899]))
    assert gaps.max() < 3 * 900 / 50


def test_what_cannot_reach_the_best_is_not_solved_to_the_end(monkeypatch):
    X, y, folds = training_set("GunPoint")
    K, scale = scaled(RNTK(sigma_b=0.1)(X))
    paths, path = [], Machine.path
    monkeypatch.setattr(Machine, "path", lambda *arguments: paths.append(arguments) or path(*arguments))
    validation = CrossValidation(y, folds, 10**5)
    correct, dropped, _ = validation.run(K, [c * scale for c in PROTOCOL.C], len(y) + 1)
    assert dropped.all()
    assert len(paths) == 1  # one fold is enough
    assert (correct == len(y)).any()


def test_the_hardest_folds_come_first():
    """A setting that cannot win is found out where most cases were missed before."""
    X, y, folds = training_set("OSULeaf")
    K, scale = scaled(RNTK(sigma_b=0.1)(X))
    validation = CrossValidation(y, folds, 10**5)
    validation.run(K, [scale], UNUSABLE)
    misses = [int(np.sum(Machine(train, y).path(K, [scale])[0].predict(K, held) != y[held])) for train, held in folds]
    np.testing.assert_array_equal(validation.misses, misses)
    visited, path = [], Machine.path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Machine, "path", lambda self, *rest: visited.append(self) or path(self, *rest))
        validation.run(K, [scale], UNUSABLE)
    shares = [misses[[machine for machine, _ in validation.folds].index(one)] / len(y) for one in visited]
    assert shares == sorted(shares, reverse=True)


def test_a_fold_whose_training_part_has_one_class_scores_its_hits():
    y = np.array([0, 0, 0, 0, 1])
    folds = [(np.array([0, 1]), np.array([2, 3, 4])), (np.array([2, 3, 4]), np.array([0, 1]))]
    correct, _, note = CrossValidation(y, folds, 100).run(np.eye(5), [1.0], UNUSABLE)
    assert (correct.tolist(), note) == ([4], "")


def test_an_svm_that_cannot_be_solved_is_stopped_and_its_setting_is_out():
    """The same series in both classes, with a C of 1e20: no finite solution separates them, and LIBSVM would go on."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(20, 5)), 2, axis=0)
    y = np.tile([0, 1], 20)
    K = X @ X.T + 1e-9
    (solution,) = Machine(np.arange(40), y).path(K, [1e20], 1000)
    assert solution.problem == "more than 1000 iterations"
    folds = [(np.delete(np.arange(40), held), held) for held in np.split(rng.permutation(40), 4)]
    correct, dropped, note = CrossValidation(y, folds, 1000).run(K, [1e-3, 1e20, 1e21], UNUSABLE)
    assert correct[0] == plain_scores(K, y, folds, [1e-3])[0]
    assert not dropped.any()
    assert correct[1:].tolist() == [UNUSABLE, UNUSABLE]
    assert note == "not converged at the 2., 3. C: more than 1000 iterations"


def test_settings_that_cannot_be_computed_are_noted_and_never_first():
    X, y, folds = training_set("GunPoint")
    found = scores_of(Partial(), grid_of(gamma=[5.0, 0.5, 0.1]), X, y, folds)
    assert (found.correct[:2] == UNUSABLE).all()
    assert [note.split(":")[0] for note in found.notes] == ["too large", "the Gram has a mean diagonal of 0", ""]
    assert {row for row, _ in found.best_first()} == {2}
    X, y, folds = training_set("OSULeaf")
    found = scores_of(RNTK(), grid_of(sigma_w=[9.0, 1.4]), X, y, folds)
    assert "sigma_w=9.0" in found.notes[0]
    assert found.best_first()[0][0] == 1


def test_ties_go_to_the_first_in_grid_order():
    X, y, folds = training_set("GunPoint")
    found = scores_of(Indifferent(), grid_of(gamma=[3.0, 2.0, 1.0]), X, y, folds)
    best = found.best_first()[0]
    assert best[0] == 0
    assert found.correct[best] == found.best
    assert best[1] == list(found.correct[0]).index(found.best)


def test_a_deadline_is_looked_at_between_settings(monkeypatch):
    X, y, folds = training_set("GunPoint")
    clock = itertools.count()
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    found, timings = Scores(grid_of(sigma_w=[1.2, 1.3, 1.4]), PROTOCOL.C, len(y)), {"kernel": 0.0, "selection": 0.0}
    with pytest.raises(OutOfTime, match="stopped after 2 of 3 settings"):
        score(found, Grams(RNTK(), X), y, folds, 10**5, timings, deadline=1)
    assert min(timings.values()) > 0
