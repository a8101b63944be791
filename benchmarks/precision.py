"""How exact the kernel is: against the recursion in 50 digits, over series that differ a lot, a little and not at all.

`python -m benchmarks.precision` prints, for each, the largest error relative to √(k(x, x) k(y, y)) (about three minutes).
"""

import numpy as np

from rntk import RNTK
from tests.rntk import oracle

DISTANCES = (None, 1e-2, 4e-3, 3e-4, 1e-4, 1e-6, 1e-8, 0.0)  # None: series of their own


def errors(
    kernel: RNTK, T: int, distance: float | None, seed: int = 0, pairs: int = 4, common: int = 0
) -> dict[str, float]:
    """The largest error of a few pairs in both types, where y = x + distance × noise, as two sets; the first `common` steps
    are the same.
    """
    rng = np.random.default_rng([seed, T])
    X = rng.normal(size=(pairs, T)) / np.sqrt(T)
    noise = rng.normal(size=(pairs, T)) / np.sqrt(T)
    Y = noise if distance is None else X + distance * noise
    Y[:, :common] = X[:, :common]
    duals, exactly = oracle.precise()
    scales = [tuple(exactly(s) for s in layer) for layer in kernel.parameters.layers]
    dual = duals[kernel.nonlinearity]
    exact = [
        float(oracle.kernel(exactly(x)[:, None], exactly(y)[:, None], False, dual, scales, 1, 0, "last")[0])
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
    kernels = [
        RNTK(sigma_w=w, sigma_b=b, nonlinearity=name, sigma_u=u)
        for name, w, b, u in [
            ("relu", 1.34, 0.3, 1),
            ("relu", 1.41, 0.0, 1),
            ("relu", 1.47, 0.1, 1),
            ("erf", 0.9, 0.1, 3),
            ("erf", 1.6, 0.2, 3),  # chaotic: what differs is driven apart at every step, rounding too
        ]
    ]
    for kernel in kernels:
        for T in (10, 100) if kernel.sigma_w == 1.6 else (10, 100, 1000):
            for distance in DISTANCES:
                found = errors(kernel, T, distance)
                what = "other series" if distance is None else f"distance {distance:g}"
                print(
                    f"{kernel.nonlinearity:4}  sigma_w {kernel.sigma_w:4}  sigma_b {kernel.sigma_b:3}  T {T:4}  {what:14}"
                    f"  float64 {found['float64']:.0e}  float32 {found['float32']:.0e}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
