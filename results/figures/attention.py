"""Which steps of a series a kernel looks at, drawn on the series."""

from collections.abc import Mapping

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from results.figures.style import CHANNELS, COLUMN, GREY, NARROW, figure, shortened

SCALE = LogNorm(0.1, 10, clip=True)  # of a sensitivity, as a multiple of the mean over steps
COLOURS = "cividis_r"  # the darker, the more sensitive


def attention(series: Mapping[str, np.ndarray], sensitivities: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """A row a series, by its class, and a column a kernel: the series, the darker and thicker where the kernel is the more sensitive.

    `series` are arrays (T,), or (T, m) of m channels, `sensitivities` by kernel and class arrays of the same shape ≥ 0, such as the mean of
    |∂k(x, y)/∂x_t| over other series y. Each is shown as a multiple of its mean over steps and channels: 1 throughout where all count
    alike. Of several channels the first CHANNELS are drawn, one below another, each on a scale of its own. Raises ValueError where there is
    nothing to draw, shapes differ, or a sensitivity is negative or none.
    """
    if not series or not sensitivities:
        raise ValueError("there is no series, or no kernel, to draw")
    for kernel, found in sensitivities.items():
        for label, x in series.items():
            if np.shape(found.get(label)) != x.shape or not (found[label] >= 0).all():
                raise ValueError(f"{kernel} has no {x.size} sensitivities ≥ 0 for the series of class {label}")
    channels = max(len(_strips(x)) for x in series.values())
    numbered = range(channels) if channels > 1 else []
    rows, columns = len(series), len(sensitivities)
    width = NARROW if columns < 3 else COLUMN

    def draw(made: Figure) -> None:
        grid = made.subplots(rows, columns, sharex=True, squeeze=False)
        for row, (label, x) in zip(grid, series.items(), strict=True):
            for axes, found in zip(row, sensitivities.values(), strict=True):
                relative = found[label] / (found[label].mean() or 1)
                steps = np.arange(1, len(x) + 1)
                for strip, by_step in zip(_strips(x), relative.reshape(len(x), -1).T, strict=False):
                    axes.plot(steps, strip, color=GREY, linewidth=0.4)
                    corners = np.stack([steps, strip], axis=1)
                    between = np.sqrt(by_step[:-1] * by_step[1:])
                    axes.add_collection(
                        LineCollection(
                            np.stack([corners[:-1], corners[1:]], axis=1), array=between,
                            cmap=COLOURS, norm=SCALE, linewidths=1 + 1.5 * SCALE(between), rasterized=True,
                        )
                    )  # fmt: skip
                axes.tick_params(labelsize=6.5)
                axes.set_yticks([0.45 - i for i in numbered], [i + 1 for i in numbered])
            row[0].set_ylabel(f"class {shortened(label, 10)}", fontsize=7)
        for axes, kernel in zip(grid[0], sensitivities, strict=True):
            axes.set_title(shortened(kernel, 22), fontsize=7)
        for axes in grid[-1]:
            axes.set_xlabel("step", fontsize=7)
        bar = made.colorbar(
            ScalarMappable(SCALE, COLOURS), ax=grid, location="bottom", aspect=40, fraction=0.05, extend="both"
        )
        over = "steps and channels" if channels > 1 else "steps"
        bar.set_label(f"sensitivity / its mean over {over}", fontsize=7)
        bar.set_ticks([0.1, 0.3, 1, 3, 10], labels=["0.1", "0.3", "1", "3", "10"])
        bar.ax.tick_params(labelsize=6.5)

    return figure(draw, 0.9 + (0.8 + 0.25 * (channels - 1)) * rows, width)


def _strips(x: np.ndarray) -> list[np.ndarray]:
    """The heights at which the channels of a series are drawn: of one its values; of several each from 0 to 0.9 above minus its number."""
    if x.ndim == 1:
        return [x]
    drawn = x[:, :CHANNELS].T
    spans = np.ptp(drawn, axis=1)
    return [0.9 * (one - one.min()) / (span or 1) - i for i, (one, span) in enumerate(zip(drawn, spans, strict=True))]
