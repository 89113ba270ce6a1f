"""
New classes, when the old rows are gone
=======================================

A student reads the digits from 0 to 4. Then come the others, and the rows of the first are no
longer there. A student that learns from the new rows alone forgets the old digits. One that
replays *synthetic* rows, with its old answers, keeps them: no row of the data is stored.
"""

# %%
# Two steps
# ---------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from skdistill import (
    ContinualClassifier,
    DarkExperience,
    DistilledClassifier,
    LearningWithoutForgetting,
    MLPStudent,
    StoredRows,
    SyntheticReplay,
)

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
student = DistilledClassifier(
    RandomForestClassifier(100, random_state=0),
    MLPStudent((64,), n_steps=400),
    transfer=None,
    alpha=0.3,
    random_state=0,
)
replays = {
    "nothing": SyntheticReplay(n_rows=0),
    "old answers on new rows": LearningWithoutForgetting(),
    "100 rows stored": StoredRows(100),
    "100 rows and their logits": DarkExperience(100),
    "synthetic rows": SyntheticReplay(n_rows=3000),
}
labels_alone = clone(student).set_params(alpha=1.0)  # as dark experience replay has it
models = {}
for name, replay in replays.items():
    own = labels_alone if isinstance(replay, DarkExperience) else student
    model = ContinualClassifier(own, replay, random_state=0)
    for part in (y < 5, y >= 5):
        model.partial_fit(X[part], y[part])
    models[name] = model

# %%
# Beside training again on all rows
# ---------------------------------

models["all rows again"] = student.fit(X, y)
tests = {"digits 0 to 4": y_test < 5, "digits 5 to 9": y_test >= 5}
fig, axes = plt.subplots(1, 2, figsize=(9, 3), width_ratios=(3, 2), layout="constrained")
for shift, (label, part) in zip((-0.2, 0.2), tests.items(), strict=True):
    scores = [model.score(X_test[part], y_test[part]) for model in models.values()]
    axes[0].barh(np.arange(len(models)) + shift, scores, 0.4, label=label)
    print(label, {name: f"{score:.3f}" for name, score in zip(models, scores, strict=True)})
axes[0].set(yticks=range(len(models)), yticklabels=models, xlabel="accuracy")
fig.legend(loc="outside lower left", ncols=2)

# %%
# What is kept in place of the rows
# ---------------------------------
#
# The pool holds rows that never were. Each was drawn from two neighbours among the data.

pool = models["synthetic rows"].pool_
shown = [pool.X[np.flatnonzero(pool.labels == digit)[0]].reshape(8, 8) for digit in range(10)]
axes[1].imshow(np.block([shown[:5], shown[5:]]), cmap="gray_r")
axes[1].set(xticks=[], yticks=[], title="One row of the pool for each digit")
plt.show()
