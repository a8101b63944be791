"""Tables whose cells are coloured by what they hold, as pages of HTML: a record's confusion matrix, and its grid over two hyperparameters.

They take a fifth of the time of a picture of the same table: every tracked task has them. Their numbers can be copied.
"""

from html import escape

import pandas as pd
from matplotlib import colormaps

from results.figures.grids import NO_SCORE, SIGNS, Cells
from results.figures.style import COLOURS

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 13px system-ui, sans-serif; color: black; background: white }}
table {{ border-collapse: collapse }}
caption {{ text-align: left; padding-bottom: 0.6em }}
th {{ font-weight: normal; padding: 0.2em 0.5em; text-align: right }}
td, thead th {{ padding: 0.2em 0.5em; min-width: 2.2em; text-align: center }}
</style>
{table}
"""
READABLE = 0.18  # luminance of a ground from which on black is read better than white
CHOSEN = f"outline: 3px solid {COLOURS[1]}; outline-offset: -3px"


def confusion(predictions: list[dict]) -> pd.DataFrame:
    """How many test cases of the class of each row were taken for the class of each column; of several runs, all together.

    `predictions` are rows with a `label` and what was `predicted`, as a record has them. Classes are in the order of their
    numbers, or of the alphabet where they are none.
    """
    label, predicted = ([str(row[name]) for row in predictions] for name in ("label", "predicted"))
    classes = sorted({*label, *predicted}, key=_place)
    counts = pd.crosstab(pd.Series(label, name="label"), pd.Series(predicted, name="predicted"))
    return counts.reindex(index=classes, columns=classes, fill_value=0)


def _place(label: str) -> tuple:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def shaded_confusion(counts: pd.DataFrame, title: str) -> str:
    """A row a class as labelled, a column a class as predicted; the darker, the larger the share of the row. Zeros are left out."""
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    text = counts.astype(str).where(counts > 0, "")
    return _page(text, shares, f"{title}. Rows are labels, columns are predictions.", "Blues", 0, 1)


def shaded_grid(found: Cells, selected: tuple[float, float] | None, title: str) -> str:
    """The best accuracy of each cell that was computed to the end, in per cent; where every setting of a cell was dropped, the most that
    one could have reached, in grey. The cell of the `selected` values (across, up) is outlined.
    """
    known = 100 * found.known.iloc[::-1]
    bound = (100 * found.bound).map("≤ {:.1f}".format, na_action="ignore").fillna("")
    text = known.map("{:.1f}".format, na_action="ignore").astype(object).where(known.notna(), bound)
    across, up = (SIGNS.get(axis.name, axis.name).strip("$") for axis in (known.columns, known.index))
    outlined = pd.DataFrame("", known.index, known.columns)
    if selected and selected[0] in known.columns and selected[1] in known.index:
        outlined.iat[known.index.get_loc(selected[1]), known.columns.get_loc(selected[0])] = CHOSEN
    told = f"{title}: cross-validation accuracy (%), {across} across and {up} down. Outlined: what was chosen."
    if bound.where(known.isna(), "").ne("").any(axis=None):
        told += " Grey: dropped as hopeless, with the most that it could have reached."
    return _page(text, known, told, "cividis", known.min(axis=None), known.max(axis=None), outlined)


def _page(
    text: pd.DataFrame,
    shades: pd.DataFrame,
    title: str,
    colours: str,
    low: float,
    high: float,
    more: pd.DataFrame | None = None,
) -> str:
    bare = text.rename_axis(None).rename_axis(None, axis=1)
    style = bare.style.set_uuid("shaded").set_caption(escape(title))
    style.cell_ids = False
    style.background_gradient(
        colormaps[colours].with_extremes(bad=NO_SCORE), axis=None, gmap=shades.to_numpy(), vmin=low, vmax=high,
        text_color_threshold=READABLE,
    )  # fmt: skip
    if more is not None:
        style.apply(lambda _: more, axis=None)
    for axis in (0, 1):
        style.format_index(_heading, axis)
    return PAGE.format(title=escape(title), table=style.to_html())


def _heading(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.4g}"
