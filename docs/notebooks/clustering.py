# %% [markdown]
# # Clustering
#
# BasicMotions, which sktime carries: 40 recordings of a wrist by six sensors, of 100 steps, while someone stands,
# walks, runs or plays badminton. The labels are shown to no method here; they only judge what it finds, by the
# adjusted Rand index: 1 is the same partition, 0 is chance.

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score
from sktime.clustering.kernel_k_means import TimeSeriesKernelKMeans
from sktime.datasets import load_basic_motions

from rntk.sktime import RNTKPairwise

warnings.filterwarnings("ignore", message="h5py")  # which tslearn would like for other things
X, y = load_basic_motions(split="train", return_type="numpy3D")
K = RNTKPairwise().transform(X)
print(X.shape, K.shape)

# %% [markdown]
# ## Spectral clustering of a Gram
#
# scikit-learn's takes a Gram as `affinity="precomputed"`.

# %%
spectral = SpectralClustering(4, affinity="precomputed", random_state=0).fit_predict(K)
print(f"adjusted Rand index {adjusted_rand_score(y, spectral):.2f}")

# %%
order = np.argsort(y, kind="stable")
figure, panel = plt.subplots(figsize=(4.5, 4), layout="constrained")
picture = panel.imshow(K[np.ix_(order, order)], cmap="viridis")
names, places = np.unique(y[order], return_index=True)
panel.set_yticks(places, names)
panel.set_xticks([])
figure.colorbar(picture, label="kernel")

# %% [markdown]
# ## Kernel k-means
#
# sktime's `TimeSeriesKernelKMeans`, which is tslearn's, takes no kernel object; it takes a Gram as
# `kernel="precomputed"`, which is handed over as series of one channel, a row each.

# %%
means = TimeSeriesKernelKMeans(n_clusters=4, kernel="precomputed", random_state=0).fit(K[:, None, :])
print(f"adjusted Rand index {adjusted_rand_score(y, means.labels_):.2f}")

# %% [markdown]
# It can only be fitted so: its `predict` fails on a Gram (tslearn 0.10). Here k-means joins what spectral
# clustering tells apart. Distances for other clusterers, such as sktime's `TimeSeriesDBSCAN` or k-medoids, come
# from `RNTKPairwise(distance=True)`.
