"""
A student without data
======================

A forest is all that is left of a project: its training rows are gone. Its trees still know how many
of these rows came to each of their leaves. Rows drawn by these counts are enough to make a small
student of it. Here the real rows are kept aside, only to see how near the drawn ones come.
"""

# %%
# The teacher, and the rows that nobody will see
# ----------------------------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator

from skdistill import DistilledClassifier, FromSchema, FromTrees, MLPStudent

X, y = make_moons(2000, noise=0.15, random_state=0)
X = np.column_stack([X, X[:, 0] ** 2 + 0.1 * np.random.RandomState(0).normal(size=len(X))])
teacher = RandomForestClassifier(100, min_samples_leaf=5, random_state=0).fit(X, y)

# %%
# Rows by the counts of its leaves, and rows by its thresholds alone
# -------------------------------------------------------------------

drawn = {
    "FromTrees": FromTrees(n_steps=200).rows(teacher, 4000, random_state=0),
    "FromSchema": FromSchema().rows(teacher, 4000, random_state=0),
}

fig, axes = plt.subplots(1, 3, figsize=(11, 3.5), sharex=True, sharey=True)
for ax, (name, rows) in zip(axes, {"real rows, unseen": X, **drawn}.items(), strict=True):
    ax.scatter(*rows[:1500, :2].T, c=teacher.predict(rows[:1500]), s=4, cmap="coolwarm")
    ax.set_title(name)

# %%
# A student of each
# -----------------
#
# Without ``y``, the teacher's answers are all there is to learn.

for name, rows in drawn.items():
    student = DistilledClassifier(
        FrozenEstimator(teacher), MLPStudent(n_steps=500), transfer=None, random_state=0
    ).fit(rows)
    agreement = np.mean(student.predict(X) == teacher.predict(X))
    print(f"{name}: the student agrees with the teacher on {agreement:.1%} of the real rows")

plt.show()
