"""One-versus-one C-SVMs on precomputed Grams, laid out once for many of them."""

from functools import cache

import numpy as np

from rntk.compiling import alone
from runners.smo import solve_pairs, vote


class NotConverged(Exception):
    """An SVM was stopped by the iteration limit, or its solution is not finite."""


class Machine:
    """One-versus-one C-SVMs for the cases `train` of a Gram, of labels y (whole numbers, (n,), of all cases).

    What does not depend on the Gram is laid out once. Between two Grams, `start`; for each, the C in ascending order: a
    pair of classes is not solved again where its solution will be the same.
    """

    def __init__(self, train: np.ndarray, y: np.ndarray):
        compiled()
        order = np.argsort(y[train], kind="stable")
        self.cases = np.ascontiguousarray(train[order], dtype=np.int64)
        self.classes, starts, counts = np.unique(y[self.cases], return_index=True, return_counts=True)
        self.bounds = np.append(starts, len(self.cases)).astype(np.int64)
        size = int(np.sort(counts)[-2:].sum())  # the largest pair
        self.rows = np.empty((size, size), np.float32)
        k = len(self.classes)
        self.coefficients, self.rho = np.zeros((max(k - 1, 1), len(self.cases))), np.zeros(k * (k - 1) // 2)
        self.unsettled = np.ones(len(self.rho), np.bool_)
        self.C = 0.0

    def start(self) -> None:
        """Forget the last Gram."""
        self.unsettled[:], self.C = True, 0.0

    def fit(self, K: np.ndarray, C: float, max_iter: int) -> "Machine":
        """Solve at C, on the Gram K, finite float64, of all cases. Raises NotConverged."""
        if C < self.C:
            self.start()
        self.C = C
        converged = solve_pairs(
            K, self.cases, self.bounds, C, max_iter, self.rows, self.coefficients, self.rho, self.unsettled
        )
        if not converged:
            self.start()
            raise NotConverged(f"more than {max_iter} iterations")
        if not (np.isfinite(self.rho).all() and np.isfinite(self.coefficients).all()):
            self.start()
            raise NotConverged("its coefficients are not finite")
        return self

    @property
    def is_settled(self) -> bool:
        """Whether every larger C has the same solution."""
        return not self.unsettled.any()

    def predict(self, K: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Labels for the rows `held` of K, whose columns are the cases of the Gram that the machine was fitted on."""
        return self.classes[vote(K, held, self.cases, self.bounds, self.coefficients, self.rho)]


@cache
def compiled() -> None:
    """Compile the solver, or load it: once a process, one process at a time."""
    with alone(solve_pairs.stats.cache_path):
        cases, bounds, rows = np.arange(2), np.arange(3), np.empty((2, 2), np.float32)
        coefficients, rho = np.zeros((1, 2)), np.zeros(1)
        solve_pairs(np.eye(2), cases, bounds, 1.0, 10, rows, coefficients, rho, np.ones(1, np.bool_))
        vote(np.eye(2), cases, cases, bounds, coefficients, rho)
