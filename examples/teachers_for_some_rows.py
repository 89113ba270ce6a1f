"""
Teachers that are good on some rows
===================================

Three teachers are each good in a third of the table: elsewhere they were told wrong labels. Weights
for all rows cannot use that. `RowWeights` learns, on rows held out, whom to ask where.
"""

# %%
# Three teachers, each spoilt in another part
# -------------------------------------------

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss

from skdistill import RowWeights, TeacherPool

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import load_split

X, X_test, y, y_test = load_split("magic")
column = X.columns[0]
bounds = X[column].quantile([1 / 3, 2 / 3])


class Local(ClassifierMixin, BaseEstimator):
    """A forest that was told right labels in one third of the first column."""

    def __init__(self, third):
        self.third = third

    def fit(self, X, y):
        rng = np.random.RandomState(self.third)
        is_wrong = (np.digitize(X[column], bounds) != self.third) & (rng.uniform(size=len(y)) < 0.8)
        told = np.where(is_wrong, rng.permutation(y), y)
        self.forest_ = RandomForestClassifier(50, random_state=0).fit(X, told)
        return self

    def predict_proba(self, X):
        return self.forest_.predict_proba(X)


# %%
# Their mean, weights for all rows, and weights for each
# ------------------------------------------------------

teachers = [(f"third {k + 1}", Local(k)) for k in range(3)]
pools = {
    "plain mean": TeacherPool(teachers),
    "weights for all rows": TeacherPool(teachers),
    "RowWeights": TeacherPool(teachers, weights=RowWeights()),
}
for name, pool in pools.items():
    pool.fit(X[:5000], y[:5000])
    if name != "plain mean":
        pool.fit_weights(X[5000:7000], y[5000:7000])
losses = {name: log_loss(y_test, pool.predict_proba(X_test)) for name, pool in pools.items()}
print({name: round(loss, 3) for name, loss in losses.items()})

# %%
# Whom it asks where
# ------------------
#
# In a fit, `DistilledClassifier(teachers, teacher_weights=RowWeights())` does the same by itself.

weights = pools["RowWeights"].weighing_.predict(X_test)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="tight")
left.barh(list(losses), list(losses.values()))
left.set_xlabel("log loss of the pool")
right.plot(X_test[column], weights, ".", markersize=2, label=[name for name, _ in teachers])
right.legend(markerscale=5)
right.set(xscale="log", xlabel=column, ylabel="weight of each teacher")
plt.show()
