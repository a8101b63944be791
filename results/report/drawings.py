"""The figures of the page: each as SVG that is part of it and takes its colours, and as files."""

import base64
import re
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from results.figures import COLOURS, encoded
from results.overview import overview


class Drawing(NamedTuple):
    """A figure with what is to be said of it; without the figure, `caption` says why there is none."""

    group: str
    name: str
    title: str
    caption: str
    figure: Figure | None


def drawings(accuracy: pd.DataFrame) -> Iterator[Drawing]:
    """The figures of a study."""
    if not accuracy.notna().any(axis=None):
        return
    yield Drawing(
        "", "overview", "Accuracies of every method",
        "A line a dataset, the quartiles as a box, and the mean, by which the methods are ordered.", overview(accuracy),
    )  # fmt: skip


def embedded(drawing: Drawing) -> dict[str, str]:
    """A drawing for the template: the SVG of the page, and both files in base 64."""
    said = {"group": drawing.group, "name": drawing.name, "title": drawing.title, "caption": drawing.caption, "svg": ""}
    if drawing.figure is None:
        return said
    svg, pdf = (encoded(drawing.figure, ending) for ending in ("svg", "pdf"))
    files = {"plain": base64.b64encode(svg).decode(), "pdf": base64.b64encode(pdf).decode()}
    return {**said, **files, "svg": Markup(inline(svg.decode(), drawing.name, drawing.title))}


# what matplotlib paints with, and the page's name for it
PAINTS = {"#000000": "--ink", "#ffffff": "--paper", "#b0b0b0": "--line"} | {
    colour.lower(): f"--c{i}" for i, colour in enumerate(COLOURS[:-1])
}


def inline(svg: str, name: str, title: str) -> str:
    """An SVG of matplotlib as a part of a page: its ids are its own, its colours the page's."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'(<use [^>]*?href=")#', rf"\1#{name}-", svg)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r"(fill|stroke): (#[0-9a-f]{6})", lambda found: f"{found[1]}: {paint(found[2])}", svg)
    svg = re.sub(
        r'<svg ([^>]*?)width="[\d.]+pt" height="[\d.]+pt"|<svg ', lambda found: f"<svg {found[1] or ''}", svg, count=1
    )
    return svg.replace("<svg ", f'<svg role="group" aria-label="{title}" ', 1)


def paint(colour: str) -> str:
    """A colour as the page has it."""
    return f"var({PAINTS[colour]})" if colour in PAINTS else colour
