"""Selection over the full RNTK grid against the formula in NumPy and scikit-learn's GridSearchCV, one process each."""

import time
from math import exp, log

from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from benchmarks import formula
from benchmarks.measure import Row, one_thread
from benchmarks.problem import PROTOCOL, method, training_set
from datasets import load
from rntk import engine_cpu
from runners import svm
from runners.selection import scaled, score_grid

DATASETS = ("GunPoint", "ECG200", "Fish", "DistalPhalanxTW")
SAMPLE = 9  # settings, spread evenly over the grid, on which the other side is timed


def rows() -> list[Row]:
    """A row a dataset, and their geometric mean."""
    engine_cpu.compiled("float64")  # not to be timed
    svm.compiled()
    with one_thread():
        found = [row(name) for name in DATASETS]
    ratios = [row.ratio for row in found if row.ratio]
    if ratios:
        found.append(Row("selection, geometric mean", "", "", exp(sum(map(log, ratios)) / len(ratios)), "≥ 10"))
    return found


def row(name: str) -> Row:
    """The whole grid on our side, against the time of a sample of it on the other."""
    rntk = method("rntk")
    try:
        X, y, folds = training_set(load(name))
    except LookupError as error:
        return Row(f"selection, {name}", f"not at hand: {error}")
    started = time.perf_counter()
    scores = score_grid(rntk.build(), rntk, X, y, folds, PROTOCOL)
    here = time.perf_counter() - started
    sample = list(rntk.settings())[:: rntk.n_settings // SAMPLE]
    started = time.perf_counter()
    best = max(plain(setting, X, y, folds) for setting in sample)
    there = (time.perf_counter() - started) / len(sample) * rntk.n_settings
    if best * len(y) > scores.best + 1:  # scikit-learn averages over folds of unequal size
        raise AssertionError(f"{name}: the sample has a better setting than the whole grid")
    what = f"selection, {name}, {rntk.n_settings} kernels × {len(PROTOCOL.C)} C, one thread"
    return Row(what, f"{here:.1f} s", f"{there:.0f} s", there / here)


def plain(setting, X, y, folds) -> float:
    """The best cross-validation accuracy of one kernel over C, the way it is usually written."""
    K, scale = scaled(formula.gram(X, setting["sigma_w"], setting["sigma_b"], setting["sigma_h"]))
    search = GridSearchCV(SVC(kernel="precomputed"), {"C": [c * scale for c in PROTOCOL.C]}, cv=folds, refit=False)
    return search.fit(K, y).best_score_
