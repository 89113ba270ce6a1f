"""
Relations between rows
======================

Which rows are alike? A hidden layer of a teacher has an answer that no single row shows. ``CKA``
asks the student's last hidden layer for the same geometry, turned or scaled as it may be; ``RKD``,
``Similarity`` and ``PKT`` ask in other ways. Here are 500 letters, without synthetic rows.
"""

# %%
# With and without the term
# -------------------------

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import CKA, DistilledClassifier, MLPStudent, TorchTeacher
from skdistill.teacher import read_layer

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import load_split

X, X_test, y, y_test = load_split("letter")
X, _, y, _ = train_test_split(X, y, train_size=500, stratify=y, random_state=0)
net = make_pipeline(
    StandardScaler(), MLPClassifier((256, 256), alpha=1.0, max_iter=60, random_state=0)
)
# Relations are those between the rows of a batch: of 16 rows, as for so few, there are few.
recipe = MLPStudent(batch_size=64)
plain, with_term = (
    DistilledClassifier(
        net, recipe, objectives=objective, transfer=None, alpha=0.3, early_stopping=False,
        random_state=0,
    ).fit(X, y)
    for objective in (None, CKA(decay=False))
)  # fmt: skip
for name, clf in {"answers": plain, "answers and relations": with_term}.items():
    print(f"{name}: accuracy {clf.score(X_test, y_test):.3f}")

# %%
# Who is alike, as each of them has it
# ------------------------------------
#
# Cosines between the mean hidden layers of the letters, in rows that nobody has seen.


def last_hidden(clf):
    """The layer that the term is about: a student's module is a torch module like another."""
    module = TorchTeacher(clf.student_.module_, preprocess=clf.encoder_.transform)
    return module.layer(X_test)


def cosines(layer):
    means = np.array([layer[y_test == letter].mean(axis=0) for letter in np.unique(y_test)])
    means = torch.nn.functional.normalize(torch.as_tensor(means - means.mean(axis=0)), dim=1)
    return (means @ means.T).numpy()


parts = {
    "the teacher": read_layer(plain.teacher_, X_test),
    "a student of answers": last_hidden(plain),
    "a student of relations, too": last_hidden(with_term),
}
fig, axes = plt.subplots(1, 3, figsize=(10, 3.8))
for axis, (name, layer) in zip(axes, parts.items(), strict=True):
    axis.imshow(cosines(layer), vmin=-1, vmax=1, cmap="RdBu")
    axis.set(title=name, xticks=range(26), yticks=range(26))
    axis.set_xticklabels(np.unique(y_test), fontsize=5)
    axis.set_yticklabels(np.unique(y_test), fontsize=5)
fig.tight_layout()
plt.show()
