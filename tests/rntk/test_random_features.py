"""A finite random network's states and gradients, whose products are nearly the kernel."""

import numpy as np
import pytest
from sklearn.base import clone

from baselines import NTK
from benchmarks.random_features import at_once, perceptron
from rntk import RNTK
from rntk.finite import FiniteNetwork
from rntk.random_features import RandomFeatures

MEMBERS = [
    RNTK(sigma_w=1.3, sigma_b=0.3),
    RNTK(sigma_w=1.2, sigma_u=0.7, sigma_b=0.3, sigma_v=1.5, depth=2, direction="both", nonlinearity="erf"),
    RNTK(sigma_w=(1.2, 1.0), sigma_b=0.3, depth=2, frozen=1, nonlinearity="sin"),
    RNTK(sigma_w=1.2, sigma_b=0.3, readout="mean", direction="backward", nonlinearity="leaky_relu"),
]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(6, 5, 2))


def relative(found, K):
    return float(np.sqrt(np.mean((found - K) ** 2) / np.mean(K**2)))


def estimates(kernel, X, n_features, seeds):
    for seed in range(seeds):
        F = RandomFeatures(kernel, n_features, seed, tied=kernel.readout == "mean").fit_transform(X)
        yield F @ F.T


@pytest.mark.slow
@pytest.mark.parametrize("kernel", MEMBERS, ids=str)
@pytest.mark.parametrize("ragged", [False, True])
def test_unsketched_gradients_are_those_that_jax_finds(X, kernel, ragged):
    """Every pair of a unit and an input has a column of its own, instead of random signs: the products are then the network's kernel."""
    X = [x[i % 3 :] for i, x in enumerate(X)] if ragged else X
    features = RandomFeatures(kernel, 48, tied=True).fit(X)
    (n, M), parameters = features._sizes(), {}
    for way, network in zip(kernel._ways, features.networks_, strict=True):
        weights = network["weights"]
        parameters[way] = {
            "W": [w[:, :n] for (w,) in weights],
            "U": [w[:, n:-1] for (w,) in weights],
            "b": [w[:, -1] for (w,) in weights],
            "v": network["v"],
        }
        trained = weights[kernel.frozen :]
        network["R"] = [np.sqrt(M) * np.kron(np.eye(n), np.ones(w.shape[2])) for w in trained]
        network["S"] = [np.kron(np.ones(n), np.eye(w.shape[2])) for w in trained]
        network["signs"] = np.ones((1, 1))
    features.n_features = sum(n + sum(S.shape[1] for S in network["S"]) for network in features.networks_)
    features._sizes = lambda: (n, M)
    F = features.transform(X)
    expected, _ = FiniteNetwork(kernel, n).kernels(parameters, X)
    np.testing.assert_allclose(F @ F.T, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("output", ["ntk", "nngp"])
@pytest.mark.parametrize("kernel", MEMBERS, ids=str)
def test_products_approach_the_kernel_as_the_root_of_the_number_of_features(X, kernel, output):
    kernel = kernel.with_params(output=output, backend="numpy")
    K, sizes = kernel(X), (32, 128, 512)
    errors = [np.mean([relative(found, K) for found in estimates(kernel, X, size, 6)]) for size in sizes]
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert -0.75 < slope < -0.3 and errors[-1] < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("output", ["ntk", "nngp"])
@pytest.mark.parametrize("kernel", MEMBERS, ids=str)
def test_the_mean_over_networks_approaches_the_kernel(X, kernel, output):
    """Each entry within five standard errors, and a bias of O(1/n)."""
    kernel = kernel.with_params(output=output, backend="numpy")
    K, found = kernel(X), np.array(list(estimates(kernel, X, 256, 300)))
    error = np.abs(found.mean(axis=0) - K)
    assert (
        error < 5 * found.std(axis=0) / np.sqrt(len(found)) + 0.04 * np.sqrt(np.outer(K.diagonal(), K.diagonal()))
    ).all()
    assert relative(found.mean(axis=0), K) < 0.25 * np.mean([relative(one, K) for one in found])


def test_features_are_of_their_seed_and_blocks_change_nothing(X):
    kernel = MEMBERS[0]
    F = RandomFeatures(kernel, 64, seed=1).fit_transform(X)
    assert F.shape == (6, 64)
    np.testing.assert_allclose(RandomFeatures(kernel, 64, seed=1, block=4).fit(X[:1]).transform(X), F, rtol=1e-12)
    assert not np.allclose(RandomFeatures(kernel, 64, seed=2).fit_transform(X), F)
    assert clone(RandomFeatures(kernel, 64)).set_params(kernel__sigma_w=1.5).kernel.sigma_w == 1.5


@pytest.mark.parametrize(
    ("kernel", "n_features", "what"),
    [
        (RNTK(sigma_h=0.1), 64, "without sigma_h"),
        (RNTK(readout="mean_untied"), 64, "know readouts 'last' and 'mean'"),
        (RNTK(readout="mean"), 64, "needs tied=True"),
        (RNTK(nonlinearity="gelu"), 64, "the gradients of rectifiers, erf and sin are known; output='nngp'"),
        (RNTK(depth=3), 64, "n_features=64: a multiple of 6 is needed"),
        (RNTK(), 0, "n_features=0: a whole number"),
        (len, 64, "need an RNTK"),
    ],
)
def test_what_it_cannot_do_is_refused(X, kernel, n_features, what):
    with pytest.raises(ValueError, match=what):
        RandomFeatures(kernel, n_features).fit(X)


def test_any_nonlinearity_has_states_and_transform_needs_fit(X):
    kernel = RNTK(nonlinearity="gelu", sigma_w=1.2, sigma_b=0.2, output="nngp", backend="numpy")
    assert relative(np.mean(list(estimates(kernel, X, 512, 8)), axis=0), kernel(X)) < 0.1
    with pytest.raises(ValueError, match="call fit first"):
        RandomFeatures(kernel).transform(X)
    with pytest.raises(ValueError, match="X has 5 steps, and the network was drawn for 4"):
        RandomFeatures(kernel).fit(X[:, :4]).transform(X)


@pytest.mark.parametrize("kernel", MEMBERS[:3], ids=str)
def test_weights_of_their_own_are_counted_from_the_end(X, kernel):
    """A series has the same features beside longer ones; backward it is its beginning that counts."""
    features = RandomFeatures(kernel, 64).fit(X)
    alone = features.transform(X[:, 2:])
    together = features.transform([X[0], *X[:, 2:]])[1:]
    np.testing.assert_allclose(together, alone, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_long_memory_does_not_explode():
    """A hundred steps at σ_w = 1.41, where products with one matrix for all steps are many times too large."""
    X, kernel = np.random.default_rng(0).normal(size=(20, 100)) / 10, RNTK(sigma_w=1.41, sigma_b=0.05, backend="numpy")
    for output, most in (("ntk", 1.5), ("nngp", 1)):
        K = kernel.with_params(output=output)(X)
        assert np.median([relative(one, K) for one in estimates(kernel.with_params(output=output), X, 600, 5)]) < most


@pytest.mark.parametrize("kernel", [NTK(depth=1), NTK(depth=3, sigma_w=1.3, sigma_b=0.4)])
def test_a_perceptron_is_a_recurrent_network_that_reads_the_series_in_one_step(kernel):
    X, network = np.random.default_rng(0).normal(size=(7, 9)), perceptron(kernel)
    K = kernel(X) - kernel.sigma_b**2
    np.testing.assert_allclose(network(at_once(X)), K, rtol=1e-6)
    found = list(estimates(network, at_once(X), 300, 20))
    assert relative(np.mean(found, axis=0), K) < 0.4 * np.mean([relative(one, K) for one in found])
