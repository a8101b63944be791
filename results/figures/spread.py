"""How near to the best a method comes: boxes over datasets."""

import pandas as pd
from matplotlib.figure import Figure

from results.figures.style import COLOURS, NARROW, figure, points, shortened
from results.statistics import relative


def relative_accuracy(accuracy: pd.DataFrame) -> Figure:
    """Accuracy divided by the best of all methods on the dataset, in per cent: a box a method from the first to the third quartile with
    the median, whiskers to the 5th and 95th percentile, a dot a dataset beyond them, a diamond at the mean, which is the PMA.

    `accuracy` as `results.statistics` takes it. The highest mean is on top; a method without a result is left out. Raises ValueError
    where fewer than two methods have one: each would be its own best.
    """
    share = 100 * relative(accuracy.dropna(axis=1, how="all"))
    if share.shape[1] < 2:
        raise ValueError(f"two methods with results are needed, and there are {share.shape[1]}: one is its own best")
    means = share.mean().sort_values(kind="stable")

    def draw(made: Figure) -> None:
        axes = made.subplots()
        line = {"color": COLOURS[0], "linewidth": 0.8}
        axes.boxplot(
            [share[name].dropna() for name in means.index], orientation="horizontal", positions=range(len(means)), widths=0.6,
            whis=(5, 95), medianprops={"color": COLOURS[0], "linewidth": 1.6}, boxprops=line, whiskerprops=line, capprops=line,
            showfliers=False,
        )  # fmt: skip
        for row, name in enumerate(means.index):
            low, high = share[name].quantile([0.05, 0.95])
            out = share[name][(share[name] < low) | (share[name] > high)]
            points(axes, out, [row] * len(out), out.index, "o", color=COLOURS[0], markersize=2.5, alpha=0.6)
        axes.plot(means, range(len(means)), "D", color=COLOURS[1], markersize=3.5, zorder=3)
        for row, mean in enumerate(means):
            axes.annotate(f"{mean:.1f}", (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=7)
        axes.set_yticks(range(len(means)), [shortened(name, 22) for name in means.index], fontsize=7)
        axes.tick_params(axis="x", labelsize=7)
        axes.set_xlabel("accuracy / best of the dataset (%), mean at the right", fontsize=7)
        axes.grid(axis="y", visible=False)

    return figure(draw, 0.6 + 0.2 * len(means), NARROW)
