"""The parts, one by one, under pytest-benchmark: `python -m pytest benchmarks`; `--benchmark-compare` sets two runs side by side."""

import numpy as np
import pytest

from benchmarks import formula
from benchmarks.engine import series
from benchmarks.problem import PROTOCOL, training_set
from datasets import load
from rntk import RNTK, coefficients
from rntk.svm.grams import scaled
from rntk.svm.machine import Machine
from rntk.svm.search import Search
from runners.method import Method

X = series(200, 150)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("nonlinearity", ["relu", "erf"])
def test_gram(benchmark, nonlinearity, dtype):
    K = benchmark(RNTK(sigma_w=1.4, sigma_b=0.3, nonlinearity=nonlinearity, dtype=dtype), X)
    assert K.shape == (200, 200)


def test_gram_of_two_sets(benchmark):
    assert benchmark(RNTK(sigma_w=1.4, sigma_b=0.3), X, X[:100].copy()).shape == (200, 100)


def test_the_part_of_single_series(benchmark):
    x = X.T[:, None, :].copy()
    assert np.isfinite(benchmark(coefficients.prepare, x, RNTK(sigma_b=0.3).parameters).diagonal).all()


def test_formula_in_numpy(benchmark):
    np.testing.assert_allclose(benchmark(formula.gram, X, 1.4, 0.3), RNTK(sigma_w=1.4, sigma_b=0.3)(X), rtol=1e-9)


@pytest.fixture(scope="module", params=["GunPoint", "OSULeaf"])
def problem(request):
    return training_set(load(request.param, downloads=False))


def test_svm(benchmark, problem):
    X, y, folds = problem
    K, scale = scaled(RNTK(sigma_b=0.1)(X))
    train, held = folds[0]
    machine = Machine(train, y)
    assert len(benchmark(lambda: machine.path(K, [scale])[0].predict(K, held))) == len(held)


def test_selection(benchmark, problem):
    X, y, folds = problem
    method = Method("rntk", {"_target_": "rntk.RNTK", "sigma_w": [1.34, 1.4, 1.45], "sigma_b": [0.0, 0.1, 1.0]})
    search = Search(method.build(), list(method.settings()), PROTOCOL.C)
    assert benchmark(search.fit, X, y, folds).cv_accuracy > 0
