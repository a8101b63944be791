"""How a series is normalised, by itself: nothing is ever fitted on a set."""

import numpy as np

NORMALISATIONS = ("unit", "zscore", "none")


def normalise(X: np.ndarray, how: str, axis: int | tuple[int, ...] | None = 1) -> np.ndarray:
    """Each series of X, (n, T), divided by its Euclidean norm ("unit"), or less its mean and divided by its standard
    deviation ("zscore"), or as it is ("none"); a norm or deviation of 0 divides nothing. Another `axis` is for single series
    of several channels. Series of any size are first multiplied by a power of two, which changes no digit: no square is lost.
    """
    if how == "none":
        return X
    X = np.ldexp(X, -np.frexp(np.abs(X).max(axis=axis, keepdims=True))[1])
    if how == "zscore":
        X = X - X.mean(axis=axis, keepdims=True)
    scale = np.linalg.norm(X, axis=axis, keepdims=True) if how == "unit" else X.std(axis=axis, keepdims=True)
    return X / np.where(scale > 0, scale, 1.0)
