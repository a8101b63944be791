"""Two methods against each other on every dataset: as points about the diagonal, and as differences in order."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from results.figures.style import COLOURS, GREY, NARROW, figure, panels, points, shortened, signed, square_panels
from results.significance import leads

MARKS = {"won": ("o", COLOURS[0]), "drawn": ("D", GREY), "lost": ("s", COLOURS[1])}


def outcomes(accuracy: pd.DataFrame, method: str, other: str) -> pd.DataFrame:
    """The datasets on which both methods have a result: the accuracies in per cent, `method` and `other`, `lead` in points, and the
    `outcome`, won, drawn (equal but for rounding) or lost.

    Raises ValueError where there is no such dataset.
    """
    both = 100 * accuracy[[method, other]].dropna().set_axis(["method", "other"], axis=1)
    if both.empty:
        raise ValueError(f"no dataset has a result of both {method} and {other}")
    lead = 100 * leads(accuracy, method, other)
    outcome = np.select([lead > 0, lead == 0], ["won", "drawn"], "lost")
    return both.assign(lead=lead, outcome=outcome)


def pairs(accuracy: pd.DataFrame, method: str, others: Sequence[str]) -> Figure:
    """A panel for each of `others`: a point a dataset, above the diagonal where `method` has the higher accuracy, and in its title how
    many datasets were won, drawn and lost.

    `accuracy` as `results.statistics` takes it. Raises ValueError where there are no others, or no dataset in common with one.
    """
    if not others:
        raise ValueError(f"there is no method to compare {method} with")
    found = {other: outcomes(accuracy, method, other) for other in others}
    lowest = min(table[["method", "other"]].min(axis=None) for table in found.values())
    low = min(max(5 * np.floor((lowest - 2) / 5), -2.5), 90)
    beside = min(len(others), 3 if len(others) < 7 else 4 if len(others) < 17 else 5)

    def draw(made: Figure) -> None:
        grid = panels(made, len(others), beside, sharex=True, sharey=True)
        for axes, (other, table) in zip(grid, found.items(), strict=True):
            _panel(axes, table, low, other)
        for axes in grid[::beside]:
            axes.set_ylabel(f"{shortened(method, 20)} (%)", fontsize=7)

    return figure(draw, *square_panels(len(others), beside, 0.6))


def _panel(axes: Axes, table: pd.DataFrame, low: float, other: str) -> None:
    ends = low, 102.5
    axes.plot(ends, ends, color="black", linewidth=0.6, zorder=1)
    axes.fill_between(ends, ends, ends[1], color=COLOURS[0], alpha=0.07, linewidth=0, zorder=0)
    for outcome, (mark, colour) in MARKS.items():
        part = table[table.outcome == outcome]
        points(axes, part.other, part.method, part.index, mark, color=colour, markersize=3.5, alpha=0.75, zorder=2)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.set_title(counted(table), fontsize=6.5)
    axes.set_xlabel(f"{shortened(other, 20)} (%)", fontsize=7)
    axes.tick_params(labelsize=7)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(20 if low < 50 else 10))


def counted(table: pd.DataFrame) -> str:
    """How many of `outcomes` were won, drawn and lost."""
    count = table.outcome.value_counts()
    return ", ".join(f"{count.get(outcome, 0)} {outcome}" for outcome in MARKS)


def differences(accuracy: pd.DataFrame, method: str, other: str) -> Figure:
    """A bar a dataset, the lead of `method` over `other` in points of accuracy, the largest on top. Raises ValueError where no dataset
    has a result of both.
    """
    table = outcomes(accuracy, method, other).sort_values("lead", kind="stable")
    mean = table.lead.mean()

    def draw(made: Figure) -> None:
        axes = made.subplots()
        rows = range(len(table))
        axes.barh(rows, table.lead, color=[MARKS[outcome][1] for outcome in table.outcome], height=0.75)
        axes.plot(table.lead[table.lead == 0], np.flatnonzero(table.lead == 0), "D", color=GREY, markersize=2.5)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.axvline(mean, color="black", linewidth=0.8, linestyle=":")
        axes.set_yticks(rows, [shortened(name, 30) for name in table.index], fontsize=6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="x", labelsize=7)
        axes.set(ylim=(-0.8, len(table) - 0.2))
        axes.set_xlabel("lead in points, mean dotted", fontsize=7)
        made.suptitle(
            f"{shortened(method, 24)} less {shortened(other, 24)}\n{counted(table)}, mean {signed(mean)}", fontsize=7
        )

    return figure(draw, 0.9 + 0.105 * len(table), NARROW)
