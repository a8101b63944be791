"""The recurrent neural tangent kernel as an object."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, sqrt
from typing import Any

import numpy as np

from rntk import recursion
from rntk.base import Kernel, check_choice, check_count, check_number, is_number, square
from rntk.nonlinearities import as_nonlinearity
from rntk.recursion import READOUTS, Parameters
from rntk.sequences import Sequences, as_pair
from rntk.waiting import each

DIRECTIONS = ("forward", "backward", "both")
OUTPUTS = ("ntk", "nngp")  # in the order of the engine's codes


@dataclass(repr=False)
class RNTK(Kernel):
    """The recurrent neural tangent kernel: the tangent kernel of an infinitely wide recurrent network that reads
    sequences of any lengths.

    For step t of a sequence x and step s of a sequence y, of m channels, in layer ℓ = 1 … L, with V and V' the dual
    activations of the nonlinearity (`rntk.nonlinearities`) at the covariances of the layer and step named in brackets:

        K^{(ℓ,t,s)} = σ_w² V[K^{(ℓ,t−1,s−1)}] + B + σ_b²,      B = (σ_u²/m) ⟨x_t, y_s⟩ if ℓ = 1, else σ_u² V[K^{(ℓ−1,t,s)}]
        Θ^{(ℓ,t,s)} = K^{(ℓ,t,s)} + σ_w² V'[K^{(ℓ,t−1,s−1)}] Θ^{(ℓ,t−1,s−1)} + σ_u² V'[K^{(ℓ−1,t,s)}] Θ^{(ℓ−1,t,s)}
        k(x, y) = σ_v² V[K^{(L,T,S)}] + σ_v² V'[K^{(L,T,S)}] Θ^{(L,T,S)}

    without the terms of steps before a sequence begins, or below the first layer. Sequences of different lengths are so
    aligned at their ends.

    Scales, all finite and ≥ 0, one number for all layers or a sequence of `depth`:
        sigma_w: of the recurrent weights. For ReLU the variance is multiplied by σ_w²/2 at each step: √2 is critical, more
            grows exponentially with T.
        sigma_u: of the weights of what a layer reads.
        sigma_b: of the biases.
        sigma_h: of the random initial state, drawn anew for every sequence: it adds σ_w² σ_h² to the first K of a sequence
            with itself (the same index of the same set, not another of equal values) and to nothing else.
        sigma_v: of the readout, one number; σ_v² multiplies the whole kernel.
    The network:
        nonlinearity: "relu", "leaky_relu" (slope 0.01), "abs", "linear", "erf", "sin", "gelu" in closed form; "tanh",
            "sigmoid" by quadrature; a `Nonlinearity`, for instance `Rectifier(slope=0.2)`; or any function of arrays.
        depth: layers L ≥ 1.
        frozen: the first `frozen` layers are not trained: their Θ is 0. With frozen = depth only the readout is.
        readout: "last", the state after the last step; "mean", of one readout over all steps, the mean of V + V' Θ over all
            pairs of steps (t, s), which costs O(T S) a pair; "mean_untied", a readout for every step, the mean over t = s
            (equal lengths alone).
        direction: "forward"; "backward", the kernel of the reversed sequences, aligned at their beginnings; "both", the
            bidirectional network: the sum of the two.
        output: "ntk", or "nngp", the kernel σ_v² V of the Gaussian process that the untrained network is.
    How it is computed:
        dtype: "float64", or "float32" for half the memory and more than twice the speed.
        backend: "cpu", the compiled engine (`rntk.engine_cpu`), or "numpy", the recursion as it is written on paper
            (`rntk.recursion`; float64, and several more arrays of the Gram's size).

    `k(X, Y=None)` takes arrays of shape (n, T) or (n, T, m), or lists of n arrays (T_i,) or (T_i, m), and returns an array of
    `dtype`, shape (n_x, n_y); `Y=None` (or the very same object as X) compares the set with itself. `k.both(X, Y)` gives
    both outputs from one pass. Costs O(L T m) a pair; beside the result memory for T (2 + m + 3 (L − 1)) numbers a series, and
    T for each extra of the nonlinearity and layer (erf 1, gelu 2, by quadrature 64); threads as `numba.get_num_threads()`
    says. What will not fit into memory is refused: `rntk.blocks` is for that.

    Accuracy, measured against the recursion in 50 digits over T = 10 … 1,000, relative to √(k(x, x) k(y, y))
    (`python -m benchmarks.precision`):

        series that differ             float64 1e-9,    float32 1e-5
        series that nearly do not      float64 1e-6,    float32 1e-1
        equal series of two sets       float64 1e-13,   float32 2e-4

    The worst are ReLU networks of long memory, σ_w near √2 or above, and series at a relative distance of about 3e-4 (float64)
    or 4e-3 (float32), where arccos c near c = 1 makes half the digits of a rounding error; pairs that are nearer are computed
    in another form (`rntk.tiles`), and so exact to rounding. A chaotic network, erf with a large σ_w, drives what differs
    apart at every step, and rounding too: with σ_w = 1.6 it has lost half its digits after 100 steps. A function by
    quadrature has the quadrature's error.

    Raises ValueError for a parameter out of range, an input that is not finite or has another shape, a masked array that hides
    values, different lengths where the readout needs equal ones, values so small that the dtype loses k(x, x), and a σ_w so large
    that the kernel overflows its dtype; TypeError for a nonlinearity
    that is none; MemoryError for what will not fit, before it is computed.

    Examples
    --------
    >>> import numpy as np
    >>> from rntk import RNTK
    >>> X = np.sin(np.arange(1, 5)[:, None] * np.linspace(0, 3, 20))  # four series of 20 steps
    >>> k = RNTK(sigma_w=1.2, sigma_b=0.1)
    >>> k
    RNTK(sigma_w=1.2, sigma_b=0.1)
    >>> k(X).shape, k(X[:1], X).shape, k.diag(X).shape
    ((4, 4), (1, 4), (4,))
    >>> round(float(k(X)[0, 1]), 3)
    0.574
    >>> k([X[0], X[1, 5:], X[2, 10:]]).shape  # of unequal lengths, aligned at their ends
    (3, 3)
    >>> RNTK(depth=2, sigma_w=(1.2, 1.4), readout="mean", direction="both").both(X)[1].shape  # of the Gaussian process
    (4, 4)

    A machine of scikit-learn that takes a function of two arrays takes the kernel as it is:

    >>> from sklearn.kernel_ridge import KernelRidge
    >>> KernelRidge(kernel=k, alpha=0.01).fit(X, [1, 2, 3, 4]).predict(X[:1]).round(1).tolist()
    [1.0]

    Source: Alemohammad, Wang, Balestriero, Baraniuk, "The Recurrent Neural Tangent Kernel", ICLR 2021; readouts over all
    steps and both directions: the same authors' "Enhanced Recurrent Neural Tangent Kernels for Non-Time-Series Data".
    """

    sigma_w: float | Sequence[float] = sqrt(2)
    sigma_u: float | Sequence[float] = 1.0
    sigma_b: float | Sequence[float] = 0.0
    sigma_h: float | Sequence[float] = 0.0
    sigma_v: float = 1.0
    nonlinearity: Any = "relu"
    depth: int = 1
    frozen: int = 0
    readout: str = "last"
    direction: str = "forward"
    output: str = "ntk"
    dtype: str = "float64"
    backend: str = "cpu"

    __hash__ = Kernel.__hash__  # scikit-learn looks a kernel up among those it knows
    takes_unequal_lengths = True

    def _validate(self):
        check_count("depth", self.depth)
        for name in ("sigma_w", "sigma_u", "sigma_b", "sigma_h"):
            self._check_scale(name)
        self._check("sigma_v")
        self._check("frozen", whole=True)
        if self.frozen > self.depth:
            raise ValueError(f"frozen={self.frozen!r}: there are {self.depth} layers to freeze")
        as_nonlinearity(self.nonlinearity)
        check_choice("readout", self.readout, READOUTS)
        check_choice("direction", self.direction, DIRECTIONS)
        check_choice("output", self.output, OUTPUTS)
        check_choice("dtype", self.dtype, ("float64", "float32"))
        check_choice("backend", self.backend, ("cpu", "numpy"))
        if self.backend == "numpy" and self.dtype != "float64":
            raise ValueError(f"dtype={self.dtype!r}: the NumPy backend computes in float64 alone")

    def _check_scale(self, name: str) -> None:
        """One number for all layers, or one for each."""
        given = getattr(self, name)
        if is_number(given) or np.ndim(given) != 1:
            self._check(name)
            return
        if len(given) != self.depth:
            raise ValueError(
                f"{name}={given!r}: {len(given)} values for {self.depth} layers: give one for all, or one for each"
            )
        for layer, value in enumerate(given):
            check_number(f"{name}[{layer}]", value, "RNTK")

    @property
    def _arrays(self):
        return (2 if self.direction == "both" else 1) * (1 if self.backend == "cpu" else 8 * self.depth)

    @property
    def parameters(self) -> Parameters:
        """The scales, the nonlinearity and the form of the network, as the recursion takes them."""
        scales = (s if is_number(s) else tuple(s) for s in (self.sigma_w, self.sigma_u, self.sigma_b, self.sigma_h))
        phi = as_nonlinearity(self.nonlinearity)
        return Parameters(*scales, self.sigma_v, phi, int(self.depth), int(self.frozen), self.readout)

    def without_factor(self, setting: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """σ_v² multiplies the whole kernel."""
        sigma_v = setting.get("sigma_v", 0.0)
        if sigma_v > 0 and 0 < square(sigma_v) < inf:
            return {**setting, "sigma_v": 1.0}, square(sigma_v)
        return setting, 1.0

    def both(self, X, Y=None) -> tuple[np.ndarray, np.ndarray]:
        """The Grams of both outputs from one pass: of the tangent kernel, and of the Gaussian process. As the call."""
        self._validate()
        X, Y = as_pair(X, Y, ragged=True)
        self._foresee(2 * len(X), len(X if Y is None else Y))
        self._refuse_lost(X, Y)
        return tuple(self._grams(self._pairs(X, Y), "both"))

    def _pairs(self, X, Y):
        return Layout(X), None if Y is None else Layout(Y)

    def _gram(self, pairs):
        return self._grams(pairs, self.output)

    def _grams(self, pairs, output: str):
        """The Gram of an output, or both as (2, n_x, n_y), in the direction that is asked for."""
        X, Y = pairs
        if self.readout == "mean_untied":
            self._needs_equal_lengths(X.sequences, None if Y is None else Y.sequences)
        K = None
        for way in each(self._ways, ""):
            one = self._one_way([None if x is None else getattr(x, way) for x in pairs], output)
            K = one if K is None else np.add(K, one, out=K)
        return K

    @property
    def _ways(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.direction == "both" else (self.direction,)

    def _one_way(self, sides: "list[Layout | None]", output: str) -> np.ndarray:
        if self.backend == "numpy":
            K = self._by_recursion(*(None if x is None else x.sequences for x in sides))
            return K if output == "both" else K[OUTPUTS.index(output)]
        from rntk import engine_cpu  # numba: loaded at the first call, not at import

        X, Y = (None if x is None else self._prepare(x) for x in sides)
        K = engine_cpu.gram(X, Y, output=engine_cpu.BOTH if output == "both" else OUTPUTS.index(output))
        if self.sigma_v != 1:
            np.multiply(K, square(self.sigma_v), out=K, dtype=np.float64, casting="same_kind")
        return K

    def _by_recursion(self, X: Sequences, Y: Sequences | None) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            K = np.stack(recursion.both(X, Y, self.parameters))
        self._refuse_overflow(K, X.shape[1])
        return K

    def _needs_equal_lengths(self, X: Sequences, Y: Sequences | None) -> None:
        lengths = np.concatenate([X.lengths, [] if Y is None else Y.lengths])
        if lengths.min() < lengths.max():
            raise ValueError(
                f"the sequences have {lengths.min():.0f} to {lengths.max():.0f} steps, and readout={self.readout!r} has a "
                f"readout for every step: it needs equal lengths ('last' and 'mean' do not)"
            )

    def _prepare(self, x: "Layout"):
        from rntk import engine_cpu

        prepared = engine_cpu.prepare(x.steps, self.parameters, self.dtype, x.starts, x.places)
        with np.errstate(over="ignore", invalid="ignore"):
            self._refuse_overflow((square(self.sigma_v) * prepared.diagonal).astype(self.dtype), len(x.steps))
        return prepared

    def _refuse_overflow(self, values: np.ndarray, steps: int) -> None:
        if not np.isfinite(values).all():
            raise ValueError(
                f"{self} overflows {self.dtype} within {steps} steps (for relu, k(x, x) grows like (sigma_w²/2)^T): "
                f"use a smaller sigma_w, or shorter or smaller sequences"
            )

    def _diag(self, X):
        x, _ = self._pairs(X, None)
        if self.readout == "mean_untied":
            self._needs_equal_lengths(X, None)
        total = sum(self._diag_one_way(getattr(x, way), OUTPUTS.index(self.output)) for way in self._ways)
        return total.astype(self.dtype)

    def _diag_one_way(self, x: "Layout", output: int) -> np.ndarray:
        if self.backend == "numpy":
            each = (x.sequences[i : i + 1] for i in range(len(x.sequences)))
            return np.array([self._by_recursion(one, None)[output, 0, 0] for one in each])
        from rntk import engine_cpu

        return square(self.sigma_v) * engine_cpu.diagonal(self._prepare(x), output)


class Layout:
    """Sequences, and the same numbers as the engine reads them: made once, whatever the hyperparameters are."""

    def __init__(self, sequences: Sequences):
        self.sequences = sequences

    @cached_property
    def places(self) -> np.ndarray | None:
        """Where lengths differ the sequences are sorted by them, longest first: their places in the set."""
        return np.argsort(self.sequences.starts, kind="stable") if self.sequences.ragged else None

    @cached_property
    def starts(self) -> np.ndarray | None:
        """Where lengths differ, the first step of each."""
        return None if self.places is None else self.sequences.starts[self.places]

    @cached_property
    def steps(self) -> np.ndarray:
        """(T, m, n)."""
        values = self.sequences.values
        return (values if self.places is None else values[self.places]).transpose(1, 2, 0).copy()

    @property
    def forward(self) -> "Layout":
        """The sequences as they are."""
        return self

    @cached_property
    def backward(self) -> "Layout":
        """Every sequence from its end to its beginning."""
        return Layout(self.sequences.reversed())
