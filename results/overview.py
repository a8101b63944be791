"""A study at a glance: the accuracies of every method over the datasets."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from results.figures import COLOURS, figure, save
from results.tables import describe_coverage, study_accuracies


def overview(accuracy: pd.DataFrame) -> Figure:
    """A row a method, the best in the mean on top: a dot a dataset, quartiles as a box, and the mean.

    `accuracy` as `results.statistics` takes it.
    """
    methods = accuracy.mean().sort_values(na_position="first").index

    def draw(made: Figure) -> None:
        axes = made.subplots()
        for row, method in enumerate(methods):
            values = 100 * accuracy[method].dropna()
            axes.plot(values, [row] * len(values), "|", color=COLOURS[0], alpha=0.4, markersize=5)
            if len(values):
                axes.boxplot(
                    values, positions=[row], orientation="horizontal", widths=0.6, showfliers=False, whis=0, showcaps=False,
                    medianprops={"color": COLOURS[0]}, boxprops={"color": COLOURS[0], "linewidth": 0.8},
                )  # fmt: skip
                axes.plot(values.mean(), row, "D", color=COLOURS[1], markersize=4)
                axes.annotate(
                    f"{values.mean():.1f}", (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=7
                )
        axes.set_yticks(range(len(methods)), methods)
        axes.set(
            xlabel=f"test accuracy (%), mean at the right; {describe_coverage(accuracy).split(';')[0].rstrip('.')}"
        )
        axes.grid(axis="y", visible=False)

    return figure(draw, 0.8 + 0.22 * len(methods))


def write_overview(folder: Path, to: Path | None = None) -> list[Path]:
    """Write the overview of the study in `folder` (to `folder`/figures, or `to`); returns its paths.

    Raises ValueError where there are no records.
    """
    return save(overview(study_accuracies(folder)), Path(to or Path(folder) / "figures"), "overview")
