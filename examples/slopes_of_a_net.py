"""
The slopes of a net
===================

A net tells more than its answers: what its hidden layers make of a row, and how its answers change
from a row to one beside it. ``Hint`` is a term on the first, ``InputGradient`` on the second. Here
are 500 rows of satellite images, without synthetic rows, and a teacher of two nets.
"""

# %%
# A teacher that is a net
# -----------------------

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DistilledClassifier, Hint, InputGradient
from skdistill.metrics import agreement

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import load_split

X, X_test, y, y_test = load_split("satimage")
X, _, y, _ = train_test_split(X, y, train_size=500, stratify=y, random_state=0)
nets = [
    (f"net{i}", make_pipeline(StandardScaler(), MLPClassifier((200, 200), alpha=1.0, max_iter=40)))
    for i in range(2)
]

# %%
# Three students: of the answers alone, and with a term more
# ----------------------------------------------------------
#
# A term weighs what "auto" finds, and falls to 0 over the last third of the training.

params = {"early_stopping": False, "random_state": 0}
students = {
    "answers": None,
    "answers and a hidden layer": Hint(),
    "answers and slopes": InputGradient(),
}
for name, objective in students.items():
    clf = DistilledClassifier(nets, objectives=objective, transfer=None, alpha=0.3, **params)
    students[name] = clf.fit(X, y)
    told = clf.teacher_.predict_proba(X_test)
    print(
        f"{name}: accuracy {clf.score(X_test, y_test):.3f}, agreement with the teacher "
        f"{agreement(told, clf.predict_proba(X_test)):.3f}"
    )

# %%
# How answers change along a direction that no student has seen
# -------------------------------------------------------------

rng = np.random.RandomState(1)
step = 0.1 * X.std().to_numpy() * rng.standard_normal(X_test.shape)


def slopes(model):
    return (model.predict_proba(X_test + step) - model.predict_proba(X_test - step)).ravel() / 0.2


fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharex=True, sharey=True)
for axis, (name, clf) in zip(axes, students.items(), strict=True):
    of_teacher, of_student = slopes(clf.teacher_), slopes(clf)
    axis.plot(of_teacher, of_student, ".", markersize=1)
    axis.set_title(f"{name}\ncorrelation {np.corrcoef(of_teacher, of_student)[0, 1]:.2f}")
    axis.set_xlabel("slope of the teacher")
axes[0].set_ylabel("slope of the student")
fig.tight_layout()
plt.show()
