"""Plain cross-validation, for comparison: every C and fold solved by scikit-learn's LIBSVM, nothing reused, nothing dropped.

`python -m benchmarks.plain outputs/plain [every]` writes a table a dataset and method, a row a setting and a column a C: the
place of the setting in the grid, then the cases classified correctly over all folds, or −1 where an SVM did not
converge. Of grids with more than 100 settings only one in `every` is looked at (5 unless told otherwise; 1 takes
hours). It goes on where it was interrupted. The tables in `results/reference/plain`, packed by
`python -m results.pack outputs/plain results/reference/plain`, are what the tests hold the reference run against.
"""

from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.svm import _libsvm

from benchmarks.measure import arguments
from benchmarks.problem import PROTOCOL, method, training_set
from datasets import Dataset, listed, load
from results import store
from results.writing import write_text
from rntk.svm.grams import scaled
from rntk.svm.scores import UNUSABLE
from runners.environment import limit_threads

METHODS = ("rntk", "ntk", "polynomial", "rbf", "gaussian")


def main(folder: str, every: str = "5") -> None:
    """All datasets and methods, the longest first."""
    sets = {name: load(name) for name in listed()}
    tasks = [(name, method) for method in METHODS for name in listed()]
    tasks.sort(key=lambda task: (METHODS.index(task[1]), -len(sets[task[0]].y_train)))
    Parallel(-1, batch_size=1, pre_dispatch="1*n_jobs", verbose=10)(
        delayed(write)(Path(folder), sets[name], method, int(every)) for name, method in tasks
    )


def write(folder: Path, dataset: Dataset, method_name: str, every: int) -> None:
    """The table of one dataset and method, unless it is there."""
    name = f"{dataset.name}__{method_name}.csv"
    if store.read_file(folder, name) is not None:
        return
    grid = method(method_name)
    X, y, folds = training_set(dataset)
    kernel = grid.build()
    if hasattr(kernel, "fit"):
        kernel.fit(X)
    _libsvm.set_verbosity_wrap(0)
    step = every if grid.n_settings > 100 else 1
    with limit_threads(1):
        gram = kernel.over(X)
        table = [
            [row, *plain(*scaled(gram(setting)), y, folds)] for row, setting in list(enumerate(grid.settings()))[::step]
        ]
    write_text(store.path_of(name, folder), "".join(",".join(map(str, row)) + "\n" for row in table))


def plain(K: np.ndarray, scale: float, y: np.ndarray, folds) -> list[int]:
    """Correctly classified cases for each C."""
    correct = [0] * len(PROTOCOL.C)
    for train, held in folds:
        K_train, K_held = K[np.ix_(train, train)], K[np.ix_(held, train)]
        classes, labels = np.unique(y[train], return_inverse=True)  # a small class may lack in a fold
        for column, C in enumerate(PROTOCOL.C):
            if correct[column] == UNUSABLE:
                continue
            predicted = np.zeros(len(held))
            if len(classes) > 1:
                *model, status, _ = _libsvm.fit(
                    K_train,
                    labels.astype(float),
                    kernel="precomputed",
                    C=C * scale,
                    max_iter=PROTOCOL.max_iter,
                    cache_size=500,
                )
                if status:
                    correct[column] = UNUSABLE
                    continue
                predicted = _libsvm.predict(K_held, *model, kernel="precomputed", cache_size=500)
            correct[column] += int(np.count_nonzero(classes[predicted.astype(int)] == y[held]))
    return correct


if __name__ == "__main__":
    main(*arguments(__doc__, 2))
