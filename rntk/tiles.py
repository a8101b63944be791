"""Tiles of the Gram, compiled: many pairs of series, carried through all their steps together.

**Tiles.** A tile is up to LANES series of one set, the lanes, times ROWS shifts: shift d pairs lane j with series
(j + d) mod n of the other set. The pairs of a set with itself are then the shifts 1 … n/2, each pair once and no
triangle to waste. At each step a tile copies the coefficients that it needs next to each other, to constant offsets, so
that the compiler vectorises all of it; its state stays in the second-level cache, and nothing of size n × n × T is ever
stored. Tiles are independent: threads share them without locks, and their number does not change a bit of the result.

**Lengths.** Series end together. Before one begins all its coefficients are 0, and so is α at its first step, so that no
pair remembers anything from before both have begun; rows of a tile in which none has begun yet are passed over, and
series are sorted by their lengths for that. The mean over all pairs of steps goes through every alignment of two series
in time, each a recursion of its own.

**Near 1.** θ = arccos c ≈ √(2 (1 − c)) makes half the digits of an error of c, which rounding adds to at every step. Where
the states of a pair come as near to each other as 1 − c < NEAR, the pair is computed once more with z = 1 − c for its
state (`precise_sweep`): from sums of squares, in which nothing cancels.

    z = ½ (F(1) (α_x − α_y)² + (β_x − β_y)² + |u_x − u_y|²) + α_x α_y D,        D ← F(1) − F(1 − z)
"""

import math
from typing import NamedTuple

import numpy as np

from rntk import duals
from rntk.coefficients import ERF, EXTRA, RECTIFIER, TIED
from rntk.duals import inlined, jit
from rntk.steps import LANES, REACH, ROWS, L, R, plain_steps, row_size, step_of_layers

CHECK = 32  # steps between two looks at how near to 1 the correlations are; the first come sooner
NEAR, NEAR_SHORT = 1e-9, 1e-6  # 1 − c of pairs that are computed in the precise form, float64 and float32
TANGENT, PROCESS, BOTH = 0, 1, 2  # what is read out: the tangent kernel, the Gaussian process, both in this order


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
def begins(begin, lanes, others, span, place):
    """For each shift, the first step of the span at which both series of a pair have begun, in any lane."""
    (at, other_at, steps), (first, last, left, width) = span, place
    n, m = lanes.size, others.size
    for shift in range(last - first):
        begin[shift] = steps
        for j in range(left, min(left + width, n)):
            start = max(lanes[j] - at, others[(j + first + shift) % m] - other_at)
            begin[shift] = min(begin[shift], max(start, 0))


@jit
def sweep(form, buffers, lanes, others, cosines, span, place, half):
    """Carry a tile's pairs through a span of steps: (first step of the lanes, first of the others, how many).

    `half` of the lanes are enough for the last shift of all, where it is > 0. The buffer `peak` holds the largest F(c) that
    any layer of a pair has had, looked at now and then.
    """
    s, p, q, w, peak, _, begin, stop = buffers
    (at, other_at, steps), (first, last, left, width) = span, place
    shifts, stride = last - first, np.uint64(row_size(form))
    plain = form.channels == 1 and form.frozen == 0 and not cosines.size
    plain = plain and (form.code == RECTIFIER or form.code == ERF)
    whole = shifts - 1 if half > 0 else shifts
    for t in range(begin[:shifts].min(), steps):
        if stop[0] != 0:
            return
        load(p, LANES, lanes.rows, at + t, left, width)
        load(q, REACH, others.rows, other_at + t, left + first, width + shifts)
        if plain:
            plain_steps(form, s, p, q, begin, t, (0, whole), width)
            plain_steps(form, s, p, q, begin, t, (whole, shifts), half)
        else:
            heard = cosines if t == 0 else cosines[:0]
            for shift in range(shifts):
                if t >= begin[shift]:
                    d, here = np.uint64(shift), np.uint64(width if shift < whole else half)
                    step_of_layers(form, s, d * stride, p, q, d, here, w, heard, first, left)
        if (
            form.code == RECTIFIER
            and not cosines.size
            and ((t + 1) % CHECK == 0 or t == 7 or t == 15 or t == steps - 1)
        ):
            for shift in range(shifts):
                if t >= begin[shift]:
                    for layer in range(form.depth):
                        state, row = np.uint64(shift) * stride + np.uint64(2 * layer) * L, np.uint64(shift) * L
                        for j in range(np.uint64(width)):
                            peak[row + j] = max(peak[row + j], s[state + j])


@jit
def precise_sweep(form, near, p, q, lanes, others, span, place):
    """The same for single pairs near 1, with D and H of every layer for their state. Adds to the sums what is read out at
    every step.
    """
    (at, other_at, steps), (first, last, left, width) = span, place
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
                fresh = near.first[here, k] if a == 0 else 0.0  # a series begins, from a state of its own
                fresh += near.second[here, k] if b == 0 else 0.0
                z[k] = 0.5 * (F_1 * (a - b) * (a - b) + beta * beta + fresh) + a * b * D[here, k]
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
def tile(form, buffers, lanes, others, cosines, symmetric, place):
    """Carry the pairs of a tile, place = (first, last, left, width): lanes left … left + width and shifts first … last,
    through all steps and the readout.

    The process' kernel and the rest of the tangent kernel then stand in the last 2 × LANES places of each row of s.
    """
    s, p, q, _, peak, before, begin, stop = buffers
    first, last, left, width = place
    n = lanes.rows.shape[2]
    half = 0
    if symmetric and 2 * (last - 1) == n:  # n even: the last shift has each pair twice
        half = min(width, max(8, -(-(n // 2 - left) // 8) * 8))
    rows, stride = last - first, row_size(form)
    s[: stride * rows] = 0
    begin[:] = 0
    ragged = lanes.starts.size > 0
    own = form.every == TIED and symmetric and first == 0  # series with themselves: along t = s in closed form
    limit = (form.kappa + math.pi / 2) * (1 - (NEAR if lanes.rows.itemsize == 8 else NEAR_SHORT))
    steps, other_steps = lanes.rows.shape[0], others.rows.shape[0]
    low, high = (1 - other_steps, steps) if form.every == TIED else (steps - other_steps, steps - other_steps + 1)
    for alignment in range(low, high):  # step t of the lanes meets step t − alignment of the others
        at, other_at = max(alignment, 0), max(-alignment, 0)
        span = at, other_at, min(steps - at, other_steps - other_at)
        if ragged:
            begins(begin, lanes.starts, others.starts, span, place)
        if own:
            begin[0] = span[2] if alignment == 0 else begin[0] if ragged else 0
        peak[:] = 0
        for shift in range(rows if form.every > 0 else 0):  # sums, of which a part may be computed once more
            end = stride * (shift + 1)
            before[2 * LANES * shift : 2 * LANES * (shift + 1)] = s[end - 2 * LANES : end]
        sweep(form, buffers, lanes, others, cosines, span, place, half)
        if stop[0] != 0:
            return
        if form.every == 0:
            read_out(form, s, p, q, lanes, others, place)
        near = 0
        for j in range(LANES * rows):
            near += peak[j] > limit
        if near > 0:
            again(form, near, limit, buffers, lanes, others, span, place)


@jit
def read_out(form, s, p, q, lanes, others, place):
    """Multiply the last states by ρ ρ."""
    first, last, left, width = place
    load(p, LANES, lanes.readout, 0, left, width)
    load(q, REACH, others.readout, 0, left + first, width + last - first)
    for shift in range(last - first):
        d, top = np.uint64(shift), np.uint64(2 * LANES * (form.depth * (shift + 1) - 1))
        for j in range(np.uint64(width)):
            r = p[j] * q[d + j]
            s[top + j] *= r
            s[top + L + j] *= r


@jit
def again(form, count, limit, buffers, lanes, others, span, place):
    """Compute the `count` pairs whose F(c) has passed the limit in an alignment once more, in the precise form, in place of
    what the sweep has made of them.
    """
    s, p, q, _, peak, before, _, _ = buffers
    first, last, left, width = place
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
    precise_sweep(form, near, p, q, lanes, others, span, place)
    if form.every == 0:
        load(p, LANES, lanes.readout, 0, left, width)
        load(q, REACH, others.readout, 0, left + first, width + last - first)
        for k in range(count):
            r = p[i[k]] * q[j[k]]
            process[k] = r * (form.kappa + math.pi / 2 - D[depth - 1, k])
            tangent[k] = r * H[depth - 1, k]
    stride = row_size(form)
    for k in range(count):
        lane, shift = np.int64(i[k]), np.int64(j[k]) - np.int64(i[k])
        here, earlier = stride * (shift + 1) - 2 * LANES + lane, 2 * LANES * shift + lane
        s[here] = before[earlier] + process[k]
        s[here + LANES] = before[earlier + LANES] + tangent[k]


@jit
def write(out, form, s, lanes, others, symmetric, swapped, output, place):
    """Write what a tile has read out to its places in the Gram: eight lanes in all shifts, then the next eight, so that on
    either side of the diagonal what lies in one line of the cache is written together.
    """
    first, last, left, width = place
    stride, n, height = row_size(form), lanes.rows.shape[2], out.shape[2] if swapped else out.shape[1]
    sorted_by_length = lanes.places.size > 0
    for which in range(out.shape[0]):
        tangent, k = output != PROCESS and which != PROCESS, np.uint64(which)
        for start in range(left, min(left + width, n), 8):
            for d in range(first, last):
                end = min(start + 8, left + width, n)
                if symmetric and 2 * d == n:  # n even: the last shift has each pair twice
                    end = min(end, d)
                here, at = np.uint64(stride * (d - first + 1) + start - left) - L - L, (start + d) % height
                for j in range(start, end):
                    value = s[here] + s[here + L] if tangent else s[here]
                    row, column = np.uint64(at), np.uint64(j)
                    if sorted_by_length:
                        row, column = np.uint64(others.places[at]), np.uint64(lanes.places[j])
                    if symmetric or swapped:
                        out[k, column, row] = value
                    if not swapped:
                        out[k, row, column] = value
                    here += np.uint64(1)
                    at = at + 1 if at + 1 < height else 0


@jit
def parts(form, k):
    """The sizes of a tile's buffers, where a step has k rows of coefficients: s, p, q, w, peak and before."""
    return ROWS * row_size(form), k * LANES, k * REACH, 2 * LANES, ROWS * LANES, 2 * ROWS * LANES


def workspace(form, k: int, dtype) -> np.ndarray:
    """Zeros for a tile's buffers, that begin where a page of memory does.

    Vectors that lie across two lines of the cache take twice as long to load, and a load waits for a store whose address
    ends in the same 12 bits: left to chance, one process in two is a seventh slower.
    """
    size, page = sum(parts(form, k)), 4096 // np.dtype(dtype).itemsize
    memory = np.zeros(size + page, dtype)
    start = -memory.ctypes.data % 4096 // memory.itemsize
    return memory[start : start + size]


@jit
def fill(out, memory, stop, form, lanes, others, cosines, symmetric, swapped, output, shifts, share, shares):
    """Compute every `shares`-th tile of shifts[0] … shifts[1], from the `share`-th on, in a workspace of memory, and write it
    where it belongs; ends soon after stop[0] is set, with `out` unfinished.

    `others` may hold its set several times over; out is (k, others, lanes), or (k, lanes, others) where `swapped`, with k
    = 2 for both outputs.
    """
    n, k = lanes.rows.shape[2], lanes.rows.shape[1]
    wide = LANES if lanes.starts.size == 0 else LANES // 4  # narrow, lest one that begins early keep others busy
    blocks = -(-n // wide)
    width = -(-n // (8 * blocks)) * 8  # lanes in even parts, each of whole vectors
    ends = np.cumsum(np.array(parts(form, k)))
    s, p, q = memory[: ends[0]], memory[ends[0] : ends[1]], memory[ends[1] : ends[2]]
    w, peak, before = memory[ends[2] : ends[3]], memory[ends[3] : ends[4]], memory[ends[4] : ends[5]]
    buffers = s, p, q, w, peak, before, np.zeros(ROWS, np.int64), stop
    index = 0
    for first in range(shifts[0], shifts[1], ROWS):
        last = min(first + ROWS, shifts[1])
        for left in range(0, n, width):
            if index % shares == share:
                place = first, last, left, width
                tile(form, buffers, lanes, others, cosines, symmetric, place)
                if stop[0] != 0:
                    return
                write(out, form, s, lanes, others, symmetric, swapped, output, place)
            index += 1
