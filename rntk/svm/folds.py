"""The folds of cross-validation: one rule, for the study and the classifier alike."""

import warnings

import numpy as np


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
