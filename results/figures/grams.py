"""Grams as pictures, sorted by class, with their spectra."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.figures.style import COLOURS, COLUMN, NARROW, figure, shortened

BESIDE = 4  # Grams of a row
NAMED = 12  # classes whose labels can be read


def spectrum(K: np.ndarray) -> np.ndarray:
    """The eigenvalues, from the largest on, of HKH with H = I − 11ᵀ/n, the Gram about the mean of its features, as shares of their sum: an
    SVM with a bias is the same on both. Those below 10⁻¹⁵ are NaN, as they are all where the sum is not positive.
    """
    centred = K - K.mean(axis=0) - K.mean(axis=1)[:, None] + K.mean()
    values = np.linalg.eigvalsh(centred)[::-1]
    total = values.sum()
    shares = values / total if total > 0 else np.full(len(values), np.nan)
    return np.where(shares > 1e-15, shares, np.nan)


def gram_pictures(grams: Mapping[str, np.ndarray], labels: Sequence[str]) -> Figure:
    """A picture for each of `grams`, by name, from its smallest value to its largest, with lines between classes; below it `spectrum`, and
    how many eigenvalues make up nine tenths.

    `labels` are the classes of the series, which are sorted by them; each Gram is square, of as many rows. Raises ValueError otherwise, and
    where there is none.
    """
    if not grams:
        raise ValueError("there is no Gram to draw")
    for name, K in grams.items():
        if K.shape != (len(labels), len(labels)):
            raise ValueError(f"the Gram of {name} has the shape {K.shape}, and there are {len(labels)} labels")
    classes, place = np.unique([str(label) for label in labels], return_inverse=True)
    order = np.argsort(by_value(classes)[place], kind="stable")
    edges = np.flatnonzero(np.diff(place[order])) + 0.5
    beside = min(BESIDE, len(grams))
    down = -(-len(grams) // beside)
    width = NARROW if beside < 3 else COLUMN
    side = width / max(beside, 2) - 0.4

    def draw(made: Figure) -> None:
        grid = made.subplots(2 * down, max(beside, 2), squeeze=False, height_ratios=[side, 0.7] * down)
        for axes in grid.flat:
            axes.set_visible(False)
        for i, (name, K) in enumerate(grams.items()):
            picture, spectral = grid[2 * (i // beside) : 2 * (i // beside) + 2, i % beside]
            picture.set_visible(True)
            spectral.set_visible(True)
            _picture(picture, K[np.ix_(order, order)], edges, name)
            if i % beside == 0:
                _name_classes(picture, place[order], classes)
            _spectrum(spectral, spectrum(K), left=i % beside == 0)

    return figure(draw, down * (side + 1.5), width)


def by_value(classes: np.ndarray) -> np.ndarray:
    """The place of each class in the order of numbers, where all are, and of the alphabet otherwise."""
    try:
        values = classes.astype(float)
    except ValueError:
        values = np.arange(len(classes))
    return np.argsort(np.argsort(values, kind="stable"), kind="stable")


def _picture(axes: Axes, K: np.ndarray, edges: np.ndarray, name: str) -> None:
    axes.imshow(K, cmap="cividis")
    for edge in edges:
        for line in (axes.axhline, axes.axvline):
            line(edge, color="white", linewidth=0.5)
    axes.set_title(f"{shortened(name, 22)}\n{K.min():.3g} to {K.max():.3g}", fontsize=7)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)


def _name_classes(axes: Axes, place: np.ndarray, classes: np.ndarray) -> None:
    if len(classes) <= NAMED:
        middles = [np.flatnonzero(place == i).mean() for i in range(len(classes))]
        axes.set_yticks(middles, [shortened(name, 8) for name in classes], fontsize=6.5)
        axes.tick_params(length=0)
    axes.set_ylabel("class" if len(classes) <= NAMED else f"{len(classes)} classes", fontsize=7)


def _spectrum(axes: Axes, shares: np.ndarray, left: bool) -> None:
    axes.plot(range(1, len(shares) + 1), shares, color=COLOURS[0])
    axes.set(yscale="log", ylim=(1e-6, 1.5), xlim=(0, len(shares) + 1))
    axes.tick_params(labelsize=6.5, labelleft=left)
    axes.set_yticks([1e-6, 1e-3, 1])
    axes.minorticks_off()
    if np.isfinite(shares).any():
        most = int(np.searchsorted(np.nancumsum(shares), 0.9)) + 1
        axes.text(0.97, 0.93, f"{most} for 90 %", transform=axes.transAxes, ha="right", va="top", fontsize=6.5)
    axes.set_xlabel("eigenvalue", fontsize=7)
    if left:
        axes.set_ylabel("share", fontsize=7)
