"""Tests of differences, on the examples that their sources publish, and against other computations of the same."""

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, norm, rankdata, studentized_range

from results import significance
from results.significance import Posterior, bayesian_signed_rank, cliques, comparisons, friedman, interval, leads
from results.tables import study_accuracies

FAMILY = Path(__file__).parents[2] / "results" / "reference" / "family"

# Demšar 2006, table 6: AUC of C4.5 and three ways to tune it on 14 datasets. On `voting` the last two are printed as equal, 0.975, but
# ranked second and third.
DEMSAR = pd.DataFrame(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9754, 0.9746],
        [0.957, 0.978, 0.946, 0.970],
    ],
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)

# Hollander and Wolfe 1973, p. 140, as in the help of R's friedman.test: seconds of 22 players to second base, by three ways round first
ROUNDING = pd.DataFrame(
    np.reshape(
        [
            *(
                5.40,
                5.50,
                5.55,
                5.85,
                5.70,
                5.75,
                5.20,
                5.60,
                5.50,
                5.55,
                5.50,
                5.40,
                5.90,
                5.85,
                5.70,
                5.45,
                5.55,
                5.60,
            ),
            *(
                5.40,
                5.40,
                5.35,
                5.45,
                5.50,
                5.35,
                5.25,
                5.15,
                5.00,
                5.85,
                5.80,
                5.70,
                5.25,
                5.20,
                5.10,
                5.65,
                5.55,
                5.45,
            ),
            *(
                5.60,
                5.35,
                5.45,
                5.05,
                5.00,
                4.95,
                5.50,
                5.50,
                5.40,
                5.45,
                5.55,
                5.50,
                5.55,
                5.55,
                5.35,
                5.45,
                5.50,
                5.55,
            ),
            *(5.50, 5.45, 5.25, 5.65, 5.60, 5.40, 5.70, 5.65, 5.55, 6.30, 6.30, 6.25),
        ],
        (22, 3),
    ),
    columns=["round out", "narrow angle", "wide angle"],
)


def test_friedman_and_nemenyi_as_demsar_works_them():
    """He leaves the ties out of χ², which divides it by 1 − Σ(t³ − t)/nk(k² − 1), here for one group of four and three of two."""
    found = friedman(DEMSAR)
    assert found.datasets == 14
    assert list(found.ranks.index) == ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
    np.testing.assert_allclose(found.ranks, [1.964, 2.000, 2.893, 3.143], atol=5e-4)
    ties = 1 - (60 + 3 * 6) / (14 * 4 * 15)
    assert found.statistic * ties == pytest.approx(9.28, abs=0.005)
    assert significance.iman_davenport(9.28, 14, 4) == pytest.approx(3.69, abs=0.005)
    assert significance.critical_difference(14, 4) == pytest.approx(1.25, abs=0.005)
    assert significance.critical_difference(14, 4, alpha=0.10) == pytest.approx(1.12, abs=0.005)
    p = significance.nemenyi(DEMSAR)
    assert (p.to_numpy() > 0.05).all()  # "not powerful enough to detect any significant differences"
    assert (p.loc["C4.5", ["C4.5+m", "C4.5+m+cf"]] <= 0.10).all()
    # his figure 1 (a)
    assert cliques(found.ranks, p, alpha=0.10) == [["C4.5+m+cf", "C4.5+m", "C4.5+cf"], ["C4.5+cf", "C4.5"]]
    assert cliques(found.ranks, p) == [["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]]


def test_friedman_with_ties_is_the_published_one():
    found = friedman(-ROUNDING)
    assert (found.datasets, list(found.ranks.index)) == (22, ["wide angle", "narrow angle", "round out"])
    assert found.statistic == pytest.approx(11.1429, abs=5e-5)
    assert found.p == pytest.approx(0.003805, abs=5e-7)


def test_iman_and_davenports_f_is_that_of_an_analysis_of_the_ranks():
    """Of ranks from which the datasets' effects, all (k + 1)/2, are gone: one-way F on its k − 1 and kn − k degrees of freedom,
    times what the datasets take of the latter.
    """
    table = pd.DataFrame(np.random.default_rng(0).integers(0, 6, (30, 5)) / 6)
    ranks, n, k = rankdata(-table, axis=1), *table.shape
    found = friedman(table)
    expected = f_oneway(*ranks.T).statistic * (n - 1) * (k - 1) / (k * n - k)
    np.testing.assert_allclose(found.F, expected)
    assert found.p_F < found.p


def test_nemenyis_p_is_by_the_definition_and_on_complete_datasets():
    table = pd.DataFrame(np.random.default_rng(1).random((25, 4)), columns=list("dbca"))
    table["a"] += 0.5
    table.loc[7, "b"] = np.nan
    p, ranks, n = significance.nemenyi(table), friedman(table).ranks, 24
    for one, other in combinations(table, 2):
        q = abs(ranks[one] - ranks[other]) / np.sqrt(4 * 5 / (6 * n))
        assert p.loc[one, other] == p.loc[other, one] == pytest.approx(studentized_range.sf(q * np.sqrt(2), 4, np.inf))
    assert p.loc["a"].drop("a").min() < 0.05
    limit = significance.critical_difference(n, 4)
    for one, other in combinations(table, 2):
        assert (p.loc[one, other] <= 0.05) == (abs(ranks[one] - ranks[other]) >= limit)


def test_wilcoxon_is_the_published_one():
    """Hollander and Wolfe 1973, p. 29, as in the help of R's wilcox.test: depression before and after; V = 40, p = 0.01953 on one side."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    found = significance.compare(pd.DataFrame({"a": before, "b": after}), "a", "b")
    assert found.p == pytest.approx(2 * 0.01953, abs=1e-5)


def test_wilcoxon_is_exact_by_all_ways_to_choose_the_signs():
    """Six leads of ranks 1 … 6, of which those of ranks 1 and 3 are negative: how many of the 64 ways to choose the signs give
    negative ranks of a sum of 4 or less, on either side. Leads of 0 change nothing.
    """
    lead = np.array([-0.01, 0.02, -0.03, 0.04, 0.05, 0.06])
    sums = [
        sum(rank for rank, sign in zip(range(1, 7), signs, strict=True) if sign) for signs in product((0, 1), repeat=6)
    ]
    expected = 2 * np.mean(np.array(sums) <= 4)
    for some in (lead, -lead, np.append(lead, [0.0] * 4)):
        assert significance.signed_rank(some) == pytest.approx(expected)


def test_wilcoxon_of_many_leads_is_by_the_normal_distribution():
    """With its correction of the variance for equal ranks: leads that are equal but for rounding share theirs."""
    rng = np.random.default_rng(0)
    accuracy = pd.DataFrame(rng.integers(0, 20, (60, 2)) / 20, columns=["a", "b"])
    accuracy.loc[[3, 7], "a"] = np.nan
    found = significance.compare(accuracy, "a", "b")
    lead = np.round(20 * (accuracy.a - accuracy.b).dropna().to_numpy())  # whole numbers: many share a rank
    assert (found.datasets, found.ties) == (58, (lead == 0).sum())
    assert (found.wins, found.losses) == ((lead > 0).sum(), (lead < 0).sum())
    differ = lead[lead != 0]
    ranks, n = rankdata(np.abs(differ)), len(differ)
    _, groups = np.unique(ranks, return_counts=True)
    variance = n * (n + 1) * (2 * n + 1) / 24 - (groups**3 - groups).sum() / 48
    z = (ranks[differ > 0].sum() - n * (n + 1) / 4) / np.sqrt(variance)
    assert found.p == pytest.approx(2 * norm.sf(abs(z)))


def test_holm_as_demsar_works_it():
    """C4.5 against its tuned forms, z-values from average ranks: p = 0.016, 0.019, 0.607 against 0.05/3, 0.05/2, 0.05/1. The first two
    are rejected.
    """
    z = (3.143 - np.array([2.893, 1.964, 2.000])) / np.sqrt(4 * 5 / (6 * 14))
    p = pd.Series(2 * norm.sf(z), index=["cf", "m+cf", "m"])
    np.testing.assert_allclose(p, [0.607, 0.016, 0.019], atol=0.002)
    corrected = significance.holm(p)
    assert (corrected <= 0.05).to_dict() == {"cf": False, "m+cf": True, "m": True}
    assert corrected["m+cf"] == pytest.approx(3 * p["m+cf"])
    assert corrected["cf"] == pytest.approx(p["cf"])


def test_holm_rejects_what_stepping_down_rejects():
    """From the smallest p on, while p₍ᵢ₎ ≤ α / (m − i + 1). What is NaN is no comparison."""
    rng = np.random.default_rng(2)
    p = pd.Series(rng.random(12) ** 4)
    p[[2, 5]] = np.nan
    corrected = significance.holm(p)
    assert corrected.isna().equals(p.isna())
    for alpha in rng.random(200):
        rejected = set()
        for step, row in enumerate(p.dropna().sort_values().index):
            if p[row] > alpha / (10 - step):
                break
            rejected.add(row)
        assert rejected == set(corrected.index[corrected <= alpha])


def test_an_interval_is_that_of_all_resamples():
    """BCa (Efron 1987) by its formula from the means of all 5⁵ ways to draw five leads, instead of 10,000 of them."""
    lead = np.array([0.30, 0.02, -0.01, 0.05, 0.00])
    means = np.sort(lead[np.array(list(product(range(5), repeat=5)))].mean(axis=1))
    bias = norm.ppf((np.mean(means < lead.mean() - 1e-12) + np.mean(means <= lead.mean() + 1e-12)) / 2)
    away = lead.mean() - (lead.sum() - lead) / 4
    acceleration = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    z = bias + norm.ppf([0.025, 0.975])
    expected = np.quantile(means, norm.cdf(bias + z / (1 - acceleration * z)))
    np.testing.assert_allclose(interval(lead), expected, atol=0.004)
    assert interval(lead) == interval(lead.copy())
    np.testing.assert_allclose(interval(100 * lead), 100 * np.array(interval(lead)))


@pytest.mark.parametrize(
    ("lead", "expected"),
    [
        # w₀ ~ Beta(1/2, 1), of which P(w₀ < x) = √x. Only the pair of the prior with itself is within the rope: w₀² < 1/2
        (0.05, Posterior(2**-0.25, 1 - 2**-0.25, 0.0)),
        # only the pair of the lead with itself is ahead: (1 − w₀)² > 1/2
        (0.015, Posterior((1 - 2**-0.5) ** 0.5, 1 - (1 - 2**-0.5) ** 0.5, 0.0)),
        # on the edge, that pair counts half
        (0.01, Posterior(0.0, 1.0, 0.0)),
        # the prior and the lead together are on the edge: (1 − w₀)² + w₀(1 − w₀) = 1 − w₀ > 1/2
        (0.02, Posterior(2**-0.5, 1 - 2**-0.5, 0.0)),
        (0.0, Posterior(0.0, 1.0, 0.0)),
    ],
)
def test_the_bayesian_test_of_one_dataset_is_a_beta_distribution(lead, expected):
    np.testing.assert_allclose(bayesian_signed_rank(np.array([lead])), expected, atol=0.011)
    np.testing.assert_allclose(bayesian_signed_rank(np.array([-lead])), expected[::-1], atol=0.011)


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (("rntk_deep", "rntk"), (0.148, 0.851, 0.001)),
        (("rntk", "polynomial"), (0.341, 0.0, 0.659)),
        (("ntk", "rbf"), (0.001, 0.472, 0.527)),
        (("rntk_mean", "rbf"), (0.998, 0.0, 0.002)),
    ],
)
def test_the_bayesian_test_is_that_of_its_authors(pair, expected):
    """By their own library, baycomp 1.0.3, from 200,000 samples; in points as in shares.
    The rope is 0.0103, as many leads lie on the edge of 0.01,
    where theirs goes by their rounding.

    It is no dependency, as it installs a package named `tests`, which hides this one.
    """
    lead = leads(study_accuracies(FAMILY), *pair)
    found = bayesian_signed_rank(lead, rope=0.0103)
    np.testing.assert_allclose(found, expected, atol=0.012)
    np.testing.assert_allclose(bayesian_signed_rank(100 * lead, rope=1.03), found, atol=1e-3)


def test_without_a_rope_nothing_is_within_it():
    assert bayesian_signed_rank(np.zeros(5), rope=0.0) == Posterior(0.5, 0.0, 0.5)
    found = bayesian_signed_rank(np.array([0.001, 0.02, -0.005]), rope=0.0)
    assert found.within == 0 and found.ahead > found.behind
    with pytest.raises(ValueError, match=r"the rope is -0.1, a lead in accuracy: give 0 or more"):
        bayesian_signed_rank(np.ones(3), rope=-0.1)


def test_groups_are_runs_by_rank_without_a_difference_between_any_two():
    ranks = pd.Series({"d": 4.0, "a": 1.0, "c": 3.0, "b": 2.0, "e": 5.0})
    p = pd.DataFrame(1.0, index=list("abcde"), columns=list("abcde"))

    def differ(*pairs, by=0.01):
        changed = p.copy()
        for one, other in pairs:
            changed.loc[one, other] = changed.loc[other, one] = by
        return changed

    assert cliques(ranks, p) == [list("abcde")]
    assert cliques(ranks, differ("ad", "ae", "be")) == [list("abc"), list("bcd"), list("cde")]
    # a and c, which differ, part a from b and c, though a and d do not
    assert cliques(ranks, differ("ac")) == [list("ab"), list("bcde")]
    assert cliques(ranks, differ("ab", "bc", "cd", "de")) == []
    assert cliques(ranks, differ("ab", "ac", "ad", "ae", by=0.05)) == [list("bcde")]
    assert cliques(ranks, differ("ab", "ac", "ad", "ae", by=np.nan)) == [list("abcde")]


def test_a_row_a_pair():
    accuracy = pd.DataFrame(np.random.default_rng(1).random((30, 3)), columns=["a", "b", "c"])
    accuracy.loc[4, "b"] = np.nan
    every = comparisons(accuracy)
    assert list(zip(every.method, every.other, every.datasets, strict=True)) == [
        ("a", "b", 29), ("a", "c", 30), ("b", "c", 29)
    ]  # fmt: skip
    assert len(comparisons(accuracy, ["a", "b", "a"], ["c"])) == 2
    np.testing.assert_array_equal(every.p_holm, significance.holm(every.p))
    row, lead = every.iloc[0], leads(accuracy, "a", "b")
    assert (row.low, row.high) == interval(lead)
    assert tuple(row[list(Posterior._fields)]) == bayesian_signed_rank(lead)
    assert row.low < row.lead < row.high
    assert list(comparisons(accuracy, ["a"], ["b"], rope=1.0).within) == [1.0]
    matrix = significance.square(every, "p")
    assert matrix.loc["c", "a"] == matrix.loc["a", "c"] == every.p[1]
    assert significance.square(comparisons(accuracy, ["a", "b"], ["c"]), "p").isna().to_numpy().sum() == 2


def test_what_cannot_be_computed_is_nan():
    """Without a warning, for a study that is under way shows them all."""
    accuracy = pd.DataFrame({"a": [0.5, 0.6], "b": [0.5, 0.6], "c": [np.nan, 0.4], "d": [np.nan, np.nan]})
    table = comparisons(accuracy).set_index(["method", "other"])
    assert list(table.datasets) == [2, 1, 0, 1, 0, 0]
    equal, one, none = table.loc[("a", "b")], table.loc[("a", "c")], table.loc[("a", "d")]
    assert (equal.lead, equal.p, equal.p_holm, equal.within) == (0, 1, 1, 1)
    assert (one.p, one.wins) == (1, 1)
    assert table[["low", "high"]].isna().all(axis=None)
    assert none[["lead", "p", "p_holm", *Posterior._fields]].isna().all()
    assert friedman(accuracy).datasets == 0 and np.isnan(friedman(accuracy).p)
    assert np.isnan(friedman(accuracy[["a", "b"]]).p)  # of two methods
    assert np.isnan(friedman(accuracy[["a", "b", "c"]]).p)  # on one dataset
    assert np.isnan(friedman(pd.DataFrame({name: [0.1, 0.2, 0.3] for name in "abc"})).p)
    assert significance.nemenyi(accuracy).isna().all(axis=None)
    assert np.isnan(significance.critical_difference(0, 3)) and np.isnan(significance.critical_difference(5, 1))
    assert comparisons(accuracy[["a"]]).empty
    # every dataset ranks the methods alike
    alike = friedman(pd.DataFrame({"a": [0.1, 0.2, 0.3], "b": [0.2, 0.3, 0.4], "c": [0.3, 0.4, 0.5]}))
    assert (alike.statistic, alike.F, alike.p_F) == (pytest.approx(6), np.inf, 0)
