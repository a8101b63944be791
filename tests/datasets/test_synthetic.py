"""Sinusoids of known classes."""

import numpy as np
import pytest

from datasets.synthetic import noisy_sinusoids


def test_each_class_has_its_frequency():
    X, y = noisy_sinusoids(60, 64, classes=5, noise=0.1, seed=2)
    assert X.shape == (60, 64)
    spectrum = np.abs(np.fft.rfft(X, axis=1))
    np.testing.assert_array_equal(spectrum.argmax(axis=1), y + 2)
    np.testing.assert_array_equal(np.bincount(y), [12] * 5)


def test_noise_has_its_size_and_a_seed_gives_the_same_series_again():
    X, y = noisy_sinusoids(500, 100, noise=2.0, seed=1)
    quiet, same = noisy_sinusoids(500, 100, noise=0.0, seed=1)
    np.testing.assert_array_equal(y, same)
    assert np.std(X - quiet) == pytest.approx(2.0, rel=0.01)
    np.testing.assert_array_equal(X, noisy_sinusoids(500, 100, noise=2.0, seed=1)[0])
    assert np.isclose(X, noisy_sinusoids(500, 100, noise=2.0, seed=2)[0]).mean() < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 3, "T": 50}, "at least one class"),
        ({"n": 50, "T": 9}, "at least 10 steps"),
        ({"n": 50, "T": 50, "noise": -1}, ">= 0"),
        ({"n": 50, "T": 50, "noise": float("nan")}, ">= 0"),
        ({"n": 50, "T": 50, "classes": 0}, "at least one class"),
    ],
)
def test_what_cannot_be_made_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        noisy_sinusoids(**arguments)
