"""The report of a study as one file that opens without a network: `index.html`.

The page stands as HTML: sentences, tables, and the figures of `results.figures`. What depends on the reader, two methods side by side, a
dataset's charts, is drawn by `script.js` from the numbers of `results.report.data`. The same records give the same bytes.
"""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from results import store
from results.comparison import options, readable, unsaid
from results.figures.study import Drawing, drawings
from results.integrity import told
from results.record import Record
from results.report import data, tables
from results.report.drawings import embedded, placed
from results.report.findings import count, findings, measure
from results.report.font import font
from results.report.references import references
from results.report.words import WORDS
from results.significance import ROPE, friedman
from results.statistics import accuracies
from results.tables import describe_coverage, describe_run, number
from results.writing import write_text

HERE = Path(__file__).parent
NO_SERIES = "this report was made without the datasets"
SeriesOf = Callable[[str], data.Series | str]
PicturesOf = Callable[[str, list[Record]], list[Drawing]]


def write_report(
    folder: Path,
    to: Path | None = None,
    kinds: Mapping[str, str] | None = None,
    series: SeriesOf = lambda name: NO_SERIES,
    pictures: PicturesOf = lambda name, tasks: [],
) -> Path:
    """Write the report of the study in `folder` (to `folder`/report, or `to`); returns its path.

    `kinds` names the kind of data of a dataset, `series` gives its series, or the reason why they are not there, and `pictures`
    what else is drawn of it and its tasks. A study without records has a page that says so. Raises ValueError where there is no such
    folder, or its pack of records is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(
            f"{folder}: there is no such study: run it first (`make reproduce STUDY={folder.name}`), or name another"
        )
    path = Path(to or folder / "report") / "index.html"
    write_text(path, page(folder, kinds or {}, series, pictures))
    return path


def page(folder: Path, kinds: Mapping[str, str], series: SeriesOf, pictures: PicturesOf) -> str:
    """The report as a text."""
    plan = store.read_plan(folder)
    with told() as faults:
        records = store.study_records(folder)
    found = accuracies(records)
    names, methods = sorted(plan.get("datasets") or found.index), list(plan.get("methods") or found.columns)
    accuracy = found.reindex(index=names, columns=methods).astype(float)
    tasks = {
        name: [r for r in records if r.dataset == name and r.status == "ok" and r.test_accuracy is not None]
        for name in names
    }
    tasks = {name: sorted(some, key=lambda task: methods.index(task.method)) for name, some in tasks.items() if some}
    kinds = {name: kinds[name] for name in names if name in kinds}
    pairs = measure(accuracy)
    said = findings(accuracy, pairs, kinds)
    absent = tables.without_result(names, methods, records)
    headline = tables.headline(accuracy, records) if tasks else None
    others = tables.published(names)
    published = others.pivot(index="dataset", columns="column", values="published").reindex(names)

    figures, files = placed(drawings(accuracy, records, lambda record: store.read_table(record, folder, "grid"), kinds))
    more = {name: [embedded(drawing) for drawing in pictures(name, some)] for name, some in tasks.items()}
    axes = []
    sections = {
        name: section(
            some,
            data.dataset(some, lambda task, table: store.read_table(task, folder, table), series(name), axes, faults),
        )
        for name, some in tasks.items()
    }
    content = {
        "study": plan.get("study") or folder.name,
        "methods": methods,
        "first": [line[0] for line in headline.rows[:2]] if headline else [],
        "words": WORDS,
        "rope": ROPE,
        "axes": axes,
        "of_a_class": data.OF_A_CLASS,
        "misclassified": data.MISCLASSIFIED,
        "pairs": [
            {name: None if pd.isna(value) else value for name, value in pair.items()}
            for pair in pairs.to_dict("records")
        ],
        "figures": files,
        "datasets": sections,
    }
    content["font"] = font(json.dumps([content, figures, more], ensure_ascii=False))
    return template().render(
        study=content["study"],
        counts={
            "methods": count(len(methods), "method"),
            "datasets": count(len(names), "dataset"),
            "tasks": len(names) * len(methods),
            "done": sum(map(len, tasks.values())),
        },
        findings=said,
        headline=headline,
        coverage=describe_coverage(accuracy) if names else "",
        kinds=kinds,
        kinds_table=tables.kinds_of_data(accuracy, kinds),
        pairs=tables.table_of(readable(pairs)) if len(pairs) else None,
        pair_notes=[*options(pairs, ROPE), *unsaid(accuracy, pairs, friedman(accuracy))] if len(pairs) else [],
        drawings=figures,
        pictures=more,
        methods=methods,
        reproduced=tables.reproduced(accuracy, others) if tasks else None,
        sources={source: ", ".join(part.unique()) for source, part in others.groupby("source", sort=False).column},
        columns=columns([*methods, *published], kinds),
        datasets=[row(name, accuracy.loc[name], published.loc[name], tasks.get(name, []), kinds) for name in names],
        run=describe_run(records),
        protocols=tables.distinct(record.protocol for record in records),
        configs=tables.configs(records, methods),
        environments=tables.environments(records),
        absent=absent,
        faults=faults,
        references=references(records),
        data=Markup(json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")),
        style=Markup((HERE / "style.css").read_text("utf-8")),
        script=Markup((HERE / "script.js").read_text("utf-8")),
    )


def template():
    """The page's template, which refuses names that it is not given."""
    loaded = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    loaded.filters["base64"] = lambda text: base64.b64encode(text.encode()).decode()
    return loaded.get_template("page.html")


def section(tasks: list[Record], drawn: dict[str, Any]) -> dict[str, Any]:
    """A dataset as `script.js` draws it."""
    heads = {
        task.method: {
            "test": task.test_accuracy,
            "cv": task.cv_accuracy,
            "n": task.n_train,
            "selected": task.selected,
        }
        for task in tasks
    }
    return {"tasks": heads, **drawn}


def columns(accuracies: list[str], kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """The columns of the table of datasets: the name in the CSV, the label, and whether it is text."""
    facts = [("dataset", "Dataset", True), *([("kind", "Kind", True)] if kinds else [])]
    facts += [("n_train", "Train", False), ("n_test", "Test", False), ("length", "Length", False)]
    return [
        {"name": name, "label": label, "text": text}
        for name, label, text in (*facts, *((name, name, False) for name in accuracies))
    ]


def row(
    name: str, accuracy: pd.Series, published: pd.Series, tasks: list[Record], kinds: Mapping[str, str]
) -> dict[str, Any]:
    """A dataset's row: every cell's value in full, its text, and its class in the style; and what its section begins with."""
    facts = {
        what: next((getattr(task, what) for task in tasks if getattr(task, what) is not None), None)
        for what in ("n_train", "n_test", "length")
    }
    unequal = any(task.status == "ok" and task.length is None for task in tasks)
    if unequal:  # what a method made of them is not theirs
        facts["length"] = None
    cells = [{"value": kinds.get(name, ""), "text": kinds.get(name, "–"), "classes": "text"}] if kinds else []
    cells += [
        {"value": "" if value is None else value, "text": "–" if value is None else value, "classes": ""}
        for value in facts.values()
    ]
    channels = max((task.own.get("channels", 1) for task in tasks), default=1)
    best = [method for method, value in accuracy.items() if value == accuracy.max()]
    for method, value in [*accuracy.items(), *published.items()]:
        classes = "best" if method in best else "dash" if pd.isna(value) or method in published else ""
        cells.append(
            {"value": "" if pd.isna(value) else repr(float(value)), "text": number(100 * value), "classes": classes}
        )
    about = [
        kinds.get(name),
        f"{facts['n_train']} training and {facts['n_test']} test series",
        "unequal lengths" if unequal else facts["length"] and f"{facts['length']} steps",
        channels > 1 and f"{channels} channels",
    ]
    if best:
        about.append(f"best: {', '.join(best)}, {number(100 * accuracy.max())} %")
    return {
        "name": name,
        "best": best,
        "cells": cells,
        "about": " · ".join(str(part) for part in about if part),
        "section": tables.methods_on(tasks) if tasks else None,
    }
