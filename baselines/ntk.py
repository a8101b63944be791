"""The neural tangent kernel of a fully connected network that reads a whole series as one vector."""

import math
from dataclasses import dataclass

import numpy as np

from baselines.kernels import vectors
from rntk import engine_cpu
from rntk.base import Kernel, square
from rntk.nonlinearities import as_nonlinearity
from rntk.recursion import Parameters
from rntk.sequences import Sequences


@dataclass
class NTK(Kernel):
    """The tangent kernel of an infinitely wide perceptron with `depth` hidden layers.

    With V and V' the dual activations of the nonlinearity (`rntk.nonlinearities`):

        Σ¹ = σ_w² ⟨x, y⟩ + σ_b²,        Σ^{ℓ+1} = σ_w² V[Σ^ℓ] + σ_b²
        Θ¹ = Σ¹,                        Θ^{ℓ+1} = Σ^{ℓ+1} + σ_w² V'[Σ^ℓ] Θ^ℓ,        k(x, y) = Θ^{depth+1}

    Parameters: depth, a whole number ≥ 1; sigma_w, sigma_b ≥ 0; nonlinearity, one of the RNTK's. Raises ValueError where
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
        as_nonlinearity(self.nonlinearity)

    def _pairs(self, X, Y):
        x, directions = lengths_and_directions(X)
        y, other_directions = (None, directions) if Y is None else lengths_and_directions(Y)
        return x, y, directions @ other_directions.T

    def _gram(self, pairs):
        x, y, cosines = pairs
        K = engine_cpu.gram(self._prepare(x), None if y is None else self._prepare(y), cosines)
        return square(self.sigma_w) * K + square(self.sigma_b)

    def _prepare(self, lengths):
        """A perceptron is a recurrent network that hears the vector in one step, then silence."""
        x = np.zeros((int(self.depth), 1, len(lengths)))
        x[0, 0] = lengths
        ww = square(self.sigma_w)
        p = Parameters(self.sigma_w, self.sigma_w, self.sigma_b, 0.0, 1.0, self.nonlinearity)
        prepared = engine_cpu.prepare(x, p)
        if not np.isfinite(ww * prepared.diagonal).all():
            raise ValueError(
                f"{self} overflows float64 within {self.depth} layers: use a smaller sigma_w, or smaller series"
            )
        return prepared

    def _diag(self, X):
        return square(self.sigma_w) * engine_cpu.diagonal(self._prepare(lengths_and_directions(X)[0])) + square(
            self.sigma_b
        )


def lengths_and_directions(X: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """|x| and x/|x| of every series as one vector; the direction of a zero is zero."""
    lengths = np.linalg.norm(vectors(X), axis=1)
    return lengths, vectors(X) / np.where(lengths > 0, lengths, 1.0)[:, None]
