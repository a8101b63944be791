"""Compiled dual activations of one pair, in normalised form: F(c) and F'(c), to the precision of their type.

Every nonlinearity has a normaliser N of its own for each series, by which its duals depend on c = K/(N_x N_y), on a few
numbers of each series (the extras) and on nothing else: V = ρ_x ρ_y F(c) and V' Θ = ρ_x ρ_y F'(c) τ with τ = Θ/(N_x N_y).

              N            ρ            extras              F
    rectifier √K           √(2B/π) N    –                   κ c + √(1 − c²) + c arcsin c,    κ = πA/2B
    linear    √K           N            –                   c
    erf       √(1/2 + K)   √(2/π)       1/(1 + 2K)          arcsin c
    sin       1            1            K/2                 e^{−(e_x + e_y)} sinh c
    gelu      1            1            1/√(1 + K), K       as in `rntk.nonlinearities.Gelu`
    series    √K           1            a_0, a_1, …         Σ_k a_k a'_k c^k

F' = dF/dc throughout. Constants are written with `number`, so that float32 stays float32; the compiler joins these
functions to the loops that call them and vectorises the whole.
"""

import math

import numba
import numpy as np
from numba.extending import overload

jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
inlined = numba.njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"}, forceinline=True)

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
def rectifier(c, kappa):
    """F = κ c + √(1 − c²) + c arcsin c and F' = κ + arcsin c; a c that rounding has carried beyond 1 is 1.

    κ = π/2 is ReLU, where F' = π − arccos c. With the cosine w of arcsin |c|, sin(arcsin |c| − π/4) = (|c| − w)/√2 is
    within ±1/√2, where one polynomial is enough.
    """
    c = min(c, number(1, c))
    w = cosine(c, number(0, c))
    y = abs(c) - w
    slope = kappa + math.copysign(number(math.pi / 4, c) + y * arcsin_ratio_of_halves(y * y), c)
    return c * slope + w, slope


@inlined
def arcsin(c, w):
    """arcsin c, whose cosine is w: of c or of its cosine, whichever is smaller, so that it is exact to the last digits
    near 0, from where rounding would grow.
    """
    size = abs(c)
    x = min(size, w)
    angle = x * arcsin_ratio(x * x)
    return math.copysign(angle if size <= w else number(math.pi / 2, c) - angle, c)


@inlined
def erf(c, A, B):
    """F = arcsin c and F' = 1/√(1 − c²). 1 − c² ≥ A + B − A B with A = 1/(1 + 2 K_xx), B = 1/(1 + 2 K_yy), because
    K² ≤ K_xx K_yy.
    """
    w = cosine(c, A + B - A * B)
    return arcsin(c, w), number(1, c) / w


@inlined
def sin(c, half):
    """F = e^{−h} sinh c and F' = e^{−h} cosh c, where h = `half` = (K_xx + K_yy)/2 ≥ |c|."""
    up, down = math.exp(min(c - half, number(0, c))), math.exp(min(-c - half, number(0, c)))
    return number(0.5, c) * (up - down), number(0.5, c) * (up + down)


@inlined
def gelu(r, a, p, b, q):
    """V and V', where p and q are the variances, a = 1/√(1 + p) and b = 1/√(1 + q)."""
    one, u = number(1, r), r * a * b
    D = one + p + q + max(p * q - r * r, number(0, r))
    inverse = a * a + b * b
    B = max(p * q - r * r, number(0, r)) + r * r * inverse
    root = math.sqrt(D)
    angle = arcsin(min(max(u, -one), one), root * a * b)
    slope = angle + r / root * (number(2, r) * inverse - one + B / D)
    turn = number(1 / (2 * math.pi), r)
    return number(0.25, r) * r + turn * (r * angle + B / root), number(0.25, r) + turn * slope
