# %% [markdown]
# # What the kernel looks at
#
# `sensitivity(k, x, Y)` is the gradient of $k(x, y)$ by every step of $x$, for every $y$ of a set. Where it is
# large, the kernel looks.

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from sktime.datasets import load_gunpoint

from rntk import RNTK
from rntk.sensitivity import sensitivity

X, y = load_gunpoint(split="train", return_type="numpy2d")
X /= np.linalg.norm(X, axis=1, keepdims=True)  # as the classifier and the study do


def moved(kernel, x):
    """The share of every step of x in the gradients by all other series."""
    gradient = np.abs(sensitivity(kernel, x, X)).sum(axis=(0, 2))
    return gradient / gradient.sum()


# %% [markdown]
# Two series, a gun and a finger, for four kernels: dark where a step moves the kernel much.

# %%
kernels = {
    "last state, σ_w = 1.2": RNTK(sigma_w=1.2, sigma_b=0.05),
    "last state, σ_w = √2": RNTK(sigma_b=0.05),
    "mean over steps, σ_w = 1.2": RNTK(sigma_w=1.2, sigma_b=0.05, readout="mean"),
    "mean over steps, σ_w = √2": RNTK(sigma_b=0.05, readout="mean"),
}
series = [X[y == label][0] for label in ("1", "2")]
shares = {name: [moved(kernel, x) for x in series] for name, kernel in kernels.items()}

figure, panels = plt.subplots(4, 2, figsize=(8, 8), sharex=True, sharey=True, layout="constrained")
for row, (name, of_series) in zip(panels, shares.items(), strict=True):
    for panel, x, share in zip(row, series, of_series, strict=True):
        points = np.column_stack([np.arange(len(x)), x])
        pieces = np.stack([points[:-1], points[1:]], axis=1)
        line = LineCollection(pieces, array=share[:-1], cmap="viridis_r", linewidth=3, clim=(0, 4 / len(x)))
        panel.add_collection(line)
        panel.autoscale()
        panel.set_title(name, fontsize="medium")
figure.colorbar(line, ax=panels, label="share of the sensitivity")

# %% [markdown]
# How many of the last steps have half of the sensitivity?

# %%
for name, of_series in shares.items():
    halves = [int(np.searchsorted(np.cumsum(share[::-1]), 0.5)) + 1 for share in of_series]
    print(f"{name:28}{halves[0]:4} and {halves[1]} of {X.shape[1]} steps")

# %% [markdown]
# The last state with a small σ_w looks at the end of a series alone; from √2 on the beginning counts more and more.
# [Theory](../theory.md) has the same for random series, with other nonlinearities and depths.
