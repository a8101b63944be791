"""How near the tangent kernel of a random network is to the limit, by its width."""

import numpy as np

from rntk import RNTK
from rntk.finite import FiniteNetwork
from runners.experiments import Findings, distance, noise, power_law


def convergence(
    widths: list[int],
    seeds: int,
    nonlinearities: list[str],
    T: int,
    n: int,
    sigma_w: float,
    sigma_b: float,
    fit_from: int,
) -> Findings:
    """‖Θ_width − Θ‖ / ‖Θ‖ of the empirical tangent kernel of n sequences of T steps, for every width and seed, and the law
    width^−½ by which it falls, fitted from the width `fit_from` on: below, terms of higher order in T/width count.
    """
    X, rows, numbers = noise(n, T, seed=0), [], {}
    for nonlinearity in nonlinearities:
        kernel = RNTK(sigma_w=sigma_w, sigma_b=sigma_b, nonlinearity=nonlinearity)
        limit = kernel(X)
        for width in widths:
            network = FiniteNetwork(kernel, width)
            for seed in range(seeds):
                error = distance(network.empirical(X, seed=seed)[0], limit)
                rows.append({"nonlinearity": nonlinearity, "width": width, "seed": seed, "error": error})
        fitted = [row for row in rows if row["nonlinearity"] == nonlinearity and row["width"] >= fit_from]
        numbers[nonlinearity] = power_law([row["width"] for row in fitted], [row["error"] for row in fitted])
        numbers[nonlinearity]["widest"] = float(np.mean([row["error"] for row in fitted if row["width"] == widths[-1]]))
    return Findings(rows, numbers)
