"""The neural tangent kernel of a fully connected network that reads a whole series as one vector."""

import math
from dataclasses import dataclass

import numpy as np

from baselines.kernels import vectors
from rntk.base import Kernel, check_choice
from rntk.engine_cpu import CODES, jit, square, step, variances
from rntk.nonlinearities import NONLINEARITIES


@dataclass
class NTK(Kernel):
    """The tangent kernel of an infinitely wide perceptron with `depth` hidden layers.

    With V and V' the dual activations of the nonlinearity (`rntk.nonlinearities`):

        Σ¹ = σ_w² ⟨x, y⟩ + σ_b²,        Σ^{ℓ+1} = σ_w² V[Σ^ℓ] + σ_b²
        Θ¹ = Σ¹,                        Θ^{ℓ+1} = Σ^{ℓ+1} + σ_w² V'[Σ^ℓ] Θ^ℓ,        k(x, y) = Θ^{depth+1}

    Parameters: depth, a whole number ≥ 1; sigma_w, sigma_b ≥ 0; nonlinearity "relu" or "erf". Raises ValueError where
    one is out of range, or the kernel overflows.

    Source: Jacot, Gabriel, Hongler, "Neural Tangent Kernel", NeurIPS 2018.
    """

    depth: int = 1
    sigma_w: float = math.sqrt(2)
    sigma_b: float = 0.0
    nonlinearity: str = "relu"

    def _validate(self):
        self._check("depth", positive=True, whole=True)
        self._check("sigma_w", "sigma_b")
        check_choice("nonlinearity", self.nonlinearity, NONLINEARITIES)

    def _layers(self, X):
        """The normalisers of each layer and k(x, x): a perceptron is a recurrent network that hears |x|, then silence."""
        x = np.zeros((int(self.depth), 1, len(X)))
        x[0, 0] = float(self.sigma_w) * np.linalg.norm(vectors(X), axis=1)
        ww, bb = square(self.sigma_w), square(self.sigma_b)
        scale, root, diagonal = variances(CODES[self.nonlinearity], x, 1.0, bb, ww, ww, 0.0)
        if not np.isfinite(diagonal).all():
            raise ValueError(
                f"{self} overflows float64 within {self.depth} layers: use a smaller sigma_w, or smaller series"
            )
        return scale, root, diagonal + bb

    def _gram(self, X, Y):
        scale_x, root_x, diagonal = self._layers(X)
        scale_y, root_y, _ = (scale_x, root_x, None) if Y is None else self._layers(Y)
        ww, bb = square(self.sigma_w), square(self.sigma_b)
        K = ww * (vectors(X) @ vectors(X if Y is None else Y).T) + bb
        theta = _through_layers(CODES[self.nonlinearity], K, scale_x, root_x, scale_y, root_y, ww, bb)
        if Y is None:
            theta = (theta + theta.T) / 2  # the product above is symmetric only up to rounding
            np.fill_diagonal(theta, diagonal)
        return theta

    def _diag(self, X):
        return self._layers(X)[-1]


@jit
def _through_layers(code, K, scale_x, root_x, scale_y, root_y, ww, bb):
    """Carry Σ¹ = Θ¹ = K through all layers, in place, row by row; returns Θ."""
    theta = K.copy()
    drive = np.full(K.shape[1], bb)
    for i in range(len(K)):
        for layer in range(len(scale_x)):
            step(code, K[i], theta[i], drive, ww, scale_x[layer, i], root_x[layer, i], scale_y[layer], root_y[layer])
    return theta
