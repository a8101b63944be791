"""What the benchmarks solve: methods as the study has them, and training sets as its protocol prepares them."""

from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from datasets import Dataset
from rntk.normalisation import normalise
from runners.config import method_of
from runners.method import Method
from runners.protocol import Protocol

METHODS = Path(__file__).parents[1] / "conf" / "method"
PROTOCOL = Protocol()


def method(name: str) -> Method:
    """A method of the study, with its full grid."""
    return method_of(OmegaConf.load(METHODS / f"{name}.yaml"))


def training_set(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, list]:
    """The normalised training series of a dataset, their labels as numbers from 0 on, and the folds."""
    X = normalise(dataset.X_train, PROTOCOL.normalisation)
    y = np.unique(dataset.y_train, return_inverse=True)[1]
    return X, y, PROTOCOL.split(y, dataset.name)
