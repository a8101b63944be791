"""The fast engine: fills the Gram matrix tile by tile, each pair an independent recursion over time.

**The recursion, normalised.** Every nonlinearity has a normaliser N of its own for each series and factors ρ by which its
duals are V = ρ_x ρ_y F(c) and V' Θ = ρ_x ρ_y F'(c) τ, where c = K/(N_x N_y) and τ = Θ/(N_x N_y) (`rntk.duals`). A layer
keeps G = F(c) and H = F'(c) τ; its step is

    c = α_x α_y G + β_x β_y + ⟨u_x, u_y⟩,        τ = c + α_x α_y H,        G ← F(c),    H ← F'(c) τ.

Above the first layer γ_x γ_y G' stands in place of the inputs, and τ gains γ_x γ_y H', where G' and H' are what the layer
below has just found. The readout is ρ_x ρ_y G for the network's Gaussian process and ρ_x ρ_y (G + H) for its tangent
kernel. α, β, γ, u and ρ belong to single series and are computed once (`rntk.coefficients`). What is left for a pair and
step is F, F' and a few products: for ReLU one square root, one polynomial, no division, no branch.

**Tiles.** A tile is up to LANES series of one set, the lanes, times ROWS shifts: shift d pairs lane j with series
(j + d) mod n of the other set. The pairs of a set with itself are then the shifts 1 … n/2, each pair once and no
triangle to waste. At each step a tile copies the coefficients that it needs next to each other, to constant offsets, so
that the compiler vectorises all of it; its state stays in the first-level cache, and nothing of size n × n × T is ever
stored. Tiles are independent: threads share them without locks, and their number does not change a bit of the result.

**Lengths.** Series end together. Before one begins all its coefficients are 0, and so is α at its first step, so that no
pair remembers anything from before both have begun; rows of a tile in which none has begun yet are passed over, and series are sorted by their lengths for that. The mean
over all pairs of steps goes through every alignment of two series in time, each a recursion of its own.

**Near 1.** θ = arccos c ≈ √(2 (1 − c)) makes half the digits of an error of c, which rounding adds to at every step. Where
the states of a pair come as near to each other as 1 − c < NEAR, the pair is computed once more with z = 1 − c for its
state (`precise_sweep`): from sums of squares, in which nothing cancels.

    z = ½ (F(1) (α_x − α_y)² + (β_x − β_y)² + |u_x − u_y|²) + α_x α_y D,        D ← F(1) − F(1 − z)

Threads: as many as `numba.get_num_threads()` says; set them with `numba.set_num_threads` or the environment variable
NUMBA_NUM_THREADS.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numba
import numpy as np

from rntk import coefficients, duals
from rntk.coefficients import BETA, ERF, EXTRA, GELU, LINEAR, RECTIFIER, SIN, TIED, Form, Prepared
from rntk.compiling import alone
from rntk.duals import inlined, jit
from rntk.machine import cores

LANES, ROWS = 128, 32  # a tile: two states of 32 × 128 float64 are 64 KiB
REACH = LANES + ROWS  # what the lanes and shifts of a tile reach of the other set
SERIAL = 10**6  # pairs and steps below which threads do not pay
CHECK = 32  # steps between two looks at how near to 1 the correlations are; the first come sooner
NEAR, NEAR_SHORT = 1e-9, 1e-6  # 1 − c of pairs that are computed in the precise form, float64 and float32
TANGENT, PROCESS, BOTH = 0, 1, 2  # what is read out: the tangent kernel, the Gaussian process, both in this order

L, R = np.uint64(LANES), np.uint64(REACH)


@inlined
def rectifier(c, kappa, p, q, i, j):
    return duals.rectifier(c, kappa)


@inlined
def linear(c, kappa, p, q, i, j):
    return c, duals.number(1, c)


@inlined
def erf(c, kappa, p, q, i, j):
    return duals.erf(c, p[i], q[j])


@inlined
def sin(c, kappa, p, q, i, j):
    return duals.sin(c, p[i] + q[j])


@inlined
def gelu(c, kappa, p, q, i, j):
    return duals.gelu(c, p[i], p[L + i], q[j], q[R + j])


def fused(dual, extras, summed):
    """A step of the first layer for series of one channel: everything of a pair in registers.

    G and H of the lanes stand in s from `row` on, the coefficients in p, and in q from the shift d on. All indices are
    unsigned: of signed ones the compiler would look at each for its sign. `summed` adds what is read out to the sums
    that stand after G and H.
    """
    e, u = np.uint64(EXTRA), np.uint64(EXTRA + extras)

    @inlined
    def step(s, row, p, q, d, width, kappa):
        for j in range(width):
            a = p[j] * q[d + j]
            drive = p[L + j] * q[d + R + j] + p[u * L + j] * q[d + u * R + j]
            c = a * s[row + j] + drive
            tau = c + a * s[row + L + j]
            F, F_prime = dual(c, kappa, p, q, e * L + j, d + e * R + j)
            H = F_prime * tau
            s[row + j] = F
            s[row + L + j] = H
            if summed:
                r = p[u * L + L + j] * q[d + u * R + R + j]
                s[row + L + L + j] += r * F
                s[row + L + L + L + j] += r * H

    return step


def fused_above(dual, extras):
    """The same for a layer above the first, whose coefficients begin at p_row and q_row; the layer below stands before it in
    s, and has just made its step.
    """
    e, g = np.uint64(EXTRA), np.uint64(EXTRA + extras)

    @inlined
    def step(s, row, p, q, p_row, q_row, width, kappa):
        for j in range(width):
            a = p[p_row + j] * q[q_row + j]
            b = p[p_row + g * L + j] * q[q_row + g * R + j]
            drive = p[p_row + L + j] * q[q_row + R + j] + b * s[row - L - L + j]
            c = a * s[row + j] + drive
            tau = c + (a * s[row + L + j] + b * s[row - L + j])
            F, F_prime = dual(c, kappa, p, q, p_row + e * L + j, q_row + e * R + j)
            s[row + j] = F
            s[row + L + j] = F_prime * tau

    return step


def driven(dual):
    """A step of any layer, whose coefficients begin at p_row and q_row; w holds what drives c, and after it what drives
    τ besides.
    """
    e = np.uint64(EXTRA)

    @inlined
    def step(s, row, p, q, p_row, q_row, width, kappa, w):
        for j in range(width):
            a = p[p_row + j] * q[q_row + j]
            c = a * s[row + j] + w[j]
            tau = c + a * s[row + L + j] + w[L + j]
            F, F_prime = dual(c, kappa, p, q, p_row + e * L + j, q_row + e * R + j)
            s[row + j] = F
            s[row + L + j] = F_prime * tau

    return step


fused_rectifier, summed_rectifier = fused(rectifier, 0, False), fused(rectifier, 0, True)
fused_erf, summed_erf = fused(erf, 1, False), fused(erf, 1, True)
rectifier_above, erf_above = fused_above(rectifier, 0), fused_above(erf, 1)
driven_rectifier, driven_erf, driven_linear = driven(rectifier), driven(erf), driven(linear)
driven_sin, driven_gelu = driven(sin), driven(gelu)


@inlined
def driven_series(s, row, p, q, p_row, q_row, width, terms, w):
    """The same where F is a power series: Horner's rule for it and its derivative, a coefficient at a time."""
    for j in range(width):
        a = p[p_row + j] * q[q_row + j]
        c = a * s[row + j] + w[j]
        w[L + j] += c + a * s[row + L + j]
        w[j] = min(max(c, duals.number(-1, c)), duals.number(1, c))
        s[row + j] = s[row + L + j] = duals.number(0, c)
    for k in range(terms):
        term = np.uint64(EXTRA + terms - 1 - k)
        for j in range(width):
            G, c = s[row + j], w[j]
            s[row + L + j] = s[row + L + j] * c + G
            s[row + j] = G * c + p[p_row + term * L + j] * q[q_row + term * R + j]
    for j in range(width):
        s[row + L + j] *= w[L + j]


@inlined
def step_of_layer(form, s, row, p, q, p_row, q_row, width, w):
    """A step of a layer, driven by w."""
    if form.code == RECTIFIER:
        driven_rectifier(s, row, p, q, p_row, q_row, width, form.kappa, w)
    elif form.code == ERF:
        driven_erf(s, row, p, q, p_row, q_row, width, form.kappa, w)
    elif form.code == LINEAR:
        driven_linear(s, row, p, q, p_row, q_row, width, form.kappa, w)
    elif form.code == SIN:
        driven_sin(s, row, p, q, p_row, q_row, width, form.kappa, w)
    elif form.code == GELU:
        driven_gelu(s, row, p, q, p_row, q_row, width, form.kappa, w)
    else:
        driven_series(s, row, p, q, p_row, q_row, width, form.extras, w)


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
def begins(begin, lanes, others, at, other_at, steps, first, last, left, width):
    """For each shift, the first of the `steps` at which both series of a pair have begun, in any lane."""
    n, m = lanes.size, others.size
    for shift in range(last - first):
        begin[shift] = steps
        for j in range(left, min(left + width, n)):
            start = max(lanes[j] - at, others[(j + first + shift) % m] - other_at)
            begin[shift] = min(begin[shift], max(start, 0))


@inlined
def plain_steps(form, s, p, q, begin, t, shifts, width):
    """A step of the networks that are most often asked for: ReLU or erf, of one channel. Layer by layer, so that what a layer
    needs of p and q stays in the first-level cache.
    """
    stride, here = np.uint64(2 * LANES * (form.depth + (form.every > 0))), np.uint64(width)
    for shift in range(shifts[0], shifts[1]):
        if t >= begin[shift]:
            d = np.uint64(shift)
            if form.depth == 1 and form.every > 0:
                if form.code == RECTIFIER:
                    summed_rectifier(s, d * stride, p, q, d, here, form.kappa)
                else:
                    summed_erf(s, d * stride, p, q, d, here, form.kappa)
            elif form.code == RECTIFIER:
                fused_rectifier(s, d * stride, p, q, d, here, form.kappa)
            else:
                fused_erf(s, d * stride, p, q, d, here, form.kappa)
    if form.depth == 1:
        return
    rows = np.uint64(EXTRA + form.extras + 1)
    for layer in range(1, form.depth):
        offset = np.uint64(layer)
        for shift in range(shifts[0], shifts[1]):
            if t >= begin[shift]:
                d = np.uint64(shift)
                row, p_row, q_row = d * stride + offset * (L + L), offset * rows * L, offset * rows * R + d
                if form.code == RECTIFIER:
                    rectifier_above(s, row, p, q, p_row, q_row, here, form.kappa)
                else:
                    erf_above(s, row, p, q, p_row, q_row, here, form.kappa)
    if form.every > 0:
        offset = np.uint64(form.depth)
        for shift in range(shifts[0], shifts[1]):
            if t >= begin[shift]:
                d = np.uint64(shift)
                sum_up(s, d * stride + offset * (L + L), p, q, offset * rows * L, offset * rows * R + d, here)


@inlined
def sum_up(s, sums, p, q, p_row, q_row, width):
    """Add what is read out at a step, where ρ stands at p_row and q_row, to the sums that stand after the layers."""
    for j in range(width):
        r = p[p_row + j] * q[q_row + j]
        s[sums + j] += r * s[sums - L - L + j]
        s[sums + L + j] += r * s[sums - L + j]


@inlined
def drive_of_inputs(form, p, q, d, width, w, cosines, first, left):
    """What drives the first layer: w = β β + ⟨u, u⟩, and zeros after it."""
    beta = np.uint64(BETA)
    for j in range(width):
        w[j] = p[beta * L + j] * q[beta * R + d + j]
        w[L + j] = duals.number(0, w[j])
    for channel in range(EXTRA + form.extras, EXTRA + form.extras + form.channels):
        p_row, q_row = np.uint64(channel) * L, np.uint64(channel) * R + d
        if cosines.size:
            for j in range(width):
                i, k = (first + left + int(d + j)) % cosines.shape[0], (left + int(j)) % cosines.shape[1]
                w[j] += p[p_row + j] * q[q_row + j] * cosines[i, k]
        else:
            for j in range(width):
                w[j] += p[p_row + j] * q[q_row + j]


@inlined
def drive_of_layer(form, s, below, p, q, p_row, q_row, width, w):
    """What drives a layer above the first: w = β β + γ γ G, and γ γ H after it, of the layer below."""
    beta, gamma = np.uint64(BETA), np.uint64(EXTRA + form.extras)
    for j in range(width):
        g = p[p_row + gamma * L + j] * q[q_row + gamma * R + j]
        w[j] = p[p_row + beta * L + j] * q[q_row + beta * R + j] + g * s[below + j]
        w[L + j] = g * s[below + L + j]


@inlined
def step_of_layers(form, s, row, p, q, d, width, w, cosines, first, left):
    """A step of a row of a tile in all layers."""
    p_row, q_row, state = np.uint64(0), d, row
    for layer in range(form.depth):
        if layer == 0:
            drive_of_inputs(form, p, q, d, width, w, cosines, first, left)
        else:
            drive_of_layer(form, s, state - L - L, p, q, p_row, q_row, width, w)
        step_of_layer(form, s, state, p, q, p_row, q_row, width, w)
        if layer < form.frozen:
            for j in range(width):
                s[state + L + j] = duals.number(0, w[j])
        rows = np.uint64(EXTRA + form.extras + (form.channels if layer == 0 else 1))
        p_row, q_row, state = p_row + rows * L, q_row + rows * R, state + L + L
    if form.every > 0:
        sum_up(s, state, p, q, p_row, q_row, width)


@jit
def sweep(form, s, p, q, w, peak, lanes, others, cosines, at, other_at, steps, begin, first, last, left, width, half):
    """Carry a tile's pairs through `steps` steps, from step `at` of the lanes and `other_at` of the others on.

    `half` of the lanes are enough for the last shift of all, where it is > 0. `peak` holds the largest F(c) that any layer
    of a pair has had, looked at now and then.
    """
    shifts, stride = last - first, np.uint64(2 * LANES * (form.depth + (form.every > 0)))
    plain = form.channels == 1 and form.frozen == 0 and not cosines.size
    plain = plain and (form.code == RECTIFIER or form.code == ERF)
    whole = shifts - 1 if half > 0 else shifts
    for t in range(begin[:shifts].min(), steps):
        load(p, LANES, lanes, at + t, left, width)
        load(q, REACH, others, other_at + t, left + first, width + shifts)
        if plain:
            plain_steps(form, s, p, q, begin, t, (0, whole), width)
            plain_steps(form, s, p, q, begin, t, (whole, shifts), half)
        else:
            heard = cosines if t == 0 else cosines[:0]
            for shift in range(shifts):
                if t >= begin[shift]:
                    d, here = np.uint64(shift), np.uint64(width if shift < whole else half)
                    step_of_layers(form, s, d * stride, p, q, d, here, w, heard, first, left)
        if form.code == RECTIFIER and not cosines.size and ((t + 1) % CHECK == 0 or t == 7 or t == 15 or t == steps - 1):
            for shift in range(shifts):
                if t >= begin[shift]:
                    for layer in range(form.depth):
                        state, row = np.uint64(shift) * stride + np.uint64(2 * layer) * L, np.uint64(shift) * L
                        for j in range(np.uint64(width)):
                            peak[row + j] = max(peak[row + j], s[state + j])


@jit
def precise_sweep(form, near, p, q, lanes, others, at, other_at, steps, first, last, left, width):
    """The same for single pairs near 1, with D and H of every layer for their state. Adds to the sums what is read out at
    every step.
    """
    F_1 = form.kappa + math.pi / 2
    gamma = EXTRA + form.extras
    count = np.uint64(near.i.size)
    z, w, D, H = near.z, near.w, near.D, near.H
    for t in range(steps):
        load(p, LANES, lanes.rows, at + t, left, width)
        load(q, REACH, others.rows, other_at + t, left + first, width + last - first)
        offset = 0
        for layer in range(form.depth):
            inputs = form.channels if layer == 0 else 1
            here = np.uint64(layer)
            p_row, q_row = np.uint64(offset) * L, np.uint64(offset) * R
            for k in range(count):
                i, j = p_row + near.i[k], q_row + near.j[k]
                a, b, beta = p[i], q[j], p[i + L] - q[j + R]
                begins = near.first[here, k] if a == 0 else 0.0  # a series begins, from a state of its own
                begins += near.second[here, k] if b == 0 else 0.0
                z[k] = 0.5 * (F_1 * (a - b) * (a - b) + beta * beta + begins) + a * b * D[here, k]
                w[k] = a * b * H[here, k]
            for row in range(gamma, gamma + inputs):
                p_u, q_u = p_row + np.uint64(row) * L, q_row + np.uint64(row) * R
                if layer == 0:
                    for k in range(count):
                        u = p[p_u + near.i[k]] - q[q_u + near.j[k]]
                        z[k] += 0.5 * u * u
                else:
                    below = here - np.uint64(1)
                    for k in range(count):
                        u, v = p[p_u + near.i[k]], q[q_u + near.j[k]]
                        z[k] += 0.5 * F_1 * (u - v) * (u - v) + u * v * D[below, k]
                        w[k] += u * v * H[below, k]
            for k in range(count):
                x = min(max(z[k], 0.0), 2.0)
                theta = 2 * duals.arcsin(math.sqrt(0.5 * x), math.sqrt(1 - 0.5 * x))
                D[here, k] = F_1 * x + ((1 - x) * theta - math.sqrt(x * (2 - x)))
                H[here, k] = (F_1 - theta) * (1 - x + w[k])
            if layer < form.frozen:
                H[layer] = 0
            offset += gamma + inputs
        if form.every > 0:
            p_row, q_row, top = np.uint64(offset) * L, np.uint64(offset) * R, np.uint64(form.depth - 1)
            for k in range(count):
                r = p[p_row + near.i[k]] * q[q_row + near.j[k]]
                near.process[k] += r * (F_1 - D[top, k])
                near.tangent[k] += r * H[top, k]


class Near(NamedTuple):
    """Pairs near 1: their places in p and q, the shares of the initial states of both, and their state."""

    i: np.ndarray
    j: np.ndarray
    first: np.ndarray
    second: np.ndarray
    z: np.ndarray
    w: np.ndarray
    D: np.ndarray
    H: np.ndarray
    process: np.ndarray
    tangent: np.ndarray


@jit
def tile(form, buffers, lanes, others, cosines, symmetric, first, last, left, width):
    """Carry the pairs of lanes left … left + width and shifts first … last through all steps and the readout.

    The process' kernel and the rest of the tangent kernel then stand in the last 2 × LANES places of each row of s.
    """
    s, p, q, w, peak, before, begin = buffers
    n = lanes.rows.shape[2]
    half = 0
    if symmetric and 2 * (last - 1) == n:  # n even: the last shift has each pair twice
        half = min(width, max(8, -(-(n // 2 - left) // 8) * 8))
    rows, stride = last - first, 2 * LANES * (form.depth + (form.every > 0))
    s[: stride * rows] = 0
    begin[:] = 0
    ragged = lanes.starts.size > 0
    own = form.every == TIED and symmetric and first == 0  # series with themselves: along t = s in closed form
    limit = (form.kappa + math.pi / 2) * (1 - (NEAR if lanes.rows.itemsize == 8 else NEAR_SHORT))
    steps, other_steps = lanes.rows.shape[0], others.rows.shape[0]
    low, high = (1 - other_steps, steps) if form.every == TIED else (steps - other_steps, steps - other_steps + 1)
    for alignment in range(low, high):  # step t of the lanes meets step t − alignment of the others
        at, other_at = max(alignment, 0), max(-alignment, 0)
        count = min(steps - at, other_steps - other_at)
        if ragged:
            begins(begin, lanes.starts, others.starts, at, other_at, count, first, last, left, width)
        if own:
            begin[0] = count if alignment == 0 else begin[0] if ragged else 0
        peak[:] = 0
        for shift in range(rows):
            end = stride * (shift + 1)
            before[2 * LANES * shift : 2 * LANES * (shift + 1)] = s[end - 2 * LANES : end]
        sweep(
            form, s, p, q, w, peak, lanes.rows, others.rows, cosines, at, other_at, count, begin, first, last, left, width, half
        )
        if form.every == 0:
            read_out(form, s, p, q, lanes, others, first, last, left, width)
        near = 0
        for j in range(LANES * rows):
            near += peak[j] > limit
        if near > 0:
            again(form, near, limit, buffers, lanes, others, at, other_at, count, first, last, left, width)


@jit
def read_out(form, s, p, q, lanes, others, first, last, left, width):
    """Multiply the last states by ρ ρ."""
    load(p, LANES, lanes.readout, 0, left, width)
    load(q, REACH, others.readout, 0, left + first, width + last - first)
    for shift in range(last - first):
        d, top = np.uint64(shift), np.uint64(2 * LANES * (form.depth * (shift + 1) - 1))
        for j in range(np.uint64(width)):
            r = p[j] * q[d + j]
            s[top + j] *= r
            s[top + L + j] *= r


@jit
def again(form, count, limit, buffers, lanes, others, at, other_at, steps, first, last, left, width):
    """Compute the `count` pairs whose F(c) has passed the limit in an alignment once more, in the precise form, in place of
    what the sweep has made of them.
    """
    s, p, q, _, peak, before, _ = buffers
    n, m, depth = lanes.rows.shape[2], others.rows.shape[2], form.depth
    i, j = np.empty(count, np.uint64), np.empty(count, np.uint64)
    shares, other_shares = np.empty((depth, count)), np.empty((depth, count))
    k = 0
    for shift in range(last - first):
        for lane in range(LANES):
            if peak[shift * LANES + lane] > limit:
                i[k], j[k] = lane, shift + lane
                shares[:, k] = lanes.initial[:, (left + lane) % n]
                other_shares[:, k] = others.initial[:, (left + first + shift + lane) % m]
                k += 1
    z, w, process, tangent = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    D, H = np.zeros((depth, count)), np.zeros((depth, count))
    near = Near(i, j, shares, other_shares, z, w, D, H, process, tangent)
    precise_sweep(form, near, p, q, lanes, others, at, other_at, steps, first, last, left, width)
    if form.every == 0:
        load(p, LANES, lanes.readout, 0, left, width)
        load(q, REACH, others.readout, 0, left + first, width + last - first)
        for k in range(count):
            r = p[i[k]] * q[j[k]]
            process[k] = r * (form.kappa + math.pi / 2 - D[depth - 1, k])
            tangent[k] = r * H[depth - 1, k]
    stride = 2 * LANES * (depth + (form.every > 0))
    for k in range(count):
        lane, shift = np.int64(i[k]), np.int64(j[k]) - np.int64(i[k])
        place, earlier = stride * (shift + 1) - 2 * LANES + lane, 2 * LANES * shift + lane
        s[place] = before[earlier] + process[k]
        s[place + LANES] = before[earlier + LANES] + tangent[k]


@jit
def aligned(size, like):
    """Zeros that begin where a page of memory does.

    Vectors that lie across two lines of the cache take twice as long to load, and a load waits for a store whose address
    ends in the same 12 bits: left to chance, one process in two is a seventh slower.
    """
    buffer = np.zeros(size + 4096, like.dtype)
    start = (-buffer.ctypes.data % 4096) // buffer.itemsize
    return buffer[start : start + size]


@jit
def fill(out, form, lanes, others, cosines, symmetric, swapped, output, shifts, share, shares):
    """Compute every `shares`-th tile of shifts[0] … shifts[1], from the `share`-th on, and write it where it belongs.

    `others` may hold its set several times over; out is (k, others, lanes), or (k, lanes, others) where `swapped`, with k
    = 2 for both outputs.
    """
    n, k = lanes.rows.shape[2], lanes.rows.shape[1]
    height = out.shape[2] if swapped else out.shape[1]
    wide = LANES if lanes.starts.size == 0 else LANES // 2  # narrow, lest one that begins early keep others busy
    blocks = -(-n // wide)
    width = -(-n // (8 * blocks)) * 8  # lanes in even parts, each of whole vectors
    stride = 2 * LANES * (form.depth + (form.every > 0))
    ends = np.cumsum(np.array([ROWS * stride, k * LANES, k * REACH, 2 * LANES, ROWS * LANES, 2 * ROWS * LANES]))
    memory = aligned(ends[-1], lanes.rows)
    s, p, q = memory[: ends[0]], memory[ends[0] : ends[1]], memory[ends[1] : ends[2]]
    w, peak, before = memory[ends[2] : ends[3]], memory[ends[3] : ends[4]], memory[ends[4] :]
    buffers = s, p, q, w, peak, before, np.zeros(ROWS, np.int64)
    index = 0
    for first in range(shifts[0], shifts[1], ROWS):
        last = min(first + ROWS, shifts[1])
        for left in range(0, n, width):
            if index % shares == share:
                tile(form, buffers, lanes, others, cosines, symmetric, first, last, left, width)
                for j in range(left, min(left + width, n)):
                    for d in range(first, last):
                        if symmetric and 2 * d == n and j >= d:
                            continue  # n even: the last shift has each pair twice
                        column, row = j, (j + d) % height
                        if lanes.places.size > 0:
                            column, row = lanes.places[column], others.places[row]
                        place = stride * (d - first + 1) - 2 * LANES + j - left
                        process = s[place]
                        tangent = process + s[place + LANES]
                        for which in range(out.shape[0]):
                            value = process if output == PROCESS or which == PROCESS else tangent
                            if swapped:
                                out[which, column, row] = value
                            else:
                                out[which, row, column] = value
                            if symmetric:
                                out[which, column, row] = value
            index += 1


@cache
def compiled(dtype: str) -> None:
    """Compile, or load from the compiler's cache, all that a dtype needs: once a process, one process at a time."""
    rows, readout, none = np.zeros((1, 3, 1), dtype), np.zeros((1, 1, 1), dtype), np.zeros(0, np.int64)
    nothing = np.empty((0, 0))
    with alone(fill.stats.cache_path, coefficients, duals):
        coefficients.compiled()
        one = Side(rows, readout, np.zeros((1, 1)), none, none)
        form = Form(RECTIFIER, np.dtype(dtype).type(0), 1, 0, 1, 0, 0)
        fill(np.zeros((1, 1, 1), dtype), form, one, one, nothing, True, False, TANGENT, (1, 1), 0, 1)


class Side(NamedTuple):
    """One side of a Gram as the tiles read it: coefficients (T, k, n), readout (1, 1, n), and what the random initial state is
    of a series' first variance, in each layer (depth, n). Where lengths differ also the first steps (n,), the longest
    series first, and the places of the series in the Gram.
    """

    rows: np.ndarray
    readout: np.ndarray
    initial: np.ndarray
    starts: np.ndarray
    places: np.ndarray


def threads() -> int:
    """How many threads a Gram may take. Raises ValueError where there are not as many cores."""
    wanted = numba.get_num_threads()
    if wanted > cores():
        raise ValueError(
            f"{wanted} threads are asked for, and this process may use {cores()} cores: set NUMBA_NUM_THREADS or "
            f"numba.set_num_threads to {cores()} or less"
        )
    return wanted


def side(X: Prepared, ragged: bool, steps: int, times: int = 1) -> Side:
    """Series as the tiles read them: the last `steps` steps, the set `times` times over."""
    rows, readout, initial = X.rows[len(X.rows) - steps :], X.readout[None, None], X.initial
    starts = places = np.zeros(0, np.int64)
    if ragged:
        n = rows.shape[2]
        starts = np.zeros(n, np.int64) if X.starts is None else np.maximum(X.starts - (len(X.rows) - steps), 0)
        places = np.arange(n) if X.places is None else X.places
    if times > 1:
        rows, readout, initial, starts = (np.tile(part, times) for part in (rows, readout, initial, starts))
    return Side(rows, readout, initial, starts, places)


def gram(X: Prepared, Y: Prepared | None, cosines=None, output: int = TANGENT, shifts=None) -> np.ndarray:
    """The kernels, at σ_v = 1, of all sequences of X and Y, or of X with itself when Y is None: (n_x, n_y), or (2, n_x, n_y)
    for BOTH, the tangent kernel first.

    `cosines`, (n_x, n_y), are factors of the products of the first step. `shifts` are those to compute, instead of all.
    """
    symmetric = Y is None
    Y = X if symmetric else Y
    form, every = X.form, X.form.every == TIED
    n_x, n_y = X.rows.shape[2], Y.rows.shape[2]
    out = np.empty((2 if output == BOTH else 1, n_x, n_y), X.rows.dtype)
    swapped = n_x > n_y  # the lanes are the longer side
    lanes, others = (X, Y) if swapped else (Y, X)
    ragged = X.starts is not None or Y.starts is not None
    steps = min(len(X.rows), len(Y.rows))
    few = min(n_x, n_y)
    times = -(-REACH // few) if few < REACH and not symmetric else 1  # a tile then finds its series in few pieces
    lanes = side(lanes, ragged, len(lanes.rows) if every else steps)
    others = lanes if symmetric else side(others, ragged, len(others.rows) if every else steps, times)
    cosines = np.empty((0, 0)) if cosines is None else np.ascontiguousarray(cosines.T if swapped else cosines)
    shifts = shifts or ((0 if every else 1, n_x // 2 + 1) if symmetric else (0, few))
    run(out, form, lanes, others, cosines, symmetric, swapped, output, shifts)
    if symmetric:
        closed = X.diagonal[None, PROCESS] if output == PROCESS else X.diagonal[: len(out)]
        for K, diagonal in zip(out, closed, strict=True):
            np.fill_diagonal(K, diagonal + (np.diag(K) if every else 0))
    return out if output == BOTH else out[0]


def diagonal(X: Prepared, output: int = TANGENT) -> np.ndarray:
    """k(x, x) of every sequence at σ_v = 1, (n,): the diagonal of `gram(X, None)`, without the rest of it."""
    if X.form.every != TIED:
        return X.diagonal[output]
    n = X.rows.shape[2]
    values, places = np.empty(n), np.arange(n) if X.places is None else X.places
    for left in range(0, n, LANES):
        part = slice(left, left + LANES)
        few = X._replace(
            rows=np.ascontiguousarray(X.rows[:, :, part]),
            readout=X.readout[part],
            diagonal=X.diagonal[:, places[part]],
            initial=np.ascontiguousarray(X.initial[:, part]),
            starts=None if X.starts is None else X.starts[part],
            places=None,
        )
        values[places[part]] = np.diag(gram(few, None, output=output, shifts=(0, 1)))
    return values


def run(out, form, lanes, others, cosines, symmetric, swapped, output, shifts) -> None:
    """Fill `out`, on as many threads as pay."""
    steps = len(lanes.rows) * (len(others.rows) if form.every == TIED else 1)
    n = lanes.rows.shape[2]
    workers = threads() if n * (shifts[1] - shifts[0]) * steps * (2 if symmetric else 1) > SERIAL else 1
    tiles = -(-n // LANES) * -(-(shifts[1] - shifts[0]) // ROWS)
    shares = 1 if workers == 1 else min(32 * workers, tiles)  # more than threads: one that is held up delays less

    def work(share):
        fill(out, form, lanes, others, cosines, symmetric, swapped, output, shifts, share, shares)

    if workers == 1:
        work(0)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(shares)))
