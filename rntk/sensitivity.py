"""How strongly each step of a sequence moves the kernel: its exact gradient, by one pass forward and one backward."""

import numpy as np

from rntk.kernel import RNTK
from rntk.nonlinearities import Nonlinearity, as_nonlinearity
from rntk.recursion import Parameters, alignments, variances
from rntk.sequences import Sequences, as_pair


def sensitivity(kernel: RNTK, x, Y) -> np.ndarray:
    """∂k(x, y)/∂x_t for every step t of one sequence x and every sequence y of a set: an array (n_y, T, m).

    x has shape (T,) or (T, m), Y is a set as the kernel takes it. Any nonlinearity, depth, readout, direction and output;
    float64, whatever the kernel's dtype. The adjoint of the recursion: every covariance and tangent of the forward pass
    hands back to the step before it, and to the layer below, what of k depends on it; what reaches K^{(1,t,s)} goes to x_t
    along y_s, what reaches the variances of x along x_t itself. Costs a few forward passes in NumPy, and memory for their
    states, O(n_y L T).

    A sequence of Y with the values of x is another sequence that happens to be equal. For ReLU and its like the tangent
    kernel has a cusp there, where the two agree from the first step on: of the slopes on its two sides, which are opposite,
    the mean is taken.

    Raises ValueError for inputs that the kernel refuses, NotImplementedError for a nonlinearity without derivatives.
    """
    kernel._validate()
    X, Y = as_pair([x], Y, ragged=True)
    double = kernel.with_params(dtype="float64")
    double._refuse_lost(X, Y)
    if kernel.readout == "mean_untied":
        kernel._needs_equal_lengths(X, Y)
    ways = {"forward": [1], "backward": [-1], "both": [1, -1]}[kernel.direction]
    total = 0.0
    for way in ways:
        here = (X, Y) if way == 1 else (X.reversed(), Y.reversed())
        with np.errstate(over="ignore", invalid="ignore"):
            total = total + _gradient(*here, kernel.parameters, kernel.output == "ntk")[:, ::way]
    double._refuse_overflow(total, X.shape[1])
    return total


def _gradient(X: Sequences, Y: Sequences, p: Parameters, tangent: bool) -> np.ndarray:
    """The gradient in one direction, (n_y, T, m)."""
    phi = as_nonlinearity(p.nonlinearity)
    x, T, S, m = X.values[0], X.shape[1], Y.shape[1], X.shape[2]
    Kx, Ky = variances(X, p), variances(Y, p)
    to_x, to_variance = np.zeros((len(Y), T, m)), np.zeros((p.depth, T, len(Y)))
    for first_t, first_s, steps in alignments(T, S, p.readout):
        pairs = [(first_t + i, first_s + i) for i in range(steps)]
        read = {
            (t, s): p.sigma_v**2 * weight * (s >= Y.starts)
            for t, s in (pairs if p.readout != "last" else pairs[-1:])
            for weight in [{"last": 1.0, "mean": 1 / (T * Y.lengths), "mean_untied": 1 / T}[p.readout]]
        }
        _one_alignment(phi, x, Y, p, tangent, Kx, Ky, pairs, read, to_x, to_variance)
    for t in reversed(range(T)):
        for layer in reversed(range(p.depth)):
            w, u, _, _ = p.layers[layer]
            given = to_variance[layer, t]
            if t > 0:
                to_variance[layer, t - 1] += w**2 * _slope(phi, Kx[layer, t - 1]) * given
            if layer > 0:
                to_variance[layer - 1, t] += u**2 * _slope(phi, Kx[layer - 1, t]) * given
            else:
                to_x[:, t] += 2 * u**2 / m * given[:, None] * x[t]
    return to_x


def _slope(phi: Nonlinearity, p: np.ndarray) -> np.ndarray:
    """d/dp V(p, p, p) = V' + 2 ∂V/∂p."""
    return phi.dual(p, p, p)[1] + 2 * phi.derivatives(p, p, p)[0]


def _one_alignment(phi, x, Y, p, tangent, Kx, Ky, pairs, read, to_x, to_variance) -> None:
    """Forward along one alignment, then backward: adds to `to_x` and `to_variance` what they are owed."""
    depth, steps, n, m = p.depth, len(pairs), len(Y), x.shape[1]
    K, theta, V, slope = np.zeros((4, depth, steps, n))
    # remembers: whether the step before belongs to both sequences
    remembers = [(i > 0) * (s > Y.starts) for i, (_, s) in enumerate(pairs)]
    for i, (t, s) in enumerate(pairs):
        begun = s >= Y.starts
        for layer, (w, u, b, _) in enumerate(p.layers):
            heard = Y.values[:, s] @ x[t] / m if layer == 0 else V[layer - 1, i]
            K[layer, i] = begun * (u**2 * heard + b**2 + w**2 * remembers[i] * V[layer, i - 1])
            if layer >= p.frozen:
                theta[layer, i] = K[layer, i] + w**2 * remembers[i] * slope[layer, i - 1] * theta[layer, i - 1]
                if layer > 0:
                    theta[layer, i] += u**2 * slope[layer - 1, i] * theta[layer - 1, i]
            V[layer, i], slope[layer, i] = phi.dual(Kx[layer, t], K[layer, i], Ky[layer, s])

    to_V, to_slope, to_theta = np.zeros((3, depth, steps, n))
    for i in reversed(range(steps)):
        t, s = pairs[i]
        begun = s >= Y.starts
        if (t, s) in read:
            to_V[-1, i] += read[t, s]
            if tangent:
                to_slope[-1, i] += read[t, s] * theta[-1, i]
                to_theta[-1, i] += read[t, s] * slope[-1, i]
        for layer in reversed(range(depth)):
            w, u, _, _ = p.layers[layer]
            by_p, slope_by_p, slope_by_r = phi.derivatives(Kx[layer, t], K[layer, i], Ky[layer, s])
            given = to_theta[layer, i] * (layer >= p.frozen)
            to_K = begun * (to_V[layer, i] * slope[layer, i] + to_slope[layer, i] * slope_by_r + given)
            to_variance[layer, t] += begun * (to_V[layer, i] * by_p + to_slope[layer, i] * slope_by_p)
            if i > 0:
                kept = w**2 * remembers[i]
                to_V[layer, i - 1] += kept * to_K
                to_slope[layer, i - 1] += kept * given * theta[layer, i - 1]
                to_theta[layer, i - 1] += kept * given * slope[layer, i - 1]
            if layer > 0:
                to_V[layer - 1, i] += u**2 * to_K
                to_slope[layer - 1, i] += u**2 * given * theta[layer - 1, i]
                to_theta[layer - 1, i] += u**2 * given * slope[layer - 1, i]
            else:
                to_x[:, t] += u**2 / m * to_K[:, None] * Y.values[:, s]
