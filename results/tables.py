"""The tables of a study, made from its records alone: `python -m results.tables outputs/ucr56`.

`summary` and `per_dataset`, each as CSV (full precision, shares in [0, 1]), Markdown and LaTeX (per cent), under
`<folder>/tables`. Of a folder without a plan, where single tasks and sweeps leave their records, `results.sweeps` shows every
run; these two are made of it where no dataset and method has several.
"""

import argparse
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from results.captions import SUMMARY, describe_protocol
from results.integrity import telling
from results.latex import latex, marks
from results.record import Record
from results.statistics import accuracies, summary
from results.store import has_records, heads, read_plan, study_records
from results.writing import write_text

NAMES = {
    "method": "Method",
    "datasets": "Datasets",
    "accuracy_mean": "Accuracy",
    "p90": "P90",
    "p95": "P95",
    "pma": "PMA",
    "friedman_rank": "Rank",
    "wins": "Wins",
}


def write_tables(folder: Path, to: Path | None = None) -> list[Path]:
    """Write all tables of the study in `folder` (to `folder`/tables, or `to`); returns their paths.

    Raises ValueError as `study_accuracies` does.
    """
    accuracy = study_accuracies(folder)
    coverage, about = describe_coverage(accuracy), describe(folder, accuracy)
    to = Path(to or Path(folder) / "tables")

    table = summary(accuracy)
    per_dataset = accuracy.rename_axis("dataset").rename_axis(columns=None).reset_index()
    written = {
        "summary.csv": table.to_csv(index=False, lineterminator="\n"),
        "summary.md": markdown(readable_summary(table), coverage),
        "summary.tex": latex_summary(accuracy, about, "tab:summary"),
        "per_dataset.csv": per_dataset.to_csv(index=False, lineterminator="\n"),
        "per_dataset.md": markdown(readable_accuracies(accuracy), coverage),
        "per_dataset.tex": latex_accuracies(accuracy, about, "tab:per-dataset"),
    }
    for name, text in written.items():
        write_text(to / name, text)
    return [to / name for name in written]


def study_accuracies(folder: Path) -> pd.DataFrame:
    """Test accuracies of the study in `folder`, a row a dataset and a column a method, as its plan lists them.

    Raises ValueError where there are no records, or several of a dataset and method and no plan that says which one counts.
    """
    records, plan = study_records(folder), read_plan(folder)
    if not records:
        raise ValueError(
            f"{folder} holds no records: run the study first, or name a folder that has `records/*.json` or `records.zip`"
        )
    if not plan and has_repeats(heads(folder)):
        raise ValueError(
            f"{folder} has several runs of one dataset and method, and no plan that says which of them counts: "
            f"`python -m results.tables {folder}` lists them all"
        )
    accuracy = accuracies(records)
    names, methods = plan.get("datasets") or list(accuracy.index), plan.get("methods") or list(accuracy)
    return accuracy.reindex(index=sorted(names), columns=methods)


def has_repeats(records: Iterable[Record]) -> bool:
    """Whether several records are of one dataset and method."""
    found = [(record.dataset, record.method) for record in records]
    return len(set(found)) < len(found)


def describe_coverage(accuracy: pd.DataFrame) -> str:
    """How many of the datasets the tables cover, and which results are not there."""
    complete = int(accuracy.notna().all(axis=1).sum())
    text = f"{int(accuracy.notna().any(axis=1).sum())} of {len(accuracy)} datasets"
    if complete == len(accuracy):
        return text + "."
    holes = []
    for name, row in accuracy[accuracy.isna().any(axis=1)].iterrows():
        methods = row.index[row.isna()]
        which = ", ".join(methods) if len(methods) <= 3 else f"{len(methods)} methods"
        holes.append(f"{name} ({which})" if row.notna().any() else name)
    more = f"; and {len(holes) - 12} more" if len(holes) > 12 else ""
    return f"{text}; {complete} have a result of every method. Not there: {'; '.join(holes[:12])}{more}."


def describe(folder: Path, accuracy: pd.DataFrame) -> str:
    """What a caption says of the tables of the study in `folder`: their coverage and the protocol."""
    return f"{describe_coverage(accuracy)} {describe_protocol(study_records(folder))}"


def describe_run(records: list[Record]) -> str:
    """When, where and for how long the records of a study were computed."""
    computed = [record for record in records if {"total", "finished", "peak_memory_mib"} <= {*record.timings}]
    if not computed:
        return "no task was run"
    ends = [datetime.fromisoformat(record.timings["finished"]) for record in computed]
    begin = min(end - timedelta(seconds=record.timings["total"]) for end, record in zip(ends, computed, strict=True))
    work = sum(record.timings["total"] for record in computed)
    where = ", ".join(
        sorted(
            {
                "{}, Python {}".format(*(record.environment.get(of, "?") for of in ("processor", "python")))
                for record in computed
            }
        )
    )
    peak = max(record.timings["peak_memory_mib"] for record in computed)
    return (
        f"{len(computed)} tasks on {max(ends):%Y-%m-%d} ({where}): {work / 60:.0f} min of work in "
        f"{(max(ends) - begin).total_seconds() / 60:.0f} min, at most {peak} MiB a process"
    )


def readable_summary(table: pd.DataFrame) -> pd.DataFrame:
    """The summary for people: per cent, mean ± standard deviation."""
    readable = table.copy().astype(object)
    means, deviations = table.accuracy_mean, table.accuracy_std
    readable["accuracy_mean"] = [
        number(100 * mean) + ("" if pd.isna(deviation) else f" ± {100 * deviation:.2f}")
        for mean, deviation in zip(means, deviations, strict=True)
    ]
    for column in ("p90", "p95", "pma"):
        readable[column] = [number(100 * value, 1) for value in table[column]]
    readable["friedman_rank"] = [number(value) for value in table.friedman_rank]
    return readable[list(NAMES)].rename(columns=NAMES)


def number(value: float, digits: int = 2) -> str:
    """A number for people, a dash where there is none."""
    return "–" if pd.isna(value) else f"{value:.{digits}f}"


def readable_accuracies(accuracy: pd.DataFrame, star: str = "*") -> pd.DataFrame:
    """Accuracies in per cent, the best of each dataset marked with a star, a dash where there is none."""
    rows = []
    for name, row in accuracy.iterrows():
        cells = {method: number(100 * value) + (star if value == row.max() else "") for method, value in row.items()}
        rows.append({"Dataset": name, **cells})
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, coverage: str) -> str:
    """A table in Markdown, with its coverage below."""
    lines = [list(table.columns), ["---"] + ["---:"] * (table.shape[1] - 1), *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{coverage}\n"


def latex_summary(accuracy: pd.DataFrame, about: str, label: str) -> str:
    """The summary in LaTeX: the best of each column bold, the second underlined. `about` begins its caption."""
    table = readable_summary(summary(accuracy)).astype(str)
    ranked = [name for column, name in NAMES.items() if column not in ("method", "datasets")]
    return latex(table, f"{about} {SUMMARY}", label, marks(table[ranked], lowest=[NAMES["friedman_rank"]]))


def latex_accuracies(accuracy: pd.DataFrame, about: str, label: str) -> str:
    """Accuracies in LaTeX, the best of each dataset bold, the second underlined: a row a dataset, or, of more methods than datasets,
    a row a method. `about` begins the caption.
    """
    table = readable_accuracies(accuracy, star="").set_index("Dataset")
    marked = marks(table.T).T
    if table.shape[1] > len(table):
        table, marked = table.T.rename_axis("Method"), marked.T
    caption = f"{about} Test accuracy in per cent; of each dataset the best bold, the second underlined."
    return latex(table.rename_axis(columns=None).reset_index(), caption, label, marked, long=True)


def show_study(folder: Path, to: Path) -> str:
    """Write tables and figure of a study; returns what is printed."""
    from results.overview import write_overview  # which asks this module for what the tables show

    written = write_tables(folder, to)
    figure = write_overview(folder, to.with_name("figures"))[-1]
    run = describe_run(study_records(folder))
    return f"{written[1].read_text()}\n{run}\nmade from the records in {folder}; tables in {to}, figure {figure}"


def remove_study(to: Path) -> None:
    """Remove the tables of a study, and its figure: there are runs now that they would not show."""
    tables = [to / f"{name}.{ending}" for name in ("summary", "per_dataset") for ending in ("csv", "md", "tex")]
    for old in (*tables, *(to.with_name("figures") / f"overview.{ending}" for ending in ("pdf", "svg", "png"))):
        old.unlink(missing_ok=True)


@telling
def main() -> int:
    """Make the tables, and the figures, of the first of the folders named on the command line that has records."""
    from results.sweep_figures import show_runs  # these use this module's Markdown and LaTeX
    from results.sweeps import describe_faults

    parser = argparse.ArgumentParser(description="Make a study's tables and figure from its records.")
    parser.add_argument(
        "folders",
        type=Path,
        nargs="+",
        help="studies' folders, which have records/*.json or records.zip: the first that has any record is taken",
    )
    parser.add_argument(
        "--to",
        type=Path,
        help="where to write the tables, with `figures` beside it (default: that folder's own `tables`)",
    )
    arguments = parser.parse_args()
    try:
        folder = next(filter(has_records, arguments.folders), arguments.folders[0])
        to = arguments.to or folder / "tables"
        runs = [] if read_plan(folder) else list(heads(folder))
        shown = [show_runs(runs, to)] if runs else []
        if has_repeats(runs):
            remove_study(to)
            shown.append(f"{describe_run(runs)}\nmade from the records in {folder}")
        else:
            shown.append(show_study(folder, to))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n\n".join(shown))
    for fault in describe_faults(runs):
        print(fault, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
