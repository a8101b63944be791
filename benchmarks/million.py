"""A million series on one machine: `python -m benchmarks.million`, or some sizes: `python -m benchmarks.million 10000 100000`.

Noisy sinusoids of four classes, written to a file a block at a time, and read from it by a StreamedClassifier, in a process of its
own whose resident memory is looked at. Beside it, at 5,000 series the exact kernel with an SVM, and at 100,000 MiniRocket's features with
the same linear model, and scikit-learn's SGDClassifier; the test set is the same. All go into benchmarks/million.csv, in place of earlier
rows of the same name and size, and from there into docs/figures/million.png. At more than 100,000 series what is learned is kept in
outputs/million: interrupted, it goes on, and the time is then that of the last run alone.
"""

import csv
import json
import os
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import numpy as np

from benchmarks.measure import arguments
from datasets.synthetic import noisy_sinusoids
from results.figures import COLOURS, encoded, figure
from results.writing import write_bytes
from rntk import RNTK
from rntk.machine import peak_memory
from rntk.normalisation import normalise
from rntk.sklearn import RNTKFeatures
from rntk.streaming import StreamedClassifier
from rntk.svm.grams import scaled
from rntk.svm.machine import Machine

ROOT = Path(__file__).parents[1]
RECORD, PICTURE, FOLDER = ROOT / "benchmarks/million.csv", ROOT / "docs/figures/million.png", ROOT / "outputs/million"
KERNEL, T, NOISE, TEST, PART = RNTK(sigma_w=1.41, sigma_b=0.05, dtype="float32"), 100, 0.7, 5_000, 10_000
SIZES, COMPARED, EXACT = (10_000, 30_000, 100_000, 300_000, 1_000_000), 100_000, 5_000
COLUMNS = ("what", "n", "T", "features", "seconds", "resident_mib", "accuracy", "load")


class MiniRocket:
    """MiniRocket's features of series (n, T), a whole number of 84 kernels' dilations: about `num_kernels` of them."""

    def __init__(self, num_kernels: int = 2_000, random_state: int = 0):
        self.num_kernels, self.random_state = num_kernels, random_state

    def get_params(self, deep=True):
        return {"num_kernels": self.num_kernels, "random_state": self.random_state}

    def fit(self, X, y=None):
        """Draw its biases from X."""
        from sktime.transformations.panel.rocket import MiniRocket as Transformer

        self.transformer_ = Transformer(self.num_kernels, random_state=self.random_state, n_jobs=-1)
        self.transformer_.fit(normalise(X, "zscore")[:, None].astype(np.float32))
        return self

    def transform(self, X):
        """The shares of positive values, (n, features)."""
        return self.transformer_.transform(
            normalise(np.asarray(X, float), "zscore")[:, None].astype(np.float32)
        ).to_numpy()


def fits() -> dict:
    """What is measured, by name: features, and a model with the number of epochs."""
    from sklearn.linear_model import SGDClassifier

    few, many = RNTKFeatures(KERNEL, n_landmarks=500), RNTKFeatures(KERNEL, n_landmarks=2_000)
    sgd = SGDClassifier(alpha=1e-6, random_state=0)
    return {
        "500 landmarks, ridge": {"features": few},
        "2,000 landmarks, ridge": {"features": many},
        "500 landmarks, SGD, 1 epoch": {"features": few, "model": sgd},
        "500 landmarks, SGD, 10 epochs": {"features": few, "model": sgd, "epochs": 10},
        "MiniRocket, ridge": {"features": MiniRocket()},
    }


def series(n: int, folder: Path, seed: int = 1) -> Path:
    """A file of n series in single precision, (n, T), and beside it one of their classes, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"X{n}_{seed}.npy"
    if not path.exists():
        temporary, y = path.with_suffix(".tmp"), np.empty(n, np.int64)
        X = np.lib.format.open_memmap(temporary, "w+", np.float32, (n, T))
        for start in range(0, n, PART):
            rows = slice(start, min(start + PART, n))
            X[rows], y[rows] = noisy_sinusoids(rows.stop - start, T, noise=NOISE, seed=seed * 10**6 + start // PART)
        X.flush()
        del X
        np.save(labels(path), y)
        os.replace(temporary, path)
    return path


def labels(path: Path) -> Path:
    """The file of the classes."""
    return path.with_name(path.name.replace("X", "y", 1))


def checkpoint(name: str, n: int) -> Path:
    """The file of what a fit has learned."""
    return FOLDER / f"{name.replace(' ', '_').replace(',', '')}_{n}.npz"


def fit(name: str, n: int) -> dict:
    """A row of the record, of this process."""
    path, test = series(n, FOLDER), series(TEST, FOLDER, seed=0)
    load, started = os.getloadavg()[0], time.perf_counter()
    model = StreamedClassifier(**fits()[name], verbose=1).fit(
        np.load(path, mmap_mode="r"), np.load(labels(path)), checkpoint(name, n)
    )
    took = time.perf_counter() - started
    return row(
        name,
        n,
        model.model_.coef_.shape[1],
        took,
        peak_memory() / 2**20,
        model.score(np.load(test), np.load(labels(test))),
        load,
    )


def exact(n: int) -> dict:
    """The exact kernel with an SVM, as in `benchmarks.large`."""
    load = os.getloadavg()[0]
    paths = series(n, FOLDER), series(TEST, FOLDER, seed=0)
    (X, y), (X_test, y_test) = (
        (normalise(np.load(path).astype(float), "unit"), np.load(labels(path))) for path in paths
    )
    started = time.perf_counter()
    K, scale = scaled(KERNEL(X).astype(np.float64))
    (machine,) = Machine(np.arange(n), y).path(K, [1.0], 10**6)
    accuracy = np.mean(machine.predict(KERNEL(X_test, X) / scale) == y_test)
    return row("exact kernel, SVM", n, n, time.perf_counter() - started, 0, accuracy, load)


def row(what: str, n: int, features: int, seconds: float, mib: float, accuracy: float, load: float) -> dict:
    return dict(
        zip(
            COLUMNS,
            (what, n, T, features, f"{seconds:.1f}", f"{mib:.0f}", f"{accuracy:.4f}", f"{load:.1f}"),
            strict=True,
        )
    )


def measured(name: str, n: int) -> dict:
    """A row, measured in a process of its own."""
    if n <= COMPARED:
        checkpoint(name, n).unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.million", "one", name, str(n)], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def keep(found: dict) -> None:
    """The record with a row more."""
    rows = {(one["what"], int(one["n"])): one for one in read()} | {(found["what"], int(found["n"])): found}
    text = StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[key] for key in sorted(rows))
    write_bytes(RECORD, text.getvalue().encode())
    print(found, flush=True)


def read() -> list[dict]:
    """The rows of the record."""
    return list(csv.DictReader(RECORD.read_text().splitlines())) if RECORD.exists() else []


def draw(rows: list[dict]) -> bytes:
    """Seconds, resident memory and accuracy over n, as PNG."""
    names = sorted({one["what"] for one in rows})
    many = [name for name in names if len({one["n"] for one in rows if one["what"] == name}) > 1]

    def panels(made):
        for axes, column, title in zip(
            made.subplots(1, 3),
            ("seconds", "resident_mib", "accuracy"),
            ("seconds", "resident memory, MiB", "test accuracy"),
            strict=True,
        ):
            for name, colour in zip(names, COLOURS, strict=False):
                those = sorted((int(one["n"]), float(one[column])) for one in rows if one["what"] == name)
                those = [(n, value) for n, value in those if value > 0]
                if those:
                    axes.plot(*zip(*those, strict=True), "o-" if name in many else "s", color=colour, label=name)
            axes.set(xscale="log", xlabel="series", title=title)
            if column == "seconds":
                axes.set_yscale("log")
            else:
                axes.set_ylim(bottom=0 if column == "resident_mib" else None)
        made.legend(*made.axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3)

    return encoded(figure(panels, 3), "png")


def main(given: list[str]) -> None:
    if given[:1] == ["one"]:
        return print(json.dumps(fit(given[1], int(given[2]))))
    for n in map(int, given) if given else (EXACT, *SIZES):
        names = list(fits()) if n == COMPARED else list(fits())[:2] if n <= EXACT else list(fits())[:1]
        if n == EXACT:
            keep(exact(n))
        for name in names:
            keep(measured(name, n))
    write_bytes(PICTURE, draw(read()))
    return None


if __name__ == "__main__":
    main(arguments(__doc__, 9))
