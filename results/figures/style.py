"""The one style of the figures, and the same bytes from the same numbers. What is drawn stands in the modules that call this one."""

import logging
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.writing import write_bytes

# Okabe and Ito's colours, which the colour-blind tell apart, dark ones first
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#8C8C8C"
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "lines.markersize": 3,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "rntk",
    "pdf.fonttype": 42,
}
NO_DATE = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}
CHANNELS = 6  # drawn of a series that has several, the first ones
COLUMN, NARROW = 6.8, 3.4  # inches: the width of a page's text, and of one of its two columns


def figure(draw: Callable[[Figure], None], height: float, width: float = COLUMN) -> Figure:
    """A figure of the given size in inches, drawn by `draw` in the style of the project."""
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(width, height))
        draw(made)
        made.get_layout_engine().execute(made)  # the layout is the style's too
        made.set_layout_engine("none")  # and is kept, whatever is written
    return made


def panels(made: Figure, count: int, columns: int, **options) -> list[Axes]:
    """`count` axes, `columns` beside each other, in rows; what is left of the last row stays empty. `options` as for `subplots`."""
    columns = min(columns, count)
    grid = made.subplots(-(-count // columns), columns, squeeze=False, **options)
    for i, axes in enumerate(grid.flat):
        if i >= count:
            axes.remove()
        elif i + columns >= count:  # nothing below it, where a shared axis would have its numbers
            axes.tick_params(labelbottom=True)
    return list(grid.flat[:count])


def square_panels(count: int, beside: int, text: float) -> tuple[float, float]:
    """Height and width in inches of a figure of square panels with `text` inches of words each above and below: as wide as the page's
    text, or as one column where there is one panel.
    """
    side = (NARROW if beside == 1 else min(COLUMN / beside, 2.4)) - 0.3
    return (side + text) * -(-count // beside), (side + 0.3) * beside


def points(axes: Axes, x: Sequence[float], y: Sequence[float], datasets: Sequence[str], mark: str, **style) -> None:
    """A point a dataset, without a line. The names go with the points into an SVG, as `data-datasets` of their group, for a page that shows
    them at the pointer.
    """
    if not len(datasets):
        return
    axes.plot(x, y, mark, linestyle="none", markeredgewidth=0, gid=f"datasets {' '.join(datasets)}", **style)


def signed(value: float) -> str:
    """A number with its sign, to a tenth."""
    return f"{value:+.1f}".replace("-", "−")


def shortened(name: str, most: int) -> str:
    """A name of at most `most` letters: of a longer one the beginning and the end."""
    return name if len(name) <= most else f"{name[: (most - 1) // 2]}…{name[len(name) - most // 2 :]}"


def encoded(made: Figure, ending: str) -> bytes:
    """A figure as a file of a kind, pdf, svg or png, without a date."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every font that it makes smaller
    content = BytesIO()
    with matplotlib.rc_context(STYLE):
        made.savefig(content, format=ending, dpi=200, metadata=NO_DATE[ending])
    return content.getvalue().replace(b' id="datasets ', b' data-datasets="')


def save(made: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PDF, SVG and PNG; returns their paths."""
    paths = [Path(folder) / f"{name}.{ending}" for ending in NO_DATE]
    for path, ending in zip(paths, NO_DATE, strict=True):
        write_bytes(path, encoded(made, ending))
    return paths
