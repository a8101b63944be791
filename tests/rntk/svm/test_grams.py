"""What a kernel returns is looked at before anything is learned from it, and the kernel stays as it was."""

from dataclasses import dataclass

import numpy as np
import pytest

from baselines import NTK, RBF, Gaussian, Polynomial
from rntk import RNTK
from rntk.svm.grams import FaultyKernel, Grams, scaled

X = np.random.default_rng(0).normal(size=(12, 8))


@dataclass
class Spoilt(RBF):
    """An RBF whose Gram of one set, of two, or either, is changed on its way out."""

    one: object = None
    two: object = None

    def __call__(self, X, Y=None):
        K, change = super().__call__(X, Y), self.one if Y is None else self.two
        return change(K) if change else K

    def over(self, X):
        return lambda setting: type(self)(**{**self.get_params(), **setting})(X)


def put(K, i, j, value):
    K[i, j] = value
    return K


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (lambda K: K[:, :-1], r"must be of shape \(12, 12\), and it has \(12, 11\)"),
        (lambda K: K.ravel(), r"must be of shape \(12, 12\), and it has \(144,\)"),
        (lambda K: K + 0j, "must be of real numbers, and its dtype is complex128"),
        (lambda K: K > 0.5, "must be of real numbers, and its dtype is bool"),
        (lambda K: put(K, 3, 4, np.nan), r"must be finite .*, and K\[3, 4\] = nan"),
        (lambda K: put(K, 3, 4, np.inf), r"must be finite .*, and K\[3, 4\] = inf"),
        (lambda K: put(K, 3, 4, K[4, 3] + 1e-4), r"must be symmetric, and K\[3, 4\] = .* and K\[4, 3\] = "),
        (lambda K: put(K, 5, 5, -0.1), r"must be of nonnegative diagonal, and K\[5, 5\] = -0.1"),
    ],
)
def test_a_gram_that_is_none_is_refused_by_kernel_rule_and_finding(one, message):
    with pytest.raises(FaultyKernel, match=r"Spoilt\(gamma=0.5\): its Gram " + message):
        Grams(Spoilt(one=one), X).train({"gamma": 0.5})


@pytest.mark.parametrize(
    ("two", "message"),
    [
        (np.transpose, r"must be of shape \(3, 12\), and it has \(12, 3\)"),
        (lambda K: K[:, ::-1], r"must be the same for k\(X\) and k\(X\[:3\], X\), and at \["),
        (lambda K: put(K, 2, 7, K[2, 7] + 1e-4), r"and at \[2, 7\] "),
        (lambda K: put(K, 0, 0, np.nan), r"must be finite .*, and K\[0, 0\] = nan"),
    ],
)
def test_a_gram_of_two_sets_must_agree_with_that_of_one(two, message):
    grams = Grams(Spoilt(two=two), X)
    grams.train({"gamma": 0.5})
    with pytest.raises(FaultyKernel, match=message):
        grams.train({"gamma": 0.5}, thorough=True)


def test_the_gram_of_the_test_set_is_looked_at_too():
    with pytest.raises(FaultyKernel, match=r"of shape \(5, 12\), and it has \(12, 5\)"):
        Grams(Spoilt(two=np.transpose), X).test({"gamma": 0.5}, X[:5] + 1)
    with pytest.raises(FaultyKernel, match="finite"):
        Grams(Spoilt(two=lambda K: K * np.nan), X).test({"gamma": 0.5}, X[:5] + 1)


def rounded(K):
    return put(K, 3, 4, K[4, 3] + 1e-9)


@pytest.mark.parametrize(
    "kernel",
    [
        RNTK(sigma_b=0.1, sigma_h=0.7),
        RNTK(readout="mean", dtype="float32"),
        RNTK(direction="both", depth=2),
        NTK(3),
        RBF(0.1),
        Polynomial(3, 0.5),
        Gaussian(median=2.0),
        Spoilt(one=rounded),
    ],
    ids=lambda kernel: type(kernel).__name__,
)
def test_rounding_is_no_fault(kernel):
    """Nor is what a series adds to the kernel with itself alone (σ_h), nor a near-duplicate."""
    near = np.concatenate([X, X[:4] * (1 + 1e-7), X[:2]])
    K, scale = Grams(kernel, near).train({}, thorough=True)
    np.testing.assert_array_equal(K, kernel(near) / np.float64(scale))
    assert K.dtype == np.float64 and np.mean(np.diagonal(K)) == pytest.approx(1)


def test_a_single_series_and_whole_numbers_are_fine():
    class Counting:
        def __call__(self, X, Y=None):
            return (X[:, None, 0] * (X if Y is None else Y)[None, :, 0]).astype(int)

        def set_params(self, **setting):
            pass

    for n in (1, 2, 5):
        K, scale = Grams(Counting(), np.arange(1.0, n + 1)[:, None]).train({}, thorough=True)
        np.testing.assert_allclose(K * scale, np.outer(np.arange(1, n + 1), np.arange(1, n + 1)))


def test_the_kernel_stays_as_it_was():
    kernel = RNTK(sigma_w=1.1)
    grams = Grams(kernel, X)
    for sigma_w in (1.3, 1.4):
        K, scale = grams.train({"sigma_w": sigma_w})
        np.testing.assert_array_equal(K * scale, scaled(RNTK(sigma_w=sigma_w)(X))[0] * scale)
        np.testing.assert_array_equal(grams.test({"sigma_w": sigma_w}, X[:2]), RNTK(sigma_w=sigma_w)(X[:2], X))
    assert kernel == RNTK(sigma_w=1.1)
    gram = kernel.over(X)
    gram({"sigma_w": 1.3})
    assert kernel == RNTK(sigma_w=1.1)
    np.testing.assert_array_equal(gram({}), kernel(X))


def test_a_gram_without_a_scale_cannot_be_computed():
    for value in (0.0, np.inf):
        with pytest.raises(ValueError, match=f"mean diagonal of {value:g}: it must be positive and finite"):
            scaled(np.full((2, 2), value))
