"""
Weights of few bits
===================

A student whose weights are 4 or 2 bits each learns to answer with them. One that is rounded after
its training loses more, the fewer bits there are.
"""

# %%
# Rounded in training, and afterwards
# -----------------------------------

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier, MLPStudent, Munge, QuantizedStudent, to_onnx

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
folder = tempfile.TemporaryDirectory()


def figures(student):
    """Log loss on the test rows, and bytes of the file."""
    clf = DistilledClassifier(
        RandomForestClassifier(100, random_state=0),
        student,
        alpha=0.3,
        transfer=Munge(size=2),
        cv=None,
        early_stopping=False,
        random_state=0,
    ).fit(X, y)
    report = to_onnx(clf, Path(folder.name) / "student.onnx", overwrite=True)
    return log_loss(y_test, clf.predict_proba(X_test)), report.n_bytes


size = {"hidden_layer_sizes": (128, 128), "n_steps": 600}
plain = figures(MLPStudent(**size))
bits = (8, 4, 2)
learned = np.array([figures(QuantizedStudent(**size, bits=one)) for one in bits])
rounded = np.array([figures(QuantizedStudent(**size, bits=one, start=1.0)) for one in bits])

# %%
# What a byte buys
# ----------------

figure, ax = plt.subplots(figsize=(6, 3.6))
ax.plot(*learned.T[::-1], "o-", label="rounded in training")
ax.plot(*rounded.T[::-1], "s--", label="rounded after training")
ax.plot(*plain[::-1], "k*", label="32 bits")
for one, (loss, n_bytes) in zip(bits, learned, strict=True):
    below = {"xytext": (0, -14), "textcoords": "offset points", "ha": "center"}
    ax.annotate(f"{one} bits", (n_bytes, loss), **below)
ax.margins(y=0.15)
ax.set(xlabel="bytes of the ONNX file", ylabel="log loss on test rows", xscale="log")
ax.legend()
plt.tight_layout()
plt.show()
folder.cleanup()
