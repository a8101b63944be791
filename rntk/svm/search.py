"""The search for a kernel's hyperparameters and C, and the machine that comes of it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import numpy as np

from rntk.svm.grams import Grams
from rntk.svm.machine import Machine, NotConverged, Solution
from rntk.svm.scores import Scores, score, without_factor


class Search:
    """Chooses a kernel's setting and C by cross-validation on a training set, refits the choice on all of it, and classifies
    other series.

    kernel: as `rntk.svm.grams.Grams` takes it. settings: dictionaries of its hyperparameters. C: of the machine on the kernel
    as it is, > 0, ascending. max_iter: iterations after which an SVM is given up. tie_break: of the settings with the
    highest score "first" takes the first in the order given, C ascending; "vote" all of them, and the label that most give a
    case. every: score all settings to the end, also those that cannot win.

    After `fit`: `scores`, also where nothing could be chosen; `setting` and `best_C`, the choice; `cv_accuracy`; `n_tied`, how
    many (setting, C) have its score; `gram`, the chosen setting's K / s and s (`Grams.train`); `timings`, seconds by stage.
    """

    def __init__(
        self,
        kernel: Callable,
        settings: list[dict[str, Any]],
        C: tuple[float, ...],
        max_iter: int = 100_000,
        tie_break: str = "first",
        every: bool = False,
    ):
        self.kernel, self.settings, self.C = kernel, settings, C
        self.max_iter, self.tie_break, self.every = max_iter, tie_break, every
        self.scores: Scores | None = None
        self.timings = {"kernel": 0.0, "selection": 0.0}

    def fit(self, X, y: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]], deadline: float = np.inf) -> "Search":
        """Search with the training set X, labels y (n,) and its folds.

        Raises NotConverged where no setting can be used, OutOfTime once `time.monotonic()` passes the deadline, FaultyKernel
        where a Gram is none.
        """
        self.grams, self.y = Grams(self.kernel, X), np.asarray(y)
        for every in (self.every, True):
            found = Scores(self.settings, self.C, len(self.y))
            score(found, self.grams, self.y, folds, self.max_iter, self.timings, every, deadline)
            self.scores = found
            ranking = self.scores.best_first()
            if not ranking:
                raise NotConverged(f"no setting of the grid is usable; the first says: {self.scores.notes[0]}")
            self._choose(ranking)
            if self.voters or not self.scores.dropped.any():
                break  # otherwise what comes next may be among the dropped: score them, too
        if not self.voters:
            raise NotConverged("no setting that cross-validation scored could be refitted on the whole training set")
        return self

    def predict(self, X) -> np.ndarray:
        """The label of every series of X."""
        started = time.perf_counter()
        ballots = []
        for setting, scale, solutions in self.voters:
            K = np.divide(self.grams.test(setting, X), scale, dtype=np.float64, order="C")
            ballots += [solution.predict(K) for solution in solutions]
        self.timings["predict"] = self.timings.get("predict", 0.0) + time.perf_counter() - started
        return ballots[0] if len(ballots) == 1 else majority(ballots)

    def _choose(self, ranking: list[tuple[int, int]]) -> None:
        """Refit the best that can be refitted and, where they vote, all that tie with it."""
        started = time.perf_counter()
        scores, chosen = self.scores, None
        self.voters = []
        for (reached, row), choices in groupby(ranking, key=lambda choice: (scores.correct[choice], choice[0])):
            if chosen and (self.tie_break == "first" or reached < scores.correct[chosen]):
                break
            if reached < scores.best and scores.dropped.any():  # the second best may be among the dropped
                break
            setting, factor = without_factor(self.kernel, self.settings[row])
            K, scale = self.grams.train(setting, thorough=True)
            machines = list(self._refit(K, scale * factor, row, [column for _, column in choices]))
            if not machines:
                continue
            if chosen is None:
                chosen = row, machines[0][0]
                self.gram = K, scale * factor
            self.voters.append((setting, scale, [solution for _, solution in machines]))
        if chosen:
            self.setting, self.best_C = self.settings[chosen[0]], self.C[chosen[1]]
            self.cv_accuracy = float(scores.correct[chosen] / scores.n)
            self.n_tied = int(np.count_nonzero((scores.correct == scores.correct[chosen]) & ~scores.dropped))
        self.timings["refit"] = self.timings.get("refit", 0.0) + time.perf_counter() - started

    def _refit(self, K, scale: float, row: int, columns: list[int]) -> Iterator[tuple[int, Solution]]:
        """The machines of the whole training set at some C: where they vote all, otherwise the first that converges. Those that
        do not are noted.
        """
        machine = Machine(np.arange(len(self.y)), self.y)
        for column in columns:
            (solution,) = machine.path(K, [self.C[column] * scale], self.max_iter)
            if not solution.problem:
                yield column, solution
                if self.tie_break == "first":
                    return
            else:
                self.scores.notes[row] = (
                    f"not converged at C={self.C[column]:g} on the whole training set: {solution.problem}"
                )


def majority(ballots: list[np.ndarray]) -> np.ndarray:
    """The label most voters give each case; of equally many, the one that an earlier voter gave."""
    return np.array([Counter(votes).most_common(1)[0][0] for votes in zip(*ballots, strict=True)])


def health(K: np.ndarray, scale: float) -> dict[str, float]:
    """The state of a Gram: its mean diagonal s and, of K / s, the asymmetry and the smallest eigenvalue."""
    return {
        "scale": scale,
        "symmetry_error": float(np.abs(K - K.T).max()),
        "smallest_eigenvalue": float(np.linalg.eigvalsh(K)[0]),
    }
