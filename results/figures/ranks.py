"""The critical-difference diagram: methods on a line by average rank, and which of them cannot be told apart.

Source: Demšar, Statistical comparisons of classifiers over multiple data sets, JMLR 7, 2006.
"""

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.figures.style import COLOURS, COLUMN, figure, shortened

ROW, BAR = 0.17, 0.09  # inches: from one method to the next, from one group to the next
LETTERS = 24  # of a method's name


def cd_diagram(
    ranks: pd.Series, groups: Sequence[Sequence[str]], critical_difference: float | None = None, width: float = COLUMN
) -> Figure:
    """Average ranks by method, the best on the left, with a bar below the axis through each of `groups`, methods that cannot be told
    apart, and above it how far apart two ranks must be.

    `ranks` needs two methods, none NaN, and groups may name only these; ValueError otherwise. `critical_difference` is drawn where it
    is a number, and said to be wider than all ranks where it is.
    """
    ranks = ranks.sort_values(kind="stable")
    if len(ranks) < 2 or ranks.isna().any():
        raise ValueError(f"average ranks of two methods are needed, and there are {ranks.count()}")
    strange = [name for group in groups for name in group if name not in ranks]
    if strange:
        raise ValueError(f"a group names {strange[0]!r}, which has no rank: there are {', '.join(ranks.index)}")
    groups = [group for group in groups if len(group) > 1]
    gap = None if critical_difference is None or math.isnan(critical_difference) else critical_difference
    half = math.ceil(len(ranks) / 2)
    first, last = math.floor(ranks.min()), max(math.ceil(ranks.max()), math.floor(ranks.min()) + 1)
    if gap is not None and gap <= len(ranks) - 1:
        last = max(last, math.ceil(first + gap))
    top = 0.2 + 0.2 * (gap is not None)
    below = 0.1 + BAR * len(groups)
    bottom = below + ROW * half

    def draw(made: Figure) -> None:
        axes = made.subplots()
        axes.set(xlim=(first, last), ylim=(-bottom, top + 0.05))
        axes.axis("off")
        axes.plot([first, last], [0, 0], color="black", linewidth=0.8, clip_on=False)
        for tick in range(first, last + 1, 1 if last - first <= 2.5 * width else 2):
            axes.plot([tick, tick], [0, 0.05], color="black", linewidth=0.8, clip_on=False)
            axes.text(tick, 0.07, str(tick), ha="center", va="bottom", fontsize=7)
        for i, (name, rank) in enumerate(ranks.items()):
            place = i if i < half else len(ranks) - 1 - i
            _method(axes, shortened(name, LETTERS), rank, -below - ROW * (place + 0.5), left=i < half)
        for i, group in enumerate(groups):
            ends = ranks[list(group)].min(), ranks[list(group)].max()
            reach = 0.006 * (last - first)
            y = -0.08 - BAR * i
            axes.plot([ends[0] - reach, ends[1] + reach], [y, y], color=COLOURS[1], linewidth=2.5, clip_on=False)
        if gap is not None:
            _difference(axes, first, last, gap, top)

    return figure(draw, 0.15 + top + bottom, width)


def _method(axes: Axes, name: str, rank: float, y: float, left: bool) -> None:
    """A line from a rank down and out to the name."""
    edge, side = (axes.get_xlim()[0], -1) if left else (axes.get_xlim()[1], 1)
    axes.plot([rank, rank, edge], [0, y, y], color=COLOURS[0], linewidth=0.8, clip_on=False, solid_joinstyle="miter")
    axes.plot(rank, 0, "o", color=COLOURS[0], clip_on=False)
    text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
    axes.annotate(
        text, (edge, y), (3 * side, 0), textcoords="offset points", va="center", ha="right" if left else "left", fontsize=7
    )  # fmt: skip


def _difference(axes: Axes, first: float, last: float, gap: float, top: float) -> None:
    if gap > last - first:
        axes.text(first, top, f"critical difference {gap:.2f}, more than any two can differ", va="center", fontsize=7)
        return
    axes.plot([first, first + gap], [top, top], "|-", color="black", markersize=5, linewidth=0.8, clip_on=False)
    axes.annotate(
        f"critical difference {gap:.2f}", (first + gap, top), (4, 0), textcoords="offset points", va="center", fontsize=7
    )  # fmt: skip
