"""Kernels that misbehave, named by `_target_` in the tests' studies."""

import os
from dataclasses import dataclass

import numpy as np

from baselines import RBF


@dataclass
class Broken(RBF):
    """Raises what no kernel should."""

    def _gram(self, pairs):
        raise RuntimeError("broken on purpose")


@dataclass
class Deadly(RBF):
    """Takes its process with it, as the kernel of an operating system does when memory runs out."""

    def _gram(self, pairs):
        os.kill(os.getpid(), 9)


@dataclass
class Partial(RBF):
    """Cannot be computed for γ > 1, is not finite at γ = 1, and has no positive diagonal at γ = 0.5."""

    def _gram(self, pairs):
        if self.gamma > 1:
            raise ValueError("too large")
        K = super()._gram(pairs)
        return {1.0: K * np.nan, 0.5: K * 0}.get(float(self.gamma), K)


@dataclass
class Indifferent(RBF):
    """The same kernel whatever γ is: every setting ties."""

    def _gram(self, pairs):
        return np.exp(-pairs)
