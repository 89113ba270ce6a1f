"""
A column that only the teacher sees
===================================

The delay at departure says nearly all of the delay at arrival, but a service is asked days before.
The teacher learns from it, the student never sees it. There are labels for 1,000 flights, and
49,000 without: the teacher labels these with what it knows of their departure.
"""

# %%
# One teacher with the column, one without, one with a shuffled column
# --------------------------------------------------------------------

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from skdistill import DistilledClassifier

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import DATA

table = pd.read_parquet(DATA / "reg_flights.parquet").sample(frac=1, random_state=0)
table = table.astype(dict.fromkeys(["month", "day", "dow"], "category"))
late = np.where(table.pop("target") > 15, "late", "on time")
known = [column for column in table if column != "dep_delay"]
shuffled = table.assign(dep_delay=np.random.RandomState(0).permutation(table["dep_delay"]))
boosted = HistGradientBoostingClassifier(
    max_iter=100,
    learning_rate=0.05,
    max_leaf_nodes=15,
    categorical_features="from_dtype",
    random_state=0,
)


def loss_of(rows, teacher_features, **params):
    """Log loss on 10,000 flights of a student that is asked before the departure."""
    clf = DistilledClassifier(
        boosted,
        teacher_features=teacher_features,
        student_features=known,
        transfer=None,
        random_state=0,
        **{"alpha": 0.3, "cv": None, **params},
    )
    clf.fit(rows[:1000], late[:1000], X_transfer=(rows[1000:50_000],))
    p = clf.predict_proba(table.loc[:, known][-10_000:])
    return log_loss(late[-10_000:], p)


losses = {
    "labels alone": loss_of(table, None, alpha=1.0),
    "teacher without it": loss_of(table, known),
    "teacher, shuffled": loss_of(shuffled, None),
    "teacher with it": loss_of(table, None),
}
for name, loss in losses.items():
    print(f"{name:20} log loss {loss:.4f}")

# %%
# What it taught
# --------------

plt.figure(figsize=(7, 2.6))
plt.barh(list(losses), list(losses.values()))
plt.xlim(0.97 * min(losses.values()), 1.01 * max(losses.values()))
plt.xlabel("log loss of the student, which never sees the column")
plt.tight_layout()
plt.show()
