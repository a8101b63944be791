"""Nearest neighbours by dynamic time warping, against the recursion as it is defined, and against the archive."""

import numpy as np
import pytest

from datasets import find, load

pytest.importorskip("dtaidistance")
from baselines import NearestNeighbour
from baselines.warping import WarpingNeighbour
from rntk.normalisation import normalise


def squared_dtw(x, y, radius):
    """Integers stay integers: distances that tie do so exactly."""
    D = np.full((len(x) + 1, len(y) + 1), np.inf)
    D[0, 0] = 0
    for i in range(len(x)):
        for j in range(max(0, i - radius), min(len(y), i + radius + 1)):
            D[i + 1, j + 1] = (x[i] - y[j]) ** 2 + min(D[i, j], D[i, j + 1], D[i + 1, j])
    return D[-1, -1]


@pytest.mark.parametrize(("window", "radius"), [(0, 0), (0.04, 0), (0.05, 1), (0.29, 5), (0.35, 7), (0.5, 10), (1, 20)])
def test_the_first_of_the_nearest_by_the_recursion(window, radius):
    """Values are 0, 1 or 2, so that several training series are equally near to many."""
    rng = np.random.default_rng(3)
    train, X = (rng.integers(0, 3, (n, 20)) for n in (40, 25))
    distances = np.array([[squared_dtw(x, y, radius) for y in train] for x in X])
    least = distances.min(axis=1, keepdims=True)
    assert ((distances == least).sum(axis=1) > 1).any() and len(set(distances.argmin(axis=1))) > 5
    found = WarpingNeighbour(window).fit(train, np.arange(40)).predict(X)
    np.testing.assert_array_equal(found, distances.argmin(axis=1))


def test_without_a_window_it_is_the_euclidean_neighbour():
    rng = np.random.default_rng(4)
    train, X = rng.normal(size=(30, 15)), rng.normal(size=(20, 15))
    y = np.arange(30)
    expected = NearestNeighbour().fit(train, y).predict(X)
    np.testing.assert_array_equal(WarpingNeighbour(0).fit(train, y).predict(X), expected)
    assert (WarpingNeighbour(1).fit(train, y).predict(X) != expected).any()


def test_a_series_is_nearest_to_itself_and_of_several_to_the_first():
    X = np.random.default_rng(5).normal(size=(6, 12))
    np.testing.assert_array_equal(WarpingNeighbour(0.2).fit(np.vstack([X, X]), np.arange(12)).predict(X), np.arange(6))


@pytest.mark.parametrize("window", [-0.1, 1.1, "all", None, float("nan")])
def test_a_window_that_is_none(window):
    with pytest.raises(ValueError, match="a share of the series' length, from 0 to 1"):
        WarpingNeighbour(window)
    with pytest.raises(ValueError, match="from 0 to 1"):
        WarpingNeighbour().set_params(window=window)


@pytest.mark.parametrize("name", ["GunPoint", "ItalyPowerDemand", "ArrowHead"])
def test_the_archives_published_error(name):
    data = load(name)
    prepare = {"raw": "none", "z-norm": "zscore"}[find(name).ed_preprocessing]
    model = WarpingNeighbour().fit(normalise(data.X_train, prepare), data.y_train)
    error = 1 - model.score(normalise(data.X_test, prepare), data.y_test)
    assert f"{error:.4f}" == {"GunPoint": "0.0933", "ItalyPowerDemand": "0.0496", "ArrowHead": "0.2971"}[name]
