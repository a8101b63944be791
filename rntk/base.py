"""What every kernel object shares: its call, its parameters, their checks."""

import sys
import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import fields
from functools import cache
from importlib import import_module
from itertools import count
from numbers import Integral, Real
from typing import Any

import numpy as np

from rntk.machine import require
from rntk.sequences import Sequences, as_pair

FLOAT_MAX = sys.float_info.max  # NaN compares as not below it, and so does a whole number too large for a float
MANY_PAIRS = 100  # calls for a pair each, after which a caller is told that there is a faster way
# what Gaussian processes ask of a kernel, and no one else
OF_PROCESSES = ("requires_vector_input", "theta", "bounds", "n_dims", "hyperparameters", "clone_with_theta")


class Parametrised:
    """A dataclass whose fields are parameters that scikit-learn can read, set and clone.

    Those of a parameter that has parameters itself are named with two underscores between, `kernel__sigma_w`. Its
    repr shows what differs from the default.
    """

    def get_params(self, deep: bool = True) -> dict:
        """The parameters by name; if `deep`, also those of the parameters that have some."""
        params = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in list(params.items()) if deep else ():
            if hasattr(value, "get_params") and not isinstance(value, type):
                params |= {f"{name}__{inner}": one for inner, one in value.get_params().items()}
        return params

    def set_params(self, **params):
        """Set parameters by name.

        Raises ValueError for an unknown name or an invalid value, and then changes nothing.
        """
        vars(self).update(vars(self.with_params(**params)))
        return self

    def with_params(self, **params):
        """A copy with other parameters; raises ValueError for an unknown name or an invalid value."""
        other, inner = copy(self), {}
        for name, value in params.items():
            owner, _, of_owner = name.partition("__")
            if owner not in self.__dataclass_fields__:
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}: it has {', '.join(self.__dataclass_fields__)}"
                )
            if of_owner:
                inner.setdefault(owner, {})[of_owner] = value
            else:
                setattr(other, name, value)
        for owner, values in inner.items():
            value = copy(getattr(other, owner))
            if not hasattr(value, "set_params"):
                raise ValueError(f"{owner}={value!r} has no parameters: {', '.join(values)} cannot be set")
            setattr(other, owner, value.set_params(**values))
        other.__post_init__()
        return other

    def __post_init__(self):
        """What is to be checked of the parameters, if anything."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._shown(lambda field, value: not is_default(field, value)))})"

    def described(self) -> str:
        """All parameters in full: what is written where the object must be known again."""
        return f"{type(self).__qualname__}({', '.join(self._shown(lambda field, value: True))})"

    def _shown(self, wanted: Callable) -> list[str]:
        values = ((field, getattr(self, field.name)) for field in fields(self))
        return [f"{field.name}={value!r}" for field, value in values if wanted(field, value)]


def is_default(field, value) -> bool:
    """Whether a field of a dataclass has its default. (Of arrays nobody knows, and they are shown.)"""
    return value is field.default or (isinstance(value, str | Real) and value == field.default)


class Kernel(Parametrised):
    """A positive semidefinite kernel of sequences: `k(X, Y=None)` is the Gram matrix, `k.diag(X)` its diagonal.

    Subclasses are dataclasses whose fields are the hyperparameters. They write `_validate`; `_pairs(X, Y)`, what the
    Gram needs of the sequences whatever the hyperparameters are; `_gram(pairs)`, the Gram from that; and `_diag(X)`.
    X and Y are checked `Sequences`, of equal lengths unless `takes_unequal_lengths`, and Y is None stands for X with itself.
    """

    takes_unequal_lengths = False  # whether sequences of different lengths can be compared
    _arrays = 3  # how many arrays of the Gram's size it takes to compute it
    _order = 2  # to which power of |x| k(x, x) goes where x is small

    def __post_init__(self):
        self._validate()
        if "sklearn.metrics.pairwise" in sys.modules:
            introduce()

    def __hash__(self) -> int:
        """Of the class alone: equal kernels are of one class, and parameters may change. (A dataclass must take it over.)"""
        return hash(type(self))

    def __call__(self, X, Y=None) -> np.ndarray | float:
        """The Gram matrix, float64 of shape (n_x, n_y): k(x, y) for every sequence of X and of Y, or of X with itself
        when Y is None.

        X and Y have shape (n, T) or (n, T, m), or are lists of arrays (T_i, m). Two arrays of shape (T,) are two series, whose
        kernel is a number: so a library calls a function of which it knows nothing, and is slow.

        Raises ValueError where a parameter or an input is not valid, MemoryError where the result will not fit.
        """
        self._validate()
        if all(isinstance(x, np.ndarray) and x.ndim == 1 and x.dtype != object for x in (X, Y)):
            if next(single) == MANY_PAIRS:
                advise()
            return float(self(X[None], None if Y is X else Y[None])[0, 0])
        X, Y = as_pair(X, Y, self.takes_unequal_lengths)
        self._foresee(len(X), len(X if Y is None else Y))
        self._refuse_lost(X, Y)
        return self._gram(self._pairs(X, Y))

    def over(self, X) -> Callable[[dict[str, Any]], np.ndarray]:
        """A function that gives the Gram of X with itself at a setting of the hyperparameters, a dictionary by name; the kernel
        itself stays as it is.

        What the settings of a grid share (the checks, the layout, distances and products of pairs) is computed once.
        """
        X, _ = as_pair(X, ragged=self.takes_unequal_lengths)
        self._foresee(len(X), len(X))
        pairs = self._pairs(X, None)

        def gram(setting: dict[str, Any]) -> np.ndarray:
            kernel = self.with_params(**setting)
            kernel._refuse_lost(X)
            return kernel._gram(pairs)

        return gram

    def without_factor(self, setting: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """A setting of the same kernel but for a positive factor, and the factor.

        Settings that differ by a factor share one Gram.
        """
        return setting, 1.0

    def diag(self, X) -> np.ndarray:
        """k(x, x) of every sequence of X: the diagonal of `k(X)`, shape (n,), without the rest of it."""
        self._validate()
        X, _ = as_pair(X, ragged=self.takes_unequal_lengths)
        self._refuse_lost(X)
        return self._diag(X)

    def _joined(self, *_):
        """Sums, products and powers of kernels are scikit-learn's."""
        raise TypeError(
            f"{self!r} is a function, and no operand: sums, products and powers are those of GPKernel, as in "
            f"GPKernel({self!r}) + WhiteKernel() (from rntk.gaussian_process import GPKernel)"
        )

    __add__ = __radd__ = __mul__ = __rmul__ = __pow__ = _joined

    def __getattr__(self, name: str):
        """Whoever takes the kernel for one of Gaussian processes is told which object is one."""
        if name in OF_PROCESSES:
            raise AttributeError(
                f"{type(self).__name__} has no {name!r}, which Gaussian processes ask for: give them GPKernel({self!r}) "
                f"(from rntk.gaussian_process import GPKernel)"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _foresee(self, n_x: int, n_y: int) -> None:
        """Raise MemoryError if a Gram of n_x × n_y, and the arrays of its size that computing it takes, will not fit."""
        dtype = getattr(self, "dtype", "float64")
        require(
            self._arrays * n_x * n_y * np.dtype(dtype).itemsize,
            f"a Gram of {n_x} × {n_y} {dtype} by {type(self).__name__}",
            "compute it in blocks (rntk.gram_blocks, rntk.gram_file), or use landmarks (rntk.NystroemFeatures)",
        )

    def _refuse_lost(self, X: Sequences, Y: Sequences | None = None) -> None:
        """Raise ValueError where a sequence's values are so small that the dtype loses k(x, x): the Gram would hold zeros."""
        dtype = getattr(self, "dtype", "float64")
        least = float(np.finfo(dtype).tiny)
        for name, those in (("X", X),) if Y is None else (("X", X), ("Y", Y)):
            faint = np.flatnonzero(
                (those.peaks > 0) & (those.peaks < (least / np.finfo(dtype).eps) ** (1 / self._order))
            )
            lost = faint[self._diag(those[faint]) < least] if len(faint) else faint
            if len(lost):
                wider = ', or take dtype="float64"' if dtype != "float64" else ""
                raise ValueError(
                    f"sequence {lost[0]} of {name} holds nothing above {those.peaks[lost[0]]:.2g}: its kernel k(x, x) is below "
                    f"{least:.2g}, which {dtype} loses. Multiply all sequences by one number first{wider}"
                )

    def _check(self, *names: str, positive: bool = False, whole: bool = False):
        """Raise ValueError unless each named parameter is a finite number in its range."""
        for name in names:
            check_number(name, getattr(self, name), type(self).__name__, positive, whole)


single = count(1)  # calls of this process for a pair each


def advise() -> None:
    """Say what to give a library that calls a kernel for one pair after another."""
    introduce()
    warn_once(
        f"a kernel has been called for {MANY_PAIRS} pairs of series one by one, which is slow: give KernelRidge, Nystroem and "
        "Gaussian processes GPKernel(k) (from rntk.gaussian_process), and KernelPCA, SpectralClustering and "
        'others the Gram k(X), as kernel="precomputed" or affinity="precomputed"'
    )


@cache
def warn_once(message: str) -> None:
    """Warn, once a process."""
    warnings.warn(message, stacklevel=4)


@cache
def introduce() -> None:
    """Let scikit-learn's pairwise functions call kernels once with all series, as they do those of its own.

    For them alone it matters that a kernel of this package counts as one of theirs; `Kernel.__getattr__` says what to give
    to a Gaussian process. (Not imported above: this package does without scikit-learn, and this is called once that is there.)
    """
    import_module("sklearn.gaussian_process.kernels").Kernel.register(Kernel)


def is_number(value) -> bool:
    """Whether a value is a real number. A float is known at once: to ask an abstract class takes a microsecond."""
    return type(value) is float or (isinstance(value, Real) and not isinstance(value, bool))


def check_number(name: str, value, owner: str, positive: bool = False, whole: bool = False) -> None:
    """Raise ValueError unless `value`, the parameter `name` of `owner`, is a finite number in its range."""
    if (
        not is_number(value)
        or not abs(value) <= FLOAT_MAX
        or value < 0
        or (positive and value == 0)
        or (whole and value != int(value))
    ):
        rule = f"a {'whole' if whole else 'finite'} number {'> 0' if positive else '>= 0'}"
        raise ValueError(f"{name}={value!r}: {owner} needs {name} to be {rule}")


def check_choice(name: str, value, valid) -> None:
    """Raise ValueError unless `value` is one of `valid`; the message lists them, the most similar first."""
    if value not in list(valid):
        from difflib import SequenceMatcher

        nearest = sorted(valid, key=lambda other: -SequenceMatcher(None, str(value).lower(), other.lower()).ratio())
        raise ValueError(f"{name}={value!r} is unknown: choose one of {', '.join(nearest)}")


def check_count(name: str, value, least: int = 1) -> None:
    """Raise ValueError unless `value` is a whole number of at least `least`."""
    if not (isinstance(value, Integral) and value >= least):
        raise ValueError(f"{name}={value!r}: a whole number of at least {least} is needed")


def square(scale: float) -> float:
    """σ² as a float, infinite where it overflows (`**` would raise), whatever kind of number σ is."""
    return float(scale) * float(scale)
