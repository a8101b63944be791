"""Selection gives what plain cross-validation gives, looks at no test data, and survives settings that cannot be
solved.
"""

import importlib.util
import itertools
import platform
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.svm import SVC

from baselines import RBF
from datasets import load
from rntk import RNTK
from rntk.protocol import normalise
from runners import evaluate, svm
from runners.method import Method
from runners.protocol import Protocol
from runners.selection import UNUSABLE, CrossValidation, in_strides, scaled, score_grid
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


BUNDLED = ["ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf"]  # and PLAID, whose series differ in length


@pytest.mark.parametrize("name", BUNDLED)
def test_scores_are_those_of_plain_cross_validation(name):
    X, y = training_set(name)
    folds = PROTOCOL.split(y, name)
    grid = {"sigma_w": [1.34, 1.45], "sigma_b": [0.0, 0.1, 1.0], "sigma_h": [0.1], "sigma_v": [1.0, 0.3]}
    method = Method("rntk", {"_target_": "rntk.RNTK", **grid})
    scores = score_grid(method.build(), method, X, y, folds, PROTOCOL, scores="all")
    assert [tuple(setting.values()) for setting in scores.settings] == list(itertools.product(*grid.values()))
    assert not scores.dropped.any()
    for setting, found in zip(scores.settings, scores.correct, strict=True):
        np.testing.assert_array_equal(found, plain_scores(RNTK(**setting)(X), y, folds, PROTOCOL.C))


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("kernel", ["rntk.RNTK", "baselines.NTK"])
def test_dropping_loses_no_tie_and_its_bounds_are_true(name, kernel):
    X, y = training_set(name)
    folds = PROTOCOL.split(y, name)
    axes = {"sigma_w": [0.5, 1.34, 1.45], "sigma_b": [0.0, 0.1, 1.0, 2.0]}
    method = Method("some", {"_target_": kernel, **axes})
    every, best = (score_grid(method.build(), method, X, y, folds, PROTOCOL, scores=which) for which in ("all", "best"))
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


class Counted:
    """Counts the fits, each of them the pairs of classes that are not settled."""

    def __init__(self, monkeypatch):
        self.fits = []
        fit = svm.Machine.fit
        monkeypatch.setattr(svm.Machine, "fit", lambda *a: self.fits.append(a) or fit(*a))


def test_the_shortcut_over_C_skips_work_and_changes_nothing(monkeypatch):
    X, y = training_set("GunPoint")
    folds = PROTOCOL.split(y, "GunPoint")
    K, scale = scaled(RNTK(sigma_b=0.1)(X))
    counted = Counted(monkeypatch)
    C = [c * scale for c in PROTOCOL.C]
    correct, dropped, note = CrossValidation(y, folds, 10**5).run(K, C, UNUSABLE)
    assert note == "" and not dropped.any()
    assert len(folds) <= len(counted.fits) < len(folds) * len(C)
    np.testing.assert_array_equal(correct, plain_scores(K, y, folds, C))


def test_what_cannot_reach_the_best_is_not_solved_to_the_end(monkeypatch):
    X, y = training_set("GunPoint")
    folds = PROTOCOL.split(y, "GunPoint")
    K, scale = scaled(RNTK(sigma_b=0.1)(X))
    counted = Counted(monkeypatch)
    correct, dropped, _ = CrossValidation(y, folds, 10**5).run(K, [c * scale for c in PROTOCOL.C], len(y) + 1)
    assert dropped.all()
    assert len(counted.fits) <= len(PROTOCOL.C)  # one fold is enough
    assert (correct == len(y)).any()


def theirs_and_ours(K, y, train, C, max_iter=10**5):
    """LIBSVM's coefficients and offsets, laid out as ours, and ours."""
    ours = svm.Machine(train, y).fit(K, C, max_iter)
    theirs = SVC(C=C, kernel="precomputed").fit(K[np.ix_(train, train)], y[train])
    place = np.argsort(np.argsort(y[train], kind="stable"))
    sign = -1 if len(theirs.classes_) == 2 else 1  # scikit-learn turns the sign of the binary one
    coefficients = np.zeros_like(ours.coefficients)
    coefficients[:, place[theirs.support_]] = sign * theirs.dual_coef_
    return theirs, ours, coefficients, -sign * theirs.intercept_


def assert_equal(ours, theirs):
    """To the bit where LIBSVM is compiled without fused multiplications, as on x86-64."""
    exactly = platform.machine() in ("x86_64", "AMD64")
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0 if exactly else 1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("sigma_b", [0.0, 0.1, 2.0])
def test_our_solver_is_libsvm_to_the_last_bit(name, sigma_b):
    X, y = training_set(name)
    K, scale = scaled(RNTK(sigma_w=1.45, sigma_b=sigma_b)(X))
    train, held = PROTOCOL.split(y, name)[0]
    for C in PROTOCOL.C:
        theirs, ours, coefficients, rho = theirs_and_ours(K, y, train, C * scale)
        assert_equal(ours.coefficients, coefficients)
        assert_equal(ours.rho, rho)
        np.testing.assert_array_equal(ours.predict(K, held), theirs.predict(K[np.ix_(held, train)]))


@pytest.mark.parametrize("seed", range(30))
def test_our_solver_is_libsvm_on_random_problems(seed):
    """Noisy labels, so that many α stay at C and are set aside and taken back; duplicates, which tie; any number of classes."""
    rng = np.random.default_rng(seed)
    n, classes = rng.integers(8, 400), rng.integers(2, 6)
    X = np.round(rng.normal(size=(n, 3)), rng.integers(0, 4))
    y = np.where(rng.uniform(size=n) < 0.3, rng.integers(classes, size=n), np.arange(n) % classes)
    K = RBF(gamma=float(rng.uniform(0.05, 2)))(X)
    for C in (1e-2, 1.0, 1e2):
        _, ours, coefficients, rho = theirs_and_ours(K, y, np.arange(n), C)
        assert_equal(ours.coefficients, coefficients)
        assert_equal(ours.rho, rho)


@pytest.mark.parametrize("seed", [425, 752, 1070, 1524, 1596, 1618])
def test_our_solver_is_libsvm_where_every_case_is_set_aside(seed):
    """Few cases in two equal classes, all at C when the solver shrinks: nothing is active, until it looks at all again."""
    rng = np.random.default_rng(seed)
    half = int(rng.integers(2, 5))
    z = rng.normal(size=(2 * half, int(rng.integers(1, 4))))
    z[:half] += rng.uniform(0, 1)
    K = z @ z.T + rng.choice([0, 1e-6, 1])
    C, y = 10 ** rng.uniform(-2, 2), np.repeat([0, 1], half)
    _, ours, coefficients, rho = theirs_and_ours(K, y, np.arange(2 * half), C)
    assert_equal(ours.coefficients, coefficients)
    assert_equal(ours.rho, rho)


def test_a_settled_solution_is_that_of_every_larger_C():
    X, y = training_set("GunPoint")
    K, _ = scaled(RNTK(sigma_b=0.1)(X))
    everything = np.arange(len(y))
    small, large = (svm.Machine(everything, y).fit(K, C, 10**5) for C in (1e6, 1e9))
    assert small.is_settled
    np.testing.assert_array_equal(small.coefficients, large.coefficients)
    assert not svm.Machine(everything, y).fit(K, 1e-3, 10**5).is_settled


def test_a_machine_that_goes_back_to_a_smaller_C_solves_again():
    X, y = training_set("GunPoint")
    K, _ = scaled(RNTK(sigma_b=0.1)(X))
    machine = svm.Machine(np.arange(len(y)), y)
    machine.fit(K, 1e6, 10**5).fit(K, 1e-3, 10**5)
    np.testing.assert_array_equal(
        machine.coefficients, svm.Machine(np.arange(len(y)), y).fit(K, 1e-3, 10**5).coefficients
    )


def test_one_class_needs_no_machine():
    machine = svm.Machine(np.arange(3), np.full(5, 7)).fit(np.eye(5), 1.0, 100)
    assert machine.is_settled
    assert machine.predict(np.eye(5), np.array([3, 4])).tolist() == [7, 7]


def test_an_svm_that_cannot_be_solved_is_stopped_and_its_setting_is_out():
    """The same series in both classes, with a C of 1e20: no finite solution separates them, and LIBSVM would go on."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(20, 5)), 2, axis=0)
    y = np.tile([0, 1], 20)
    K = X @ X.T + 1e-9
    with pytest.raises(svm.NotConverged):
        svm.Machine(np.arange(40), y).fit(K, 1e20, 1000)
    folds = Protocol(folds=4).split(y, "none")
    correct, dropped, note = CrossValidation(y, folds, 1000).run(K, [1e-3, 1e20, 1e21], UNUSABLE)
    assert correct[0] != UNUSABLE and not dropped.any()
    assert correct[1:].tolist() == [UNUSABLE, UNUSABLE]
    assert note == "not converged at the 2., 3. C: more than 1000 iterations"


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
    assert scores.correct[best] == scores.best
    assert best[1] == list(scores.correct[0]).index(scores.best)


class Spy(RBF):
    """Notes the shapes of the Grams that it was asked for."""

    calls: list = []  # noqa: RUF012

    def _gram(self, pairs):
        self.calls.append(pairs.shape)
        return super()._gram(pairs)


def test_test_rows_are_computed_only_after_a_setting_is_chosen(monkeypatch, tmp_path):
    monkeypatch.setattr(misbehaving, "Spy", Spy, raising=False)
    Spy.calls.clear()
    method = Method("spy", {"_target_": "misbehaving.Spy", "gamma": [0.1, 1.0, 10.0]})
    record = evaluate.run_task(Task("GunPoint", method, PROTOCOL), tmp_path, None)
    assert record.status == "ok"
    assert Spy.calls == 4 * [(50, 50)] + [(150, 50)]


def test_a_record_says_what_was_dropped_or_holds_every_score(tmp_path):
    method = Method("rbf", {"_target_": "baselines.RBF", "gamma": [0.01, 1.0, 5.0]})
    best, every = (
        evaluate.run_task(Task("GunPoint", method, PROTOCOL), tmp_path / scores, None, scores=scores)
        for scores in ("best", "all")
    )
    cells = [[row[f"C={c:g}"] for c in PROTOCOL.C] for row in best.grid]
    exact = [[row[f"C={c:g}"] for c in PROTOCOL.C] for row in every.grid]
    dropped = 0
    for found, true in zip(itertools.chain(*cells), itertools.chain(*exact), strict=True):
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
    method = Method("rbf", {"_target_": "baselines.RBF", "gamma": [0.01, 1.0, 5.0, 20.0]})
    task = Task("GunPoint", method, replace(PROTOCOL, tie_break=tie_break))
    every = evaluate.run_task(task, tmp_path / "all", None, scores="all")
    scores = {(row["gamma"], c): row[f"C={c:g}"] for row in every.grid for c in PROTOCOL.C}
    refused = {gamma for gamma, c in scores if scores[gamma, c] == max(scores.values())}
    second = max((choice for choice in scores if choice[0] not in refused), key=lambda choice: scores[choice])
    X, _ = training_set("GunPoint")
    marks = [RBF(gamma)(X)[0, 1] for gamma in refused]
    fit = svm.Machine.fit

    def stubborn(self, K, *arguments):
        if len(self.cases) == len(X) and np.isclose(K[0, 1], marks).any():
            raise svm.NotConverged("on purpose")
        return fit(self, K, *arguments)

    monkeypatch.setattr(svm.Machine, "fit", stubborn)
    record = evaluate.run_task(task, tmp_path / "best", None)
    assert record.status == "ok", record.traceback
    assert (record.selected["gamma"], record.selected["C"]) == second
    assert not any(isinstance(value, str) and value.startswith("<=") for row in record.grid for value in row.values())


@pytest.mark.parametrize("tie_break", ["first", "vote"])
def test_shuffled_test_labels_change_no_selection(monkeypatch, tmp_path, tie_break):
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
    best = max(v for row in record.grid for k, v in row.items() if k.startswith("C=") and isinstance(v, int))
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


def test_a_sigma_for_each_layer_is_a_setting(tmp_path):
    method = Method("deep", {"_target_": "rntk.RNTK", "depth": 2, "sigma_w": [[1.3, 1.2], 1.4], "sigma_b": 0.1})
    record = evaluate.run_task(Task("GunPoint", method.validate(), PROTOCOL), tmp_path, None)
    assert record.status == "ok", record.traceback
    X, y = training_set("GunPoint")
    folds = PROTOCOL.split(y, "GunPoint")
    found = score_grid(method.build(), method, X, y, folds, PROTOCOL, scores="all")
    K, scale = scaled(RNTK(sigma_w=[1.3, 1.2], sigma_b=0.1, depth=2)(X))
    correct, _, _ = CrossValidation(y, folds, PROTOCOL.max_iter).run(K, [c * scale for c in PROTOCOL.C], UNUSABLE)
    np.testing.assert_array_equal(found.correct[0], correct)


def test_a_nonlinearity_that_is_none_is_refused_by_its_methods_name():
    method = Method("odd", {"_target_": "rntk.RNTK", "nonlinearity": ["relu", 3]})
    with pytest.raises(ValueError, match="method 'odd': nonlinearity=3"):
        method.validate()


def test_a_class_of_ones_own_is_known_by_its_file(tmp_path, monkeypatch):
    """What it computes may change while its config does not."""
    from runners.method import hash_of_source

    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_kernels.py").write_text("class Mine:\n    pass\n")
    keys = []
    for comment in ("", "# another\n"):
        with open(tmp_path / "my_kernels.py", "a") as file:
            file.write(comment)
        hash_of_source.cache_clear()
        keys.append(Task("GunPoint", Method("mine", {"_target_": "my_kernels.Mine"}), PROTOCOL).key)
    assert keys[0] != keys[1]
    assert Method("rbf", {"_target_": "baselines.RBF"}).code is None
