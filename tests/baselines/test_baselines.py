"""The baselines against their formulas and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import polynomial_kernel, rbf_kernel
from sklearn.neighbors import KNeighborsClassifier

from baselines import NTK, RBF, Gaussian, NearestNeighbour, Polynomial
from rntk.nonlinearities import NONLINEARITIES


@pytest.fixture
def X():
    return np.random.default_rng(1).normal(size=(14, 9))


@pytest.fixture
def Y():
    return np.random.default_rng(2).normal(size=(6, 9))


def ntk_by_formula(X, Y, depth, w, b, nonlinearity):
    dual = NONLINEARITIES[nonlinearity].dual
    S, p, q = w**2 * X @ Y.T + b**2, w**2 * (X**2).sum(axis=1) + b**2, w**2 * (Y**2).sum(axis=1) + b**2
    theta = S
    for _ in range(depth):
        v, v_prime = dual(p[:, None], S, q[None, :])
        p, q = (w**2 * dual(r, r, r)[0] + b**2 for r in (p, q))
        S = w**2 * v + b**2
        theta = S + w**2 * v_prime * theta
    return theta


@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
@pytest.mark.parametrize("depth", [1, 2, 10])
def test_ntk(X, Y, depth, nonlinearity):
    kernel = NTK(depth, 1.3, 0.4, nonlinearity)
    np.testing.assert_allclose(kernel(X, Y), ntk_by_formula(X, Y, depth, 1.3, 0.4, nonlinearity), rtol=1e-9)
    np.testing.assert_allclose(kernel(X), ntk_by_formula(X, X, depth, 1.3, 0.4, nonlinearity), rtol=1e-7)


def test_ntk_of_a_silent_series(X):
    """A series of zeros has no direction; its covariance with any other is that of the biases."""
    X = np.vstack([np.zeros(9), X])
    np.testing.assert_allclose(NTK(2, 1.3, 0.4)(X), ntk_by_formula(X, X, 2, 1.3, 0.4, "relu"), rtol=1e-7)
    assert (NTK(2, 1.3, 0.0)(X)[0] == 0).all()


def test_ntk_of_one_hidden_layer_in_closed_form():
    """Equal inputs of norm 1, σ_w² = 2, no bias: Σ = 2 at every layer, and Θ gains one Σ a layer, so k = 2 (depth +
    1).
    """
    x = np.full((1, 4), 0.5)
    for depth in (1, 2, 5):
        np.testing.assert_allclose(NTK(depth, np.sqrt(2)).diag(x), [2 * (depth + 1)], rtol=1e-14)


def test_rbf_and_polynomial_are_scikit_learns(X, Y):
    np.testing.assert_allclose(RBF(0.2)(X, Y), rbf_kernel(X, Y, gamma=0.2), rtol=1e-10)
    np.testing.assert_allclose(
        Polynomial(3, 0.7)(X, Y), polynomial_kernel(X, Y, degree=3, gamma=1.0, coef0=0.7), rtol=1e-10
    )


def test_gaussian_follows_the_scale_of_the_data(X, Y):
    kernel = Gaussian(multiple=2.0).fit(X)
    upper = np.linalg.norm(X[:, None] - X[None, :], axis=2)[np.triu_indices(len(X), 1)]
    np.testing.assert_allclose(kernel.median, np.median(upper), rtol=1e-14)
    np.testing.assert_allclose(kernel(X, Y), RBF(1 / (2 * (2 * np.median(upper)) ** 2))(X, Y), rtol=1e-12)
    np.testing.assert_allclose(Gaussian(multiple=2.0).fit(100 * X)(100 * X, 100 * Y), kernel(X, Y), rtol=1e-10)


def test_gaussian_refuses_a_training_set_without_distances():
    with pytest.raises(ValueError, match="median distance"):
        Gaussian().fit(np.ones((5, 3)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: NTK(depth=0), "depth=0"),
        (lambda: NTK(depth=1.5), "whole number"),
        (lambda: NTK(sigma_w=-1), "sigma_w=-1"),
        (lambda: NTK(nonlinearity="tan"), "choose one of"),
        (lambda: RBF(gamma=0), "gamma=0"),
        (lambda: Gaussian(multiple=float("nan")), "multiple=nan"),
        (lambda: Polynomial(degree=0), "degree=0"),
        (lambda: Polynomial(offset=-0.1), "offset=-0.1"),
    ],
)
def test_parameters_out_of_range(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_ntk_overflow_names_sigma_w(X):
    with pytest.raises(ValueError, match=r"sigma_w=1e\+40.*overflows"):
        NTK(depth=10, sigma_w=1e40)(X)
    with pytest.raises(ValueError, match=r"sigma_w=1e\+200.*overflows"):
        NTK(sigma_w=1e200)(X)


def test_nearest_neighbour_is_scikit_learns_and_breaks_exact_ties_by_order(X, Y):
    labels = np.array(["a", "b"] * 7)
    expected = KNeighborsClassifier(1, algorithm="brute").fit(X, labels).predict(Y)
    np.testing.assert_array_equal(NearestNeighbour().fit(X, labels).predict(Y), expected)
    assert NearestNeighbour().fit([[0.0], [2.0]], ["left", "right"]).predict([[1.0]]) == ["left"]


def test_a_polynomial_that_overflows_says_so():
    X = 1e80 * np.ones((2, 3))
    for gram in (Polynomial(degree=3), Polynomial(degree=3).diag):
        with pytest.raises(ValueError, match=r"Polynomial\(degree=3, offset=0.0\) overflows float64"):
            gram(X)
    assert np.isfinite(Polynomial(degree=1)(X)).all()
