"""What the estimators' default kernels give where nothing is tuned, and what others would give that need no tuning either.

`python -m benchmarks.defaults` prints the mean accuracy over the study's datasets of ten folds on the training set, by
which the defaults are chosen (`rntk.estimator.default_kernel`), and of the test set, by which they may not; at last the
classifier as it comes. About half an hour on two cores.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from benchmarks.measure import arguments
from datasets import listed, load
from rntk import RNTK
from rntk.normalisation import normalise
from rntk.sktime import RNTKClassifier
from rntk.svm.grams import scaled
from runners.protocol import Protocol

LAST = {
    f"last, σ_w = {w:.3g}, σ_u = {u}, σ_b = {b}, {direction}": RNTK(
        sigma_w=w, sigma_u=u, sigma_b=b, direction=direction
    )
    for w in (1.2, 2**0.5)
    for u, b in ((1, 0.1), (0.1, 0.05), (0.3, 0.05), (1, 0.05))
    for direction in ("forward", "both")
}
UNTIED = {
    f"mean_untied, σ_w = {w:.3g}, σ_u = {u}": RNTK(w, u, sigma_b=0.05, readout="mean_untied", dtype="float32")
    for w in (0.5, 0.8, 1.0, 1.1, 1.2, 1.3, 2**0.5)
    for u in (0.3, 1)
}
MEAN = {
    f"mean, σ_u = {u}, {direction}": RNTK(sigma_u=u, sigma_b=0.05, readout="mean", direction=direction, dtype="float32")
    for u, direction in ((0.1, "forward"), (0.3, "forward"), (1, "forward"), (1, "both"))
}
SCALED = (1.0, 10.0, 100.0, 1000.0)  # C times the mean of k(x, x)


def main() -> None:
    """Print the table, best first."""
    found, untuned = {}, []
    for dataset in listed():
        data = load(dataset)
        splits = Protocol().split(data.y_train, dataset)
        X, X_test = normalise(data.X_train, "unit"), normalise(data.X_test, "unit")
        for name, kernel in (LAST | UNTIED | MEAN).items():
            K, scale = scaled(kernel(X))
            K_test = kernel(X_test, X) / scale
            for C in SCALED:
                machine = SVC(kernel="precomputed", C=C, max_iter=100_000)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    validation = cross_val_score(machine, K, data.y_train, cv=splits).mean()
                    test = machine.fit(K, data.y_train).score(K_test, data.y_test)
                found.setdefault((name, C), []).append((validation, test))
        model = RNTKClassifier().fit(data.X_train[:, None, :], data.y_train)
        untuned.append(model.score(data.X_test[:, None, :], data.y_test))
        print(f"{len(untuned)} of {len(listed())}: {dataset}", flush=True)
    for (name, C), scores in sorted(found.items(), key=lambda item: -np.mean(item[1], axis=0)[0]):
        validation, test = 100 * np.mean(scores, axis=0)
        print(f"cross-validation {validation:.2f}  test {test:.2f}  {name}, C·mean = {C:g}")
    print(f"RNTKClassifier(): test {100 * np.mean(untuned):.2f}")


if __name__ == "__main__":
    arguments(__doc__)
    main()
