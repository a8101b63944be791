"""Figures: the same bytes from the same numbers, and what they show read from the drawing itself."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from results import store
from results.experiments import DRAWINGS, draw
from results.figures import COLOURS, figure, save
from results.overview import overview, write_overview
from tests.results.records import record


def texts(made):
    return [text.get_text() for text in made.findobj(Text)]


def test_the_same_figure_has_the_same_bytes_and_no_date(tmp_path):
    for folder in ("a", "b"):
        made = figure(lambda made: made.subplots().plot([1, 2], [3, 5], label="θ"), 2.0)
        paths = save(made, tmp_path / folder, "line")
    assert [path.suffix for path in paths] == [".pdf", ".svg", ".png"]
    for path in paths:
        content = path.read_bytes()
        assert content == (tmp_path / "a" / path.name).read_bytes()
        assert b"CreationDate" not in content
        assert b"<dc:date>" not in content


def luminance(colour):
    """Of the standard for web contrast."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def test_colours_are_seen_on_white():
    assert len(set(COLOURS)) == len(COLOURS)
    for colour in COLOURS:
        assert 1.05 / (luminance(colour) + 0.05) > 2


def test_an_overview_shows_every_method_by_its_mean():
    accuracy = pd.DataFrame({"good": [0.9, 0.8], "bad": [0.5, 0.1], "none": [np.nan, np.nan]}, ["A", "B"])
    made = overview(accuracy)
    (axes,) = made.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["none", "bad", "good"]
    assert {"85.0", "30.0"} <= set(texts(made))
    assert "test accuracy (%), mean at the right; 2 of 2 datasets" in texts(made)
    dots = {tuple(line.get_xdata()) for line in axes.lines if line.get_marker() == "|"}
    assert dots == {(90.0, 80.0), (50.0, 10.0), ()}


def test_an_overview_is_written_beside_the_tables(tmp_path):
    for dataset, accuracy in (("Coffee", 0.5), ("Wine", 0.75)):
        store.write(record(dataset, "rbf", accuracy), tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in write_overview(tmp_path)] == [
        "figures/overview.pdf",
        "figures/overview.svg",
        "figures/overview.png",
    ]


LAW = {"exponent": -0.5, "error": 0.02}
WIDTHS = [{"width": width, "seed": seed} for width in (16, 64) for seed in (0, 1)]
ROWS = {
    "convergence": (
        [{**w, "nonlinearity": phi, "error": 1 / w["width"]} for w in WIDTHS for phi in ("relu", "erf")],
        {"relu": LAW, "erf": LAW},
    ),
    "constancy": (
        [
            {**w, "time": t, "kernel": 0.1, "recurrent": 0.2, "input": 0.3, "readout": 0.4}
            for w in WIDTHS
            for t in (0, 1, 5)
        ],
        dict.fromkeys(("kernel", "recurrent", "input", "readout"), LAW),
    ),
    "dynamics": (
        [
            {**w, "time": t, "set": part, "sequence": i, "network": 0.5, "limit": 0.4}
            for w in WIDTHS
            for t in (0, 1)
            for part in ("training", "test")
            for i in range(7)
        ],
        {"law": LAW},
    ),
    "sensitivity": (
        [
            {"nonlinearity": "relu", "readout": r, "depth": d, "sigma_w": w, "sigma_b": b, "step": t, "share": 0.5}
            for r in ("last", "mean")
            for d in (1, 2)
            for w in (1.0, 1.4)
            for b in (0.0, 0.5)
            for t in (1, 2)
        ],
        {},
    ),
    "initialisation": (
        [{**w, "initialisation": i, "kernel": 0.1, "trained": 0.2} for w in WIDTHS for i in ("gaussian", "orthogonal")],
        {f"{what}, {i}": LAW for what in ("kernel", "trained") for i in ("gaussian", "orthogonal")},
    ),
    "evolution": (
        [
            {
                "dataset": "GunPoint",
                "readout": "last",
                "seed": s,
                "epoch": e,
                "velocity": 0.1,
                "alignment": 0.2,
                "svm": 0.9,
                "network": 0.5,
            }
            for s in (0, 1)
            for e in (0, 1, 4)
        ],
        {},
    ),
    "prediction": (
        [
            {"sweep": sweep, "T_var": 1, "noise": 0.1, "train": 5, "repeat": s, "method": m, "snr": 20.0 + s}
            for sweep in ("T_var", "noise", "train")
            for s in (0, 1)
            for m in ("rntk", "rntk_mean", "rbf, end", "ntk, front", "last value")
        ],
        {},
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_experiment_is_drawn(name):
    """All panels hold something, and the law of the numbers is written into the legend."""
    rows, numbers = ROWS[name]
    made = draw(name, pd.DataFrame(rows), numbers)
    for axes in made.axes:
        assert axes.lines
        assert axes.get_xlabel() or axes.get_title()
    assert sum("-0.50 ± 0.02" in text for text in texts(made)) == len(numbers)
