"""
What trees know of a row
========================

A booster sorts each row into hundreds of leaves before it answers. `LeafHint` asks a hidden layer
of the student to tell what those leaves add to the answer; `NeighbourhoodGraph` asks that rows in
the same leaves be near each other. Both are made for few rows and no synthetic ones: here 1,500
letters.
"""

# %%
# One teacher, with and without its leaves
# ----------------------------------------
#
# `memory` keeps the teacher and what was taken of it.

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from skdistill import DistilledClassifier, LeafHint, NeighbourhoodGraph

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import load_split

X, X_test, y, y_test = load_split("letter")
X, y = X[:1500], y[:1500]
booster = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=15, random_state=0)
objectives = {
    "no objective": None,
    "leaf values": LeafHint("leaf_values"),
    "margin path": LeafHint("margin_path"),
    "leaf embedding": LeafHint("leaf_embedding"),
    "graph of leaves": NeighbourhoodGraph("leaves"),
}
# Without rows held out each fit is one training.
params = {"alpha": 0.3, "cv": None, "transfer": None, "early_stopping": False, "random_state": 0}

losses = {}
with tempfile.TemporaryDirectory() as folder:
    for name, one in objectives.items():
        clf = DistilledClassifier(booster, objectives=one, memory=folder, **params).fit(X, y)
        losses[name] = log_loss(y_test, clf.predict_proba(X_test))
    told = clf.teacher_.predict_proba(X_test)
    clf.set_params(objectives=None, alpha=1.0).fit(X, y)
    losses["labels alone"] = log_loss(y_test, clf.predict_proba(X_test))
print(f"teacher: log loss {log_loss(y_test, told):.3f}")
for name, loss in losses.items():
    print(f"{name:16} log loss {loss:.3f}")

# %%
# Side by side
# ------------
#
# One seed of one table tells little: `make bench-knowledge` has the means over tables and seeds.

figure, ax = plt.subplots(figsize=(7, 3))
ax.barh(list(losses), list(losses.values()))
ax.set_xlim(0.8 * min(losses.values()), 1.02 * max(losses.values()))
ax.set_xlabel("log loss of the student on test rows")
ax.invert_yaxis()
plt.tight_layout()
plt.show()
