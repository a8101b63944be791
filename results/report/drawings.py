"""The study's figures as parts of the page: each as SVG that takes the page's colours, and as files to save."""

import base64
import re
from collections.abc import Iterable
from html import escape

from markupsafe import Markup

from results.figures import COLOURS, encoded
from results.figures.study import Drawing
from results.figures.style import GREY

# where a figure stands, by the beginning of its name; those that are named nowhere come last
PLACES = {
    "ranks": "result",
    "relative": "result",
    "cost": "result",
    "pairs": "compare",
    "validation": "choice",
    "choices": "choice",
    "grid": "choice",
}
SCALE = 1.25  # of a figure on the screen, where nothing is smaller than the text around it by much
DRAWN_BY_SCRIPT = ("differences",)  # for any two methods: of these only the files are held


def placed(drawings: Iterable[Drawing]) -> tuple[dict[str, list[dict[str, str]]], dict[str, dict[str, str]]]:
    """Figures for the template, by where they stand, and by name the files of those that the script draws."""
    places, files = {place: [] for place in (*PLACES.values(), "more")}, {}
    for drawing in drawings:
        kind, content = drawing.name.split("_")[0], embedded(drawing)
        if kind not in DRAWN_BY_SCRIPT:
            places[PLACES.get(kind, "more")].append(content)
        elif not content["why"]:
            files[drawing.name] = {"pdf": content["pdf"], "svg": content["plain"]}
    return places, files


def embedded(drawing: Drawing) -> dict[str, str]:
    """A figure for the template: the SVG of the page and both files in base 64; or `why` it cannot be drawn."""
    said = {"name": drawing.name, "title": drawing.title, "caption": drawing.caption, "why": ""}
    try:
        made = drawing.draw()
    except ValueError as error:
        return {**said, "why": str(error)}
    svg, pdf = (encoded(made, ending) for ending in ("svg", "pdf"))
    width = float(re.search(rb'<svg [^>]*?width="([\d.]+)pt"', svg)[1])
    return {
        **said,
        "width": f"{width * SCALE / 12:.2f}rem",
        "svg": Markup(inline(svg.decode(), drawing.name, drawing.title)),
        "plain": base64.b64encode(svg).decode(),
        "pdf": base64.b64encode(pdf).decode(),
    }


# what is painted with, and the page's name for it
PAINTS = {"#000000": "--ink", "#ffffff": "--paper", "#b0b0b0": "--line", GREY.lower(): "--muted"} | {
    colour.lower(): f"--c{i}" for i, colour in enumerate(COLOURS[:-1])
}


def inline(svg: str, name: str, title: str) -> str:
    """An SVG of matplotlib as a part of a page: its ids are its own, its colours and its font the page's."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace(' id="', f' id="{name}-').replace("url(#", f"url(#{name}-")
    svg = re.sub(r'(<use [^>]*?href=")#', rf"\1#{name}-", svg).replace("xlink:href", "href")
    svg = re.sub(r"(<text[^>]*>)|(fill|stroke): (#[0-9a-f]{6})", painted, svg)
    svg = svg.replace("'DejaVu Sans'", "Chart, 'DejaVu Sans'")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)


def painted(found: re.Match) -> str:
    """A colour as the page has it; a text that has one stands on something coloured, and keeps it."""
    text, what, colour = found.groups()
    return text or f"{what}: {f'var({PAINTS[colour]})' if colour in PAINTS else colour}"
