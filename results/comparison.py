"""Methods against each other over the datasets of a study: `python -m results.comparison results/reference/family --against rbf`.

Prints in Markdown a row a pair: the mean lead in accuracy and its interval, the datasets won, tied and lost, p-values and posterior
probabilities, as `results.significance` defines them. Where each method is compared with each, it adds their average ranks, the tests
of Friedman and Nemenyi, and the methods that cannot be told apart. Below stands how all this was computed, and what could not be.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from results import significance
from results.integrity import telling
from results.significance import ALPHA, Friedman, Posterior, cliques, comparisons, friedman, nemenyi, square
from results.tables import describe_coverage, markdown, number, study_accuracies
from results.writing import write_text

FEWEST = 6  # datasets that differ: with five the smallest two-sided p of the signed-rank test, 2 / 2⁵, is above ALPHA


def compared(accuracy: pd.DataFrame, methods: list[str], others: list[str], rope: float) -> tuple[pd.DataFrame, str]:
    """The table of pairs, with `p_nemenyi` where each method is compared with each, and all that is to be said of it."""
    table = comparisons(accuracy, methods, others, rope)
    chosen = accuracy[[name for name in accuracy if name in {*methods, *others}]]
    k = len(chosen.columns)
    overall = friedman(chosen) if k > 2 and len(table) == k * (k - 1) / 2 else None
    if overall and overall.datasets > 1:
        p = nemenyi(chosen)
        table["p_nemenyi"] = [p.loc[row.method, row.other] for row in table.itertuples()]
    parts = [
        markdown(readable(table), f"{len(table)} comparisons. {describe_coverage(chosen)}"),
        at_once(table, overall) if "p_nemenyi" in table else "",
        listed("How this was computed", options(table, rope)),
        listed("What could not be said, or says little", unsaid(chosen, table, overall)),
    ]
    return table, "\n".join(part for part in parts if part)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table of pairs for people: leads in points of per cent, a dash where there is no number."""

    def texts(column: str, form: str, scale: float = 1) -> list[str]:
        return ["–" if pd.isna(value) else format(scale * value, form) for value in table[column]]

    ends = zip(texts("low", "+.2f", 100), texts("high", "+.2f", 100), strict=True)
    columns = {
        "Method": table.method,
        "Against": table.other,
        "Datasets": table.datasets,
        "Lead": texts("lead", "+.2f", 100),
        f"{100 * significance.LEVEL:g} % interval": ["–" if low == "–" else f"{low} to {high}" for low, high in ends],
        "Won–tied–lost": [f"{row.wins}–{row.ties}–{row.losses}" for row in table.itertuples()],
        "p": texts("p", ".2g"),
        "p, Holm": texts("p_holm", ".2g"),
    }
    if "p_nemenyi" in table:
        columns["p, Nemenyi"] = texts("p_nemenyi", ".2g")
    return pd.DataFrame(columns | {name.capitalize(): texts(name, ".3f") for name in Posterior._fields})


def at_once(table: pd.DataFrame, overall: Friedman) -> str:
    """Average ranks, Friedman's test and the groups that cannot be told apart."""
    n, k = overall.datasets, len(overall.ranks)
    ranks = pd.DataFrame({"Method": overall.ranks.index, "Average rank": [number(rank) for rank in overall.ranks]})
    said = [f"Average ranks on the {n} datasets with a result of every method."]
    if not pd.isna(overall.p):
        said.append(
            f"Friedman: χ² = {overall.statistic:.2f} ({k - 1} degrees of freedom), p = {overall.p:.2g}; "
            f"F = {overall.F:.2f} ({k - 1} and {(k - 1) * (n - 1)}), p = {overall.p_F:.2g}."
        )
    said.append(
        f"Nemenyi: critical difference of average ranks {significance.critical_difference(n, k):.2f} at α = {ALPHA}."
    )
    for test, column in (("Nemenyi", "p_nemenyi"), ("Wilcoxon with Holm's correction", "p_holm")):
        groups = [", ".join(group) for group in cliques(overall.ranks, square(table, column))]
        said.append(f"Not told apart by {test} at α = {ALPHA}: {'; '.join(groups) or 'no neighbours by rank'}.")
    return markdown(ranks, "\n\n".join(said))


def options(table: pd.DataFrame, rope: float) -> list[str]:
    """Every choice that the numbers depend on."""
    level, points = f"{100 * significance.LEVEL:g} %", f"{100 * rope:g}"
    said = [
        "Lead: mean difference in test accuracy over the datasets on which both have a result, in points of per cent; "
        "equal to 12 digits is equal.",
        f"{level} interval: of the mean lead, for one pair; bootstrap over datasets, bias-corrected and accelerated (BCa), "
        f"{significance.RESAMPLES:,} resamples, seed {significance.SEED}.",
        "p: Wilcoxon's signed-rank test, two-sided; datasets without a lead left out; no correction for continuity; exact for up to "
        "50 leads of different sizes or 13 of any, by the normal distribution otherwise.",
        f"p, Holm: p corrected for the {table.p.notna().sum()} comparisons of the table.",
        f"Ahead, within, behind: Bayesian signed-rank test, for one pair; the probabilities that a lead is mostly above {points}, "
        f"mostly within ±{points} or mostly below −{points} points (the region of practical equivalence); prior: a Dirichlet process "
        f"of strength {significance.PRIOR} at no lead; {significance.SAMPLES:,} samples, seed {significance.SEED}.",
    ]
    if "p_nemenyi" in table:
        said += [
            "Friedman: χ² corrected for ties, and F of Iman and Davenport.",
            "p, Nemenyi: two-sided, from average ranks, corrected for all pairs by the studentised range.",
            "Groups that are not told apart: methods that follow each other by average rank, no two of which differ by "
            f"p ≤ {ALPHA}.",
        ]
    return said


def unsaid(accuracy: pd.DataFrame, table: pd.DataFrame, overall: Friedman | None) -> list[str]:
    """Which numbers are not there, or say little, and why."""
    differ = table.wins + table.losses
    reasons = {
        "no dataset has a result of both": table.datasets == 0,
        "never differ: nothing to test, and no interval": (table.datasets > 0) & (differ == 0),
        f"differ on fewer than {FEWEST} datasets, where no two-sided signed-rank test can give p ≤ {ALPHA}": (
            differ > 0
        )
        & (differ < FEWEST),
        "no interval from one dataset": table.datasets == 1,
        "no interval from leads that are all equal": (table.datasets > 1) & (differ > 0) & table.low.isna(),
    }
    said = [
        f"{enumerated([f'{row.method} and {row.other}' for row in table[rows].itertuples()])}: {reason}."
        for reason, rows in reasons.items()
        if rows.any()
    ]
    if table.empty:
        said.append("There is no pair of methods to compare.")
    if overall is None:
        said.append("Friedman and Nemenyi: these tests are for three methods or more, each compared with each.")
    elif overall.datasets < 2:
        counts = accuracy.notna().sum()
        fewest = ", ".join(f"{name} ({count})" for name, count in counts[counts == counts.min()].items())
        said.append(
            f"Friedman and Nemenyi: the tests take two datasets with a result of every method, and there are {overall.datasets}. "
            f"Fewest results: {fewest}. Name the others in --of and in --against to test them."
        )
    elif pd.isna(overall.p):
        said.append(
            f"Friedman: on the {overall.datasets} datasets with a result of every method no two methods differ."
        )
    elif overall.datasets <= 10 or len(overall.ranks) <= 5:
        said.append(
            f"Friedman and Nemenyi: p is from distributions for many datasets and methods, more than 10 and more than 5; here are "
            f"{overall.datasets} and {len(overall.ranks)}."
        )
    return said


def enumerated(names: list[str], most: int = 6) -> str:
    """The first names, and how many more there are."""
    return "; ".join(names[:most]) + (f"; and {len(names) - most} more" if len(names) > most else "")


def listed(title: str, items: list[str]) -> str:
    """A list in Markdown below a title; nothing without items."""
    return f"{title}:\n\n" + "".join(f"- {item}\n" for item in items) if items else ""


@telling
def main() -> int:
    """Print the comparisons of a study's methods, each with each, or some with others."""
    parser = argparse.ArgumentParser(description="Compare the methods of a study over its datasets.")
    parser.add_argument("folder", type=Path, help="the study's folder")
    parser.add_argument("--of", nargs="+", metavar="METHOD", help="the methods to compare (default: all)")
    parser.add_argument("--against", nargs="+", metavar="METHOD", help="with these (default: with each other)")
    parser.add_argument(
        "--rope", type=float, default=100 * significance.ROPE, metavar="POINTS",
        help="leads of up to so many points are equal in practice (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the pairs there, too, in full precision")
    arguments = parser.parse_args()
    try:
        accuracy = study_accuracies(arguments.folder)
        for name in (*(arguments.of or ()), *(arguments.against or ())):
            if name not in accuracy:
                raise ValueError(f"{arguments.folder} has no method {name!r}: it has {', '.join(accuracy)}")
        others = arguments.against or list(accuracy)
        methods = arguments.of or [name for name in accuracy if name not in (arguments.against or ())]
        table, text = compared(accuracy, methods, others, arguments.rope / 100)
        if arguments.csv:
            write_text(arguments.csv, table.to_csv(index=False, lineterminator="\n"))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
