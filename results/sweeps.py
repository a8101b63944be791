"""Runs side by side that no plan joins into a study, a sweep above all: one row a run, one column a parameter that differs.

`runs`, as CSV (full precision, whole grids, reasons), Markdown and LaTeX (per cent, grids in brief).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from results.captions import describe_protocol
from results.latex import latex
from results.record import STATUSES, Record
from results.tables import markdown, number
from results.writing import write_text

NOT_SET = "not set"
COLUMNS = ("dataset", "method", "cv_accuracy", "test_accuracy", "status", "seconds", "reason", "key")
TAKEN = {*COLUMNS, "study", "kind"}  # names that mean something else wherever parameters are shown
WHOLE = 3  # values of a list that is shown whole


def parameters(record: Record) -> dict[str, Any]:
    """What a record's task was told, by the names of the command line without `method.kernel.` (or `network`, `classifier`):
    `sigma_w`, `method.lengths`, `protocol.folds`; in full where a short name is TAKEN. A list is a grid. What is null is not there.
    """
    told = flat({"method": record.method_config, "protocol": record.protocol})
    return {_short(name): value for name, value in told if name != "method.name"}


def flat(tree: dict, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested dictionaries that are not None, their names joined by dots."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", value


def _short(name: str) -> str:
    short = re.sub(r"^method\.(kernel|network|classifier)\.", "", name)
    return name if short in TAKEN else short


def differing(records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """By key, the parameters of each record that tell it from others: of all those that differ among the runs of one method, the
    ones that this record's method has. NOT_SET is one that others of the method set.

    Methods differ by their names; that one has parameters that another lacks is no difference. Records that are told apart by
    nothing, as the code or the files of the dataset have changed between them, have the beginning of their `key` there too.
    """
    told = {r.key: (r, parameters(r)) for r in sorted(records, key=lambda record: (record.method, record.key))}
    own = {
        method: counts([values for record, values in told.values() if record.method == method])
        for method in dict.fromkeys(record.method for record, _ in told.values())
    }
    swept = dict.fromkeys(name for of_method in own.values() for name, count in of_method.items() if count > 1)
    found = {
        key: {n: values.get(n, NOT_SET) for n in swept if n in values or n in own[record.method]}
        for key, (record, values) in told.items()
    }
    looks = {
        key: (record.dataset, record.method, exact(list(found[key].values()))) for key, (record, _) in told.items()
    }
    alike = Counter(looks.values())
    return {key: values | ({"key": key[:10]} if alike[looks[key]] > 1 else {}) for key, values in found.items()}


def counts(values: list[dict[str, Any]]) -> dict[str, int]:
    """How many values each parameter has among several runs; where some do not set it, that is one."""
    names = dict.fromkeys(name for run in values for name in run)
    return {name: len({exact(run.get(name, NOT_SET)) for run in values}) for name in names}


def readable(swept: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The same for people: numbers to six digits and grids as `[1.34 … 1.47] (15)`, but in full where two that differ would look alike."""
    meant: dict[tuple[str, str], set[str]] = {}
    for values in swept.values():
        for name, value in values.items():
            meant.setdefault((name, brief(value)), set()).add(exact(value))
    return {
        key: {n: brief(value) if len(meant[n, brief(value)]) == 1 else exact(value) for n, value in values.items()}
        for key, values in swept.items()
    }


def exact(value: Any) -> str:
    """A value as text that no other value has; 1 and 1.0 are the same number, as they are in a task's key."""
    if isinstance(value, list):
        return f"[{', '.join(map(exact, value))}]"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def brief(value: Any) -> str:
    """A value for people."""
    if not isinstance(value, list):
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    if len(value) <= WHOLE:
        return f"[{', '.join(map(brief, value))}]"
    return f"[{brief(value[0])} … {brief(value[-1])}] ({len(value)})"


def is_number(value: Any) -> bool:
    """Whether a value has a place on an axis."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def order(value: Any) -> tuple:
    """What values are sorted by: numbers first, by size, then text."""
    return (0, value, "") if is_number(value) else (1, 0, exact(value))


def ordered(records: Iterable[Record]) -> list[Record]:
    """Records by dataset, method, and the values that differ; of several with one key the last."""
    unique = {record.key: record for record in records}
    swept = differing(unique.values())
    names = _columns(swept)

    def place(record: Record) -> tuple:
        return record.dataset, record.method, [order(swept[record.key].get(name, "")) for name in names]

    return sorted(unique.values(), key=place)


def runs(records: Iterable[Record]) -> pd.DataFrame:
    """One row a run, in full: dataset, method, the parameters that differ, scores as shares in [0, 1], status, and the key."""
    rows = ordered(records)
    swept = differing(rows)
    return pd.DataFrame(
        [
            {
                "dataset": record.dataset,
                "method": record.method,
                **{name: exact(swept[record.key].get(name, "")) for name in _columns(swept) if name != "key"},
                "cv_accuracy": record.cv_accuracy,
                "test_accuracy": record.test_accuracy,
                "status": record.status,
                "seconds": record.timings.get("total"),
                "reason": record.reason,
                "key": record.key,
            }
            for record in rows
        ]
    )


def readable_runs(records: Iterable[Record]) -> pd.DataFrame:
    """The same for people: per cent, values in brief, a dash where there is no score."""
    rows = ordered(records)
    swept = readable(differing(rows))
    return pd.DataFrame(
        [
            {
                "Dataset": record.dataset,
                "Method": record.method,
                **{name: swept[record.key].get(name, "") for name in _columns(swept)},
                "CV": number(_per_cent(record.cv_accuracy)),
                "Test": number(_per_cent(record.test_accuracy)),
                "Status": record.status,
                "Seconds": number(record.timings.get("total"), 1),
            }
            for record in rows
        ]
    )


def _columns(swept: dict[str, dict]) -> list[str]:
    names = dict.fromkeys(name for values in swept.values() for name in values)
    return sorted(names, key=lambda name: (name == "key", name.startswith("protocol."), name.startswith("method.")))


def _per_cent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def count_runs(records: Iterable[Record]) -> str:
    """How many runs there are, and how they ended."""
    ended = Counter({record.key: record.status for record in records}.values())
    parts = ", ".join(f"{ended[status]} {status}" for status in STATUSES if status in ended)
    return f"{several(ended.total(), 'run')}: {parts}."


def several(count: int, noun: str) -> str:
    """1 run, 2 runs."""
    return f"{count} {noun}{'s' * (count != 1)}"


def describe_faults(records: Iterable[Record]) -> list[str]:
    """Why there is no result, a line a run that has none."""
    rows = ordered(records)
    swept = readable(differing(rows))
    return [
        f"{title(record, swept[record.key])}: {record.status}: {record.reason}"
        for record in rows
        if record.status != "ok"
    ]


def title(record: Record, values: Mapping[str, str]) -> str:
    """A run in a few words: dataset, method, and its values that tell it from others (`readable`)."""
    return " ".join([record.dataset, record.method, *(f"{name}={text}" for name, text in values.items())])


def write_runs(records: Iterable[Record], to: Path) -> list[Path]:
    """Write the table of runs under `to`; returns its paths."""
    records = list(records)
    table, caption = readable_runs(records), f"{count_runs(records)} Accuracies in per cent."
    written = {
        "runs.csv": runs(records).to_csv(index=False, lineterminator="\n"),
        "runs.md": markdown(table, caption),
        "runs.tex": latex(table, f"{caption} {describe_protocol(records)}", "tab:runs", long=True),
    }
    for name, text in written.items():
        write_text(Path(to) / name, text)
    return [Path(to) / name for name in written]
