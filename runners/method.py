"""A method: what classifies a dataset. A kernel with its grid and the C-SVM, a network that is trained, or a classifier of its own."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from itertools import product
from math import prod
from pathlib import Path
from sysconfig import get_path
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate

from datasets.lengths import LENGTHS
from datasets.trust import check_trusted
from results.names import check_name
from rntk.normalisation import NORMALISATIONS

# what the study calls, of each kind
CALLS = {
    "kernel": ("__call__", "set_params"),
    "network": ("init", "logits", "with_params", "set_params"),
    "classifier": ("fit", "predict", "set_params"),
}

# what a method may need beyond the study's own packages, by the extra of pyproject.toml that brings it
EXTRAS = {"networks": ("jax", "optax", "equinox"), "context": ("dtaidistance",)}


@dataclass(frozen=True)
class Method:
    """A method as its config says: `kernel` (or `network`, or `classifier`) has a `_target_`, the class, and its parameters.

    A parameter given as a list is an axis of the grid, searched by cross-validation inside the task. `normalisation`
    replaces the protocol's; "published" is what the archive's own 1-NN errors were computed on (`ed_preprocessing` of
    the catalogue). `lengths` brings series of different lengths to one (`datasets.lengths`); without it they are compared as they
    are, by what can.
    """

    name: str
    kernel: dict[str, Any] | None = None
    network: dict[str, Any] | None = None
    classifier: dict[str, Any] | None = None
    normalisation: str | None = None
    lengths: str | None = None
    axes: dict[str, list] = field(init=False)

    def __post_init__(self):
        check_name("method.name", self.name)
        if [self.kernel, self.network, self.classifier].count(None) != 2:
            raise ValueError(f"method {self.name!r}: exactly one of `kernel`, `network` and `classifier` is needed")
        if "_target_" not in self.config:
            raise ValueError(f"method {self.name!r}: its {self.kind} needs a `_target_`, the class to use")
        for target in targets(self.config):
            check_trusted(f"method {self.name!r}", target)
        if self.normalisation not in (None, "published", *NORMALISATIONS):
            raise ValueError(
                f"method {self.name!r}: normalisation={self.normalisation!r}: choose one of published, {', '.join(NORMALISATIONS)}"
            )
        if self.lengths not in (None, *LENGTHS):
            raise ValueError(f"method {self.name!r}: lengths={self.lengths!r}: choose one of {', '.join(LENGTHS)}")
        if self.lengths and self.normalisation == "published":
            raise ValueError(
                f"method {self.name!r}: normalisation=published pads series to the width of the archive's files: leave `lengths` out"
            )
        axes = {name: value for name, value in self.config.items() if isinstance(value, list)}
        empty = [name for name, values in axes.items() if not values]
        if empty:
            raise ValueError(f"method {self.name!r}: the list of {empty[0]} is empty: give at least one value")
        object.__setattr__(self, "axes", axes)

    @property
    def kind(self) -> str:
        """Which of the kinds of CALLS the method is."""
        return next(kind for kind in CALLS if getattr(self, kind) is not None)

    @property
    def config(self) -> dict[str, Any]:
        """The part of the method that is instantiated."""
        return getattr(self, self.kind)

    @property
    def absent(self) -> str:
        """What must be installed before the method can run, and how; "" where all is there."""
        return absent_of(self.extra) if self.extra else ""

    @property
    def extra(self) -> str | None:
        """The one of EXTRAS that the method needs."""
        if self.network:
            return "networks"
        return "context" if self.config["_target_"].startswith("baselines.warping.") else None

    @property
    def packages(self) -> dict[str, str]:
        """Versions of what brings the method's class, where that is not the study itself, and of its extra's packages."""
        found = {name: version(name) for name in EXTRAS.get(self.extra, ())}
        return found | dict(filter(None, [distribution_of(self.config["_target_"])]))

    @property
    def n_settings(self) -> int:
        """Number of settings of the grid (C not counted)."""
        return prod(len(values) for values in self.axes.values())

    def settings(self) -> Iterator[dict[str, Any]]:
        """The settings of the grid in its order: the last axis runs fastest."""
        for values in product(*self.axes.values()):
            yield dict(zip(self.axes, values, strict=True))

    def parameters(self, setting: dict[str, Any]) -> dict[str, Any]:
        """All parameters at a setting of the grid, the fixed ones included."""
        return {name: value for name, value in {**self.config, **setting}.items() if name != "_target_"}

    def build(self, setting: dict[str, Any] | None = None):
        """The kernel or classifier at a setting, the first by default.

        Raises ValueError for what the class refuses, naming the method.
        """
        setting = setting if setting is not None else next(self.settings())
        try:
            return instantiate({**self.config, **setting}, _convert_="all")
        except InstantiationException as error:
            cause = error.__cause__ or error
            raise ValueError(f"method {self.name!r}: {str(cause).splitlines()[0]}") from error

    def validate(self) -> "Method":
        """Build every setting of the grid once, so that a bad value is refused before anything is computed.

        Returns the method. One whose packages are not there is taken as it is.
        """
        if self.absent:
            return self
        built = self.build()
        absent = [name for name in CALLS[self.kind] if not hasattr(built, name)]
        if absent:
            raise ValueError(
                f"method {self.name!r}: {self.config['_target_']} has no {absent[0]}, which the study calls"
            )
        for setting in self.settings():
            try:
                built.set_params(**setting)
            except (ValueError, TypeError) as error:
                raise ValueError(f"method {self.name!r}: {error}") from error
        return self

    @property
    def code(self) -> str | None:
        """A hash of the file in which the method's class stands, and before it name and version of the package that was installed
        with it, whose other files count as much; None for our own, whose changes the protocol counts.
        """
        target = self.config["_target_"]
        if target.split(".")[0] in ("rntk", "baselines"):
            return None
        return " ".join([*(distribution_of(target) or ()), hash_of_source(target) or ""]).strip() or None

    def as_dict(self) -> dict:
        """The method as plain values, with its whole grid, for keys and records."""
        chosen = {name: getattr(self, name) for name in (*CALLS, "normalisation", "lengths")}
        return {"name": self.name, **{name: value for name, value in chosen.items() if value is not None}}


def targets(config) -> Iterator[str]:
    """Every `_target_` of a config, at any depth."""
    if isinstance(config, dict):
        if "_target_" in config:
            yield str(config["_target_"])
        config = list(config.values())
    if isinstance(config, list):
        for item in config:
            yield from targets(item)


def absent_of(extra: str) -> str:
    """Which packages of one of EXTRAS are not there, and how to install them; "" where all are."""
    absent = [name for name in EXTRAS[extra] if find_spec(name) is None]
    return f"needs {' and '.join(absent)}: pip install '.[{extra}]'" if absent else ""


@cache
def hash_of_source(target: str) -> str | None:
    """The SHA-256 of the file in which a class stands; None where there is none to read."""
    try:
        with open(inspect.getsourcefile(get_object(target)), "rb") as file:
            return sha256(file.read()).hexdigest()
    except Exception:  # not importable, or not written in Python: who builds it says what is wrong
        return None


@cache
def distribution_of(target: str) -> tuple[str, str] | None:
    """Name and version of the installed package that a class stands in; None where it is in a file of one's own."""
    try:
        inside = Path(inspect.getfile(get_object(target))).is_relative_to(get_path("purelib"))
        (name,) = packages_distributions()[target.split(".")[0]]
    except Exception:  # not importable, or of no package or of several
        return None
    return (name, version(name)) if inside else None
