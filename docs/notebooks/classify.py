# %% [markdown]
# # Classify series
#
# GunPoint is one of the datasets that sktime carries: 50 series of 150 steps to learn from and 150 to be
# classified. They are the height of a hand that draws a gun or points with a finger.

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sktime.datasets import load_gunpoint

from rntk import RNTK
from rntk.sklearn import RNTKClassifier

X_train, y_train = load_gunpoint(split="train", return_type="numpy2d")
X_test, y_test = load_gunpoint(split="test", return_type="numpy2d")
print(X_train.shape, X_test.shape)

# %%
figure, panels = plt.subplots(1, 2, figsize=(8, 2.4), sharey=True, layout="constrained")
for panel, label, name in zip(panels, ("1", "2"), ("gun", "finger"), strict=True):
    panel.plot(X_train[y_train == label].T, color="tab:blue", linewidth=0.5)
    panel.set(title=name, xlabel="step")

# %% [markdown]
# ## Without any tuning
#
# `RNTKClassifier()` compares every step of a series with every step of another. The first call on a machine
# compiles, which takes up to a minute.

# %%
model = RNTKClassifier().fit(X_train, y_train)
print(model.kernel_)
print(f"{100 * model.score(X_test, y_test):.1f} % of the test series are right")

# %% [markdown]
# ## With a choice
#
# A grid is searched by cross-validation on the training set. What settings share is computed once, and what cannot
# win any more is dropped, so that this is many times as fast as `GridSearchCV`. The choice is the same as that of
# plain cross-validation on the same folds.

# %%
grid = {"sigma_w": [1.2, 1.3, 1.4], "sigma_b": [0.0, 0.1, 0.5], "direction": ["forward", "both"]}
chosen = RNTKClassifier(grid=grid).fit(X_train, y_train)
print(chosen.kernel_, "C =", chosen.C_)
print(f"{100 * chosen.cv_accuracy_:.1f} % in cross-validation, {100 * chosen.score(X_test, y_test):.1f} % in the test")

# %% [markdown]
# A choice is not better here, and neither is it in the mean of [the study's 56 datasets](../results.md#the-family).
#
# ## As any classifier of scikit-learn
#
# Scores, searches and pipelines take it as it is; a kernel's parameters are reached by two underscores.

# %%
folds = StratifiedKFold(5, shuffle=True, random_state=0)
print(np.round(cross_val_score(RNTKClassifier(), X_train, y_train, cv=folds), 2))
mean = RNTK(sigma_b=0.05, readout="mean", dtype="float32")
search = GridSearchCV(RNTKClassifier(kernel=mean), {"kernel__sigma_u": [0.3, 1.0]}, cv=folds).fit(X_train, y_train)
print(search.best_params_)

# %% [markdown]
# ## Probabilities
#
# A support vector machine has none of its own. `probability=True` learns them from held-out folds.

# %%
sure = RNTKClassifier(probability=True).fit(X_train, y_train).predict_proba(X_test)
print(sure[:3].round(2))
