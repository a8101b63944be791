"""What the RNTK is compared with: four kernels with the same call, and the archive's nearest-neighbour classifier."""

from baselines.classifiers import NearestNeighbour
from baselines.kernels import RBF, Gaussian, Polynomial
from baselines.ntk import NTK

__all__ = ["NTK", "RBF", "Gaussian", "NearestNeighbour", "Polynomial"]
