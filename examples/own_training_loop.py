"""
The parts alone: a training loop of your own
============================================

A team has a training loop already, with its own optimizer and schedule. It needs three things:
teachers as one array of probabilities, more rows to label, and a loss. `TeacherPool`, `Munge` and
`DKD` give these without the estimator.
"""

# %%
# Teachers as one
# ---------------

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from skdistill import DKD, MLP, Munge, TabularEncoder, TeacherPool

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import load_split

X, X_test, y, y_test = load_split("satimage")
forests = [ExtraTreesClassifier(100, random_state=0), RandomForestClassifier(100, random_state=0)]
pool = TeacherPool(forests).fit(X, y)

# %%
# Rows, targets and a loss
# ------------------------
#
# `prepare` makes a target of each row, once. `loss` compares a batch of logits with it.

response, temperature = DKD(others_weight=1.0), 2.0
rows = Munge().sample(X, n=4 * len(X), random_state=0)
targets = response.prepare(pool.predict_proba(rows), temperature)
encoder = TabularEncoder().fit(X)

inputs = torch.from_numpy(encoder.transform(rows))
targets = torch.from_numpy(targets.astype(np.float32))

# %%
# The loop
# --------

torch.manual_seed(0)
student = MLP(inputs.shape[1], len(pool.classes_), hidden_layer_sizes=(64, 64))
optimizer = torch.optim.AdamW(student.parameters(), lr=2e-3)
losses = []
for _ in range(20):
    for some in torch.randperm(len(inputs)).split(256):
        loss = response.loss(student(inputs[some]), targets[some], temperature).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

# %%
# What it has learned
# -------------------

student.eval()
with torch.inference_mode():
    logits = student(torch.from_numpy(encoder.transform(X_test)))
told = pool.classes_[logits.argmax(dim=1).numpy()]
taught = pool.predict(X_test)
print(f"accuracy of the student: {np.mean(told == y_test):.3f}, of the pool: ", end="")
print(f"{np.mean(taught == y_test):.3f}; they agree on {np.mean(told == taught):.1%} of the rows")

plt.plot(np.convolve(losses, np.ones(50) / 50, mode="valid"))
plt.xlabel("step")
plt.ylabel("DKD, mean of 50 batches")
plt.tight_layout()
plt.show()
