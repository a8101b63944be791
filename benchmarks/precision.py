"""How exact the kernel is: against the recursion in 50 digits, over series that differ a lot, a little and not at all.

`python -m benchmarks.precision` prints a table in CSV: for each kernel, length and distance the largest error relative to
√(k(x, x) k(y, y)), in both types (about four minutes). `tests/rntk/precision.csv` is this table, and the tests let no error grow
to ten times what stands there.
"""

import csv
import sys
from collections.abc import Iterator

import numpy as np

from benchmarks import oracle
from benchmarks.measure import arguments
from rntk import RNTK

KERNELS = {
    "relu 1.34": RNTK(sigma_w=1.34, sigma_b=0.3),
    "relu 1.41": RNTK(sigma_w=1.41),
    "relu 1.47": RNTK(sigma_w=1.47, sigma_b=0.1),
    "erf 0.9": RNTK(0.9, 3.0, 0.1, nonlinearity="erf"),
    "erf 1.6": RNTK(1.6, 3.0, 0.2, nonlinearity="erf"),  # chaotic: what differs is driven apart, rounding too
    "relu 2 layers": RNTK(sigma_w=1.3, sigma_u=0.7, sigma_b=0.2, depth=2),
    "relu 2 layers, 1 frozen": RNTK(sigma_w=1.3, sigma_u=0.7, sigma_b=0.2, depth=2, frozen=1),
}
LENGTHS = (10, 100, 1000)
DISTANCES = ("", "1e-2", "4e-3", "3e-4", "1e-4", "1e-6", "1e-8", "0")  # "": series of their own


def cases() -> Iterator[tuple[str, int, str]]:
    """What is measured: a kernel by its name, a length and a distance."""
    for name in KERNELS:
        for T in LENGTHS[:2] if name == "erf 1.6" or KERNELS[name].depth > 1 else LENGTHS:
            for distance in DISTANCES:
                yield name, T, distance


def errors(name: str, T: int, distance: str, seed: int = 0, common: int = 0) -> dict[str, float]:
    """The largest error of a few pairs in both types, where y = x + distance × noise, as two sets; the first `common` steps
    are the same.
    """
    rng, pairs = np.random.default_rng([seed, T]), 1 if T == 1000 else 4
    X = rng.normal(size=(pairs, T)) / np.sqrt(T)
    noise = rng.normal(size=(pairs, T)) / np.sqrt(T)
    Y = X + float(distance) * noise if distance else noise
    Y[:, :common] = X[:, :common]
    kernel = KERNELS[name]
    duals, exactly = oracle.precise()
    scales = [tuple(exactly(s) for s in layer) for layer in kernel.parameters.layers]
    dual = duals[kernel.nonlinearity]
    exact = [
        float(oracle.kernel(exactly(x)[:, None], exactly(y)[:, None], False, dual, scales, 1, kernel.frozen, "last")[0])
        for x, y in zip(X, Y, strict=True)
    ]
    scale = np.sqrt(kernel.diag(X) * kernel.diag(Y))
    found = {}
    for dtype in ("float64", "float32"):
        K = RNTK(**{**kernel.get_params(), "dtype": dtype})(X, Y)
        found[dtype] = float(np.max(np.abs(np.diag(K) - exact) / scale))
    return found


def main() -> None:
    """Print the table."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["kernel", "T", "distance", "float64", "float32"])
    for case in cases():
        found = errors(*case)
        writer.writerow([*case, *(f"{found[dtype]:.0e}" for dtype in ("float64", "float32"))])
        sys.stdout.flush()


if __name__ == "__main__":
    arguments(__doc__)
    main()
