"""
What to offer
=============

Which of six services does a customer want? A row is a pair of a customer and a service. The bills
of all customers are known, and what they say of a service, but a new customer has no bill yet. The
teacher sees the bills, the student does not. 100 customers have told which services they took.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, ndcg_score

from skdistill import DistilledClassifier, MLPStudent

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import DATA

services = ["online_security", "online_backup", "device_protection", "tech_support"]
services += ["streaming_tv", "streaming_movies"]
bills = ["tenure", "contract", "monthly_charges", "total_charges"]
table = pd.read_parquet(DATA / "churn.parquet").query("internet_service != 'No'")
table = table.drop(columns=["target", "multiple_lines"]).sample(frac=1, random_state=0)
known = [column for column in table if column not in services + bills]


def pairs(customers):
    """A row for each customer and service, and whether the customer has it."""
    rows = customers[known + bills].iloc[np.arange(len(customers)).repeat(len(services))]
    service = pd.Categorical(np.tile(services, len(customers)), categories=services)
    return rows.assign(service=service), (customers[services] == "Yes").to_numpy().ravel()


X, y = pairs(table[:100])
X_others, _ = pairs(table[100:3500])
X_test, y_test = pairs(table[3500:])
boosted = HistGradientBoostingClassifier(
    max_iter=60, max_leaf_nodes=7, categorical_features="from_dtype", random_state=0
)

# %%
# With bills, without them, and without a teacher
# -----------------------------------------------

params = {"transfer": None, "early_stopping": False, "cv": None, "random_state": 0}
features = [*known, "service"]
situations = {
    "control: labels alone": {"alpha": 1.0},
    "teacher without bills": {"alpha": 0.3, "teacher_features": features},
    "teacher with bills": {"alpha": 0.3},
}
shares = np.tile(y.reshape(-1, 6).mean(axis=0), len(y_test) // 6)
losses = {"the same for all": log_loss(y_test, shares)}
print(f"the same for all: log loss {losses['the same for all']:.4f}")
for name, own in situations.items():
    student = MLPStudent((32,), n_steps=1000)
    clf = DistilledClassifier(boosted, student, student_features=features, **params, **own)
    clf.fit(X, y, X_transfer=(X_others,))
    p = clf.predict_proba(X_test[features])[:, 1]
    losses[name] = log_loss(y_test, p)
    wants, told = y_test.reshape(-1, 6), p.reshape(-1, 6)
    some = wants.any(axis=1)
    found = ndcg_score(wants[some], told[some], k=2)
    print(f"{name:22} log loss {losses[name]:.4f}, NDCG of the first two {found:.4f}")

plt.figure(figsize=(7, 2.4))
plt.barh(list(losses), list(losses.values()))
plt.xlim(0.97 * min(losses.values()), 1.01 * max(losses.values()))
plt.xlabel("log loss of the student, which never sees a bill")
plt.tight_layout()
plt.show()
