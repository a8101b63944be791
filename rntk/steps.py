"""One step of one row of a tile, compiled: all that is done for every pair of series and every step.

**The recursion, normalised.** Every nonlinearity has a normaliser N of its own for each series and factors ρ by which its
duals are V = ρ_x ρ_y F(c) and V' Θ = ρ_x ρ_y F'(c) τ, where c = K/(N_x N_y) and τ = Θ/(N_x N_y) (`rntk.duals`). A layer
keeps G = F(c) and H = F'(c) τ; its step is

    c = α_x α_y G + β_x β_y + ⟨u_x, u_y⟩,        τ = c + α_x α_y H,        G ← F(c),    H ← F'(c) τ.

Above the first layer γ_x γ_y G' stands in place of the inputs, and τ gains γ_x γ_y H', where G' and H' are what the layer
below has just found. The readout is ρ_x ρ_y G for the network's Gaussian process and ρ_x ρ_y (G + H) for its tangent
kernel. α, β, γ, u and ρ belong to single series and are computed once (`rntk.coefficients`). What is left for a pair and
step is F, F' τ and a few products: for ReLU one square root, one polynomial, no division, no branch.

A row is up to LANES pairs, next to each other in memory; p and q hold what belongs to the single series of both sides, a
row of LANES or REACH numbers for each coefficient, so that everything lies at constant offsets.
"""

import numpy as np

from rntk import duals
from rntk.coefficients import BETA, ERF, EXTRA, GELU, LINEAR, RECTIFIER, SIN
from rntk.duals import inlined

LANES, ROWS = 128, 32  # a tile: two states of 32 × 128 float64 are 64 KiB
REACH = LANES + ROWS  # what the lanes and shifts of a tile reach of the other set
L, R = np.uint64(LANES), np.uint64(REACH)


@inlined
def rectifier(c, tau, kappa, p, q, i, j):
    return duals.rectifier(c, tau, kappa)


@inlined
def linear(c, tau, kappa, p, q, i, j):
    return c, tau


@inlined
def erf(c, tau, kappa, p, q, i, j):
    return duals.erf(c, tau, p[i], q[j])


@inlined
def sin(c, tau, kappa, p, q, i, j):
    return duals.sin(c, tau, p[i] + q[j])


@inlined
def gelu(c, tau, kappa, p, q, i, j):
    return duals.gelu(c, tau, p[i], p[L + i], q[j], q[R + j])


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
            F, H = dual(c, tau, kappa, p, q, e * L + j, d + e * R + j)
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
            F, H = dual(c, tau, kappa, p, q, p_row + e * L + j, q_row + e * R + j)
            s[row + j] = F
            s[row + L + j] = H

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
            F, H = dual(c, tau, kappa, p, q, p_row + e * L + j, q_row + e * R + j)
            s[row + j] = F
            s[row + L + j] = H

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
def row_size(form):
    """How many numbers of state a row of a tile has: G and H of every layer, and two sums where every step is read out."""
    return 2 * LANES * (form.depth + (form.every > 0))


@inlined
def plain_steps(form, s, p, q, begin, t, shifts, width):
    """A step of the networks that are most often asked for: ReLU or erf, of one channel. Layer by layer, so that what a layer
    needs of p and q stays in the first-level cache.
    """
    stride, here = np.uint64(row_size(form)), np.uint64(width)
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
