"""Methods against each other over the datasets of a study: `python -m results.comparison results/reference/family --against rbf`.

For each pair the mean lead in accuracy, the datasets won, tied and lost, and the p-value of Wilcoxon's signed-rank test:
two-sided, ties of accuracy left out (`zero_method="wilcox"`), without a correction for continuity, exact for up to 50 datasets
without ties among the leads and by the normal distribution otherwise; and the same p-value times the number of comparisons in
the table (Bonferroni).
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from scipy.stats import wilcoxon

from results.tables import markdown, study_accuracies


class Comparison(NamedTuple):
    """One method against another over the datasets on which both have a result: `lead` is the mean difference in accuracy."""

    method: str
    other: str
    lead: float
    wins: int
    ties: int
    losses: int
    p: float


def compare(accuracy: pd.DataFrame, method: str, other: str) -> Comparison:
    """Two columns of a table of accuracies. p is 1 where the methods never differ."""
    lead = (
        (accuracy[method] - accuracy[other]).dropna().round(12)
    )  # equal but for rounding is equal, and shares its rank
    p = float(wilcoxon(lead).pvalue) if (lead != 0).any() else 1.0
    counts = (int(count) for count in ((lead > 0).sum(), (lead == 0).sum(), (lead < 0).sum()))
    return Comparison(method, other, float(lead.mean()), *counts, p)


def comparisons(accuracy: pd.DataFrame, methods: list[str], others: list[str]) -> pd.DataFrame:
    """One row a pair of different methods, each pair once, with `p_corrected`: p times the number of rows, 1 at the most."""
    pairs = []
    for method in methods:
        for other in others:
            if method != other and (other, method) not in pairs:
                pairs.append((method, other))
    table = pd.DataFrame([compare(accuracy, *pair) for pair in pairs], columns=Comparison._fields)
    return table.assign(p_corrected=(table.p * len(table)).clip(upper=1))


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table for people: leads in points of per cent."""
    return pd.DataFrame(
        {
            "Method": table.method,
            "Against": table.other,
            "Lead": [f"{100 * lead:+.2f}" for lead in table.lead],
            "Won–tied–lost": [f"{row.wins}–{row.ties}–{row.losses}" for row in table.itertuples()],
            "p": [f"{p:.2g}" for p in table.p],
            "p, corrected": [f"{p:.2g}" for p in table.p_corrected],
        }
    )


def main() -> int:
    """Print the comparisons of a study's methods, each against each, or some against others."""
    parser = argparse.ArgumentParser(description="Compare the methods of a study over its datasets.")
    parser.add_argument("folder", type=Path, help="the study's folder")
    parser.add_argument("--of", nargs="+", metavar="METHOD", help="the methods to compare (default: all)")
    parser.add_argument("--against", nargs="+", metavar="METHOD", help="with these (default: with each other)")
    arguments = parser.parse_args()
    try:
        accuracy = study_accuracies(arguments.folder)
        for name in (*(arguments.of or ()), *(arguments.against or ())):
            if name not in accuracy:
                raise ValueError(f"{arguments.folder} has no method {name!r}: it has {', '.join(accuracy)}")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    others = arguments.against or list(accuracy)
    methods = arguments.of or [name for name in accuracy if name not in (arguments.against or ())]
    table = comparisons(accuracy, methods, others)
    count = (
        f"{len(accuracy.dropna())} of {len(accuracy)} datasets have a result of every method; {len(table)} comparisons."
    )
    print(markdown(readable(table), count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
