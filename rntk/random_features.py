"""Random features of the recurrent kernel: states and gradients of a finite random network, whose products are nearly the kernel."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from rntk.base import Parametrised, check_count
from rntk.kernel import RNTK
from rntk.nonlinearities import Erf, Nonlinearity, Rectifier, Sin, as_nonlinearity
from rntk.sequences import Sequences, as_sequences
from rntk.waiting import each, shown

Step = tuple[np.ndarray, np.ndarray]  # what a layer has read, (n, inputs), and g, (n, width)


@dataclass(repr=False)
class RandomFeatures(Parametrised):
    """Features φ(x) with φ(x)·φ(y) ≈ k(x, y), from one random network of the kernel's architecture, n units wide.

    A layer reads a = (σ_w/√n h^{(t−1)}, σ_u/√d h_below^{(t)}, σ_b), and with Ω = [W U b], all of it drawn from N(0, 1), is g = Ω a,
    h = φ(g), and f(x) = σ_v/√n v·h. The process' kernel is estimated by the states that are read out; the tangent kernel by them and
    sketches of the gradients by every layer's Ω, ∂f/∂Ω = Σ_t δ^{(t)} ⊗ a^{(t)} with δ^{(t)} = ∂f/∂g^{(t)}:

        φ(x) = (σ_v/√n h,   1/√M Σ_t (R δ^{(t)}) ∘ (S a^{(t)}) of each layer)

    R and S have M rows each, of random signs: E (r·δ)(s·a)(r·δ')(s·a') = (δ·δ')(a·a'). So the sketch, M numbers instead of the n² of a
    gradient, has no bias: the product is an unbiased estimate of that network's kernel, with an error of O(1/√M). That kernel's deviation
    from the infinite network's is O(1/√n), and its mean over networks is off by O(1/n).

    Unless `tied`, each step has an Ω of its own, counted from the end, and signs by which its sketch is multiplied. Where the last
    step is read out that has the same limit, and it comes nearer to it: powers of one random matrix explode (σ_w = 1.41, 100 steps, 150
    units: products 10^10 times too large). The mean over steps needs tied=True, and few steps or a small σ_w.

    kernel: an RNTK of any depth, direction and scales, read out at the last step or as the mean, but without σ_h; for the tangent
    kernel of a rectifier, erf or sin. n_features: in all; for the tangent kernel half of them are states, n of each direction, and M = n
    a direction, shared by its trained layers; for the process' all are states. seed: of the network. tied: above. block: series a pass.
    verbose: as in NystroemFeatures. Computed in the kernel's dtype.

    `fit(X)` takes from X the numbers of channels and steps alone; `transform(X)` returns (n, n_features). Costs O(n (n + M)) a step, where
    landmarks cost O(n_landmarks): at equal time those are far ahead (`python -m benchmarks.random_features`). Memory for n (n + m)
    numbers a step and layer. Raises ValueError for a number of features that the parts do not divide, for kernels that it does not know,
    for longer series than were fitted, and where transform comes before fit.

    Source: Novak, Sohl-Dickstein, Schoenholz, "Fast Finite Width Neural Tangent Kernel", ICML 2022 (the gradients' structure); Zandieh,
    Han, Avron, Shoham, Kim, Shin, "Scaling Neural Tangent Kernels via Sketching and Random Features", NeurIPS 2021 (sketches of
    tangent kernels; theirs are of perceptrons, and of the infinite network).
    """

    kernel: RNTK
    n_features: int = 1000
    seed: int = 0
    tied: bool = False
    block: int = 256
    verbose: int = 0

    def fit(self, X, y=None) -> "RandomFeatures":
        """Draw the network for series of as many channels and at most as many steps as X has; y is not looked at."""
        check_count("block", self.block)
        self._known()
        (_, T, m), rng, dtype = as_sequences(X).shape, np.random.default_rng(self.seed), self.kernel.dtype
        signs, steps = np.array([-1, 1], dtype), 1 if self.tied else T
        n, M, depth = *self._sizes(), self.kernel.depth
        self.networks_ = []
        for _ in self.kernel._ways:
            inputs = [n + (m if layer == 0 else n) + 1 for layer in range(depth)]
            network = {
                "weights": [rng.standard_normal((steps, n, size), dtype) for size in inputs],
                "v": rng.standard_normal(n, dtype),
                "R": [signs[rng.integers(2, size=(n, M))] for _ in inputs[self.kernel.frozen :]],
                "S": [signs[rng.integers(2, size=(size, M))] for size in inputs[self.kernel.frozen :]],
            }
            network["signs"] = np.ones((1, M), dtype) if self.tied else signs[rng.integers(2, size=(T, M))]
            self.networks_.append(network)
        return self

    @shown
    def transform(self, X) -> np.ndarray:
        """The features of X, (n, n_features), a block of series at a time."""
        if not hasattr(self, "networks_"):
            raise ValueError("RandomFeatures has no network yet: call fit first")
        X = as_sequences(X)
        if not self.tied and X.shape[1] > (T := len(self.networks_[0]["signs"])):
            raise ValueError(f"X has {X.shape[1]} steps, and the network was drawn for {T}: fit it to series as long")
        features = np.empty((len(X), self.n_features))
        for start in each(range(0, len(X), self.block), "blocks"):
            rows = X[start : start + self.block]
            parts = []
            for way, network in zip(self.kernel._ways, self.networks_, strict=True):
                parts += self._of_network(network, rows if way == "forward" else rows.reversed())
            features[start : start + self.block] = np.concatenate(parts, axis=1)
        return features

    def fit_transform(self, X, y=None) -> np.ndarray:
        """fit, then transform."""
        return self.fit(X).transform(X)

    def _of_network(self, network: dict, X: Sequences) -> list[np.ndarray]:
        """The states that are read out, (n, width), and the sketches of the trained layers' gradients, (n, M) each."""
        run, n = self._run(network["weights"], X), self._sizes()[0]
        T, phi = X.shape[1], as_nonlinearity(self.kernel.nonlinearity)
        weight = np.zeros((T, len(X)), self.kernel.dtype)  # of a step in what is read out
        if self.kernel.readout == "last":
            weight[-1] = 1
        else:
            weight[np.arange(T)[:, None] >= X.starts] = 1
            weight /= weight.sum(axis=0)
        scale = float(self.kernel.sigma_v) / sqrt(n)
        read = scale * sum(w[:, None] * phi(layers[-1][1]) for w, layers in zip(weight, run, strict=True) if w.any())
        if self.kernel.output == "nngp":
            return [read]
        return [read, *self._sketches(network, X, run, scale * weight)]

    def _run(self, weights: list[np.ndarray], X: Sequences) -> list[list[Step]]:
        """a and g of every layer, for each step."""
        phi, n = as_nonlinearity(self.kernel.nonlinearity), self._sizes()[0]
        h, run = [np.zeros((len(X), n), self.kernel.dtype) for _ in weights], []
        for t in range(X.shape[1]):
            own = -1 if self.tied else t - X.shape[1]
            below, layers, begun = X.values[:, t].astype(self.kernel.dtype), [], (t >= X.starts)[:, None]
            for layer, (w, u, b, _) in enumerate(self.kernel.parameters.layers):
                bias = np.full((len(X), 1), b, self.kernel.dtype)
                a = np.concatenate(
                    [float(w) / sqrt(n) * h[layer], float(u) / sqrt(below.shape[1]) * below, bias], axis=1
                )
                a *= begun
                g = a @ weights[layer][own].T
                below = h[layer] = phi(g) * begun
                layers.append((a, g))
            run.append(layers)
        return run

    def _sketches(self, network: dict, X: Sequences, run: list[list[Step]], weight: np.ndarray) -> list[np.ndarray]:
        """Σ_t (R δ^{(t)}) ∘ (S a^{(t)})/√M of the trained layers, backward through the steps."""
        slope, depth, frozen = slope_of(self.kernel.nonlinearity), self.kernel.depth, self.kernel.frozen
        n, M = self._sizes()
        found = [0.0] * (depth - frozen)
        later = [np.zeros((len(X), n), self.kernel.dtype) for _ in range(depth)]  # ∂f/∂h^{(ℓ,t)} by way of step t + 1
        for t in range(X.shape[1] - 1, -1, -1):
            own = -1 if self.tied else t - X.shape[1]
            above, begun = weight[t][:, None] * network["v"], (t >= X.starts)[:, None]
            for layer in range(depth - 1, frozen - 1, -1):
                a, g = run[t][layer]
                w, u, *_ = self.kernel.parameters.layers[layer]
                delta = begun * slope(g) * (later[layer] + above)
                by_sign = (delta @ network["R"][layer - frozen]) * (a @ network["S"][layer - frozen])
                found[layer - frozen] += network["signs"][own] * by_sign
                by_input = delta @ network["weights"][layer][own]
                later[layer] = float(w) / sqrt(n) * by_input[:, :n]
                above = float(u) / sqrt(n) * by_input[:, n:-1]
        return [sketch / sqrt(M) for sketch in found]

    def _sizes(self) -> tuple[int, int]:
        """n and M."""
        ways, trained = len(self.kernel._ways), self.kernel.depth - self.kernel.frozen
        if self.kernel.output == "nngp" or trained == 0:
            return self.n_features // ways, 0
        n = self.n_features // (2 * ways)
        return n, n // trained

    def _known(self) -> None:
        """Raise ValueError where the kernel, or the number of features, is none that this can do."""
        check_count("n_features", self.n_features)
        if not isinstance(self.kernel, RNTK):
            raise ValueError(f"kernel={self.kernel!r}: RandomFeatures are of networks, and need an RNTK")
        if self.kernel.readout == "mean" and not self.tied:
            raise ValueError(f"{self.kernel!r}: a readout of every step compares different steps: it needs tied=True")
        if self.kernel.readout == "mean_untied" or any(h > 0 for *_, h in self.kernel.parameters.layers):
            raise ValueError(f"{self.kernel!r}: RandomFeatures know readouts 'last' and 'mean', without sigma_h")
        ways, trained = len(self.kernel._ways), self.kernel.depth - self.kernel.frozen
        parts = ways if self.kernel.output == "nngp" or trained == 0 else 2 * ways * trained
        if self.n_features % parts:
            raise ValueError(f"n_features={self.n_features}: a multiple of {parts} is needed for {self.kernel!r}")
        if self.kernel.output == "ntk" and trained:
            slope_of(self.kernel.nonlinearity)


def slope_of(nonlinearity) -> Callable[[np.ndarray], np.ndarray]:
    """φ'. Raises ValueError where it is not known."""
    phi: Nonlinearity = as_nonlinearity(nonlinearity)
    if isinstance(phi, Rectifier):
        return lambda a: np.where(a >= 0, a.dtype.type(1), a.dtype.type(phi.slope))
    if isinstance(phi, Erf):
        return lambda a: 2 / sqrt(np.pi) * np.exp(-a * a)
    if isinstance(phi, Sin):
        return np.cos
    raise ValueError(f"{phi}: the gradients of rectifiers, erf and sin are known; output='nngp' asks for none")
