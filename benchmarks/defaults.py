"""What `RNTKClassifier` gives where nothing is tuned, and what others would give that need no tuning either.

`python -m benchmarks.defaults` prints the mean accuracy over the study's datasets of ten folds on the training set, by
which a default may be chosen, and of the test set, by which it may not. The default was set before it was measured:
σ_w = √2, σ_b = 0.1, both directions, C·mean = 100.
"""

from itertools import product

import numpy as np

from datasets import listed, load
from rntk import RNTK
from rntk.classifier import RNTKClassifier
from runners.protocol import Protocol

KERNELS = [
    RNTK(sigma_w=w, sigma_b=b, direction=direction)
    for w, b, direction in product((1.2, 2**0.5), (0.1,), ("forward", "both"))
]
SCALED = (1.0, 10.0, 100.0, 1000.0)  # C times the mean of k(x, x)


def main() -> None:
    """Print the table, best first."""
    found = {}
    for dataset in listed():
        data, seed = load(dataset), Protocol().fold_seed(dataset)
        X, X_test = data.X_train[:, None, :], data.X_test[:, None, :]
        for kernel in KERNELS:
            scale = RNTKClassifier(kernel).fit(X, data.y_train).scale_
            Cs = tuple(C / scale for C in SCALED)
            chosen = RNTKClassifier(kernel, grid={}, Cs=Cs, random_state=seed).fit(X, data.y_train)
            for C, (_, _, accuracy) in zip(SCALED, chosen.cv_results_, strict=True):
                model = RNTKClassifier(kernel, C=C / scale).fit(X, data.y_train)
                test = float(np.mean(model.predict(X_test) == data.y_test))
                found.setdefault((str(kernel), C), []).append((accuracy, test))
    for (kernel, C), scores in sorted(found.items(), key=lambda item: -np.mean(item[1], axis=0)[0]):
        cv, test = 100 * np.mean(scores, axis=0)
        print(f"cross-validation {cv:.2f}  test {test:.2f}  C·mean {C:5g}  {kernel[:76]} … {kernel.split(', ')[9]}")


if __name__ == "__main__":
    main()
