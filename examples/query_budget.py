"""
A teacher that is paid by the row
=================================

A remote service knows more than the labels at hand, and bills each row. How near to it does a
student come for so many answers? With ``max_queries`` no more rows are asked for. The first are the
training rows; new ones are drawn where the student is unsure.
"""

# %%
# A service that counts
# ---------------------
#
# It was fitted on rows that we do not have.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier, MLPStudent, Munge

rows, labels = make_classification(
    9000, 8, n_informative=6, n_classes=4, n_clusters_per_class=3, random_state=0
)
X, others, y, their_labels = train_test_split(rows, labels, train_size=400, random_state=0)
others, X_test, their_labels, y_test = train_test_split(others, their_labels, random_state=0)
forest = ExtraTreesClassifier(100, random_state=0).fit(others, their_labels)


class Service:
    """Answers, and counts the rows that it bills."""

    classes_ = forest.classes_

    def __init__(self):
        self.n_rows = 0

    def predict_proba(self, table):
        self.n_rows += len(table)
        return forest.predict_proba(table)


# %%
# What the answers bring
# ----------------------

answers = forest.predict(X_test)
budgets = [400, 700, 1000, 1500]
found = {"where the student is unsure": "auto", "at random": Munge(size=8)}
agreement = {name: [] for name in found}
for name, transfer in found.items():
    for most in budgets:
        service = Service()
        student = MLPStudent((64, 64), n_steps=400)
        clf = DistilledClassifier(
            service, student, transfer=transfer, max_queries=most, early_stopping=False,
            alpha=0.3, random_state=0,
        )  # fmt: skip
        agreement[name].append(np.mean(clf.fit(X, y).predict(X_test) == answers))
        print(f"{name}: {service.n_rows} rows asked, agreement {agreement[name][-1]:.3f}")
print(clf.decision_)

# %%
# A picture
# ---------

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, values in agreement.items():
    ax.plot(budgets, values, marker="o", label=f"new rows {name}")
ax.set(xlabel="rows that the service was asked for", ylabel="agreement on test rows")
ax.legend()
plt.show()
