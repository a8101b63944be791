"""The recurrent neural tangent kernel in plain NumPy: the recursion as it is written on paper.

This is the reference that the fast engine is tested against. It holds three n_x × n_y arrays at a time and calls
NumPy once a step, which is clear and slow; `rntk.engine_cpu` computes the same numbers.

The network reads a sequence x of T steps of m channels, with all entries of W, U, b, v and z drawn from N(0, 1) and
its width n → ∞:

    g_t = σ_w/√n · W h_{t−1} + σ_u/√m · U x_t + σ_b b,      h_t = φ(g_t),      h_0 = σ_h z,      f(x) = σ_v/√n · v·h_T.

Source: Alemohammad, Wang, Balestriero, Baraniuk, "The Recurrent Neural Tangent Kernel", ICLR 2021.
"""

from dataclasses import dataclass

import numpy as np

from rntk.nonlinearities import NONLINEARITIES


@dataclass(frozen=True)
class Parameters:
    """The scales of the network, named as in the formulas, and its nonlinearity."""

    sigma_w: float
    sigma_u: float
    sigma_b: float
    sigma_h: float
    sigma_v: float
    nonlinearity: str


def variances(X: np.ndarray, p: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """What every sequence has with itself: K_xx at each step, and the kernel k(x, x).

        K_t = σ_w² V(K_{t−1}, K_{t−1}, K_{t−1}) + (σ_u²/m) |x_t|² + σ_b²
        Θ_t = K_t + σ_w² V' Θ_{t−1}
        k(x, x) = σ_v² (V + V' Θ_T)

    with σ_w² σ_h² in place of the first term of K_1, and Θ_0 = 0.
    X has shape (n, T, m). Returns arrays of shape (T, n) and (n,).
    """
    dual = NONLINEARITIES[p.nonlinearity]
    n, T, m = X.shape
    K_all = np.empty((T, n))
    for t in range(T):
        drive = p.sigma_u**2 / m * np.einsum("ic,ic->i", X[:, t], X[:, t]) + p.sigma_b**2
        if t == 0:
            K = drive + p.sigma_w**2 * p.sigma_h**2
            theta = K
        else:
            v, v_prime = dual(K, K, K)
            K = drive + p.sigma_w**2 * v
            theta = K + p.sigma_w**2 * v_prime * theta
        K_all[t] = K
    v, v_prime = dual(K, K, K)
    return K_all, p.sigma_v**2 * (v + v_prime * theta)


def gram(X: np.ndarray, Y: np.ndarray | None, p: Parameters) -> np.ndarray:
    """The kernel k(x, y) of every sequence of X with every one of Y, or of X with itself when Y is None.

        K_t = σ_w² V(K_xx, K_{t−1}, K_yy) + (σ_u²/m) ⟨x_t, y_t⟩ + σ_b²
        Θ_t = K_t + σ_w² V'(K_xx, K_{t−1}, K_yy) Θ_{t−1}
        k(x, y) = σ_v² (V + V' Θ_T)

    without the terms of step 0 between different sequences.
    X has shape (n_x, T, m), Y (n_y, T, m). Returns (n_x, n_y). The σ_h term joins a sequence with itself alone: the
    same index of the same set, not another sequence of equal values.
    """
    dual = NONLINEARITIES[p.nonlinearity]
    Kx, diagonal = variances(X, p)
    Ky = Kx if Y is None else variances(Y, p)[0]
    other = X if Y is None else Y
    _, T, m = X.shape
    for t in range(T):
        drive = p.sigma_u**2 / m * X[:, t] @ other[:, t].T + p.sigma_b**2
        if t == 0:
            K = theta = drive
        else:
            v, v_prime = dual(Kx[t - 1][:, None], K, Ky[t - 1][None, :])
            K = drive + p.sigma_w**2 * v
            theta = K + p.sigma_w**2 * v_prime * theta
    v, v_prime = dual(Kx[-1][:, None], K, Ky[-1][None, :])
    k = p.sigma_v**2 * (v + v_prime * theta)
    if Y is None:
        np.fill_diagonal(k, diagonal)
    return k
