"""A sweep drawn: accuracies over one swept parameter as lines, over two as heat maps, with a panel for whatever else differs."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from results.figures import COLOURS, COLUMN, NO_DATE, figure, save
from results.record import Record
from results.sweeps import (
    NOT_SET,
    count_runs,
    counts,
    differing,
    is_number,
    order,
    ordered,
    parameters,
    readable,
    readable_runs,
    several,
    write_runs,
)

MOST = {1: 12, 2: 6}  # panels of a figure over one parameter, and over two
ACROSS = 3  # panels of lines beside each other
LETTER = 0.045  # of the width of a panel, that a letter takes
READ = 16  # numbers beside each other in one heat map that can be read
SCORES = {"cv_accuracy": "cross-validation", "test_accuracy": "test"}
NONE = "no result"


class Panel(NamedTuple):
    """The runs of a dataset and method that differ in the parameters of the axes alone: by their place on these (`order`)."""

    dataset: str
    title: str
    runs: dict[tuple, Record]


class Sweep(NamedTuple):
    """Panels over the same one or two parameters, with the places on each axis in order, and what is written there."""

    over: tuple[str, ...]
    numeric: bool  # or over names and grids
    places: list[dict[tuple, str]]
    panels: list[Panel]


def axes_of(values: list[dict[str, Any]]) -> tuple[str, ...]:
    """What runs are drawn over: of the parameters that differ between them the two that are numbers and have the most values, or the
    one that there is; where there is none, that of names or grids that has the most values; () where none differs.
    """
    count = {name: n for name, n in counts(values).items() if n > 1}
    names = sorted(count, key=lambda name: -count[name])
    numeric = [name for name in names if all(is_number(run.get(name)) for run in values)]
    return tuple(numeric[:2] or names[:1])


def axes_by_key(rows: list[Record], told: dict[str, dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """What each run is drawn over, together with those of its method that give the same parameters as numbers: a sweep of σ_w over
    a grid of σ_b is one thing, and one of σ_b over a grid of σ_w is another.
    """
    alike: dict[tuple, list[Record]] = {}
    for record in rows:
        numbers = frozenset(name for name, value in told[record.key].items() if is_number(value))
        alike.setdefault((record.method, numbers), []).append(record)
    return {r.key: axes_of([told[other.key] for other in group]) for group in alike.values() for r in group}


def sweeps(records: Iterable[Record]) -> tuple[list[Sweep], list[str]]:
    """The runs by the parameters over which they are drawn, and, in words, what is left out.

    Of runs that differ in nothing but their key the one that finished last is drawn.
    """
    rows = ordered(records)
    told, swept = {record.key: parameters(record) for record in rows}, readable(differing(rows))
    over = axes_by_key(rows, told)
    found: dict[tuple, dict[str, Panel]] = {}
    alone, older, empty = Counter(), Counter(), Counter()
    for record in rows:
        text, axes = swept[record.key], over[record.key]
        others = [f"{name} = {value}" for name, value in text.items() if name not in (*axes, "key")]
        if not axes:
            alone[record.method] += bool(others)
            continue
        place = tuple(order(told[record.key].get(name, NOT_SET)) for name in axes)
        numeric = is_number(told[record.key].get(axes[0]))
        title = f"{record.dataset}\n{', '.join([record.method, *others])}"
        panel = found.setdefault((axes, numeric), {}).setdefault(title, Panel(record.dataset, title, {}))
        older[record.method] += place in panel.runs
        panel.runs[place] = max(panel.runs.get(place, record), record, key=_finished)
    drawn = []
    for (axes, numeric), panels in found.items():
        known = [panel for panel in panels.values() if any(run.status == "ok" for run in panel.runs.values())]
        empty[" and ".join(axes)] += len(panels) - len(known)
        at = [(place, swept[run.key]) for panel in known for place, run in panel.runs.items()]
        places = [dict(sorted((place[i], text[name]) for place, text in at)) for i, name in enumerate(axes)]
        if known:
            drawn.append(Sweep(axes, numeric, places, known))
    left_out = [
        *((method, several(n, "run"), "alone of its kind") for method, n in alone.items() if n),
        *((method, several(n, "run"), "as a later one differs in its key alone") for method, n in older.items() if n),
        *((axes, several(n, "panel"), "as no run has a result") for axes, n in empty.items() if n),
    ]
    return drawn, [f"{what}: {how_many} not drawn, {why}" for what, how_many, why in left_out]


def _finished(record: Record) -> str:
    return str(record.timings.get("finished", ""))


def draw_sweeps(records: Iterable[Record]) -> tuple[dict[str, Figure], list[str]]:
    """The figures by name, `sweep_sigma_w-sigma_b`, `sweep_nonlinearity-named`, and, in words, what is not drawn, and why."""
    found, notes = sweeps(records)
    figures = {}
    for sweep in found:
        if len(sweep.panels) > MOST[len(sweep.over)]:
            notes.append(
                f"no figure over {' and '.join(sweep.over)}: datasets, methods and other parameters make "
                f"{len(sweep.panels)} panels, and {MOST[len(sweep.over)]} are the most that are drawn"
            )
        else:
            name = "-".join([*sweep.over, *([] if sweep.numeric else ["named"])])
            figures[f"sweep_{name}"] = (lines if len(sweep.over) == 1 else maps)(sweep)
    return figures, notes


def lines(sweep: Sweep) -> Figure:
    """Cross-validation and test accuracy over one parameter; dots alone where it is no number. A cross marks a run without a result."""
    (name,), numeric, (places,), panels = sweep
    across = min(len(panels), ACROSS)
    down = -(-len(panels) // across)
    at = {place: place[1] if numeric else i for i, place in enumerate(places)}
    letters = max(map(len, places.values()))
    turned = not numeric and LETTER * letters * (len(places) - 1) > 1

    def draw(made: Figure) -> None:
        one_dataset = len({panel.dataset for panel in panels}) == 1
        grid = made.subplots(down, across, squeeze=False, sharey=one_dataset)
        for axes, panel in zip(grid.flat, panels, strict=False):
            for score, colour, mark in zip(SCORES, COLOURS, "os", strict=False):
                points = [(at[place], getattr(run, score)) for (place,), run in sorted(panel.runs.items())]
                points = [(x, 100 * y) for x, y in points if y is not None]
                if points:
                    axes.plot(*zip(*points, strict=True), mark + "-" * numeric, color=colour, label=SCORES[score])
            lost = [at[place] for (place,), run in panel.runs.items() if run.status != "ok"]
            if lost:
                axes.plot(lost, [0.04] * len(lost), "x", color="0.4", transform=axes.get_xaxis_transform(), label=NONE)
            axes.set(title=wrapped(panel.title, 36), xlabel=name)
            if numeric:
                scale(axes, [x for _, x, _ in places], list(places.values()))
            else:
                axes.set_xticks(list(at.values()), places.values(), rotation=90 if turned else 0)
                axes.set_xlim(-0.5, len(at) - 0.5)
        for axes in grid[:, 0]:
            axes.set_ylabel("accuracy (%)")
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_axis_off()
        handles = {
            label: line for axes in grid.flat for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        made.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))

    height = 2.0 + (0.07 * letters if turned else 0)
    return figure(draw, 0.4 + height * down, COLUMN if across > 1 else 0.55 * COLUMN)


def wrapped(title: str, width: int) -> str:
    """A title in lines of at most so many letters, where it has spaces."""
    return "\n".join(fill(line, width, break_long_words=False) for line in title.split("\n"))


def scale(axes: Axes, values: list[float], texts: list[str]) -> None:
    """The axis of ascending numbers: logarithmic where they span more than a hundredfold, and each of them named where there is room."""
    positive = [value for value in values if value > 0]
    if positive and positive[-1] > 100 * positive[0]:
        axes.set_xscale("log") if positive == values else axes.set_xscale("symlog", linthresh=positive[0])
    on_paper = axes.xaxis.get_transform().transform(np.array(values, float))
    if np.diff(on_paper).min(initial=np.inf) > LETTER * max(map(len, texts)) * np.ptp(on_paper):
        axes.set_xticks(values, texts)
        axes.minorticks_off()


def maps(sweep: Sweep) -> Figure:
    """Cross-validation and test accuracy over two parameters, side by side in one range of colours, evenly spaced by value.

    A cross marks a run without a result, and what was not run is blank.
    """
    (across, down), _, (columns, rows), panels = sweep

    def draw(made: Figure) -> None:
        grid = made.subplots(len(panels), len(SCORES), squeeze=False)
        for pair, panel in zip(grid, panels, strict=True):
            tables = [table(panel, score, rows, columns) for score in SCORES]
            for axes, values, score in zip(pair, tables, SCORES.values(), strict=True):
                image = axes.imshow(values, "cividis", aspect="auto", origin="lower")
                image.set_clim(np.nanmin(tables), np.nanmax(tables))
                write(axes, image, panel, rows, columns)
                axes.set(title=wrapped(f"{panel.title}, {score}", 48), xlabel=across, ylabel=down)
                axes.set_xticks(
                    range(len(columns)), columns.values(), rotation=90 * (sum(map(len, columns.values())) > 30)
                )
                axes.set_yticks(range(len(rows)), rows.values())
                axes.grid(visible=False)
            made.colorbar(image, ax=list(pair), label="accuracy (%)")

    return figure(draw, len(panels) * (1.2 + 0.22 * max(len(rows), 3)))


def table(panel: Panel, score: str, rows: Iterable[tuple], columns: Iterable[tuple]) -> np.ndarray:
    """A score of a panel's runs in per cent, NaN where there is none."""
    found = {place: getattr(run, score) for place, run in panel.runs.items()}
    known = {place: 100 * value for place, value in found.items() if value is not None}
    return np.array([[known.get((x, y), np.nan) for x in columns] for y in rows])


def write(axes: Axes, image: AxesImage, panel: Panel, rows: Iterable[tuple], columns: Iterable[tuple]) -> None:
    """The accuracies in their cells, where they can be read, and crosses."""
    digits = 1 if len(columns) <= READ // 2 else 0
    for (j, i), value in np.ndenumerate(image.get_array().filled(np.nan)):
        if np.isfinite(value) and len(columns) <= READ:
            colour = "white" if image.norm(value) < 0.5 else "black"
            axes.text(i, j, f"{value:.{digits}f}", ha="center", va="center", fontsize=6, color=colour)
        elif np.isnan(value) and (list(columns)[i], list(rows)[j]) in panel.runs:
            axes.text(i, j, "×", ha="center", va="center", color="0.4")


def write_sweeps(records: Iterable[Record], to: Path) -> tuple[list[Path], list[str]]:
    """Write the figures under `to`, where those of other runs are removed; returns the paths, and what is not drawn, and why."""
    figures, notes = draw_sweeps(records)
    for ending in NO_DATE:
        for old in Path(to).glob(f"sweep_*.{ending}"):
            old.unlink()
    return [path for name, made in figures.items() for path in save(made, to, name)], notes


def show_runs(records: list[Record], to: Path) -> str:
    """Write the table of runs under `to`, and their figures in `figures` beside it; returns what a terminal is to show of them."""
    write_runs(records, to)
    paths, notes = write_sweeps(records, to.with_name("figures"))
    drawn = "".join(f", figure {path}" for path in paths if path.suffix == ".png")
    table = readable_runs(records).to_string(index=False)
    return "\n".join([table, "", count_runs(records), *notes, f"tables in {to}{drawn}"])
