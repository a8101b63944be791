"""Random features against landmarks at equal time: `python -m benchmarks.random_features`.

Noisy sinusoids of four classes, 2,000 to learn from and 2,000 to be told, of 100 steps: how far the products of the features are from the
kernel (root mean square over 300 series, relative to that of the kernel), how often a ridge on them is right, and how many seconds of a
processor, of all threads together, fit and transform take. For the recurrent kernel, its process' kernel, and those of perceptrons of
one and three hidden layers (`baselines.NTK`, whose network is a recurrent one that reads the series in one step, and whose infinite
network `NTKFeatures` sketch). Into benchmarks/random_features.csv and
docs/figures/random_features.png.
"""

import csv
import time
from io import StringIO
from pathlib import Path

import numpy as np

from baselines import NTK
from baselines.ntk_features import NTKFeatures
from benchmarks.measure import arguments
from datasets.synthetic import noisy_sinusoids
from results.figures import COLOURS, encoded, figure
from results.writing import write_bytes
from rntk import RNTK, NystroemFeatures
from rntk.normalisation import normalise
from rntk.random_features import RandomFeatures
from rntk.streamed_ridge import StreamedRidge

ROOT = Path(__file__).parents[1]
RECORD, PICTURE = ROOT / "benchmarks/random_features.csv", ROOT / "docs/figures/random_features.png"
N, T, NOISE, COMPARED = 2_000, 100, 0.7, 300
LANDMARKS, FEATURES = (30, 100, 300, 1_000), (100, 300, 1_000)
RECURRENT = {"sigma_w": 1.41, "sigma_b": 0.05, "dtype": "float32"}
WIDE, DEEP = (*FEATURES, 3_000), (96, 300, 996, 3_000)  # of perceptrons, whose features cost less


def perceptron(kernel: NTK) -> RNTK:
    """The network of a perceptron's kernel, less the bias of its readout: layers of a recurrent one, read in one step of unit size."""
    return RNTK(
        0.0,
        kernel.sigma_w,
        kernel.sigma_b,
        sigma_v=kernel.sigma_w,
        depth=kernel.depth,
        nonlinearity=kernel.nonlinearity,
    )


def at_once(X: np.ndarray) -> np.ndarray:
    """Series (n, T) as one step of T channels, (n, 1, T), whose product with another is not divided by T."""
    return np.sqrt(X.shape[1]) * X[:, None]


def sides() -> list[tuple]:
    """What is compared: the kernel's name, the kernel, the features' name, features by number, numbers, series as they take them."""
    found = []
    for name, output in (("recurrent tangent kernel", "ntk"), ("its process' kernel", "nngp")):
        kernel = RNTK(**RECURRENT, output=output)
        found.append((name, kernel, "landmarks", lambda m, k=kernel: NystroemFeatures(k, m), LANDMARKS, np.asarray))
        found.append((name, kernel, "random", lambda m, k=kernel: RandomFeatures(k, m), FEATURES, np.asarray))
    for depth, numbers in ((1, WIDE), (3, DEEP)):
        kernel = NTK(depth=depth)
        network = perceptron(kernel).with_params(dtype="float32")
        name = f"perceptron's tangent kernel, depth {depth}"
        found.append((name, kernel, "landmarks", lambda m, k=kernel: NystroemFeatures(k, m), LANDMARKS, np.asarray))
        found.append((name, kernel, "random", lambda m, k=network: RandomFeatures(k, m), numbers, at_once))
        found.append((name, kernel, "arc-cosine sketch", lambda m, k=kernel: NTKFeatures(k, m), numbers, np.asarray))
    return found


def measured() -> list[dict]:
    """A row for each kernel, kind and number of features."""
    X, y = noisy_sinusoids(2 * N, T, noise=NOISE)
    X, rows = normalise(X, "unit"), []
    for name, kernel, kind, features, numbers, given in sides():
        K = np.asarray(kernel(X[:COMPARED]), np.float64)
        features(numbers[0]).fit(given(X[:50])).transform(given(X[:50]))  # compiles what there is
        for m in numbers:
            began = time.process_time()
            fitted = features(m).fit(given(X[:N]))
            F = fitted.transform(given(X[:N]))
            took = time.process_time() - began
            F_test = fitted.transform(given(X[N:]))
            model = StreamedRidge().partial_fit(F, y[:N], classes=np.unique(y))
            error = np.sqrt(np.mean((F[:COMPARED] @ F[:COMPARED].T - K) ** 2) / np.mean(K**2))
            accuracy = np.mean(model.predict(F_test) == y[N:])
            values = (name, kind, m, f"{took:.3f}", f"{error:.4f}", f"{accuracy:.4f}")
            rows.append(
                dict(zip(("kernel", "features", "number", "cpu_seconds", "error", "accuracy"), values, strict=True))
            )
            print(*values, flush=True)
    return rows


def draw(rows: list[dict]) -> bytes:
    """Error and accuracy over seconds, a row a kernel, as PNG."""
    names = list(dict.fromkeys(one["kernel"] for one in rows))

    def panels(made):
        for row, name in zip(made.subplots(2, len(names)).T, names, strict=True):
            for axes, column in zip(row, ("error", "accuracy"), strict=True):
                for kind, colour in zip(("landmarks", "random", "arc-cosine sketch"), COLOURS, strict=False):
                    those = [one for one in rows if (one["kernel"], one["features"]) == (name, kind)]
                    if not those:
                        continue
                    points = ([float(one[key]) for one in those] for key in ("cpu_seconds", column))
                    axes.plot(*points, "o-", color=colour, label=kind)
                axes.set(xscale="log", ylabel=column if name == names[0] else "")
            row[0].set(
                yscale="log", title=name.replace("tangent kernel", "tangent\nkernel").replace("process' ", "process'\n")
            )
            row[1].set(xlabel="processor seconds")
        made.legend(*made.axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=3)

    return encoded(figure(panels, 3.9), "png")


def main() -> None:
    """Measure, record, draw."""
    rows, text = measured(), StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(RECORD, text.getvalue().encode())
    write_bytes(PICTURE, draw(rows))


if __name__ == "__main__":
    arguments(__doc__)
    main()
