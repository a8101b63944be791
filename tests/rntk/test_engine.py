"""The fast engine computes what the recursion says."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from rntk import RNTK, duals, engine_cpu, recursion
from rntk.machine import cores


def random_parameters(rng, nonlinearity):
    w, u, b, h, v = rng.uniform(0.1, 1.6), *rng.uniform(0, 1.5, 4)
    return recursion.Parameters(w, u + 0.1, b, h, v + 0.1, nonlinearity)


def engine(X, Y, p):
    return RNTK(**vars(p))(X, Y)


@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_engine_equals_the_recursion(nonlinearity, m, seed):
    rng = np.random.default_rng([seed, m])
    n_x, n_y, T = (
        rng.integers(1, 20),
        rng.integers(120, 150),
        rng.integers(1, 40),
    )  # more columns than a tile has, and odd rests
    p = random_parameters(rng, nonlinearity)
    X, Y = rng.normal(size=(n_x, T, m)), rng.normal(size=(n_y, T, m))
    np.testing.assert_allclose(engine(X, Y, p), recursion.gram(X, Y, p), rtol=1e-9)
    np.testing.assert_allclose(engine(Y, None, p), recursion.gram(Y, None, p), rtol=1e-9)


@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9, 0.0])
def test_near_duplicates(nonlinearity, distance):
    """arccos c near c = 1 leaves half the digits, in the engine and in the recursion alike: 1e-7 is what both can
    promise.
    """
    rng = np.random.default_rng(1)
    X = rng.normal(size=(10, 60, 1))
    Y = X + distance * rng.normal(size=X.shape)
    p = random_parameters(rng, nonlinearity)
    np.testing.assert_allclose(engine(X, Y, p), recursion.gram(X, Y, p), rtol=1e-7)


CLOSED = {
    "relu": lambda K: (K / 2, 0.5),
    "erf": lambda K: (2 / np.pi * np.arcsin(2 * K / (1 + 2 * K)), 4 / np.pi / np.sqrt(1 + 4 * K)),
}


@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_diagonal_is_the_closed_variance(nonlinearity, m, seed):
    """With V(K, K, K) and V'(K, K, K) in closed form, K_t = σ_w² V + σ_u²/m |x_t|² + σ_b² and Θ_t = K_t + σ_w² V' Θ_{t−1}.

    For ReLU these are K/2 and 1/2: no arccos on the diagonal.
    """
    rng = np.random.default_rng([seed, m])
    X = rng.normal(size=(7, 50, m))
    p = random_parameters(rng, nonlinearity)
    v, v_prime, theta = p.sigma_h**2, 0.0, 0.0
    for t in range(50):
        K = p.sigma_w**2 * v + p.sigma_u**2 / m * (X[:, t] ** 2).sum(axis=1) + p.sigma_b**2
        theta = K + p.sigma_w**2 * v_prime * theta
        v, v_prime = CLOSED[nonlinearity](K)
    expected = p.sigma_v**2 * (v + v_prime * theta)
    kernel = RNTK(**vars(p))
    np.testing.assert_allclose(np.diag(kernel(X)), expected, rtol=1e-13)
    np.testing.assert_allclose(kernel.diag(X), expected, rtol=1e-13)


def test_threads_change_no_bit(monkeypatch):
    """Nor does it matter whether the calling thread computes or waits."""
    X, Y = np.random.default_rng(3).normal(size=(2, 300, 30))
    kernel, grams = RNTK(sigma_b=0.2), []
    for threads in (1, 2, 5):
        monkeypatch.setattr(engine_cpu, "threads", lambda threads=threads: threads)
        for long in (10**8, 0):
            monkeypatch.setattr(engine_cpu, "LONG", long)
            grams.append((kernel(X), kernel(X, Y)))
    for gram, rectangular in grams[1:]:
        np.testing.assert_array_equal(gram, grams[0][0])
        np.testing.assert_array_equal(rectangular, grams[0][1])


INTERRUPTED = """
import signal, sys
import numpy as np, numba
from rntk import RNTK
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
numba.set_num_threads(int(sys.argv[1]))
kernel = RNTK(readout="mean")
X = np.random.default_rng(0).normal(size=(1500, 1500))
kernel(X[:2, :2])
print("begun", flush=True)
try:
    kernel(X)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_stops_a_gram_of_hours(threads):
    """A tile of it takes minutes: it is left in the middle, by every thread."""
    threads = min(threads, cores())
    command = [sys.executable, "-c", INTERRUPTED, str(threads)]
    environment = os.environ | {"NUMBA_NUM_THREADS": str(threads)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[0] == "interrupted\n"
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 7e-15), (np.float32, 5e-7)])
def test_dual_functions_are_as_exact_as_their_type(dtype, error):
    """F = c (π − θ) + √(1 − c²), F' = π − θ; the polynomial has 10 terms, or 6."""
    theta = np.linspace(0, np.pi, 20001)
    c = np.cos(theta).astype(dtype)
    wide = c.astype(np.float64)
    exact, w = np.pi - np.arccos(wide), np.sqrt((1 - wide) * (1 + wide))
    F, F_prime = np.array([duals.rectifier(value, dtype(1), dtype(np.pi / 2)) for value in c]).T
    np.testing.assert_allclose(F_prime, exact, atol=error, rtol=0)
    np.testing.assert_allclose(F, wide * exact + w, atol=error, rtol=0)
    for bound in (0.0, 1e-30):
        arcsin, slope = np.array([duals.erf(value, dtype(1), dtype(bound), dtype(0)) for value in c]).T
        np.testing.assert_allclose(arcsin, np.arcsin(wide), rtol=error)
    inside = np.abs(wide) < 0.99
    np.testing.assert_allclose(slope[inside], 1 / w[inside], rtol=20 * error)


def test_silent_series_have_a_kernel_of_zero_and_no_nan():
    """Variance 0, where the correlation is undefined: leading zeros, or nothing but zeros, with no bias."""
    X = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [1.0, 0.0, 0.0]])
    K = RNTK(sigma_w=1.2)(X)
    assert np.isfinite(K).all()
    assert (K[0] == 0).all()
    np.testing.assert_allclose(
        K, recursion.gram(X[:, :, None], None, recursion.Parameters(1.2, 1, 0, 0, 1, "relu")), rtol=1e-12
    )


def test_erf_of_huge_inputs_stays_finite_and_within_its_bound():
    """K_xx of 1e18: u rounds to ±1, no digit of 1 − u is left, and Cauchy and Schwarz say what V' can be."""
    X = 1e9 * np.random.default_rng(4).normal(size=(6, 8))
    kernel = RNTK(nonlinearity="erf")
    bound = np.sqrt(np.outer(kernel.diag(X), kernel.diag(X)))
    for K in (
        kernel(X),
        kernel(X, X.copy()),
        recursion.gram(X[:, :, None], None, recursion.Parameters(2**0.5, 1, 0, 0, 1, "erf")),
    ):
        assert np.isfinite(K).all()
        assert (np.abs(K) <= bound * (1 + 1e-6)).all()
