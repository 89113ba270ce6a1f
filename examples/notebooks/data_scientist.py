"""
For a data scientist with a slow ensemble
=========================================

You have an ensemble that answers well, but slowly. Is one small net good enough to take its place?
"""

# %% [markdown]
# The ensemble
# ------------
# Three kinds of trees vote. Any classifier with ``predict_proba`` would do, and so would several.

import time

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, VotingClassifier
from sklearn.model_selection import train_test_split

from skdistill import DistillationReport, DistilledClassifier, MLPStudent, Munge

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
ensemble = VotingClassifier(
    [
        ("forest", RandomForestClassifier(200, random_state=0)),
        ("extra", ExtraTreesClassifier(200, random_state=0)),
    ],
    voting="soft",
)

# %% [markdown]
# The student
# -----------
# ``MLPStudent.fast()`` and a given ``alpha`` make this quick: one student, and nothing is compared.
# The default takes a minute, tries more, and is more accurate.

began = time.perf_counter()
clf = DistilledClassifier(
    ensemble, MLPStudent.fast(), alpha=0.3, transfer=Munge(size=3), random_state=0, verbose=1
)
clf.fit(X_train, y_train)
print(f"fitted in {time.perf_counter() - began:.0f} s")

# %% [markdown]
# Is it worth it?
# ---------------
# A report holds the student against its teacher, and against its control: the same net, trained on
# the labels alone. If the control is as good, you need no teacher.

report = DistillationReport.from_estimator(
    clf, X_test, y_test, control="fit", X_train=X_train, y_train=y_train, random_state=0
)
print(report.verdict.answer)
print(*report.verdict.summary, sep="\n")

# %% [markdown]
# The same as a picture. The bars are intervals of a bootstrap over the test rows.

table = report.to_frame()
scores = table[table["part"] == "scores"]
figure, axes = plt.subplots(1, 2, figsize=(9, 2.6), sharey=True)
for ax, metric in zip(axes, ("log_loss", "accuracy"), strict=True):
    one = scores[scores["metric"] == metric]
    ends = [one["value"] - one["low"], one["high"] - one["value"]]
    ax.errorbar(one["value"], one["model"], xerr=ends, fmt="o", capsize=4)
    ax.set_xlabel(f"{metric.replace('_', ' ')} on {len(y_test)} rows")
    ax.locator_params(axis="x", nbins=5)
    ax.margins(y=0.3)
plt.tight_layout()
plt.show()

# %% [markdown]
# Where to go from here
# ---------------------
# - On your data, leave ``alpha`` and ``transfer`` to "auto", and read ``clf.decision_``.
# - Rows without a label are worth more than drawn ones: give them as ``X_transfer``.
# - Rows that belong together, or that follow in time, need ``groups`` or a splitter.
# - ``clf.without_teacher()`` is what you store. The next notebook brings it to a service.
