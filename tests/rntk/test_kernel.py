"""RNTK as an object: what it refuses, and what its messages say."""

import subprocess
import sys

import numpy as np
import pytest

from rntk import RNTK


@pytest.mark.parametrize("name", ["sigma_w", "sigma_u", "sigma_b", "sigma_h", "sigma_v"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "1", None, True])
def test_a_scale_must_be_a_finite_number_not_below_zero(name, value):
    with pytest.raises(ValueError, match=name) as caught:
        RNTK(**{name: value})
    assert repr(value) in str(caught.value)
    assert ">= 0" in str(caught.value)


def test_unknown_nonlinearity_lists_the_closest_first():
    with pytest.raises(ValueError, match="nonlinearity='reLu6' is unknown: choose one of relu, erf"):
        RNTK(nonlinearity="reLu6")
    with pytest.raises(ValueError, match="choose one of erf, relu"):
        RNTK(nonlinearity="erfc")


def test_set_params_refuses_and_changes_nothing():
    kernel = RNTK(sigma_w=1.0)
    with pytest.raises(ValueError, match="sigma_b"):
        kernel.set_params(sigma_w=2.0, sigma_b=-1)
    with pytest.raises(ValueError, match="has no parameter 'sigma_x'"):
        kernel.set_params(sigma_x=1)
    assert kernel == RNTK(sigma_w=1.0)
    assert kernel.set_params(sigma_w=0.5) is kernel
    assert kernel.get_params()["sigma_w"] == 0.5


def test_a_parameter_set_directly_is_checked_at_the_call():
    kernel = RNTK()
    kernel.sigma_b = -1
    with pytest.raises(ValueError, match="sigma_b=-1"):
        kernel(np.ones((2, 3)))


def test_overflow_names_sigma_w():
    X = np.random.default_rng(0).normal(size=(3, 700))
    with pytest.raises(ValueError, match=r"sigma_w=4.0.*overflow.*700 steps"):
        RNTK(sigma_w=4.0)(X)
    assert np.isfinite(RNTK(sigma_w=1.47)(X)).all()  # large, and inside float64
    for name in ("sigma_w", "sigma_u", "sigma_b", "sigma_h", "sigma_v"):  # σ² alone overflows
        with pytest.raises(ValueError, match=rf"{name}=1e\+200.*overflow"):
            RNTK(**{name: 1e200})(X)
    with pytest.raises(ValueError, match="sigma_w=1000"):
        RNTK(sigma_w=10**400)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(3), r"shape \(3,\)"),
        (np.ones((2, 3, 1, 1)), r"shape \(2, 3, 1, 1\)"),
        (np.ones((0, 3)), "at least one"),
        (np.ones((2, 0)), "at least one"),
        ([[1.0, 2.0], [1.0]], "all sequences of one length"),
        ([["a", "b"]], "must be numbers"),
        ([[1.0, np.nan]], "NaN .* in sequence 0 at step 1"),
        ([[1.0, 2.0], [np.inf, 0.0]], "infinity in sequence 1 at step 0"),
    ],
)
def test_inputs_that_are_no_sequences(X, message):
    with pytest.raises(ValueError, match=message):
        RNTK()(X)


def test_inputs_that_do_not_fit_each_other():
    with pytest.raises(ValueError, match="X has 2 channels and Y has 3"):
        RNTK()(np.ones((1, 4, 2)), np.ones((1, 4, 3)))
    with pytest.raises(ValueError, match="X has 4 steps and Y has 5"):
        RNTK()(np.ones((1, 4)), np.ones((1, 5)))


def test_initial_state_joins_a_sequence_with_itself_only():
    """σ_h acts between the same index of the same set.

    Equal values in another set are another sequence, with a state of its own.
    """
    X = np.random.default_rng(1).normal(size=(4, 5))
    silent, drawn = RNTK(sigma_h=0.0), RNTK(sigma_h=0.7)
    assert (drawn.diag(X) > silent.diag(X)).all()
    assert (np.diag(drawn(X)) > np.diag(drawn(X, X.copy()))).all()
    np.testing.assert_array_equal(drawn(X), drawn(X, X))


def test_import_is_light():
    """`import rntk` loads neither numba nor anything of the study; both come when they are used."""
    code = "import sys, rntk; print([name for name in ('numba', 'scipy', 'sklearn', 'pandas', 'mlflow', 'hydra') if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
