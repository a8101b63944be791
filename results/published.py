"""What others have published beside a study's own accuracies: `python -m results.published results/reference/context`.

`results/published/*.csv` holds the figures, each file with its source; its README.md says what the columns are.
"""

import argparse
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from results.integrity import telling
from results.tables import markdown, study_accuracies
from results.writing import write_text

HERE = Path(__file__).with_suffix("")
COLUMNS = ["dataset", "method", "accuracy"]
REPRODUCED, DIFFERS = "reproduced", "differs"


def read_published(path: Path) -> pd.DataFrame:
    """The figures of one file: dataset, method, `published`, a share in [0, 1], its `tolerance`, and the `source`.

    The tolerance is half a unit of the last digit and, of a method with chance in it, 2 · std · √(1 + 1/runs) more: two standard
    deviations of the difference of one run and the mean of `runs`.

    Raises ValueError naming the file, and the row, where a column or the source is not there, a dataset and method come twice, or a
    number is none.
    """
    text = Path(path).read_text(encoding="utf-8")
    notes = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    sources = [note.removeprefix("source:").strip() for note in notes if note.startswith("source:")]
    if not any(sources):
        raise ValueError(
            f"{path} names no source: begin it with a line `# source: …` that says where its figures stand"
        )
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    table = pd.read_csv(StringIO(lines), dtype=str, keep_default_na=False)
    absent = [column for column in COLUMNS if column not in table]
    if absent:
        raise ValueError(
            f"{path} has no column {absent[0]!r}: it needs {', '.join(COLUMNS)}, and may have std and runs"
        )
    repeated = table[table.duplicated(["dataset", "method"])]
    if len(repeated):
        raise ValueError(f"{path} has {repeated.dataset.iloc[0]} {repeated.method.iloc[0]} twice: keep one of them")

    def numbers(column: str, default: float, low: float, high: float) -> pd.Series:
        given = table[column] if column in table else pd.Series("", table.index)
        found = pd.to_numeric(given.mask(given == "", str(default)), errors="coerce")
        for row in table[~found.between(low, high)].index:
            raise ValueError(
                f"{path}: {table.dataset[row]} {table.method[row]} has {column}={given[row]!r}: a number from {low:g} to {high:g} is needed"
            )
        return found

    accuracy = numbers("accuracy", np.nan, 0, 1)
    spread = numbers("std", 0, 0, 1) * np.sqrt(1 + 1 / numbers("runs", 1, 1, np.inf))
    return pd.DataFrame(
        {
            "dataset": table.dataset,
            "method": table.method,
            "published": accuracy,
            "tolerance": table.accuracy.map(last_digit) / 2 + 2 * spread,
            "source": next(filter(None, sources)),
        }
    )


def last_digit(number: str) -> float:
    """One unit of the last digit of a number as it is written: 0.01 of "0.90"."""
    return 10.0 ** -len(number.partition(".")[2])


def beside_ours(accuracy: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """The published figures of which a study has a result, with `ours`, the `difference` ours − published, and a `verdict`.

    accuracy: a row a dataset and a column a method (`results.tables.study_accuracies`). published: of `read_published`, one file or
    several.
    """
    ours = accuracy.rename_axis(index="dataset", columns="method").stack().rename("ours").dropna().reset_index()
    rows = published.merge(ours, on=["dataset", "method"]).sort_values(
        ["method", "source", "dataset"], ignore_index=True
    )
    rows["difference"] = rows.ours - rows.published
    # digits that round to the published ones are those: a rounding error must not decide
    same = rows.difference.abs() <= rows.tolerance + 1e-9
    return rows.assign(verdict=np.where(same, REPRODUCED, DIFFERS))[
        ["dataset", "method", "published", "ours", "difference", "tolerance", "verdict", "source"]
    ]


def overview(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a method and source: on how many datasets it was compared and reproduced, and how large the differences are.

    `mean` is the mean difference, ours − published, `median_size` and `largest` are of its size, and `at` is where it is largest.
    """
    found = []
    for (method, source), part in rows.groupby(["method", "source"], sort=True):
        size = part.difference.abs()
        found.append(
            {
                "method": method,
                "datasets": len(part),
                "reproduced": int((part.verdict == REPRODUCED).sum()),
                "mean": part.difference.mean(),
                "median_size": size.median(),
                "largest": size.max(),
                "at": part.dataset[size.idxmax()],
                "source": source,
            }
        )
    columns = ["method", "datasets", "reproduced", "mean", "median_size", "largest", "at", "source"]
    return pd.DataFrame(found, columns=columns)


def readable_overview(table: pd.DataFrame) -> pd.DataFrame:
    """The overview for people: differences in points of per cent."""
    return pd.DataFrame(
        {
            "Method": table.method,
            "Datasets": table.datasets,
            "Reproduced": table.reproduced,
            "Mean difference": [f"{100 * value:+.2f}" for value in table["mean"]],
            "Median size": [f"{100 * value:.2f}" for value in table.median_size],
            "Largest": [
                f"{100 * row.largest:.2f}" + (f" ({row.at})" if row.largest > 5e-5 else "")
                for row in table.itertuples()
            ],
        }
    )


def readable_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The figures for people: per cent, differences and tolerances in points."""
    return pd.DataFrame(
        {
            "Dataset": rows.dataset,
            "Method": rows.method,
            "Published": [f"{100 * value:.2f}" for value in rows.published],
            "Ours": [f"{100 * value:.2f}" for value in rows.ours],
            "Difference": [f"{100 * value:+.2f}" for value in rows.difference],
            "Tolerance": [f"{100 * value:.2g}" for value in rows.tolerance],
            "Verdict": rows.verdict,
        }
    )


@telling
def main() -> int:
    """Print how a study's accuracies compare with published ones, and each that differs."""
    parser = argparse.ArgumentParser(description="Compare a study's accuracies with published ones.")
    parser.add_argument("folder", type=Path, help="the study's folder")
    parser.add_argument(
        "--from",
        dest="files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="files of published figures (default: all in results/published)",
    )
    parser.add_argument("--all", action="store_true", help="print the figures that are reproduced, too")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all figures there, in full precision")
    arguments = parser.parse_args()
    try:
        files = arguments.files or sorted(HERE.glob("*.csv"))
        rows = beside_ours(study_accuracies(arguments.folder), pd.concat(map(read_published, files)))
        if arguments.csv:
            write_text(arguments.csv, rows.to_csv(index=False, lineterminator="\n"))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if rows.empty:
        print(f"nothing published is at hand of what {arguments.folder} holds: {len(files)} files looked at")
        return 0
    shown = rows if arguments.all else rows[rows.verdict == DIFFERS]
    if len(shown):
        print(markdown(readable_rows(shown), f"{len(shown)} of {len(rows)} published figures."))
    table = overview(rows)
    sources = [f"- {', '.join(part.method)}: {source}" for source, part in table.groupby("source", sort=False)]
    print(markdown(readable_overview(table), "\n".join(["Sources:", *sources])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
