"""The recurrent neural tangent kernel: the kernel of an infinitely wide recurrent network.

>>> from rntk import RNTK
>>> k = RNTK(sigma_w=1.4, sigma_b=0.1)
>>> K = k([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
>>> K.shape
(2, 2)
"""

from rntk.blocks import gram_blocks, gram_file
from rntk.kernel import RNTK
from rntk.nonlinearities import Nonlinearity, Quadrature, Rectifier
from rntk.nystroem import NystroemFeatures
from rntk.random_features import RandomFeatures
from rntk.sequences import unpadded
from rntk.streamed_ridge import StreamedRidge
from rntk.streaming import StreamedClassifier
from rntk.version import __version__
from rntk.waiting import progress

__all__ = [
    "RNTK",
    "Nonlinearity",
    "NystroemFeatures",
    "Quadrature",
    "RandomFeatures",
    "Rectifier",
    "StreamedClassifier",
    "StreamedRidge",
    "__version__",
    "gram_blocks",
    "gram_file",
    "progress",
    "unpadded",
]
