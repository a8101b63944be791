"""Sets too large for a Gram in memory: a Gram in a file, on a cluster, and landmarks with a linear SVM."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from distributed import Client, LocalCluster
from sklearn.svm import LinearSVC

from benchmarks.measure import Row
from datasets.synthetic import noisy_sinusoids
from rntk import RNTK, NystroemFeatures, gram_blocks
from rntk.distributed import gram
from rntk.machine import cores
from rntk.normalisation import normalise
from rntk.svm.grams import scaled
from rntk.svm.machine import Machine

KERNEL, NOISE = {"sigma_w": 1.41, "sigma_b": 0.05}, 0.7
FILL = """
import json, sys, time
import numpy as np
from rntk import RNTK, gram_file
from rntk.machine import peak_memory
from datasets.synthetic import noisy_sinusoids
X = noisy_sinusoids({n}, {T})[0]
started = time.perf_counter()
K = gram_file(RNTK(**{kernel}), X, sys.argv[1])
print(json.dumps(dict(seconds=time.perf_counter() - started, mib=peak_memory() / 2**20)))
"""


def rows() -> list[Row]:
    """The share of large sets in the table."""
    return [gram_in_a_file(20_000, 100), *gram_on_a_cluster(8_000, 100), *landmarks(100_000, 5_000, 100)]


def gram_in_a_file(n: int, T: int) -> Row:
    """A Gram of n × n in float64, block by block, in a process of its own whose resident memory is looked at."""
    with tempfile.TemporaryDirectory() as folder:
        code = FILL.format(n=n, T=T, kernel=KERNEL)
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(folder) / "K.npy")], check=True, capture_output=True, text=True
        )
    found = json.loads(done.stdout)
    size = n * n * 8 / 2**20
    return Row(
        f"Gram in a file, n = {n}, T = {T}: resident memory against its size ({found['seconds']:.0f} s)",
        f"{found['mib']:.0f} MiB",
        f"{size:.0f} MiB",
        size / found["mib"],
        "< 1 GiB",
    )


def gram_on_a_cluster(n: int, T: int, block: int = 1000) -> list[Row]:
    """The Gram by Dask in two worker processes of a thread each, against two threads of this process, block by block: its product
    with a vector, for which blocks stay where they are computed, and all of it in this process. Less what it takes to start.
    """
    X, v, kernel = noisy_sinusoids(n, T)[0], np.random.default_rng(0).normal(size=n), RNTK(**KERNEL)
    numba.set_num_threads(min(2, cores()))
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": ":0"}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        client.run(kernel, X[:4])  # each worker has loaded what is compiled
        (gram(kernel, X[:64], block=4) @ v[:64]).compute()
        product, there = timed(lambda: (gram(kernel, X, block=block) @ v).compute())
        whole, gathered = timed(lambda: gram(kernel, X, block=block).compute())
    local, here = timed(lambda: _product(kernel, X, v, block))
    K, filled = timed(lambda: kernel(X))
    np.testing.assert_array_equal(whole, K)
    np.testing.assert_allclose(product, local, rtol=1e-9)
    of = f"n = {n}, T = {T}: two worker processes of Dask against two threads"
    return [
        Row(f"Gram times a vector, {of}", f"{there:.1f} s", f"{here:.1f} s", here / there),
        Row(f"Gram in one process, {of}", f"{gathered:.1f} s", f"{filled:.1f} s", filled / gathered),
    ]


def timed(compute: Callable):
    """What is computed, and the seconds that it takes."""
    started = time.perf_counter()
    value = compute()
    return value, time.perf_counter() - started


def _product(kernel, X, v, block: int) -> np.ndarray:
    out = np.zeros(len(X))
    for rows, columns, values in gram_blocks(kernel, X, block=block):
        out[rows] += values @ v[columns]
        if rows != columns:
            out[columns] += values.T @ v[rows]
    return out


def landmarks(n: int, exact: int, T: int, n_landmarks: int = 500) -> list[Row]:
    """Noisy sinusoids of four classes, half to learn from: the exact kernel at `exact` series, landmarks there and at n."""
    found = []
    kernel = RNTK(**KERNEL)
    X, y = noisy_sinusoids(2 * exact, T, noise=NOISE)
    X = normalise(X, "unit")
    train, test = slice(0, exact), slice(exact, None)
    started = time.perf_counter()
    K, scale = scaled(kernel(X[train]))
    (machine,) = Machine(np.arange(exact), y[train]).path(K, [1.0], 10**6)
    guessed = machine.predict(kernel(X[test], X[train]) / scale)
    exact_seconds, exact_accuracy = time.perf_counter() - started, np.mean(guessed == y[test])
    accuracy, took = _linear(kernel, n_landmarks, X[train], y[train], X[test], y[test])
    found.append(
        Row(
            f"{n_landmarks} landmarks against the exact kernel, {exact} series: accuracy (and seconds)",
            f"{accuracy:.3f} ({took:.1f} s)",
            f"{exact_accuracy:.3f} ({exact_seconds:.1f} s)",
            accuracy / exact_accuracy,
        )
    )
    X, y = noisy_sinusoids(n + exact, T, noise=NOISE, seed=1)
    X = normalise(X, "unit")
    accuracy, took = _linear(kernel, n_landmarks, X[:n], y[:n], X[n:], y[n:])
    found.append(
        Row(
            f"{n_landmarks} landmarks, {n} series: accuracy (and seconds)",
            f"{accuracy:.3f} ({took:.0f} s)",
            "",
            None,
            "runs",
        )
    )
    return found


def _linear(kernel, n_landmarks, X, y, X_test, y_test):
    started = time.perf_counter()
    features = NystroemFeatures(kernel, n_landmarks).fit(X)
    F = features.transform(X)
    scale = np.sqrt(np.mean(np.einsum("ij,ij->i", F, F)))
    F /= scale
    model = LinearSVC(C=1.0, dual=False).fit(F, y)
    accuracy = model.score(features.transform(X_test) / scale, y_test)
    return accuracy, time.perf_counter() - started
