"""Sketches of the infinite perceptron's recursion, whose products are nearly its tangent kernel."""

import numpy as np
import pytest
from sklearn.base import clone

from baselines import NTK
from baselines.ntk_features import NTKFeatures, convolved, hashed
from rntk import RNTK

MEMBERS = [
    NTK(depth=1, sigma_b=0.3),
    NTK(depth=2, sigma_w=1.2, sigma_b=0.3, nonlinearity="erf"),
    NTK(depth=3, sigma_w=1.3, sigma_b=0.1, nonlinearity="leaky_relu"),
    NTK(depth=2, sigma_w=0.9, nonlinearity="sin"),
]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(6, 8))


def relative(found, K):
    return float(np.sqrt(np.mean((found - K) ** 2) / np.mean(K**2)))


def estimates(kernel, X, n_features, seeds):
    for seed in range(seeds):
        F = NTKFeatures(kernel, n_features, seed).fit_transform(X)
        yield F @ F.T


def test_a_sketch_is_that_of_all_products_of_two_entries():
    """u_i v_j goes to place h(i) + h'(j) modulo M with sign s(i) s'(j), as counted by hand."""
    rng = np.random.default_rng(0)
    u, v, left, right = rng.normal(size=(3, 5)), rng.normal(size=(3, 4)), hashed(5, 7, rng), hashed(4, 7, rng)
    expected, H, G = np.zeros((3, 7)), left.toarray(), right.toarray()
    for i in range(5):
        for j in range(4):
            (here,), (there,) = H[i].nonzero(), G[j].nonzero()
            expected[:, (here + there)[0] % 7] += (H[i, here] * G[j, there])[0] * u[:, i] * v[:, j]
    np.testing.assert_allclose(convolved(u @ left, v @ right), expected, atol=1e-12)


@pytest.mark.parametrize("kernel", MEMBERS, ids=str)
def test_products_approach_the_kernel_as_the_root_of_the_number_of_features(X, kernel):
    K, sizes = kernel(X), (64, 256, 1024)
    errors = [np.mean([relative(found, K) for found in estimates(kernel, X, size, 12)]) for size in sizes]
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert -0.7 < slope < -0.25 and errors[-1] < 0.3


@pytest.mark.parametrize("kernel", MEMBERS[:2], ids=str)
def test_the_mean_over_seeds_approaches_the_kernel(X, kernel):
    """Each entry within five standard errors; with more than one hidden layer there is a bias of O(1/m)."""
    K, found = kernel(X), np.array(list(estimates(kernel, X, 301, 600)))
    bias = 0.0 if kernel.depth == 1 else 0.02 * np.sqrt(np.outer(K.diagonal(), K.diagonal()))
    assert (np.abs(found.mean(axis=0) - K) < 5 * found.std(axis=0) / np.sqrt(len(found)) + bias).all()
    assert relative(found.mean(axis=0), K) < 0.1 * np.mean([relative(one, K) for one in found])


def test_features_are_of_their_seed_and_blocks_change_nothing(X):
    F = NTKFeatures(MEMBERS[1], 65, seed=1).fit_transform(X)
    assert F.shape == (6, 65)
    np.testing.assert_allclose(NTKFeatures(MEMBERS[1], 65, seed=1, block=4).fit(X[:1]).transform(X), F, rtol=1e-12)
    assert not np.allclose(NTKFeatures(MEMBERS[1], 65, seed=2).fit_transform(X), F)
    assert clone(NTKFeatures(NTK(), 64)).set_params(kernel__depth=2).kernel.depth == 2


def test_several_channels_are_one_vector(X):
    K = MEMBERS[0](X.reshape(6, 4, 2))
    assert relative(np.mean(list(estimates(MEMBERS[0], X.reshape(6, 4, 2), 512, 20)), axis=0), K) < 0.05


@pytest.mark.parametrize(
    ("kernel", "n_features", "what"),
    [
        (RNTK(), 64, "NTKFeatures are of an NTK; RandomFeatures are of an RNTK"),
        (NTK(nonlinearity="gelu"), 64, "the gradients of rectifiers, erf and sin are known"),
        (NTK(), 2, "n_features=2: a whole number of at least 3"),
    ],
)
def test_what_it_cannot_do_is_refused(X, kernel, n_features, what):
    with pytest.raises(ValueError, match=what):
        NTKFeatures(kernel, n_features).fit(X)


def test_transform_needs_fit_and_series_of_the_same_size(X):
    with pytest.raises(ValueError, match="NTKFeatures has no layers yet: call fit first"):
        NTKFeatures(NTK()).transform(X)
    with pytest.raises(ValueError, match="X has 7 values a series, and the layers were drawn for 8"):
        NTKFeatures(NTK(), 16).fit(X).transform(X[:, :7])
