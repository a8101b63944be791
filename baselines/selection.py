"""The search for a network's hyperparameters by cross-validation, and the networks that come of it."""

import time
from hashlib import sha256
from math import ceil, inf
from typing import Any

import numpy as np

from baselines.networks import Network
from baselines.training import History, Run, Trainer
from rntk.sequences import as_sequences
from rntk.svm.machine import NotConverged
from rntk.waiting import each

UNUSABLE = -1


class NetworkSearch:
    """Chooses a network's setting by cross-validation on a training set, trains the choice on all of it, once a seed, and
    classifies other series.

    network: the network at any setting. settings: dictionaries of its hyperparameters. seed: of all draws, with the name of what
    is drawn.

    A setting's score is the number of training series that are classified correctly in the fold that holds them out, each fold
    at the epoch with its best validation score; of equal scores the first setting wins. The choice is trained on the whole
    training set for as many epochs as the median of its folds' best, and kept as it was after the epoch that fits that set best: the
    last step of a training without decay may be a bad one. A fold that diverges has nothing right, and a seed that diverges no
    network; a setting that diverges in every fold, or from every seed, gives way to the next best.

    After `fit`: `rows`, a setting each; `curves`, what was seen of the choice by epoch (of all settings, where none
    can be used); `setting`, the choice; `cv_accuracy`, in [0, 1]; `n_tied`,
    how many settings have its score; `runs`, what became of each seed; `timings`, seconds by stage.
    """

    def __init__(self, network: Network, settings: list[dict[str, Any]], seed: int):
        self.network, self.settings, self.seed = network, settings, seed
        self.rows: list[dict[str, Any]] = []
        self.curves: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.timings = {"selection": 0.0}

    def fit(
        self, X, y: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]], deadline: float = inf
    ) -> "NetworkSearch":
        """Search with the training set X, labels y (n,), 0 … classes − 1, and its folds.

        Raises NotConverged where every setting diverges, `OutOfTime` once `time.monotonic()` passes the deadline, MemoryError
        where no architecture will fit.
        """
        started = time.perf_counter()
        X, classes = as_sequences(X), int(y.max()) + 1
        found: dict[int, list[History]] = {}
        too_large: dict[int, str] = {}
        for members in each(self._architectures(), "architectures"):
            trainer = Trainer(self.network.with_params(**self.settings[members[0]]), X, y, classes)
            runs = [
                Run(named(self.seed, f"fold {i}"), self._at(row).learning_rate, train, held)
                for row in members
                for i, (train, held) in enumerate(folds)
            ]
            try:
                histories = iter(trainer.validate(runs, deadline))
                found |= {row: [next(histories) for _ in folds] for row in members}
            except MemoryError as error:  # the architectures that fit go on
                too_large |= {row: str(error) for row in members}
                found |= {row: [] for row in members}
        if len(too_large) == len(self.settings):
            raise MemoryError(too_large[0])
        scores = [score(found[row]) for row in range(len(self.settings))]
        self.rows = [
            {
                **setting,
                "correct": correct,
                "epochs": epochs_of(found[row]),
                "note": too_large.get(row, note(found[row])),
            }
            for row, (setting, correct) in enumerate(zip(self.settings, scores, strict=True))
        ]
        curves = [
            curve("folds", setting, found[row], [len(held) for _, held in folds])
            for row, setting in enumerate(self.settings)
        ]
        self.timings["selection"] = time.perf_counter() - started
        ranking = [int(row) for row in np.argsort(-np.array(scores), kind="stable") if scores[row] != UNUSABLE]
        for row in ranking:
            if self._refit(row, X, y, classes, deadline):
                self.cv_accuracy, self.n_tied = scores[row] / len(y), scores.count(scores[row])
                self.curves = curves[row] + self.curves
                return self
        self.curves = [row for found in curves for row in found]
        raise NotConverged(f"no setting of the grid is usable; the last {self.rows[-1]['note']}")

    def predict(self, X) -> np.ndarray:
        """The label that the network of each seed gives each series, (seeds, n), of those seeds that did not diverge."""
        started = time.perf_counter()
        labels = self._trainer.classify(self._parameters, as_sequences(X))
        self.timings["predict"] = time.perf_counter() - started
        return labels[[not run["diverged"] for run in self.runs]]

    def _refit(self, row: int, X, y, classes: int, deadline: float) -> bool:
        """Train a setting on all series, from every seed; returns whether there is a network."""
        started = time.perf_counter()
        network, epochs = self._at(row), self.rows[row]["epochs"]
        self._trainer = Trainer(network, X, y, classes)
        everything = np.arange(len(y))
        runs = [
            Run(named(self.seed, f"seed {s}"), network.learning_rate, everything, everything)
            for s in range(network.seeds)
        ]
        histories, self._parameters = self._trainer.train(runs, epochs, deadline)
        self.setting = self.settings[row]
        self.runs = [
            {"seed": s, "epochs": len(history.loss), "kept": history.best, "diverged": history.diverged}
            for s, history in enumerate(histories)
        ]
        self.curves = curve("all", self.setting, histories, [len(y)] * len(runs))
        self.timings["refit"] = self.timings.get("refit", 0.0) + time.perf_counter() - started
        if all(history.diverged for history in histories):
            when = ", ".join(f"{history.diverged} (seed {s})" for s, history in enumerate(histories))
            before = f"{self.rows[row]['note']}; " if self.rows[row]["note"] else ""
            self.rows[row]["note"] = f"{before}diverged on the whole training set in epoch {when}"
            return False
        return True

    def _at(self, row: int) -> Network:
        return self.network.with_params(**self.settings[row])

    def _architectures(self) -> list[list[int]]:
        """The settings that differ in the learning rate alone, together: one program trains them."""
        together: dict[str, list[int]] = {}
        for row in range(len(self.settings)):
            together.setdefault(repr(self._at(row).with_params(learning_rate=1.0)), []).append(row)
        return list(together.values())


def named(seed: int, name: str) -> int:
    """A seed of 32 bits from another and a name: the same in any order of draws."""
    return int.from_bytes(sha256(f"{seed}:{name}".encode()).digest()[:4], "big")


def score(histories: list[History]) -> int:
    """How many series are right over the folds that did not diverge, each at its best epoch; UNUSABLE where all did."""
    right = [history.correct[history.best - 1] for history in histories if not history.diverged]
    return sum(right) if right else UNUSABLE


def epochs_of(histories: list[History]) -> int:
    """For how many epochs the choice is trained: the median of the best of the folds that did not diverge, the later of two; 0
    where all did.
    """
    return ceil(np.median([history.best for history in histories if not history.diverged] or [0]))


def note(histories: list[History]) -> str:
    """In which folds and epochs a setting diverged, if it did."""
    return "; ".join(f"diverged in fold {i}, epoch {h.diverged}" for i, h in enumerate(histories) if h.diverged)


def curve(on: str, setting: dict[str, Any], histories: list[History], held: list[int]) -> list[dict[str, Any]]:
    """What was seen by epoch, over the runs that still trained: how many, their mean loss, and their mean loss and accuracy on the
    series for validation, of which each has `held`.
    """
    rows = []
    for epoch in range(max((len(history.loss) for history in histories), default=0)):
        going = [i for i, history in enumerate(histories) if len(history.loss) > epoch]
        row = {"on": on, **setting, "epoch": epoch + 1, "running": len(going)}
        row["loss"] = digits(np.mean([histories[i].loss[epoch] for i in going]))
        row["validation_loss"] = digits(np.mean([histories[i].validation_loss[epoch] for i in going]))
        right = sum(histories[i].correct[epoch] for i in going)
        row["validation_accuracy"] = digits(right / sum(held[i] for i in going))
        rows.append(row)
    return rows


def digits(value: float) -> float:
    """A number to four digits, which is what a curve is read to."""
    return float(f"{value:.4g}")
