"""Sequences as arrays: every input is checked here, before anything is computed."""

import numpy as np


def as_sequences(X, name: str = "X") -> np.ndarray:
    """A set of sequences of equal length as a float64 array of shape (n, T, m): n sequences, T steps, m channels.

    Takes (n, T), which has one channel, or (n, T, m). Raises ValueError for any other shape, an empty axis, values
    that are not numbers, NaN and infinity; `name` is what the message calls the argument.
    """
    try:
        array = np.asarray(X, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name} must be numbers in an array of shape (n, T) or (n, T, m), all sequences of one length: {error}"
        ) from error
    if array.ndim not in (2, 3):
        raise ValueError(f"{name} has shape {array.shape}: expected (n, T), or (n, T, m) with m channels")
    if 0 in array.shape:
        raise ValueError(f"{name} has shape {array.shape}: at least one sequence, one step and one channel are needed")
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        kind = "NaN (a missing value: impute or drop it first)" if np.isnan(array[tuple(where)]) else "infinity"
        raise ValueError(f"{name} holds {kind} in sequence {where[0]} at step {where[1]}: every value must be finite")
    return array if array.ndim == 3 else array[:, :, None]


def as_pair(X, Y=None) -> tuple[np.ndarray, np.ndarray | None]:
    """X and Y as sequences that can be compared: the same length and channels.

    X is compared with itself where Y is None or the very same object; then None is returned for Y.
    """
    sequences = as_sequences(X, "X")
    if Y is None or Y is X:
        return sequences, None
    others = as_sequences(Y, "Y")
    for axis, what in ((2, "channels"), (1, "steps")):
        if sequences.shape[axis] != others.shape[axis]:
            raise ValueError(
                f"X has {sequences.shape[axis]} {what} and Y has {others.shape[axis]}: they must be equal "
                f"(shapes {sequences.shape} and {others.shape} as (n, T, m))"
            )
    return sequences, others
