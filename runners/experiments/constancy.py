"""How far the tangent kernel and the weights move while a network is trained, by its width."""

from itertools import product

import jax
import numpy as np

from rntk import RNTK
from rntk.finite import FiniteNetwork
from runners.experiments import Findings, distance, noise, power_law
from runners.experiments.descent import Descent, times_until

PARTS = {"W": "recurrent", "U": "input", "v": "readout"}


def constancy(
    widths: list[int], seeds: int, T: int, n: int, sigma_w: float, sigma_b: float, steps: int, times: int, fit_from: int
) -> Findings:
    """Networks trained by gradient descent on n sequences of T steps with labels ±1, at the rate 1/λ_max of the limit: how far
    the tangent kernel and each group of weights have moved after some steps, relative to where they began.

    The weights move by O(1) in all, whatever the width, out of a norm of width (W) or width^½ (U, v): relatively by width^−1 and
    width^−½; the kernel by width^−½ at most (Jacot et al., 2018; Lee et al., 2019, "Wide Neural Networks of Any Depth Evolve as
    Linear Models"), and with one readout by less. The laws are fitted from the width `fit_from` on.
    """
    X, y = noise(n, T, seed=0), np.where(np.arange(n) % 2, 1.0, -1.0)
    kernel = RNTK(sigma_w=sigma_w, sigma_b=sigma_b)
    rate, moments = 1 / np.linalg.eigvalsh(kernel(X))[-1], times_until(steps, times)
    rows = []
    descents = {width: Descent(FiniteNetwork(kernel, width), X, y, X[:1], rate) for width in widths}
    for width, seed in product(widths, range(seeds)):
        begun = None
        for time, (parameters, f, _) in zip(moments, descents[width].path(moments, seed), strict=True):
            here = parameters, descents[width].network.kernels(parameters, X)[0]
            begun = begun or here
            moved = {name: norm(part(here[0], key), part(begun[0], key)) for key, name in PARTS.items()}
            moved["kernel"] = distance(here[1], begun[1])
            rows.append({"width": width, "seed": seed, "time": time, "loss": float(((f - y) ** 2).mean()), **moved})
    ended = [row for row in rows if row["time"] == steps and row["width"] >= fit_from]
    numbers = {
        name: power_law([row["width"] for row in ended], [row[name] for row in ended])
        for name in ("kernel", *PARTS.values())
    }
    return Findings(rows, numbers | {"loss": float(np.mean([row["loss"] for row in ended]))})


def part(parameters: dict, key: str):
    """One group of weights, as a tree."""
    return parameters["forward"][key]


def norm(tree, begun) -> float:
    """‖tree − begun‖ / ‖begun‖."""
    moved, size = (
        sum(float((np.asarray(leaf, np.float64) ** 2).sum()) for leaf in jax.tree.leaves(some))
        for some in (jax.tree.map(lambda a, b: a - b, tree, begun), begun)
    )
    return float(np.sqrt(moved / size))
