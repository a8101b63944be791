"""Which series of a few candidates are landmarks, from the candidates' Gram: seldom two that say the same."""

from collections.abc import Callable

import numpy as np

ROUNDING = 2.0**-26  # what a kernel near c = 1 keeps of its digits
LEAST_RIDGE = 2.0**-20  # of the trace: no Gram in float32 is indefinite with it
CANDIDATES = 4  # a landmark, where landmarks are chosen


def plus_plus(K: np.ndarray, m: int, rng: np.random.Generator) -> np.ndarray:
    """Up to m series that lie far from each other in the kernel's feature space (k-means++): the first is any of them, and each
    next is drawn with probability in proportion to its squared distance from the nearest one that is chosen,

        d²(x) = min_z k(x, x) + k(z, z) − 2 k(x, z)

    A series that equals a chosen one has distance 0 and is never drawn: there are fewer than m where fewer differ.

    K: the Gram (n, n). Returns indices in the order of the draw. O(n m) beside the Gram.

    Source: Arthur, Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007; as landmarks: Oglic, Gärtner,
    "Nyström Method with Kernel K-means++ Samples as Landmarks", ICML 2017.
    """
    chosen = [int(rng.integers(len(K)))]
    nearest = np.full(len(K), np.inf)
    while True:
        nearest = np.minimum(nearest, squared_distances(K, chosen[-1]))
        if len(chosen) == m or not nearest.any():
            return np.array(chosen)
        chosen.append(int(rng.choice(len(K), p=nearest / nearest.sum())))


def squared_distances(K: np.ndarray, z: int) -> np.ndarray:
    """k(x, x) + k(z, z) − 2 k(x, z) of all x; 0 where that is lost in rounding."""
    norms = np.diag(K)
    distances = norms + norms[z] - 2 * K[z]
    return np.where(distances > ROUNDING * (norms + norms[z]), distances, 0.0)


def by_leverage(K: np.ndarray, m: int, rng: np.random.Generator) -> np.ndarray:
    """m series, drawn without repetition in proportion to their ridge leverage scores, at a ridge below which half of m directions
    of the kernel stand out.

        λ = 2/m Σ_{i > m/2} λ_i(K),        estimated from m of the series: their eigenvalues times n/m

    K: the Gram (n, n). Returns indices. O(n³) beside the Gram.

    Source: Musco, Musco, "Recursive Sampling for the Nyström Method", NeurIPS 2017 (λ as there; one level of scores, exact among
    the candidates, in place of the recursion).
    """
    n, few = len(K), -(-m // 2)
    some = rng.choice(n, m, replace=False)
    tail = np.linalg.eigvalsh(K[np.ix_(some, some)])[: m - few].clip(min=0).sum() * n / m
    ridge = max(tail / few, LEAST_RIDGE * np.trace(K))
    scores = leverage_scores(K, ridge)
    return rng.choice(n, m, replace=False, p=scores / scores.sum())


def leverage_scores(K: np.ndarray, ridge: float) -> np.ndarray:
    """The ridge leverage score of each series, in (0, 1): how much of it the others cannot tell.

    ℓ_i = (K (K + λ I)⁻¹)_ii = 1 − λ ((K + λ I)⁻¹)_ii
    """
    inverse = np.linalg.inv(np.linalg.cholesky(K + ridge * np.eye(len(K))))
    return np.maximum(1 - ridge * np.einsum("ij,ij->j", inverse, inverse), np.finfo(float).tiny)


LANDMARKS: dict[str, Callable | None] = {"uniform": None, "kmeans++": plus_plus, "leverage": by_leverage}
