"""The kernel of two sequences, written once more and as slowly as it reads: numbers, dictionaries and recursion.

It shares nothing with the package: duals are formulas for three numbers or a two-dimensional Gauss–Hermite rule, every
(layer, t, s) is looked up, nothing is normalised, aligned or shifted.
"""

import math
from functools import cache

import numpy as np
from scipy.special import ndtr

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(90)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def relu(p, r, q):
    theta = math.acos(max(-1.0, min(1.0, r / math.sqrt(p * q)))) if p * q > 0 else math.pi / 2
    v = math.sqrt(p * q) * (math.cos(theta) * (math.pi - theta) + math.sin(theta)) / (2 * math.pi)
    return v, (math.pi - theta) / (2 * math.pi)


def leaky(slope):
    """φ(a) = relu(a) − slope relu(−a), and the pair (a, −b) has the covariance −r."""

    def dual(p, r, q):
        same, crossed = relu(p, r, q), relu(p, -r, q)
        return (
            (1 + slope**2) * same[0] - 2 * slope * crossed[0],
            (1 + slope**2) * same[1] + 2 * slope * crossed[1],
        )

    return dual


def erf(p, r, q):
    norm = (1 + 2 * p) * (1 + 2 * q)
    return 2 / math.pi * math.asin(2 * r / math.sqrt(norm)), 4 / math.pi / math.sqrt(norm - 4 * r**2)


def sin(p, r, q):
    """sin a sin b = (cos(a − b) − cos(a + b))/2, and E cos of a Gaussian is e^{−variance/2}."""
    minus, plus = math.exp(-(p + q - 2 * r) / 2), math.exp(-(p + q + 2 * r) / 2)
    return (minus - plus) / 2, (minus + plus) / 2


def smooth(phi, phi_prime):
    """Any smooth φ by a rule of 90 × 90 nodes."""

    def dual(p, r, q):
        a = math.sqrt(p) * NODES[:, None] + 0 * NODES
        rest = math.sqrt(max(q - r * r / p, 0.0)) if p > 0 else math.sqrt(q)
        b = (r / math.sqrt(p) if p > 0 else 0.0) * NODES[:, None] + rest * NODES[None, :]
        joint = WEIGHTS[:, None] * WEIGHTS
        return float((joint * phi(a) * phi(b)).sum()), float((joint * phi_prime(a) * phi_prime(b)).sum())

    return dual


DUALS = {
    "relu": relu,
    "leaky_relu": leaky(0.01),
    "abs": leaky(-1.0),
    "linear": lambda p, r, q: (r, 1.0),
    "erf": erf,
    "sin": sin,
    "gelu": smooth(lambda a: a * ndtr(a), lambda a: ndtr(a) + a * np.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)),
    "tanh": smooth(np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "sigmoid": smooth(lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2),
}


def kernel(x, y, same, dual, scales, sigma_v, frozen, readout):
    """(tangent kernel, Gaussian process) of x and y, arrays (T, m) and (S, m); `same` says they are one sequence.

    dual: one of DUALS, or a name among them. scales: σ_w, σ_u, σ_b, σ_h of each layer. In the numbers of x and y, whatever
    their precision.
    """
    depth, m = len(scales), x.shape[1]
    dual = DUALS[dual] if isinstance(dual, str) else dual

    @cache
    def variance(layer, t, which):
        z = x if which == "x" else y
        w, u, b, h = scales[layer - 1]
        recurrent = w**2 * (dual(*[variance(layer, t - 1, which)] * 3)[0] if t > 1 else h**2)
        heard = z[t - 1] @ z[t - 1] / m if layer == 1 else dual(*[variance(layer - 1, t, which)] * 3)[0]
        return recurrent + u**2 * heard + b**2

    @cache
    def covariance(layer, t, s):
        w, u, b, h = scales[layer - 1]
        recurrent = 0.0
        if t > 1 and s > 1:
            recurrent = w**2 * duals(layer, t - 1, s - 1)[0]
        elif same and t == s == 1:
            recurrent = w**2 * h**2
        heard = x[t - 1] @ y[s - 1] / m if layer == 1 else duals(layer - 1, t, s)[0]
        return recurrent + u**2 * heard + b**2

    @cache
    def duals(layer, t, s):
        return dual(variance(layer, t, "x"), covariance(layer, t, s), variance(layer, s, "y"))

    @cache
    def tangent(layer, t, s):
        if layer <= frozen:
            return 0.0
        w, u, _, _ = scales[layer - 1]
        value = covariance(layer, t, s)
        if t > 1 and s > 1:
            value += w**2 * duals(layer, t - 1, s - 1)[1] * tangent(layer, t - 1, s - 1)
        if layer > 1:
            value += u**2 * duals(layer - 1, t, s)[1] * tangent(layer - 1, t, s)
        return value

    T, S = len(x), len(y)
    for t in range(1, T + 1):  # from the beginning, lest the recursion be as deep as the sequences are long
        for layer in range(1, depth + 1):
            variance(layer, t, "x")
            if t + S - T >= 1:
                variance(layer, t + S - T, "y")
                tangent(layer, t, t + S - T)
    if readout == "last":
        steps, count = [(T, S)], 1
    elif readout == "mean":
        steps, count = [(t, s) for t in range(1, T + 1) for s in range(1, S + 1)], T * S
    else:
        steps, count = [(t, t) for t in range(1, T + 1)], T
    process = sum(duals(depth, t, s)[0] for t, s in steps) / count
    slope = sum(duals(depth, t, s)[1] * tangent(depth, t, s) for t, s in steps) / count
    return sigma_v**2 * (process + slope), sigma_v**2 * process


def precise(digits=50):
    """The duals of relu and erf in arithmetic of 50 digits, and what makes such a number of a float."""
    import mpmath

    number = mpmath.mp.clone()
    number.dps = digits

    def relu(p, r, q):
        norm = number.sqrt(p * q)
        c = min(r / norm, number.one) if norm else number.zero
        theta = number.acos(c)
        return norm * (c * (number.pi - theta) + number.sqrt(1 - c * c)) / (2 * number.pi), (number.pi - theta) / (
            2 * number.pi
        )

    def erf(p, r, q):
        norm = (1 + 2 * p) * (1 + 2 * q)
        return 2 / number.pi * number.asin(2 * r / number.sqrt(norm)), 4 / number.pi / number.sqrt(norm - 4 * r * r)

    return {"relu": relu, "erf": erf}, np.vectorize(lambda value: number.mpf(float(value)), otypes=[object])
