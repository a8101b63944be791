"""The synthetic study: its windows, its regression and its measure, each against what it should be."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, LeaveOneOut

from baselines import RBF
from datasets.synthetic import sinusoid_windows
from rntk import RNTK
from runners.experiments.prediction import leave_one_out, padded, prediction, ridge_regression, snr

RIDGES = [1e-3, 1e-1]
ASKED = {"test": 300, "T_fixed": 4, "T_var": 3, "noise": 0.05, "ridges": RIDGES}


def test_windows_are_pieces_of_one_period():
    X, seen, ideal = sinusoid_windows(500, 3, 9, 0.0, np.random.default_rng(0), period=50)
    assert sorted({len(x) for x in X}) == list(range(3, 10))
    np.testing.assert_array_equal(seen, ideal)
    for x, after in zip(X, ideal, strict=True):  # of a sinusoid each step follows from the two before it
        steps = np.append(x, after)
        np.testing.assert_allclose(steps[2:], 2 * np.cos(2 * np.pi / 50) * steps[1:-1] - steps[:-2], atol=1e-12)
    assert np.mean(ideal**2) == pytest.approx(0.5, abs=0.05)


def test_noise_is_white_and_of_its_size():
    X, seen, ideal = sinusoid_windows(4000, 2, 2, 0.3, np.random.default_rng(1), period=10**9)
    errors = np.column_stack([np.array(X), seen]) - ideal[:, None]
    np.testing.assert_allclose(np.cov(errors.T), 0.09 * np.eye(3), atol=4 * 0.09 * np.sqrt(2 / 4000))


@pytest.mark.parametrize("wrong", [(0, 1, 2, 0.1), (5, 0, 2, 0.1), (5, 3, 2, 0.1), (5, 1, 2, -0.1), (5, 1, 2, np.nan)])
def test_windows_that_cannot_be(wrong):
    with pytest.raises(ValueError, match="shortest <= longest"):
        sinusoid_windows(*wrong, np.random.default_rng(0))


def test_leaving_one_out_is_leaving_each_out():
    rng = np.random.default_rng(0)
    A, y = rng.normal(size=(9, 6)), rng.normal(size=9)
    K = A @ A.T
    errors, weights = leave_one_out(K, y, 0.3)
    np.testing.assert_allclose(weights, np.linalg.solve(K + 0.3 * np.eye(9), y))
    for i in range(9):
        kept = np.delete(np.arange(9), i)
        alone = np.linalg.solve(K[np.ix_(kept, kept)] + 0.3 * np.eye(8), y[kept])
        assert errors[i] == pytest.approx(y[i] - K[i, kept] @ alone)


def test_ridge_regression_is_that_of_scikit_learn():
    """Its choice by leave-one-out, and its predictions; an RBF has a mean diagonal of 1, so that ridges agree."""
    rng = np.random.default_rng(2)
    X, X_test, gammas = rng.normal(size=(14, 5)), rng.normal(size=(30, 5)), [0.03, 0.1, 1.0]
    y = np.sin(X).sum(axis=1)
    search = GridSearchCV(
        KernelRidge(kernel="rbf"),
        {"gamma": gammas, "alpha": RIDGES},
        cv=LeaveOneOut(),
        scoring="neg_mean_squared_error",
    )
    expected = search.fit(X, y).predict(X_test)
    np.testing.assert_allclose(ridge_regression(RBF(), {"gamma": gammas}, RIDGES, X, y, X_test), expected, rtol=1e-8)


def test_padding_is_at_the_end_or_in_front():
    X = [np.array([1.0, 2.0]), np.array([3.0])]
    assert padded(X, 3, "end").tolist() == [[1, 2, 0], [3, 0, 0]]
    assert padded(X, 3, "front").tolist() == [[0, 1, 2], [0, 0, 3]]


def test_a_ratio_in_decibels():
    ideal = np.array([3.0, -4.0])
    assert snr(ideal + np.array([0.3, 0.4]), ideal) == pytest.approx(20)


def test_the_last_value_has_the_ratio_that_it_must():
    """Its error is the noise, and a step of 2π/1000: ½ / (σ² + (2π/1000)²/2)."""
    grids = {"rbf, front": {"gamma": [1.0]}}
    found = prediction(20, 5, trains=[5], T_vars=[], noises=[], grids=grids, **ASKED)
    expected = 10 * np.log10(0.5 / (0.05**2 + (2 * np.pi / 1000) ** 2 / 2))
    assert found.numbers["train=5"]["last value"]["mean"] == pytest.approx(expected, abs=0.3)


def test_the_kernel_beats_the_last_value_and_learns_from_more():
    grids = {"rntk": {"sigma_w": [1.0], "sigma_b": [0.1]}}
    found = prediction(10, 20, trains=[5, 80], T_vars=[3], noises=[], grids=grids, **ASKED | {"noise": 0.2})
    few, many = (found.numbers[f"train={n}"] for n in (5, 80))
    assert many["rntk"]["mean"] > max(few["rntk"]["mean"], many["last value"]["mean"]) + 1
    assert [row["sweep"] for row in found.rows].count("T_var") == 10 * 2
    again = prediction(10, 20, trains=[80, 5], T_vars=[3], noises=[], grids=grids, **ASKED | {"noise": 0.2})
    assert again.numbers == found.numbers  # whatever else is asked, and in what order


def test_windows_are_compared_as_they_are():
    """The prediction from ragged windows is that of the kernel between them, pair by pair."""
    X, y, _ = sinusoid_windows(8, 3, 6, 0.1, np.random.default_rng(0))
    X_test, _, _ = sinusoid_windows(5, 3, 6, 0.1, np.random.default_rng(1))
    k = RNTK(sigma_w=1.0, sigma_b=0.1)
    K = np.array([[k([a], [b])[0, 0] for b in X] for a in X])
    K_test = np.array([[k([a], [b])[0, 0] for b in X] for a in X_test])
    expected = K_test @ np.linalg.solve(K + 0.1 * np.trace(K) / 8 * np.eye(8), y)
    grid = {"sigma_w": [1.0], "sigma_b": [0.1]}
    np.testing.assert_allclose(ridge_regression(RNTK(), grid, [0.1], X, y, X_test), expected, rtol=1e-8)


def test_the_command(command, tmp_path, capsys):
    few = [
        "experiment.repeats=2",
        "experiment.test=50",
        "experiment.T_vars=[0,3]",
        "experiment.noises=[0.1]",
        "experiment.trains=[5]",
    ]
    assert command("runners.synthetic", f"output={tmp_path}", *few) == 0
    said = capsys.readouterr().out
    assert 'T_var=3: {"rntk":' in said
    assert {path.suffix for path in (tmp_path / "synthetic").glob("prediction.*")} == {".pdf", ".svg", ".png"}
