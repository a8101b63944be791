"""Methods that are no kernels: classifiers with scikit-learn's fit and predict."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassifierMixin


class NearestNeighbour(ClassifierMixin, BaseEstimator):
    """1-nearest-neighbour by Euclidean distance, the archive's own yardstick; of equally near series the first wins.

    Distances are summed from the differences themselves: the usual shortcut |x|² − 2⟨x, y⟩ + |y|² rounds, and would
    break ties that are exact.
    """

    def fit(self, X, y):
        """Keep the series X, shape (n, T), and their labels y."""
        self.X_, self.y_ = np.asarray(X), np.asarray(y)
        self.classes_ = np.unique(self.y_)
        return self

    def predict(self, X):
        """The label of the nearest training series, for each of X."""
        return self.y_[cdist(np.asarray(X), self.X_, "sqeuclidean").argmin(axis=1)]
