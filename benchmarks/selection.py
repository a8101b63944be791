"""Selection over the full RNTK grid against the formula in NumPy and scikit-learn's GridSearchCV, one process each."""

import itertools
import time
from math import exp, log
from pathlib import Path

import numba
import numpy as np
from omegaconf import OmegaConf
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from benchmarks import formula
from benchmarks.measure import Row
from datasets import load
from runners.method import Method
from runners.protocol import Protocol, normalise
from runners.selection import scaled, score_grid

DATASETS = ("GunPoint", "ECG200", "Fish", "DistalPhalanxTW")
SAMPLE = 9  # settings, spread evenly over the grid, on which the other side is timed; the whole grid takes it an hour
ROOT = Path(__file__).parents[1]


def rows() -> list[Row]:
    """A row a dataset, and their geometric mean."""
    config = OmegaConf.to_container(OmegaConf.load(ROOT / "conf" / "method" / "rntk.yaml"))
    method, protocol = Method(config["name"], config["kernel"]), Protocol()
    settings = list(method.settings())
    threads, found = numba.get_num_threads(), []
    numba.set_num_threads(1)
    try:
        for name in DATASETS:
            try:
                dataset = load(name)
            except LookupError as error:
                found.append(Row(f"selection, {name}", f"not at hand: {error}"))
                continue
            X = normalise(dataset.X_train, protocol.normalisation)
            y = np.unique(dataset.y_train, return_inverse=True)[1]
            folds = protocol.split(y, name)
            score_grid(method.build(), _first(method, 1), X, y, folds, protocol)  # compiled before it is timed
            started = time.perf_counter()
            scores = score_grid(method.build(), method, X, y, folds, protocol)
            here = time.perf_counter() - started
            sample = settings[:: len(settings) // SAMPLE]
            started = time.perf_counter()
            best = max(plain(setting, X, y, folds, protocol) for setting in sample)
            there = (time.perf_counter() - started) / len(sample) * len(settings)
            if best * len(y) > scores.best + 1:  # scikit-learn averages over folds of unequal size
                raise AssertionError(f"{name}: the sample has a better setting than the whole grid")
            found.append(
                Row(
                    f"selection, {name}, {len(settings)} kernels × {len(protocol.C)} C, one thread",
                    f"{here:.1f} s",
                    f"{there:.0f} s",
                    there / here,
                )
            )
    finally:
        numba.set_num_threads(threads)
    ratios = [row.ratio for row in found if row.ratio]
    if ratios:
        found.append(Row("selection, geometric mean", "", "", exp(sum(map(log, ratios)) / len(ratios)), "≥ 10"))
    return found


def plain(setting, X, y, folds, protocol) -> float:
    """The best cross-validation accuracy of one kernel over C, the way it is usually written."""
    K, scale = scaled(formula.gram(X, setting["sigma_w"], setting["sigma_b"], setting["sigma_h"]))
    search = GridSearchCV(SVC(kernel="precomputed"), {"C": [c * scale for c in protocol.C]}, cv=folds, refit=False)
    return search.fit(K, y).best_score_


def _first(method, count):
    class Part:
        """The beginning of a grid."""

        def settings(self):
            return itertools.islice(method.settings(), count)

    return Part()
