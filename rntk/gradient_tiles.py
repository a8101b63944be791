"""The Gram and its derivatives by the scales, compiled: tiles of pairs, carried through all their steps together.

For rectifiers and erf, in the normalised form of `rntk.duals`: `rntk.gradient` has the recursion. A tile is LANES series times
ROWS others, whose rows take STEPS steps each in turn: what they carry, G and H and for each scale Ġ and Ḣ of every layer, stays in
the caches. The nonlinearity and the scales are known to the compiler, which keeps all of a pair's step in registers: what is here
is compiled once for each of them, in each process: the compiler's cache does not find again what is made of other functions.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache

import numba
import numpy as np

from rntk import duals, engine_cpu
from rntk.coefficients import ALPHA, BETA, ERF, EXTRA, LAST, LINEAR, RECTIFIER, TIED, Prepared, form_of
from rntk.compiling import alone, announced
from rntk.duals import inlined, jit
from rntk.recursion import Parameters

LANES, ROWS, STEPS = 128, 32, 16
SERIAL = 10**5  # pairs and steps below which threads do not pay
L = np.uint64(LANES)  # indices are unsigned: of signed ones the compiler would look at each for its sign
MOST = 4  # scales at once
W, U, B, H = range(4)  # the scales σ_w, σ_u, σ_b, σ_h of a layer
uncached = numba.njit(nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
TINY = 1e-300  # of w²: where it is less the cusp is met, and the slope of the slope is taken as 0


def by_tiles(
    X: Prepared, x: np.ndarray, p: Parameters, powers: np.ndarray, tangent: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The Gram at σ_v = 1 and its derivatives, (1 + k, n, n), on as many threads as pay, and of series with themselves (1 + k, n).

    X is what belongs to single series, of x, (T, m, n). Of equal steps of a series with itself the first holds nothing, the second all.
    """
    form, (T, k, n) = X.form, X.rows.shape
    count = len(powers)
    D, diagonal = np.empty((T, form.depth, count, n)), np.zeros((1 + count, n))
    scales = np.array(p.layers, dtype=np.float64)
    scales[0, 1] /= math.sqrt(form.channels)
    _, _, _, square = form_of(p, form.channels, "float64")
    kinds = powers.any(axis=1).argmax(axis=1)
    factors = powers[range(count), :, kinds].copy()
    tile = tiles_of(form.code, tuple(kinds.tolist()))
    out = np.zeros((1 + count, n, n))
    places = [(i, j) for j in range(0, n, LANES) for i in range(0, min(j + LANES, n), ROWS)]
    todo, stop = iter(places), np.zeros(1, np.int64)
    steps = T * T if form.every == TIED else T
    workers = engine_cpu.threads() if len(places) * LANES * ROWS * steps > SERIAL else 1

    def work(todo, stop):
        s = aligned((2 + 2 * count) * (form.depth + 1) * ROWS * LANES)
        w, q = aligned(LANES), aligned(STEPS * (k + count * form.depth) * LANES)
        for i, j in todo:
            tile(form, s, w, q, stop, X.rows, D, X.readout, factors, tangent, (i, min(i + ROWS, n), j), out)

    with nullcontext() if tile.signatures else first_time():
        own(form, square, x, scales, powers, tangent, D, diagonal)
        if not tile.signatures:
            work(places[:1], np.ones(1, np.int64))  # ends at once
    with engine_cpu.stopping(workers, stop) as pool:
        for done in [pool.submit(work, todo, stop) for _ in range(workers)]:
            done.result()
    lower = np.tril_indices(n, -1)
    for one in out:
        one[lower] = one.T[lower]
    return out, diagonal


@contextmanager
def first_time() -> Iterator[None]:
    """Around the first call: one process at a time, and who waits is told."""
    with alone(own.stats.cache_path), announced("the gradient of the kernel", 4, "once a process"):
        yield


def aligned(size: int) -> np.ndarray:
    """Zeros that begin where a line of the cache does: vectors across two lines take twice as long to load."""
    memory = np.zeros(size + 8)
    return memory[-memory.ctypes.data % 64 // 8 :][:size]


@jit
def own(form, square, x, scales, powers, tangent, D, diagonal):
    """The recursion of variances, from x (T, m, n), and its derivatives: fills D, those of log N, (T, depth, k, n), and the diagonal."""
    T, m, n = x.shape
    depth, count = form.depth, powers.shape[0]
    v, slope, theta = np.empty(depth), np.empty(depth), np.empty(depth)
    dv, dslope, dtheta = np.empty((depth, count)), np.empty((depth, count)), np.empty((depth, count))
    weight = 1.0 if form.every == LAST else 1 / (T * T) if form.every == TIED else 1 / T
    for i in range(n):
        slope[:], theta[:], dslope[:], dtheta[:] = 0, 0, 0, 0
        for layer in range(depth):  # the initial state stands where V does, and no Θ before it
            hh = scales[layer, H] ** 2
            v[layer], dv[layer] = hh, powers[:, layer, H] * hh
        for t in range(T):
            for layer in range(depth):
                ww, uu, bb = scales[layer, W] ** 2, scales[layer, U] ** 2, scales[layer, B] ** 2
                heard = trained = 0.0
                if layer == 0:
                    for channel in range(m):
                        heard += x[t, channel, i] ** 2
                else:
                    heard, trained = v[layer - 1], slope[layer - 1] * theta[layer - 1]
                K, memory = uu * heard + bb + ww * v[layer], slope[layer] * theta[layer]
                normaliser = K + 0.5 if form.code == ERF else K
                if form.code == ERF:
                    new, new_slope = 2 / math.pi * math.asin(2 * K / (1 + 2 * K)), 4 / math.pi / math.sqrt(1 + 4 * K)
                    by_K, slope_by_K = new_slope / (1 + 2 * K), -2 * new_slope / (1 + 4 * K)
                else:
                    new, new_slope, by_K, slope_by_K = square * K, square, square, 0.0
                trains = layer >= form.frozen
                for k in range(count):
                    dheard = dtrained = 0.0
                    if layer > 0:
                        dheard = dv[layer - 1, k]
                        dtrained = dslope[layer - 1, k] * theta[layer - 1] + slope[layer - 1] * dtheta[layer - 1, k]
                    dK = uu * (dheard + powers[k, layer, U] * heard) + powers[k, layer, B] * bb
                    dK += ww * (dv[layer, k] + powers[k, layer, W] * v[layer])
                    dmemory = dslope[layer, k] * theta[layer] + slope[layer] * dtheta[layer, k]
                    dtheta[layer, k] = dK + ww * (dmemory + powers[k, layer, W] * memory)
                    dtheta[layer, k] += uu * (dtrained + powers[k, layer, U] * trained)
                    if not trains:
                        dtheta[layer, k] = 0
                    dv[layer, k], dslope[layer, k] = by_K * dK, slope_by_K * dK
                    D[t, layer, k, i] = 0.5 * dK / normaliser if normaliser > 0 else 0.0
                theta[layer] = K + ww * memory + uu * trained if trains else 0.0
                v[layer], slope[layer] = new, new_slope
            if form.every > 0 or t == T - 1:
                top = depth - 1
                diagonal[0, i] += weight * (v[top] + (slope[top] * theta[top] if tangent else 0.0))
                for k in range(count):
                    dtrained = dslope[top, k] * theta[top] + slope[top] * dtheta[top, k]
                    diagonal[1 + k, i] += weight * (dv[top, k] + (dtrained if tangent else 0.0))


@inlined
def rectifier(c, tau, kappa, bound):
    """F and F' τ with F = κ c + w + c arcsin c, w = √(1 − c²); then the factors of K̇, of g, of K̇ − c g and of g again in

    Ġ = F' K̇ + w g,        Ḣ = F' Θ̇ + (τ/w) (K̇ − c g).
    """
    c = min(c, 1.0)
    F, slope = duals.rectifier(c, 1.0, kappa)
    w = duals.cosine(c, 0.0)
    return F, slope * tau, slope, w, tau * w / max(w * w, TINY), 0.0


@inlined
def erf(c, tau, kappa, bound):
    """The same of F = arcsin c:    Ġ = (K̇ − c g)/w,        Ḣ = Θ̇/w + (c τ/w³) (K̇ − c g) − (τ/w) g."""
    w = duals.cosine(c, bound)
    inverse = 1 / w
    return (
        duals.arcsin(c, w),
        tau * inverse,
        inverse,
        -c * inverse,
        c * tau * inverse * inverse * inverse,
        -tau * inverse,
    )


@inlined
def linear(c, tau, kappa, bound):
    """The same of F = c:    Ġ = K̇,        Ḣ = Θ̇."""
    return c, tau, 1.0, 0.0, 0.0, 0.0


def derive_of(kinds, k, above_first):
    """A step of Ġ and Ḣ of scale k of a layer, nothing where there are not so many: of lane j, whose G and H stand in s from `row` on.

    `parts` are what σ_w and σ_u multiply in K and in Θ − K, and what σ_b does; `activated` what the activation has found.
    """
    count = len(kinds)
    kind, here, size = kinds[k] if k < count else None, np.uint64(2 + 2 * k) * L, np.uint64(2 + 2 * count) * L

    @inlined
    def nothing(s, at, q, log_normaliser, own, factor, parts, activated):
        pass

    @inlined
    def derive(s, at, q, log_normaliser, own, factor, parts, activated):
        a, b, remembered, remembered_slope, heard, heard_slope, bias = parts
        c, by_K, by_theta, by_g, slope_by_c, slope_by_g = activated
        K, theta = a * s[at + here], a * s[at + here + L]
        if above_first:
            K += b * s[at + here - size]
            theta += b * s[at + here - size + L]
        if kind == W:
            K += factor * remembered
            theta += factor * remembered_slope
        if kind == U:
            K += factor * heard
            theta += factor * heard_slope
        if kind == B:
            K += factor * bias
        g = own + q[log_normaliser + np.uint64(k) * L]
        s[at + here] = by_K * K + by_g * g
        s[at + here + L] = by_theta * (K + theta) + slope_by_c * (K - c * g) + slope_by_g * g

    return nothing if kind is None else derive


def step_of(activation, kinds, extras, above_first):
    """A step of a layer for a row of a tile: G and H of the lanes stand in s from `row` on, then Ġ and Ḣ of each scale.

    `of_row` has the coefficients of the row's series, q those of the lanes from q_row on, and from `normalisers` on the derivatives of
    log N, of which D has the row's. In the first layer w holds what is heard, ⟨u, u'⟩; above it γ is the row's, and the layer below
    stands before it.
    """
    last = len(kinds) - 1
    size, gamma = np.uint64(2 + 2 * len(kinds)) * L, np.uint64(EXTRA + extras) * L
    first, second, third, fourth = (derive_of(kinds, k, above_first) for k in range(MOST))
    two, three, four = min(1, last), min(2, last), min(3, last)

    @inlined
    def step(s, row, w, q, D, factors, kappa, trains, of_lanes, of_row):
        begin, width, q_row, normalisers = of_lanes
        (p_alpha, p_beta, p_gamma), bound, t, layer, i = of_row
        # numbers, not arrays, inside of the loop: what is written to s might be any array's
        own_1, own_2, own_3, own_4 = D[t, layer, 0, i], D[t, layer, two, i], D[t, layer, three, i], D[t, layer, four, i]
        factor_1, factor_2 = factors[0, layer], factors[two, layer]
        factor_3, factor_4 = factors[three, layer], factors[four, layer]
        for j in range(begin, width):
            a = p_alpha * q[q_row + j]
            bias = p_beta * q[q_row + L + j]
            remembered, remembered_slope = a * s[row + j], a * s[row + L + j]
            if above_first:
                b = p_gamma * q[q_row + gamma + j]
                heard, heard_slope = b * s[row - size + j], b * s[row - size + L + j]
            else:
                b, heard, heard_slope = 0.0, w[j], 0.0
            c = remembered + heard + bias
            tau = trains * (c + remembered_slope + heard_slope)
            least = bound + q[q_row + L + L + j] if extras > 0 else 0.0
            F, slope, by_K, by_g, slope_by_c, slope_by_g = activation(c, tau, kappa, least)
            s[row + j], s[row + L + j] = F, slope
            parts = a, b, remembered, remembered_slope, heard, heard_slope, bias
            activated = (
                c,
                by_K,
                trains * by_K,
                by_g,
                slope_by_c,
                slope_by_g,
            )  # the last two hold τ, 0 where nothing is trained
            first(s, row + j, q, normalisers + j, own_1, factor_1, parts, activated)
            second(s, row + j, q, normalisers + j, own_2, factor_2, parts, activated)
            third(s, row + j, q, normalisers + j, own_3, factor_3, parts, activated)
            fourth(s, row + j, q, normalisers + j, own_4, factor_4, parts, activated)

    return step


@cache
def tiles_of(code: int, kinds: tuple[int, ...]):
    """The function that carries the pairs of a tile, and the derivatives by scales of these kinds, through all steps."""
    count = len(kinds)
    activation, extras = {RECTIFIER: (rectifier, 0), ERF: (erf, 1), LINEAR: (linear, 0)}[code]
    first_step, step_above = step_of(activation, kinds, extras, False), step_of(activation, kinds, extras, True)
    size = np.uint64(2 + 2 * count) * L

    @inlined
    def step(form, s, w, q, loaded, rows, D, factors, i, row, t, begin, width):
        """A step of one row of a tile in all layers, t of the row's series."""
        offset, normalisers = 0, loaded + np.uint64(rows.shape[1]) * L
        for layer in range(form.depth):
            inputs = form.channels if layer == 0 else 1
            gamma = offset + EXTRA + form.extras
            p = rows[t, offset + ALPHA, i], rows[t, offset + BETA, i], rows[t, gamma, i]
            bound = rows[t, offset + EXTRA, i] if form.extras > 0 else 0.0
            trains = 1.0 if layer >= form.frozen else 0.0
            of_lanes = begin, width, loaded + np.uint64(offset) * L, normalisers
            of_row = p, bound, t, layer, i
            if layer == 0:
                for j in range(begin, width):
                    w[j] = p[2] * q[loaded + np.uint64(gamma) * L + j]
                for channel in range(gamma + 1, gamma + inputs):
                    u, here = rows[t, channel, i], loaded + np.uint64(channel) * L
                    for j in range(begin, width):
                        w[j] += u * q[here + j]
                first_step(s, row, w, q, D, factors, form.kappa, trains, of_lanes, of_row)
            else:
                step_above(s, row, w, q, D, factors, form.kappa, trains, of_lanes, of_row)
            row += size
            normalisers += np.uint64(count) * L
            offset = gamma + inputs

    @uncached
    def tile(form, s, w, q, stop, rows, D, readout, factors, tangent, place, out):
        """Carry the pairs of a tile, place = (first, last, left): rows first … last and LANES lanes from `left` on, through all steps of
        every alignment to the readout, and add them to the Gram.
        """
        first, last, left = place
        T, top = rows.shape[0], rows.shape[1] - 1
        low, high = (1 - T, T) if form.every == TIED else (0, 1)
        lanes = min(LANES, D.shape[3] - left)
        width = np.uint64(-(-lanes // 8) * 8)  # in eights: those beyond are not read out
        stride = np.uint64(form.depth + 1) * size  # the layers, and the sums of what is read out
        lane = np.uint64(rows.shape[1] + form.depth * count) * L
        for alignment in range(low, high):  # step t of the lanes meets step t − alignment of the rows
            at, other_at = max(alignment, 0), max(-alignment, 0)
            s[:] = 0
            for begin in range(0, T - abs(alignment), STEPS):
                if stop[0] != 0:
                    return
                end = min(begin + STEPS, T - abs(alignment))
                for t in range(begin, end):
                    load(q, np.uint64(t - begin) * lane, rows, D, at + t, left, lanes)
                for i in range(first, last):
                    row = np.uint64(i - first) * stride
                    for t in range(begin, end):
                        loaded = np.uint64(t - begin) * lane
                        step(form, s, w, q, loaded, rows, D, factors, i, row, other_at + t, first_lane(i, left), width)
                        if form.every > 0:
                            rho, here = rows[other_at + t, top, i], row + np.uint64(form.depth) * size
                            for k in range(count + 1):
                                d = here + np.uint64(2 * k) * L
                                for j in range(first_lane(i, left), width):
                                    r = rho * q[loaded + np.uint64(top) * L + j]
                                    s[d + j] += r * s[d - size + j]
                                    s[d + L + j] += r * s[d - size + L + j]
            for i in range(first, last):
                here = (
                    np.uint64(i - first) * stride + np.uint64(form.depth if form.every > 0 else form.depth - 1) * size
                )
                for k in range(count + 1):
                    kept = out[k, i, i]
                    for j in range(max(i - left, 0), lanes):
                        d = here + np.uint64(2 * k) * L + np.uint64(j)
                        value = s[d] + s[d + L] if tangent else s[d]
                        out[k, i, left + j] += value if form.every > 0 else readout[i] * readout[left + j] * value
                    if alignment == 0:
                        out[k, i, i] = kept

    return tile


@inlined
def first_lane(i, left):
    """From which lane on, in eights, a row is to be computed: each pair is once."""
    return np.uint64(max(i - left, 0) // 8 * 8)


@inlined
def load(q, here, rows, D, t, left, width):
    """Copy the coefficients of the lanes at a step next to each other, and after them the derivatives of log N."""
    _, layers, count, _ = D.shape
    for row in range(rows.shape[1]):
        for j in range(width):
            q[here + np.uint64(j)] = rows[t, row, left + j]
        here += L
    for layer in range(layers):
        for k in range(count):
            for j in range(width):
                q[here + np.uint64(j)] = D[t, layer, k, left + j]
            here += L
