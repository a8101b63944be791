"""Selection over the full RNTK grid against the formula in NumPy and scikit-learn's GridSearchCV, and the classifier against
the study's task; one process each.
"""

import tempfile
import time
from math import exp, log

from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from benchmarks import formula
from benchmarks.measure import Row, one_thread
from benchmarks.problem import PROTOCOL, method, training_set
from datasets import load
from rntk import engine_cpu
from rntk.sktime import RNTKClassifier
from rntk.svm import machine
from rntk.svm.grams import scaled
from rntk.svm.search import Search
from runners.evaluate import run_task
from runners.task import Task

DATASETS = ("GunPoint", "ECG200", "Fish", "DistalPhalanxTW")
SAMPLE = 9  # settings, spread evenly over the grid, on which the other side is timed


def rows() -> list[Row]:
    """A row a dataset, and their geometric mean."""
    engine_cpu.compiled("float64")  # not to be timed
    machine.compiled()
    with one_thread():
        found = [row(name) for name in DATASETS]
        ratios = [row.ratio for row in found if row.ratio]
        if ratios:
            found.append(Row("selection, geometric mean", "", "", exp(sum(map(log, ratios)) / len(ratios)), "≥ 10"))
        return found + [classifier(name) for name in DATASETS]


def row(name: str) -> Row:
    """The whole grid on our side, against the time of a sample of it on the other."""
    rntk = method("rntk")
    try:
        X, y, folds = training_set(load(name))
    except LookupError as error:
        return Row(f"selection, {name}", f"not at hand: {error}")
    started = time.perf_counter()
    search = Search(rntk.build(), list(rntk.settings()), PROTOCOL.C).fit(X, y, folds)
    here = time.perf_counter() - started
    sample = list(rntk.settings())[:: rntk.n_settings // SAMPLE]
    started = time.perf_counter()
    best = max(plain(setting, X, y, folds) for setting in sample)
    there = (time.perf_counter() - started) / len(sample) * rntk.n_settings
    if best * len(y) > search.scores.best + 1:  # scikit-learn averages over folds of unequal size
        raise AssertionError(f"{name}: the sample has a better setting than the whole grid")
    what = f"selection, {name}, {rntk.n_settings} kernels × {len(PROTOCOL.C)} C, one thread"
    return Row(what, f"{here:.1f} s", f"{there:.0f} s", there / here)


def classifier(name: str) -> Row:
    """`RNTKClassifier(grid="paper")`, fitted and asked for the test set, against the study's task: the same choice, score and
    predictions.
    """
    what = f"RNTKClassifier(grid='paper') against the study's task, {name}"
    try:
        data = load(name)
    except LookupError as error:
        return Row(what, f"not at hand: {error}")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        record = run_task(Task(name, method("rntk"), PROTOCOL), folder, None)
        there = time.perf_counter() - started
    started = time.perf_counter()
    ours = RNTKClassifier(grid="paper", random_state=PROTOCOL.fold_seed(name))
    predicted = ours.fit(data.X_train[:, None, :], data.y_train).predict(data.X_test[:, None, :])
    here = time.perf_counter() - started
    chosen = {name: getattr(ours.kernel_, name) for name in ("sigma_w", "sigma_b", "sigma_h")} | {"C": ours.C_}
    if chosen != {name: record.selected[name] for name in chosen} or ours.cv_accuracy_ != record.cv_accuracy:
        raise AssertionError(f"{name}: the classifier chooses {chosen}, the study {record.selected}")
    if predicted.tolist() != [row["predicted"] for row in record.predictions]:
        raise AssertionError(f"{name}: the classifier predicts what the study does not")
    return Row(what, f"{here:.1f} s", f"{there:.1f} s", here / there, "≤ 1.2")


def plain(setting, X, y, folds) -> float:
    """The best cross-validation accuracy of one kernel over C, the way it is usually written."""
    K, scale = scaled(formula.gram(X, setting["sigma_w"], setting["sigma_b"], setting["sigma_h"]))
    search = GridSearchCV(SVC(kernel="precomputed"), {"C": [c * scale for c in PROTOCOL.C]}, cv=folds, refit=False)
    return search.fit(K, y).best_score_
