"""What accuracy costs: computing time against it."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from results.figures.style import COLOURS, COLUMN, figure, shortened

HEIGHT = 3.0
SIZE, LETTER = 7, 0.56  # of a name, in points, and how wide a letter is of its size
AROUND = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1), (1, 2), (-1, 2), (1, -2), (-1, -2)]


def cost(seconds: pd.DataFrame, accuracy: pd.DataFrame) -> Figure:
    """A point a method: the computing time of all its tasks, in seconds of one core, across, on a scale of powers, and its mean accuracy
    up.

    Both tables have a row a dataset and a column a method; what counts are the datasets on which every method has both. Raises ValueError
    where there is none.
    """
    seconds = seconds.reindex_like(accuracy)
    complete = accuracy.notna().all(axis=1) & seconds.notna().all(axis=1)
    if accuracy.columns.empty or not complete.any():
        raise ValueError("no dataset has a time and an accuracy of every method")
    across = seconds[complete].sum().clip(lower=1e-3)
    up = 100 * accuracy[complete].mean()

    def draw(made: Figure) -> None:
        axes = made.subplots()
        axes.plot(across, up, "o", color=COLOURS[0], markersize=4)
        axes.set(xscale="log", xlabel="computing time (seconds of one core)", ylabel="mean test accuracy (%)")
        axes.set_xlim(across.min() / 3, across.max() * 3)
        axes.set_ylim(up.min() - 2.5, up.max() + 2.5)
        made.draw_without_rendering()  # the layout, in which names have their places
        points = axes.transData.transform(np.column_stack([across, up])) * 72 / made.dpi
        frame = axes.bbox.extents * 72 / made.dpi
        for name, place, offset in zip(
            up.index, zip(across, up, strict=True), beside(points, list(up.index), frame), strict=True
        ):
            axes.annotate(
                shortened(name, 24), place, offset, textcoords="offset points", ha="center", va="center", fontsize=SIZE
            )  # fmt: skip

    return figure(draw, HEIGHT, COLUMN)


def beside(points: np.ndarray, names: list[str], frame: np.ndarray) -> list[tuple[float, float]]:
    """Where the middle of each name stands from its point, so that no name lies on another, on a point or beyond the frame, where there
    is such a place: names from the top down, each at the first of AROUND that is free, and otherwise at the one that hides least.

    Points (n, 2) and the frame (left, low, right, high) in printer's points.
    """
    taken = [np.concatenate([point - 3, point + 3]) for point in points]
    offsets: dict[int, tuple[float, float]] = {}
    for i in sorted(range(len(points)), key=lambda i: (-points[i][1], points[i][0])):
        half = np.array([SIZE * LETTER * len(shortened(names[i], 24)) / 2 + 1, SIZE * 0.6])
        options = []
        for x, y in AROUND:
            middle = np.array([x * (half[0] + 4), y * (half[1] + (4 if x == 0 else 1))])
            box = np.concatenate([points[i] + middle - half, points[i] + middle + half])
            outside = np.prod(box[2:] - box[:2]) - overlap(box, frame)
            hidden = sum(overlap(box, other) for j, other in enumerate(taken) if j != i)
            options.append((round(hidden + 10 * outside, 6), len(options), middle, box))
        _, _, middle, box = min(options, key=lambda option: option[:2])
        offsets[i] = float(middle[0]), float(middle[1])
        taken.append(box)
    return [offsets[i] for i in range(len(points))]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """The area that two boxes (left, low, right, high) share."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(sides.clip(min=0)))
