"""Which member of a family of networks cross-validation chose, by kind of data."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from results.figures.style import COLOURS, COLUMN, NARROW, figure

MEMBER = (
    "direction",
    "depth",
    "readout",
    "output",
    "nonlinearity",
)  # what tells a network from another, its variances apart
ALL = "all"


def choices(chosen: pd.DataFrame, kinds: Mapping[str, str] | None = None) -> Figure:
    """A panel a column of `chosen`, a row a kind of data: on how many of its datasets each value was chosen, as shares of the row.

    `chosen` has a row a dataset. `kinds` gives a dataset's kind, "unknown" where it does not; without it all are one row. The kind with
    the most datasets is below the row of all. Raises ValueError where nothing was chosen.
    """
    if not chosen.size:
        raise ValueError("nothing was chosen")
    rows = (
        pd.Series({name: kinds.get(name, "unknown") for name in chosen.index})
        if kinds
        else pd.Series(ALL, chosen.index)
    )
    count = rows.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    names = [*([ALL] if kinds else []), *count.index]
    sizes = [len(chosen) if name == ALL else count[name] for name in names]
    width = min(COLUMN, NARROW + 1.5 * (chosen.shape[1] - 1))

    def draw(made: Figure) -> None:
        grid = made.subplots(1, chosen.shape[1], sharey=True, squeeze=False)[0]
        for axes, column in zip(grid, chosen, strict=True):
            table = counts(chosen[column], rows, names)
            done = np.zeros(len(names))
            for value, colour in zip(table, palette(list(table)), strict=True):
                share = 100 * table[value].to_numpy() / sizes
                axes.barh(range(len(names)), share, left=done, color=colour, height=0.8, label=str(value))
                for row, (n, start) in enumerate(zip(table[value], done, strict=True)):
                    if n and share[row] > 9:
                        ink = "white" if luminance(colour) < 0.4 else "#1A1A1A"
                        axes.text(start + share[row] / 2, row, str(n), ha="center", va="center", fontsize=6, color=ink)
                done += share
            axes.set(xlim=(0, 100), ylim=(len(names) - 0.4, -0.6))
            axes.set_xticks([0, 50, 100])
            axes.tick_params(labelsize=7)
            axes.grid(visible=False)
            many = table.shape[1] > 3
            axes.legend(
                title=column, title_fontsize=7, fontsize=6.5, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2 if many else 1,
                handlelength=0.9, handletextpad=0.4, columnspacing=0.8, labelspacing=0.2, borderpad=0.2,
            )  # fmt: skip
        grid[0].set_yticks(range(len(names)), [f"{name} ({size})" for name, size in zip(names, sizes, strict=True)])
        made.supxlabel("share of datasets (%), and their number", fontsize=7)

    return figure(draw, 1.3 + 0.2 * len(names), width)


def counts(chosen: pd.Series, kinds: pd.Series, names: list[str]) -> pd.DataFrame:
    """How many datasets of each kind, and of ALL, chose each value: a row each of `names`, a column a value, numbers in order."""
    table = pd.crosstab(kinds, chosen)
    if len(names) > len(table):
        table.loc[ALL] = table.sum()
    return table.loc[names]


def palette(values: list) -> list[str]:
    """A colour a value: COLOURS of names, and from dark to bright of numbers, or of more names than there are COLOURS."""
    if len(values) < 3 or (len(values) <= len(COLOURS) and not all(isinstance(value, int | float) for value in values)):
        return list(COLOURS[: len(values)])
    return [to_hex(colormaps["cividis"](share)) for share in np.linspace(0, 1, len(values))]


def luminance(colour: str) -> float:
    """How bright a colour looks, from 0 to 1."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return float(np.dot([0.299, 0.587, 0.114], parts))
