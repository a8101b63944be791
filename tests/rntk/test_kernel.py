"""RNTK as an object: what it refuses, and what its messages say."""

import subprocess
import sys

import numpy as np
import pytest

from baselines import NTK, RBF, Polynomial
from rntk import RNTK, engine_cpu, recursion


@pytest.mark.parametrize("name", ["sigma_w", "sigma_u", "sigma_b", "sigma_h", "sigma_v"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "1", None, True])
def test_a_scale_must_be_a_finite_number_not_below_zero(name, value):
    with pytest.raises(ValueError, match=name) as caught:
        RNTK(**{name: value})
    assert repr(value) in str(caught.value)
    assert ">= 0" in str(caught.value)


def test_unknown_nonlinearity_lists_the_closest_first():
    with pytest.raises(ValueError, match="nonlinearity='reLu6' is unknown: choose one of relu, gelu, leaky_relu"):
        RNTK(nonlinearity="reLu6")
    with pytest.raises(ValueError, match="choose one of erf, linear"):
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
    for call in (kernel, kernel.diag):
        with pytest.raises(ValueError, match="sigma_b=-1"):
            call(np.ones((2, 3)))


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
        ([], "empty list"),
        ([[1.0, 2.0], []], r"sequence 1 of X has shape \(0, 1\): at least one step"),
        ([np.ones((3, 2)), np.ones((4, 1))], "sequence 1 of X has 1 channels and sequence 0 has 2"),
        ([np.ones((3, 2)), np.ones((4, 1, 1))], r"sequence 1 of X has shape \(4, 1, 1\)"),
        ([["a", "b"]], "sequence 0 of X must be real numbers"),
        ([["1", "2"]], "must be real numbers"),
        (np.array([["1", "2"]], dtype=object), "must be real numbers"),
        (np.array([[1j, 2.0]]), "must be real numbers"),
        (np.array([[None, 2.0]], dtype=object), "must be real numbers"),
        ([[1.0, np.nan, 2.0]], r"NaN in sequence 0 at step 1 \(a missing value\).*interpolation"),
        ([[1.0, 2.0], [1.0, np.nan]], "NaN in sequence 1 at step 1.*rntk.unpadded"),
        ([[1.0, 2.0, 3.0, 4.0], [1.0, np.nan, 2.0]], r"NaN in sequence 1 at step 1 \(a missing value\)"),
        ([[1.0, 2.0], [np.inf, 0.0]], "infinity in sequence 1 at step 0"),
        ([[1.0, 2.0, 0.0], [1.0, np.inf, np.nan]], "infinity in sequence 1 at step 1"),
    ],
)
def test_inputs_that_are_no_sequences(X, message):
    with pytest.raises(ValueError, match=message):
        RNTK()(X)


def test_inputs_that_do_not_fit_each_other():
    with pytest.raises(ValueError, match="X has 2 channels and Y has 3"):
        RNTK()(np.ones((1, 4, 2)), np.ones((1, 4, 3)))
    for X, Y in [(np.ones((1, 4)), np.ones((1, 5))), ([np.ones(4), np.ones(5)], np.ones((1, 5)))]:
        with pytest.raises(ValueError, match=r"4 to 5 steps, and readout='mean_untied'.*equal lengths"):
            RNTK(readout="mean_untied")(X, Y)


def test_initial_state_joins_a_sequence_with_itself_only():
    """σ_h acts between the same index of the same set.

    Equal values in another set are another sequence, with a state of its own.
    """
    X = np.random.default_rng(1).normal(size=(4, 5))
    silent, drawn = RNTK(sigma_h=0.0), RNTK(sigma_h=0.7)
    assert (drawn.diag(X) > silent.diag(X)).all()
    assert (np.diag(drawn(X)) > np.diag(drawn(X, X.copy()))).all()
    np.testing.assert_array_equal(drawn(X), drawn(X, X))


def test_two_series_give_a_number_and_one_with_itself_its_diagonal():
    x, y = np.random.default_rng(1).normal(size=(2, 6))
    kernel = RNTK(sigma_h=0.7)
    assert kernel(x, y) == kernel(x[None], y[None])[0, 0]
    assert kernel(x, x) == kernel(x[None])[0, 0] > kernel(x, x.copy())


@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
@pytest.mark.parametrize("T", [5, 100, 400])
def test_single_precision_is_what_it_says(nonlinearity, T):
    """Relative to √(k(x, x) k(y, y)): 1e-5 between different series, float64's own 1e-12."""
    rng = np.random.default_rng(T)
    X, Y = rng.normal(size=(2, 30, T)) / np.sqrt(T)
    settings = {"sigma_w": 1.38, "sigma_b": 0.2, "nonlinearity": nonlinearity}
    exact = RNTK(**settings, backend="numpy")(X, Y)
    double, single = RNTK(**settings), RNTK(**settings, dtype="float32")
    scale = np.sqrt(np.outer(double.diag(X), double.diag(Y)))
    assert single(X, Y).dtype == single.diag(X).dtype == np.float32
    assert (np.abs(double(X, Y) - exact) < 1e-12 * scale).all()
    assert (np.abs(single(X, Y) - exact) < 1e-5 * scale).all()
    np.testing.assert_array_equal(np.diag(single(X)), single.diag(X))


def test_equal_series_in_two_sets_stay_at_their_diagonal_however_long():
    """c = 1 lies on the edge, and what rounding adds to it must not grow from step to step."""
    X = np.random.default_rng(0).normal(size=(20, 1000)) / np.sqrt(1000)
    for sigma_w in (1.34, 1.41, 1.47):
        for dtype, error in (("float64", 1e-13), ("float32", 2e-4)):
            kernel = RNTK(sigma_w=sigma_w, sigma_b=0.3, dtype=dtype)
            np.testing.assert_allclose(np.diag(kernel(X, X.copy())), kernel.diag(X), rtol=error)


def test_single_precision_overflows_sooner_and_says_so():
    X = np.random.default_rng(0).normal(size=(3, 900))
    assert np.isfinite(RNTK(sigma_w=1.6)(X)).all()
    with pytest.raises(ValueError, match="overflows float32 within 900 steps"):
        RNTK(sigma_w=1.6, dtype="float32")(X)


def test_the_backend_in_numpy_is_the_recursion():
    X, Y = np.random.default_rng(2).normal(size=(2, 7, 9))
    slow, fast = RNTK(sigma_b=0.2, sigma_v=1.3, backend="numpy"), RNTK(sigma_b=0.2, sigma_v=1.3)
    np.testing.assert_array_equal(slow(X, Y), recursion.gram(X[..., None], Y[..., None], slow.parameters))
    np.testing.assert_allclose(slow(X), fast(X), rtol=1e-12)
    with pytest.raises(ValueError, match="overflows float64"):
        RNTK(sigma_w=1e200, backend="numpy")(X)
    with pytest.raises(ValueError, match="overflows float64"):  # whichever of the two sets it is
        RNTK(backend="numpy")(X, 1e200 * Y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dtype": "float16"}, "dtype='float16' is unknown: choose one of float32, float64|float64, float32"),
        ({"dtype": np.float32}, "dtype=.* is unknown"),
        ({"backend": "cuda"}, "backend='cuda' is unknown: choose one of cpu, numpy"),
        ({"backend": "numpy", "dtype": "float32"}, "dtype='float32': the NumPy backend computes in float64 alone"),
    ],
)
def test_types_and_backends_that_do_not_exist(parameters, message):
    with pytest.raises(ValueError, match=message):
        RNTK(**parameters)


def test_more_threads_than_cores_are_refused(monkeypatch):
    monkeypatch.setattr(engine_cpu.numba, "get_num_threads", lambda: 10**4)
    with pytest.raises(ValueError, match=r"10000 threads are asked for, and this process may use \d+ cores"):
        RNTK()(np.ones((200, 100)))
    with pytest.raises(ValueError, match="must be between 1 and"):
        engine_cpu.numba.set_num_threads(0)


@pytest.mark.parametrize("kernel", [RNTK(), NTK(), RBF(), Polynomial()], ids=repr)
def test_over_a_set_a_kernel_gives_what_its_calls_give(kernel):
    X = np.random.default_rng(1).normal(size=(9, 6))
    name = next(name for name, value in kernel.get_params().items() if isinstance(value, float))
    gram = kernel.over(X)
    for value in (0.5, 0.9):
        np.testing.assert_array_equal(gram({name: value}), type(kernel)(**{name: value})(X))
    with pytest.raises(ValueError, match=f"{name}=-1"):
        gram({name: -1})


def test_the_readouts_scale_is_a_factor():
    X = np.random.default_rng(1).normal(size=(9, 6))
    setting, factor = RNTK().without_factor({"sigma_w": 1.3, "sigma_v": 0.7})
    assert setting == {"sigma_w": 1.3, "sigma_v": 1.0}
    np.testing.assert_array_equal(RNTK(**setting)(X) * factor, RNTK(sigma_w=1.3, sigma_v=0.7)(X))
    for alone in (0.0, 1e200, 1e-200):  # nothing, or no number: the kernel itself has to refuse it
        assert RNTK().without_factor({"sigma_v": alone}) == ({"sigma_v": alone}, 1.0)
    assert RNTK().without_factor({"sigma_w": 1.0}) == ({"sigma_w": 1.0}, 1.0)


def test_import_is_light():
    """`import rntk` loads neither numba nor anything of the study; both come when they are used."""
    code = "import sys, rntk; print([name for name in ('numba', 'scipy', 'sklearn', 'pandas', 'mlflow', 'hydra') if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_recursions_backend_needs_no_compiler():
    code = """
import sys, numpy as np
from rntk import RNTK
X = np.random.default_rng(0).normal(size=(3, 5))
kernel = RNTK(sigma_h=0.2, direction="both", readout="mean", backend="numpy")
np.testing.assert_allclose(np.diag(kernel(X)), kernel.diag(X), rtol=1e-13)
assert "numba" not in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with pytest.raises(ValueError, match="overflows float64 within 4000 steps"):
        RNTK(sigma_w=2.0, backend="numpy")(np.ones((1, 4000)))


def test_a_large_readout_of_a_small_kernel_is_no_overflow():
    X = 1e-10 * np.random.default_rng(0).normal(size=(4, 6))
    double, single = (RNTK(sigma_w=0.5, sigma_v=1e20, dtype=dtype) for dtype in ("float64", "float32"))
    np.testing.assert_allclose(single(X), double(X), rtol=1e-4)
    np.testing.assert_allclose(single.diag(X), double.diag(X), rtol=1e-4)
