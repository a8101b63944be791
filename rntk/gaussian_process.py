"""Any kernel of sequences as a kernel object of scikit-learn (`pip install rntk[classifier]`)."""

import numpy as np
from sklearn.gaussian_process.kernels import Kernel as ScikitKernel

from rntk.base import Kernel


class GPKernel(ScikitKernel):
    """A kernel of this package where scikit-learn asks for one of its own.

    In `GaussianProcessRegressor` and `GaussianProcessClassifier`, in sums and products with other kernels
    (`GPKernel(RNTK()) + WhiteKernel()`), and in `KernelRidge` and `Nystroem`, which call a plain function once for each
    pair of series and a kernel object once for all.

    kernel: for instance RNTK(sigma_b=0.1). Its hyperparameters are fixed: `theta` is empty, and what is fitted by
    maximising the likelihood are those of the kernels that it is joined with. Arrays (n, T): scikit-learn's own checks
    let no sequences of unequal lengths through.
    """

    def __init__(self, kernel: Kernel):
        self.kernel = kernel

    def __call__(self, X, Y=None, eval_gradient: bool = False):
        """The Gram, and if `eval_gradient` its gradient by theta, of shape (n, n, 0)."""
        if eval_gradient and Y is not None:
            raise ValueError("Gradient can only be evaluated when Y is None.")
        K = np.asarray(self.kernel(X, Y), dtype=np.float64)
        return (K, np.empty((*K.shape, 0))) if eval_gradient else K

    def diag(self, X) -> np.ndarray:
        """k(x, x) of every series."""
        return np.asarray(self.kernel.diag(X), dtype=np.float64)

    def is_stationary(self) -> bool:
        """No: the kernel depends on more than differences."""
        return False

    @property
    def requires_vector_input(self) -> bool:
        """No: sequences may be of any length."""
        return False

    def __repr__(self) -> str:
        return f"GPKernel({self.kernel!r})"
