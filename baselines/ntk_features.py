"""Random features of a perceptron's tangent kernel: the infinite network's recursion, each of its products sketched."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import scipy.fft
from scipy.sparse import csr_array

from baselines.kernels import vectors
from baselines.ntk import NTK
from rntk.base import Parametrised, check_count
from rntk.nonlinearities import as_nonlinearity
from rntk.random_features import slope_of
from rntk.sequences import as_sequences
from rntk.waiting import each, shown


@dataclass(repr=False)
class NTKFeatures(Parametrised):
    """Features ψ(x) with ψ(x)·ψ(y) ≈ k(x, y), of the recursion of `NTK` with a sketch in place of each expectation and each product:

        a¹ = (σ_w x, σ_b),                  ψ¹ = a¹
        a^{ℓ+1} = (σ_w φ(W a^ℓ)/√m, σ_b),   ψ^{ℓ+1} = (a^{ℓ+1}, σ_w Q(φ'(W a^ℓ)/√m ⊗ ψ^ℓ)),      ψ = ψ^{depth+1}

    W, one a layer, has m rows drawn from N(0, 1): the products of its features approach V and V', for ReLU the arc-cosine kernels of
    order one and zero. Q, a TensorSketch, has M columns: both sides' entries are added up at random places with random signs, and the sums
    are convolved, E Q(u ⊗ v)·Q(u' ⊗ v') = (u·u')(v·v'). One hidden layer has no bias, more one of O(1/m); errors are O(1/√m + 1/√M).

    kernel: an NTK of a rectifier, erf or sin, of any depth. n_features ≥ 3: m + 1 + M of them, M half. seed: of W and Q. block: series a
    pass. verbose: as in NystroemFeatures.

    `fit(X)` takes from X its number of values a series alone; `transform(X)` returns (n, n_features). Costs O(m² + M log M) a series and
    layer beyond the first. At equal time landmarks are ahead (`python -m benchmarks.random_features`). Raises ValueError for other
    kernels, numbers out of range, series of another size than were fitted, and where transform comes before fit.

    Source: Zandieh, Han, Avron, Shoham, Kim, Shin, "Scaling Neural Tangent Kernels via Sketching and Random Features", NeurIPS 2021
    (the algorithm; theirs draws W anew for φ'). Sketch: Pham, Pagh, "Fast and Scalable Polynomial Kernels via Explicit Feature Maps", KDD
    2013. Order zero and one: Cho, Saul, "Kernel Methods for Deep Learning", NeurIPS 2009.
    """

    kernel: NTK
    n_features: int = 1000
    seed: int = 0
    block: int = 1024
    verbose: int = 0

    def fit(self, X, y=None) -> "NTKFeatures":
        """Draw the layers for series of as many values as X has; y is not looked at."""
        check_count("n_features", self.n_features, least=3)
        check_count("block", self.block)
        if not isinstance(self.kernel, NTK):
            raise ValueError(f"kernel={self.kernel!r}: NTKFeatures are of an NTK; RandomFeatures are of an RNTK")
        slope_of(self.kernel.nonlinearity)
        rng, M = np.random.default_rng(self.seed), self.n_features // 2
        m, size = self.n_features - M - 1, vectors(as_sequences(X)).shape[1] + 1
        self.layers_, inputs, tangents = [], size, size
        for _ in range(int(self.kernel.depth)):
            self.layers_.append((rng.standard_normal((inputs, m)), hashed(m, M, rng), hashed(tangents, M, rng)))
            inputs, tangents = m + 1, self.n_features
        return self

    @shown
    def transform(self, X) -> np.ndarray:
        """The features of X, (n, n_features), a block of series at a time."""
        if not hasattr(self, "layers_"):
            raise ValueError("NTKFeatures has no layers yet: call fit first")
        X = vectors(as_sequences(X))
        if X.shape[1] != (size := len(self.layers_[0][0]) - 1):
            raise ValueError(f"X has {X.shape[1]} values a series, and the layers were drawn for {size}")
        features = np.empty((len(X), self.n_features))
        for start in each(range(0, len(X), self.block), "blocks"):
            rows = slice(start, start + self.block)
            features[rows] = self._of(X[rows])
        return features

    def fit_transform(self, X, y=None) -> np.ndarray:
        """fit, then transform."""
        return self.fit(X).transform(X)

    def _of(self, X: np.ndarray) -> np.ndarray:
        """The recursion, of one block."""
        phi, slope = as_nonlinearity(self.kernel.nonlinearity), slope_of(self.kernel.nonlinearity)
        sigma_w, bias = float(self.kernel.sigma_w), np.full((len(X), 1), float(self.kernel.sigma_b))
        a = tangent = np.concatenate([sigma_w * X, bias], axis=1)
        for W, left, right in self.layers_:
            g, scale = a @ W, sigma_w / sqrt(W.shape[1])
            a = np.concatenate([scale * phi(g), bias], axis=1)
            tangent = np.concatenate([a, scale * convolved(slope(g) @ left, tangent @ right)], axis=1)
        return tangent


def hashed(inputs: int, outputs: int, rng: np.random.Generator) -> csr_array:
    """A count sketch, (inputs, outputs): in each row one entry, ±1."""
    places, signs = rng.integers(outputs, size=inputs), rng.choice([-1.0, 1.0], inputs)
    return csr_array((signs, (np.arange(inputs), places)), shape=(inputs, outputs))


def convolved(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The circular convolution of each row of u with that of v, both (n, M)."""
    return scipy.fft.irfft(scipy.fft.rfft(u) * scipy.fft.rfft(v), u.shape[1])
