"""
Responses for many classes
==========================

A response says what the student's logits are held against. Hinton's is the default. Others weigh
the classes that the teacher finds unlikely, or match logits and correlations. They differ most
where there are many classes and few rows: here 26 letters and 500 rows, without synthetic ones.
"""

# %%
# One teacher, six responses
# --------------------------
#
# The teacher answers out of fold (`cv=5`), as a forest knows its own rows by heart. `memory` keeps
# its answers, so that it is fitted once.

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss

from skdistill import DIST, DKD, NKD, Brier, DistilledClassifier, Hinton, LogitMatching

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import load_split

X, X_test, y, y_test = load_split("letter")
X, y = X[:500], y[:500]
forest = RandomForestClassifier(100, random_state=0)
params = {"alpha": 0.3, "cv": 5, "transfer": None, "random_state": 0}
responses = [Hinton(), LogitMatching(), Brier(), DKD(others_weight=1.0), NKD(), DIST()]

losses, accuracies = [], []
with tempfile.TemporaryDirectory() as folder:
    for response in responses:
        clf = DistilledClassifier(forest, response=response, memory=folder, **params).fit(X, y)
        p = clf.predict_proba(X_test)
        losses.append(log_loss(y_test, p))
        accuracies.append(accuracy_score(y_test, clf.classes_[p.argmax(axis=1)]))
        print(f"{response!s:30} log loss {losses[-1]:.3f}, accuracy {accuracies[-1]:.3f}")

# %%
# Side by side
# ------------
#
# One seed of one table tells little. The user guide has the means over tables and seeds.

names = [type(response).__name__ for response in responses]
figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for ax, values, title in zip(axes, (losses, accuracies), ("log loss", "accuracy"), strict=True):
    ax.barh(names, values)
    ax.set_xlim(0.9 * min(values), 1.02 * max(values))
    ax.set_xlabel(title)
plt.tight_layout()
plt.show()
