"""What the study and the classifier do alike: how series are normalised, how a training set is divided."""

import warnings

import numpy as np

NORMALISATIONS = ("unit", "zscore", "none")


def normalise(X: np.ndarray, how: str, axis: int | None = 1) -> np.ndarray:
    """Each series of X, (n, T), by itself: divided by its Euclidean norm ("unit"), or less its mean and divided by its standard
    deviation ("zscore"), or as it is ("none"); a norm or deviation of 0 divides nothing. Another `axis` is for single series
    of several channels.
    """
    if how == "none":
        return X
    if how == "zscore":
        X = X - X.mean(axis=axis, keepdims=True)
    scale = np.linalg.norm(X, axis=axis, keepdims=True) if how == "unit" else X.std(axis=axis, keepdims=True)
    return X / np.where(scale > 0, scale, 1.0)


def folds(y: np.ndarray, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The folds as pairs of indices, to train with and to validate on.

    Stratified by the labels y, (n,), and shuffled; plain K-fold where no class has as many members as there are folds;
    fewer folds where there are fewer series. Raises ValueError for fewer than two series or folds.
    """
    from sklearn.model_selection import KFold, StratifiedKFold  # a second of imports, for those who select

    count = min(count, len(y))
    splitter = StratifiedKFold if np.unique(y, return_counts=True)[1].max() >= count else KFold
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # small classes are the archive's, and known
        return list(splitter(count, shuffle=True, random_state=seed).split(np.zeros(len(y)), y))
