"""The SVM solver against LIBSVM as scikit-learn calls it, and against LIBSVM called directly, on Grams of real series."""

import numpy as np
from sklearn.svm import SVC, _libsvm

from benchmarks.measure import Row, seconds
from benchmarks.problem import training_set
from datasets import load
from rntk import RNTK
from rntk.svm.grams import scaled
from rntk.svm.machine import Machine


def rows() -> list[Row]:
    """Ten folds at C = 1."""
    _libsvm.set_verbosity_wrap(0)
    found = []
    for name in ("GunPoint", "OSULeaf", "ItalyPowerDemand"):  # these come with sktime
        X, y, folds = training_set(load(name, downloads=False))
        K, C = scaled(RNTK(sigma_w=1.41, sigma_b=0.1)(X))
        machines = [(Machine(train, y), held) for train, held in folds]

        def ours(machines=machines, K=K, C=C):
            for machine, held in machines:
                machine.path(K, [C])[0].predict(K, held)

        def direct(folds=folds, K=K, C=C, y=y):
            for train, held in folds:
                *model, _, _ = _libsvm.fit(K[np.ix_(train, train)], y[train].astype(float), kernel="precomputed", C=C)
                _libsvm.predict(K[np.ix_(held, train)], *model, kernel="precomputed")

        def usual(folds=folds, K=K, C=C, y=y):
            for train, held in folds:
                SVC(kernel="precomputed", C=C).fit(K[np.ix_(train, train)], y[train]).predict(K[np.ix_(held, train)])

        here, libsvm, sklearn = (seconds(side, 5, at_least=0.2) for side in (ours, direct, usual))
        size = f"{name} ({len(y)} series, {len(np.unique(y))} classes), ten folds"
        found.append(Row(f"SVM against SVC, {size}", f"{here * 1e3:.2f} ms", f"{sklearn * 1e3:.2f} ms", sklearn / here))
        found.append(
            Row(
                "  against LIBSVM alone, the same bits", f"{here * 1e3:.2f} ms", f"{libsvm * 1e3:.2f} ms", libsvm / here
            )
        )
    return found
