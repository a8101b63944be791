"""Any kernel of sequences as a kernel object of scikit-learn (`pip install rntk[sklearn]`)."""

import numpy as np

from rntk.base import Kernel, is_number
from rntk.extras import needs
from rntk.gradient import free_scales, gram_gradient
from rntk.kernel import RNTK

with needs("sklearn"):
    from sklearn.gaussian_process.kernels import Hyperparameter
    from sklearn.gaussian_process.kernels import Kernel as ScikitKernel


class GPKernel(ScikitKernel):
    """A kernel of this package where scikit-learn asks for one of its own.

    In `GaussianProcessRegressor` and `GaussianProcessClassifier`, and in sums and products with other kernels
    (`GPKernel(RNTK()) + WhiteKernel()`). Arrays (n, T): scikit-learn's own checks let no sequences of unequal lengths through.

    The scales of an RNTK that are not 0 are hyperparameters, which a Gaussian process fits by the likelihood: `theta` holds
    their logarithms, one for each layer where a scale has a value for each, and the gradient by them is exact
    (`rntk.gradient`). Those of another kernel are fixed.

    Parameters:
        kernel: for instance RNTK(sigma_b=0.1). A copy is fitted: `GaussianProcessRegressor.kernel_` holds it.
        sigma_w_bounds, sigma_u_bounds, sigma_b_bounds, sigma_h_bounds, sigma_v_bounds: the least and the greatest value of a scale,
            or "fixed". σ_w ends at 1.6, where ReLU networks grow by 1.28 each step: those of 2,800 steps then overflow.

    Examples
    --------
    >>> import numpy as np
    >>> from rntk import RNTK
    >>> from rntk.gaussian_process import GPKernel
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> from sklearn.gaussian_process.kernels import WhiteKernel
    >>> X = np.random.default_rng(0).normal(size=(30, 20))
    >>> y = X[:, -5:].sum(axis=1)
    >>> fitted = GaussianProcessRegressor(GPKernel(RNTK(sigma_b=0.1)) + WhiteKernel(0.1)).fit(X, y)
    >>> bool(fitted.log_marginal_likelihood_value_ > fitted.log_marginal_likelihood(fitted.kernel.theta))
    True
    """

    def __init__(
        self,
        kernel: Kernel,
        sigma_w_bounds=(0.1, 1.6),
        sigma_u_bounds=(1e-3, 1e3),
        sigma_b_bounds=(1e-3, 1e3),
        sigma_h_bounds=(1e-3, 1e3),
        sigma_v_bounds=(1e-3, 1e3),
    ):
        self.kernel = kernel
        self.sigma_w_bounds = sigma_w_bounds
        self.sigma_u_bounds = sigma_u_bounds
        self.sigma_b_bounds = sigma_b_bounds
        self.sigma_h_bounds = sigma_h_bounds
        self.sigma_v_bounds = sigma_v_bounds

    def get_params(self, deep: bool = True) -> dict:
        """The parameters by name, with `deep` the kernel's as `kernel__sigma_w` and so on."""
        params = super().get_params(deep)
        if deep:
            params |= {f"kernel__{name}": value for name, value in self.kernel.get_params().items()}
        return params

    def set_params(self, **params):
        """Set parameters by name, the kernel's on a copy of it: whoever gave the kernel keeps his own."""
        own = {name: value for name, value in params.items() if not name.startswith("kernel__")}
        super().set_params(**own)
        nested = {name.removeprefix("kernel__"): value for name, value in params.items() if name not in own}
        if nested:
            self.kernel = self.kernel.with_params(**nested)
        return self

    @property
    def hyperparameters(self) -> list[Hyperparameter]:
        """The scales that are not 0; those with "fixed" for bounds among them, which `theta` leaves out."""
        return [
            Hyperparameter(
                f"kernel__{name}", "numeric", getattr(self, f"{name}_bounds"), np.size(getattr(self.kernel, name))
            )
            for name in (free_scales(self.kernel) if isinstance(self.kernel, RNTK) else [])
        ]

    @property
    def _free(self) -> list[str]:
        return [one.name.removeprefix("kernel__") for one in self.hyperparameters if not one.fixed]

    @property
    def theta(self) -> np.ndarray:
        """The logarithms of the scales that are not fixed."""
        return np.log(
            np.concatenate([np.zeros(0), *(np.atleast_1d(getattr(self.kernel, name)) for name in self._free)])
        )

    @theta.setter
    def theta(self, theta):
        new, place = {}, 0
        for name in self._free:
            old = getattr(self.kernel, name)
            values = np.exp(theta[place : place + np.size(old)]).tolist()
            new[name], place = values[0] if is_number(old) else tuple(values), place + len(values)
        self.kernel = self.kernel.with_params(**new)  # whoever gave the kernel keeps his own

    def __call__(self, X, Y=None, eval_gradient: bool = False):
        """The Gram, and if `eval_gradient` its gradient by theta, (n, n, k).

        Raises ValueError for a gradient of two sets, and where the kernel does.
        """
        if eval_gradient and Y is not None:
            raise ValueError("Gradient can only be evaluated when Y is None.")
        if eval_gradient and self._free:
            return gram_gradient(self.kernel, X, self._free)
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
