"""The run of a task: its record as params, metrics, description and artifacts."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType

from datasets import catalogue
from results import store
from results.figures.study import cells_of, chosen_cell, has_grid
from results.record import Record
from results.shaded import confusion, shaded_confusion, shaded_grid
from results.sweeps import brief, parameters, title
from results.tables import number
from runners.view.run import Run, digest, metric_name, time_of

LONGEST = 6000  # characters of a traceback; MLflow cuts a description at 8,000


def task_digest(record: Record, folder: Path) -> str:
    """The hash of a record's files."""
    return digest(sorted(store.read_files(folder, record).items()) or record)


def task_run(record: Record, folder: Path, swept: Mapping[str, str] = MappingProxyType({})) -> Run:
    """The run of a record in `folder`; `swept` is what tells it from other runs of no study (`results.sweeps.readable`)."""
    begin, end = time_of([record])
    told = {name: brief(value) if isinstance(value, list) else value for name, value in parameters(record).items()}
    return Run(
        kind="task",
        key=record.key,
        name=title(record, swept),
        digest=task_digest(record, folder),
        tags={**swept, **dataset_tags(record), "method": record.method, **state_tags(record)},
        metrics=metrics(record, folder),
        note=describe_task(record),
        begin=begin,
        end=end,
        params={**told, "dataset": record.dataset, "method": record.method, **record.selected},
        files=files(record, folder),
        ok=record.status == "ok",
        data=record,
    )


def dataset_tags(record: Record) -> dict[str, str]:
    """What a record's dataset is: its name, the archive's type, and the hash of its files."""
    entry = catalogue().get(record.dataset)
    kind = {"dataset_type": entry.type} if entry else {}
    return {"dataset": record.dataset, **kind, "dataset_sha256": record.dataset_sha256}


def state_tags(record: Record) -> dict[str, str]:
    """How a task ended, why, and with which commit of the code."""
    tags = {"status": record.status, "reason": record.reason[:500], "commit": record.environment.get("commit", "")}
    return {name: text for name, text in tags.items() if text}


def metrics(record: Record, folder: Path) -> list[tuple[str, float, int]]:
    """Scores, seconds and the state of the Gram, and the learning curves of the chosen setting by epoch: `folds/loss` and so on, and
    `all/loss` of the runs on the whole training set. Where nothing was chosen the curves are of all settings, and are artifacts alone.
    """
    single = {
        "cv_accuracy": record.cv_accuracy,
        "test_accuracy": record.test_accuracy,
        "test_accuracy_std": record.spread,
        "n_tied": record.n_tied,
        **{f"seconds_{name}": value for name, value in record.timings.items() if isinstance(value, float)},
        **{f"gram_{name}": value for name, value in record.gram.items()},
    }
    curves = [
        (f"{row['on']}/{name}", float(row[name]), int(row["epoch"]))
        for row in (store.read_table(record, folder, "curves") if record.selected else [])
        for name in ("loss", "validation_loss", "validation_accuracy", "running")
    ]
    return [(metric_name(name), float(value), 0) for name, value in single.items() if value is not None] + curves


def files(record: Record, folder: Path) -> dict[str, bytes]:
    """The record's files by what they are, `record.json`, `grid.csv` and so on, and its tables in colour."""
    own = {
        name.removeprefix(f"{record.name}.").replace("json", "record.json"): content
        for name, content in store.read_files(folder, record).items()
    }
    return own | {f"{name}.html": page.encode() for name, page in tables_in_colour(record, folder).items()}


def tables_in_colour(record: Record, folder: Path) -> dict[str, str]:
    """The confusion matrix of a record, and its grid where that has both variances and a score, as pages of HTML by name."""
    found = {}
    if predictions := store.read_table(record, folder, "predictions"):
        right = sum(row["label"] == row["predicted"] for row in predictions)
        of = f"{record.method} on {record.dataset}: {right} of {len(predictions)} right"
        found["confusion"] = shaded_confusion(confusion(predictions), of)
    if record.status == "ok" and has_grid(record):
        with suppress(ValueError):  # there is no score to show
            cells = cells_of(record, partial(store.read_table, folder=folder, table="grid"))
            found["grid"] = shaded_grid(cells, chosen_cell(record), f"{record.method} on {record.dataset}")
    return found


def describe_task(record: Record) -> str:
    """A record in Markdown."""
    parts = [result(record), describe_dataset(record)]
    if record.selected:
        among = f" among {record.n_settings} settings" if (record.n_settings or 1) > 1 else ""
        each = record.protocol.get("C", []) if "C" in record.selected else []
        among += f", each with {len(each)} values of C" if among and len(each) > 1 else ""
        tied = f" (the first of {record.n_tied} with the best score)" if (record.n_tied or 1) > 1 else ""
        parts.append(f"Chosen{among}{tied}: {chosen(record)}.")
    if "total" in record.timings:
        stages = [name for name in ("kernel", "selection", "refit", "predict") if name in record.timings]
        seconds = ", ".join(f"{name} {record.timings[name]:.1f}" for name in stages)
        parts.append(f"{record.timings['total']:.1f} seconds ({seconds or 'in all'}), {code(record)}.")
    if record.traceback:
        parts.append(f"```\n{record.traceback[-LONGEST:].rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def result(record: Record) -> str:
    """How a task ended."""
    if record.status != "ok":
        return f"**{record.method}** on **{record.dataset}**: {record.status}. {record.reason}"
    spread = "" if record.spread is None else f" ± {100 * record.spread:.2f} over {len(record.runs)} seeds"
    return (
        f"**{record.method}** on **{record.dataset}**: test accuracy **{number(100 * record.test_accuracy)} %**{spread}, "
        f"cross-validation {number(100 * record.cv_accuracy)} %."
    )


def chosen(record: Record) -> str:
    """The chosen values of the hyperparameters that there was a choice of, or of all that were set where there was none."""
    told = parameters(record)
    searched = {name for name, value in told.items() if isinstance(value, list)} or set(told)
    values = {name: value for name, value in record.selected.items() if name in searched | {"C"}}
    return ", ".join(f"{name} = {brief(value)}" for name, value in (values or record.selected).items())


def code(record: Record) -> str:
    """The version and commit of the code that computed a record, as far as it says."""
    known = record.environment
    commit = f", commit `{known['commit'][:10]}`" if known.get("commit") else ""
    return f"rntk {known.get('rntk', 'of a version that is not known')}{commit}"


def describe_dataset(record: Record) -> str:
    """A dataset in a line, as the catalogue has it, or the record where it is none of the archive's."""
    entry = catalogue().get(record.dataset)
    n_train, n_test, length = (getattr(entry or record, name) for name in ("n_train", "n_test", "length"))
    what = f" ({entry.type}, {entry.n_classes} classes)" if entry else ""
    steps = f"of {length} steps" if length else "of different lengths"
    return f"{record.dataset}{what}: {n_train} training and {n_test} test series {steps}."
