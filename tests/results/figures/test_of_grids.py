"""Figures of grids: cells and their ranks, heat maps, and what was chosen."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from scipy.stats import rankdata

from results.figures.choices import choices
from results.figures.grids import Cells, cells, grid_map, grid_maps, mean_ranks, rank_map, ranks
from tests.results.figures.reading import assert_apart, boxes, dots, texts

NAN = float("nan")


def row(w, b, *scores, **more):
    return {"sigma_w": str(w), "sigma_b": str(b), **more, "C=1": str(scores[0]), "C=10": str(scores[1]), "note": ""}


def table(known, bound=None):
    """Cells of a row of values across, of one value up."""
    columns = list(range(len(known)))
    return Cells(
        pd.DataFrame([known], [0.0], columns, dtype=float), pd.DataFrame([bound or known], [0.0], columns, dtype=float)
    )


# ---- Cells and ranks


def test_a_cell_has_the_best_score_computed_and_the_most_that_could_have_been():
    """Of ten cases; over C and σ_h. A bound "<=9" is no score, −1 neither; σ_w 10 is after 9."""
    found = cells(
        [
            row(9, 0, 4, "<=9", sigma_h="0"),
            row(9, 0, 6, 5, sigma_h="1"),
            row(10, 0, "<=3", "<=2", sigma_h="0"),
            row(10, 0, "<=1", -1, sigma_h="1"),
            row(9, 1, -1, "", sigma_h="0"),
            row(10, 1, 0, "<=7", sigma_h="0"),
        ],
        10,
    )
    assert list(found.known.columns) == [9, 10] and list(found.known.index) == [0, 1]
    assert np.allclose(found.known, [[0.6, NAN], [NAN, 0.0]], equal_nan=True)
    assert np.allclose(found.bound, [[0.9, 0.3], [NAN, 0.7]], equal_nan=True)


def test_of_networks_the_scores_are_in_one_column():
    found = cells([{"sigma_w": "1", "sigma_b": "0", "correct": "7", "epochs": "3"}], 10)
    assert found.known.loc[0, 1] == 0.7


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"gamma": "1", "C=1": "3"}], "the grid has no sigma_w"),
        ([{"sigma_w": "1", "sigma_b": "1"}], "the grid has no scores"),
        ([], "the grid has no sigma_w"),
    ],
)
def test_a_grid_without_these_hyperparameters_has_no_cells(rows, message):
    with pytest.raises(ValueError, match=message):
        cells(rows, 10)


def test_cells_rank_by_what_is_certain_of_them():
    """A is 0.9 for certain. B is at most 0.5, C between 0.4 and 0.7: either may be second, each has 2.5. Of D nothing is known."""
    found = ranks(table([0.9, NAN, 0.4, NAN], [0.9, 0.5, 0.7, NAN]))
    assert np.allclose(found, [[1, 2.5, 2.5, NAN]], equal_nan=True)
    # with B at most 0.3, C is better than it for certain
    assert np.allclose(ranks(table([0.9, NAN, 0.4], [0.9, 0.3, 0.7])), [[1, 3, 2]])


def test_ranks_of_scores_that_are_all_known_are_those_of_statistics():
    score = np.random.default_rng(0).integers(0, 6, (4, 15)) / 10
    frame = pd.DataFrame(score)
    assert np.array_equal(ranks(Cells(frame, frame)), rankdata(-score, axis=None).reshape(4, 15))


@pytest.mark.parametrize("seed", range(5))
def test_ranks_add_up_whatever_is_known(seed):
    """Σ rank = n(n + 1)/2, as without bounds."""
    rng = np.random.default_rng(seed)
    bound = rng.integers(0, 20, (5, 6)) / 20
    known = np.where(rng.random((5, 6)) < 0.5, NAN, bound - rng.integers(0, 5, (5, 6)) / 20)
    assert np.isclose(ranks(Cells(pd.DataFrame(known.clip(0)), pd.DataFrame(bound))).to_numpy().sum(), 30 * 31 / 2)


def test_ranks_are_averaged_over_the_datasets_that_know_a_cell():
    mean = mean_ranks({"A": table([0.9, 0.5, 0.7]), "B": table([0.1, 0.2, NAN], [0.1, 0.2, NAN])})
    assert np.allclose(mean, [[(1 + 2) / 2, (3 + 1) / 2, 2]])
    with pytest.raises(ValueError, match=r"the grid of B is not that of A"):
        mean_ranks({"A": table([0.9, 0.5]), "B": table([0.9])})
    with pytest.raises(ValueError, match="no dataset has a grid"):
        mean_ranks({})


# ---- Maps


def cells_of(found, known):
    return Cells(pd.DataFrame(*known), found)


WIDE = pd.DataFrame([[0.5, 0.6, 0.7], [0.8, NAN, 0.9]], [0.0, 0.5], [1.3, 1.4, 2**0.5])


def test_a_map_shows_each_score_in_its_place_with_a_ring_about_the_choice():
    made = grid_map(Cells(WIDE, WIDE), (1.4, 0.0), "GunPoint, rntk")
    axes = made.axes[0]
    (image,) = axes.images
    shown = image.get_array()
    assert np.allclose(shown.filled(-1), [[50, 60, 70], [80, -1, 90]])
    assert image.origin == "lower"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1.3", "1.4", "1.414"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "0.5"]
    assert np.allclose(dots(axes), [(1, 0)])
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("$σ_w$", "$σ_b$", "GunPoint, rntk")
    assert to_hex(image.cmap.get_bad()) == "#d9d9d9"
    for other in (None, (1.5, 0.0)):
        assert not dots(grid_map(Cells(WIDE, WIDE), other).axes[0])
    with pytest.raises(ValueError, match="no cell of the grid has a score"):
        grid_map(Cells(WIDE * NAN, WIDE))


def test_a_map_of_ranks_rings_the_best():
    made = rank_map(WIDE)
    assert dots(made.axes[0]) == [(0, 0)]
    assert rank_map(WIDE.iloc[::-1].sort_index()).axes[0].images[0].cmap.name == "cividis_r"
    with pytest.raises(ValueError, match="no cell"):
        rank_map(WIDE * NAN)


def test_maps_of_many_datasets_are_each_on_their_own_scale():
    """Of nine the last begins a second row; one has no score, one the same everywhere."""
    found = {f"D{i}": Cells(WIDE - i / 100, WIDE) for i in range(9)}
    found["D3"], found["D4"] = Cells(WIDE * NAN, WIDE), Cells(WIDE * 0 + 0.5, WIDE)
    made = grid_maps(found, {"D0": (1.3, 0.5), "D8": (2**0.5, 0.0), "D5": None})
    axes = made.axes[0]
    extents = [image.get_extent() for image in axes.images]
    assert len({extent[2] for extent in extents}) == 2 and len({extent[0] for extent in extents}) == 7
    shown = [image.get_array() for image in axes.images]
    for i in (0, 8):
        assert np.allclose(shown[i].filled(-1), [[0, 0.25, 0.5], [0.75, -1, 1]])
    assert shown[3].mask.all()
    assert np.allclose(shown[4].compressed(), 1)
    assert {"D0\n50 to 90", "D8\n42 to 82", "D3\nno score", "D4\n50 to 50"} <= set(texts(made))
    assert_apart(boxes(made, [f"D{i}\n{50 - i} to {90 - i}" for i in (0, 1, 2, 5, 6, 7, 8)]))
    assert_apart([image.get_window_extent() for image in axes.images])
    for (x, y), i, place in zip(dots(axes), (0, 8), ((1 / 6, 3 / 4), (5 / 6, 1 / 4)), strict=True):
        left, right, low, high = extents[i]
        assert np.allclose(((x - left) / (right - left), (y - low) / (high - low)), place)


# ---- Choices


def shares(axes):
    """By value the widths of its bars, from the upper row down."""
    return {bars.get_label(): [bar.get_width() for bar in bars] for bars in axes.containers}


def test_bars_are_shares_of_the_datasets_of_a_kind():
    chosen = pd.DataFrame(
        {"depth": [1, 2, 2, 1, 2], "direction": ["forward", "both", "both", "both", "both"]},
        ["A", "B", "C", "D", "E"],
    )
    made = choices(chosen, {"A": "Image", "B": "Image", "C": "Image", "D": "Motion"})
    depth, direction = made.axes
    assert [label.get_text() for label in depth.get_yticklabels()] == [
        "all (5)",
        "Image (3)",
        "Motion (1)",
        "unknown (1)",
    ]
    assert depth.get_ylim()[0] > depth.get_ylim()[1]  # the first is on top
    found = shares(depth)
    assert np.allclose(found["1"], [40, 100 / 3, 100, 0]) and np.allclose(found["2"], [60, 200 / 3, 0, 100])
    assert np.allclose(shares(direction)["both"], [80, 200 / 3, 100, 100])
    assert [text.get_text() for text in depth.texts] == ["2", "1", "1", "3", "2", "1"]
    assert [text.get_text() for text in depth.get_legend().get_texts()] == ["1", "2"]
    assert {"depth", "direction"} <= set(texts(made))


def test_without_kinds_there_is_one_row_and_numbers_are_in_their_order():
    made = choices(pd.DataFrame({"depth": [10, 9, 1, 1]}, list("ABCD")))
    (axes,) = made.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all (4)"]
    assert shares(axes) == {"1": [50], "9": [25], "10": [25]}
    assert len({to_hex(bars[0].get_facecolor()) for bars in axes.containers}) == 3
    for nothing in (pd.DataFrame(), pd.DataFrame({"depth": []})):
        with pytest.raises(ValueError, match="nothing was chosen"):
            choices(nothing)
