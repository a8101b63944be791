"""What holds for every kernel of the project, RNTK and baselines alike."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from baselines import NTK, RBF, Gaussian, Polynomial
from rntk import RNTK

KERNELS = [
    RNTK(sigma_w=1.4, sigma_b=0.3, sigma_h=0.2),
    RNTK(sigma_w=1.4, sigma_u=0.7, sigma_b=0.3),
    RNTK(sigma_w=1.4, sigma_u=0.7, sigma_b=0.3, nonlinearity="erf"),
    NTK(depth=1, sigma_b=0.1),
    NTK(depth=4, sigma_w=1.2, sigma_b=0.5),
    NTK(depth=3, nonlinearity="erf"),
    RBF(gamma=0.3),
    Gaussian(multiple=0.7, median=1.5),
    Polynomial(degree=3, offset=0.5),
]
kernels = pytest.mark.parametrize("kernel", KERNELS, ids=repr)
tolerance = {"rtol": 1e-7}  # between near-duplicates; exact equality is asked for where it is owed


@pytest.fixture
def X():
    return np.random.default_rng(5).normal(size=(23, 12)) / 3


@pytest.fixture
def Y():
    return np.random.default_rng(6).normal(size=(9, 12)) / 3


@kernels
def test_gram_is_symmetric_and_positive_semidefinite(kernel, X):
    K = kernel(X)
    assert K.shape == (23, 23)
    assert K.dtype == np.float64
    np.testing.assert_array_equal(K, K.T)
    assert np.linalg.eigvalsh(K)[0] > -1e-7 * K.diagonal().mean()


@kernels
def test_gram_of_several_channels_is_symmetric(kernel, X):
    K = kernel(X.reshape(23, 4, 3))
    np.testing.assert_array_equal(K, K.T)


@kernels
def test_diagonal(kernel, X):
    np.testing.assert_allclose(kernel.diag(X), np.diag(kernel(X)), rtol=1e-12)


@kernels
def test_transposed(kernel, X, Y):
    K = kernel(X, Y)
    assert K.shape == (23, 9)
    np.testing.assert_allclose(K, kernel(Y, X).T, rtol=1e-10)


@kernels
def test_a_batch_is_its_pairs(kernel, X, Y):
    K = kernel(X, Y)
    for i, j in [(0, 0), (22, 8), (7, 3)]:
        np.testing.assert_allclose(K[i, j], kernel(X[i : i + 1], Y[j : j + 1])[0, 0], rtol=1e-10)


@kernels
def test_permutation(kernel, X):
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(kernel(X[order]), kernel(X)[np.ix_(order, order)], rtol=1e-10)


@kernels
def test_one_channel_is_the_plain_series(kernel, X, Y):
    np.testing.assert_array_equal(kernel(X, Y), kernel(X[:, :, None], Y[:, :, None]))


@kernels
def test_inputs_stay_as_they_are(kernel, X):
    before = X.copy()
    X.setflags(write=False)
    kernel(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_allclose(kernel(X.astype(np.float32)), kernel(X.astype(np.float32).astype(np.float64)))
    np.testing.assert_allclose(kernel(np.asfortranarray(X)), kernel(X), **tolerance)
    np.testing.assert_allclose(kernel(X.tolist()), kernel(X), **tolerance)


@kernels
def test_pickling_cloning_and_parameters(kernel, X):
    for copy in (pickle.loads(pickle.dumps(kernel)), clone(kernel, safe=False), type(kernel)(**kernel.get_params())):
        assert copy == kernel
        np.testing.assert_array_equal(copy(X), kernel(X))
    for name, value in kernel.get_params().items():
        assert f"{name}={value!r}" in kernel.described()


@kernels
@pytest.mark.parametrize("bad", [np.ones(3), [[1.0, np.nan]], [["a"]], np.ones((2, 0))])
def test_bad_input(kernel, bad):
    with pytest.raises(ValueError, match="X "):
        kernel(bad)


@kernels
def test_lengths_must_agree_where_series_are_vectors(kernel, X):
    if isinstance(kernel, RNTK):
        assert kernel(X, X[:, :11]).shape == (len(X), len(X))
        return
    with pytest.raises(ValueError, match="12 steps and Y has 11"):
        kernel(X, X[:, :11])
    with pytest.raises(ValueError, match="3 to 12 steps: this kernel needs equal lengths"):
        kernel([*X, X[0, :3]])
