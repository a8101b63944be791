"""The recursion as one writes it in NumPy to be fast: whole matrices, one step after another. The other side of the benchmarks."""

import numpy as np

PI = np.pi


def gram(X: np.ndarray, sigma_w: float, sigma_b: float, sigma_h: float = 0.0, nonlinearity: str = "relu") -> np.ndarray:
    """The kernel of X, (n, T), with itself, at σ_u = σ_v = 1; for series without a silent beginning."""
    ww, bb = sigma_w**2, sigma_b**2
    variance = X[:, 0] ** 2 + bb + ww * sigma_h**2
    tangent = variance
    K = theta = np.outer(X[:, 0], X[:, 0]) + bb
    for t in range(1, X.shape[1] + 1):
        if nonlinearity == "relu":
            root = np.sqrt(variance)
            norm = np.outer(root, root)
            c = np.clip(K / norm, -1, 1)
            pi_minus_theta = PI - np.arccos(c)
            V = norm * (c * pi_minus_theta + np.sqrt(1 - c * c)) / (2 * PI)
            V_prime = pi_minus_theta / (2 * PI)
            v, v_prime = variance / 2, 0.5
        else:
            root = np.sqrt(1 + 2 * variance)
            norm = np.outer(root, root)
            c = 2 * K / norm
            np.fill_diagonal(c, 0.0)  # looked at below, in closed form
            V = 2 / PI * np.arcsin(c)
            V_prime = 4 / PI / (norm * np.sqrt(1 - c * c))
            v, v_prime = 2 / PI * np.arcsin(2 * variance / (1 + 2 * variance)), 4 / PI / np.sqrt(1 + 4 * variance)
        if t == X.shape[1]:
            k = V + V_prime * theta
            np.fill_diagonal(k, v + v_prime * tangent)
            return k
        K = ww * V + np.outer(X[:, t], X[:, t]) + bb
        theta = K + ww * V_prime * theta
        variance = ww * v + X[:, t] ** 2 + bb
        tangent = variance + ww * v_prime * tangent
