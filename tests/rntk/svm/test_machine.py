"""The solver is LIBSVM, to the last bit, and keeps nothing from one Gram to the next."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from sklearn.svm import SVC

from baselines import RBF
from rntk import RNTK
from rntk.svm.grams import scaled
from rntk.svm.machine import Machine
from tests.rntk.svm.problems import BUNDLED, PROTOCOL, training_set


def theirs_and_ours(K, y, train, C, max_iter=10**5):
    """LIBSVM's coefficients and offsets at each C, laid out as ours, and ours."""
    place = np.argsort(np.argsort(y[train], kind="stable"))
    for c, ours in zip(C, Machine(train, y).path(K, C, max_iter, approximate=True), strict=True):
        theirs = SVC(C=c, kernel="precomputed", max_iter=max_iter).fit(K[np.ix_(train, train)], y[train])
        sign = -1 if len(theirs.classes_) == 2 else 1  # scikit-learn turns the sign of the binary one
        coefficients = np.zeros_like(ours.coefficients)
        coefficients[:, place[theirs.support_]] = sign * theirs.dual_coef_
        yield theirs, ours, coefficients, -sign * theirs.intercept_


def assert_equal(ours, theirs):
    """To the bit where LIBSVM is compiled without fused multiplications, as on x86-64."""
    exactly = platform.machine() in ("x86_64", "AMD64")
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0 if exactly else 1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("sigma_b", [0.0, 0.1, 2.0])
def test_it_is_libsvm_on_grams_of_series(name, sigma_b):
    X, y, folds = training_set(name)
    K, scale = scaled(RNTK(sigma_w=1.45, sigma_b=sigma_b)(X))
    train, held = folds[0]
    for theirs, ours, coefficients, rho in theirs_and_ours(K, y, train, [c * scale for c in PROTOCOL.C]):
        assert_equal(ours.coefficients, coefficients)
        assert_equal(ours.rho, rho)
        np.testing.assert_array_equal(ours.iterations, theirs.n_iter_)
        assert ours.problem == ""
        np.testing.assert_array_equal(ours.predict(K, held), theirs.predict(K[np.ix_(held, train)]))


@pytest.mark.parametrize("seed", range(30))
def test_it_is_libsvm_on_random_problems(seed):
    """Noisy labels, so that many α stay at C and are set aside and taken back; duplicates, which tie; any number of classes."""
    rng = np.random.default_rng(seed)
    n, classes = rng.integers(8, 400), rng.integers(2, 6)
    X = np.round(rng.normal(size=(n, 3)), rng.integers(0, 4))
    y = np.where(rng.uniform(size=n) < 0.3, rng.integers(classes, size=n), np.arange(n) % classes)
    K = RBF(gamma=float(rng.uniform(0.05, 2)))(X)
    for _, ours, coefficients, rho in theirs_and_ours(K, y, np.arange(n), [1e-2, 1.0, 1e2]):
        assert_equal(ours.coefficients, coefficients)
        assert_equal(ours.rho, rho)


@pytest.mark.parametrize("seed", [425, 752, 1070, 1524, 1596, 1618])
def test_it_is_libsvm_where_every_case_is_set_aside(seed):
    """Few cases in two equal classes, all at C when the solver shrinks: nothing is active, until it looks at all again."""
    rng = np.random.default_rng(seed)
    half = int(rng.integers(2, 5))
    z = rng.normal(size=(2 * half, int(rng.integers(1, 4))))
    z[:half] += rng.uniform(0, 1)
    K = z @ z.T + rng.choice([0, 1e-6, 1])
    C, y = 10 ** rng.uniform(-2, 2), np.repeat([0, 1], half)
    for _, ours, coefficients, rho in theirs_and_ours(K, y, np.arange(2 * half), [C]):
        assert_equal(ours.coefficients, coefficients)
        assert_equal(ours.rho, rho)


@pytest.mark.filterwarnings("ignore:Solver terminated early")
@pytest.mark.parametrize("max_iter", [1, 7, 70, 300])
def test_it_is_libsvm_where_it_is_given_up(max_iter):
    """Three classes, of which some pairs are solved in time: what the others have come to is LIBSVM's, too."""
    rng = np.random.default_rng(max_iter)
    X, y = rng.normal(size=(60, 2)), rng.integers(3, size=60)
    given_up = []
    for theirs, ours, coefficients, rho in theirs_and_ours(RBF(0.5)(X), y, np.arange(60), [0.1, 10.0, 1e3], max_iter):
        given_up.append(ours.problem == f"more than {max_iter} iterations")
        assert given_up[-1] == bool(theirs.fit_status_)
        assert_equal(ours.coefficients, coefficients)
        assert_equal(ours.rho, rho)
    assert any(given_up)


def test_a_path_is_its_problems_one_by_one():
    """Whatever was settled at a smaller C, or given up: each solution is that of its C alone."""
    X, y, _ = training_set("OSULeaf")
    K, _ = scaled(RNTK(sigma_b=0.1)(X))
    everything, C = np.arange(len(y)), [1e-3, 1.0, 1e3, 1e6, 1e9]
    for max_iter in (10**5, 300, 5):
        path = Machine(everything, y).path(K, C, max_iter)
        alone = [Machine(everything, y).path(K, [c], max_iter)[0] for c in C]
        assert [one.problem for one in path] == [one.problem for one in alone]
        for one, other in zip(path, alone, strict=True):
            if not one.problem:
                np.testing.assert_array_equal(one.coefficients, other.coefficients)
                np.testing.assert_array_equal(one.rho, other.rho)
    solved = Machine(everything, y).path(K, C, 10**5)
    assert [one.same for one in solved] == [False, False, False, True, True]


def test_what_was_given_up_is_no_solution_at_a_larger_C():
    """Two classes, and no coefficient at its bound when the iterations are used up: the next C begins anew, and has as few."""
    X, y, _ = training_set("GunPoint")
    machine, K = Machine(np.arange(len(y)), y), RBF(gamma=5.0)(X)
    assert all(one.problem for one in machine.path(K, [1e6, 1e7, 1e8], max_iter=3))
    assert [one.same for one in machine.path(K, [1e6, 1e7])] == [False, True]


def test_a_machine_keeps_nothing_of_a_gram():
    """One machine on two Grams, at large C and then at small: each time the solution of a machine of its own."""
    X, y, _ = training_set("GunPoint")
    machine = Machine(np.arange(len(y)), y)
    for gamma, C in ((0.5, [1e6]), (5.0, [1e6]), (5.0, [1e-3, 1.0]), (0.5, [1e6])):
        K = RBF(gamma=gamma)(X)
        fresh = Machine(np.arange(len(y)), y).path(K, C)
        for one, other in zip(machine.path(K, C), fresh, strict=True):
            np.testing.assert_array_equal(one.coefficients, other.coefficients)
            np.testing.assert_array_equal(one.rho, other.rho)


def test_votes_are_libsvms_where_classes_tie_and_whatever_the_labels():
    """Rows that no kernel gives: many cases in which two or three classes win equally many pairs."""
    rng = np.random.default_rng(1)
    y = np.array(list("dbca"))[rng.integers(4, size=60)]
    K, other = RBF(0.5)(rng.normal(size=(60, 2))), rng.normal(size=(500, 60))
    theirs = SVC(kernel="precomputed", decision_function_shape="ovo").fit(K, y)
    (ours,) = Machine(np.arange(60), y).path(K, [1.0])
    np.testing.assert_array_equal(ours.predict(other), theirs.predict(other))
    first, second = np.triu_indices(4, 1)
    wins = theirs.decision_function(other) > 0
    votes = np.array([(wins & (first == k)).sum(1) + (~wins & (second == k)).sum(1) for k in range(4)])
    assert ((votes == votes.max(axis=0)).sum(axis=0) > 1).sum() > 20


def test_one_class_needs_no_solution():
    (solution,) = Machine(np.arange(3), np.full(5, 7)).path(np.eye(5), [1.0], 100)
    assert solution.problem == ""
    assert solution.predict(np.eye(5), np.array([3, 4])).tolist() == [7, 7]


def test_what_does_not_fit_is_refused():
    machine = Machine(np.arange(4), np.array([0, 1, 0, 1, 0]))
    for K in (np.eye(4), np.ones((5, 4)), np.ones((4, 5)), np.ones(5), np.ones((5, 5, 1))):
        with pytest.raises(ValueError, match=r"K has shape .*: \(5, 5\) is needed"):
            machine.path(K, [1.0])
    for C in ([], [0.0], [-1.0, 1.0], [2.0, 1.0], [float("nan")]):
        with pytest.raises(ValueError, match="in ascending order"):
            machine.path(np.eye(5), C)
    (solution,) = machine.path(np.eye(5), [1.0])
    for K in (np.eye(4), np.ones((2, 6)), np.ones(5)):
        with pytest.raises(ValueError, match="5 columns are needed"):
            solution.predict(K)
    for rows in ([5], [0, -1], [10**6]):
        with pytest.raises(IndexError, match="a row"):
            solution.predict(np.eye(5), np.array(rows))
    for train in ([], [0, 5], [-1, 0]):
        with pytest.raises(ValueError, match="indices of 5 cases"):
            Machine(np.array(train, dtype=int), np.zeros(5))


@pytest.mark.slow
def test_the_solver_stays_within_what_it_was_given():
    """With every index checked by the compiler, on Grams of all kinds, those without a meaning among them."""
    code = """
import numpy as np
from rntk.svm.machine import Machine
rng = np.random.default_rng(0)
for trial in range(60):
    n, classes = int(rng.integers(2, 150)), int(rng.integers(1, 5))
    X, y = np.round(rng.normal(size=(n, 2)), 1), rng.integers(classes, size=n)
    K = [X @ X.T, np.exp(-((X[:, None] - X) ** 2).sum(2)), rng.normal(size=(n, n)), np.zeros((n, n))][trial % 4].copy()
    if trial % 5 == 0:
        K[rng.integers(n), rng.integers(n)] = rng.choice([np.nan, np.inf, -np.inf, 1e300])
    train = np.sort(rng.choice(n, int(rng.integers(1, n + 1)), replace=False))
    for solution in Machine(train, y).path(K, [1e-2, 1.0, 1e4], int(rng.choice([3, 2000])), bool(trial % 2)):
        solution.predict(K)
"""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_DISABLE_JIT": "0"}
    environment["NUMBA_CACHE_DIR"] = environment.get("RNTK_CACHE", ".") + "-checked"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
