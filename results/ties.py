"""What the choices that tied in cross-validation are worth on the test set: `python -m results.ties results/reference/ucr56`.

Reads `ties.csv`, which `python -m runners.ties` writes: one row a kernel's task. Nothing is chosen by it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from results.record import Record
from results.tables import markdown

TIES = "ties.csv"
COLUMNS = [
    "dataset", "method", "key", "tied", "refitted", "chosen", "min", "median", "max", "mean", "std", "spread", "better", "worse",
]  # fmt: skip


def row_of(record: Record, tied: int, accuracies: list[float]) -> dict:
    """A task's row: how many (setting, C) tied, how many of them could be refitted, and, of the test accuracies of these, the first
    of which is that of the study's choice, the least, median, greatest, mean, standard deviation (n) and spread (greatest − least),
    and the shares that are better and worse than the choice.
    """
    found = np.array(accuracies)
    return {
        "dataset": record.dataset,
        "method": record.method,
        "key": record.key,
        "tied": tied,
        "refitted": len(found),
        "chosen": float(found[0]),
        "min": float(found.min()),
        "median": float(np.median(found)),
        "max": float(found.max()),
        "mean": float(found.mean()),
        "std": float(found.std()),
        "spread": float(np.ptp(found)),
        "better": float(np.mean(found > found[0])),
        "worse": float(np.mean(found < found[0])),
    }


def read_ties(path: Path) -> pd.DataFrame:
    """The rows of a file of ties. Raises ValueError where it is none."""
    if not Path(path).exists():
        raise ValueError(f"there is no {path}: `python -m runners.ties` makes it from a study's records")
    try:
        rows = pd.read_csv(path, float_precision="round_trip")
    except ValueError as error:
        raise ValueError(
            f"{path} is no file of ties: {error}; remove it and run `python -m runners.ties` again"
        ) from error
    if list(rows) != COLUMNS:
        raise ValueError(
            f"{path} has other columns than {', '.join(COLUMNS)}: remove it and run `python -m runners.ties` again"
        )
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a method, over its tasks: how many had a tie, the median number tied and median and greatest spread; the mean over
    tasks of the shares of tied choices that are better and worse than the study's; and its mean accuracy as chosen, with the worst and
    the best choice everywhere, and with one at random: expectation and standard deviation, tasks being independent.
    """
    table = []
    for method, part in rows.groupby("method", sort=True):
        table.append(
            {
                "method": method,
                "tasks": len(part),
                "with_ties": int((part.tied > 1).sum()),
                "tied": part.tied.median(),
                "spread": part.spread.median(),
                "spread_max": part.spread.max(),
                "better": part.better.mean(),
                "worse": part.worse.mean(),
                "chosen": part.chosen.mean(),
                "least": part["min"].mean(),
                "most": part["max"].mean(),
                "random": part["mean"].mean(),
                "random_std": float(np.sqrt((part["std"] ** 2).sum())) / len(part),
            }
        )
    return pd.DataFrame(table)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The summary for people: per cent, spreads in points."""
    rows = list(table.itertuples())
    return pd.DataFrame(
        {
            "Method": [row.method for row in rows],
            "Tasks with ties": [f"{row.with_ties} of {row.tasks}" for row in rows],
            "Tied, median": [f"{row.tied:g}" for row in rows],
            "Spread, median": [f"{100 * row.spread:.2f}" for row in rows],
            "greatest": [f"{100 * row.spread_max:.2f}" for row in rows],
            "Better": [f"{100 * row.better:.1f}" for row in rows],
            "Worse": [f"{100 * row.worse:.1f}" for row in rows],
            "Accuracy, chosen": [f"{100 * row.chosen:.2f}" for row in rows],
            "at random": [f"{100 * row.random:.2f} ± {100 * row.random_std:.2f}" for row in rows],
            "worst to best": [f"{100 * row.least:.2f} to {100 * row.most:.2f}" for row in rows],
        }
    )


def main() -> int:
    """Print what a study's file of ties says, a row a method."""
    parser = argparse.ArgumentParser(description="Show what the choices that tied in cross-validation are worth.")
    parser.add_argument("folder", type=Path, help=f"the study's folder, which holds {TIES}")
    arguments = parser.parse_args()
    try:
        rows = read_ties(arguments.folder / TIES)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(markdown(readable(summary(rows)), f"{rows.dataset.nunique()} datasets."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
