"""The charts' font, the one that the figures have: DejaVu Sans, as matplotlib brings it, reduced to the characters that are used."""

import base64
import logging
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from string import printable

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from matplotlib.font_manager import findfont

ALWAYS = printable.strip() + " ·×−–σγ≤±"  # what script.js writes of itself


def font(characters: Iterable[str]) -> dict:
    """The font as the page holds it: its file in base 64, and of each character the glyph's number and how far it advances.

    All lengths are in thousandths of the font's size. A character that the font lacks has no entry.
    """
    return _font("".join(sorted({*ALWAYS, *characters})))


@lru_cache(maxsize=1)
def _font(characters: str) -> dict:
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every table that it drops
    full = TTFont(findfont("DejaVu Sans"), recalcTimestamp=False)
    options = Options(hinting=False, layout_features=[], name_IDs=[], notdef_outline=True)
    options.drop_tables += ["FFTM"]  # when the font was made
    subsetter = Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(full)
    file = BytesIO()
    full.save(file)
    scale = 1000 / full["head"].unitsPerEm
    numbers, advances = full.getReverseGlyphMap(), full["hmtx"]
    glyphs = {
        chr(point): [numbers[name], round(advances[name][0] * scale)]
        for point, name in sorted(full.getBestCmap().items())
        if point < 0x10000
    }
    head, lines = full["head"], full["hhea"]
    return {
        "file": base64.b64encode(file.getvalue()).decode(),
        "box": [round(side * scale) for side in (head.xMin, head.yMin, head.xMax, head.yMax)],
        "ascent": round(lines.ascent * scale),
        "descent": round(lines.descent * scale),
        "glyphs": glyphs,
    }
