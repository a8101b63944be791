"""Ways to draw landmarks (`NystroemFeatures(landmarks=...)`), compared at equal number and at equal time.

`python -m benchmarks.landmarks` prints, for five of the study's datasets with the most training series and for noisy sinusoids, at
each number of landmarks: the processor's seconds of fit and transform on one thread, the error ‖K − φφᵀ‖ / ‖K‖ of the Gram of the
training set, and the accuracy of a linear SVM on the test set, means over three seeds; and at last what each way gives in the time
that uniform draws take. Minutes.
"""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from benchmarks.measure import arguments, one_thread
from datasets import load
from datasets.synthetic import noisy_sinusoids
from rntk import RNTK, NystroemFeatures
from rntk.landmarks import LANDMARKS
from rntk.normalisation import normalise

DATASETS = (
    "CricketX",
    "DistalPhalanxOutlineCorrect",
    "MiddlePhalanxOutlineCorrect",
    "ProximalPhalanxTW",
    "Strawberry",
)
SINUSOIDS, STEPS, NOISE = 5000, 100, 0.7
KERNEL = RNTK(sigma_b=0.05)
NUMBERS, SEEDS = (16, 32, 64, 128), range(3)
LARGER = (64, 128, 256)  # of the sinusoids
C = 10.0  # divided by the mean of |φ|²


def sets():
    """Name, numbers of landmarks, training and test set."""
    for name in DATASETS:
        data = load(name)
        yield name, NUMBERS, data.X_train, data.y_train, data.X_test, data.y_test
    n = SINUSOIDS
    X, y = noisy_sinusoids(n + 2000, STEPS, noise=NOISE)
    yield f"sinusoids, n = {n}", LARGER, X[:n], y[:n], X[n:], y[n:]


def measure(kernel, X, y, X_test, y_test, numbers, ways, seeds=SEEDS) -> dict:
    """By way and number of landmarks: seconds of fit and transform, error, accuracy, a row a seed."""
    X, X_test = normalise(X, "unit"), normalise(X_test, "unit")
    K = kernel(X)
    found: dict = {}
    for seed in seeds:
        for m in numbers:
            for way in ways:
                with one_thread(), threadpool_limits(1):
                    started = time.process_time()
                    features = NystroemFeatures(kernel, m, seed, landmarks=way).fit(X)
                    F = features.transform(X)
                    seconds = time.process_time() - started
                error = np.linalg.norm(K - F @ F.T) / np.linalg.norm(K)
                scale = np.sqrt(np.mean(np.einsum("ij,ij->i", F, F)))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    model = LinearSVC(C=C, dual=False, max_iter=50).fit(F / scale, y)
                accuracy = model.score(features.transform(X_test) / scale, y_test)
                found.setdefault((way, m), []).append((seconds, error, accuracy))
    return {key: np.array(rows) for key, rows in found.items()}


def at_equal_time(found: dict, way: str, numbers) -> tuple[float, float]:
    """What `way` gives in the time of uniform draws, over the times that both reach: its error as a multiple of theirs, geometric
    mean; its accuracy less theirs. Between numbers of landmarks log error and accuracy are straight over log time.
    """

    def curve(way):
        rows = [found[way, m] for m in numbers]
        seconds = np.maximum.accumulate([np.median(one[:, 0]) for one in rows])
        return np.log(seconds), np.log([one[:, 1].mean() for one in rows]), np.array([one[:, 2].mean() for one in rows])

    (t, error, accuracy), (t0, error0, accuracy0) = curve(way), curve("uniform")
    both = np.linspace(max(t[0], t0[0]), min(t[-1], t0[-1]), 20)
    if both[0] > both[-1]:
        return np.nan, np.nan
    ratio = np.exp(np.mean(np.interp(both, t, error) - np.interp(both, t0, error0)))
    return float(ratio), float(np.mean(np.interp(both, t, accuracy) - np.interp(both, t0, accuracy0)))


def main() -> None:
    """Print a table a set and the means over sets."""
    equal_number, equal_time = {}, {}
    for name, numbers, *data in sets():
        found = measure(KERNEL, *data, numbers, LANDMARKS)
        print(f"\n{name}, {len(data[0])} training series", flush=True)
        for m in numbers:
            cells = []
            for way in LANDMARKS:
                seconds, error, accuracy = np.median(found[way, m][:, 0]), *found[way, m][:, 1:].mean(axis=0)
                cells.append(f"{way} {1000 * seconds:.0f} ms {error:.2e} {100 * accuracy:.1f}")
                uniform = found["uniform", m].mean(axis=0)
                equal_number.setdefault(way, []).append((error / uniform[1], accuracy - uniform[2]))
            print(f"  m = {m:3}: " + "   ".join(cells), flush=True)
        for way in LANDMARKS:
            equal_time.setdefault(way, []).append(at_equal_time(found, way, numbers))
    print("\nagainst uniform draws, over all sets: error as a multiple (geometric mean), accuracy in points")
    for way in list(LANDMARKS)[1:]:
        for what, rows in (("number", equal_number[way]), ("time", equal_time[way])):
            error, accuracy = np.array(rows).T
            print(
                f"  {way} at equal {what}: × {np.exp(np.nanmean(np.log(error))):.2f}, {100 * np.nanmean(accuracy):+.2f}"
            )


if __name__ == "__main__":
    arguments(__doc__)
    main()
