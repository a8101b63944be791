"""The recurrent neural tangent kernel as an object."""

from dataclasses import astuple, dataclass
from math import sqrt

import numpy as np

from rntk.base import Kernel, check_choice
from rntk.nonlinearities import NONLINEARITIES
from rntk.recursion import Parameters


@dataclass
class RNTK(Kernel):
    """The recurrent neural tangent kernel: the tangent kernel of an infinitely wide recurrent network that reads a
    sequence to its end.

    For sequences x, y of T steps and m channels, with V and V' the dual activations of the nonlinearity
    (`rntk.nonlinearities`):

        K_t = σ_w² V(K_xx, K_{t−1}, K_yy) + (σ_u²/m) ⟨x_t, y_t⟩ + σ_b²        covariance of the pre-activations
        Θ_t = K_t + σ_w² V'(K_xx, K_{t−1}, K_yy) Θ_{t−1}                       their tangent kernel
        k(x, y) = σ_v² V(K_xx, K_T, K_yy) + σ_v² V'(K_xx, K_T, K_yy) Θ_T

    Parameters, all finite and ≥ 0:
        sigma_w: scale of the recurrent weights. For ReLU the variance is multiplied by σ_w²/2 at each step: √2 is
            critical, more grows exponentially with T.
        sigma_u: scale of the input weights.
        sigma_b: scale of the biases.
        sigma_h: scale of the random initial state, drawn anew for every sequence: it adds σ_w² σ_h² to the first K of
            a sequence with itself (the same index of the same set, not another of equal values) and to nothing else.
        sigma_v: scale of the readout; σ_v² multiplies the whole kernel.
        nonlinearity: "relu" or "erf".

    `k(X, Y=None)` takes arrays of shape (n, T) or (n, T, m) and returns float64 of shape (n_x, n_y); `Y=None` (or the
    very same object as X) compares the set with itself. Costs O(T m) a pair and no memory beyond the result; threads
    as `numba.get_num_threads()` says.

    Accuracy: within 1e-9, relative, of the recursion in NumPy (`rntk.recursion`); within 1e-7 between near-duplicates,
    where arccos c near c = 1 loses half the digits in both.

    Raises ValueError for a parameter out of range, an input that is not finite or has another shape, and a σ_w so
    large that the kernel overflows.

    Source: Alemohammad, Wang, Balestriero, Baraniuk, "The Recurrent Neural Tangent Kernel", ICLR 2021.
    """

    sigma_w: float = sqrt(2)
    sigma_u: float = 1.0
    sigma_b: float = 0.0
    sigma_h: float = 0.0
    sigma_v: float = 1.0
    nonlinearity: str = "relu"

    def _validate(self):
        self._check("sigma_w", "sigma_u", "sigma_b", "sigma_h", "sigma_v")
        check_choice("nonlinearity", self.nonlinearity, NONLINEARITIES)

    def _prepare(self, X: np.ndarray):
        from rntk import engine_cpu  # numba: loaded at the first call, not at import

        prepared = engine_cpu.prepare(X, Parameters(*astuple(self)))
        if not np.isfinite(prepared.diagonal).all():
            raise ValueError(
                f"{self} overflows float64 within {X.shape[1]} steps (for relu, k(x, x) grows like (sigma_w²/2)^T): "
                f"use a smaller sigma_w, or shorter or smaller sequences"
            )
        return prepared

    def _gram(self, X, Y):
        from rntk import engine_cpu

        return engine_cpu.gram(self._prepare(X), None if Y is None else self._prepare(Y), Parameters(*astuple(self)))

    def _diag(self, X):
        return self._prepare(X).diagonal
