"""Dual activations: what a nonlinearity becomes when the network is infinitely wide.

For a nonlinearity φ and a centred Gaussian pair (a, b) with variances p, q and covariance r,

    V(p, r, q) = E φ(a) φ(b),        V'(p, r, q) = E φ'(a) φ'(b).

These two numbers are all that a kernel of wide networks ever asks of φ. The ReLU pair is the arc-cosine kernel of Cho
and Saul (NeurIPS 2009), without the factor 2 that some texts put in, so that σ_w = √2 is critical; the erf pair is
due to Williams (NeurIPS 1996).
"""

from collections.abc import Callable

import numpy as np

Dual = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def relu(p, r, q):
    """V and V' of φ(a) = max(a, 0), elementwise over broadcast arrays.

    With c = r/√(pq) and θ = arccos c:

        V = √(pq) (c (π − θ) + √(1 − c²)) / 2π,        V' = (π − θ) / 2π.

    A variance of zero gives V = 0, and c = 0 stands in where c is undefined. c = 1 is exact where r = p = q.
    """
    norm = np.sqrt(p) * np.sqrt(q)
    with np.errstate(divide="ignore", invalid="ignore"):
        c = np.where(norm > 0, r / norm, 0.0)
    c = np.where((r == p) & (r == q) & (norm > 0), 1.0, np.clip(c, -1.0, 1.0))
    pi_minus_theta = np.pi - np.arccos(c)
    v = norm * (c * pi_minus_theta + np.sqrt((1 - c) * (1 + c))) / (2 * np.pi)
    return v, pi_minus_theta / (2 * np.pi)


def erf(p, r, q):
    """V and V' of φ(a) = erf(a), elementwise over broadcast arrays.

    With u = 2r / √((1 + 2p)(1 + 2q)):

        V = (2/π) arcsin u,        V' = (4/π) / √((1 + 2p)(1 + 2q) − 4r²).
    """
    A, B = 1 / (1 + 2 * p), 1 / (1 + 2 * q)
    norm = np.sqrt(A) * np.sqrt(B)
    u = np.clip(2 * r * norm, -1.0, 1.0)
    # 1 − u² ≥ A + B − A B because r² ≤ pq: where rounding leaves less, that is used
    return 2 / np.pi * np.arcsin(u), 4 / np.pi * norm / np.sqrt(np.maximum((1 - u) * (1 + u), A + B - A * B))


NONLINEARITIES: dict[str, Dual] = {"relu": relu, "erf": erf}
