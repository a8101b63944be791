"""Skeletons for a study of one's own, written into the current folder: files that run as they are, to be changed.

python -m runners.new study mine       # conf/study/mine.yaml
python -m runners.new method mine      # conf/method/mine.yaml: a kernel that there is, with a grid of one's own
python -m runners.new kernel mine      # mine.py and conf/method/mine.yaml: a kernel of one's own
python -m runners.new dataset mine     # mine.py: a function that returns series and labels

Nothing is overwritten. The commands of the study find `conf` in the folder that they are run in.
"""

import argparse
import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from results.writing import write_text
from runners.overrides import CONF, OWN

STUDY = """\
# @package _global_
# A study of one's own: python -m runners.reproduce study={name}
defaults:
  - /method@methods.rntk: rntk # a method, of ours or of conf/method: its key here, its file there
  - /method@methods.rbf: rbf
  - _self_

study:
  name: {name} # results are written to outputs/{name}
  datasets: # names of the archive; paths, /data/Sines; functions, sines.load_sines; or one folder of datasets
    - GunPoint
    - ItalyPowerDemand

methods: # what is not as the method's file has it: here, smaller grids
  rntk:
    kernel:
      sigma_w: [1.34, 1.4142135623730951]
      sigma_b: [0, 0.1]
      sigma_h: 0
"""

METHOD = """\
# A method of one's own: python -m runners.run dataset=GunPoint method={name}
name: {name} # in tables and records
kernel: # or classifier: a class with fit, predict and set_params, of scikit-learn, sktime or one's own
  _target_: rntk.RNTK
  sigma_w: [1.34, 1.4142135623730951] # a list is searched by cross-validation
  sigma_b: [0, 0.1]
  readout: last
# normalisation: zscore # of each series; without it the protocol's, unit
# lengths: resample # or pad, cut: for series of unequal lengths, where a kernel needs one length
"""

OWN_METHOD = """\
# The kernel of {name}.py: python -m runners.run dataset=GunPoint method={name}
name: {name} # in tables and records
kernel:
  _target_: {name}.{kind}
  width: [0.3, 1, 3] # a list is searched by cross-validation
"""

KERNEL = '''\
"""A kernel of one's own, for conf/method/{name}.yaml."""

import numpy as np
from scipy.spatial.distance import cdist


class {kind}:
    """k(x, y) = exp(-|x - y| / width)."""

    def __init__(self, width=1.0):
        self.set_params(width=width)

    def set_params(self, width):
        """Called with each setting of the grid; a ValueError refuses it, and the others go on."""
        if width <= 0:
            raise ValueError(f"width={{width!r}} must be > 0")
        self.width = width
        return self

    def __call__(self, X, Y=None):
        """The Gram of X, (n, T), or (n, T, m) of m channels, with Y, or with itself: symmetric and finite."""
        x, y = (np.reshape(Z, (len(Z), -1)) for Z in (X, X if Y is None else Y))
        return np.exp(-cdist(x, y) / self.width)
'''

DATASET = '''\
"""A dataset of one's own: python -m runners.run dataset={name}.load_{name} method=rbf"""

import numpy as np


def load_{name}():
    """X_train, y_train, X_test, y_test; or X, y alone, of which 30 % become the test, stratified by class.

    X is an array (n, T), or (n, T, m) of m channels, or a list of arrays (T_i,) or (T_i, m); y holds labels of any kind. It must
    return the same each time: results are known by a hash of what it returns.
    """
    rng = np.random.default_rng(0)
    t = np.linspace(0, 1, 50)
    y = np.repeat(["slow", "fast"], 30)
    speed = np.where(y == "slow", 2, 3)
    X = np.sin(2 * np.pi * (speed[:, None] * t + rng.uniform(size=(60, 1)))) + 0.5 * rng.normal(size=(60, 50))
    return X, y
'''

NEXT = {
    "study": "python -m runners.reproduce study={name}",
    "method": "python -m runners.run dataset=GunPoint method={name}",
    "kernel": "python -m runners.run dataset=GunPoint method={name}",
    "dataset": "python -m runners.run dataset={name}.load_{name} method=rbf",
}


def files(what: str, name: str) -> dict[Path, str]:
    """The files of a skeleton, and what they hold."""
    kind = "".join(part.capitalize() for part in name.split("_"))
    of_kernel = {Path(f"{name}.py"): KERNEL, OWN / "method" / f"{name}.yaml": OWN_METHOD}
    templates = {
        "study": {OWN / "study" / f"{name}.yaml": STUDY},
        "method": {OWN / "method" / f"{name}.yaml": METHOD},
        "kernel": of_kernel,
        "dataset": {Path(f"{name}.py"): DATASET},
    }
    return {path: text.format(name=name, kind=kind) for path, text in templates[what].items()}


def write(what: str, name: str) -> list[Path]:
    """Write the skeleton of a study, method, kernel or dataset into the current folder; returns its files.

    Raises ValueError for a name that is taken, there or by us, or is none, before anything is written.
    """
    if not re.fullmatch(r"[a-zA-Z]\w*", name, re.ASCII) or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is no name: letters, digits and _ are, and a letter first")
    written = files(what, name)
    for path in written:
        if path.exists():
            raise ValueError(f"{path} is there already, and nothing is overwritten: choose another name")
        if path.suffix == ".py" and find_spec(name):
            raise ValueError(f"{name} is the name of a Python package that is installed: choose another")
        if path.suffix == ".yaml" and (CONF / path.relative_to(OWN)).exists():
            raise ValueError(f"{name} is the name of a {path.parent.name} of ours: choose another")
    for path, text in written.items():
        write_text(path, text)
    return list(written)


def main() -> int:
    """Write what the command line asks for, and say what to run next."""
    parser = argparse.ArgumentParser(
        prog="python -m runners.new",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=list(NEXT))
    parser.add_argument("name")
    arguments = parser.parse_args()
    try:
        written = write(arguments.what, arguments.name)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {' and '.join(map(str, written))}; next:\n  {NEXT[arguments.what].format(name=arguments.name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
