"""Sequences, of equal or different lengths: every input is checked here, before anything is computed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FITS = "every value must be at most 1.8e308; divide them all by one number first"


@dataclass(frozen=True)
class Sequences:
    """A set of n sequences that end together: values (n, T, m), float64, 0 before a sequence begins, and the first step
    of each, `starts` (n,), all 0 where lengths are equal.

    `len`, slices and arrays of indices choose sequences; `as_sequences` gives it back as it is.
    """

    values: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, chosen) -> "Sequences":
        values, starts = self.values[chosen], self.starts[chosen]
        unused = int(starts.min(initial=values.shape[1] - 1))
        return Sequences(values[:, unused:], starts - unused)

    @property
    def lengths(self) -> np.ndarray:
        """The number of steps of each sequence, (n,)."""
        return self.values.shape[1] - self.starts

    @property
    def ragged(self) -> bool:
        """Whether the lengths differ."""
        return bool(self.starts.any())

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n, T, m), T of the longest."""
        return self.values.shape

    @cached_property
    def peaks(self) -> np.ndarray:
        """The greatest |x| of each sequence, (n,)."""
        return np.maximum(self.values.max(axis=(1, 2)), -self.values.min(axis=(1, 2)))

    def reversed(self) -> "Sequences":
        """Every sequence from its end to its beginning."""
        if not self.ragged:
            return Sequences(self.values[:, ::-1], self.starts)
        return together([x[start:][::-1] for x, start in zip(self.values, self.starts, strict=True)])


def together(sequences: list[np.ndarray]) -> Sequences:
    """Arrays of shape (T_i, m), aligned at their ends."""
    lengths = np.array([len(x) for x in sequences])
    T = int(lengths.max())
    values = np.zeros((len(sequences), T, sequences[0].shape[1]))
    for row, x in zip(values, sequences, strict=True):
        row[T - len(x) :] = x
    return Sequences(values, T - lengths)


def as_sequences(X, name: str = "X") -> Sequences:
    """A set of sequences: n of them, of m channels each and of T steps, or of T_i steps.

    Takes an array (n, T), which has one channel, or (n, T, m); or a list of n arrays (T_i,) or (T_i, m), of any lengths.
    Raises ValueError for any other shape, an empty set or sequence, sequences of different numbers of channels, values that
    are no real numbers (booleans are 0 and 1), whole numbers beyond float64, masked arrays that hide values, NaN and infinity; `name`
    is what the message calls the argument.
    """
    if isinstance(X, Sequences):
        return X
    if isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1):
        sequences = together(_each(X, name))
    else:
        array = _numbers(X, name)
        if array.ndim not in (2, 3):
            raise ValueError(
                f"{name} has shape {array.shape}: expected (n, T), or (n, T, m) with m channels, or a list of arrays (T_i, m)"
            )
        array = array if array.ndim == 3 else array[:, :, None]
        if 0 in array.shape:
            raise ValueError(
                f"{name} has shape {array.shape}: at least one sequence, one step and one channel are needed"
            )
        sequences = Sequences(array, np.zeros(len(array), np.int64))
    if not np.isfinite(sequences.values).all():
        i, t, _ = np.argwhere(~np.isfinite(sequences.values))[0]
        start = sequences.starts[i]
        where = f"{name} holds {{}} in sequence {i} at step {t - start}"
        raise ValueError(_not_finite(sequences.values[i, start:], t - start, where))
    return sequences


def _each(X, name: str) -> list[np.ndarray]:
    """The sequences of a list, each (T_i, m)."""
    if len(X) == 0:
        raise ValueError(f"{name} is an empty list: at least one sequence is needed")
    sequences = []
    for i, given in enumerate(X):
        x = _numbers(given, f"sequence {i} of {name}")
        if x.ndim not in (1, 2):
            raise ValueError(f"sequence {i} of {name} has shape {x.shape}: expected (T,), or (T, m) with m channels")
        x = x if x.ndim == 2 else x[:, None]
        if 0 in x.shape:
            raise ValueError(
                f"sequence {i} of {name} has shape {x.shape}: at least one step and one channel are needed"
            )
        sequences.append(x)
        if x.shape[1] != sequences[0].shape[1]:
            raise ValueError(
                f"sequence {i} of {name} has {x.shape[1]} channels and sequence 0 has {sequences[0].shape[1]}: "
                f"all must have the same number"
            )
    return sequences


def _numbers(given, name: str) -> np.ndarray:
    refuse_hidden(given, name)
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "biuf" and (other := _other(array)):
            raise TypeError(f"they are {other}")
        with np.errstate(over="ignore"):  # of a wider type: infinity is refused with its place
            return array.astype(np.float64, copy=False)
    except OverflowError as error:
        raise ValueError(f"{name} holds a whole number that no float64 can: {FITS}") from error
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name} must be real numbers in an array of shape (n, T) or (n, T, m), or a list of arrays (T_i, m): {error}"
        ) from error


def refuse_hidden(given, name: str) -> None:
    """Raise ValueError where a masked array, or one of a list of them, hides values: others would be computed in their place."""
    parts = given if isinstance(given, list | tuple) else [given]
    hidden = sum(np.ma.count_masked(part) for part in parts if isinstance(part, np.ma.MaskedArray))
    if hidden:
        raise ValueError(
            f"{name} is masked, and hides {hidden} of its values: every value must be there. Fill them in first, for instance by "
            f"linear interpolation over time (pandas: `DataFrame(X.filled(np.nan)).interpolate(axis=1)`), or leave the sequences out"
        )


def _other(array: np.ndarray) -> str:
    """What values are that are no real numbers, a string among them that could be read as one; "" where all are."""
    if array.dtype != object:
        return array.dtype.name
    others = (type(value).__name__ for value in array.flat if not isinstance(value, int | float | np.number))
    return next((f"objects, and one is of type {other}" for other in others), "")


def _not_finite(x: np.ndarray, t: int, where: str) -> str:
    """What is wrong with x, from step t on, and what to do."""
    if not np.isnan(x[t]).any():
        return f"{where.format('infinity')}: every value must be finite"
    silent = np.isnan(x).all(axis=1)
    length = len(x) - int(np.argmin(silent[::-1])) if not silent.all() else 0
    if 0 < length < len(x) and not np.isnan(x[:length]).any():
        return (
            f"{where.format('NaN')}: every value must be finite. From there on the sequence holds nothing else, as where "
            f"shorter series are padded: `rntk.unpadded` gives the list of what they hold"
        )
    return (
        f"{where.format('NaN')} (a missing value): every value must be finite. Fill it first, for instance by linear "
        f"interpolation over time (pandas: `DataFrame.interpolate`), or leave the sequence out"
    )


def unpadded(X) -> list[np.ndarray]:
    """Sequences that were padded with NaN at their ends, as the archive pads series of unequal length, without it.

    X has shape (n, T) or (n, T, m). Returns a list of arrays (T_i, m). Raises ValueError where a sequence is all NaN;
    NaN within a sequence stays.
    """
    array = _numbers(X, "X")
    if array.ndim not in (2, 3):
        raise ValueError(f"X has shape {array.shape}: expected (n, T) or (n, T, m)")
    array = array if array.ndim == 3 else array[:, :, None]
    held = ~np.isnan(array).all(axis=2)
    if not held.any(axis=1).all():
        raise ValueError(f"sequence {int(np.argmin(held.any(axis=1)))} of X holds nothing but NaN")
    return [x[: len(x) - int(np.argmax(row[::-1]))] for x, row in zip(array, held, strict=True)]


def as_pair(X, Y=None, ragged: bool = False) -> tuple[Sequences, Sequences | None]:
    """X and Y as sequences that can be compared: of the same channels and, unless `ragged`, all of one length.

    X is compared with itself where Y is None or the very same object; then None is returned for Y.
    """
    sequences = as_sequences(X, "X")
    others = None if Y is None or Y is X else as_sequences(Y, "Y")
    sets = [("X", sequences)] + ([] if others is None else [("Y", others)])
    for name, those in sets:
        if those.ragged and not ragged:
            raise ValueError(
                f"the sequences of {name} have {those.lengths.min()} to {those.lengths.max()} steps: this kernel needs equal lengths"
            )
    if others is not None:
        check_pair(sequences.shape, others.shape, ragged)
    return sequences, others


def check_pair(shape: tuple[int, int, int], other: tuple[int, int, int], ragged: bool, name: str = "Y") -> None:
    """Raise ValueError unless sets of these shapes, X and the one called `name`, have the same channels and, unless `ragged`, the
    same number of steps.
    """
    for axis, what in ((2, "channels"), (1, "steps")):
        if shape[axis] != other[axis] and (what == "channels" or not ragged):
            raise ValueError(
                f"X has {shape[axis]} {what} and {name} has {other[axis]}: they must be equal "
                f"(shapes {shape} and {other} as (n, T, m))"
            )


def as_chunks(X, name: str = "X"):
    """A Dask array of sequences whose chunks are whole sequences, as it is: its shape and dtype are checked, its values are
    where they are computed.

    Raises ValueError for a shape other than (n, T) or (n, T, m), chunks of unknown size or across steps or channels, an empty
    set, chunk or sequence, and values that are no real numbers.
    """
    if X.ndim not in (2, 3):
        raise ValueError(f"{name} has shape {X.shape}: expected a Dask array (n, T), or (n, T, m) with m channels")
    if any(size != size for sizes in X.chunks for size in sizes):  # NaN: Dask does not know it
        raise ValueError(f"{name} has chunks of unknown size: call {name}.compute_chunk_sizes() first")
    if any(size == 0 for sizes in X.chunks for size in sizes):
        raise ValueError(
            f"{name} has shape {X.shape} in chunks {X.chunks}: none may be empty, and at least one sequence, one step and one "
            f"channel are needed"
        )
    if X.numblocks[1:] != (1,) * (X.ndim - 1):
        whole = {0: "auto", **dict.fromkeys(range(1, X.ndim), -1)}
        raise ValueError(
            f"{name} is cut across its steps or channels, into chunks of {X.chunks[1:]}: a chunk holds whole sequences. "
            f"Rechunk it first: {name}.rechunk({whole})"
        )
    if X.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must be real numbers in an array of shape (n, T) or (n, T, m): they are {X.dtype.name}"
        )
    return X


def in_chunks(X) -> bool:
    """Whether X is a Dask array."""
    return type(X).__module__.startswith("dask.array")
