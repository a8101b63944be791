"""The runs that compare: of a study, of each of its methods, and of each of its datasets.

A study's run holds what matters about it. Those of methods and datasets, few enough for one page, are there to be laid side by side: what
is one number a method is a metric of the methods' runs, and every method's accuracy on a dataset is a metric of that dataset's run.
"""

from contextlib import suppress
from pathlib import Path

import pandas as pd
from matplotlib.colors import to_hex, to_rgb

from results.comparison import compared
from results.figures import COLOURS
from results.figures.study import by_rank, drawings
from results.record import Record
from results.significance import ROPE
from results.statistics import ranks, summary
from results.store import heads
from results.sweeps import brief, count_runs, parameters, readable_runs
from results.tables import describe_coverage, describe_run, markdown, number, readable_summary
from runners.view.run import Run, digest, metric_name, picture, time_of
from runners.view.tasks import chosen, dataset_tags, describe_dataset

MAIN = ("ranks", "pairs", "relative", "cost")
COMPARED = ("lead", "wins", "ties", "losses", "p_holm")
SHOWN = 40  # runs of no study that are listed; MLflow cuts a description at 8,000 characters


def method_runs(accuracy: pd.DataFrame, records: list[Record]) -> list[Run]:
    """A run a method: its row of the summary, and `accuracy_by_dataset`, whose steps are the datasets, the hardest first."""
    hardest = (
        accuracy.dropna(how="all").assign(mean=lambda table: table.mean(axis=1)).sort_values("mean", kind="stable")
    )
    steps = hardest.drop(columns="mean").rename_axis("dataset").rename_axis(columns=None).reset_index()
    steps.insert(0, "step", range(1, len(steps) + 1))
    table = summary(accuracy).set_index("method")
    files = {"datasets.csv": steps.to_csv(index=False, lineterminator="\n").encode()}
    runs = []
    for place, method in enumerate(accuracy):
        mine = [record for record in records if record.method == method]
        single = [(name, float(value), 0) for name, value in table.loc[method].dropna().items()]
        known = steps.dropna(subset=[method])
        by_dataset = [
            ("accuracy_by_dataset", value, step) for step, value in zip(known.step, known[method], strict=True)
        ]
        tags = {"method": method, "mlflow.runColor": colour(place)}
        told = {name: brief(value) for name, value in (parameters(mine[-1]) if mine else {}).items()}
        note = describe_method(method, table, mine)
        made = digest(tags, single, by_dataset, told, note, files)
        runs.append(
            Run(
                "method", f"method {method}", method, made, tags, single + by_dataset, note, *time_of(mine), told, files
            )
        )
    return runs


def colour(place: int) -> str:
    """The colour of a method: those of the figures, and again lighter where there are more methods."""
    again, first = divmod(place, len(COLOURS))
    return to_hex([1 - (1 - part) * 0.5**again for part in to_rgb(COLOURS[first])])


def describe_method(method: str, table: pd.DataFrame, records: list[Record]) -> str:
    """A method of a study in Markdown."""
    row = table.loc[method]
    return (
        f"**{method}** over {row.datasets:.0f} datasets: mean accuracy **{number(100 * row.accuracy_mean)} %**, "
        f"average rank **{number(row.friedman_rank)}** of {len(table)}, best on {row.wins:.0f}; {len(records)} tasks.\n\n"
        "The steps of `accuracy_by_dataset` are the datasets, the hardest first: `datasets.csv` names them.\n"
    )


def dataset_runs(accuracy: pd.DataFrame, records: list[Record]) -> list[Run]:
    """A run a dataset: every method's accuracy and rank there, `accuracy/rntk` and `rank/rntk`."""
    measures = {"accuracy": accuracy, "rank": ranks(accuracy)}
    runs = []
    for name, row in accuracy.dropna(how="all").iterrows():
        mine = {record.method: record for record in records if record.dataset == name}
        methods = row.dropna().sort_values(ascending=False, kind="stable").index
        metrics = [
            (metric_name(f"{what}/{method}"), float(table.at[name, method]), 0)
            for what, table in measures.items()
            for method in methods
        ]
        first = mine[methods[0]]
        note = describe_methods([mine[method] for method in methods])
        made = digest(dataset_tags(first), metrics, note)
        runs.append(
            Run(
                "dataset",
                f"dataset {name}",
                name,
                made,
                dataset_tags(first),
                metrics,
                note,
                *time_of(mine.values()),
                data=first,
            )
        )
    return runs


def describe_methods(records: list[Record]) -> str:
    """The methods on one dataset in Markdown: accuracies in per cent, and what was chosen."""
    rows = [
        (record.method, number(100 * record.test_accuracy), number(100 * record.cv_accuracy), chosen(record))
        for record in records
    ]
    return markdown(pd.DataFrame(rows, columns=["Method", "Test", "CV", "Chosen"]), describe_dataset(records[0]))


def study_run(study: str, folder: Path, accuracy: pd.DataFrame, records: list[Record]) -> Run:
    """A study's run. Metrics: its summary, `accuracy_mean/rntk` and so on, and how the method of the best average rank compares with each
    other, `lead/rntk over rbf`. Artifacts: its tables, figures and report, and the comparison.
    """
    table, (pairs, said) = summary(accuracy), comparison(accuracy)
    metrics = [
        (metric_name(f"{name}/{method}"), float(value), 0)
        for (method, name), value in table.set_index("method").stack().dropna().items()
    ] + [
        (metric_name(f"{name}/{row['method']} over {row['other']}"), float(row[name]), 0)
        for row in pairs.to_dict("records")
        for name in COMPARED
        if pd.notna(row[name])
    ]
    note = f"{markdown(readable_summary(table), describe_coverage(accuracy))}\n{describe_run(records)}.\n"
    files = study_files(folder) | figures(accuracy, records)
    if len(pairs):
        files |= {"comparison.md": said.encode(), "comparison.csv": pairs.to_csv(index=False).encode()}
    made = study_digest(folder, accuracy, records)
    return Run("study", "study", study, made, {}, metrics, note, *time_of(records), files=files)


def comparison(accuracy: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The method of the best average rank against each other that has a result, as `results.comparison` has it."""
    best, *others = by_rank(accuracy) or [""]
    return compared(accuracy, [best], others, ROPE) if others else (pd.DataFrame(), "")


def study_digest(folder: Path, accuracy: pd.DataFrame, records: list[Record]) -> str:
    """The hash of all that a study's run is made from."""
    told = sorted((record.key, record.status, record.cv_accuracy, sorted(record.timings.items())) for record in records)
    return digest(accuracy.to_csv(), told, study_files(folder))


def figures(accuracy: pd.DataFrame, records: list[Record]) -> dict[str, bytes]:
    """The pictures of a study that answer most: `figures/ranks_nemenyi.png` and so on, those that can be drawn."""
    found = {}
    for drawing in drawings(accuracy, records, lambda record: []):
        if drawing.name.startswith(MAIN):
            with suppress(ValueError):  # of one method there is nothing to compare
                found[f"figures/{drawing.name}.png"] = picture(drawing.draw())
    return found


def loose_run(study: str, folder: Path) -> Run:
    """The run above those of no study: how many they are, and what tells them apart."""
    records = list(heads(folder))
    note, files = markdown(readable_runs(records[:SHOWN]), count_runs(records)), study_files(folder)
    return Run("study", "study", study, digest(note, files), {}, [], note, *time_of(records), files=files)


def study_files(folder: Path) -> dict[str, bytes]:
    """A study's tables, figures and report, as far as they are there."""
    paths = [path for part in ("tables", "figures", "report") for path in sorted((Path(folder) / part).rglob("*"))]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
