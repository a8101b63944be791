"""The errors that the docstring of the kernel states, against the recursion in 50 digits."""

import pytest

from benchmarks.precision import errors
from rntk import RNTK

KERNELS = [RNTK(sigma_w=1.34, sigma_b=0.3), RNTK(sigma_w=1.41), RNTK(sigma_w=1.47, sigma_b=0.1)]
STATED = {"other": (1e-9, 1e-5), "near": (1e-6, 5e-3), "worst": (1e-6, 1e-1), "equal": (3e-14, 2e-4)}


@pytest.mark.parametrize("T", [10, 100, 1000])
@pytest.mark.parametrize(
    "kernel", [*KERNELS, RNTK(0.9, 3.0, 0.1, nonlinearity="erf")], ids=lambda k: f"{k.nonlinearity}-{k.sigma_w}"
)
@pytest.mark.parametrize(
    ("distance", "what"),
    [
        (None, "other"),
        (1e-2, "near"),
        (4e-3, "worst"),
        (3e-4, "worst"),
        (1e-4, "near"),
        (1e-6, "near"),
        (1e-8, "near"),
        (0.0, "equal"),
    ],
    ids=str,
)
def test_errors_are_as_stated(kernel, T, distance, what):
    found = errors(kernel, T, distance, pairs=1 if T == 1000 else 4, seed=1)  # others than those that were measured
    double, single = STATED[what]
    assert found["float64"] < double
    assert found["float32"] < single


def test_a_common_beginning_costs_no_digits():
    """Equal for 500 steps, then different: the state is exactly the same, and must stay so."""
    found = errors(RNTK(sigma_w=1.42, sigma_b=0.1), 600, None, pairs=1, common=500)
    assert found["float64"] < 1e-10


def test_two_layers():
    for distance in (None, 1e-3, 1e-6):
        found = errors(RNTK(sigma_w=1.3, sigma_u=0.7, sigma_b=0.2, depth=2), 60, distance, pairs=2)
        assert found["float64"] < 1e-7
