"""1-nearest-neighbour by dynamic time warping, on dtaidistance (`pip install '.[context]'`)."""

import numpy as np
from dtaidistance.dtw import distance_fast
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.spatial.distance import cdist

from baselines.classifiers import NearestNeighbour

ROUNDING = 1e-9  # a bound is let be exceeded by so much, relatively, so that no distance that equals it is abandoned


class WarpingNeighbour(NearestNeighbour):
    """1-nearest-neighbour by dynamic time warping, the archive's second yardstick; of equally near series the first wins.

    DTW(x, y)² is the least Σ (x_i − y_j)² over the pairs (i, j) of a path from (1, 1) to (T, T) by steps of (1, 0), (0, 1) and
    (1, 1) that stays in the band |i − j| ≤ window · T.

    window: the band's share of the length, in [0, 1]; 0 is the Euclidean distance, 1 no band. Raises ValueError for another.

    Not every distance is computed. The Euclidean one, which no DTW exceeds, is the first bound; none is computed to its end once
    it exceeds the least so far; and none where how far the series leave each other's envelopes does so already (LB_Keogh: Keogh and
    Ratanamahatana, Knowledge and Information Systems, 2005).
    """

    takes_channels = True  # to refuse them: one after another they would be warped into each other

    def __init__(self, window: float = 1.0):
        self.window = window
        self._check()

    def set_params(self, **params):
        """Set the window; raises ValueError for one that is none."""
        super().set_params(**params)
        self._check()
        return self

    def _check(self) -> None:
        if not (isinstance(self.window, int | float) and 0 <= self.window <= 1):
            raise ValueError(f"window={self.window!r}: a share of the series' length, from 0 to 1, is needed")

    def predict(self, X):
        """The label of the nearest training series, for each of X, (n, T); raises ValueError for series of several channels."""
        if np.ndim(X) > 2:
            raise ValueError(f"{type(self).__name__} compares series of one channel, and these have {np.shape(X)[2]}")
        X, train = (np.ascontiguousarray(series, np.float64) for series in (X, self.X_))
        radius = int(self.window * X.shape[1] + ROUNDING)
        queries, others = (envelopes(series, radius) for series in (X, train))
        nearest = []
        for i, x in enumerate(X):
            below = np.maximum(outside(x, *others), outside(train, queries[0][i], queries[1][i]))
            above = cdist(x[None], train).min()
            nearest.append(_nearest(x, train, below, above, radius))
        return self.y_[nearest]


def envelopes(X: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of each series, (n, T), within `radius` steps of each step."""
    return minimum_filter1d(X, 2 * radius + 1, axis=1), maximum_filter1d(X, 2 * radius + 1, axis=1)


def outside(X: np.ndarray, least: np.ndarray, greatest: np.ndarray) -> np.ndarray:
    """How far each series is outside an envelope, as the Euclidean norm over steps: no more than its DTW to what is inside."""
    return np.linalg.norm(np.maximum(np.maximum(least - X, X - greatest), 0), axis=1)


def _nearest(x: np.ndarray, train: np.ndarray, below: np.ndarray, above: float, radius: int) -> int:
    """The first of the series of `train` that are nearest to x, none of whose distances is less than in `below`, and one of which is no
    more than `above`.
    """
    nearest, limit = (np.inf, -1), above * (1 + ROUNDING)
    for i in np.argsort(below, kind="stable").tolist():
        if below[i] > limit:
            break
        # the library's band is |i − j| < window, and a distance beyond the limit is infinite
        distance = distance_fast(x, train[i], use_pruning=False, window=radius + 1, max_dist=limit)
        if (distance, i) < nearest:
            nearest, limit = (distance, i), distance * (1 + ROUNDING)
    return nearest[1]
