"""The confusion matrix of a record's predictions, and its picture."""

import pandas as pd
from matplotlib.figure import Figure

from results.figures.style import figure

CELL, LEAST, MOST = 0.28, 2.0, 5.2  # inches: of one class, and of the whole matrix
NUMBERED = 15  # classes up to which every count is written
NAMED = 25  # classes that have room for a name each
INK = 0.6  # share of a row from which on a cell is dark


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


def draw_confusion(counts: pd.DataFrame, title: str) -> Figure:
    """A row a class as labelled, a column a class as predicted; the darker, the larger the share of the row."""
    size = min(max(CELL * len(counts), LEAST), MOST)
    step = -(-len(counts) // NAMED)
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0).to_numpy()

    def draw(made: Figure) -> None:
        axes = made.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(0, len(counts), step), counts.index[::step], rotation=90 if len(counts) > NUMBERED else 0)
        axes.set_yticks(range(0, len(counts), step), counts.index[::step])
        if len(counts) <= NUMBERED:
            for row, column in zip(*counts.to_numpy().nonzero(), strict=True):
                ink = "white" if shares[row, column] > INK else "black"
                axes.text(column, row, counts.iat[row, column], ha="center", va="center", color=ink)
        axes.set(xlabel="predicted", ylabel="label", title=title)
        axes.grid(visible=False)

    return figure(draw, size + 0.8, max(size + 0.8, 0.07 * len(title)))
