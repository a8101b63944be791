"""Figures of accuracies: ranks, pairs, differences, what is near the best, validation and cost."""

import numpy as np
import pandas as pd
import pytest

from results.figures.costs import cost
from results.figures.pairs import differences, outcomes, pairs
from results.figures.ranks import cd_diagram
from results.figures.spread import relative_accuracy
from results.figures.validation import validation
from tests.results.figures.reading import assert_apart, boxes, dots, named_points, texts

NAN = float("nan")


# ---- Ranks


def test_a_diagram_has_every_rank_in_its_place_and_a_bar_through_each_group():
    ranks = pd.Series({"c": 2.5, "a": 1.25, "b": 2.25})
    made = cd_diagram(ranks, [["a", "b"], ["b", "c"]], 1.5)
    (axes,) = made.axes
    assert dots(axes) == [(1.25, 0), (2.25, 0), (2.5, 0)]
    assert {"a  1.25", "b  2.25", "2.50  c", "critical difference 1.50", "1", "2", "3"} == set(texts(made))
    bars = [line.get_data() for line in axes.lines if line.get_linewidth() == 2.5]
    for (x, y), (left, right) in zip(bars, [(1.25, 2.25), (2.25, 2.5)], strict=True):
        assert np.allclose(x, (left, right), atol=0.02) and x[0] < left and x[1] > right
        assert y[0] == y[1] < 0
    assert len({tuple(y) for _, y in bars}) == 2
    (gap,) = (line.get_xdata() for line in axes.lines if line.get_marker() == "|")
    assert gap[1] - gap[0] == 1.5


def test_many_long_names_lie_apart_and_on_the_page():
    names = [f"a_method_of_the_family_with_a_long_name_{i:02}" for i in range(23)]
    ranks = pd.Series(np.linspace(9.0, 13.0, 23), names)
    made = cd_diagram(ranks, [names[i : i + 12] for i in range(12)], 7.0)
    written = [text for text in texts(made) if "…" in text]
    assert len(written) == 23
    found = boxes(made, written)
    assert_apart(found)
    for box in found:
        assert made.bbox.x0 <= box.x0 and box.x1 <= made.bbox.x1
        assert made.bbox.y0 <= box.y0 and box.y1 <= made.bbox.y1


@pytest.mark.parametrize("gap", [None, NAN, 1.3])
def test_where_no_ranks_can_differ_enough_it_is_said(gap):
    """Of two methods on two datasets the critical difference is 1.39, and ranks are at most 1 apart."""
    made = cd_diagram(pd.Series({"a": 1.0, "b": 2.0}), [["a"]], gap)
    said = [text for text in texts(made) if "critical" in text]
    assert said == ([] if gap != 1.3 else ["critical difference 1.30, more than any two can differ"])
    assert not [line for line in made.axes[0].lines if line.get_linewidth() == 2.5]  # one is no group


def test_equal_ranks_are_two_methods_in_one_place():
    made = cd_diagram(pd.Series({"a": 1.5, "b": 1.5}), [["a", "b"]])
    assert dots(made.axes[0]) == [(1.5, 0), (1.5, 0)]
    assert {"a  1.50", "1.50  b"} <= set(texts(made))


@pytest.mark.parametrize(
    ("ranks", "groups", "message"),
    [
        ({"a": 1.0}, [], "two methods are needed, and there are 1"),
        ({"a": 1.0, "b": NAN}, [], "two methods are needed, and there are 1"),
        ({"a": 1.0, "b": 2.0}, [["a", "z"]], "'z', which has no rank: there are a, b"),
    ],
)
def test_ranks_that_cannot_be_drawn(ranks, groups, message):
    with pytest.raises(ValueError, match=message):
        cd_diagram(pd.Series(ranks), groups)


# ---- Pairs

ACCURACY = pd.DataFrame(
    {"a": [0.9, 0.1 + 0.2, 0.5, 0.7, NAN], "b": [0.8, 0.3, 0.75, NAN, 0.9], "c": [0.5, 0.5, 0.5, 0.8, NAN]},
    ["Won", "Drawn", "Lost", "NoB", "NoA"],
)


def test_a_point_is_above_the_diagonal_where_the_method_has_won():
    """0.1 + 0.2 is 0.3 but for rounding; where one has no result there is no point."""
    made = pairs(ACCURACY, "a", ["b", "c"])
    first, second = made.axes
    assert np.allclose(dots(first, "o"), [(80, 90)])
    assert np.allclose(dots(first, "D"), [(30, 30)])
    assert np.allclose(dots(first, "s"), [(75, 50)])
    assert (first.get_title(), second.get_title()) == ("1 won, 1 drawn, 1 lost", "1 won, 1 drawn, 2 lost")
    assert (first.get_xlabel(), first.get_ylabel(), second.get_xlabel()) == ("b (%)", "a (%)", "c (%)")
    assert named_points(made) == [["Won"], ["Drawn"], ["Lost"], ["Won"], ["Lost"], ["Drawn", "NoB"]]
    for axes in made.axes:
        assert axes.get_xlim() == axes.get_ylim()
        assert axes.get_xlim()[0] < 30 and axes.get_xlim()[1] > 100


def test_equal_methods_are_all_drawn_on_the_diagonal():
    equal = pd.DataFrame({"a": [0.0, 1.0, 0.5], "b": [0.0, 1.0, 0.5]}, ["A", "B", "C"])
    made = pairs(equal, "a", ["b"])
    assert dots(made.axes[0], "D") == [(0, 0), (100, 100), (50, 50)]
    assert made.axes[0].get_title() == "0 won, 3 drawn, 0 lost"
    bars = differences(equal, "a", "b")
    assert [bar.get_width() for bar in bars.axes[0].patches] == [0, 0, 0]
    assert len(dots(bars.axes[0], "D")) == 3  # which a bar of no length would not show
    assert "a less b\n0 won, 3 drawn, 0 lost, mean +0.0" in texts(bars)


def test_panels_of_many_methods_have_their_own_place():
    table = pd.DataFrame(np.linspace(0.4, 0.9, 36).reshape(2, 18), ["A", "B"], [f"m{i}" for i in range(18)])
    made = pairs(table, "m0", [f"m{i}" for i in range(1, 18)])
    assert len(made.axes) == 17
    assert_apart([axes.get_window_extent() for axes in made.axes])
    assert_apart(boxes(made, [f"m{i} (%)" for i in range(1, 18)] + [axes.get_title() for axes in made.axes]))


def test_differences_are_in_order_with_their_mean():
    made = differences(ACCURACY, "a", "c")
    (axes,) = made.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Drawn", "NoB", "Lost", "Won"]  # from below
    assert np.allclose([bar.get_width() for bar in axes.patches], [-20, -10, 0, 40])
    (mean,) = (line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":")
    assert np.isclose(mean, 2.5)
    assert "a less c\n1 won, 1 drawn, 2 lost, mean +2.5" in texts(made)
    assert outcomes(ACCURACY, "a", "c").outcome.to_dict() == {
        "Won": "won",
        "Drawn": "lost",
        "Lost": "drawn",
        "NoB": "lost",
    }


def test_methods_without_a_dataset_in_common_are_not_compared():
    apart = pd.DataFrame({"a": [0.5, NAN], "b": [NAN, 0.5]}, ["A", "B"])
    for draw in (lambda: pairs(apart, "a", ["b"]), lambda: differences(apart, "a", "b")):
        with pytest.raises(ValueError, match="no dataset has a result of both a and b"):
            draw()
    with pytest.raises(ValueError, match="no method to compare a with"):
        pairs(apart, "a", [])


# ---- Near the best


def test_a_method_is_measured_by_the_best_of_each_dataset():
    """Of 41 datasets two are beyond either whisker, which ends at the last within the 5th to the 95th percentile."""
    share = np.linspace(0.5, 0.9, 41)
    table = pd.DataFrame(
        {"best": np.full(41, 0.8), "other": 0.8 * share, "none": np.full(41, NAN)}, [f"D{i}" for i in range(41)]
    )
    made = relative_accuracy(table)
    (axes,) = made.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["other", "best"]  # from below
    assert {"70.0", "100.0"} <= set(texts(made))
    assert np.allclose(dots(axes, "D"), [(70, 0), (100, 1)])
    assert np.allclose(dots(axes), [(50, 0), (51, 0), (89, 0), (90, 0)])
    assert named_points(made) == [["D0", "D1", "D39", "D40"]]
    caps = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [-0.15, 0.15]]
    assert np.allclose(caps, [52, 88])


def test_where_all_have_nothing_right_all_are_the_best():
    made = relative_accuracy(pd.DataFrame({"a": [0.0, 0.5], "b": [0.0, 0.25]}, ["A", "B"]))
    assert {"100.0", "75.0"} <= set(texts(made))


@pytest.mark.parametrize("table", [{}, {"a": [0.5]}, {"a": [0.5], "b": [NAN]}])
def test_one_method_is_its_own_best(table):
    with pytest.raises(ValueError, match="two methods with results are needed"):
        relative_accuracy(pd.DataFrame(table))


# ---- Validation


def test_the_gap_is_what_the_score_promised_more_than_the_test_held():
    score = pd.DataFrame({"a": [1.0, 0.8, 0.9], "b": [0.5, 0.5, NAN], "c": [NAN] * 3}, ["A", "B", "C"])
    accuracy = pd.DataFrame({"a": [0.8, 0.7, NAN], "b": [0.6, 0.5, 0.5], "c": [0.5] * 3}, ["A", "B", "C"])
    made = validation(score, accuracy)
    assert [axes.get_title() for axes in made.axes] == ["a, +15.0", "b, −5.0"]  # c has no score
    assert np.allclose(dots(made.axes[0]), [(100, 80), (80, 70)])
    assert named_points(made) == [["A", "B"], ["A", "B"]]
    with pytest.raises(ValueError, match="no record has both"):
        validation(score[["c"]], accuracy)


# ---- Cost


def test_a_method_costs_the_sum_of_its_tasks_on_the_datasets_that_all_have():
    accuracy = pd.DataFrame({"slow": [0.9, 0.7, 0.1], "fast": [0.6, 0.6, NAN]}, ["A", "B", "C"])
    seconds = pd.DataFrame({"slow": [100.0, 20.0, 1e6], "fast": [0.5, 0.25, 1e6]}, ["A", "B", "C"])
    made = cost(seconds, accuracy)
    (axes,) = made.axes
    assert np.allclose(dots(axes), [(120, 80), (0.75, 60)])
    assert axes.get_xscale() == "log"
    named = {text.get_text(): tuple(text.xy) for text in axes.texts}
    assert np.allclose(named["slow"], (120, 80)) and np.allclose(named["fast"], (0.75, 60))
    with pytest.raises(ValueError, match="no dataset has a time and an accuracy of every method"):
        cost(seconds * NAN, accuracy)


def test_names_of_methods_that_are_near_each_other_do_not_hide_each_other():
    rng = np.random.default_rng(0)
    names = [f"rntk_member_{i}" for i in range(12)]
    accuracy = pd.DataFrame([rng.uniform(0.75, 0.8, 12)], ["A"], names)
    seconds = pd.DataFrame([10 ** rng.uniform(1.5, 3.5, 12)], ["A"], names)
    made = cost(seconds, accuracy)
    (axes,) = made.axes
    found = boxes(made, names)
    assert_apart(found)
    frame = axes.get_window_extent()
    points = axes.transData.transform(dots(axes))
    for box in found:
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert not any(box.contains(*point) for point in points)


def test_no_time_is_drawn_too():
    """A task of less than the clock can tell."""
    table = pd.DataFrame({"a": [0.5]}, ["A"])
    made = cost(table * 0, table)
    assert made.axes[0].get_xlim()[0] > 0
    assert dots(made.axes[0]) == [(0.001, 50)]
