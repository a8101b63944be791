"""Cross-validation accuracy over two hyperparameters of a grid: one dataset's, every dataset's, and all as ranks.

A search drops what cannot win (`rntk.svm.scores`): of such a setting a record holds no score but a bound. A cell, two values of the
hyperparameters, is therefore known by the best score that was computed to the end, and by the most that any of its settings could have
reached; they are the same in a study that scored everything to its end (`scores=all`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from results.figures.style import COLOURS, COLUMN, NARROW, figure, shortened

AXES = ("sigma_w", "sigma_b")  # across and up
SIGNS = {"sigma_w": "$σ_w$", "sigma_u": "$σ_u$", "sigma_b": "$σ_b$", "sigma_h": "$σ_h$"}
NO_SCORE = "0.85"  # the grey of a cell without a score
BESIDE = 7  # maps of a row
GAP, WORDS = 0.12, 0.34  # between maps, and above them, of a map's width
LETTERS = 16  # of a line above such a map


class Cells(NamedTuple):
    """Two tables with a column a value of the hyperparameter that is drawn across, and a row a value of that drawn upward, both ascending:
    the best score computed to the end, a share in [0, 1] or NaN, and the most that a setting of the cell could have reached.
    """

    known: pd.DataFrame
    bound: pd.DataFrame


def cells(rows: Sequence[Mapping[str, str]], n_train: int, over: tuple[str, str] = AXES) -> Cells:
    """The cells of a record's grid table: over all other hyperparameters, C included, the best of each.

    Raises ValueError where the table has no such hyperparameters, or no score.
    """
    table = pd.DataFrame(list(rows))
    scores = [name for name in table if name.startswith("C=") or name == "correct"]
    absent = [name for name in over if name not in table]
    if absent or not scores:
        raise ValueError(f"the grid has no {absent[0]}" if absent else "the grid has no scores")
    text = table[scores].astype(str)
    dropped = text.apply(lambda column: column.str.startswith("<="))
    count = text.apply(lambda column: pd.to_numeric(column.str.removeprefix("<="), errors="coerce"))
    count = count.where(count >= 0) / n_train
    place = [pd.to_numeric(table[name]) for name in over]
    best = [part.max(axis=1).groupby(place).max() for part in (count.mask(dropped), count)]
    return Cells(*(part.unstack(0).sort_index() for part in best))


def ranks(found: Cells) -> pd.DataFrame:
    """The rank of every cell of one dataset, 1 for the best: 1 + how many cells are better for certain + half of how many others may
    be as good. Of scores that are all known it is the mean rank, ties sharing theirs. NaN for a cell of which nothing is known.
    """
    most = found.bound.to_numpy().ravel()
    least = np.where(np.isnan(most), np.nan, found.known.fillna(0).to_numpy().ravel())
    better = (least[None, :] > most[:, None] + 1e-12).sum(axis=1)
    worse = (most[None, :] < least[:, None] - 1e-12).sum(axis=1)
    others = np.isfinite(most).sum() - 1
    rank = 1 + better + (others - better - worse) / 2
    return pd.DataFrame(
        np.where(np.isnan(most), np.nan, rank).reshape(found.bound.shape), found.bound.index, found.bound.columns
    )


def mean_ranks(found: Mapping[str, Cells]) -> pd.DataFrame:
    """`ranks`, averaged over datasets, of each cell over those that know something of it. Raises ValueError as `same_grid`."""
    same_grid(found)
    every = np.stack([ranks(cells).to_numpy() for cells in found.values()])
    count = np.isfinite(every).sum(axis=0)
    mean = np.where(count > 0, np.nansum(every, axis=0) / np.maximum(count, 1), np.nan)
    first = next(iter(found.values())).bound
    return pd.DataFrame(mean, first.index, first.columns)


def same_grid(found: Mapping[str, Cells]) -> None:
    """Raises ValueError where there is no dataset, or two have not the same values of the hyperparameters."""
    if not found:
        raise ValueError("no dataset has a grid over both hyperparameters")
    first, *others = found
    for name in others:
        if not all(a.equals(b) for a, b in zip(found[name].known.axes, found[first].known.axes, strict=True)):
            raise ValueError(f"the grid of {name} is not that of {first}: they cannot be shown as one")


def grid_map(
    found: Cells, selected: tuple[float, float] | None = None, title: str = "", over: tuple[str, str] = AXES
) -> Figure:
    """One dataset's cells: the colour is the best score computed to the end, grey where every setting of the cell was dropped, and a
    ring is about the `selected` one. Raises ValueError where no cell has a score.
    """
    return _map(100 * found.known, selected, title, "cross-validation accuracy (%)", "cividis", over)


def rank_map(mean: pd.DataFrame, title: str = "", over: tuple[str, str] = AXES) -> Figure:
    """Ranks of `ranks`, averaged over datasets, the best brightest and in a ring. Raises ValueError where there are none."""
    best = mean.stack().idxmin()[::-1] if mean.notna().any(axis=None) else None
    return _map(mean, best, title, "average rank", "cividis_r", over)


def _map(table: pd.DataFrame, ringed, title: str, measure: str, colours: str, over: tuple[str, str]) -> Figure:
    if not table.notna().any(axis=None):
        raise ValueError("no cell of the grid has a score")
    rows, columns = table.shape

    def draw(made: Figure) -> None:
        axes = made.subplots()
        shades = colormaps[colours].with_extremes(bad=NO_SCORE)
        image = axes.imshow(table, shades, origin="lower", aspect="auto", interpolation="nearest")
        axes.set_xticks(range(columns), [f"{value:.4g}" for value in table.columns], rotation=90 if columns > 6 else 0)
        axes.set_yticks(range(rows), [f"{value:.4g}" for value in table.index])
        axes.tick_params(labelsize=6.5, length=2)
        axes.grid(visible=False)
        axes.set(xlabel=SIGNS.get(over[0], over[0]), ylabel=SIGNS.get(over[1], over[1]))
        axes.set_title(title, fontsize=7)
        _ring(axes, table, ringed, 6, image.get_extent())
        bar = made.colorbar(image, ax=axes)
        bar.set_label(measure, fontsize=7)
        bar.ax.tick_params(labelsize=7)

    return figure(draw, min(max(0.9 + 0.15 * rows, 1.7), 4), NARROW)


def _ring(
    axes: Axes,
    table: pd.DataFrame,
    cell: tuple[float, float] | None,
    size: float,
    extent: tuple[float, float, float, float],
) -> None:
    """A ring about a cell, by its values across and up, of a map that lies within `extent`; none where the table has no such cell."""
    if cell is not None and cell[0] in table.columns and cell[1] in table.index:
        left, right, low, high = extent
        x = left + (right - left) * (table.columns.get_loc(cell[0]) + 0.5) / table.shape[1]
        y = low + (high - low) * (table.index.get_loc(cell[1]) + 0.5) / table.shape[0]
        axes.plot(x, y, "o", markersize=size, markerfacecolor="none", markeredgecolor=COLOURS[1], markeredgewidth=1.2)


def grid_maps(
    found: Mapping[str, Cells], selected: Mapping[str, tuple[float, float]] | None = None, over: tuple[str, str] = AXES
) -> Figure:
    """`grid_map` for many datasets of one grid, a small map each, from its own lowest score to its highest, which are beside its name in
    per cent. Raises ValueError as `same_grid`.
    """
    same_grid(found)
    first = next(iter(found.values())).known
    beside = min(BESIDE, len(found))
    down = -(-len(found) // beside)
    width = COLUMN * beside / BESIDE if beside > 2 else NARROW
    tall = min(max(first.shape[0] / first.shape[1], 0.4), 0.65)  # of a map's width, as is WORDS, the room above it
    colours = colormaps["cividis"].with_extremes(bad=NO_SCORE)

    def draw(made: Figure) -> None:
        axes = made.subplots()
        for i, (name, cells) in enumerate(found.items()):
            left, low = i % beside * (1 + GAP), (down - 1 - i // beside) * (tall + WORDS)
            score = cells.known
            ends = score.min(axis=None), score.max(axis=None)
            axes.imshow(
                1 - (ends[1] - score) / ((ends[1] - ends[0]) or 1), colours, Normalize(0, 1), origin="lower", aspect="auto",
                interpolation="nearest", extent=(left, left + 1, low, low + tall),
            )  # fmt: skip
            said = "no score" if np.isnan(ends[0]) else f"{100 * ends[0]:.0f} to {100 * ends[1]:.0f}"
            axes.text(left, low + tall + 0.04, f"{shortened(name, LETTERS)}\n{said}", fontsize=6, linespacing=1.1)
            _ring(axes, score, (selected or {}).get(name), 3.5, (left, left + 1, low, low + tall))
        axes.set(xlim=(0, beside * (1 + GAP) - GAP), ylim=(-0.02, down * (tall + WORDS)), autoscale_on=False)
        axes.axis("off")
        bar = made.colorbar(
            ScalarMappable(Normalize(), "cividis"), ax=axes, location="bottom", fraction=0.02, aspect=80, pad=0.01
        )
        bar.set_ticks([0, 1], labels=["lowest score", "highest"])
        bar.ax.tick_params(labelsize=7)
        across, up = (
            f"{SIGNS.get(n, n)} from {v[0]:.4g} to {v[-1]:.4g}"
            for n, v in zip(over, (first.columns, first.index), strict=True)
        )
        bar.set_label(f"{across}, left to right; {up}, upward", fontsize=7)

    return figure(draw, 0.55 + width / beside * down * (tall + WORDS), width)
