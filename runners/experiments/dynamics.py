"""The outputs of a wide network under gradient descent, and what the kernel predicts, through training time."""

from itertools import product

import numpy as np

from rntk import RNTK
from rntk.finite import FiniteNetwork
from runners.experiments import Findings, noise, power_law
from runners.experiments.descent import Descent, predicted, times_until


def dynamics(
    widths: list[int], seeds: int, T: int, n: int, n_test: int, sigma_w: float, sigma_b: float, steps: int, times: int
) -> Findings:
    """Networks trained by gradient descent on n sequences of T steps with labels ±1, at half the rate 1/λ_max of the limit: f of
    every training and test sequence at some steps, and f as the limit's closed form has it from the same beginning.

    The numbers are, for each width, the largest root mean square of their difference over time, and the law by which it falls.
    """
    X, X_test = np.split(noise(n + n_test, T, seed=1), [n])
    y = np.where(np.arange(n) % 2, 1.0, -1.0)
    kernel = RNTK(sigma_w=sigma_w, sigma_b=sigma_b)
    K, K_test = kernel(X), kernel(X_test, X)
    rate, moments = 0.5 / np.linalg.eigvalsh(K)[-1], times_until(steps, times)
    rows, worst = [], []
    descents = {width: Descent(FiniteNetwork(kernel, width), X, y, X_test, rate) for width in widths}
    for width, seed in product(widths, range(seeds)):
        path = [(f, f_test) for _, f, f_test in descents[width].path(moments, seed)]
        off = []
        for time, outputs in zip(moments, path, strict=True):
            found = np.concatenate(outputs)
            limit = np.concatenate(predicted(K, K_test, *path[0], y, rate, time))
            off.append(np.sqrt(np.mean((found - limit) ** 2)))
            where = {"width": width, "seed": seed, "time": time}
            rows += [
                {
                    **where,
                    "set": "training" if i < n else "test",
                    "sequence": i if i < n else i - n,
                    "network": float(a),
                    "limit": float(b),
                }
                for i, (a, b) in enumerate(zip(found, limit, strict=True))
            ]
        worst.append((width, max(off)))
    numbers = {f"width {width}": float(np.mean([off for w, off in worst if w == width])) for width in widths}
    return Findings(rows, numbers | {"law": power_law(*zip(*worst, strict=True))})
