"""Every network that the kernel knows, all options at once, against an oracle that shares no code with it."""

import numpy as np
import pytest

from rntk import RNTK
from rntk.nonlinearities import NONLINEARITIES, Quadrature
from rntk.sequences import as_sequences
from tests.rntk import oracle

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
                    x[::way], y[::way], Y is None and i == j, kernel.nonlinearity, p.layers, p.sigma_v, p.frozen, p.readout
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
