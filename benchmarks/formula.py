"""The recursion as one writes it in NumPy to be fast: whole matrices, one step after another. The other side of the benchmarks."""

import numpy as np


def gram(X: np.ndarray, sigma_w: float, sigma_b: float, sigma_h: float = 0.0) -> np.ndarray:
    """The ReLU kernel of X, (n, T), with itself, at σ_u = σ_v = 1; X without silent beginnings."""
    ww, bb = sigma_w**2, sigma_b**2
    variance = X[:, 0] ** 2 + bb + ww * sigma_h**2
    tangent = variance.copy()
    K = np.outer(X[:, 0], X[:, 0]) + bb
    theta = K
    for t in range(1, X.shape[1] + 1):
        root = np.sqrt(variance)
        norm = np.outer(root, root)
        c = np.clip(K / norm, -1, 1)
        pi_minus_theta = np.pi - np.arccos(c)
        V = norm * (c * pi_minus_theta + np.sqrt(1 - c * c)) / (2 * np.pi)
        V_prime = pi_minus_theta / (2 * np.pi)
        if t == X.shape[1]:
            k = V + V_prime * theta
            np.fill_diagonal(k, variance / 2 + tangent / 2)
            return k
        K = ww * V + np.outer(X[:, t], X[:, t]) + bb
        theta = K + ww * V_prime * theta
        variance = ww / 2 * variance + X[:, t] ** 2 + bb
        tangent = variance + ww / 2 * tangent
