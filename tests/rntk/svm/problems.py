"""What these tests solve: training sets that come with sktime, as the study prepares them."""

import numpy as np
from sklearn.svm import SVC

from datasets import load
from rntk.normalisation import normalise
from rntk.svm.grams import Grams
from rntk.svm.scores import Scores, score
from runners.protocol import Protocol

PROTOCOL = Protocol()
BUNDLED = ["ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf"]  # and PLAID, whose series differ in length


def training_set(name):
    """Series, labels as numbers, and folds."""
    dataset = load(name, downloads=False)
    y = np.unique(dataset.y_train, return_inverse=True)[1]
    return normalise(dataset.X_train, "unit"), y, PROTOCOL.split(y, name)


def scores_of(kernel, settings, X, y, folds, every=False):
    """The scores of a grid."""
    found = Scores(list(settings), PROTOCOL.C, len(y))
    score(found, Grams(kernel, X), y, folds, PROTOCOL.max_iter, {"kernel": 0.0, "selection": 0.0}, every)
    return found


def plain_scores(K, y, folds, C):
    """Every C and fold solved by scikit-learn on the Gram as it is: no scaling, no slices kept, no shortcut."""
    return [
        sum(
            np.sum(SVC(kernel="precomputed", C=c).fit(K[np.ix_(a, a)], y[a]).predict(K[np.ix_(b, a)]) == y[b])
            for a, b in folds
        )
        for c in C
    ]
