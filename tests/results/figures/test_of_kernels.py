"""Pictures of kernels: Grams with their spectra, and the steps that count."""

import numpy as np
import pytest

from results.figures.attention import SCALE, attention
from results.figures.grams import gram_pictures, spectrum
from tests.results.figures.reading import texts


def test_a_spectrum_is_that_of_the_centred_features():
    """The eigenvalues of HXXᵀH are the squares of the singular values of HX; a constant added to a Gram changes nothing."""
    X = np.random.default_rng(0).normal(size=(7, 3)) + 5
    squares = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) ** 2
    for K in (X @ X.T, X @ X.T + 100):
        found = spectrum(K)
        assert np.allclose(found[:3], squares / squares.sum())
        assert (np.nan_to_num(found[3:]) < 1e-13).all()
    assert np.isnan(spectrum(np.ones((4, 4)))).all()


def test_a_picture_is_sorted_by_class_and_numbers_come_by_their_value():
    """Labels 10 and 9, which the alphabet has the other way round; of two series each."""
    K = np.arange(16.0).reshape(4, 4)
    K = K + K.T
    made = gram_pictures({"rntk": K, "rbf": 2 * K}, np.array(["10", "9", "10", "9"]))
    pictures = [axes for axes in made.axes if axes.images]
    order = [1, 3, 0, 2]
    for axes, factor in zip(pictures, (1, 2), strict=True):
        assert np.array_equal(axes.images[0].get_array(), factor * K[np.ix_(order, order)])
        assert sorted({tuple(line.get_ydata()) for line in axes.lines}) == [(0, 1), (1.5, 1.5)]
    names = [label.get_text() for label in pictures[0].get_yticklabels()]
    assert dict(zip(names, pictures[0].get_yticks(), strict=True)) == {"9": 0.5, "10": 2.5}
    assert {"rntk\n0 to 30", "rbf\n0 to 60"} <= set(texts(made))


def test_how_many_eigenvalues_make_up_nine_tenths_is_written():
    """Shares ½, ⅜ and ⅛: two have less than nine tenths."""
    X = np.zeros((6, 3))
    for i, size in enumerate((4, 3, 1)):
        X[2 * i, i], X[2 * i + 1, i] = np.sqrt(size), -np.sqrt(size)
    assert "3 for 90 %" in texts(gram_pictures({"k": X @ X.T}, list("aabbcc")))
    constant = gram_pictures({"k": np.ones((3, 3))}, list("abc"))
    assert not [text for text in texts(constant) if "90 %" in text]


def test_grams_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="no Gram"):
        gram_pictures({}, [])
    with pytest.raises(ValueError, match=r"the Gram of k has the shape \(2, 2\), and there are 3 labels"):
        gram_pictures({"k": np.eye(2)}, list("abc"))


SERIES = {"1": np.array([0.0, 1.0, 0.0]), "2": np.array([0.0, -1.0, 0.5])}


def test_a_part_of_a_series_is_coloured_by_the_steps_at_its_ends():
    """As multiples of their mean: 2, ½ and ½, whose geometric means are 1 and ½."""
    found = {"last": {"1": np.array([4.0, 1.0, 1.0]), "2": np.ones(3)}}
    made = attention(SERIES, found)
    rows = made.axes[:2]
    first, second = (axes.collections[0] for axes in rows)
    assert np.allclose(first.get_array(), [1, 0.5])
    assert np.allclose(second.get_array(), [1, 1])
    assert np.allclose(first.get_segments(), [[(1, 0), (2, 1)], [(2, 1), (3, 0)]])
    assert first.get_linewidths()[0] > first.get_linewidths()[1]
    assert first.norm is SCALE
    assert {"class 1", "class 2", "last"} <= set(texts(made))


def test_of_several_channels_the_first_six_stand_one_below_another():
    """Each on a scale of its own, and coloured as multiples of the mean over all eight and all steps."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 8)) * 10.0 ** np.arange(8)
    x[:, 4] = 3
    found = rng.uniform(1, 2, size=(4, 8))
    made = attention({"1": x, "2": x[:3]}, {"k": {"1": found, "2": found[:3]}})
    for axes, T in zip(made.axes[:2], (4, 3), strict=True):
        assert len(axes.collections) == 6
        assert [text.get_text() for text in axes.get_yticklabels()] == list("123456")
        relative = found[:T] / found[:T].mean()
        for c, drawn in enumerate(axes.collections):
            heights = np.array([*(one[0, 1] for one in drawn.get_segments()), drawn.get_segments()[-1][1, 1]])
            span = np.ptp(x[:T, c])
            expected = 0.9 * (x[:T, c] - x[:T, c].min()) / span if span else np.zeros(T)
            assert np.allclose(heights, expected - c)
            assert np.allclose(drawn.get_array(), np.sqrt(relative[:-1, c] * relative[1:, c]))
    assert "sensitivity / its mean over steps and channels" in texts(made)
    with pytest.raises(ValueError, match="k has no 32 sensitivities ≥ 0 for the series of class 1"):
        attention({"1": x}, {"k": {"1": found[:, 0]}})


def test_a_kernel_that_looks_nowhere_is_drawn_and_what_is_no_sensitivity_is_refused():
    made = attention({"1": SERIES["1"]}, {"none": {"1": np.zeros(3)}})
    assert np.array_equal(made.axes[0].collections[0].get_array(), [0, 0])
    for wrong in (np.ones(2), np.array([1.0, -1.0, 1.0]), np.array([1.0, np.nan, 1.0])):
        with pytest.raises(ValueError, match="k has no 3 sensitivities ≥ 0 for the series of class 1"):
            attention({"1": SERIES["1"]}, {"k": {"1": wrong}})
    with pytest.raises(ValueError, match="no series, or no kernel"):
        attention({}, {})
