"""How sure a lead is: methods compared in pairs and all at once, over the datasets of a study.

All take a table of test accuracies as `results.statistics` does: shares in [0, 1], one row a dataset and one column a method, NaN
where there is no result. A lead is the difference of two accuracies on one dataset; leads that are equal but for rounding (to 12
digits) are equal. What cannot be computed is NaN: of methods without a dataset in common, of one dataset alone, of no difference.

Sources: Demšar, Statistical comparisons of classifiers over multiple data sets, JMLR 7, 2006 (Friedman, Nemenyi, Wilcoxon, Holm);
Efron, Better bootstrap confidence intervals, JASA 82, 1987; Benavoli, Corani, Demšar, Zaffalon, Time for a change, JMLR 18(77),
2017 (the Bayesian signed-rank test, and the region of practical equivalence, "rope").
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import bootstrap, f, friedmanchisquare, studentized_range, wilcoxon
from statsmodels.stats.multitest import multipletests

from results.statistics import ranks

ALPHA = 0.05  # a difference is significant where p ≤ ALPHA
LEVEL = 0.95  # of the bootstrap's intervals
RESAMPLES = 10_000
ROPE = 0.01  # leads of up to one point are equal in practice
PRIOR = 0.5  # how many datasets without any lead the prior stands for
SAMPLES = 20_000  # of the posterior: a probability's standard error is 0.0035 at the most
SEED = 0  # of the resamples and of the samples, the same for every pair


class Comparison(NamedTuple):
    """One method against another over the `datasets` on which both have a result: `lead` is the mean difference in accuracy."""

    method: str
    other: str
    datasets: int
    lead: float
    wins: int
    ties: int
    losses: int
    p: float


class Posterior(NamedTuple):
    """The probabilities that a lead is mostly above the rope, mostly within it, or mostly below it; their sum is 1."""

    ahead: float
    within: float
    behind: float


class Friedman(NamedTuple):
    """All methods at once over the `datasets` on which each has a result; `ranks`, the average ranks, are in ascending order."""

    datasets: int
    ranks: pd.Series
    statistic: float
    p: float
    F: float
    p_F: float


def leads(accuracy: pd.DataFrame, method: str, other: str) -> np.ndarray:
    """accuracy[method] − accuracy[other] on the datasets on which both have a result."""
    return (accuracy[method] - accuracy[other]).dropna().to_numpy().round(12)


def compare(accuracy: pd.DataFrame, method: str, other: str) -> Comparison:
    """Two columns of a table of accuracies, with the p-value of `signed_rank`."""
    lead = leads(accuracy, method, other)
    counts = (int(count) for count in ((lead > 0).sum(), (lead == 0).sum(), (lead < 0).sum()))
    return Comparison(method, other, len(lead), float(lead.mean()) if len(lead) else np.nan, *counts, signed_rank(lead))


def signed_rank(lead: np.ndarray) -> float:
    """The p-value of Wilcoxon's signed-rank test: two-sided, zeros left out, without a correction for continuity.

    It is exact for up to 50 leads of different sizes and for up to 13 of any, and by the normal distribution otherwise, with the
    variance that equal ranks have. It is 1 where no lead differs from 0.
    """
    if not len(lead):
        return np.nan
    differ = lead[lead != 0]
    return float(wilcoxon(differ, correction=False).pvalue) if len(differ) else 1.0


def interval(lead: np.ndarray) -> tuple[float, float]:
    """A confidence interval of level LEVEL for the mean lead: bootstrap over datasets, bias-corrected and accelerated (BCa)."""
    if len(lead) < 2 or np.ptp(lead) == 0:
        return np.nan, np.nan
    rng = np.random.default_rng(SEED)
    found = bootstrap((lead,), np.mean, confidence_level=LEVEL, n_resamples=RESAMPLES, method="BCa", rng=rng)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def bayesian_signed_rank(lead: np.ndarray, rope: float = ROPE) -> Posterior:
    """The Bayesian signed-rank test, for a region of practical equivalence from −rope to rope.

    The distribution of leads has a Dirichlet process as its prior, of strength PRIOR at a lead of 0. With z₀ = 0, z₁ … zₙ the leads
    and weights w ~ Dirichlet(PRIOR, 1, …, 1), the mean of two leads drawn at random is above the rope with the probability
    Σᵢⱼ wᵢwⱼ [zᵢ + zⱼ > 2 rope] (a mean on the edge counts half), below it likewise, and within it otherwise. What is returned is how
    probable it is that each of the three is the largest, from SAMPLES draws of w.

    `lead` and `rope` are of one unit. Raises ValueError where `rope` is negative.
    """
    if not rope >= 0:
        raise ValueError(f"the rope is {rope:g}, a lead in accuracy: give 0 or more, such as {ROPE} for one point")
    if not len(lead):
        return Posterior(np.nan, np.nan, np.nan)
    z = np.concatenate([[0.0], lead])
    sums, weights = z[:, None] + z, _weights(len(lead))

    def mass(beyond: np.ndarray) -> np.ndarray:
        return ((weights @ np.heaviside(beyond.round(12), 0.5)) * weights).sum(axis=1)

    ahead, behind = mass(sums - 2 * rope), mass(-sums - 2 * rope)
    regions = np.stack([ahead, 1 - ahead - behind, behind])
    largest = regions == regions.max(axis=0)
    return Posterior(*(float(share) for share in (largest / largest.sum(axis=0)).mean(axis=1)))


@lru_cache(maxsize=2)  # 9 MB for 56 datasets, and most pairs have as many
def _weights(datasets: int) -> np.ndarray:
    """Draws from Dirichlet(PRIOR, 1, …, 1), one a row."""
    return np.random.default_rng(SEED).dirichlet([PRIOR, *[1.0] * datasets], SAMPLES)


def holm(p: pd.Series) -> pd.Series:
    """p-values corrected for being that many (Holm): no true null hypothesis among them is rejected, but with probability α.

    In ascending order p₍ᵢ₎ becomes the maximum over j ≤ i of (m − j + 1) p₍ⱼ₎, 1 at the most. NaN is no comparison, and stays.
    """
    corrected = p.astype(float)
    present = corrected.notna()
    if present.any():
        corrected[present] = multipletests(corrected[present], method="holm")[1]
    return corrected


def comparisons(
    accuracy: pd.DataFrame, methods: list[str] | None = None, others: list[str] | None = None, rope: float = ROPE
) -> pd.DataFrame:
    """One row a pair of a method with another (default: each with each), each pair once, in the order of the table.

    The columns are those of `Comparison`, then `low` and `high` of `interval`, `p_holm`, which is p corrected for the rows of the
    table, and those of `Posterior`.
    """
    pairs = []
    for method, other in product(
        list(accuracy) if methods is None else methods, list(accuracy) if others is None else others
    ):
        if method != other and (other, method) not in pairs and (method, other) not in pairs:
            pairs.append((method, other))
    rows = []
    for pair in pairs:
        lead = leads(accuracy, *pair)
        rows.append((*compare(accuracy, *pair), *interval(lead), *bayesian_signed_rank(lead, rope)))
    table = pd.DataFrame(rows, columns=[*Comparison._fields, "low", "high", *Posterior._fields])
    table.insert(table.columns.get_loc("p") + 1, "p_holm", holm(table.p))
    return table


def square(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column of `comparisons` as a symmetric matrix of methods, 1 on the diagonal, NaN where a pair has no row."""
    names = list(dict.fromkeys([*table.method, *table.other]))
    matrix = pd.DataFrame(np.eye(len(names)), index=names, columns=names).replace(0.0, np.nan)
    for row in table.itertuples():
        matrix.loc[row.method, row.other] = matrix.loc[row.other, row.method] = getattr(row, column)
    return matrix


def friedman(accuracy: pd.DataFrame) -> Friedman:
    """Friedman's test that no method differs from another, on the datasets on which every method has a result.

    `statistic` is χ² = 12n / (k(k + 1)) Σ (Rⱼ − (k + 1) / 2)² for n datasets and k methods of average ranks Rⱼ, divided by what it
    is at most with the ties that there are (1 − Σ (t³ − t) / (nk(k² − 1)) for groups of t), with k − 1 degrees of freedom. `F` is the
    form of Iman and Davenport, (n − 1) χ² / (n(k − 1) − χ²), with k − 1 and (k − 1)(n − 1); it is infinite where every dataset ranks
    the methods alike. NaN for fewer than three methods or two datasets, and where the methods never differ.
    """
    complete = accuracy.dropna().round(12)
    n, k = complete.shape
    average = ranks(complete).mean().sort_values(kind="stable")
    if k < 3 or n < 2 or complete.nunique(axis=1).max() == 1:
        return Friedman(n, average, np.nan, np.nan, np.nan, np.nan)
    statistic, p = (float(value) for value in friedmanchisquare(*complete.to_numpy().T))
    F = iman_davenport(statistic, n, k)
    return Friedman(n, average, statistic, p, F, float(f.sf(F, k - 1, (k - 1) * (n - 1))))


def iman_davenport(statistic: float, n: int, k: int) -> float:
    """F of Friedman's χ² for n datasets and k methods."""
    left = n * (k - 1) - statistic
    return (n - 1) * statistic / left if left > 1e-9 * n * k else np.inf


def nemenyi(accuracy: pd.DataFrame) -> pd.DataFrame:
    """The p-value of each pair of methods by Nemenyi's test, on the datasets on which every method has a result.

    It is the probability that the range of k average ranks is as large as the pair's difference, (Rᵢ − Rⱼ) / √(k(k + 1) / 6n) times
    √2 in the studentised range for k means and infinitely many degrees of freedom: corrected for all pairs. NaN without a dataset.
    """
    from scikit_posthocs import posthoc_nemenyi_friedman  # loads seaborn and pyplot: a third of a second

    complete = accuracy.dropna().round(12)
    if not len(complete):
        return pd.DataFrame(np.nan, index=accuracy.columns, columns=accuracy.columns)
    return posthoc_nemenyi_friedman(complete).set_axis(accuracy.columns).set_axis(accuracy.columns, axis=1)


def critical_difference(datasets: int, methods: int, alpha: float = ALPHA) -> float:
    """The difference of average ranks from which on Nemenyi's p-value is `alpha` or less: q √(k(k + 1) / 6n)."""
    if datasets < 1 or methods < 2:
        return np.nan
    q = studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(methods * (methods + 1) / (6 * datasets)))


def cliques(ranks: pd.Series, p: pd.DataFrame, alpha: float = ALPHA) -> list[list[str]]:
    """The groups of methods that cannot be told apart, as a critical-difference diagram joins them.

    A group is a run of methods that follow each other by average rank, no two of which differ by p ≤ `alpha` (a p that is NaN tells
    no two apart); only runs of two or more that are no part of a longer one are groups. `p` is a symmetric matrix over the methods
    of `ranks`, from `nemenyi` or `square`. By Wilcoxon's test methods that are far apart in rank may not differ where others between
    them do: such a pair is in no group.
    """
    order = list(ranks.sort_values(kind="stable").index)
    apart = p.loc[order, order].to_numpy() <= alpha
    groups, end = [], 0
    for first in range(len(order)):
        after = first + 1
        while after < len(order) and not apart[after, first:after].any():
            after += 1
        if after - first > 1 and after > end:
            groups.append(order[first:after])
            end = after
    return groups
