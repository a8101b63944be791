"""Which steps of a sequence the kernel looks at."""

from itertools import product

import numpy as np

from rntk import RNTK
from rntk.sensitivity import sensitivity as gradient
from runners.experiments import Findings, noise


def sensitivity(
    T: int,
    n: int,
    nonlinearities: list[str],
    readouts: list[str],
    depths: list[int],
    sigma_w: list[float],
    sigma_b: list[float],
) -> Findings:
    """The share of each step t in the sensitivity Σ_t |∂k(x, y)/∂x_t|, averaged over the pairs of n sequences of white noise of T
    steps and unit norm, for every setting.

    The number of a setting is how many of the last steps have half of the sensitivity: T/2 where all count alike.
    """
    X, rows, numbers = noise(n, T, seed=0), [], {}
    for nonlinearity, readout, depth, w, b in product(nonlinearities, readouts, depths, sigma_w, sigma_b):
        kernel = RNTK(sigma_w=w, sigma_b=b, nonlinearity=nonlinearity, readout=readout, depth=depth)
        slopes = np.concatenate([gradient(kernel, x, np.delete(X, i, axis=0))[:, :, 0] for i, x in enumerate(X)])
        share = np.abs(slopes).mean(axis=0)
        share /= share.sum()
        setting = {"nonlinearity": nonlinearity, "readout": readout, "depth": depth, "sigma_w": w, "sigma_b": b}
        rows += [{**setting, "step": t, "share": float(value)} for t, value in enumerate(share, start=1)]
        name = f"{nonlinearity}, {readout}, depth {depth}, sigma_w {w:.4g}, sigma_b {b:.4g}"
        numbers[name] = int(np.searchsorted(np.cumsum(share[::-1]), 0.5)) + 1
    return Findings(rows, {"half": numbers})
