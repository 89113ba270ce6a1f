"""
Teachers whose rows never meet
==============================

Twenty places have rows that must not leave them. Each fits a forest of its own, and hands over the
forest, not the rows. A small student learns the mean of their answers on rows without labels that
all may see. So one model knows what twenty places know. It is the scheme of `PATE
<https://doi.org/10.48550/arXiv.1610.05755>`_ without its noise: there is **no guarantee** here that
nothing of a row can be told from the answers.
"""

# %%
# Twenty shards, and public rows without labels
# ---------------------------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedKFold, train_test_split

from skdistill import DistilledClassifier, MLPStudent, Munge, TeacherPool

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=500, stratify=y, random_state=0)
X, X_public, y, _ = train_test_split(X, y, test_size=300, stratify=y, random_state=0)
shards = [own for _, own in StratifiedKFold(20, shuffle=True, random_state=0).split(X, y)]
print(f"{len(shards)} shards of about {len(shards[0])} rows, {len(X_public)} public rows")

# %%
# A forest a shard, and a student of all
# --------------------------------------
#
# The forests come frozen: nothing here fits them, or sees their rows. Without ``y`` the student
# learns from their votes alone. :class:`~skdistill.Munge` draws more rows from the public ones.

forests = [RandomForestClassifier(50, random_state=0).fit(X[own], y[own]) for own in shards]
teachers = [FrozenEstimator(forest) for forest in forests]
student = DistilledClassifier(
    teachers, MLPStudent((64,), n_steps=800), transfer=Munge(size=8), random_state=0
).fit(X_public)

# %%
# Beside the shards, their votes, and a forest of all rows
# --------------------------------------------------------

each = [forest.score(X_test, y_test) for forest in forests]
votes = TeacherPool(teachers).fit(X_public)
together = RandomForestClassifier(50, random_state=0).fit(X, y)
lines = {
    "votes of all shards": np.mean(votes.predict(X_test) == y_test),
    "student of the votes": student.score(X_test, y_test),
    "forest of all rows": together.score(X_test, y_test),
}
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.bar(range(1, 21), sorted(each), color="lightgray", label="the shards' own models")
for (name, score), color in zip(lines.items(), ("C0", "C1", "C2"), strict=True):
    ax.axhline(score, color=color, label=name)
    print(f"{name}: {score:.3f} (mean of the shards: {np.mean(each):.3f})")
ax.set(xlabel="shard", ylabel="accuracy", ylim=(0.4, 1), xticks=(1, 5, 10, 15, 20))
ax.legend(loc="lower right")
plt.show()
