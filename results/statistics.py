"""The statistics of the study: methods compared over datasets.

All take a table of test accuracies, a DataFrame of shares in [0, 1] with one row a dataset and one column a method;
NaN marks a result that is not there. Every statistic of a method is over the datasets on which it has a result,
against the methods that have one there.
"""

import numpy as np
import pandas as pd

COLUMNS = ["method", "datasets", "accuracy_mean", "accuracy_std", "p90", "p95", "pma", "friedman_rank", "wins"]


def relative(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Accuracy divided by the best on its dataset; 1 for the best itself, also where that is 0."""
    best = accuracy.max(axis=1)
    return accuracy.div(best.where(best > 0), axis=0).mask(accuracy.eq(best, axis=0), 1.0)


def share_reaching(accuracy: pd.DataFrame, share: float) -> pd.Series:
    """P90, P95: the share of datasets on which a method reaches `share` (0.9, 0.95) of the best accuracy there."""
    quotient = relative(accuracy)
    return (quotient >= share - 1e-12).sum() / quotient.notna().sum()


def pma(accuracy: pd.DataFrame) -> pd.Series:
    """Mean over datasets of accuracy / best accuracy: the proportion of the maximum accuracy."""
    return relative(accuracy).mean()


def ranks(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Rank of each method on each dataset, 1 the most accurate; methods that tie share the mean of their ranks."""
    return accuracy.rank(axis=1, ascending=False)


def wins(accuracy: pd.DataFrame) -> pd.Series:
    """Number of datasets on which a method has the best accuracy; where several tie for it, each counts."""
    return accuracy.eq(accuracy.max(axis=1), axis=0).sum()


def summary(accuracy: pd.DataFrame) -> pd.DataFrame:
    """One row a method with all statistics, by falling mean accuracy.

    The standard deviation is the sample's (n − 1).
    """
    table = pd.DataFrame(
        {
            "datasets": accuracy.notna().sum(),
            "accuracy_mean": accuracy.mean(),
            "accuracy_std": accuracy.std(ddof=1),
            "p90": share_reaching(accuracy, 0.90),
            "p95": share_reaching(accuracy, 0.95),
            "pma": pma(accuracy),
            "friedman_rank": ranks(accuracy).mean(),
            "wins": wins(accuracy),
        },
        index=accuracy.columns,
    )
    table = table.sort_values(["accuracy_mean"], ascending=False, kind="stable", na_position="last")
    return table.rename_axis("method").reset_index()[COLUMNS]


def accuracies(records) -> pd.DataFrame:
    """The table of test accuracies of a study's records: NaN where a method has no result."""
    rows = [
        (record.dataset, record.method, np.nan if record.test_accuracy is None else record.test_accuracy)
        for record in records
    ]
    table = pd.DataFrame(rows, columns=["dataset", "method", "accuracy"])
    return table.pivot(index="dataset", columns="method", values="accuracy").astype(float)
