"""The fast engine: fills the Gram matrix tile by tile, each pair an independent recursion over time.

**The recursion, normalised.** Every nonlinearity here has a normaliser N of its own for each series (√K_xx for ReLU,
√(1/2 + K_xx) for erf) by which its dual activations depend on c = K/(N_x N_y) alone, but for a factor. With
τ = Θ/(N_x N_y), a step is

    c ← α_x α_y F(c) + β_x β_y + ⟨u_x, u_y⟩,        τ ← c + α_x α_y F'(c) τ        (F, F' of the old c)

where α, β and u belong to single series and are computed once, O(n T m). What is left for a pair and step is F, F' and
a few products: for ReLU one square root, one polynomial, no division, no branch. The readout is one more step, whose α
also undoes the normalisation.

**Tiles.** A tile is up to LANES series of one set, the lanes, times ROWS shifts: shift d pairs lane j with series
(j + d) mod n of the other set. The pairs of a set with itself are then the shifts 1 … n/2, each pair once and no
triangle to waste. At each step a tile copies the coefficients that it needs next to each other, to constant offsets, so
that the compiler vectorises all of it; its state stays in the first-level cache, and nothing of size n × n × T is ever
stored. Tiles are independent: threads share them without locks, and their number does not change a bit of the result.

Threads: as many as `numba.get_num_threads()` says; set them with `numba.set_num_threads` or the environment variable
NUMBA_NUM_THREADS.

All compiled code of the project is in this file: the compiler's cache does not see what has changed in another.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
from numba.extending import overload

from rntk.base import square
from rntk.compiling import alone
from rntk.machine import cores
from rntk.recursion import Parameters

LANES, ROWS = 128, 32  # a tile: two states of 32 × 128 float64 are 64 KiB
REACH = LANES + ROWS  # what the lanes and shifts of a tile reach of the other set
SERIAL = 10**6  # pairs and steps below which threads do not pay

RELU, ERF = 0, 1
CODES = {"relu": RELU, "erf": ERF}
ALPHA, BETA, BOUND = 0, 1, 2  # rows of a series' coefficients, BOUND for erf alone; then u, a row a channel

# arcsin(√w)/√w on [0, 1/2], interpolated at Chebyshev nodes in 40-digit arithmetic: relative errors 3.3e-14 and 2e-8.
# fmt: off
ARCSIN = (
    1.000000000000019, 0.16666666664942262, 0.0750000025617214, 0.04464270761126551,
    0.030386492928863466, 0.022289306881364452, 0.01833122765495623, 0.006106156314244515,
    0.0556846517669656, -0.1657150997119216, 0.5015912701831444, -0.9548113647605592,
    1.253348222296309, -0.9701713595266648, 0.3636755554228605,
)
ARCSIN_SHORT = (
    0.9999999887111962, 0.16666954671609344, 0.07488114441822327, 0.046480849462936874,
    0.01673138895046739, 0.07553975382221965, -0.09008621671077405, 0.10967398323879114,
)
# fmt: on

L, R = np.uint64(LANES), np.uint64(REACH)

jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
inlined = numba.njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"}, forceinline=True)


def number(value, like):
    """A constant in the type of `like`: written as a plain 1.0 it would carry float32 into float64."""


@overload(number)
def _number(value, like):
    dtype = np.float32 if like == numba.types.float32 else np.float64
    return lambda value, like: dtype(value)


def arcsin_ratio(square):
    """arcsin(x)/x for x² = `square` ≤ 1/2, to the precision of its type."""


def arcsin_ratio_of_halves(square):
    """arcsin(y/√2)/y for y² = `square` ≤ 1."""


@overload(arcsin_ratio)
def _arcsin_ratio(square):
    return polynomial(square, 1, 1)


@overload(arcsin_ratio_of_halves)
def _arcsin_ratio_of_halves(square):
    return polynomial(square, 1 / math.sqrt(2), 1 / 2)


def polynomial(number_type, factor, scale):
    """The function factor · P(scale · w), P the arcsine's polynomial, in the arithmetic of a type."""
    dtype, table = (np.float32, ARCSIN_SHORT) if number_type == numba.types.float32 else (np.float64, ARCSIN)
    scaled = tuple(dtype(a * scale**k * factor) for k, a in enumerate(table))
    even, odd = scaled[0::2], scaled[1::2]

    def horner(square):
        # even and odd powers apart: two chains of half the length, for which the processor need not wait as long
        fourth = square * square
        p, q = even[-1], odd[-1]
        for a in even[-2::-1]:
            p = p * fourth + a
        for a in odd[-2::-1]:
            q = q * fourth + a
        return p + square * q

    return horner


@inlined
def cosine(c, bound):
    """√(1 − c²), where `bound` ≤ 1 − c² stands in once rounding leaves less."""
    return math.sqrt(max(number(1, c) - c * c, bound))


@inlined
def relu(c):
    """F = c (π − θ) + √(1 − c²) and F' = π − θ, where θ = arccos c; a c that rounding has carried beyond 1 is 1.

    With the cosine w of arcsin |c|, sin(arcsin |c| − π/4) = (|c| − w)/√2 is within ±1/√2, where one polynomial is enough.
    """
    c = min(c, number(1, c))
    w = cosine(c, number(0, c))
    y = abs(c) - w
    arcsin = math.copysign(number(math.pi / 4, c) + y * arcsin_ratio_of_halves(y * y), c)
    pi_minus_theta = number(math.pi / 2, c) + arcsin
    return c * pi_minus_theta + w, pi_minus_theta


@inlined
def erf(c, bound):
    """F = arcsin c and F' = 1/√(1 − c²). The arcsine is that of c or of its cosine, whichever is smaller, so that it is
    exact to the last digits near 0, from where rounding would grow.
    """
    w, size = cosine(c, bound), abs(c)
    x = min(size, w)
    angle = x * arcsin_ratio(x * x)
    angle = angle if size <= w else number(math.pi / 2, c) - angle
    return math.copysign(angle, c), number(1, c) / w


@inlined
def relu_step(s, row, p, q, d, width):
    """One step of one row of a tile: c and τ of its lanes stand in s from `row` on, the coefficients in p, and in q from
    the shift d on. All indices are unsigned: of signed ones the compiler would look at each for its sign.
    """
    for j in range(width):
        a = p[j] * q[d + j]
        drive = p[L + j] * q[d + R + j] + p[L + L + j] * q[d + R + R + j]
        F, F_prime = relu(s[row + j])
        c = a * F + drive
        s[row + L + j] = c + a * F_prime * s[row + L + j]
        s[row + j] = c


@inlined
def erf_step(s, row, p, q, d, width):
    """The same for erf. 1 − c² ≥ A + B − A B with A = 1/(1 + 2 K_xx) and B = 1/(1 + 2 K_yy), because K² ≤ K_xx K_yy."""
    for j in range(width):
        a = p[j] * q[d + j]
        A, B = p[L + L + j], q[d + R + R + j]
        drive = p[L + j] * q[d + R + j] + p[L + L + L + j] * q[d + R + R + R + j]
        F, F_prime = erf(s[row + j], A + B - A * B)
        c = a * F + drive
        s[row + L + j] = c + a * F_prime * s[row + L + j]
        s[row + j] = c


@inlined
def load(to, stride, rows, t, start, count):
    """Copy `count` series of every row of step t, from `start` on and around the end, to places `stride` apart."""
    _, k, n = rows.shape
    for row in range(k):
        done, position = 0, start % n
        while done < count:
            size = min(n - position, count - done)
            target, source = np.uint64(row * stride + done), np.uint64(position)
            for j in range(np.uint64(size)):
                to[target + j] = rows[t, row, source + j]
            done += size
            position = 0


@jit
def tile(code, s, p, q, lanes, others, cosines, first, last, left, width):
    """Carry the pairs of lanes left … left + width and shifts first … last through all steps and the readout."""
    steps, k, _ = lanes.shape
    u = 2 if code == RELU else 3  # the first channel's row
    for t in range(steps):
        load(p, LANES, lanes, t, left, width)
        load(q, REACH, others, t, left + first, width + last - first)
        for shift in range(last - first):
            d, row, lanes_here = np.uint64(shift), np.uint64(2 * LANES * shift), np.uint64(width)
            if t > 0:
                if code == RELU:
                    relu_step(s, row, p, q, d, lanes_here)
                else:
                    erf_step(s, row, p, q, d, lanes_here)
            else:
                for j in range(width):
                    drive = p[u * LANES + j] * q[u * REACH + shift + j]
                    if cosines.size:
                        drive *= cosines[(left + first + shift + j) % cosines.shape[0], (left + j) % cosines.shape[1]]
                    c = drive + p[LANES + j] * q[REACH + shift + j]
                    s[2 * LANES * shift + j] = s[2 * LANES * shift + LANES + j] = c
            for channel in range(u + 1, k):  # those after the first
                p_row, q_row = np.uint64(channel * LANES), np.uint64(channel * REACH)
                for j in range(lanes_here):
                    product = p[p_row + j] * q[q_row + d + j]
                    s[row + j] += product
                    s[row + L + j] += product


@jit
def aligned(size, like):
    """Zeros that begin where a line of the cache does: vectors that lie across two take twice as long to load."""
    buffer = np.zeros(size + 64, like.dtype)
    start = (-buffer.ctypes.data % 64) // buffer.itemsize
    return buffer[start : start + size]


@jit
def fill(out, code, lanes, others, cosines, symmetric, swapped, share, shares):
    """Compute every `shares`-th tile, from the `share`-th on, and write it where it belongs.

    `others` may hold its set several times over; out is (others, lanes), or (lanes, others) where `swapped`.
    """
    n = lanes.shape[2]
    height = out.shape[1] if swapped else out.shape[0]
    shifts = n // 2 + 1 if symmetric else height
    blocks = -(-n // LANES)
    width = -(-n // (8 * blocks)) * 8  # lanes in even parts, each of whole vectors
    k = lanes.shape[1]
    s = aligned(ROWS * 2 * LANES, lanes)
    p, q = aligned(k * LANES, lanes), aligned(k * REACH, lanes)
    index = 0
    for first in range(1 if symmetric else 0, shifts, ROWS):
        last = min(first + ROWS, shifts)
        for left in range(0, n, width):
            if index % shares == share:
                tile(code, s, p, q, lanes, others, cosines, first, last, left, width)
                for j in range(left, min(left + width, n)):
                    for d in range(first, last):
                        if symmetric and 2 * d == n and j >= d:
                            continue  # n even: the last shift has each pair twice
                        i, value = (j + d) % height, s[2 * LANES * (d - first) + LANES + j - left]
                        if swapped:
                            out[j, i] = value
                        else:
                            out[i, j] = value
                        if symmetric:
                            out[j, i] = value
            index += 1


@jit
def relu_duals(K, v, v_prime, alpha, norm, inverse, w):
    """V(K, K, K) = K/2 and V' = 1/2; α, N = √K and 1/N of the step, from the N of the step before."""
    for i in range(K.size):
        v[i], v_prime[i] = K[i] / 2, 0.5
    for i in range(K.size):
        root = math.sqrt(K[i])
        inverse[i] = 1 / root if root > 0 else 0.0
        alpha[i] = w / math.sqrt(2 * math.pi) * norm[i] * inverse[i]
        norm[i] = root


@jit
def erf_duals(K, v, v_prime, alpha, bound, inverse, w):
    """V(K, K, K) = (2/π) arcsin(2K/(1 + 2K)) and V' = (4/π)/√(1 + 4K); α, 1/(1 + 2K) and 1/N = 1/√(1/2 + K)."""
    for i in range(K.size):
        bound[i] = 1 / (1 + 2 * K[i])
        inverse[i] = math.sqrt(2 * bound[i])
        alpha[i] = w * math.sqrt(2 / math.pi) * inverse[i]
    for i in range(K.size):
        v[i] = 2 / math.pi * erf(2 * K[i] * bound[i], (1 + 4 * K[i]) * bound[i] * bound[i])[0]
        v_prime[i] = 4 / math.pi / math.sqrt(1 + 4 * K[i])


@jit
def coefficients(code, x, uu, bb, ww, hh, rows):
    """What belongs to single series x, (T, m, n): fills `rows`, (T + 1, k, n), and returns k(x, x), (n,), at σ_v = 1.

    On the diagonal c = 1, where the duals are closed. The scales come squared: uu = σ_u²/m, ….
    """
    T, m, n = x.shape
    u, b, w = math.sqrt(uu), math.sqrt(bb), math.sqrt(ww)
    K, v, theta, v_prime = np.empty(n), np.full(n, hh), np.zeros(n), np.zeros(n)
    norm, inverse, squares = np.zeros(n), np.empty(n), np.empty(n)
    for t in range(T):
        squares[:] = 0
        for channel in range(m):
            values = x[t, channel]
            for i in range(n):
                squares[i] += values[i] * values[i]
        for i in range(n):
            K[i] = uu * squares[i] + bb + ww * v[i]
        for i in range(n):
            theta[i] = K[i] + ww * v_prime[i] * theta[i]
        if code == RELU:
            relu_duals(K, v, v_prime, rows[t, ALPHA], norm, inverse, w)
        else:
            rows[t, BOUND] = norm  # of the step before, like the correlation that it bounds
            erf_duals(K, v, v_prime, rows[t, ALPHA], norm, inverse, w)
        beta = rows[t, BETA]
        for i in range(n):
            beta[i] = b * inverse[i]
        for channel in range(m):
            values, inputs = x[t, channel], rows[t, rows.shape[1] - m + channel]
            for i in range(n):
                inputs[i] = u * values[i] * inverse[i]
    rows[T] = 0  # the readout hears nothing
    if code == RELU:
        rows[T, ALPHA] = norm / math.sqrt(2 * math.pi)
    else:
        rows[T, ALPHA], rows[T, BOUND] = math.sqrt(2 / math.pi), norm
    return v + v_prime * theta


class Prepared(NamedTuple):
    """Series as the tiles read them: the rows of coefficients (T + 1, k, n), and k(x, x), (n,), at σ_v = 1."""

    rows: np.ndarray
    diagonal: np.ndarray


def prepare(x: np.ndarray, p: Parameters, dtype: str = "float64") -> Prepared:
    """The part of the kernel that belongs to single sequences, x of shape (T, m, n): O(n T m), k(x, x) in closed form."""
    compiled(dtype)
    T, m, n = x.shape
    code = CODES[p.nonlinearity]
    rows = np.empty((T + 1, m + (2 if code == RELU else 3), n))
    diagonal = coefficients(
        code, x, square(p.sigma_u) / m, square(p.sigma_b), square(p.sigma_w), square(p.sigma_h), rows
    )
    with np.errstate(over="ignore"):  # who asks for the kernel looks at its diagonal
        return Prepared(rows.astype(dtype, copy=False), diagonal)


@cache
def compiled(dtype: str) -> None:
    """Compile, or load from the compiler's cache, all that a dtype needs: once a process, one process at a time."""
    x, rows, out = np.zeros((1, 1, 1)), np.zeros((2, 3, 1), dtype), np.zeros((1, 1), dtype)
    with alone(fill.stats.cache_path):
        coefficients(RELU, x, 1.0, 0.0, 1.0, 0.0, np.zeros((2, 3, 1)))
        fill(out, RELU, rows, rows, np.empty((0, 0)), True, False, 0, 1)


def threads() -> int:
    """How many threads a Gram may take. Raises ValueError where there are not as many cores."""
    wanted = numba.get_num_threads()
    if wanted > cores():
        raise ValueError(
            f"{wanted} threads are asked for, and this process may use {cores()} cores: set NUMBA_NUM_THREADS or "
            f"numba.set_num_threads to {cores()} or less"
        )
    return wanted


def gram(X: Prepared, Y: Prepared | None, nonlinearity: str, cosines: np.ndarray | None = None) -> np.ndarray:
    """The kernel, at σ_v = 1, of all sequences of X and Y, or of X with itself when Y is None.

    `cosines`, (n_x, n_y), are factors of the products of the first step.
    """
    symmetric = Y is None
    Y = X if symmetric else Y
    n_x, n_y = X.rows.shape[2], Y.rows.shape[2]
    out = np.empty((n_x, n_y), X.rows.dtype)
    swapped = n_x > n_y  # the lanes are the longer side
    lanes, others = (X.rows, Y.rows) if swapped else (Y.rows, X.rows)
    if others.shape[2] < REACH and not symmetric:  # several times over: a tile then finds its series in few pieces
        others = np.tile(others, -(-REACH // others.shape[2]))
    cosines = np.empty((0, 0)) if cosines is None else np.ascontiguousarray(cosines.T if swapped else cosines)
    workers = threads() if n_x * n_y * len(lanes) > SERIAL else 1
    tiles = -(-max(n_x, n_y) // LANES) * -(-(n_x // 2 if symmetric else min(n_x, n_y)) // ROWS)
    shares = 1 if workers == 1 else min(32 * workers, tiles)  # more than threads: one that is held up delays less

    def work(share):
        fill(out, CODES[nonlinearity], lanes, others, cosines, symmetric, swapped, share, shares)

    if workers == 1:
        work(0)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(shares)))
    if symmetric:
        np.fill_diagonal(out, X.diagonal)
    return out
