"""The reference is right: by hand, by the tangent kernel of finite networks, by Monte Carlo, and in its limits."""

import math

import numpy as np
import pytest
from scipy.special import erf

from rntk.nonlinearities import NONLINEARITIES
from rntk.recursion import Parameters, gram

PHI = {"relu": lambda a: np.maximum(a, 0), "erf": erf}
PHI_PRIME = {"relu": lambda a: (a > 0).astype(float), "erf": lambda a: 2 / math.sqrt(math.pi) * np.exp(-(a**2))}


def relu_pair(p, r, q):
    """V and V' of ReLU, from the formula, for three numbers."""
    theta = math.acos(max(-1.0, min(1.0, r / math.sqrt(p * q))))
    return math.sqrt(p * q) * (math.cos(theta) * (math.pi - theta) + math.sin(theta)) / (2 * math.pi), (
        math.pi - theta
    ) / (2 * math.pi)


def erf_pair(p, r, q):
    norm = (1 + 2 * p) * (1 + 2 * q)
    return 2 / math.pi * math.asin(2 * r / math.sqrt(norm)), 4 / math.pi / math.sqrt(norm - 4 * r**2)


@pytest.mark.parametrize(("nonlinearity", "pair"), [("relu", relu_pair), ("erf", erf_pair)])
def test_one_and_two_steps_by_hand(nonlinearity, pair):
    w, u, b, h, v = 1.3, 0.7, 0.4, 0.9, 1.1
    x, y = (0.5, -1.2), (2.0, 0.3)

    K_xx, K_yy = (u**2 * x[0] ** 2 + b**2 + w**2 * h**2, u**2 * y[0] ** 2 + b**2 + w**2 * h**2)
    K_xy = u**2 * x[0] * y[0] + b**2  # σ_h joins a sequence with itself only
    V, V1 = pair(K_xx, K_xy, K_yy)
    one = v**2 * V + v**2 * V1 * K_xy
    p = Parameters(w, u, b, h, v, nonlinearity)
    X, Y = np.array([[[x[0]], [x[1]]]]), np.array([[[y[0]], [y[1]]]])
    np.testing.assert_allclose(gram(X[:, :1], Y[:, :1], p), [[one]], rtol=1e-13)

    K2_xx = w**2 * pair(K_xx, K_xx, K_xx)[0] + u**2 * x[1] ** 2 + b**2
    K2_yy = w**2 * pair(K_yy, K_yy, K_yy)[0] + u**2 * y[1] ** 2 + b**2
    K2_xy = w**2 * V + u**2 * x[1] * y[1] + b**2
    theta2 = K2_xy + w**2 * V1 * K_xy
    V2, V12 = pair(K2_xx, K2_xy, K2_yy)
    np.testing.assert_allclose(gram(X, Y, p), [[v**2 * V2 + v**2 * V12 * theta2]], rtol=1e-13)


def test_a_number_worked_out_on_paper():
    """One step, x = y = 1 as different sequences, all scales 1, σ_b = σ_h = 0: c = 1, V = 1/2, V' = 1/2, K = 1, so k
    = 1.
    """
    one = np.ones((1, 1, 1))
    np.testing.assert_allclose(gram(one, one, Parameters(1, 1, 0, 0, 1, "relu")), [[1.0]], rtol=1e-15)
    # x = 1, y = −1: c = −1, V = V' = 0
    np.testing.assert_allclose(gram(one, -one, Parameters(1, 1, 0, 0, 1, "relu")), [[0.0]], atol=1e-15)


@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
def test_dual_activations_are_gaussian_expectations(nonlinearity):
    """V and V' against the two-dimensional integral on a fine grid, which is exact for smooth φ and good to the
    grid's step at a kink.
    """
    nodes = (np.arange(1600) + 0.5) / 100 - 8
    weights = np.exp(-(nodes**2) / 2) / np.exp(-(nodes**2) / 2).sum()
    for p, r, q in [(1.0, 0.3, 2.0), (0.5, -0.4, 0.6), (3.0, 2.5, 2.2)]:
        a = math.sqrt(p) * nodes[:, None]
        b = r / math.sqrt(p) * nodes[:, None] + math.sqrt(q - r**2 / p) * nodes[None, :]
        joint = weights[:, None] * weights[None, :]
        v, v_prime = NONLINEARITIES[nonlinearity].dual(np.array(p), np.array(r), np.array(q))
        margin = {"relu": 2e-3, "erf": 1e-10}[nonlinearity]
        np.testing.assert_allclose(v, (joint * PHI[nonlinearity](a) * PHI[nonlinearity](b)).sum(), rtol=margin)
        np.testing.assert_allclose(
            v_prime, (joint * PHI_PRIME[nonlinearity](a) * PHI_PRIME[nonlinearity](b)).sum(), rtol=margin
        )


def finite_network_kernel(X, p, width, rng):
    """The tangent kernel of one random network of finite width, by back-propagation: ⟨∂f(x)/∂parameters,
    ∂f(y)/∂parameters⟩ for all pairs.

    With δ_t = ∂f/∂g_t, the inner products over W, U and b are Σ_{t,s} ⟨δ_t, δ'_s⟩ (σ_w²/n ⟨h_{t−1}, h'_{s−1}⟩ +
    σ_u²/m ⟨x_t, x'_s⟩ + σ_b²).
    """
    phi, phi_prime = PHI[p.nonlinearity], PHI_PRIME[p.nonlinearity]
    count, T, m = X.shape
    W, U, b, v = (
        rng.normal(size=(width, width)),
        rng.normal(size=(width, m)),
        rng.normal(size=width),
        rng.normal(size=width),
    )
    a_w, a_u, a_v = p.sigma_w / math.sqrt(width), p.sigma_u / math.sqrt(m), p.sigma_v / math.sqrt(width)
    h = [p.sigma_h * rng.normal(size=(count, width))]
    g = []
    for t in range(T):
        g.append(a_w * h[-1] @ W.T + a_u * X[:, t] @ U.T + p.sigma_b * b)
        h.append(phi(g[-1]))
    delta = [None] * T
    back = np.broadcast_to(a_v * v, (count, width))
    for t in reversed(range(T)):
        delta[t] = back * phi_prime(g[t])
        back = a_w * delta[t] @ W
    kernel = a_v**2 * h[T] @ h[T].T
    for t in range(T):
        for s in range(T):
            inputs = a_w**2 * h[t] @ h[s].T + a_u**2 * X[:, t] @ X[:, s].T + p.sigma_b**2
            kernel += (delta[t] @ delta[s].T) * inputs
    return kernel


@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
def test_finite_networks_converge_to_the_kernel(nonlinearity):
    """The mean tangent kernel of random networks of width 400 agrees with the limit in every entry, within 4 standard
    errors and 2 %.
    """
    rng = np.random.default_rng(7)
    X = rng.normal(size=(3, 4, 2))
    p = Parameters(1.3, 0.9, 0.4, 0.6, 1.2, nonlinearity)
    samples = np.array([finite_network_kernel(X, p, 400, rng) for _ in range(120)])
    error = samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
    limit = gram(X, None, p)
    assert (error < 0.04 * np.abs(limit).max()).all()  # or the comparison below would prove nothing
    assert (np.abs(samples.mean(axis=0) - limit) < 4 * error + 0.02 * np.abs(limit).max()).all()


def test_limits():
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(4, 6, 1)), rng.normal(size=(5, 6, 1))
    # σ_w = 0 forgets all but the last step
    p = Parameters(0.0, 1.0, 0.2, 0.0, 1.0, "relu")
    np.testing.assert_allclose(gram(X, Y, p), gram(X[:, -1:], Y[:, -1:], p), rtol=1e-14)
    # ReLU is homogeneous: a·(σ_u, σ_b, σ_h) scales the kernel by a²
    p, q = Parameters(1.4, 1.0, 0.2, 0.3, 1.0, "relu"), Parameters(1.4, 3.0, 0.6, 0.9, 1.0, "relu")
    np.testing.assert_allclose(9 * gram(X, None, p), gram(X, None, q), rtol=1e-12)
    # σ_v² is a factor
    np.testing.assert_allclose(4 * gram(X, Y, p), gram(X, Y, Parameters(1.4, 1.0, 0.2, 0.3, 2.0, "relu")), rtol=1e-14)
    # three equal channels are one channel
    np.testing.assert_allclose(gram(np.repeat(X, 3, axis=2), np.repeat(Y, 3, axis=2), p), gram(X, Y, p), rtol=1e-12)
