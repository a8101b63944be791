"""The recurrent neural tangent kernel as an object."""

from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np

from rntk import recursion
from rntk.base import Kernel, check_choice, square
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
        dtype: "float64", or "float32" for half the memory and more than twice the speed.
        backend: "cpu", the compiled engine (`rntk.engine_cpu`), or "numpy", the recursion as it is written on paper
            (`rntk.recursion`; float64, and several more arrays of the Gram's size).

    `k(X, Y=None)` takes arrays of shape (n, T) or (n, T, m) and returns an array of `dtype`, shape (n_x, n_y); `Y=None`
    (or the very same object as X) compares the set with itself. Costs O(T m) a pair and no memory beyond the result;
    threads as `numba.get_num_threads()` says. What will not fit into memory is refused: `rntk.blocks` is for that.

    Accuracy, measured against the recursion in NumPy and the closed diagonal, relative to √(k(x, x) k(y, y)):

        series that differ                         float64 1e-11,   float32 1e-5
        equal or nearly equal, ReLU, T = 10        float64 1e-6,    float32 1e-3
                                     T = 1,000     float64 1e-3,    float32 0.1

    arccos c near c = 1 makes half the digits of a rounding error, and each step adds one; for erf with a large σ_w and
    no bias, a chaotic network, equal series of two sets lose all digits in a few hundred steps. (The diagonal of a set
    with itself is exact.)

    Raises ValueError for a parameter out of range, an input that is not finite or has another shape, and a σ_w so
    large that the kernel overflows its dtype; MemoryError before anything is computed.

    Source: Alemohammad, Wang, Balestriero, Baraniuk, "The Recurrent Neural Tangent Kernel", ICLR 2021.
    """

    sigma_w: float = sqrt(2)
    sigma_u: float = 1.0
    sigma_b: float = 0.0
    sigma_h: float = 0.0
    sigma_v: float = 1.0
    nonlinearity: str = "relu"
    dtype: str = "float64"
    backend: str = "cpu"

    def _validate(self):
        self._check("sigma_w", "sigma_u", "sigma_b", "sigma_h", "sigma_v")
        check_choice("nonlinearity", self.nonlinearity, NONLINEARITIES)
        check_choice("dtype", self.dtype, ("float64", "float32"))
        check_choice("backend", self.backend, ("cpu", "numpy"))
        if self.backend == "numpy" and self.dtype != "float64":
            raise ValueError(f"dtype={self.dtype!r}: backend='numpy' computes in float64 alone")

    @property
    def _arrays(self):
        return 1 if self.backend == "cpu" else 8

    @property
    def parameters(self) -> Parameters:
        """The scales and the nonlinearity, as the recursion takes them."""
        return Parameters(self.sigma_w, self.sigma_u, self.sigma_b, self.sigma_h, self.sigma_v, self.nonlinearity)

    def without_factor(self, setting: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """σ_v² multiplies the whole kernel."""
        sigma_v = setting.get("sigma_v", 0.0)
        if sigma_v > 0 and 0 < square(sigma_v) < inf:
            return {**setting, "sigma_v": 1.0}, square(sigma_v)
        return setting, 1.0

    def _pairs(self, X, Y):
        x = X.transpose(1, 2, 0).copy()  # (T, m, n), as the engine reads it
        return x, None if Y is None else Y.transpose(1, 2, 0).copy()

    def _gram(self, pairs):
        from rntk import engine_cpu  # numba: loaded at the first call, not at import

        X, Y = (None if x is None else self._prepare(x) for x in pairs)  # refuses what overflows, for either backend
        if self.backend == "numpy":
            return recursion.gram(*(None if x is None else x.transpose(2, 0, 1) for x in pairs), self.parameters)
        K = engine_cpu.gram(X, Y, self.nonlinearity)
        if self.sigma_v != 1:
            K *= K.dtype.type(square(self.sigma_v))
        return K

    def _prepare(self, x):
        from rntk import engine_cpu

        prepared = engine_cpu.prepare(x, self.parameters, self.dtype)
        with np.errstate(over="ignore"):
            finite = np.isfinite((square(self.sigma_v) * prepared.diagonal).astype(self.dtype)).all()
        if not finite:
            raise ValueError(
                f"{self} overflows {self.dtype} within {len(x)} steps (for relu, k(x, x) grows like (sigma_w²/2)^T): "
                f"use a smaller sigma_w, or shorter or smaller sequences"
            )
        return prepared

    def _diag(self, X):
        x, _ = self._pairs(X, None)
        return (square(self.sigma_v) * self._prepare(x).diagonal).astype(self.dtype)
