"""The next step of a noisy sinusoid, by kernel ridge regression on windows of unequal length."""

from itertools import product
from typing import Any

import numpy as np

from baselines import NTK, RBF, Polynomial
from datasets.synthetic import sinusoid_windows
from rntk import RNTK
from runners.experiments import Findings

KERNELS = {"rntk": RNTK(), "rntk_mean": RNTK(readout="mean"), "rbf": RBF(), "polynomial": Polynomial(), "ntk": NTK()}


def prediction(
    repeats: int,
    train: int,
    test: int,
    T_fixed: int,
    T_var: int,
    noise: float,
    trains: list[int],
    T_vars: list[int],
    noises: list[float],
    ridges: list[float],
    grids: dict[str, dict[str, list]],
) -> Findings:
    """The signal-to-noise ratio in dB of predictions of the next step,

        SNR = 10 log₁₀ (Σ s² / Σ (ŝ − s)²),        s without noise,

    from windows of T_fixed to T_fixed + T_var steps: of each kernel, learning from `train` windows and their next steps as they were
    seen, and of the last value. One of T_var, noise and train is swept at a time. The kernels of `grids` with a `lengths` axis see
    windows of one length, with zeros after their end ("end") or before their beginning ("front"); the others see them as they are.
    Ridge (relative to the mean diagonal) and hyperparameters are those with the least squared error by leave-one-out
    cross-validation. The numbers are means and standard deviations over repeats at each point.
    """
    base = {"T_var": T_var, "noise": noise, "train": train}
    points = [
        (name, {**base, name: value})
        for name, values in (("T_var", T_vars), ("noise", noises), ("train", trains))
        for value in values
    ]
    rows, done = [], {}
    for sweep, point in points:
        place = tuple(point.values())
        if place not in done:
            done[place] = [repeat(seed, point, test, T_fixed, ridges, grids) for seed in range(repeats)]
        for seed, found in enumerate(done[place]):
            rows += [
                {"sweep": sweep, **point, "repeat": seed, "method": name, "snr": snr} for name, snr in found.items()
            ]
    numbers = {}
    for sweep, point in points:
        for name in done[tuple(point.values())][0]:
            snr = [found[name] for found in done[tuple(point.values())]]
            numbers.setdefault(f"{sweep}={point[sweep]:g}", {})[name] = {
                "mean": round(float(np.mean(snr)), 2),
                "sd": round(float(np.std(snr, ddof=1)), 2),
            }
    return Findings(rows, numbers)


def repeat(seed: int, point: dict[str, Any], test: int, T_fixed: int, ridges, grids) -> dict[str, float]:
    """The SNR of each predictor, once."""
    rng = np.random.default_rng([seed, point["T_var"], point["train"], round(1e6 * point["noise"])])
    longest = T_fixed + point["T_var"]
    X, y, _ = sinusoid_windows(point["train"], T_fixed, longest, point["noise"], rng)
    X_test, _, ideal = sinusoid_windows(test, T_fixed, longest, point["noise"], rng)
    found = {}
    for name, grid in grids.items():
        kernel, *padding = name.split(", ")
        seen, seen_test = ((padded(Z, longest, padding[0]) if padding else Z) for Z in (X, X_test))
        found[name] = snr(ridge_regression(KERNELS[kernel], grid, ridges, seen, y, seen_test), ideal)
    return found | {"last value": snr(np.array([x[-1] for x in X_test]), ideal)}


def ridge_regression(kernel, grid: dict[str, list], ridges: list[float], X, y: np.ndarray, X_test) -> np.ndarray:
    """The predictions for X_test of kernel ridge regression, its ridge and hyperparameters chosen by leave-one-out."""
    gram, best = kernel.over(X), (np.inf, None, None)
    for values in product(*grid.values()):
        setting = dict(zip(grid, values, strict=True))
        K = np.asarray(gram(setting), np.float64)
        for ridge in ridges:
            left_out, weights = leave_one_out(K, y, ridge * np.trace(K) / len(K))
            error = float((left_out**2).mean())
            if error < best[0]:
                best = error, setting, weights
    return kernel.with_params(**best[1])(X_test, X) @ best[2]


def leave_one_out(K: np.ndarray, y: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """The errors of kernel ridge regression on each case when it is left out, α_i / (K + ridge I)⁻¹_ii, and α = (K + ridge I)⁻¹ y."""
    inverse = np.linalg.inv(K + ridge * np.eye(len(K)))
    weights = inverse @ y
    return weights / np.diag(inverse), weights


def padded(X: list[np.ndarray], T: int, where: str) -> np.ndarray:
    """Windows as (n, T), with zeros after their end or before their beginning."""
    result = np.zeros((len(X), T))
    for row, x in zip(result, X, strict=True):
        row[slice(len(x)) if where == "end" else slice(T - len(x), T)] = x
    return result


def snr(predicted: np.ndarray, ideal: np.ndarray) -> float:
    """10 log₁₀ of the power of the signal over that of the error."""
    return float(10 * np.log10((ideal**2).sum() / ((predicted - ideal) ** 2).sum()))
