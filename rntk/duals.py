"""Compiled dual activations of one pair, in normalised form: F(c) and F'(c) τ, to the precision of their type.

Every nonlinearity has a normaliser N of its own for each series, by which its duals depend on c = K/(N_x N_y), on a few
numbers of each series (the extras) and on nothing else: V = ρ_x ρ_y F(c) and V' Θ = ρ_x ρ_y F'(c) τ with τ = Θ/(N_x N_y).

              N            ρ            extras              F
    rectifier √K           √(2B/π) N    –                   κ c + √(1 − c²) + c arcsin c,    κ = πA/2B
    linear    √K           N            –                   c
    erf       √(1/2 + K)   √(2/π)       A − A²/2            arcsin c,                        A = 1/(1 + 2K)
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

# ψ/sin ψ as a polynomial in 1 − cos ψ for |ψ| ≤ π/4, interpolated in 40-digit arithmetic at Chebyshev nodes that are
# stretched until the ends are among them: relative errors of 5.8e-15 and 3.3e-9 between, none at 0 and ±π/4.
# fmt: off
ARC = (
    1.0, 0.3333333333357301, 0.13333333300827185, 0.057142872275379765,
    0.025396481387927144, 0.011548411704166442, 0.005294286861800229, 0.0026434387080977134,
    0.0007409166844096497, 0.0011602242068125433,
)
ARC_SHORT = (
    1.0, 0.3333338107930286, 0.13331085190960748, 0.05748295646749746,
    0.023193057534506366, 0.017741493326371243,
)
# fmt: on


def number(value, like):
    """A constant in the type of `like`: written as a plain 1.0 it would carry float32 into float64."""


@overload(number)
def _number(value, like):
    dtype = np.float32 if like == numba.types.float32 else np.float64
    return lambda value, like: dtype(value)


def arc(versine):
    """ψ/sin ψ for 1 − cos ψ = `versine`, |ψ| ≤ π/4, to the precision of its type."""


def arc_of_scaled(versine):
    """The same of √2 sin ψ: ψ/(√2 sin ψ) for √2 (1 − cos ψ) = `versine`."""


@overload(arc)
def _arc(versine):
    return polynomial(versine, 1)


@overload(arc_of_scaled)
def _arc_of_scaled(versine):
    return polynomial(versine, math.sqrt(1 / 2))


def polynomial(number_type, scale):
    """The function scale · P(scale · v), P the polynomial above, in the arithmetic of a type."""
    dtype, table = (np.float32, ARC_SHORT) if number_type == numba.types.float32 else (np.float64, ARC)
    scaled = tuple(dtype(a * scale ** (k + 1)) for k, a in enumerate(table))

    def horner(versine):
        p = scaled[-1]
        for a in scaled[-2::-1]:
            p = p * versine + a
        return p

    return horner


@inlined
def cosine(c, bound):
    """√(1 − c²), where `bound` ≤ 1 − c² stands in once rounding leaves less."""
    return math.sqrt(max(number(1, c) - c * c, bound))


@inlined
def rectifier(c, tau, kappa):
    """F = κ c + √(1 − c²) + c arcsin c and F' = κ + arcsin c; a c that rounding has carried beyond 1 is 1.

    κ = π/2 is ReLU, where F' = π − arccos c. With the cosine w of arcsin |c|, the angle ψ = arcsin |c| − π/4 is within ±π/4,
    √2 sin ψ = |c| − w and √2 cos ψ = |c| + w: one root gives both, and one polynomial the angle.
    """
    c = min(c, number(1, c))
    size, w = abs(c), cosine(c, number(0, c))
    angle = (size - w) * arc_of_scaled(number(math.sqrt(2), c) - (size + w))
    slope = kappa + math.copysign(number(math.pi / 4, c) + angle, c)
    return c * slope + w, slope * tau


@inlined
def arcsin(c, w):
    """arcsin c, whose cosine is w: of c or of its cosine, whichever is smaller, so that it is exact to the last digits
    near 0, from where rounding would grow.
    """
    size = abs(c)
    angle = min(size, w) * arc(number(1, c) - max(size, w))
    return math.copysign(angle if size <= w else number(math.pi / 2, c) - angle, c)


@inlined
def erf(c, tau, a, b):
    """F = arcsin c and F' = 1/√(1 − c²), where a + b stands in for 1 − c² once rounding leaves less: K² ≤ K_xx K_yy means
    1 − c² ≥ A + B − A B ≥ a + b with a = A − A²/2, A = 1/(1 + 2 K_xx), and with b and B the same of K_yy.
    """
    w = cosine(c, a + b)
    return arcsin(c, w), tau / w


@inlined
def sin(c, tau, half):
    """F = e^{−h} sinh c and F' = e^{−h} cosh c, where h = `half` = (K_xx + K_yy)/2 ≥ |c|."""
    up, down = math.exp(min(c - half, number(0, c))), math.exp(min(-c - half, number(0, c)))
    slope = number(0.5, c) * (up + down) * tau
    if abs(c) > number(0.5, c):
        return number(0.5, c) * (up - down), slope
    z, series = c * c, number(1, c)  # the difference would lose what is small: sinh c = c (1 + z/6 (1 + z/20 (…)))
    for k in range(7, 0, -1):
        series = number(1, c) + z * series * number(1 / (2 * k * (2 * k + 1)), c)
    return c * series * math.sqrt(up * down), slope


@inlined
def gelu(r, tau, a, p, b, q):
    """V and V' τ, where p and q are the variances, a = 1/√(1 + p) and b = 1/√(1 + q)."""
    one, u = number(1, r), r * a * b
    D = one + p + q + max(p * q - r * r, number(0, r))
    inverse = a * a + b * b
    B = max(p * q - r * r, number(0, r)) + r * r * inverse
    root = math.sqrt(D)
    angle = arcsin(min(max(u, -one), one), root * a * b)
    slope = angle + r / root * (number(2, r) * inverse - one + B / D)
    turn = number(1 / (2 * math.pi), r)
    return number(0.25, r) * r + turn * (r * angle + B / root), (number(0.25, r) + turn * slope) * tau
