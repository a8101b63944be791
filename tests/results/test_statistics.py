"""The statistics on a worked example, small enough to check by eye."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare

from results import statistics

#            a     b     c
TABLE = [
    [0.90, 0.80, 0.90],  # a and c tie for the best
    [0.50, 1.00, 0.95],
    [0.60, 0.57, 0.30],
    [0.80, 0.80, 0.80],  # all tie
]


@pytest.fixture
def accuracy():
    return pd.DataFrame(TABLE, index=["w", "x", "y", "z"], columns=["a", "b", "c"])


def test_worked_example(accuracy):
    table = statistics.summary(accuracy).set_index("method")
    assert list(table.columns) == statistics.COLUMNS[1:]
    # accuracy / best: a 1, .5, 1, 1 · b .8889, 1, .95, 1 · c 1, .95, .5, 1
    assert table.p90.to_dict() == {"a": 0.75, "b": 0.75, "c": 0.75}
    assert table.p95.to_dict() == {"a": 0.75, "b": 0.75, "c": 0.75}
    np.testing.assert_allclose(table.pma[["a", "b", "c"]], [3.5 / 4, (0.8 / 0.9 + 1 + 0.95 + 1) / 4, 3.45 / 4])
    # ranks: w a 1.5 c 1.5 b 3 · x b 1 c 2 a 3 · y a 1 b 2 c 3 · z 2 2 2
    np.testing.assert_allclose(table.friedman_rank[["a", "b", "c"]], [7.5 / 4, 8 / 4, 8.5 / 4])
    assert table.wins.to_dict() == {"a": 3, "b": 2, "c": 2}
    np.testing.assert_allclose(table.accuracy_mean["a"], 0.7)
    np.testing.assert_allclose(table.accuracy_std["a"], np.sqrt((0.2**2 + 0.2**2 + 0.1**2 + 0.1**2) / 3))
    assert list(table.index) == ["b", "c", "a"]  # by falling mean accuracy


def test_ranks_are_those_of_friedmans_test(accuracy):
    """Without ties, Friedman's statistic 12n/(k(k+1)) Σ (R_j − (k+1)/2)² from our ranks is SciPy's."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.random((20, 4)))
    mean_ranks = statistics.ranks(table).mean()
    ours = 12 * 20 / (4 * 5) * ((mean_ranks - 2.5) ** 2).sum()
    np.testing.assert_allclose(ours, friedmanchisquare(*table.to_numpy().T).statistic)


def test_holes_count_for_nobody(accuracy):
    accuracy.loc["w", "a"] = np.nan
    table = statistics.summary(accuracy).set_index("method")
    assert table.datasets.to_dict() == {"a": 3, "b": 4, "c": 4}
    assert table.wins.to_dict() == {"a": 2, "b": 2, "c": 2}
    np.testing.assert_allclose(table.friedman_rank["a"], (3 + 1 + 2) / 3)
    np.testing.assert_allclose(table.friedman_rank["c"], (1 + 2 + 3 + 2) / 4)  # first of two on w


def test_a_method_without_any_result(accuracy):
    accuracy["b"] = np.nan
    table = statistics.summary(accuracy).set_index("method")
    assert table.datasets["b"] == 0
    assert table.wins["b"] == 0
    assert np.isnan(table.accuracy_mean["b"])
    np.testing.assert_allclose(table.friedman_rank[["a", "c"]], [(1.5 + 2 + 1 + 1.5) / 4, (1.5 + 1 + 2 + 1.5) / 4])


def test_a_dataset_that_nobody_solves():
    table = pd.DataFrame([[0.0, 0.0], [0.5, 1.0]], columns=["a", "b"])
    np.testing.assert_allclose(statistics.pma(table), [0.75, 1.0])
    assert statistics.wins(table).to_list() == [1, 2]
