"""How this project's docstrings and formulas become HTML: docstrings by way of reStructuredText, formulas as MathML, which browsers draw
without a script.
"""

import re
from html import escape

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.logging import getLogger

logger = getLogger(__name__)
ITEM = re.compile(r" *(\w+(?:, \w+)*): (\S.*)")


def indent(line: str) -> int:
    """Spaces before a line's text."""
    return len(line) - len(line.lstrip())


def as_rest(lines: list[str]) -> list[str]:
    """A docstring's lines as reStructuredText.

    Two habits are translated. What stands indented below an empty line is a formula or a table, and is kept as it is. What stands indented
    right below a line that ends in a colon is a list of `name: what it is`, and becomes a list of definitions.
    """
    out, i = [], 0
    while i < len(lines):
        line = lines[i]
        depth = indent(line)
        out.append(escaped(line))
        i += 1
        deeper = [not other.strip() or indent(other) > depth for other in lines[i:]]
        below = lines[i : i + [*deeper, False].index(False)]
        if not line.strip() or not any(map(str.strip, below)):
            continue
        if not below[0].strip():
            out += ["", " " * depth + "::", *below, ""]
        elif line.endswith(":") and ITEM.fullmatch(below[0]):
            out += ["", *definitions(below, depth), ""]
        else:
            continue
        i += len(below)
    return out


def escaped(line: str) -> str:
    """Bars of absolute values are no markup."""
    return re.sub(r"`[^`]*`|\|", lambda found: r"\|" if found[0] == "|" else found[0], line)


def definitions(lines: list[str], depth: int) -> list[str]:
    """Lines `name: what it is`, with what continues them, as a list of definitions."""
    out, margin = [], indent(lines[0])
    for line in lines:
        item = ITEM.fullmatch(line) if indent(line) == margin else None
        if item:
            out += [" " * depth + ", ".join(f"``{name}``" for name in item[1].split(", "))]
        out.append(" " * (depth + 4) + escaped(item[2] if item else line.strip()) if line.strip() else "")
    return out


def process(app, what, name, obj, options, lines):
    """Autodoc's docstrings, before napoleon reads their sections."""
    lines[:] = as_rest(lines)


def mathml(node, **options) -> str:
    """A formula; one that cannot be read is a warning, and stays as it is."""
    try:
        return tex2mathml(node.astext(), **options)
    except MathError as error:
        logger.warning(f"{node.astext()}: {error}", location=node)
        return escape(node.astext())


def inline(self, node):
    """A formula within a line."""
    self.body.append(mathml(node))
    raise SkipNode


def block(self, node):
    """A formula of its own lines. It scrolls by itself where a screen is narrow."""
    self.body.append(f'<div class="math">{mathml(node, as_block=True)}</div>\n')
    raise SkipNode


def setup(app):
    """What Sphinx calls."""
    app.connect("autodoc-process-docstring", process, priority=400)
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
