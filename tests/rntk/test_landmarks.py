"""Landmarks that are chosen from a Gram: by distance in feature space, and by leverage."""

import numpy as np
import pytest

from baselines import RBF
from rntk import RNTK, NystroemFeatures
from rntk.landmarks import by_leverage, leverage_scores, plus_plus, squared_distances

CHOICES = (plus_plus, by_leverage)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(60, 12))


def test_distances_are_those_of_features(X):
    """Of exact ones, whose products are the Gram."""
    K = RNTK(sigma_b=0.2)(X)
    F = np.linalg.cholesky(K)
    np.testing.assert_allclose(squared_distances(K, 7), ((F - F[7]) ** 2).sum(axis=1), atol=1e-9)
    assert squared_distances(K, 7)[7] == 0


def test_the_next_landmark_is_drawn_by_its_squared_distance():
    """Four points on a line, linear kernel: at 0, 1, 3 and 10, the law of the first two picks is known."""
    x = np.array([0.0, 1.0, 3.0, 10.0])
    K, counts, draws = np.outer(x, x), np.zeros((4, 4)), 6000
    rng = np.random.default_rng(0)
    for _ in range(draws):
        first, second = plus_plus(K, 2, rng)
        counts[first, second] += 1
    squares = (x[:, None] - x) ** 2
    law = squares / squares.sum(axis=1, keepdims=True) / 4
    np.testing.assert_allclose(counts / draws, law, atol=4 * np.sqrt(0.25 / draws))
    assert (counts[law == 0] == 0).all()


def test_the_third_is_drawn_by_its_distance_from_the_nearest():
    """At 0, 1 and 3 with 10 far away: after 0 and 10 the third is 1 or 3, one to nine."""
    x, rng, thirds = np.array([0.0, 1.0, 3.0, 10.0]), np.random.default_rng(0), []
    for _ in range(4000):
        first, second, third = plus_plus(np.outer(x, x), 3, rng)
        if {first, second} == {0, 3}:
            thirds.append(third)
    assert set(thirds) == {1, 2}
    assert abs(np.mean(np.array(thirds) == 1) - 0.1) < 4 * np.sqrt(0.09 / len(thirds))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_duplicate_of_a_landmark_is_drawn(X, dtype):
    """There are as many landmarks as different series, where more are asked for."""
    doubled = np.concatenate([X[:10], X[:10], X[:10]])
    K = RNTK(sigma_b=0.2, dtype=dtype)(doubled).astype(float)
    for seed in range(20):
        chosen = plus_plus(K, 8, np.random.default_rng(seed))
        assert len(set(chosen % 10)) == 8
        assert sorted(plus_plus(K, 25, np.random.default_rng(seed)) % 10) == list(range(10))


def test_leverage_scores_are_those_of_ridge_regression(X):
    """The diagonal of its hat matrix; for a set of orthogonal series in closed form."""
    K, ridge = RNTK(sigma_b=0.2)(X), 0.7
    np.testing.assert_allclose(leverage_scores(K, ridge), np.diag(K @ np.linalg.inv(K + ridge * np.eye(60))), rtol=1e-9)
    norms = np.array([1.0, 2.0, 5.0])
    np.testing.assert_allclose(leverage_scores(np.diag(norms), 1.0), norms / (norms + 1), rtol=1e-14)


def test_landmarks_are_drawn_by_their_leverage():
    """Thirty series that are one, and two that are like no other: these have leverage 1, those 1/30 each."""
    K = np.zeros((32, 32))
    K[:30, :30], K[30, 30], K[31, 31] = 1, 1, 1
    drawn = [set(by_leverage(K, 3, np.random.default_rng(seed))) for seed in range(200)]
    assert all(len(one) == 3 for one in drawn)
    assert np.mean([{30, 31} <= one for one in drawn]) > 0.6  # of uniform draws, 1 in 165


@pytest.mark.parametrize("landmarks", ["uniform", "kmeans++", "leverage"])
def test_landmarks_are_series_of_the_set_by_their_seed(X, landmarks):
    drawn = [NystroemFeatures(RNTK(sigma_b=0.2), 10, seed, landmarks=landmarks).fit(X) for seed in (1, 1, 2)]
    rows = [{row.tobytes() for row in features.landmarks_.values} for features in drawn]
    assert rows[0] == rows[1] != rows[2]
    assert all(len(one) == 10 and one <= {row.tobytes() for row in X} for one in rows)
    for features in drawn:
        Z, k = features.landmarks_, features.kernel
        np.testing.assert_allclose(features.transform(Z) @ features.transform(X).T, k(Z, X), rtol=1e-12)


@pytest.mark.parametrize("landmarks", ["kmeans++", "leverage"])
def test_as_many_landmarks_as_series_are_all_of_them(X, landmarks):
    kernel = RNTK(sigma_b=0.2)
    F = NystroemFeatures(kernel, 60, landmarks=landmarks).fit_transform(X)
    np.testing.assert_allclose(F @ F.T, kernel(X), rtol=1e-6)


@pytest.mark.parametrize("landmarks", ["kmeans++", "leverage"])
def test_landmarks_that_are_chosen_come_closer_where_series_are_unevenly_many(landmarks):
    """A crowd, and a few far away, which a uniform draw misses: the error of the Gram, mean of ten seeds."""
    rng = np.random.default_rng(0)
    crowd = rng.normal(size=(1, 8)) + 0.05 * rng.normal(size=(80, 8))
    X = np.concatenate([crowd, 2 * rng.normal(size=(20, 8))])
    kernel = RBF(gamma=0.05)
    K = kernel(X)

    def error(how):
        maps = [NystroemFeatures(kernel, 25, seed, landmarks=how).fit_transform(X) for seed in range(10)]
        return np.mean([np.linalg.norm(K - F @ F.T) for F in maps])

    assert error(landmarks) < 0.7 * error("uniform")


def test_an_unknown_choice_is_refused(X):
    with pytest.raises(ValueError, match=r"landmarks='kmeans' is unknown: choose one of kmeans\+\+"):
        NystroemFeatures(RNTK(), landmarks="kmeans").fit(X)
