"""Every network that the kernel knows, all options at once, against an oracle that shares no code with it."""

import numpy as np
import pytest

from benchmarks import oracle
from rntk import RNTK
from rntk.nonlinearities import NONLINEARITIES, Nonlinearity, Quadrature, Rectifier

ERROR = {"tanh": 1e-6, "gelu": 1e-8}  # what a rule of 90 nodes leaves, of relative error; and the series' own


def random_network(rng, nonlinearity, readout):
    depth = int(rng.integers(1, 4))

    def scale(low, high):
        return float(rng.uniform(low, high)) if rng.random() < 0.5 else tuple(rng.uniform(low, high, depth).tolist())

    return RNTK(
        sigma_w=scale(0.3, 1.3),
        sigma_u=scale(0.3, 0.8),
        sigma_b=scale(0.0, 0.4),
        sigma_h=scale(0.0, 0.8),
        sigma_v=float(rng.uniform(0.5, 1.5)),
        nonlinearity=nonlinearity,
        depth=depth,
        frozen=int(rng.integers(0, depth + 1)) if rng.random() < 0.4 else 0,
        readout=readout,
        direction=str(rng.choice(["forward", "backward", "both"])),
        output=str(rng.choice(["ntk", "nngp"])),
    )


def random_sequences(rng, n, m, T=None):
    return [rng.normal(size=(T or int(rng.integers(1, 6)), m)) * 0.8 for _ in range(n)]


def slow_gram(kernel, X, Y=None):
    """The oracle's Gram: every pair, in every direction."""
    which = ["ntk", "nngp"].index(kernel.output)
    ways = {"forward": [1], "backward": [-1], "both": [1, -1]}[kernel.direction]
    p = kernel.parameters
    total = 0.0
    for way in ways:
        K = [
            [
                oracle.kernel(
                    x[::way],
                    y[::way],
                    Y is None and i == j,
                    kernel.nonlinearity,
                    p.layers,
                    p.sigma_v,
                    p.frozen,
                    p.readout,
                )[which]
                for j, y in enumerate(X if Y is None else Y)
            ]
            for i, x in enumerate(X)
        ]
        total = total + np.array(K)
    return total


@pytest.mark.parametrize("backend", ["cpu", "numpy"])
@pytest.mark.parametrize("readout", ["last", "mean", "mean_untied"])
@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
@pytest.mark.parametrize("seed", range(3))
def test_all_options_at_once(nonlinearity, readout, seed, backend):
    rng = np.random.default_rng([seed, list(NONLINEARITIES).index(nonlinearity), len(readout)])
    kernel = random_network(rng, nonlinearity, readout).set_params(backend=backend)
    m, T = int(rng.integers(1, 4)), int(rng.integers(1, 6)) if readout == "mean_untied" else None
    X, Y = random_sequences(rng, 4, m, T), random_sequences(rng, 3, m, T)
    error = ERROR.get(nonlinearity, 1e-10)
    own, crossed = slow_gram(kernel, X), slow_gram(kernel, X, Y)
    np.testing.assert_allclose(kernel(X), own, rtol=error, atol=error * np.abs(own).max())
    np.testing.assert_allclose(kernel(X, Y), crossed, rtol=error, atol=error * np.abs(own).max())
    np.testing.assert_allclose(kernel(Y, X), crossed.T, rtol=error, atol=error * np.abs(own).max())
    np.testing.assert_allclose(kernel.diag(X), np.diag(own), rtol=error)
    tangent, process = kernel.both(X, Y)
    np.testing.assert_array_equal(tangent if kernel.output == "ntk" else process, kernel(X, Y))


# The limits and laws of the recursion, on the engine, for any network.


def any_network(seed):
    rng = np.random.default_rng([seed, 11])
    nonlinearity = str(rng.choice(["relu", "erf", "leaky_relu", "abs", "sin", "gelu", "tanh"]))
    return rng, random_network(rng, nonlinearity, str(rng.choice(["last", "mean"])))


@pytest.mark.parametrize("seed", range(8))
def test_gram_is_symmetric_positive_and_follows_a_permutation(seed):
    """To the bit where the pairs are the same; a permuted set has its series in other lanes, of the same arithmetic."""
    rng, kernel = any_network(seed)
    X = random_sequences(rng, 40, 1)
    K, order = kernel(X), rng.permutation(40)
    np.testing.assert_array_equal(K, K.T)
    np.testing.assert_allclose(kernel([X[i] for i in order]), K[np.ix_(order, order)], rtol=1e-12)
    assert np.linalg.eigvalsh(K)[0] > -1e-10 * np.trace(K)


@pytest.mark.parametrize("seed", range(4))
def test_equal_series_in_one_set_are_two_series(seed):
    """With σ_h > 0 a series and its equal differ in their initial states: off the diagonal k is that of two sets."""
    rng, kernel = any_network(seed)
    kernel.set_params(sigma_h=0.7)
    X = random_sequences(rng, 3, 2)
    K = kernel([*X, *X])
    np.testing.assert_allclose(K[:3, 3:], kernel(X, [x.copy() for x in X]), rtol=1e-12)
    assert (np.diag(K) > np.diag(K[:3, 3:]).repeat(2).reshape(3, 2).T.ravel()).all()


@pytest.mark.parametrize("seed", range(6))
def test_steps_before_the_shorter_begins_act_through_variances_alone(seed):
    """Another beginning of equal variance, another sign, leaves k(x, y) where y is shorter as it was."""
    rng, kernel = any_network(seed)
    kernel.set_params(readout="last", direction="forward")
    x, y = rng.normal(size=(6, 1)), rng.normal(size=(3, 1))
    turned = x.copy()
    turned[:3] *= -1
    np.testing.assert_allclose(kernel([x], [y]), kernel([turned], [y]), rtol=1e-13)
    assert abs(kernel([x], [x[::-1] + 0.1])[0, 0] / kernel([turned], [x[::-1] + 0.1])[0, 0] - 1) > 1e-6


def test_unequal_lengths_are_equal_lengths_padded_by_hand():
    """Leading silence without bias and initial state changes nothing: the variance is zero until the series begins."""
    rng = np.random.default_rng(5)
    ragged = random_sequences(rng, 30, 2)
    padded = np.zeros((30, 5, 2))
    for row, x in zip(padded, ragged, strict=True):
        row[5 - len(x) :] = x
    for depth in (1, 2):
        kernel = RNTK(sigma_w=1.3, depth=depth)
        np.testing.assert_allclose(kernel(ragged), kernel(padded), rtol=1e-13)
        np.testing.assert_allclose(kernel(ragged[:7], ragged), kernel(padded[:7], padded), rtol=1e-13)


def test_a_set_of_many_lengths_is_its_pairs():
    """Tiles of lengths between 1 and 300, more than a tile holds, against each pair by itself."""
    rng = np.random.default_rng(6)
    X = [rng.normal(size=int(T)) / 10 for T in rng.integers(1, 300, 150)]
    kernel = RNTK(sigma_w=1.38, sigma_b=0.2, sigma_h=0.3)
    K = kernel(X)
    for i, j in rng.integers(0, 150, (40, 2)):
        alone = kernel([X[i]])[0, 0] if i == j else kernel([X[i]], [X[j]])[0, 0]
        np.testing.assert_allclose(K[i, j], alone, rtol=1e-12)
    np.testing.assert_array_equal(np.diag(K), kernel.diag(X))


def test_two_layers_of_which_the_second_hears_nothing_forget_the_input():
    X = np.random.default_rng(7).normal(size=(5, 6))
    K = RNTK(sigma_w=1.2, sigma_u=(1.0, 0.0), sigma_b=0.3, depth=2)(X)
    np.testing.assert_allclose(K, K[0, 0], rtol=1e-13)


def test_means_of_one_step_are_the_last():
    X = np.random.default_rng(8).normal(size=(5, 1, 3))
    last = RNTK(sigma_b=0.3, sigma_h=0.4, depth=2)(X)
    for readout in ("mean", "mean_untied"):
        np.testing.assert_allclose(RNTK(sigma_b=0.3, sigma_h=0.4, depth=2, readout=readout)(X), last, rtol=1e-13)


def test_homogeneous_networks_scale_with_their_inputs():
    """σ_u, σ_b and σ_h times a is the kernel times a², for every rectifier and any depth with unscaled σ_u above."""
    X = np.random.default_rng(9).normal(size=(5, 6))
    for nonlinearity in ("relu", "leaky_relu", "abs", "linear", Rectifier(0.3)):
        kernel = RNTK(1.1, 0.6, 0.2, 0.4, nonlinearity=nonlinearity, readout="mean")
        scaled = RNTK(1.1, 1.8, 0.6, 1.2, nonlinearity=nonlinearity, readout="mean")
        np.testing.assert_allclose(9 * kernel(X), scaled(X), rtol=1e-12)


def test_leaky_rectifiers_join_relu_and_the_identity():
    X, Y = np.random.default_rng(10).normal(size=(2, 4, 6))
    for slope, name in [(0.0, "relu"), (-1.0, "abs"), (1.0, "linear"), (0.01, "leaky_relu")]:
        np.testing.assert_array_equal(RNTK(nonlinearity=Rectifier(slope))(X, Y), RNTK(nonlinearity=name)(X, Y))


def test_quadrature_converges_with_its_nodes():
    """erf as a function of the user's: the error falls by orders with each doubling, and V from the same nodes is PSD."""
    X, Y = np.random.default_rng(11).normal(size=(2, 6, 5))
    settings = {"sigma_w": 1.1, "sigma_u": 0.9, "sigma_b": 0.2, "depth": 2}
    exact, errors = RNTK(nonlinearity="erf", **settings)(X, Y), []
    for nodes in (16, 64, 256, 1000):
        K = RNTK(nonlinearity=Quadrature(NONLINEARITIES["erf"], nodes), **settings)(X, Y)
        errors.append(np.abs(K / exact - 1).max())
    assert errors[0] > 10 * errors[1] > 100 * errors[2] > 1000 * errors[3]
    assert errors[3] < 1e-7


def test_single_precision_of_every_network_is_near_double():
    for seed in range(8):
        rng, kernel = any_network(seed)
        X, Y = random_sequences(rng, 5, 2), random_sequences(rng, 4, 2)
        double = kernel(X, Y)
        single = kernel.set_params(dtype="float32")(X, Y)
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, atol=3e-5 * np.abs(double).max())


class Cosine(Nonlinearity):
    """A closed form of one's own, as the docstring of `rntk.nonlinearities` shows it."""

    def __call__(self, a):
        return np.cos(a)

    def dual(self, p, r, q):
        scale = np.exp(-(p + q) / 2)
        return scale * np.cosh(r), scale * np.sinh(r)


def test_a_closed_form_of_ones_own():
    X, Y = np.random.default_rng(12).normal(size=(2, 5, 4))
    closed = RNTK(0.9, 0.8, 0.3, nonlinearity=Cosine(), backend="numpy", depth=2)
    np.testing.assert_allclose(closed(X, Y), RNTK(0.9, 0.8, 0.3, nonlinearity=np.cos, depth=2)(X, Y), rtol=1e-9)
    np.testing.assert_allclose(closed(X, Y), RNTK(0.9, 0.8, 0.3, nonlinearity=Cosine(), depth=2)(X, Y), rtol=1e-9)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"depth": 0}, ValueError, "depth=0"),
        ({"depth": 1.5}, ValueError, "depth=1.5"),
        ({"depth": 2, "sigma_w": (1.0, 1.1, 1.2)}, ValueError, "3 values for 2 layers"),
        ({"depth": 2, "sigma_b": (0.1, -0.1)}, ValueError, r"sigma_b\[1\]=-0.1"),
        ({"sigma_w": "1.4"}, ValueError, "sigma_w='1.4'"),
        ({"frozen": 2}, ValueError, "frozen=2: there are 1 layers"),
        ({"frozen": -1}, ValueError, "frozen=-1"),
        ({"readout": "first"}, ValueError, "readout='first' is unknown: choose one of last"),
        ({"direction": "up"}, ValueError, "direction='up' is unknown"),
        ({"output": "gp"}, ValueError, "output='gp' is unknown: choose one of nngp"),
        ({"nonlinearity": 3}, TypeError, "a name .*, a function of arrays or a Nonlinearity"),
        ({"nonlinearity": lambda a: a.sum()}, ValueError, r"returns shape \(\) for an array of shape \(2, 3\)"),
        ({"nonlinearity": lambda a: a * 1j}, ValueError, "finite real numbers"),
        ({"nonlinearity": lambda a: np.full(a.shape, "1")}, ValueError, "finite real numbers"),
    ],
)
def test_networks_that_do_not_exist(parameters, error, message):
    with pytest.raises(error, match=message):
        RNTK(**parameters)


def test_a_function_that_overflows_says_where():
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="does not for inputs up to"):
        RNTK(sigma_u=300, nonlinearity=lambda a: np.exp(a))(np.ones((2, 3)))
