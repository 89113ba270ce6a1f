"""
Copies that teach
=================

There is no teacher, only labelled rows. Eight copies of a small student are trained side by side.
One student is then distilled from their mean, and is all that is served.
"""

# %%
# One student, eight copies, and one student of the copies
# --------------------------------------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.metrics import log_loss

from skdistill import MLPStudent, Munge, SelfDistilledClassifier

X, y = make_moons(400, noise=0.35, random_state=0)
X_test, y_test = make_moons(4000, noise=0.35, random_state=1)
clf = SelfDistilledClassifier(
    MLPStudent((64,), n_steps=600), n_students=8, transfer=Munge(size=4), alpha=0.3, random_state=0
).fit(X, y)
copies = clf.teacher_.estimators_[0]

losses = {f"copy {k + 1}": p for k, p in enumerate(np.moveaxis(copies.predict_each(X_test), 1, 0))}
losses |= {"their mean": copies.predict_proba(X_test), "student": clf.predict_proba(X_test)}
losses = {name: log_loss(y_test, p) for name, p in losses.items()}
for name, loss in losses.items():
    print(f"{name:>12}: {loss:.4f}")

# %%
# Where the copies differ
# -----------------------
#
# Each copy draws its border elsewhere where there are few rows. Their mean is smoother, and so is
# the student, which has the size of one copy.

across, up = np.meshgrid(np.linspace(-2, 3, 120), np.linspace(-1.6, 2, 100))
grid = np.column_stack([across.ravel(), up.ravel()])
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
for k, p in enumerate(np.moveaxis(copies.predict_each(grid), 1, 0)):
    line = left.contour(across, up, p[:, 1].reshape(across.shape), [0.5], colors=f"C{k}")
    line.set(linewidth=0.8)
own = clf.predict_proba(grid)[:, 1].reshape(across.shape)
left.contour(across, up, own, [0.5], colors="black", linewidths=2.5)
left.scatter(*X.T, c=y, s=4, cmap="coolwarm", alpha=0.5)
left.set(title="borders: copies (thin), student (black)", xlabel="x0", ylabel="x1")
right.barh(list(losses), list(losses.values()), color=["C7"] * 8 + ["C0", "black"])
right.set(xlabel="log loss on new rows", xlim=(0.9 * min(losses.values()), None))
right.invert_yaxis()
plt.tight_layout()
plt.show()
