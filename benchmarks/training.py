"""Trainings of networks as one program against the same trainings one after another, each compiled beforehand."""

import numpy as np

from baselines.networks import GRU, GaussianRNN
from baselines.training import Run, Trainer
from benchmarks.engine import series
from benchmarks.measure import Row, seconds
from rntk.sequences import as_sequences
from rntk.svm.folds import folds


def rows() -> list[Row]:
    """Three folds × two learning rates of 100 series of 100 steps, 100 units, five epochs."""
    X, y = as_sequences(series(100, 100)), np.arange(100) % 2
    found = []
    for kind in (GaussianRNN, GRU):
        trainer = Trainer(kind(epochs=5), X, y, 2)
        runs = [Run(i, rate, *fold) for rate in (0.001, 0.0001) for i, fold in enumerate(folds(y, 3, 0))]

        def together(trainer=trainer, runs=runs):
            trainer.validate(runs)

        def alone(trainer=trainer, runs=runs):
            for run in runs:
                trainer.validate([run])

        here, there = seconds(together, 3), seconds(alone, 3)
        found.append(
            Row(f"{len(runs)} trainings of {kind.__name__} together", f"{here:.2f} s", f"{there:.2f} s", there / here)
        )
    return found
