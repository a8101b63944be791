"""What the page draws from, as JSON: whole numbers as text, one or more digits of base 64 each.

`script.js` reads it back. Of a grid every score is there, of the predictions every one, of the series those that are shown.
"""

from collections.abc import Callable, Iterable
from itertools import product
from typing import NamedTuple

import numpy as np

from results.figures.style import CHANNELS
from results.record import Record

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
LEVELS = 64**2  # of a series' values, between the dataset's smallest and largest
OF_A_CLASS = 10  # training series shown of each class, the first ones
MISCLASSIFIED = 8  # test series shown of those that a method got wrong, the first ones


class Series(NamedTuple):
    """A dataset's series as they are drawn: an array (n, T), or (n, T, m), or a list of arrays (T_i,), or (T_i, m), and labels."""

    X_train: np.ndarray | list[np.ndarray]
    y_train: np.ndarray
    X_test: np.ndarray | list[np.ndarray]
    y_test: np.ndarray


def digits(numbers: np.ndarray | list[int], width: int) -> str:
    """Whole numbers in [0, 64**width) one after another, each of `width` digits, the highest first."""
    numbers = np.asarray(numbers, dtype=np.int64)
    places = 64 ** np.arange(width)[::-1]
    letters = np.frombuffer(ALPHABET.encode(), np.uint8)
    return letters[numbers[:, None] // places % 64].tobytes().decode()


def width(most: int) -> int:
    """How many digits the numbers 0 … most need."""
    return 1 if most < 64 else 1 + width(most // 64)


def by_value(labels: Iterable[str]) -> list[str]:
    """Labels in order: of numbers by their value."""

    def value(label):
        try:
            return (0, float(label), label)
        except ValueError:
            return (1, 0.0, label)

    return sorted(set(labels), key=value)


def grid(rows: list[dict[str, str]]) -> tuple[list, dict]:
    """A grid's axes, each a name and its values, and its scores.

    The last axis is C, where there is one; the scores stand in the order of the axes' product, the last running fastest. Of k cases that
    were right it is 1 + 2k, of at most k that could be 2 + 2k, and 0 where there is none. Raises ValueError where the rows are no product.
    """
    names = [name for name in rows[0] if name not in ("correct", "epochs", "note") and not name.startswith("C=")]
    scored = [name for name in rows[0] if name.startswith("C=")] or ["correct"]
    axes = [[name, list(dict.fromkeys(row[name] for row in rows))] for name in names]
    if [tuple(row[name] for name in names) for row in rows] != list(product(*(values for _, values in axes))):
        raise ValueError("the settings of its grid are no product of axes")
    if scored != ["correct"]:
        axes.append(["C", [name.removeprefix("C=") for name in scored]])
    codes = [code(row[name]) for row in rows for name in scored]
    digit = width(max(codes))
    return axes, {"width": digit, "scores": digits(codes, digit)}


def code(score: str) -> int:
    """A score of a grid table as a number."""
    if score.startswith("<="):
        return 2 + 2 * int(score[2:])
    return 1 + 2 * int(score) if score and int(score) >= 0 else 0


def runs(rows: list[dict[str, str]]) -> tuple[list[str], list[list[str]]]:
    """The labels of the test cases, and the predictions of every run. Raises ValueError where runs are of different cases."""
    found = {}
    for row in rows:
        found.setdefault(row.get("seed"), []).append((row["label"], row["predicted"]))
    labels = {tuple(label for label, _ in run) for run in found.values()}
    if len(labels) > 1:
        raise ValueError("its runs are of different test cases")
    return list(labels.pop()), [[guess for _, guess in run] for run in found.values()]


def series_shown(series: Series, wrong: Iterable[int]) -> dict:
    """The first training series of each class, the class's mean where lengths are equal, and the test series numbered in `wrong`.

    Each is a text, in which the first CHANNELS channels follow one another, each scaled to its smallest and largest value in the
    dataset, `scales`; `channels` is how many there are.
    """
    classes = by_value(map(str, series.y_train))
    labels = np.array([str(label) for label in series.y_train])
    every = [_by_channel(x) for x in (*series.X_train, *series.X_test)]
    low, high = np.min([x.min(axis=1) for x in every], axis=0), np.max([x.max(axis=1) for x in every], axis=0)
    levels = np.divide(LEVELS - 1, high - low, out=np.zeros_like(low), where=high > low)

    def text(x) -> str:
        shown = (_by_channel(x) - low[:, None]) * levels[:, None]
        return digits(np.rint(shown[:CHANNELS]).astype(np.int64).ravel(), 2)

    equal = isinstance(series.X_train, np.ndarray)
    shown = []
    for label in classes:
        where = np.flatnonzero(labels == label)
        mean = text(series.X_train[where].mean(axis=0)) if equal else None
        first = [text(series.X_train[i]) for i in where[:OF_A_CLASS]]
        shown.append({"label": label, "n": len(where), "mean": mean, "series": first})
    test = {int(i): text(series.X_test[i]) for i in sorted(wrong)}
    scales = np.stack([low, high], axis=1)[:CHANNELS].tolist()
    return {"channels": len(low), "scales": scales, "classes": shown, "test": test}


def _by_channel(x) -> np.ndarray:
    """A series, (T,) or (T, m), as an array (m, T)."""
    return np.asarray(x, dtype=float).reshape(len(x), -1).T


def dataset(
    tasks: list[Record],
    tables: Callable[[Record, str], list[dict[str, str]]],
    series: Series | str,
    axes: list,
    faults: list[str],
) -> dict:
    """One dataset: grids and predictions of its tasks, and series, or why there are none.

    `tables` reads a record's table by name. Axes of grids that are not in `axes` are added to it: a dataset holds their number. What
    cannot be read is added to `faults`.
    """
    grids, guesses, truth = {}, {}, []
    for task in tasks:
        try:
            if (rows := tables(task, "grid")) and (found := grid(rows))[0]:
                if not task.n_train:
                    raise ValueError("the record does not say of how many training series its scores are")
                if found[0] not in axes:
                    axes.append(found[0])
                grids[task.method] = {"axes": axes.index(found[0]), **found[1]}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            faults.append(f"{task.name}: its grid table cannot be read: {error!r}")
        try:
            if rows := tables(task, "predictions"):
                labels, guesses[task.method] = runs(rows)
                truth = truth or labels
                if labels != truth:
                    del guesses[task.method]
                    raise ValueError("they are of other test cases than those of the methods before")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            faults.append(f"{task.name}: its predictions cannot be read: {error!r}")

    classes = by_value({*truth, *(guess for found in guesses.values() for run in found for guess in run)})
    place, digit = {label: i for i, label in enumerate(classes)}, width(max(len(classes) - 1, 0))

    def text(labels: list[str]) -> str:
        return digits([place[label] for label in labels], digit)

    content = {
        "classes": classes,
        "width": digit,
        "truth": text(truth),
        "runs": {method: [text(run) for run in found] for method, found in guesses.items()},
        "grids": grids,
    }
    if isinstance(series, str):
        return {**content, "absent": series}
    wrong = {i for found in guesses.values() for i in first_wrong(truth, found) if i < len(series.X_test)}
    return {**content, "series": series_shown(series, wrong)}


def first_wrong(truth: list[str], found: list[list[str]]) -> list[int]:
    """The first test cases that a method got wrong in any run, as many as are shown."""
    wrong = [i for i, label in enumerate(truth) if any(run[i] != label for run in found)]
    return wrong[:MISCLASSIFIED]
