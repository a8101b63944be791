# %% [markdown]
# # Regression with intervals
#
# Tecator, which sktime carries, has spectra of meat, 100 wavelengths each, and how much fat was in it.
# `RNTKRegressor` is kernel ridge, whose ridge is chosen by leave-one-out in closed form, with the deviations of the
# Gaussian process that it is the mean of.

# %%
import matplotlib.pyplot as plt
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sktime.datasets import load_tecator

from rntk.sklearn import RNTKRegressor

X_train, y_train = load_tecator(split="train", return_type="numpy3D")
X_test, y_test = load_tecator(split="test", return_type="numpy3D")
X_train, X_test = X_train[:, 0], X_test[:, 0]
print(X_train.shape, X_test.shape)

# %%
model = RNTKRegressor().fit(X_train, y_train)
print(f"error of leave-one-out {model.cv_error_:.2f} points of fat, ridge {model.ridge_:.2g}")
others = {"the mean": DummyRegressor(), "linear ridge": RidgeCV([10.0**k for k in range(-6, 3)])}
for name, other in {"RNTKRegressor": model, **others}.items():
    print(f"{name:16}R² {other.fit(X_train, y_train).score(X_test, y_test):.3f}")

# %% [markdown]
# An interval of 90 % says where a new measurement lies, noise included, if the kernel's Gaussian process is
# believed. Whether it may be, the test shows:

# %%
low, high = model.predict_interval(X_test, coverage=0.9).T
inside = (low <= y_test) & (y_test <= high)
print(f"{inside.sum()} of {len(y_test)} are inside; the mean width is {(high - low).mean():.1f} points")

# %%
found = model.predict(X_test)
figure, panel = plt.subplots(figsize=(5, 4), layout="constrained")
panel.errorbar(y_test, found, yerr=[found - low, high - found], fmt="o", markersize=3, elinewidth=0.8)
panel.axline((0, 0), slope=1, color="0.6", zorder=0)
panel.set(xlabel="fat, measured (%)", ylabel="fat, predicted (%)")

# %% [markdown]
# Hyperparameters of the kernel, by the same leave-one-out:

# %%
wider = RNTKRegressor(grid={"sigma_w": [1.2, 1.3, 1.41], "sigma_b": [0.0, 0.1]}).fit(X_train, y_train)
print(wider.kernel_)
print(f"error of leave-one-out {wider.cv_error_:.2f}, R² {wider.score(X_test, y_test):.3f}")

# %% [markdown]
# Nothing is gained by it here. Where the kernel's hyperparameters are to be fitted by the likelihood,
# [`rntk.gaussian_process`](../api/gaussian_process.md) is for that.
