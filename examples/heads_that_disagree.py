"""
Heads that disagree
===================

A student with a head for each part of a forest knows where the parts disagree. That tells rows
unlike those seen from rows that are merely hard: on the last, all heads say one half.
"""

# %%
# One trunk, eight heads
# ----------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.ensemble import RandomForestClassifier

from skdistill import DistilledClassifier, Heads, HydraStudent, Munge, head_probabilities
from skdistill.metrics import mutual_information

X, y = make_moons(1500, noise=0.25, random_state=0)
# Rows around the moons, where the trees of the forest were never told the same.
far = np.random.RandomState(0).uniform((-4, -3), (5, 4), size=(1500, 2))
clf = DistilledClassifier(
    RandomForestClassifier(80, max_depth=8, random_state=0),
    HydraStudent(n_heads=8),
    objectives=Heads(n_heads=8),
    transfer=Munge(size=4),
    alpha=0.3,
    random_state=0,
)
clf.fit(X, y, X_transfer=(far,))
print(f"accuracy: {clf.score(X, y):.3f}")

# %%
# What is chance, and what is not known
# -------------------------------------
#
# The entropy of the mean is high wherever the student is unsure. The mutual information, which is
# the entropy of the mean less that of the heads, is high where the heads differ.

across, up = np.meshgrid(np.linspace(-4, 5, 200), np.linspace(-3, 4, 160))
grid = np.column_stack([across.ravel(), up.ravel()])
heads = head_probabilities(clf, grid)
mean = np.clip(heads.mean(axis=1), 1e-12, 1)
panels = {
    "entropy of the mean": -(mean * np.log(mean)).sum(axis=1),
    "mutual information": mutual_information(heads),
}
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
for ax, (title, values) in zip(axes, panels.items(), strict=True):
    image = ax.pcolormesh(across, up, values.reshape(across.shape), cmap="viridis")
    ax.scatter(*X.T, c=y, s=2, cmap="coolwarm", alpha=0.5)
    ax.set(title=title, xlabel="x0")
    figure.colorbar(image, ax=ax, label="nats")
axes[0].set_ylabel("x1")
plt.tight_layout()
plt.show()
