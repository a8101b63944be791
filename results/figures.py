"""Figures: one style, and the same bytes from the same numbers. What is drawn stands in the modules that call this one."""

import logging
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from results.store import write_bytes

# Okabe and Ito's colours, which the colour-blind tell apart, dark ones first
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
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
    "svg.hashsalt": "rntk",
    "pdf.fonttype": 42,
}
NO_DATE = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}
COLUMN = 6.8  # inches: the width of a page's text


def figure(draw: Callable[[Figure], None], height: float, width: float = COLUMN) -> Figure:
    """A figure of the given size in inches, drawn by `draw` in the style of the project."""
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(width, height))
        draw(made)
        made.draw_without_rendering()  # the layout is the style's too
    return made


def encoded(made: Figure, ending: str) -> bytes:
    """A figure as a file of a kind, pdf, svg or png, without a date."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every font that it makes smaller
    content = BytesIO()
    with matplotlib.rc_context(STYLE):
        made.savefig(content, format=ending, dpi=200, metadata=NO_DATE[ending])
    return content.getvalue()


def save(made: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PDF, SVG and PNG; returns their paths."""
    paths = [Path(folder) / f"{name}.{ending}" for ending in NO_DATE]
    for path, ending in zip(paths, NO_DATE, strict=True):
        write_bytes(path, encoded(made, ending))
    return paths
