"""The gradient by each step is the kernel's: against differences in many digits, and what must be zero."""

import mpmath
import numpy as np
import pytest

from benchmarks import oracle
from rntk import RNTK
from rntk.nonlinearities import NONLINEARITIES, Nonlinearity
from rntk.sensitivity import sensitivity
from tests.rntk.test_networks import random_network, random_sequences


@pytest.mark.parametrize("readout", ["last", "mean"])
@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
@pytest.mark.parametrize("seed", range(3))
def test_against_differences_in_fifty_digits(nonlinearity, readout, seed):
    """A difference over 1e-20, in 50 digits: exact to 1e-20. What is left is float64's: in the upper layers of ReLU c comes
    near 1, where V' bends like 1/√(1 − c²).
    """
    rng = np.random.default_rng([seed, 7])
    kernel = random_network(rng, nonlinearity, readout).set_params(direction="forward")
    x, y = random_sequences(rng, 2, 2)
    duals, exactly = oracle.precise()
    p, step = kernel.parameters, mpmath.mpf(10) ** -20
    scales = [tuple(exactly(s) for s in layer) for layer in p.layers]

    def k(x):
        found = oracle.kernel(x, exactly(y), False, duals[nonlinearity], scales, exactly(p.sigma_v), p.frozen, readout)
        return found[kernel.output == "nngp"]

    expected, here = np.zeros(x.shape), exactly(x)
    for index in np.ndindex(x.shape):
        there = here.copy()
        there[index] += step
        expected[index] = float((k(there) - k(here)) / step)
    np.testing.assert_allclose(sensitivity(kernel, x, [y])[0], expected, rtol=1e-9, atol=3e-8 * np.abs(expected).max())


@pytest.mark.parametrize("readout", ["last", "mean", "mean_untied"])
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
def test_against_central_differences_whatever_the_network(nonlinearity, readout):
    rng = np.random.default_rng([len(nonlinearity), len(readout)])
    kernel = random_network(rng, nonlinearity, readout).set_params(backend="numpy")
    T = 4 if readout == "mean_untied" else None
    (x,), Y = random_sequences(rng, 1, 2, T), random_sequences(rng, 3, 2, T)
    expected, step = np.zeros((3, *x.shape)), 1e-5
    for index in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[index] += step
        behind[index] -= step
        expected[:, *index] = (kernel([ahead], Y)[0] - kernel([behind], Y)[0]) / (2 * step)
    rounding = 1e-15 / step * np.abs(kernel([x], Y)).max()  # of the differences
    np.testing.assert_allclose(
        sensitivity(kernel, x, Y), expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max() + rounding
    )


def test_steps_that_cannot_matter_do_not():
    x = np.random.default_rng(0).normal(size=9)
    y = np.random.default_rng(1).normal(size=(1, 9))
    forgetful = sensitivity(RNTK(sigma_w=0.0, sigma_b=0.3), x, y)[0, :, 0]
    assert (forgetful[:-1] == 0).all()
    assert forgetful[-1] != 0
    deaf = sensitivity(RNTK(sigma_u=(1.0, 0.0), depth=2, sigma_b=0.3), x, y)  # the second layer does not hear the first
    np.testing.assert_array_equal(deaf, 0)
    # what comes before the shorter sequence begins acts through the variances of x alone, in ReLU as a factor
    short = sensitivity(RNTK(sigma_w=1.2, sigma_b=0.1), x, y[:, 5:])[0, :, 0]
    assert (short[:5] != 0).all()


def test_a_backward_network_is_moved_backward():
    x, y = np.random.default_rng(2).normal(size=(2, 7))
    forward, backward = RNTK(sigma_b=0.2), RNTK(sigma_b=0.2, direction="backward")
    np.testing.assert_allclose(
        sensitivity(backward, x, y[None])[0], sensitivity(forward, x[::-1], y[None, ::-1])[0, ::-1], rtol=1e-14
    )
    both = sensitivity(RNTK(sigma_b=0.2, direction="both"), x, y[None])
    np.testing.assert_allclose(both, sensitivity(forward, x, y[None]) + sensitivity(backward, x, y[None]), rtol=1e-14)


def test_what_has_no_gradient_says_so():
    class Opaque(Nonlinearity):
        def dual(self, p, r, q):
            return r, np.ones_like(r)

    with pytest.raises(NotImplementedError, match="no derivatives"):
        sensitivity(RNTK(nonlinearity=Opaque()), np.ones(3), np.ones((1, 3)))
    with pytest.raises(ValueError, match="equal lengths"):
        sensitivity(RNTK(readout="mean_untied"), np.ones(3), np.ones((1, 4)))
    with pytest.raises(ValueError, match="NaN"):
        sensitivity(RNTK(), [1.0, np.nan, 1.0], np.ones((1, 3)))
