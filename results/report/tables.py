"""The page's tables, as texts: from records and accuracies to columns and rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from results.published import HERE, beside_ours, overview, read_published, readable_overview
from results.record import Record
from results.report.findings import by_kind
from results.report.words import chosen, parameters, settings, shown, target
from results.statistics import summary
from results.tables import number, readable_summary


class Table(NamedTuple):
    """What stands above the columns, and the rows; `bold` are the (row, column) in bold."""

    columns: list[str]
    rows: list[list[str]]
    bold: frozenset = frozenset()


def headline(accuracy: pd.DataFrame, records: list[Record]) -> Table:
    """Every method over the datasets, by falling mean accuracy."""
    table = summary(accuracy)
    readable = readable_summary(table)
    seconds = {
        method: sum(r.timings.get("total", 0.0) for r in records if r.method == method) for method in table.method
    }
    readable["Time"] = [time(seconds[method]) for method in table.method]
    values = table.assign(friedman_rank=-table.friedman_rank)[
        ["accuracy_mean", "p90", "p95", "pma", "friedman_rank", "wins"]
    ].round(12)
    columns = [list(readable.columns).index(name) for name in ("Accuracy", "P90", "P95", "PMA", "Rank", "Wins")]
    bold = {
        (row, column)
        for name, column in zip(values, columns, strict=True)
        for row in values.index[values[name] == values[name].max()]
        if len(values) > 1
    }
    return table_of(readable, bold)


def time(seconds: float) -> str:
    """A time for people, a dash where none was taken."""
    if not seconds:
        return "–"
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def table_of(table: pd.DataFrame, bold: Iterable = ()) -> Table:
    """A table of texts."""
    return Table(list(table.columns), table.astype(str).to_numpy().tolist(), frozenset(bold))


def kinds_of_data(accuracy: pd.DataFrame, kinds: Mapping[str, str]) -> Table | None:
    """Mean accuracy of every method by kind of data; None where no kind is known."""
    table = by_kind(accuracy.dropna(axis=1, how="all"), kinds)
    methods = table.columns[1:]
    if table.empty or methods.empty:
        return None
    rows, bold = [], set()
    for i, (kind, row) in enumerate(table.iterrows()):
        means = row[methods].astype(float)
        rows.append([kind, str(int(row.datasets)), *(number(100 * mean) for mean in means)])
        best = means.round(12).max()
        bold |= {(i, 2 + j) for j, mean in enumerate(means.round(12)) if mean == best and len(means) > 1}
    return Table(["Kind", "Datasets", *methods], rows, frozenset(bold))


def published(names: Sequence[str]) -> pd.DataFrame:
    """What others have published on some datasets: rows of `read_published`, each with the `column` of the page's table that it is in."""
    found = pd.concat(
        table.assign(column=[f"published {method} ({path.stem})" for method in table.method])
        for path in sorted(HERE.glob("*.csv"))
        for table in [read_published(path)]
    )
    return found[found.dataset.isin(names)]


def reproduced(accuracy: pd.DataFrame, others: pd.DataFrame) -> Table | None:
    """How the study's accuracies compare with published ones of the same methods; None where there are none."""
    rows = beside_ours(accuracy, others)
    return table_of(readable_overview(overview(rows))) if len(rows) else None


METHOD_COLUMNS = [
    "Method", "Test", "CV", "Chosen", "Tied", "Settings", "Unusable", "Kernel", "Selection", "Refit", "Predict", "Total", "Memory, MiB",
    "Scale", "Asymmetry", "Smallest eigenvalue",
]  # fmt: skip


def methods_on(tasks: list[Record]) -> Table:
    """The methods on one dataset, by falling test accuracy: what was chosen, its scores, its times, and the Gram's state."""
    tasks = sorted(tasks, key=lambda task: -task.test_accuracy)

    def whole(value) -> str:
        return "–" if value is None else str(value)

    def seconds(value) -> str:
        return "–" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"

    def size(value) -> str:
        return "–" if value is None else f"{value:.3g}"

    rows = []
    for task in tasks:
        test = number(100 * task.test_accuracy) + (f" ± {100 * task.spread:.2f}" if task.spread is not None else "")
        cv = "–" if task.cv_accuracy is None else number(100 * task.cv_accuracy)
        stages = [seconds(task.timings.get(stage)) for stage in ("kernel", "selection", "refit", "predict", "total")]
        gram = [size(task.gram.get(name)) for name in ("scale", "symmetry_error", "smallest_eigenvalue")]
        counts = [whole(task.n_tied), whole(task.n_settings), whole(task.n_unusable)]
        memory = whole(task.timings.get("peak_memory_mib"))
        rows.append([task.method, test, cv, settings(chosen(task)) or "–", *counts, *stages, memory, *gram])
    best = tasks[0].test_accuracy
    return Table(METHOD_COLUMNS, rows, frozenset((i, 1) for i, task in enumerate(tasks) if task.test_accuracy == best))


def configs(records: list[Record], methods: list[str]) -> Table:
    """What each method is: what its config calls, the parameters that it fixes, and those that it searches over."""
    rows = []
    for method in methods:
        found = [record.method_config for record in records if record.method == method and record.method_config]
        if not found:
            continue
        config, asked = found[0], parameters(found[0])
        fixed = {name: value for name, value in asked.items() if not isinstance(value, list)}
        fixed |= {name: value for name, value in config.items() if name != "name" and not isinstance(value, dict)}
        searched = {name: value for name, value in asked.items() if isinstance(value, list)}
        sizes = sorted({record.n_settings for record in records if record.method == method and record.n_settings})
        size = "–".join(map(str, sizes)) or "–"
        rows.append([method, target(config), size, settings(searched) or "–", settings(fixed) or "–"])
    return Table(["Method", "Calls", "Settings", "Searched over", "Fixed"], rows)


def without_result(names: list[str], methods: list[str], records: list[Record]) -> list[dict[str, Any]]:
    """The tasks without a result: those of one dataset, status and reason together."""
    by_task = {(record.dataset, record.method): record for record in records}
    rows = {}
    for name in names:
        for method in methods:
            record = by_task.get((name, method))
            if record is None:
                what = (
                    "no record",
                    "it was not run yet, or with another grid, protocol or version of the numerical code",
                    "",
                )
            elif record.status == "ok" and record.test_accuracy is not None:
                continue
            else:
                what = (record.status, record.reason or "no reason given", record.traceback)
            rows.setdefault((name, *what), []).append(method)
    return [
        {"dataset": name, "status": status, "reason": reason, "traceback": traceback, "methods": found}
        for (name, status, reason, traceback), found in rows.items()
    ]


def distinct(parts: Iterable[dict]) -> list[dict[str, str]]:
    """The different ones of dictionaries, their values as texts."""
    return [
        dict(found)
        for found in dict.fromkeys(
            tuple((name, shown(value)) for name, value in part.items()) for part in parts if part
        )
    ]


def environments(records: list[Record]) -> dict[str, list[str]]:
    """Of machine and versions every value that is on record."""
    found = {}
    for record in records:
        for name, value in record.environment.items():
            found.setdefault(name, set()).add(str(value))
    return {name: sorted(values) for name, values in found.items()}
