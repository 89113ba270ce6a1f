"""
A student for a budget
======================

A service may spend 100 microseconds on a row, and its file may have 40 kilobytes. Which size of
student does that leave? A ladder of sizes shares one teacher and its labels. Each size is written
to a file, in float32 and in int8, and the files are measured. The smallest that meets the budget
and is about as good as the best of those is kept.
"""

# %%
# One teacher, eight sizes
# ------------------------

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from skdistill import DistilledClassifier, ParetoDisplay, Scorer, StudentLadder

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import load_split

X, X_test, y, y_test = load_split("magic")
teacher = HistGradientBoostingClassifier(max_iter=300, learning_rate=0.05, random_state=0)
clf = DistilledClassifier(teacher, random_state=0)
ladder = StudentLadder(clf, max_latency_us=100, max_bytes=40_000).fit(X, y)
print(ladder.decision_)

# %%
# All files that were measured
# ----------------------------

columns = ["size", "quantize", "loss", "agreement", "us_one_row", "us_per_row", "bytes", "meets"]
print(ladder.ladder_[columns].round(4).to_string())

ParetoDisplay.from_estimator(ladder)

# %%
# The file that is kept
# ---------------------
#
# It was measured as it is. Nobody has seen the test rows.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "student.onnx"
    path.write_bytes(ladder.best_file_)
    p = Scorer(path).predict_proba(X_test)
print(f"log loss of the file: {log_loss(y_test, p):.4f}")
told = ladder.best_estimator_.teacher_.predict_proba(X_test)
print(f"log loss of the teacher: {log_loss(y_test, told):.4f}")

plt.show()
