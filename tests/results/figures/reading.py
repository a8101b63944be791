"""What a drawing shows, read from the drawing itself."""

import re

import numpy as np
from matplotlib.text import Text

from results.figures import encoded


def texts(made):
    """All words of a figure that are seen."""
    return [text.get_text() for text in made.findobj(Text) if text.get_text() and text.get_visible()]


def dots(axes, mark="o"):
    """The points of a kind of mark, (x, y), line by line."""
    return [
        (float(x), float(y))
        for line in axes.lines
        if line.get_marker() == mark
        for x, y in zip(*line.get_data(), strict=True)
    ]


def boxes(made, said):
    """The rectangles of some texts on the page."""
    made.draw_without_rendering()  # by which names of axes have their last place
    return [text.get_window_extent() for text in made.findobj(Text) if text.get_text() in said]


def named_points(made):
    """The names that go with the points into an SVG, one list a group; there are as many points as names."""
    groups = re.findall(r'<g data-datasets="(.*?)">(.*?)</g>', encoded(made, "svg").decode(), re.DOTALL)
    for names, content in groups:
        assert len(names.split()) == content.count("<use ")
    return [names.split() for names, _ in groups]


def assert_apart(found):
    """No two of some rectangles overlap."""
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            assert np.prod(np.clip(np.minimum(one.max, other.max) - np.maximum(one.min, other.min), 0, None)) == 0
