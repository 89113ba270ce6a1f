"""
For a researcher who compares forms
===================================

Which form of distillation is best for a table? Five forms are held against the labels alone: on the
same rows, with the same teacher, by the same steps, over several seeds.
"""

# %% [markdown]
# The setting
# -----------
# Few rows: there a teacher may tell more than labels do. The forest answers out of fold (``cv=5``),
# as it knows its own rows by heart. ``memory`` keeps its answers: it is fitted once for all.
#
# On few rows a forest is far too unsure, and a student copies that. Given validation rows, each
# student is calibrated on them. Without, you would measure how sure they are, and nothing else.

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skdistill import DIST, DistilledClassifier, LogitMatching, MLPStudent, Munge, TabularEncoder

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, train_size=600, stratify=y, random_state=0)
X, X_val, y, y_val = train_test_split(X, y, train_size=400, stratify=y, random_state=0)
forest = RandomForestClassifier(100, random_state=0)
forms = {
    "labels alone": {"alpha": 1.0},
    "Hinton": {},
    "Hinton, 1,200 more rows": {"transfer": Munge(size=3)},
    "Hinton, temperature 4": {"temperature": 4.0},
    "logits": {"response": LogitMatching()},
    "correlations": {"response": DIST()},
}

# %% [markdown]
# Five seeds of each
# ------------------
# A seed is that of the student: its weights and the order of its rows. All see the same labels.

losses = {}
with TemporaryDirectory() as folder:
    params = {"alpha": 0.3, "cv": 5, "transfer": None, "encoder": TabularEncoder()}
    params |= {"early_stopping": False, "memory": folder, "random_state": 0}
    for name, own in forms.items():
        for seed in range(5):
            student = MLPStudent((64,), n_steps=400, random_state=seed)
            clf = DistilledClassifier(forest, student, **(params | own))
            clf.fit(X, y, X_val=X_val, y_val=y_val)
            losses[name, seed] = log_loss(y_test, clf.predict_proba(X_test))
table = pd.Series(losses).unstack(level=1).loc[list(forms)]
print(table.round(3).to_string())

# %% [markdown]
# What may be said
# ----------------
# Differences within a seed, and their standard error. Below zero, a form is better than the labels
# alone. Where the bar crosses zero, nothing may be said. If none is below, this teacher has nothing
# to tell on these rows: a result, too. All of it is about one table, one split and one teacher.

gaps = table - table.loc["labels alone"]
mean, error = gaps.mean(axis=1), gaps.std(axis=1, ddof=1) / gaps.shape[1] ** 0.5
print(pd.DataFrame({"mean": mean, "standard error": error}).round(4).to_string())
plt.figure(figsize=(7.5, 2.8))
others = [name for name in forms if name != "labels alone"]
plt.errorbar(mean[others], others, xerr=2 * error[others], fmt="o", capsize=4)
plt.axvline(0, color="grey", linewidth=1)
plt.xlabel("log loss, less that of the labels alone; two standard errors")
plt.margins(y=0.2)
plt.tight_layout()
plt.show()

# %% [markdown]
# Where to go from here
# ---------------------
# - Hidden layers, slopes, relations and trees are objectives, added by ``objectives=``.
# - A response, an objective or a loop of your own is one small class: the page on extending.
# - ``make bench-knowledge`` compares all forms on more tables and seeds, beside control and Hinton.
# - A student with more rows has more steps, too, than its control: say so, or set ``n_steps``.
