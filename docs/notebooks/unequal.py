# %% [markdown]
# # Series of unequal lengths
#
# JapaneseVowels, which sktime carries, has two vowels spoken by nine men: 12 channels, and between 7 and 29 steps.
# The kernel compares them as they are.

# %%
import numpy as np
from sktime.datasets import load_japanese_vowels

from rntk import RNTK
from rntk.sklearn import RNTKClassifier


def vowels(split):
    """A list of arrays (T_i, 12), and who spoke."""
    X, y = load_japanese_vowels(split=split, return_type="df-list")
    return [x.to_numpy() for x in X], y


(X_train, y_train), (X_test, y_test) = vowels("train"), vowels("test")
lengths = [len(x) for x in X_train]
print(len(X_train), "series of", min(lengths), "to", max(lengths), "steps")

# %% [markdown]
# The kernel itself takes the list. By the last state, series are aligned at their ends, `direction="backward"`
# aligns them at their beginnings, and `readout="mean"` compares every step with every other.

# %%
print(RNTK(sigma_b=0.1)(X_train[:4]).round(2))

# %% [markdown]
# So do the estimators:

# %%
kernels = {
    "mean over steps (the default)": None,
    "last state": RNTK(sigma_b=0.05),
    "last state, backward": RNTK(sigma_b=0.05, direction="backward"),
    "last state, both directions": RNTK(sigma_b=0.05, direction="both"),
}
for name, kernel in kernels.items():
    print(f"{name:32}{100 * RNTKClassifier(kernel).fit(X_train, y_train).score(X_test, y_test):.1f} %")


# %% [markdown]
# What if the series are first padded with zeros to one length, as most pipelines do?


# %%
def padded(X, T=29):
    """Zeros after the end."""
    return np.stack([np.pad(x, ((0, T - len(x)), (0, 0))) for x in X])


for name, kernel in kernels.items():
    model = RNTKClassifier(kernel).fit(padded(X_train), y_train)
    print(f"{name:32}{100 * model.score(padded(X_test), y_test):.1f} %")

# %% [markdown]
# Of these series, which are padded by a few steps, padding takes nothing away. Where lengths differ more it costs
# the mean over steps 7.5 points, as [ten datasets](../unequal.md) say, with what resampling and cutting do.
