"""The gradient of a Gram by the logarithms of the scales: against differences, in many digits and of the kernel, and what must hold."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel

from benchmarks import oracle
from rntk import RNTK
from rntk.base import Kernel
from rntk.gaussian_process import GPKernel
from rntk.gradient import free_scales, gram_gradient

pytestmark = pytest.mark.xdist_group("gradient")  # each process compiles anew
SCALES = ["sigma_w", "sigma_u", "sigma_b", "sigma_h", "sigma_v"]
NETWORK = {"sigma_w": 1.3, "sigma_u": 0.8, "sigma_b": 0.2, "sigma_h": 0.3, "sigma_v": 1.1}


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(size=(7, 6, 2))


def differences(kernel, X, names, step=1e-5):
    """Central differences of the Gram by the logarithm of each scale, of each layer where it has several."""
    found = []
    for name in names:
        value = getattr(kernel, name)
        for layer in range(np.size(value)):
            ahead, behind = (
                tuple(v * np.exp(sign * step * (i == layer)) for i, v in enumerate(np.atleast_1d(value)))
                for sign in (1, -1)
            )
            ahead, behind = (ahead, behind) if np.ndim(value) else (ahead[0], behind[0])
            found.append(
                (kernel.with_params(**{name: ahead})(X) - kernel.with_params(**{name: behind})(X)) / (2 * step)
            )
    return np.stack(found, axis=2)


SLOW = pytest.mark.slow  # of compiling


@pytest.mark.parametrize("backend", [pytest.param("cpu", marks=SLOW), "numpy"])
@pytest.mark.parametrize(
    "network",
    [
        {"nonlinearity": "linear", "sigma_w": 0.9},
        {"nonlinearity": "leaky_relu", "readout": "mean"},
        {"nonlinearity": "erf", "depth": 2, "sigma_w": (1.2, 1.4), "readout": "mean"},
        {"depth": 3, "frozen": 1, "readout": "mean_untied", "direction": "both"},
        {
            "depth": 2,
            "sigma_b": (0.1, 0.4),
            "sigma_w": (1.2, 1.3),
            "direction": "backward",
        },  # more than are carried at once
        {"output": "nngp"},
    ],
    ids=str,
)
def test_it_is_the_slope_of_the_kernel(network, backend, X):
    is_its_slope(network, backend, X)


@pytest.mark.parametrize("backend", ["cpu", "numpy"])
@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
def test_it_is_the_slope_of_one_layer(nonlinearity, backend, X):
    is_its_slope({"nonlinearity": nonlinearity}, backend, X)


def is_its_slope(network, backend, X):
    kernel = RNTK(**NETWORK | network, backend=backend)
    K, gradient = gram_gradient(kernel, X, SCALES)
    expected = differences(kernel, X, SCALES)
    np.testing.assert_allclose(K, kernel(X), rtol=1e-13)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("nonlinearity", ["sin", "gelu"])
def test_other_nonlinearities_are_derived_in_numpy(nonlinearity, X):
    kernel = RNTK(**NETWORK, nonlinearity=nonlinearity, depth=2)
    expected = differences(kernel, X, SCALES)
    np.testing.assert_allclose(
        gram_gradient(kernel, X, SCALES)[1], expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max()
    )


@pytest.mark.parametrize(
    ("network", "depth", "rtol"),
    [
        ({"sigma_b": 0.3, "sigma_h": 0.4}, 1, 1e-12),
        ({"sigma_b": 0.3, "sigma_h": 0.4, "nonlinearity": "erf"}, 1, 1e-12),
        pytest.param({}, 1, 1e-10, marks=SLOW),  # of one channel and no bias: the first step's angle is 0 or π
        pytest.param({}, 2, 1e-10, marks=SLOW),
    ],
    ids=str,
)
def test_against_differences_in_fifty_digits(network, depth, rtol):
    x, y = np.random.default_rng(3).normal(size=(2, 5, 1))
    kernel = RNTK(sigma_w=1.2, sigma_u=0.7, **network, depth=depth)
    duals, exactly = oracle.precise()
    step, scales = exactly(2.0**-70), ["sigma_w", "sigma_u", "sigma_b", "sigma_h"]
    dual, names = duals[kernel.nonlinearity], free_scales(kernel.with_params(sigma_v=0.0))

    def k(*layer):
        return oracle.kernel(exactly(x), exactly(y), False, dual, [layer] * depth, exactly(1.0), 0, "last")[0]

    here = [exactly(getattr(kernel, name)) for name in scales]
    expected = []
    for i in map(scales.index, names):
        there = list(here)
        there[i] = there[i] * (1 + step)
        expected.append(float((k(*there) - k(*here)) / step))
    _, gradient = gram_gradient(kernel, np.stack([x, y]), names)
    np.testing.assert_allclose(gradient[0, 1], expected, rtol=rtol)


def test_a_series_more_moves_no_other_pair_and_many_are_as_few(X):
    """Pairs beyond one tile, whose lanes are not full, are those of few series."""
    many = np.random.default_rng(1).normal(size=(150, 4))
    kernel = RNTK(**NETWORK)
    whole, part = gram_gradient(kernel, many, SCALES)[1], gram_gradient(kernel, many[120:], SCALES)[1]
    np.testing.assert_array_equal(whole[120:, 120:], part)
    np.testing.assert_array_equal(whole, whole.transpose(1, 0, 2))


@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
@pytest.mark.parametrize(
    "by", [["sigma_w"], ["sigma_u"], ["sigma_b", "sigma_w"], ["sigma_v", "sigma_u", "sigma_b"]], ids=str
)
def test_some_derivatives_are_those_of_all(by, nonlinearity, X):
    """Whether or not the one by σ_u follows from others that are asked for."""
    kernel = RNTK(
        **NETWORK, nonlinearity=nonlinearity, backend="numpy"
    )  # compiled it is a compilation for each number of them
    some, every = gram_gradient(kernel, X, by)[1], gram_gradient(kernel, X, SCALES)[1]
    np.testing.assert_allclose(some, every[:, :, [SCALES.index(name) for name in by]], rtol=1e-6)


@pytest.mark.slow
def test_long_series_take_turns():
    """Of more steps than a row takes in turn."""
    long = np.random.default_rng(2).normal(size=(3, 40))
    for backend in ("cpu", "numpy"):
        is_its_slope({"sigma_w": 1.4}, backend, long)


def test_what_cannot_be_derived_is_refused(X):
    with pytest.raises(ValueError, match=r"sigma_h=0\.0: of 0 there is no logarithm"):
        gram_gradient(RNTK(sigma_b=0.1), X, ["sigma_h"])
    with pytest.raises(ValueError, match="by='sigma_x' is unknown"):
        gram_gradient(RNTK(), X, ["sigma_x"])
    with pytest.raises(ValueError, match="4 to 6 steps: the gradient needs equal lengths"):
        gram_gradient(RNTK(), [X[0], X[1, :4]], ["sigma_w"])
    with pytest.raises(ValueError, match="overflows"):
        gram_gradient(RNTK(**NETWORK | {"sigma_w": 1e200}), X, SCALES)


def test_a_gaussian_process_fits_the_scales_and_leaves_the_kernel_as_it_was():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 12))
    y = X[:, -3:].sum(axis=1) + 0.1 * rng.normal(size=40)
    given = RNTK(sigma_w=1.0, sigma_b=0.1, sigma_h=0.1)
    kernel = GPKernel(given, sigma_v_bounds="fixed") * ConstantKernel(1.0, "fixed") + WhiteKernel(0.1)
    process = GaussianProcessRegressor(kernel).fit(X, y)
    found, gradient = process.log_marginal_likelihood(kernel.theta, eval_gradient=True)
    assert len(kernel.theta) == 5  # σ_w, σ_u, σ_b, σ_h and the noise: σ_v is fixed
    assert process.log_marginal_likelihood_value_ > found + 5
    for i in range(5):
        step = 1e-5 * np.eye(5)[i]
        slope = (
            process.log_marginal_likelihood(kernel.theta + step) - process.log_marginal_likelihood(kernel.theta - step)
        ) / 2e-5
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-6)
    assert given == RNTK(sigma_w=1.0, sigma_b=0.1, sigma_h=0.1)
    assert kernel.get_params()["k1__k1__kernel__sigma_w"] == 1.0
    assert kernel.set_params(k1__k1__kernel__sigma_w=1.2).theta[0] == pytest.approx(np.log(1.2))
    assert given.sigma_w == 1.0


def test_a_value_for_each_layer_is_a_hyperparameter_for_each():
    kernel = GPKernel(RNTK(depth=2, sigma_w=(1.0, 1.2), sigma_b=0.0))
    assert kernel.theta.tolist() == pytest.approx(np.log([1.0, 1.2, 1.0, 1.0]).tolist())
    assert kernel.bounds.shape == (4, 2)
    found = kernel.clone_with_theta(np.log([0.5, 0.6, 0.7, 0.8])).kernel
    assert (*found.sigma_w, found.sigma_u, found.sigma_v) == pytest.approx((0.5, 0.6, 0.7, 0.8))


def test_a_kernel_of_which_nothing_is_free_has_no_gradient(X):
    class Product(Kernel):
        def __call__(self, X, Y=None):
            X = np.reshape(X, (len(X), -1))
            return X @ (X if Y is None else np.reshape(Y, (len(Y), -1))).T

    fixed = {f"{name}_bounds": "fixed" for name in SCALES}
    for kernel in (GPKernel(RNTK(**NETWORK), **fixed), GPKernel(Product())):
        K, gradient = kernel(X, eval_gradient=True)
        np.testing.assert_array_equal(K, kernel(X))
        assert gradient.shape == (7, 7, 0)
        assert kernel.theta.shape == (0,)
