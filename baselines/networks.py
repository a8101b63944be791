"""Recurrent networks that are trained: those that the kernel is the limit of, and the GRU that is used in their place (JAX;
`pip install rntk[networks]`).

Each reads a sequence x of T steps of m channels and gives a number for every class, f(x) = V h̄ up to a scale, from the states
of its last layer: h̄ = h^{(L,T)} (readout "last"), or their mean over all steps ("mean").
"""

from dataclasses import dataclass
from math import sqrt

import equinox as eqx
import jax
import jax.numpy as jnp

from rntk import RNTK
from rntk.base import Parametrised, check_choice, check_count, check_number
from rntk.finite import FiniteNetwork


@dataclass
class Network(Parametrised):
    """A network and how it is trained: RMSProp on the cross-entropy, the gradient clipped.

    depth, width: layers, and units of each. readout: "last" or "mean". learning_rate > 0. epochs: passes over the training set, at
    most. patience: epochs without a better validation score after which a training ends. batch: series a step. clip: the
    norm to which a longer gradient is shortened. folds: of the cross-validation; None for the protocol's. seeds: how many
    networks are trained with the chosen setting, each from a draw of its own.

    Subclasses write `init(key, m, classes)`, parameters as a tree of arrays, and `logits(parameters, x, start)`, (classes,), of one
    sequence x, (T, m), that begins at step `start`. Raises ValueError for a parameter out of range.
    """

    depth: int = 1
    width: int = 100
    learning_rate: float = 0.01
    readout: str = "last"
    epochs: int = 200
    patience: int = 5
    batch: int = 16
    clip: float = 1.0
    folds: int | None = None
    seeds: int = 3

    def __post_init__(self):
        for name in ("depth", "width", "epochs", "patience", "batch", "seeds"):
            check_count(name, getattr(self, name))
        for name in ("learning_rate", "clip"):
            check_number(name, getattr(self, name), type(self).__name__, positive=True)
        check_choice("readout", self.readout, ("last", "mean"))
        if self.folds is not None:
            check_count("folds", self.folds)
            if self.folds < 2:
                raise ValueError(f"folds={self.folds!r}: at least 2 are needed, or None for the protocol's")


class GaussianRNN(Network):
    """The network of the kernel, a ReLU RNN in the tangent parametrisation, with the paper's scales: all parameters from N(0, 1),

        h^{(ℓ,t)} = φ(σ_w/√n W h^{(ℓ,t−1)} + σ_u/√d U h^{(ℓ−1,t)}),   f(x) = σ_v/√n V h̄,   σ_w = σ_v = √2, σ_u = 1, σ_b = σ_h = 0

    (`rntk.finite`, with an output for every class).
    """

    @property
    def _finite(self) -> FiniteNetwork:
        kernel = RNTK(sigma_w=sqrt(2), sigma_v=sqrt(2), depth=self.depth, readout=self.readout)
        return FiniteNetwork(kernel, self.width)

    def init(self, key, m: int, classes: int) -> dict:
        """Parameters for m channels and so many classes."""
        return self._finite.init(key, m, outputs=classes)

    def logits(self, parameters: dict, x, start=0):
        """f(x), (classes,)."""
        return self._finite.apply(parameters, x, jnp.zeros((1, self.depth, self.width)), start)


class IdentityRNN(GaussianRNN):
    """The same network with recurrent weights that begin as the identity, and biases, which begin at 0 and are trained: σ_w/√n W = I,
    σ_w = σ_b = 1.

    Source: Le, Jaitly, Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", 2015; the input weights
    here are N(0, 1), as series are of unit norm.
    """

    @property
    def _finite(self) -> FiniteNetwork:
        kernel = RNTK(sigma_w=1.0, sigma_b=1.0, sigma_v=sqrt(2), depth=self.depth, readout=self.readout)
        return FiniteNetwork(kernel, self.width)

    def init(self, key, m: int, classes: int) -> dict:
        """Parameters for m channels and so many classes."""
        layers = self._finite.init(key, m, outputs=classes)["forward"]
        identity = sqrt(self.width) * jnp.eye(self.width)
        return {"forward": layers | {"W": [identity] * self.depth, "b": [jnp.zeros(self.width)] * self.depth}}


class GRU(Network):
    """Gated recurrent units, as equinox has them: all parameters uniform on ±1/√n at first.

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder", EMNLP 2014.
    """

    def init(self, key, m: int, classes: int) -> dict:
        """Parameters for m channels and so many classes."""
        *keys, last = jax.random.split(key, self.depth + 1)
        sizes = [m] + [self.width] * (self.depth - 1)
        cells = [eqx.nn.GRUCell(size, self.width, key=k) for size, k in zip(sizes, keys, strict=True)]
        return {"cells": cells, "readout": eqx.nn.Linear(self.width, classes, key=last)}

    def logits(self, parameters: dict, x, start=0):
        """f(x), (classes,)."""

        def step(states, heard):
            t, below = heard
            after = []
            for cell, h in zip(parameters["cells"], states, strict=True):
                below = jnp.where(t >= start, cell(below, h), h)
                after.append(below)
            return after, below

        first = [jnp.zeros(self.width)] * self.depth
        h = jax.lax.scan(step, first, (jnp.arange(len(x)), x))[1]
        begun = (jnp.arange(len(x)) >= start)[:, None]
        return parameters["readout"](h[-1] if self.readout == "last" else (begun * h).sum(0) / (len(x) - start))
