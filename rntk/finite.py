"""The finite network whose kernels these are, and its empirical kernels (JAX; `pip install rntk[networks]`).

Layer ℓ = 1 … L of width n reads h^{(0,t)} = x_t ∈ R^m (d_1 = m, d_ℓ = n above):

    g^{(ℓ,t)} = σ_w/√n · W h^{(ℓ,t−1)} + σ_u/√d_ℓ · U h^{(ℓ−1,t)} + σ_b b,        h^{(ℓ,t)} = φ(g^{(ℓ,t)}),        h^{(ℓ,0)} = σ_h z

and f(x) = σ_v/√n · v·h^{(L,T)} is read out at the end, as its mean over all steps, or with a v of its own for every step
(over √T). All entries of W, U, b, v are drawn from N(0, 1), and of z anew for every sequence and layer; z is not trained.
A bidirectional network is the sum of two, one of which hears the sequence backward.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

import numpy as np

from rntk.base import check_count
from rntk.extras import needs
from rntk.kernel import RNTK
from rntk.nonlinearities import Erf, Gelu, Quadrature, Rectifier, Sin, as_nonlinearity, sigmoid, tanh
from rntk.sequences import as_pair

with needs("networks"):
    import jax
    import jax.numpy as jnp


@dataclass(frozen=True)
class FiniteNetwork:
    """The network of a kernel at a finite width.

    kernel: an RNTK, whose scales, nonlinearity, depth, frozen layers, readout and direction the network takes. width: units
    of every layer. phi: the nonlinearity as a function of JAX arrays, needed where the kernel's is a function of NumPy's. orthogonal:
    W and U are drawn as √n times orthonormal columns, uniformly, instead of Gaussian; b, v and z stay Gaussian.

    `init(key, m, T, outputs)` draws the parameters, a dictionary of arrays; `apply(parameters, x, z)` is f(x), z from `state(key)`;
    `kernels(parameters, X, Y)` are the tangent kernel and the process' kernel at these parameters, `empirical(X, Y, seed)` those of one
    random network. Arithmetic as JAX is set:
    single precision unless `jax_enable_x64`.

    Raises ValueError for a width below 1, TypeError where a function in JAX is needed.
    """

    kernel: RNTK
    width: int
    phi: Callable | None = None
    orthogonal: bool = False

    def __post_init__(self):
        check_count("width", self.width)
        object.__setattr__(self, "kernel", copy(self.kernel))  # what is compiled is of its parameters as they are now
        object.__setattr__(self, "phi", self.phi or in_jax(self.kernel.nonlinearity))
        object.__setattr__(self, "_compiled", jax.jit(self._features))  # once for all seeds

    @property
    def ways(self) -> tuple[str, ...]:
        """The directions that are summed."""
        return ("forward", "backward") if self.kernel.direction == "both" else (self.kernel.direction,)

    def init(self, key, m: int, T: int = 1, outputs: int | None = None) -> dict[str, dict]:
        """Parameters for sequences of m channels (and T steps, where every step has a readout of its own).

        For each direction: W, U, b, lists of the layers' arrays, and v, (width,) or (T, width); with `outputs`, that many v,
        stacked, and f(x) is a vector.
        """
        n, depth = self.width, self.kernel.depth
        readout = (*([outputs] if outputs else []), *([T] if self.kernel.readout == "mean_untied" else []), n)

        def draw(key, *shape):
            return jax.random.normal(key, shape)

        def weights(key, columns):
            if not self.orthogonal:
                return draw(key, n, columns)
            if columns > n:
                raise ValueError(f"width={n}: orthogonal input weights for {columns} channels need as many units")
            return jnp.sqrt(n) * jax.random.orthogonal(key, n)[:, :columns]

        parameters = {}
        for way, key_way in zip(self.ways, jax.random.split(key, len(self.ways)), strict=True):
            keys = jax.random.split(key_way, 4)
            layers = [jax.random.split(k, depth) for k in keys[:3]]
            parameters[way] = {
                "W": [weights(k, n) for k in layers[0]],
                "U": [weights(k, m if layer == 0 else n) for layer, k in enumerate(layers[1])],
                "b": [draw(k, n) for k in layers[2]],
                "v": draw(keys[3], *readout),
            }
        return parameters

    def state(self, key) -> jnp.ndarray:
        """z of one sequence: (directions, depth, width)."""
        return jax.random.normal(key, (len(self.ways), self.kernel.depth, self.width))

    def apply(self, parameters: dict, x, z, start=0):
        """f(x) of one sequence x, (T, m), that begins at step `start`: a number, or (outputs,)."""
        states = zip(self.ways, self.hidden(parameters, x, z, start), strict=True)
        return sum(self._read(parameters[way]["v"], h, start) for way, h in states)

    def hidden(self, parameters: dict, x, z, start=0) -> list:
        """h^{(L,t)} of every step, (T, width), for each direction; a sequence read backward begins at `start` too."""
        found = []
        for i, way in enumerate(self.ways):
            heard = x if way == "forward" else jnp.roll(x[::-1], start, axis=0)
            found.append(self._run(parameters[way], heard, z[i], start))
        return found

    def _run(self, layers: dict, x, z, start):
        p, n = self.kernel.parameters, self.width

        def step(h, heard):
            t, below = heard
            states = []
            for layer, (w, u, b, _) in enumerate(p.layers):
                W, U, bias = (layers[name][layer] for name in "WUb")
                g = w / jnp.sqrt(n) * (W @ h[layer]) + u / jnp.sqrt(len(below)) * (U @ below) + b * bias
                below = jnp.where(t >= start, self.phi(g), h[layer])
                states.append(below)
            return jnp.stack(states), below

        first = z * jnp.array([h for *_, h in p.layers])[:, None]
        return jax.lax.scan(step, first, (jnp.arange(len(x)), x))[1]

    def _read(self, v, h, start):
        T = len(h) - start
        scale = self.kernel.sigma_v / jnp.sqrt(self.width)
        if self.kernel.readout == "last":
            return scale * v @ h[-1]
        begun = (jnp.arange(len(h)) >= start)[:, None]
        if self.kernel.readout == "mean":
            return scale * v @ (begun * h).sum(0) / T
        return scale * (v * h).sum((-2, -1)) / jnp.sqrt(T)

    def empirical(self, X, Y=None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The kernels of one random network: ⟨∂f(x)/∂θ, ∂f(y)/∂θ⟩ over its trained parameters θ, and the covariance of f(x)
        and f(y) over the readout's. Arrays (n_x, n_y).

        X and Y as the kernel takes them; Y=None compares X with itself.
        """
        X, Y = as_pair(X, Y, ragged=True)
        key, *_ = jax.random.split(jax.random.PRNGKey(seed), 3)
        return self.kernels(self.init(key, X.shape[2], X.shape[1]), X, Y, seed)

    def kernels(self, parameters: dict, X, Y=None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The kernels of `empirical` at given parameters; `seed` is that of the initial states."""
        X, Y = as_pair(X, Y, ragged=True)
        _, *keys = jax.random.split(jax.random.PRNGKey(seed), 3)
        sets = [(Z, k) for Z, k in zip((X, Y), keys, strict=True) if Z is not None]
        features = [self._compiled(parameters, jnp.asarray(Z.values), jnp.asarray(Z.starts), k) for Z, k in sets]
        return tuple(np.asarray(a @ b.T) for a, b in zip(features[0], features[-1], strict=True))

    def _features(self, parameters: dict, values, starts, key):
        """Vectors whose products are the two kernels, a row for each sequence."""
        states = jax.vmap(self.state)(jax.random.split(key, len(values)))
        trained = {way: self._trained(layers) for way, layers in parameters.items()}

        def flat(tree):
            return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(tree)])

        def features(x, z, start):
            def f(some):
                return self.apply({way: self._with(parameters[way], some[way]) for way in self.ways}, x, z, start)

            gradient = jax.grad(f)(trained)
            by_readout = {way: gradient[way]["v"] for way in self.ways}
            return flat(gradient), flat(by_readout)

        return jax.lax.map(lambda one: features(*one), (values, states, starts))

    def _trained(self, layers: dict) -> dict:
        return {name: layers[name][self.kernel.frozen :] for name in "WUb"} | {"v": layers["v"]}

    def _with(self, layers: dict, trained: dict) -> dict:
        """All parameters of a direction, the frozen ones as they are."""
        return {name: layers[name][: self.kernel.frozen] + trained[name] for name in "WUb"} | {"v": trained["v"]}


def in_jax(nonlinearity) -> Callable:
    """A nonlinearity as a function of JAX arrays. Raises TypeError where that is not known."""
    phi = as_nonlinearity(nonlinearity)
    if isinstance(phi, Rectifier):
        return lambda a: jnp.where(a >= 0, a, phi.slope * a)
    if isinstance(phi, Quadrature) and phi.function in (tanh, sigmoid):
        return jnp.tanh if phi.function is tanh else jax.nn.sigmoid
    known = {Erf: jax.scipy.special.erf, Sin: jnp.sin, Gelu: lambda a: jax.nn.gelu(a, approximate=False)}
    if type(phi) not in known:
        raise TypeError(f"{phi} is not known in JAX: give FiniteNetwork the function as `phi`")
    return known[type(phi)]
