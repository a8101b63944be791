"""How exact Gauss–Hermite quadrature is: V and V' at c = 1, where its sum converges most slowly, against fine sums.

`python -m benchmarks.quadrature` prints relative errors by nonlinearity, variance and number of nodes.
"""

import numpy as np

from benchmarks.measure import arguments
from rntk.nonlinearities import Quadrature, sigmoid, tanh


def kink(a):
    """max(a, 0), as if nothing were known of it."""
    return np.maximum(a, 0)


SLOPES = {
    tanh: lambda a: 1 - np.tanh(a) ** 2,
    sigmoid: lambda a: sigmoid(a) * (1 - sigmoid(a)),
    kink: lambda a: (a > 0).astype(float),
}


def exact(function, variance: float) -> float:
    """E function(√variance z)² by the midpoint rule on a fine grid, exact to rounding for what is smooth."""
    z = (np.arange(400_000) + 0.5) / 20_000 - 10
    weights = np.exp(-(z**2) / 2)
    return float(weights @ function(np.sqrt(variance) * z) ** 2 / weights.sum())


def main() -> None:
    """Print the table."""
    for function, slope in SLOPES.items():
        for variance in (1.0, 4.0, 16.0, 64.0):
            for nodes in (64, 128, 256, 512, 1000):
                v, v_prime = Quadrature(function, nodes).dual(variance, variance, variance)
                errors = v / exact(function, variance) - 1, v_prime / exact(slope, variance) - 1
                print(
                    f"{function.__name__:8}  variance {variance:4g}  {nodes:4} nodes  V {errors[0]:9.1e}  V' {errors[1]:9.1e}"
                )


if __name__ == "__main__":
    arguments(__doc__)
    main()
