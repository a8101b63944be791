"""The recurrent neural tangent kernel in plain NumPy: the recursion as it is written on paper.

This is the reference that the fast engine is tested against. It holds a few n_x × n_y arrays for each layer and calls
NumPy once a step, which is clear and slow; `rntk.engine_cpu` computes the same numbers.

Layer ℓ = 1 … L of the network reads the layer below, h^{(0,t)} = x_t, with all entries of W, U, b, v and z drawn from
N(0, 1) and its width n → ∞ (d_1 = m, d_ℓ = n above):

    g^{(ℓ,t)} = σ_w/√n · W h^{(ℓ,t−1)} + σ_u/√d_ℓ · U h^{(ℓ−1,t)} + σ_b b,        h^{(ℓ,t)} = φ(g^{(ℓ,t)}),        h^{(ℓ,0)} = σ_h z

and is read out as f(x) = σ_v/√n · v·h^{(L,T)} ("last"), as the mean of that over all steps with one v ("mean"), or with a v
for each step ("mean_untied", divided by √T).

Source: Alemohammad, Wang, Balestriero, Baraniuk, "The Recurrent Neural Tangent Kernel", ICLR 2021; the means: Alemohammad,
Balestriero, Wang, Baraniuk, "Enhanced Recurrent Neural Tangent Kernels for Non-Time-Series Data", 2020.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rntk.base import is_number
from rntk.nonlinearities import Nonlinearity, as_nonlinearity
from rntk.sequences import Sequences, as_sequences

READOUTS = ("last", "mean", "mean_untied")
Scale = float | tuple[float, ...]


@dataclass(frozen=True)
class Parameters:
    """The scales of the network, named as in the formulas: one for all layers, or one for each."""

    sigma_w: Scale
    sigma_u: Scale
    sigma_b: Scale
    sigma_h: Scale
    sigma_v: float
    nonlinearity: str | Nonlinearity
    depth: int = 1
    frozen: int = 0
    readout: str = "last"

    @property
    def layers(self) -> list[tuple[float, float, float, float]]:
        """σ_w, σ_u, σ_b, σ_h of each layer, whose squares may be infinite (a float's would raise)."""
        scales = (self.sigma_w, self.sigma_u, self.sigma_b, self.sigma_h)
        each = ([np.float64(s)] * self.depth if is_number(s) else [np.float64(value) for value in s] for s in scales)
        return list(zip(*each, strict=True))


def variances(X: Sequences, p: Parameters) -> np.ndarray:
    """K_xx of every layer, step and sequence, (depth, T, n), 0 before a sequence begins:

    K^{(ℓ,t)} = σ_w² V[K^{(ℓ,t−1)}] + (σ_u²/m) |x_t|² + σ_b²        (σ_u² V[K^{(ℓ−1,t)}] in place of the second, ℓ > 1)

    with σ_h² in place of V before the first step.
    """
    dual = as_nonlinearity(p.nonlinearity).dual
    n, T, m = X.values.shape
    K = np.zeros((p.depth, T, n))
    for t in range(T):
        begun = t >= X.starts
        below = (X.values[:, t] ** 2).sum(axis=1) / m
        for layer, (w, u, b, h) in enumerate(p.layers):
            before = K[layer, t - 1]
            remembered = np.where(t == X.starts, h**2, dual(before, before, before)[0]) if t > 0 else h**2
            K[layer, t] = np.where(begun, w**2 * remembered + u**2 * below + b**2, 0)
            below = dual(K[layer, t], K[layer, t], K[layer, t])[0]
    return K


def alignments(T: int, S: int, readout: str) -> Iterator[tuple[int, int, int]]:
    """(t, s, steps): the stretches of equal steps of two sequences that a readout asks for, by their first steps."""
    for late in range(1 - S, T) if readout == "mean" else [T - S]:
        t, s = max(late, 0), max(-late, 0)
        yield t, s, min(T - t, S - s)


def both(X: Sequences, Y: Sequences | None, p: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """The tangent kernel and the Gaussian process' kernel of every sequence of X with every one of Y, or of X with itself
    when Y is None: arrays of shape (n_x, n_y).

        K^{(ℓ,t,s)} = σ_w² V[K^{(ℓ,t−1,s−1)}] + (σ_u²/m) ⟨x_t, y_s⟩ + σ_b²        (σ_u² V[K^{(ℓ−1,t,s)}], ℓ > 1)
        Θ^{(ℓ,t,s)} = K^{(ℓ,t,s)} + σ_w² V'[K^{(ℓ,t−1,s−1)}] Θ^{(ℓ,t−1,s−1)} + σ_u² V'[K^{(ℓ−1,t,s)}] Θ^{(ℓ−1,t,s)}
        k(x, y) = σ_v² (V + V' Θ),        of the process σ_v² V,

    without the terms of steps or layers below 1, and Θ = 0 in frozen layers. "last" is read out where both sequences
    end; "mean" is 1/(T S) of the sum over all steps t and s; "mean_untied" 1/T of the sum over t = s. The σ_h term joins a
    sequence with itself alone: the same index of the same set, not another sequence of equal values.
    """
    dual = as_nonlinearity(p.nonlinearity).dual
    Y, same = (X, True) if Y is None else (Y, False)
    Kx = variances(X, p)
    Ky = Kx if same else variances(Y, p)
    T, S, m = X.values.shape[1], Y.values.shape[1], X.values.shape[2]
    tangent, process = np.zeros((2, len(X), len(Y)))
    for first_t, first_s, steps in alignments(T, S, p.readout):
        V, V_prime, theta = np.zeros((3, p.depth, len(X), len(Y)))
        for t, s in zip(range(first_t, first_t + steps), range(first_s, first_s + steps), strict=True):
            begun = (t >= X.starts)[:, None] & (s >= Y.starts)
            below = X.values[:, t] @ Y.values[:, s].T / m
            theta_below = 0.0
            for layer, (w, u, b, _) in enumerate(p.layers):
                remembers = (t > X.starts)[:, None] & (s > Y.starts)
                K = np.where(begun, u**2 * below + b**2 + np.where(remembers, w**2 * V[layer], 0), 0)
                if same and t == s:
                    np.fill_diagonal(K, Kx[layer, t])  # with σ_h, and c = 1 to the last digit
                theta[layer] = K + np.where(remembers, w**2 * V_prime[layer] * theta[layer], 0) + u**2 * theta_below
                if layer < p.frozen:
                    theta[layer] = 0
                V[layer], V_prime[layer] = dual(Kx[layer, t][:, None], K, Ky[layer, s])
                below, theta_below = V[layer], V_prime[layer] * theta[layer]
            if p.readout != "last" or (t, s) == (T - 1, S - 1):
                process += np.where(begun, V[-1], 0)
                tangent += np.where(begun, V[-1] + V_prime[-1] * theta[-1], 0)
    weight = {
        "last": p.sigma_v**2,
        "mean": p.sigma_v**2 / np.outer(T - X.starts, S - Y.starts),
        "mean_untied": p.sigma_v**2 / T,
    }[p.readout]
    return weight * tangent, weight * process


def gram(X, Y, p: Parameters) -> np.ndarray:
    """The tangent kernel of `both`; X and Y as `rntk.sequences.as_sequences` takes them."""
    return both(as_sequences(X), None if Y is None else as_sequences(Y, "Y"), p)[0]
