"""What a study found, in sentences: what is ahead, by how much, how sure that is, and where."""

import pandas as pd

from results import statistics
from results.significance import ALPHA, LEVEL, ROPE, Friedman, comparisons, friedman

FEW = 6  # methods that a sentence can name with an interval each


def findings(accuracy: pd.DataFrame, pairs: pd.DataFrame, kinds: dict[str, str]) -> list[str]:
    """Sentences on a table of accuracies, the most important first.

    `pairs` is what `results.significance.comparisons` gives for it, `kinds` says of what kind of data a dataset is, where that is known.
    """
    with_results = accuracy.dropna(axis=0, how="all").dropna(axis=1, how="all")
    if with_results.empty:
        return ["No task of this study has a result."]
    if with_results.shape[1] == 1:
        (method,) = with_results
        n, mean = len(with_results), with_results[method].mean()
        return [
            f"Only {method} has results: {percent(mean)} in the mean over {count(n, 'dataset')}. There is nothing to compare it with."
        ]
    compared = common(with_results)
    left_out = [method for method in with_results if method not in compared]
    sentences = _ahead(compared, pairs) if len(compared) else ["No dataset has a result of every method."]
    if left_out:
        counts = [f"{method} ({with_results[method].count()})" for method in left_out]
        sentences.append(
            f"Left out of these sentences, for they have results on few datasets: {listed(counts)}; the pairs below have them."
        )
    return sentences + _where(compared, kinds)


def common(accuracy: pd.DataFrame) -> pd.DataFrame:
    """The datasets on which every method has a result; where these are fewer than half of all, without the methods that have results on
    less than half as many datasets as another, if two remain.
    """
    complete = accuracy.dropna()
    if 2 * len(complete) >= len(accuracy):
        return complete
    counts = accuracy.count()
    some = accuracy.loc[:, 2 * counts >= counts.max()].dropna()
    return some if some.shape[1] > 1 and len(some) else complete


def _ahead(accuracy: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    n, k = accuracy.shape
    table = statistics.summary(accuracy).set_index("method")
    if accuracy.round(12).nunique(axis=1).max() == 1:
        return [
            f"All {k} methods have the same accuracy on {'every dataset' if n > 1 else 'the one dataset'}: none is ahead."
        ]
    first = table.index[table.accuracy_mean.round(12) == table.accuracy_mean.round(12).max()]
    best_rank = table.index[table.friedman_rank == table.friedman_rank.min()]
    most_wins = table.index[table.wins == table.wins.max()]
    where = (
        f"on {count(n, 'dataset')}"
        if n > 1
        else f"on {accuracy.index[0]}, the only dataset with a result of every method"
    )
    mean, rank, wins = table.accuracy_mean.max(), table.friedman_rank.min(), table.wins.max()
    verb = "has" if len(first) == 1 else "have"
    lede = (
        f"{listed(first)} {verb} the highest {'mean ' if n > 1 else ''}accuracy of {k} methods {where}, {percent(mean)}"
    )
    if n == 1:
        return [f"{lede}. From one dataset nothing can be said of others."]
    if list(best_rank) == list(first):
        lede += f", and the best average rank, {rank:.2f}"
    else:
        lede += f"; the best average rank, {rank:.2f}, is that of {listed(best_rank)}"
    if list(most_wins) != list(first) or list(best_rank) != list(first):
        lede += f"; best on most datasets, {wins}, is {listed(most_wins)}"
    sentences = [f"{lede}.", *(_sure(first[0], accuracy, pairs) if len(first) == 1 else [])]
    return [*sentences, _together(friedman(accuracy), k)]


def _sure(first: str, accuracy: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """How sure the lead of a method over each of the others is."""
    of_first = leads_of(first, pairs)
    table = of_first[of_first.other.isin(accuracy.columns)].sort_values("lead", kind="stable")
    sure = table[table.p_holm <= ALPHA]
    rest = table[~(table.p_holm <= ALPHA)]

    test = (
        f"by Wilcoxon's signed-rank test at {ALPHA:g}, corrected by Holm for all {count(len(pairs), 'pair')} of methods"
    )
    intervals = len(table) <= FEW
    what = (
        "mean leads in points of accuracy" + f", with {100 * LEVEL:g} % bootstrap intervals over datasets" * intervals
    )

    def describe(row) -> str:
        interval = f", {points(row.low)} to {points(row.high)}" if intervals and pd.notna(row.low) else ""
        return f"{row.other} ({points(row.lead)}{interval})"

    sentences = []
    if len(sure):
        sentences.append(f"It is significantly ahead of {listed(map(describe, sure.itertuples()))}, {test} ({what}).")
    if len(rest):
        told = f"It cannot be told from {listed(map(describe, rest.itertuples()))}"
        sentences.append(f"{told}." if len(sure) else f"{told}, {test} ({what}).")
        nearest = next(rest.itertuples())
        if pd.notna(nearest.ahead):
            sentences.append(
                f"Against {nearest.other}, a Bayesian signed-rank test gives {percent(nearest.ahead, 0)} to a lead of {first} of more than "
                f"{100 * ROPE:g} point, {percent(nearest.within, 0)} to no difference in practice, and {percent(nearest.behind, 0)} to a "
                f"lead of {nearest.other}."
            )
    return sentences


def _together(test: Friedman, k: int) -> str:
    """Friedman's test over all methods."""
    if pd.isna(test.p):
        return "All methods at once are not tested: Friedman's test needs three methods and two datasets."
    numbers = f"Friedman's χ² = {test.statistic:.1f} with {count(k - 1, 'degree')} of freedom, {p_value(test.p)}"
    if test.p <= ALPHA:
        return f"That all {k} methods are equal is refuted ({numbers})."
    return f"That all {k} methods are equal is not refuted ({numbers})."


def _where(accuracy: pd.DataFrame, kinds: dict[str, str]) -> list[str]:
    """Which method is ahead on which kind of data."""
    table = by_kind(accuracy, kinds)
    if len(table) < 2 or accuracy.shape[1] < 2:
        return []
    best = {}
    for kind, row in table.iterrows():
        means = row.drop("datasets").astype(float).round(12)
        tops = means.index[means == means.max()]
        best.setdefault(tops[0] if len(tops) == 1 else "several at once", []).append(f"{kind} ({int(row.datasets)})")
    parts = [f"{method} on {listed(found)}" for method, found in sorted(best.items(), key=lambda item: -len(item[1]))]
    return [f"By kind of data (and number of datasets), the highest mean accuracy is that of {'; of '.join(parts)}."]


def by_kind(accuracy: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Mean accuracy by kind of data, the kind with most datasets first, of the datasets whose kind is known."""
    known = accuracy[[name in kinds for name in accuracy.index]]
    grouped = known.groupby([kinds[name] for name in known.index])
    table = grouped.mean()
    table.insert(0, "datasets", grouped.size())
    return table.sort_values("datasets", ascending=False, kind="stable")


def leads_of(method: str, pairs: pd.DataFrame) -> pd.DataFrame:
    """The rows of `pairs` that one method is in, each seen from its side."""
    turned = pairs.assign(
        method=pairs.other, other=pairs.method, lead=-pairs.lead, low=-pairs.high, high=-pairs.low,
        wins=pairs.losses, losses=pairs.wins, ahead=pairs.behind, behind=pairs.ahead,
    )  # fmt: skip
    both = pd.concat([pairs, turned], ignore_index=True)
    return both[both.method == method].reset_index(drop=True)


def measure(accuracy: pd.DataFrame) -> pd.DataFrame:
    """The comparisons of all methods that have a result."""
    return comparisons(accuracy.dropna(axis=1, how="all"))


def listed(items) -> str:
    """Words as a list in a sentence."""
    items = [str(item) for item in items]
    return ", ".join(items[:-1]) + (" and " if len(items) > 1 else "") + items[-1] if items else ""


def count(n: int, what: str) -> str:
    """A number of things."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def percent(share: float, digits: int = 2) -> str:
    """A share in per cent."""
    return f"{100 * share:.{digits}f} %"


def points(lead: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * lead:+.1f}".replace("-", "−")


def p_value(p: float) -> str:
    """A p-value for people."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"
