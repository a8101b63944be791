"""Tables in colour: the counts against scikit-learn's, and what stands in the cells of the pages, in which colour."""

import re

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex
from sklearn.metrics import confusion_matrix

from results.figures.grids import Cells
from results.shaded import confusion, shaded_confusion, shaded_grid

NAN = float("nan")
KNOWN = pd.DataFrame(
    [[0.5, NAN], [0.75, 1.0]], pd.Index([0.0, 0.1], name="sigma_b"), pd.Index([1.3, 1.4], name="sigma_w")
)
CELLS = Cells(KNOWN, KNOWN.fillna(0.625))


def rows(label, predicted):
    return [{"label": a, "predicted": b} for a, b in zip(label, predicted, strict=True)]


def text(page):
    """What stands in each cell, by its row and column from the top left."""
    found = re.findall(r'id="T_shaded_row(\d+)_col(\d+)"[^>]*>([^<]*)<', page)
    return {(int(row), int(column)): content for row, column, content in found}


def headings(page, kind):
    return re.findall(rf'class="{kind}_heading[^>]*>([^<]*)<', page)


def styles(page):
    """The style of each cell, by its row and column."""
    found = {}
    for cells, style in re.findall(r"((?:#T_shaded_row\d+_col\d+(?:, )?)+) {([^}]*)}", page):
        for row, column in re.findall(r"row(\d+)_col(\d+)", cells):
            found[int(row), int(column)] = dict(re.findall(r"([\w-]+): ([^;]*);", style))
    return found


def ground(page):
    return {cell: style["background-color"] for cell, style in styles(page).items()}


def test_the_counts_are_those_of_scikit_learn_with_classes_in_the_order_of_their_numbers():
    rng = np.random.default_rng(0)
    label, predicted = rng.integers(-1, 11, (2, 300))
    found = confusion(rows(map(str, label), map(str, predicted)))
    assert list(found.index) == list(found.columns) == [str(i) for i in range(-1, 11)]
    assert np.array_equal(found, confusion_matrix(label, predicted))
    assert not np.array_equal(found, found.T)
    assert list(confusion(rows(["up", "10"], ["9", "up"])).index) == ["9", "10", "up"]


def test_a_cell_is_as_dark_as_its_share_of_the_row_and_has_its_count():
    page = shaded_confusion(confusion(rows("1112", "1121")), "one <b> & two")
    assert text(page) == {(0, 0): "2", (0, 1): "1", (1, 0): "1", (1, 1): ""}
    blue = {share: to_hex(colormaps["Blues"](share)) for share in (2 / 3, 1 / 3, 1.0, 0.0)}
    assert ground(page) == dict(zip([(0, 0), (0, 1), (1, 0), (1, 1)], blue.values(), strict=True))
    assert headings(page, "row") == headings(page, "col") == ["1", "2"]
    assert "one &lt;b&gt; &amp; two" in page and "<b>" not in page


def test_a_class_that_no_case_has_is_a_row_of_nothing():
    page = shaded_confusion(confusion(rows("11", "12")), "title")
    assert {text(page)[1, column] for column in (0, 1)} == {""}
    assert {ground(page)[1, column] for column in (0, 1)} == {to_hex(colormaps["Blues"](0.0))}


def test_a_grid_has_its_scores_its_bounds_in_grey_and_an_outline_about_the_chosen_cell():
    page = shaded_grid(CELLS, (1.3, 0.1), "rntk on Coffee")
    assert (headings(page, "col"), headings(page, "row")) == (["1.3", "1.4"], ["0.1", "0"])
    assert text(page) == {(0, 0): "75.0", (0, 1): "100.0", (1, 0): "50.0", (1, 1): "≤ 62.5"}
    least, most = (to_hex(colormaps["cividis"](end)) for end in (0.0, 1.0))
    assert (ground(page)[1, 0], ground(page)[0, 1], ground(page)[1, 1]) == (least, most, "#d9d9d9")
    assert [cell for cell, style in styles(page).items() if "outline" in style] == [(0, 0)]
    assert "Grey: dropped" in page
    for elsewhere in (None, (1.35, 0.1), (1.3, 0.2)):
        assert not any("outline" in style for style in styles(shaded_grid(CELLS, elsewhere, "")).values())


def test_a_grid_without_bounds_says_nothing_of_them():
    full = KNOWN.fillna(0.6)
    page = shaded_grid(Cells(full, full), None, "title")
    assert "Grey" not in page and text(page)[1, 1] == "60.0"
    nothing = shaded_grid(Cells(KNOWN, KNOWN), None, "title")  # neither a score nor a bound
    assert "Grey" not in nothing and text(nothing)[1, 1] == ""


def test_names_of_classes_are_text_and_values_that_look_alike_are_two():
    assert headings(shaded_confusion(confusion(rows(["<b>"], ["&"])), ""), "row") == ["&amp;", "&lt;b&gt;"]
    alike = KNOWN.set_axis([1.41421, 1.41422], axis=1).rename_axis(columns="sigma_w")
    assert headings(shaded_grid(Cells(alike, alike), None, ""), "col") == ["1.414", "1.414"]


def test_what_is_written_is_read_on_every_ground():
    """Black or nearly white, whichever has the higher contrast by WCAG 2."""
    shares = pd.DataFrame([np.linspace(0, 1, 41)], pd.Index([0.0], name="sigma_b")).rename_axis(columns="sigma_w")
    for style in styles(shaded_grid(Cells(shares, shares), None, "")).values():
        light = np.array([int(style["background-color"][i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
        luminance = linear @ [0.2126, 0.7152, 0.0722]
        assert (style["color"] == "#000000") == (luminance > 0.175) or 0.165 < luminance < 0.185
