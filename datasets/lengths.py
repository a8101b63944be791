"""Series of different lengths brought to one, for what can only compare those of one length."""

import numpy as np

LENGTHS = ("pad", "cut", "resample")


def one_length(X: list[np.ndarray], how: str, T: int) -> np.ndarray:
    """Each series of X, (T_i,) or (T_i, m), as one of T steps: an array (n, T) or (n, T, m).

    "pad" appends zeros, "cut" takes the first T steps, "resample" reads the series at T equally spaced times, between its steps on
    the line that joins them. A series that is too long to be padded is cut, and one that is too short to be cut is padded.
    """
    if how == "resample":
        return np.array([resampled(x, T) for x in X])
    result = np.zeros((len(X), T, *X[0].shape[1:]))
    for row, x in zip(result, X, strict=True):
        row[: len(x)] = x[:T]
    return result


def resampled(x: np.ndarray, T: int) -> np.ndarray:
    """A series at T equally spaced times, each channel by itself."""
    if x.ndim == 2:
        return np.stack([resampled(channel, T) for channel in x.T], axis=1)
    return np.interp(np.linspace(0, len(x) - 1, T), np.arange(len(x)), x)


def length_of(X: list[np.ndarray], how: str) -> int:
    """The one length for a training set X: of its shortest series to cut, of its longest otherwise."""
    return (min if how == "cut" else max)(map(len, X))
