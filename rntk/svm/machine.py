"""One-versus-one C-SVMs on Grams: the pairs of classes of a set of cases, laid out once for many Grams."""

from functools import cache
from typing import NamedTuple

import numpy as np

from rntk.compiling import alone, announced
from rntk.svm import solver
from rntk.svm.solver import GIVEN_UP, SAME


class NotConverged(Exception):
    """No machine: an SVM was stopped by the iteration limit, or its solution is not finite."""


class Solution(NamedTuple):
    """The machine of one C.

    `problem` says why it may not be used, "" where nothing is wrong; `same` that it is that of the C before it. `coefficients`
    (classes − 1, cases) and `rho` (pairs,) are laid out as LIBSVM does, with the cases in the order of their classes;
    `iterations` (pairs,) is what each pair took.
    """

    machine: "Machine"
    coefficients: np.ndarray
    rho: np.ndarray
    iterations: np.ndarray
    problem: str
    same: bool

    def predict(self, K: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Labels for rows of K, (r, n), whose columns are the n cases that the machine was laid out for; all rows by default.

        Of classes that win equally many pairs it is the first. Raises ValueError for a K of other columns, IndexError for a
        row that K does not have.
        """
        machine, K = self.machine, np.asarray(K, np.float64, order="C")
        if K.ndim != 2 or K.shape[1] != machine.n:
            raise ValueError(f"K has shape {K.shape}: {machine.n} columns are needed, one for each case")
        rows = np.arange(len(K)) if rows is None else rows
        return machine.classes[solver.vote(K, rows, machine.cases, machine.bounds, self.coefficients, self.rho)]


class Machine:
    """One-versus-one C-SVMs that learn from the cases `train`, an array of indices, of n cases with the labels y, (n,).

    What does not depend on the Gram is laid out here; nothing of a Gram stays. Raises ValueError where there is no case to
    learn from, or an index that y does not have.
    """

    def __init__(self, train: np.ndarray, y: np.ndarray):
        compiled()
        train, y = np.asarray(train), np.asarray(y)
        if not len(train) or train.min() < 0 or train.max() >= len(y):
            raise ValueError(
                f"train holds {len(train)} indices of {len(y)} cases: at least one is needed, each from 0 on"
            )
        order = np.argsort(y[train], kind="stable")
        self.n = len(y)
        self.cases = np.ascontiguousarray(train[order], dtype=np.int64)
        self.classes, starts = np.unique(y[self.cases], return_index=True)
        self.bounds = np.append(starts, len(self.cases)).astype(np.int64)

    def path(self, K: np.ndarray, C, max_iter: int = 100_000, approximate: bool = False) -> list[Solution]:
        """The solutions on a Gram K, finite, (n, n), at each C > 0, ascending.

        A pair of classes is not solved again at larger C where its solution will be the same. One that needs more than
        `max_iter` iterations is given up: the solution has a `problem`, and is of use only where `approximate` let the other
        pairs be solved all the same. Raises ValueError for a K of another shape and C that do not ascend.
        """
        K, C = np.asarray(K, np.float64, order="C"), np.array(C, np.float64)
        if K.shape != (self.n, self.n):
            raise ValueError(f"K has shape {K.shape}: ({self.n}, {self.n}) is needed, a row and a column for each case")
        coefficients, rho, iterations, states = solver.solve_path(K, self.cases, self.bounds, C, max_iter, approximate)
        if not len(states):
            raise ValueError(f"C={C.tolist()}: values > 0 in ascending order are needed")
        return [
            Solution(
                self,
                coefficients[c],
                rho[c],
                iterations[c],
                problem(state, max_iter) if state >= GIVEN_UP else "",
                state == SAME,
            )
            for c, state in enumerate(states.tolist())
        ]


def problem(state: int, max_iter: int) -> str:
    """Why there is no solution."""
    return f"more than {max_iter} iterations" if state == GIVEN_UP else "its coefficients are not finite"


@cache
def compiled() -> None:
    """Compile the solver, or load it: once a process, one process at a time."""
    with alone(solver.solve_path.stats.cache_path), announced("the support vector machine", 8):
        cases, bounds = np.arange(2), np.arange(3)
        coefficients, rho, *_ = solver.solve_path(np.eye(2), cases, bounds, np.ones(1), 10, False)
        solver.vote(np.eye(2), cases, cases, bounds, coefficients[0], rho[0])
