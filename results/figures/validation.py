"""How far a cross-validation score can be trusted: against the test accuracy that came of the choice."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from results.figures.style import COLOURS, figure, panels, points, shortened, signed, square_panels


def validation(score: pd.DataFrame, accuracy: pd.DataFrame) -> Figure:
    """A panel a method: a point a dataset, the cross-validation score of the chosen setting across and the test accuracy up; in the title
    by how many points the score is higher in the mean.

    Both tables are as `results.statistics` takes them, shares in [0, 1]. Raises ValueError where no method has both.
    """
    both = {
        name: 100 * pd.DataFrame({"score": score[name], "accuracy": accuracy[name]}).dropna()
        for name in accuracy
        if name in score
    }
    both = {name: table for name, table in both.items() if len(table)}
    if not both:
        raise ValueError("no record has both a cross-validation score and a test accuracy")
    low = min(min(table.min()) for table in both.values()) - 2
    beside = min(len(both), 3 if len(both) < 7 else 4 if len(both) < 17 else 5)

    def draw(made: Figure) -> None:
        grid = panels(made, len(both), beside, sharex=True, sharey=True)
        for axes, (name, table) in zip(grid, both.items(), strict=True):
            axes.plot([low, 102.5], [low, 102.5], color="black", linewidth=0.6)
            points(axes, table.score, table.accuracy, table.index, "o", color=COLOURS[0], alpha=0.6)
            gap = (table.score - table.accuracy).mean()
            axes.set(xlim=(low, 102.5), ylim=(low, 102.5), aspect="equal")
            axes.set_title(f"{shortened(name, 18)}, {signed(gap)}", fontsize=7)
            axes.tick_params(labelsize=7)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MultipleLocator(20 if low < 50 else 10))
        made.supxlabel("cross-validation accuracy of the chosen setting (%)", fontsize=7)
        made.supylabel("test accuracy (%)", fontsize=7)

    return figure(draw, *square_panels(len(both), beside, 0.4))
