"""
For an engineer who serves
==========================

Somebody has distilled a model. You bring it to a service that has neither torch nor scikit-learn.
"""

# %% [markdown]
# What you were given
# -------------------
# A fitted classifier, on columns as they are: numbers, categories, missing values.

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline

from skdistill import DistilledClassifier, MLPStudent, Scorer, TabularEncoder, data_hash, to_onnx

rng = np.random.default_rng(0)
X = pd.DataFrame({f"x{i}": rng.normal(size=2000) for i in range(6)})
X["colour"] = rng.choice(["red", "blue", "green"], len(X))
X.loc[rng.random(len(X)) < 0.1, "x0"] = np.nan
y = np.where((X["x0"].fillna(0) + X["x1"] > 0) ^ (X["colour"] == "red"), "buy", "leave")
forest = make_pipeline(TabularEncoder(), RandomForestClassifier(200, random_state=0))
clf = DistilledClassifier(forest, MLPStudent.fast(), alpha=0.3, transfer=None, random_state=0)
clf.fit(X[:1500], y[:1500])
rows = X[1500:]

# %% [markdown]
# One file
# --------
# Encoder, net and calibration are one ONNX graph, which takes the raw columns. ``to_onnx`` checks
# its answers against those of the classifier. With "int8" the weights take a quarter of the bytes.

folder = TemporaryDirectory()
path = Path(folder.name) / "student.onnx"
for quantize in ("int8", None):
    told = to_onnx(clf, path, X=rows, quantize=quantize, overwrite=True)
    print(f"{quantize or 'float32'}: {told.n_bytes:,} bytes, agreement {told.agreement:.3f}")

# %% [markdown]
# Answers without the training
# ----------------------------
# ``Scorer`` needs NumPy and ONNX Runtime alone.

scorer = Scorer(path)
gap = np.abs(scorer.predict_proba(rows) - clf.predict_proba(rows)).max()
print(f"largest gap to the classifier: {gap:.1e}")
print([(column.name, column.dtype) for column in scorer.metadata.columns])
print("trained on our rows:", scorer.metadata.data_hash == data_hash(X[:1500], y[:1500]))

# %% [markdown]
# A table that lacks a column is refused:

try:
    scorer.predict(rows.drop(columns="colour"))
except ValueError as error:
    print(error)

# %% [markdown]
# How fast?
# ---------
# The median of 50 single rows. On your machine the numbers are others.


def microseconds(predict, n_rows=50):
    seconds = []
    for place in range(n_rows):
        row = rows.iloc[[place]]
        began = time.perf_counter()
        predict(row)
        seconds.append(time.perf_counter() - began)
    return 1e6 * np.median(seconds)


models = {"the file": scorer, "the classifier": clf, "its teacher": clf.teacher_}
times = {name: microseconds(model.predict_proba) for name, model in models.items()}
print(pd.Series(times).round().astype(int).to_string())
plt.figure(figsize=(7, 2.2))
plt.barh(list(times), list(times.values()))
plt.xscale("log")
plt.xlabel("microseconds for a row, median")
plt.tight_layout()
plt.show()
folder.cleanup()

# %% [markdown]
# Where to go from here
# ---------------------
# - ``skdistill score student.onnx rows.parquet answers.parquet`` does it from a shell.
# - ``skdistill.service`` puts the file behind HTTP; ``examples/service`` has a container.
# - ``clf.refresh`` trains the student on new rows, and tells which answers would change.
# - If the file is still too slow or too large, ``StudentLadder`` finds the best one of a budget.
