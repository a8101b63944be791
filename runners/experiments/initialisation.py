"""Orthogonal recurrent and input weights against Gaussian ones: the same limit, and other finite networks."""

import numpy as np
from scipy.stats import ttest_ind

from rntk import RNTK
from rntk.finite import FiniteNetwork
from runners.experiments import Findings, distance, noise, power_law
from runners.experiments.descent import Descent, predicted

INITIALISATIONS = ("gaussian", "orthogonal")


def initialisation(
    widths: list[int],
    seeds: int,
    T: int,
    n: int,
    n_test: int,
    sigma_w: float,
    sigma_b: float,
    steps: int,
    fit_from: int,
) -> Findings:
    """For every width, seed and initialisation: how far the tangent kernel is from the limit at first, and, after `steps` steps of
    gradient descent at half the rate 1/λ_max, how far the outputs of training and test sequences are from what the limit predicts.

    The numbers are the laws by which both fall, from the width `fit_from` on, and the widths at which the two initialisations are
    differently far from the limit (Welch's t-test of the logarithms, p < 0.01). Source of the question: Huang, Du, Xu, "On the
    Neural Tangent Kernel of Deep Networks with Orthogonal Initialization", IJCAI 2021.
    """
    X, X_test = np.split(noise(n + n_test, T, seed=1), [n])
    y = np.where(np.arange(n) % 2, 1.0, -1.0)
    kernel = RNTK(sigma_w=sigma_w, sigma_b=sigma_b)
    K, K_test = kernel(X), kernel(X_test, X)
    rate, rows = 0.5 / np.linalg.eigvalsh(K)[-1], []
    for name in INITIALISATIONS:
        for width in widths:
            network = FiniteNetwork(kernel, width, orthogonal=name == "orthogonal")
            descent = Descent(network, X, y, X_test, rate)
            for seed in range(seeds):
                (drawn, *first), (_, *last) = descent.path([0, steps], seed)
                limit = predicted(K, K_test, *first, y, rate, steps)
                off = np.concatenate(last) - np.concatenate(limit)
                rows.append(
                    {
                        "initialisation": name,
                        "width": width,
                        "seed": seed,
                        "kernel": distance(network.kernels(drawn, X)[0], K),
                        "trained": float(np.sqrt(np.mean(off**2))),
                    }
                )
    numbers = {}
    for what in ("kernel", "trained"):
        found = {
            (name, width): np.array([r[what] for r in rows if (r["initialisation"], r["width"]) == (name, width)])
            for name in INITIALISATIONS
            for width in widths
        }
        for name in INITIALISATIONS:
            fitted = [(width, value) for width in widths if width >= fit_from for value in found[name, width]]
            numbers[f"{what}, {name}"] = power_law(*zip(*fitted, strict=True))
        logs = {place: np.log(values) for place, values in found.items()}
        differ = [
            w for w in widths if ttest_ind(logs["gaussian", w], logs["orthogonal", w], equal_var=False).pvalue < 0.01
        ]
        numbers[f"{what}, widths that differ"] = differ
        numbers[f"{what}, orthogonal / gaussian"] = {
            str(w): round(float(np.exp(logs["orthogonal", w].mean() - logs["gaussian", w].mean())), 3) for w in widths
        }
    return Findings(rows, numbers)
