"""The confusion matrix, against scikit-learn's."""

import numpy as np
from sklearn.metrics import confusion_matrix

from results.figures.confusion import confusion, draw_confusion


def rows(label, predicted):
    return [{"label": a, "predicted": b} for a, b in zip(label, predicted, strict=True)]


def drawn(found):
    """The shades, the numbers by place, and the axes."""
    (axes,) = draw_confusion(found, "title").axes
    numbers = {(int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in axes.texts}
    return axes.images[0].get_array(), numbers, axes


def test_the_counts_are_those_of_scikit_learn_with_classes_in_the_order_of_their_numbers():
    rng = np.random.default_rng(0)
    label, predicted = rng.integers(-1, 11, (2, 300))
    found = confusion(rows(map(str, label), map(str, predicted)))
    assert list(found.index) == list(found.columns) == [str(i) for i in range(-1, 11)]
    assert np.array_equal(found, confusion_matrix(label, predicted))
    assert not np.array_equal(found, found.T)
    assert list(confusion(rows(["up", "10"], ["9", "up"])).index) == ["9", "10", "up"]


def test_a_cell_is_as_dark_as_its_share_of_the_row_and_has_its_count():
    shades, numbers, axes = drawn(confusion(rows("1112", "1121")))
    assert np.allclose(shades, [[2 / 3, 1 / 3], [1, 0]])
    assert numbers == {(0, 0): "2", (0, 1): "1", (1, 0): "1"}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "label")


def test_many_classes_have_no_numbers_and_every_other_name_and_one_never_seen_is_white():
    names = [str(i) for i in range(1, 31)]
    shades, numbers, axes = drawn(confusion(rows(names[:-1], names[1:])))
    assert numbers == {} and [tick.get_text() for tick in axes.get_yticklabels()] == names[::2]
    assert shades[29].sum() == 0 and (shades[:29].sum(axis=1) == 1).all()
