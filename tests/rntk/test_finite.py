"""The kernels are those of networks: the mean over random networks of finite width, and how it converges."""

from itertools import product

import jax
import numpy as np
import pytest

from rntk import RNTK
from rntk.finite import FiniteNetwork, in_jax
from rntk.kernel import DIRECTIONS
from rntk.nonlinearities import NONLINEARITIES, Quadrature
from rntk.recursion import READOUTS

RAGGED = (3, 5, 2)


def sequences(rng, lengths=RAGGED, m=2):
    return [rng.normal(size=(T, m)) for T in lengths]


def deviations(kernel, X, width, seeds, Y=None, phi=None):
    """How far the mean over networks is from the kernel, in standard errors, for both outputs, entry by entry."""
    network = FiniteNetwork(kernel, width, phi)
    found = np.array([np.stack(network.empirical(X, Y, seed)) for seed in range(seeds)])
    error = found.std(axis=0, ddof=1) / np.sqrt(seeds)
    return (found.mean(axis=0) - np.stack(kernel.both(X, Y))) / error


# For every day the networks of two layers are enough, of two nonlinearities.
EVERY_DAY = {(nonlinearity, readout, 2) for nonlinearity in ("relu", "erf") for readout in READOUTS}


@pytest.mark.parametrize(
    ("nonlinearity", "readout", "depth"),
    [
        pytest.param(*case, marks=[] if case in EVERY_DAY else pytest.mark.slow)
        for case in product(NONLINEARITIES, READOUTS, (1, 2))
    ],
)
def test_the_mean_over_networks_is_the_kernel(nonlinearity, readout, depth):
    """Unequal lengths wherever the readout takes them; no entry off by more than five standard errors, of 24 networks."""
    direction = DIRECTIONS[(len(nonlinearity) + len(readout) + depth) % 3]
    kernel = RNTK(1.2, 0.8, 0.3, (0.5, 0.2)[:depth], 1.1, nonlinearity, depth, 0, readout, direction)
    lengths = (4, 4, 4) if readout == "mean_untied" else RAGGED
    X = sequences(np.random.default_rng(3), lengths)
    assert np.abs(deviations(kernel, X, 200, 24)).max() < 5


def test_layers_that_are_not_trained():
    kernel = RNTK(1.0, 0.9, 0.2, 0.4, 1.0, "relu", depth=3, frozen=1)
    assert np.abs(deviations(kernel, sequences(np.random.default_rng(7)), 200, 24)).max() < 5


@pytest.mark.slow
def test_two_sets_and_a_function_of_ones_own():
    rng = np.random.default_rng(4)
    X, Y = sequences(rng), sequences(rng, (1, 4))
    kernel = RNTK(1.1, 0.9, 0.2, 0.5, nonlinearity=Quadrature(np.cos), depth=2)
    with pytest.raises(TypeError, match="give FiniteNetwork the function as `phi`"):
        FiniteNetwork(kernel, 10)
    import jax.numpy as jnp

    assert np.abs(deviations(kernel, X, 300, 24, Y, jnp.cos)).max() < 4


@pytest.mark.slow
def test_one_network_comes_closer_as_its_width_grows():
    """The spread of the tangent kernel over networks falls as the square root of the width."""
    X = sequences(np.random.default_rng(5))
    kernel = RNTK(1.2, 0.8, 0.3, 0.5, depth=2)
    spread = []
    for width in (40, 640):
        network = FiniteNetwork(kernel, width)
        found = np.array([network.empirical(X, seed=seed)[0] for seed in range(30)])
        spread.append(np.linalg.norm(found.std(axis=0)))
    assert 2.5 < spread[0] / spread[1] < 6.5  # 4, give or take what thirty networks leave


def test_frozen_layers_have_no_gradient_and_the_readout_is_the_process():
    """With every layer frozen only the readout is trained: both kernels are the same, in every single network."""
    X = sequences(np.random.default_rng(6))
    tangent, process = FiniteNetwork(RNTK(1.2, 0.8, 0.3, 0.5, depth=2, frozen=2), 50).empirical(X)
    np.testing.assert_allclose(tangent, process, rtol=1e-5)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_nonlinearities_in_jax_are_those_in_numpy(name):
    a = np.linspace(-3, 3, 41)
    np.testing.assert_allclose(in_jax(name)(a), NONLINEARITIES[name](a), atol=2e-6)


@pytest.mark.slow
def test_a_network_is_that_of_its_kernel_as_it_was():
    """What is compiled and what is not, whatever becomes of the kernel."""
    X = sequences(np.random.default_rng(7))
    kernel, key = RNTK(sigma_w=0.5, sigma_b=0.3), jax.random.PRNGKey(0)
    network = FiniteNetwork(kernel, 20)
    parameters = network.init(key, X[0].shape[-1])
    before, output = network.empirical(X), network.apply(parameters, X[0], network.state(key))
    kernel.set_params(sigma_w=2.0)
    np.testing.assert_array_equal(network.empirical(X), before)
    np.testing.assert_array_equal(network.apply(parameters, X[0], network.state(key)), output)


def test_a_width_that_is_none():
    with pytest.raises(ValueError, match="width=0"):
        FiniteNetwork(RNTK(), 0)
