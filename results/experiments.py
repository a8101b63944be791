"""The figures of the experiments, from their rows and numbers alone."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from results.figures import COLOURS, figure


def draw(experiment: str, rows: pd.DataFrame, numbers: dict) -> Figure:
    """The figure of an experiment, named as its function in `runners.experiments`."""
    drawing, height = DRAWINGS[experiment]
    return figure(lambda made: drawing(made, rows, numbers), height)


def convergence(made: Figure, rows: pd.DataFrame, numbers: dict) -> None:
    """The distance from the limit over width, a dot a network, with the fitted law."""
    axes = made.subplots()
    for colour, (name, group) in zip(COLOURS, rows.groupby("nonlinearity", sort=False), strict=False):
        by_width(axes, group.width, group.error, colour, f"{name}: {law(numbers[name])}")
    guide(axes, rows.width, rows.error, -0.5)
    label(axes, "width n", "‖Θₙ − Θ‖ / ‖Θ‖", "The empirical tangent kernel against the RNTK")


def constancy(made: Figure, rows: pd.DataFrame, numbers: dict) -> None:
    """How far kernel and weights have moved, over training and over width."""
    left, right = made.subplots(1, 2)
    widths = sorted(rows.width.unique())
    shades = dict(zip(widths, np.linspace(0.25, 1, len(widths)), strict=True))
    for width, group in rows[rows.time > 0].groupby("width"):
        mean = group.groupby("time").kernel.mean()
        left.plot(mean.index, mean, color=COLOURS[0], alpha=shades[width], label=f"n = {width}")
    left.set(xscale="log", yscale="log")
    left.legend(fontsize=6)
    label(left, "steps of gradient descent", "‖Θₜ − Θ₀‖ / ‖Θ₀‖", "The kernel moves less in wider networks")
    last = rows[rows.time == rows.time.max()]
    names = {"kernel": "kernel Θ", "recurrent": "recurrent W", "input": "input U", "readout": "readout v"}
    for colour, (column, name) in zip(COLOURS, names.items(), strict=False):
        by_width(right, last.width, last[column], colour, f"{name}: {law(numbers[column])}")
    label(right, "width n", "moved at the end, relatively", "The laws")


def dynamics(made: Figure, rows: pd.DataFrame, numbers: dict) -> None:
    """The outputs of the widest network and their prediction through time; the worst difference over width."""
    axes = made.subplots(1, 3)
    widest = rows[(rows.width == rows.width.max()) & (rows.seed == 0)]
    for axis, part in zip(axes, ("training", "test"), strict=False):
        for i, (sequence, group) in enumerate(widest[widest.set == part].groupby("sequence")):
            if sequence < 5:
                axis.plot(group.time + 1, group.limit, "-", color=COLOURS[i], alpha=0.6)
                axis.plot(group.time + 1, group.network, "o", color=COLOURS[i])
        axis.set_xscale("log")
        label(axis, "steps + 1", "f(x)", f"{part} sequences, n = {rows.width.max()}")
    axes[0].plot([], [], "k-", alpha=0.6, label="limit")
    axes[0].plot([], [], "ko", label="network")
    axes[0].legend()
    off = ((rows.network - rows.limit) ** 2).groupby([rows.width, rows.seed, rows.time]).mean() ** 0.5
    worst = off.groupby(["width", "seed"]).max().reset_index(name="off")
    by_width(axes[2], worst.width, worst.off, COLOURS[0], law(numbers["law"]))
    guide(axes[2], worst.width, worst.off, -0.5)
    label(axes[2], "width n", "worst RMS difference", "Network against limit")


def sensitivity(made: Figure, rows: pd.DataFrame, numbers: dict) -> None:
    """The share of each step, a panel a nonlinearity, readout and depth, a line a σ_w and σ_b."""
    panels = list(rows.groupby(["nonlinearity", "readout", "depth"], sort=False))
    columns = max(rows.readout.nunique() * rows.depth.nunique(), 1)
    axes = made.subplots(len(panels) // columns, columns, sharex=True, sharey=True, squeeze=False)
    for axis, ((nonlinearity, readout, depth), panel) in zip(axes.flat, panels, strict=True):
        styles = dict(zip(sorted(panel.sigma_b.unique()), cycle(("-", "--", ":", "-.")), strict=False))
        colours = dict(zip(sorted(panel.sigma_w.unique()), cycle(COLOURS), strict=False))
        for (b, w), group in panel.groupby(["sigma_b", "sigma_w"]):
            name = f"$σ_w$ = {w:.3g}, $σ_b$ = {b:.3g}"
            axis.plot(group.step, group.share, styles[b], color=colours[w], label=name)
        axis.set_yscale("log")
        axis.set_ylim(1e-5, 1)
        label(axis, "", "", f"{nonlinearity}, {readout}, depth {depth}")
    for axis in axes[-1]:
        axis.set_xlabel("step t")
    made.supylabel("share of $Σ|∂k/∂x_t|$", fontsize=8)
    made.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=6)


def initialisation(made: Figure, rows: pd.DataFrame, numbers: dict) -> None:
    """The distance from the limit over width, at first and after training, for both initialisations."""
    titles = {"kernel": ("‖Θₙ − Θ‖ / ‖Θ‖", "At initialisation"), "trained": ("RMS of f − limit", "After training")}
    for axis, (column, (name, title)) in zip(made.subplots(1, 2), titles.items(), strict=True):
        for colour, (kind, group) in zip(COLOURS, rows.groupby("initialisation"), strict=False):
            by_width(axis, group.width, group[column], colour, f"{kind}: {law(numbers[f'{column}, {kind}'])}")
        guide(axis, rows.width, rows[column], -0.5)
        label(axis, "width n", name, title)


def evolution(made: Figure, rows: pd.DataFrame, numbers: dict) -> None:
    """Velocity, alignment and accuracies by epoch, a row a dataset and readout."""
    groups = list(rows.groupby(["dataset", "readout"], sort=False))
    axes = made.subplots(len(groups), 3, sharex=True, squeeze=False)
    for (speed, aligned, right), ((dataset, readout), group) in zip(axes, groups, strict=True):
        later = group[group.epoch > 0]
        speed.plot(later.epoch + 1, later.velocity, "o", color=COLOURS[0], alpha=0.25, markeredgewidth=0)
        mean = later.groupby("epoch").velocity.mean()
        speed.plot(mean.index + 1, mean, "-", color=COLOURS[0])
        speed.set(yscale="log", ylabel=f"{dataset}\n{readout}")
        for axis, column, colour in ((aligned, "alignment", 0), (right, "svm", 0), (right, "network", 1)):
            mean, spread = (group.groupby("epoch")[column].agg(how) for how in ("mean", "std"))
            axis.plot(mean.index + 1, mean, "o-", color=COLOURS[colour], label=column)
            axis.fill_between(
                mean.index + 1, mean - spread, mean + spread, color=COLOURS[colour], alpha=0.15, linewidth=0
            )
        right.axhline(
            group[group.epoch == 0].svm.mean(), color="black", linewidth=0.7, linestyle=":", label="svm at first"
        )
        for axis in (speed, aligned, right):
            axis.set_xscale("log")
    for axis, title in zip(axes[0], ("kernel velocity", "alignment with the labels", "test accuracy"), strict=True):
        axis.set_title(title)
    for axis in axes[-1]:
        axis.set_xlabel("epoch + 1")
    axes[0, 2].legend(fontsize=6)


def prediction(made: Figure, rows: pd.DataFrame, numbers: dict) -> None:
    """The signal-to-noise ratio of each predictor over what was swept: means, and a band of a standard deviation for the kernel."""
    names = {"T_var": "spread of window lengths $T_{var}$", "noise": "noise $σ_n$", "train": "training windows"}
    axes = made.subplots(1, 3, sharey=False)
    for axis, (sweep, name) in zip(axes, names.items(), strict=True):
        part = rows[rows.sweep == sweep]
        for method in rows.method.unique():
            found = part[part.method == method].groupby(sweep).snr
            mean, spread = found.mean(), found.std()
            kernel, *padding = method.split(", ")
            style = {"": "-", "end": "--", "front": ":"}[padding[0] if padding else ""]
            colour = COLOURS[KERNELS.index(kernel)]
            axis.plot(mean.index, mean, style, marker="o", color=colour, label=method)
            if kernel == "rntk":
                axis.fill_between(mean.index, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
        if sweep != "T_var":
            axis.set_xscale("log")
        label(axis, name, "SNR of the prediction (dB)" if sweep == "T_var" else "", "")
    made.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=6)


KERNELS = ("rntk", "rbf", "polynomial", "ntk", "rntk_mean", "last value")
DRAWINGS = {
    "convergence": (convergence, 3.4),
    "constancy": (constancy, 3.0),
    "dynamics": (dynamics, 2.6),
    "sensitivity": (sensitivity, 4.4),
    "initialisation": (initialisation, 3.0),
    "evolution": (evolution, 6.4),
    "prediction": (prediction, 3.2),
}


def by_width(axes, widths, values, colour: str, name: str) -> None:
    """A dot a network, and a line through their geometric means."""
    axes.plot(widths, values, "o", color=colour, alpha=0.25, markeredgewidth=0)
    mean = np.exp(np.log(values).groupby(widths).mean())
    axes.plot(mean.index, mean, "-", color=colour, label=name)
    axes.set(xscale="log", yscale="log")
    axes.set_xscale("log", base=2)
    axes.legend(fontsize=6)


def guide(axes, widths, values, exponent: float) -> None:
    """A dotted line of a slope, through the middle of what is drawn."""
    ends = np.array([widths.min(), widths.max()], float)
    middle = np.exp(np.log(widths).mean()), np.exp(np.log(values).mean())
    axes.plot(ends, middle[1] * (ends / middle[0]) ** exponent, "k:", linewidth=0.8, label=f"slope {exponent}")
    axes.legend(fontsize=6)


def law(fitted: dict) -> str:
    """An exponent with its error."""
    return f"$n^{{{fitted['exponent']:.2f} ± {fitted['error']:.2f}}}$"


def label(axes, x: str, y: str, title: str) -> None:
    """Names of the axes, and a title."""
    axes.set(xlabel=x, ylabel=y, title=title)
