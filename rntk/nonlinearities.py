"""Nonlinearities, and what they become when the network is infinitely wide: dual activations.

For a nonlinearity φ and a centred Gaussian pair (a, b) with variances p, q and covariance r,

    V(p, r, q) = E φ(a) φ(b),        V'(p, r, q) = E φ'(a) φ'(b).

These two numbers are all that a kernel of wide networks ever asks of φ.

A nonlinearity of one's own is a function of arrays: `RNTK(nonlinearity=my_function)`, or with a number of nodes
`RNTK(nonlinearity=Quadrature(my_function, nodes=400))`. One whose duals are known is a class with two methods:

>>> import numpy as np
>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Cosine(Nonlinearity):
...     def __call__(self, a):
...         return np.cos(a)
...     def dual(self, p, r, q):
...         scale = np.exp(-(p + q) / 2)
...         return scale * np.cosh(r), scale * np.sinh(r)

which `backend="numpy"` takes as it is, and the compiled engine through its quadrature.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import erf, isfinite, sqrt

import numpy as np

from rntk.base import check_choice

_erf = np.vectorize(erf, otypes=[float])


def correlation(p, r, q) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """√(pq), its inverse, and c = r/√(pq), which rounding does not carry beyond ±1; these 0 where a variance is 0 or lost."""
    norm = np.sqrt(p) * np.sqrt(q)
    inverse = np.divide(1, norm, out=np.zeros_like(norm), where=norm >= np.finfo(float).tiny)
    return norm, inverse, np.clip(r * inverse, -1.0, 1.0)


class Nonlinearity:
    """φ, called on an array, and its duals. Subclasses are frozen dataclasses: equal where their fields are."""

    def __call__(self, a: np.ndarray) -> np.ndarray:
        """φ(a), elementwise."""
        raise NotImplementedError

    def dual(self, p, r, q) -> tuple[np.ndarray, np.ndarray]:
        """V and V', elementwise over broadcast arrays with |r| ≤ √(pq)."""
        raise NotImplementedError

    def derivatives(self, p, r, q) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """∂V/∂p, ∂V'/∂p and ∂V'/∂r (∂V/∂r is V'): what `rntk.sensitivity` asks for besides."""
        raise NotImplementedError(f"{self} has no derivatives")


@dataclass(frozen=True)
class Rectifier(Nonlinearity):
    """φ(a) = a for a ≥ 0, slope · a below: ReLU (slope 0), leaky ReLU, the absolute value (−1), the identity (1).

    With c = r/√(pq), A = ((1 + slope)/2)² and B = ((1 − slope)/2)²:

        V = √(pq) (A c + (2/π) B (√(1 − c²) + c arcsin c)),        V' = A + (2/π) B arcsin c.

    A variance of zero gives V = 0, and c = 0 stands in where c is undefined. c = 1 is exact where r = p = q. ReLU's is
    the arc-cosine kernel of Cho and Saul (NeurIPS 2009), without the factor 2 that some texts put in: σ_w = √2 is
    critical, in general σ_w² = 2/(1 + slope²).
    """

    slope: float = 0.0

    def __post_init__(self):
        if not isfinite(self.slope):
            raise ValueError(f"slope={self.slope!r}: a finite number is needed")

    @property
    def parts(self) -> tuple[float, float]:
        """A and B: φ is √A times the identity plus √B times the absolute value."""
        return ((1 + self.slope) / 2) ** 2, ((1 - self.slope) / 2) ** 2

    def __call__(self, a):
        return np.where(a >= 0, a, self.slope * np.asarray(a))

    def dual(self, p, r, q):
        A, B = self.parts
        norm, _, c = correlation(p, r, q)
        c = np.where((r == p) & (r == q) & (norm > 0), 1.0, c)
        arcsin = np.arcsin(c)
        v = norm * (A * c + 2 / np.pi * B * (c * arcsin + np.sqrt((1 - c) * (1 + c))))
        return v, A + 2 / np.pi * B * arcsin

    def derivatives(self, p, r, q):
        """With f'' = (2/π) B/√(1 − c²), taken as 0 at the cusp c = ±1:  √(q/p) (1 − c²) f''/2,   −c f''/2p,   f''/√(pq)."""
        norm, inverse, c = correlation(p, r, q)
        square = np.maximum(norm * norm - r * r, 0) * inverse**2  # 1 − c²
        bend = np.divide(2 / np.pi * self.parts[1], np.sqrt(square), out=np.zeros_like(square), where=square > 0)
        return norm * inverse**2 * q * square * bend / 2, -c * bend * inverse**2 * q / 2, bend * inverse


@dataclass(frozen=True)
class Erf(Nonlinearity):
    """φ = erf. With u = 2r / √((1 + 2p)(1 + 2q)), due to Williams (NeurIPS 1996):

    V = (2/π) arcsin u,        V' = (4/π) / √((1 + 2p)(1 + 2q) − 4r²).
    """

    def __call__(self, a):
        return _erf(a)

    def dual(self, p, r, q):
        A, B = 1 / (1 + 2 * p), 1 / (1 + 2 * q)
        norm = np.sqrt(A) * np.sqrt(B)
        u = np.clip(2 * r * norm, -1.0, 1.0)
        # 1 − u² ≥ A + B − A B because r² ≤ pq: where rounding leaves less, that is used
        return 2 / np.pi * np.arcsin(u), 4 / np.pi * norm / np.sqrt(np.maximum((1 - u) * (1 + u), A + B - A * B))

    def derivatives(self, p, r, q):
        """With P = 1 + 2p, Q = 1 + 2q, D = PQ − 4r²:  −(4/π) r/(P √D),   −(4/π) Q/√D³,   (16/π) r/√D³."""
        P, Q = 1 + 2 * p, 1 + 2 * q
        D = np.maximum(P * Q - 4 * r * r, 1 + 2 * p + 2 * q)
        return -4 / np.pi * r / (P * np.sqrt(D)), -4 / np.pi * Q * D**-1.5, 16 / np.pi * r * D**-1.5


@dataclass(frozen=True)
class Sin(Nonlinearity):
    """φ = sin:  V = e^{−(p+q)/2} sinh r,        V' = e^{−(p+q)/2} cosh r."""

    def __call__(self, a):
        return np.sin(a)

    def dual(self, p, r, q):
        size, less = np.exp(np.minimum(np.abs(r) - (p + q) / 2, 0)) / 2, np.expm1(-2 * np.abs(r))
        return -np.sign(r) * size * less, size * (2 + less)  # where r is small, a difference would lose it

    def derivatives(self, p, r, q):
        """−V/2, −V'/2, V."""
        v, v_prime = self.dual(p, r, q)
        return -v / 2, -v_prime / 2, v


@dataclass(frozen=True)
class Gelu(Nonlinearity):
    """φ(a) = a Φ(a), Φ the normal distribution. With P = 1 + p, Q = 1 + q, D = PQ − r², S = arcsin(r/√(PQ)) and
    B = pq − r² + r²/P + r²/Q:

        V = r/4 + (r S + B/√D)/2π,        V' = 1/4 + (S + (r/√D)(2/P + 2/Q − 1 + B/D))/2π.

    V is the second moment of a Gaussian vector over a quadrant: Φ(a) is the probability that a standard normal variable
    is below a. V' is its derivative by r (Price's theorem).
    """

    def __call__(self, a):
        return a * (1 + _erf(np.asarray(a) / sqrt(2))) / 2

    def dual(self, p, r, q):
        P, Q = 1 + p, 1 + q
        D = np.maximum(P * Q - r * r, 1 + p + q)  # r² ≤ pq, but for rounding
        B = np.maximum(p * q - r * r, 0) + r * r * (1 / P + 1 / Q)
        root, angle = np.sqrt(D), np.arcsin(np.clip(r / np.sqrt(P * Q), -1.0, 1.0))
        v = r / 4 + (r * angle + B / root) / (2 * np.pi)
        return v, 1 / 4 + (angle + r / root * (2 / P + 2 / Q - 1 + B / D)) / (2 * np.pi)

    def derivatives(self, p, r, q):
        """The formulas above, differentiated term by term; E = 2/P + 2/Q − 1 + B/D."""
        P, Q = 1 + p, 1 + q
        D = np.maximum(P * Q - r * r, 1 + p + q)
        B, B_p, B_r = p * q - r * r * (1 - 1 / P - 1 / Q), q - (r / P) ** 2, 2 * r * (1 / P + 1 / Q - 1)
        E, E_p, E_r = 2 / P + 2 / Q - 1 + B / D, -2 / P**2 + B_p / D - B * Q / D**2, B_r / D + 2 * r * B / D**2
        turn = 1 / (2 * np.pi * np.sqrt(D))
        return (
            turn * (B_p - r * r / (2 * P) - B * Q / (2 * D)),
            turn * r * (E_p - 1 / (2 * P) - Q * E / (2 * D)),
            turn * (1 + (1 + r * r / D) * E + r * E_r),
        )


@dataclass(frozen=True)
class Quadrature(Nonlinearity):
    """Any φ that grows more slowly than e^{a²/4}, by Gauss–Hermite quadrature.

    φ(√p z) = Σ_k a_k(p) h_k(z) in orthonormal Hermite polynomials, a_k(p) = E φ(√p z) h_k(z) by a rule of `nodes`
    nodes, k < nodes/4; then (Mehler), with c = r/√(pq),

        V = Σ_k a_k(p) a_k(q) c^k,        V' = Σ_k k a_k(p) a_k(q) c^{k−1} / √(pq).

    Positive semidefinite whatever the number of nodes, and φ' is not asked for. The sum ends where its rest is as small as
    the error of the rule. Relative errors of (V, V') at c = 1, where they are largest, with 256 nodes and
    variances of 1, 4, 16: tanh (2e-10, 9e-9), (6e-6, 3e-4), (1e-3, 3e-2); sigmoid (rounding), (4e-11, 9e-9), (2e-6, 3e-4); a
    kink, as in max(a, 0), (9e-5, 4e-2) at any. `python -m benchmarks.quadrature` measures them.

    Raises TypeError where the function is none, ValueError for fewer than 8 or more than 1,000 nodes, and where the
    function does not return finite numbers in the shape it was given.
    """

    function: Callable[[np.ndarray], np.ndarray]
    nodes: int = 256

    def __post_init__(self):
        if not callable(self.function):
            raise TypeError(f"{self.function!r} is not a function of arrays")
        if not (isinstance(self.nodes, int) and 8 <= self.nodes <= 1000):
            raise ValueError(f"nodes={self.nodes!r}: a whole number from 8 to 1000 is needed")
        self(np.linspace(-3, 3, 6).reshape(2, 3))

    def __call__(self, a):
        values = np.asarray(self.function(a))
        name = getattr(self.function, "__name__", repr(self.function))
        if values.shape != np.shape(a):
            raise ValueError(
                f"{name} returns shape {values.shape} for an array of shape {np.shape(a)}: it must be the same"
            )
        if not (np.issubdtype(values.dtype, np.number) and np.isrealobj(values) and np.isfinite(values).all()):
            raise ValueError(
                f"{name} must return finite real numbers, and does not for inputs up to {np.abs(a).max():.3g}"
            )
        return values.astype(float)

    @property
    def terms(self) -> int:
        """How many terms the sums have."""
        return self.nodes // 4

    def coefficients(self, p: np.ndarray) -> np.ndarray:
        """a_k(p), shape (terms, *p.shape)."""
        z, roots, U = hermite(self.nodes)
        return np.tensordot(
            U[: self.terms], self(np.multiply.outer(z, np.sqrt(p))) * roots.reshape(-1, *[1] * np.ndim(p)), 1
        )

    def dual(self, p, r, q):
        p, r, q = np.asarray(p, float), np.asarray(r, float), np.asarray(q, float)
        _, inverse, c = correlation(p, r, q)
        v, slope = np.zeros_like(c), np.zeros_like(c)
        for a, b in zip(self.coefficients(p)[::-1], self.coefficients(q)[::-1], strict=True):
            slope = slope * c + v  # Horner's rule for the sum and its derivative
            v = v * c + a * b
        return v, slope * inverse

    def derivatives(self, p, r, q):
        """From ∂a_k/∂p = (k a_k + √((k+1)(k+2)) a_{k+2})/2p:  U/2p,   U'/(2p √(pq)),   V_cc/pq, with the power series
        U = Σ √((k+1)(k+2)) a_{k+2} b_k c^k and V = Σ a_k b_k c^k.
        """
        p, r, q = np.broadcast_arrays(*(np.asarray(z, float) for z in (p, r, q)))
        norm, inverse, c = correlation(p, r, q)
        half = np.divide(0.5, p, out=np.zeros_like(norm), where=norm > 0)
        a, b = self.coefficients(p), self.coefficients(q)
        v, slope, bend, u, u_slope = np.zeros((5, *c.shape))
        for k in range(self.terms - 1, -1, -1):
            bend = bend * c + 2 * slope
            slope = slope * c + v
            v = v * c + a[k] * b[k]
            u_slope = u_slope * c + u
            u = u * c + (sqrt((k + 1) * (k + 2)) * a[k + 2] * b[k] if k + 2 < self.terms else 0)
        return half * u, half * u_slope * inverse, bend * inverse**2


@lru_cache
def hermite(nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nodes z, the roots √w of the weights (Σ w = 1), and U[k, i] = √w_i h_k(z_i), an orthogonal matrix."""
    # eigenvectors of the recurrence, z h_k = √(k+1) h_{k+1} + √k h_{k−1}: no polynomial is evaluated where it is huge
    off = np.sqrt(np.arange(1, nodes))
    z, U = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    U = U * np.sign(U[0])
    return z, U[0], U


def tanh(a):
    """The hyperbolic tangent."""
    return np.tanh(a)


def sigmoid(a):
    """The logistic function 1/(1 + e^{−a})."""
    return (1 + np.tanh(np.asarray(a) / 2)) / 2


NONLINEARITIES: dict[str, Nonlinearity] = {
    "relu": Rectifier(0.0),
    "erf": Erf(),
    "leaky_relu": Rectifier(0.01),
    "abs": Rectifier(-1.0),
    "linear": Rectifier(1.0),
    "sin": Sin(),
    "gelu": Gelu(),
    "tanh": Quadrature(tanh),
    "sigmoid": Quadrature(sigmoid),
}


def as_nonlinearity(given) -> Nonlinearity:
    """A nonlinearity by its name, as an object, or as a function of arrays (by quadrature).

    Raises ValueError for an unknown name, TypeError for what is neither.
    """
    if isinstance(given, Nonlinearity):
        return given
    if isinstance(given, str):
        check_choice("nonlinearity", given, NONLINEARITIES)
        return NONLINEARITIES[given]
    if not callable(given):
        raise TypeError(
            f"nonlinearity={given!r}: a name ({', '.join(NONLINEARITIES)}), a function of arrays or a Nonlinearity is needed"
        )
    return Quadrature(given)
