"""Kernels that misbehave, named by `_target_` in the tests' studies."""

import os
import time
from dataclasses import dataclass

import numpy as np

from baselines import RBF
from results import store


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
class Mute(RBF):
    """Takes its process with it as soon as the record is written, before any answer."""

    def _gram(self, pairs):
        write = store.write

        def write_and_end(*arguments):
            write(*arguments)
            os.kill(os.getpid(), 9)

        store.write = write_and_end
        return super()._gram(pairs)


@dataclass
class Slow(RBF):
    """Takes a minute for each Gram."""

    def _gram(self, pairs):
        time.sleep(60)
        return super()._gram(pairs)


@dataclass
class Unhurried(RBF):
    """Takes a second for each Gram."""

    def _gram(self, pairs):
        time.sleep(1)
        return super()._gram(pairs)


@dataclass
class Greedy(RBF):
    """Takes a GiB for each Gram."""

    def _gram(self, pairs):
        return super()._gram(pairs) + np.ones(2**27)[0] - 1


@dataclass
class Rounded(RBF):
    """A Gram that is symmetric but for rounding: 1e-7 more above the diagonal."""

    def _gram(self, pairs):
        return super()._gram(pairs) + 1e-7 * np.triu(np.ones_like(pairs), 1)


@dataclass
class Partial(RBF):
    """Cannot be computed for γ > 1, and is 0 at γ = 0.5."""

    def _gram(self, pairs):
        if self.gamma > 1:
            raise ValueError("too large")
        return super()._gram(pairs) * (self.gamma != 0.5)


@dataclass
class Indifferent(RBF):
    """The same kernel whatever γ is: every setting ties."""

    def _gram(self, pairs):
        return np.exp(-pairs)


@dataclass
class Spy(RBF):
    """Notes the shapes of the Grams that it was asked for."""

    shapes = []  # noqa: RUF012, of the class, whatever is copied

    def _gram(self, pairs):
        self.shapes.append(pairs.shape)
        return super()._gram(pairs)


class Faulty:
    """The kernels of a user's own that follow: called with arrays, no more than that."""

    def __init__(self, gamma=1.0):
        self.gamma = gamma

    def set_params(self, **params):
        vars(self).update(params)
        return self

    def __call__(self, X, Y=None):
        return RBF(self.gamma)(X, Y)


class Wide(Faulty):
    """A column too many."""

    def __call__(self, X, Y=None):
        K = super().__call__(X, Y)
        return np.hstack([K, K[:, :1]])


class Turned(Faulty):
    """Test and training series in each other's place."""

    def __call__(self, X, Y=None):
        K = super().__call__(X, Y)
        return K if Y is None else K.T


class Undefined(Faulty):
    """NaN everywhere but on the diagonal."""

    def __call__(self, X, Y=None):
        K = super().__call__(X, Y)
        return np.where(K == 1, K, np.nan)


class Lopsided(Faulty):
    """The first row is 1."""

    def __call__(self, X, Y=None):
        K = super().__call__(X, Y)
        K[0] = 1
        return K
