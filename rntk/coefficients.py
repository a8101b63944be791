"""What belongs to single series: variances, and the coefficients by which the engine's recursion of pairs runs.

For every series, layer and step: α, β, the extras of the nonlinearity (`rntk.duals`), then u for each channel in the first
layer or γ above it; after the layers, where every step is read out, ρ. With N and ρ of the step (ρ⁻ of the step before, 0
at the first) and ρ' of the layer below:

    α = σ_w ρ⁻ / N,        β = σ_b / N,        u = σ_u x_t / (√m N),        γ = σ_u ρ' / N.

Between a series and itself c = 1, where the duals are closed: the kernel k(x, x) comes with them.
"""

import math
from typing import NamedTuple

import numpy as np

from rntk import duals
from rntk.duals import jit
from rntk.machine import require
from rntk.nonlinearities import Erf, Gelu, Nonlinearity, Quadrature, Rectifier, Sin, as_nonlinearity
from rntk.recursion import Parameters

RECTIFIER, LINEAR, ERF, SIN, GELU, SERIES = range(6)
CLOSED = {Erf: (ERF, 1), Sin: (SIN, 1), Gelu: (GELU, 2)}  # and how many extras each has
ALPHA, BETA, EXTRA = 0, 1, 2  # rows of a layer: the extras, then u or γ, follow
LAST, UNTIED, TIED = 0, 1, 2  # what is read out: the last step, every step along one alignment, along all of them


class Form(NamedTuple):
    """What the compiled code must know of a network: numbers that are the same for all series."""

    code: int
    kappa: float
    depth: int
    frozen: int
    channels: int
    extras: int
    every: int


class Prepared(NamedTuple):
    """Series as the engine reads them: rows of coefficients (T, k, n), ρ of the last step (n,), both of k(x, x) at σ_v = 1
    ((2, n): tangent kernel, Gaussian process; along one alignment), the share of the random initial state in the first
    variance of each layer, σ_w² σ_h²/K (depth, n), and where lengths differ the step at which each series begins (n,).

    `places` says where in the set each series belongs, where they are not in its order; `diagonal` is in the set's.
    """

    form: Form
    rows: np.ndarray
    readout: np.ndarray
    diagonal: np.ndarray
    initial: np.ndarray
    starts: np.ndarray | None = None
    places: np.ndarray | None = None


def form_of(p: Parameters, channels: int, dtype: str) -> tuple[Form, Nonlinearity, float, float]:
    """The form of a network, its nonlinearity as the engine computes it, and two numbers of a rectifier: √(2B/π), A + B."""
    phi = as_nonlinearity(p.nonlinearity)
    kappa, factor, square, extras = 0.0, 1.0, 0.0, 0
    if isinstance(phi, Rectifier):
        A, B = phi.parts
        square = A + B
        code = RECTIFIER if B > 0 else LINEAR
        if B > 0:
            kappa, factor = math.pi * A / (2 * B), math.sqrt(2 * B / math.pi)
    elif type(phi) in CLOSED:
        code, extras = CLOSED[type(phi)]
    else:
        phi = phi if isinstance(phi, Quadrature) else Quadrature(phi)
        code, extras = SERIES, phi.terms
    every = {"last": LAST, "mean_untied": UNTIED, "mean": TIED}[p.readout]
    form = Form(code, np.dtype(dtype).type(kappa), p.depth, p.frozen, channels, extras, every)
    return form, phi, factor, square


@jit
def of_variances(code, factor, square, K, layer, v, v_prime, new, inverse, rows, t, extra, n):
    """V and V' of (K, K, K), ρ, 1/N and the extras of the first n series, at one step of one layer."""
    if code in (RECTIFIER, LINEAR):
        for i in range(n):
            k = K[layer, i]
            root = math.sqrt(k)
            inverse[i] = 1 / root if root > 0 else 0.0
            new[i] = factor * root
            v[layer, i], v_prime[layer, i] = square * k, square
    elif code == ERF:
        for i in range(n):
            bound = 1 / (1 + 2 * K[layer, i])
            rows[t, extra, i] = bound - bound * bound / 2
            inverse[i] = math.sqrt(2 * bound)
            new[i] = math.sqrt(2 / math.pi)
        for i in range(n):
            k = K[layer, i]
            bound = 1 / (1 + 2 * k)
            v[layer, i] = 2 / math.pi * duals.arcsin(2 * k * bound, math.sqrt(1 + 4 * k) * bound)
            v_prime[layer, i] = 4 / math.pi / math.sqrt(1 + 4 * k)
    elif code == SIN:
        for i in range(n):
            k = K[layer, i]
            rows[t, extra, i] = k / 2
            inverse[i] = new[i] = 1.0
            v[layer, i], v_prime[layer, i] = -math.expm1(-2 * k) / 2, (1 + math.exp(-2 * k)) / 2
    else:
        for i in range(n):
            k = K[layer, i]
            a = 1 / math.sqrt(1 + k)
            rows[t, extra, i], rows[t, extra + 1, i] = a, k
            inverse[i] = new[i] = 1.0
            v[layer, i], v_prime[layer, i] = duals.gelu(k, 1.0, a, k, a, k)


@jit
def closed(form, factor, square, x, starts, scales, rows, sums, initial):
    """Fill `rows` from x, (T, m, n), and σ_w, σ_u (of the first layer over √m), σ_b, σ_h of each layer, (depth, 4), from the step
    on at which a series begins.

    Returns ρ of the last step, and adds both of k(x, x) to `sums`, (2, n).
    """
    T, m, n = x.shape
    depth = form.depth
    K, v, v_prime = np.empty((depth, n)), np.zeros((depth, n)), np.zeros((depth, n))
    theta, rho = np.zeros((depth, n)), np.zeros((depth, n))
    new, inverse, squares = np.empty(n), np.empty(n), np.empty(n)
    for layer in range(depth):
        v[layer] = scales[layer, 3] ** 2
    gamma = EXTRA + form.extras
    begun = 0
    for t in range(T):
        fresh, begun = begun, np.searchsorted(starts, t, side="right") if starts.size > 0 else n
        offset = 0
        for layer in range(depth):
            w, u, b = scales[layer, 0], scales[layer, 1], scales[layer, 2]
            ww, uu, bb = w * w, u * u, b * b
            if layer == 0:
                for i in range(begun):
                    squares[i] = x[t, 0, i] * x[t, 0, i]
                for channel in range(1, m):
                    for i in range(begun):
                        squares[i] += x[t, channel, i] * x[t, channel, i]
                for i in range(begun):
                    K[layer, i] = uu * squares[i] + bb + ww * v[layer, i]
                    theta[layer, i] = K[layer, i] + ww * v_prime[layer, i] * theta[layer, i]
            else:
                for i in range(begun):
                    K[layer, i] = uu * v[layer - 1, i] + bb + ww * v[layer, i]
                for i in range(begun):
                    theta[layer, i] = (
                        K[layer, i]
                        + ww * v_prime[layer, i] * theta[layer, i]
                        + uu * v_prime[layer - 1, i] * theta[layer - 1, i]
                    )
            if layer < form.frozen:
                theta[layer] = 0
            of_variances(form.code, factor, square, K, layer, v, v_prime, new, inverse, rows, t, offset + EXTRA, begun)
            for i in range(fresh, begun):
                share = ww * scales[layer, 3] ** 2
                initial[layer, i] = share / K[layer, i] if share > 0 else 0.0
            for i in range(begun):
                rows[t, offset + ALPHA, i] = w * rho[layer, i] * inverse[i]
                rows[t, offset + BETA, i] = b * inverse[i]
                rho[layer, i] = new[i]
            if layer == 0:
                for channel in range(m):
                    for i in range(begun):
                        rows[t, gamma + channel, i] = u * x[t, channel, i] * inverse[i]
                offset += gamma + m
            else:
                for i in range(begun):
                    rows[t, offset + gamma, i] = u * rho[layer - 1, i] * inverse[i]
                offset += gamma + 1
        top = depth - 1
        if form.every > 0:
            rows[t, offset] = rho[top]
        if form.every > 0 or t == T - 1:
            for i in range(begun):
                sums[1, i] += v[top, i]
                sums[0, i] += v[top, i] + v_prime[top, i] * theta[top, i]
    return rho[depth - 1]


def by_quadrature(form, phi: Quadrature, x, starts, scales, rows, sums) -> np.ndarray:
    """The same for a power series, whose coefficients a function of the user's makes."""
    T, _, n = x.shape
    depth, gamma = form.depth, EXTRA + form.extras
    v, v_prime, theta, rho = (np.zeros((depth, n)) for _ in range(4))
    v += scales[:, 3:] ** 2
    orders = np.arange(phi.terms)[:, None]
    for t in range(T):
        now = slice(np.searchsorted(starts, t, side="right") if starts.size else n)  # those that have begun
        offset = 0
        for layer, (w, u, b, _) in enumerate(scales):
            if layer == 0:
                K, theta_below = u * u * (x[t, :, now] ** 2).sum(0), 0.0
            else:
                K, theta_below = u * u * v[layer - 1, now], u * u * v_prime[layer - 1, now] * theta[layer - 1, now]
            K = K + b * b + w * w * v[layer, now]
            memory = w * w * v_prime[layer, now] * theta[layer, now]
            theta[layer, now] = K + memory + theta_below if layer >= form.frozen else 0
            a, norm = phi.coefficients(K), np.sqrt(K)
            inverse = np.divide(1, norm, out=np.zeros(len(K)), where=norm > 0)
            v[layer, now], v_prime[layer, now] = (a**2).sum(0), (orders * a**2).sum(0) * inverse**2
            rows[t, offset + ALPHA, now], rows[t, offset + BETA, now] = w * rho[layer, now] * inverse, b * inverse
            rows[t, offset + EXTRA : offset + gamma, now] = a
            inputs = u * x[t, :, now] if layer == 0 else u * rho[layer - 1 : layer, now]
            rows[t, offset + gamma : offset + gamma + len(inputs), now] = inputs * inverse
            offset += gamma + len(inputs)
            rho[layer, now] = 1
        if form.every:
            rows[t, offset] = rho[-1]
        if form.every or t == T - 1:
            sums[:, now] += np.stack([v[-1] + v_prime[-1] * theta[-1], v[-1]])[:, now]
    return rho[-1]


def prepare(x: np.ndarray, p: Parameters, dtype: str = "float64", starts=None, places=None) -> Prepared:
    """The part of the kernel that belongs to single series, x of shape (T, m, n): O(n T m depth).

    `starts` are the steps at which the series begin, ascending, where they are not all 0. `places` says where in the set each
    series belongs. Raises MemoryError where the coefficients will not fit.
    """
    T, m, n = x.shape
    form, phi, factor, square = form_of(p, m, dtype)
    scales = np.array(p.layers, dtype=np.float64)
    scales[0, 1] /= math.sqrt(m)
    k = EXTRA + form.extras + m + (form.depth - 1) * (EXTRA + form.extras + 1) + (form.every > 0)
    require(
        T * k * n * (8 if dtype == "float64" else 12),
        f"what belongs to {n} series of {T} steps ({k} numbers a step)",
        "compute the Gram in blocks (rntk.gram_blocks, rntk.gram_file), or use landmarks (rntk.NystroemFeatures)",
    )
    rows = np.empty((T, k, n)) if starts is None else np.zeros((T, k, n))  # nothing before a series begins
    sums, initial = np.zeros((2, n)), np.zeros((form.depth, n))
    none = np.zeros(0, np.int64)
    steps = none if starts is None else starts
    if form.code == SERIES:
        readout = by_quadrature(form, phi, x, steps, scales, rows, sums)
    else:
        readout = closed(form._replace(kappa=0.0), factor, square, x, steps, scales, rows, sums, initial)
    if form.every > 0:
        lengths = np.full(n, T) if starts is None else T - starts
        sums /= lengths if form.every == UNTIED else lengths**2
        rows[:, -1] /= np.sqrt(lengths) if form.every == UNTIED else lengths
    with np.errstate(over="ignore"):  # who asks for the kernel looks at its diagonal
        rows, readout = rows.astype(dtype, copy=False), readout.astype(dtype)
    if places is not None:
        sums = sums[:, np.argsort(places)]
    return Prepared(form, rows, readout, sums, initial, starts, places)


def compiled() -> None:
    """Compile what `prepare` needs, or load it from the compiler's cache."""
    form = Form(RECTIFIER, 0.0, 1, 0, 1, 0, 0)
    closed(
        form,
        1.0,
        0.5,
        np.zeros((1, 1, 1)),
        np.zeros(0, np.int64),
        np.ones((1, 4)),
        np.zeros((1, 3, 1)),
        np.zeros((2, 1)),
        np.zeros((1, 1)),
    )
