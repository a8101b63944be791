"""Which steps of a series a kernel looks at, drawn on the series."""

from collections.abc import Mapping

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from results.figures.style import COLUMN, GREY, NARROW, figure, shortened

SCALE = LogNorm(0.1, 10, clip=True)  # of a sensitivity, as a multiple of the mean over steps
COLOURS = "cividis_r"  # the darker, the more sensitive


def attention(series: Mapping[str, np.ndarray], sensitivities: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """A row a series, by its class, and a column a kernel: the series, the darker and thicker where the kernel is the more sensitive.

    `series` are arrays (T,), `sensitivities` by kernel and class arrays (T,) ≥ 0, such as the mean of |∂k(x, y)/∂x_t| over other series y.
    Each is shown as a multiple of its mean over steps: 1 throughout where all steps count alike. Raises ValueError where there is nothing
    to draw, lengths differ, or a sensitivity is negative or none.
    """
    if not series or not sensitivities:
        raise ValueError("there is no series, or no kernel, to draw")
    for kernel, found in sensitivities.items():
        for label, x in series.items():
            if np.shape(found.get(label)) != (len(x),) or not (found[label] >= 0).all():
                raise ValueError(f"{kernel} has no {len(x)} sensitivities ≥ 0 for the series of class {label}")
    rows, columns = len(series), len(sensitivities)
    width = NARROW if columns < 3 else COLUMN

    def draw(made: Figure) -> None:
        grid = made.subplots(rows, columns, sharex=True, squeeze=False)
        for row, (label, x) in zip(grid, series.items(), strict=True):
            for axes, found in zip(row, sensitivities.values(), strict=True):
                relative = found[label] / (found[label].mean() or 1)
                steps = np.arange(1, len(x) + 1)
                axes.plot(steps, x, color=GREY, linewidth=0.4)
                corners = np.stack([steps, x], axis=1)
                axes.add_collection(
                    LineCollection(
                        np.stack([corners[:-1], corners[1:]], axis=1), array=np.sqrt(relative[:-1] * relative[1:]),
                        cmap=COLOURS, norm=SCALE, linewidths=1 + 1.5 * SCALE(np.sqrt(relative[:-1] * relative[1:])), rasterized=True,
                    )
                )  # fmt: skip
                axes.tick_params(labelsize=6.5)
                axes.set_yticks([])
            row[0].set_ylabel(f"class {shortened(label, 10)}", fontsize=7)
        for axes, kernel in zip(grid[0], sensitivities, strict=True):
            axes.set_title(shortened(kernel, 22), fontsize=7)
        for axes in grid[-1]:
            axes.set_xlabel("step", fontsize=7)
        bar = made.colorbar(
            ScalarMappable(SCALE, COLOURS), ax=grid, location="bottom", aspect=40, fraction=0.05, extend="both"
        )
        bar.set_label("sensitivity / its mean over steps", fontsize=7)
        bar.set_ticks([0.1, 0.3, 1, 3, 10], labels=["0.1", "0.3", "1", "3", "10"])
        bar.ax.tick_params(labelsize=6.5)

    return figure(draw, 0.9 + 0.8 * rows, width)
