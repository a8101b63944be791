"""The fast engine: fills the Gram matrix tile by tile, each pair an independent recursion over time.

A tile holds the state (K, Θ) of a few rows and a few dozen columns while it runs through all steps, so that it stays
in the first-level cache; nothing of size n × n × T is ever stored. The inner loops run over columns and are written
for the compiler to vectorise: no branch, no division for the ReLU (the normalisers of every series and step are
computed once), one polynomial. Tiles are independent: threads share the rows without locks, and their number does not
change a bit of the result.

Threads: as many as `numba.get_num_threads()` says; set them with `numba.set_num_threads` or the environment variable
NUMBA_NUM_THREADS.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba
import numpy as np

from rntk.recursion import Parameters

ROWS, COLUMNS = 8, 128  # a tile: two states of 8 × 128 float64 are 16 KiB, half of a usual first-level cache

RELU, ERF = 0, 1
CODES = {"relu": RELU, "erf": ERF}

# arcsin(√w)/√w on [0, 1/4], interpolated at 13 Chebyshev nodes in 40-digit arithmetic: its relative error is 2e-17.
# fmt: off
ARCSIN = (
    1.0, 0.16666666666664942, 0.07500000000385201, 0.044642856805998936, 0.03038195969768514,
    0.022371749733164054, 0.01735977964134998, 0.01388484282640208, 0.012170138592391726, 0.0065293020047365695,
    0.019513468251252167, -0.016187392271599134, 0.03187962140081284,
)
# fmt: on

jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


@jit
def arcsin(x):
    """arcsin x for |x| ≤ 1 without a branch: the polynomial on |x| ≤ 1/2, and beyond it arcsin x = π/2 − 2 arcsin
    √((1 − x)/2).
    """
    a = abs(x)
    far = a > 0.5
    w = (1 - a) / 2 if far else a * a
    s = math.sqrt(w) if far else a
    polynomial = ARCSIN[-1]
    for coefficient in ARCSIN[-2::-1]:
        polynomial = polynomial * w + coefficient
    y = s * polynomial
    return math.copysign(math.pi / 2 - 2 * y if far else y, x)


@jit
def relu_step(K, theta, drive, gain, a, root_a, b, root_b):
    """One step of one row of pairs: K ← drive + gain V, Θ ← K + gain V' Θ.

    a and b are 1/√K_xx of the row's series and of the columns', root_a and root_b their inverses.
    """
    gain /= 2 * math.pi
    for j in range(K.size):
        c = min(max(K[j] * (a * b[j]), -1.0), 1.0)
        pi_minus_theta = math.pi / 2 + arcsin(c)
        K[j] = drive[j] + gain * (K[j] * pi_minus_theta + root_a * root_b[j] * math.sqrt((1 - c) * (1 + c)))
        theta[j] = K[j] + gain * pi_minus_theta * theta[j]


@jit
def erf_step(K, theta, drive, gain, a, b):
    """The same for erf, with a and b = √(2/(1 + 2 K_xx)): u = a b K, V = (2/π) arcsin u, V' = (2/π) a b / √(1 − u²).

    With A = a²/2 and B = b²/2, 1 − u² ≥ A + B − A B because K² ≤ K_xx K_yy: where rounding leaves less, that is used.
    """
    gain *= 2 / math.pi
    A = a * a / 2
    for j in range(K.size):
        B = b[j] * b[j] / 2
        ab = a * b[j]
        u = min(max(K[j] * ab, -1.0), 1.0)
        K[j] = drive[j] + gain * arcsin(u)
        theta[j] = K[j] + gain * ab / math.sqrt(max((1 - u) * (1 + u), A + B - A * B)) * theta[j]


@jit
def step(code, K, theta, drive, gain, a, root_a, b, root_b):
    if code == RELU:
        relu_step(K, theta, drive, gain, a, root_a, b, root_b)
    else:
        erf_step(K, theta, drive, gain, a, b)


@jit
def variances(code, x, uu, bb, ww, vv, hh):
    """K_xx of every series and step, and the kernel k(x, x), in closed form on the diagonal: c = 1 exactly.

    x has shape (T, m, n); the scales come squared (uu = σ_u²/m, …). Returns the normalisers 1/√K_xx and √K_xx of the
    step functions (for erf, √(2/(1 + 2 K_xx)) twice), both (T, n), and k(x, x) (n,).
    """
    T, m, n = x.shape
    scale, root = np.empty((T, n)), np.empty((T, n))
    diagonal = np.empty(n)
    for i in range(n):
        v, v_prime, theta = hh, 0.0, 0.0
        for t in range(T):
            square = 0.0
            for channel in range(m):
                square += x[t, channel, i] ** 2
            K = uu * square + bb + ww * v
            theta = K + ww * v_prime * theta
            if code == RELU:
                v, v_prime = K / 2, 0.5
                root[t, i] = math.sqrt(K)
                scale[t, i] = 1 / root[t, i] if K > 0 else 0.0
            else:
                v = 2 / math.pi * math.asin(2 * K / (1 + 2 * K))
                v_prime = 4 / math.pi / math.sqrt(1 + 4 * K)
                scale[t, i] = root[t, i] = math.sqrt(2 / (1 + 2 * K))
        diagonal[i] = vv * (v + v_prime * theta)
    return scale, root, diagonal


@jit
def fill(out, symmetric, first, stride, code, x, scale_x, root_x, y, scale_y, root_y, uu, bb, ww, vv):
    """Fill every `stride`-th block of rows of `out`, from block `first` on; of a symmetric Gram, one triangle and its image."""
    T, m, n_x = x.shape
    n_y = y.shape[2]
    K, theta = np.empty((ROWS, COLUMNS)), np.empty((ROWS, COLUMNS))
    drive = np.empty(COLUMNS)
    for top in range(first * ROWS, n_x, stride * ROWS):
        bottom = min(top + ROWS, n_x)
        for left in range(top if symmetric else 0, n_y, COLUMNS):
            right = min(left + COLUMNS, n_y)
            width = right - left
            for t in range(T):
                for i in range(top, bottom):
                    k_row, theta_row, d = K[i - top, :width], theta[i - top, :width], drive[:width]
                    d[:] = bb
                    for channel in range(m):
                        y_row = y[t, channel, left:right]
                        x_value = uu * x[t, channel, i]
                        for j in range(width):
                            d[j] += x_value * y_row[j]
                    if t == 0:
                        k_row[:] = d
                        theta_row[:] = d
                    else:
                        b, root_b = scale_y[t - 1, left:right], root_y[t - 1, left:right]
                        step(code, k_row, theta_row, d, ww, scale_x[t - 1, i], root_x[t - 1, i], b, root_b)
            drive[:] = 0.0  # the readout is one more step, with nothing to read
            b, root_b = scale_y[T - 1, left:right], root_y[T - 1, left:right]
            for i in range(top, bottom):
                k_row, theta_row = K[i - top, :width], theta[i - top, :width]
                step(code, k_row, theta_row, drive[:width], vv, scale_x[T - 1, i], root_x[T - 1, i], b, root_b)
                start = max(left, i) if symmetric else left
                out[i, start:right] = theta_row[start - left :]
                if symmetric:
                    out[start:right, i] = out[i, start:right]


class Prepared(NamedTuple):
    """Sequences as the tiles read them, (T, m, n), with what each has with itself: the normalisers (T, n) and k(x, x)."""

    x: np.ndarray
    scale: np.ndarray
    root: np.ndarray
    diagonal: np.ndarray


def prepare(X: np.ndarray, p: Parameters) -> Prepared:
    """The part of the kernel that belongs to single sequences, X of shape (n, T, m): O(n T m), k(x, x) in closed form."""
    x = np.array(X.transpose(1, 2, 0), order="C")  # always a copy: one type for the compiler
    return Prepared(x, *variances(CODES[p.nonlinearity], x, *_squares(p, X.shape[2]), square(p.sigma_h)))


def _squares(p: Parameters, m: int) -> tuple[float, float, float, float]:
    return square(p.sigma_u) / m, square(p.sigma_b), square(p.sigma_w), square(p.sigma_v)


def square(scale: float) -> float:
    """σ² as a float, infinite where it overflows (`**` would raise), whatever kind of number σ is."""
    return float(scale) * float(scale)


def gram(X: Prepared, Y: Prepared | None, p: Parameters) -> np.ndarray:
    """The kernel of all sequences of X and Y, or of X with itself when Y is None: what `rntk.recursion.gram` computes."""
    symmetric = Y is None
    Y = X if symmetric else Y
    _, m, n_x = X.x.shape
    out = np.empty((n_x, Y.x.shape[2]))
    squares = _squares(p, m)
    threads = min(numba.get_num_threads(), -(-n_x // ROWS))

    def share(first):
        fill(
            out, symmetric, first, threads, CODES[p.nonlinearity], X.x, X.scale, X.root, Y.x, Y.scale, Y.root, *squares
        )

    if threads == 1:
        share(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(share, range(threads)))
    if symmetric:
        np.fill_diagonal(out, X.diagonal)
    return out
