"""
A student without data
======================

A forest that reads digits is all that is left of a project: its training rows are gone. Its trees
still know how many of these rows came to each of their leaves. Rows drawn by these counts are
enough to make a small student of it. Here the real rows are kept aside, only to see how near the
drawn ones come.
"""

# %%
# The teacher, and the rows that nobody will see
# ----------------------------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator

from skdistill import DistilledClassifier, FromSchema, FromTrees, MLPStudent, TableSchema

X, y = load_digits(return_X_y=True)
teacher = RandomForestClassifier(100, random_state=0).fit(X, y)

# %%
# Rows by the counts of its leaves, and rows by the range alone
# --------------------------------------------------------------
#
# What is known of the data is that pixels are whole numbers from 0 to 16.

schema = TableSchema(dict.fromkeys(range(64), (0, 16)))
drawn = {
    "FromTrees": FromTrees(schema, n_steps=200).rows(teacher, 4000, random_state=0),
    "FromSchema": FromSchema(schema).rows(teacher, 4000, random_state=0),
}

fig, axes = plt.subplots(3, 10, figsize=(9, 3.2), subplot_kw={"xticks": [], "yticks": []})
for line, (name, rows) in zip(axes, {"real": X, **drawn}.items(), strict=True):
    told = teacher.predict_proba(rows)
    for digit, ax in enumerate(line):
        ax.imshow(rows[told[:, digit].argmax()].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
fig.suptitle("The row of each digit that the teacher is surest of")

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
