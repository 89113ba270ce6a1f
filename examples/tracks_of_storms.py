"""
Tracks of storms
================

How will the pressure in a storm change within a day? Six reports tell of it, one every six hours:
latitude, longitude and pressure. The teachers are trees on the reports and their differences. The
student is a small recurrent net, which reads the reports in their order.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdistill import DistilledRegressor, Munge

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import DATA

reports = pd.read_parquet(DATA / "storms.parquet").query("hour % 6 == 0")
time = pd.to_datetime(reports[["year", "month", "day", "hour"]].astype(int)).to_numpy()
values = reports[["lat", "long", "pressure"]].to_numpy()
is_next = np.diff(time) == np.timedelta64(6, "h")
is_next &= np.abs(np.diff(values[:, :2], axis=0)).max(axis=1) < 5  # degrees: the same storm
starts = np.flatnonzero(np.lib.stride_tricks.sliding_window_view(is_next, 9).all(axis=1))
X = (values[starts[:, None] + np.arange(6)] - [25, -60, 1000]) / [10, 20, 15]
y = values[starts + 9, 2] - values[starts + 5, 2]
is_early = time[starts] < np.datetime64("2006-01-01")
X, X_test, y, y_test = X[is_early], X[~is_early], y[is_early], y[~is_early]
few = np.random.RandomState(0).permutation(len(X))[:250]
others = np.setdiff1d(np.arange(len(X)), few)[::10]

# %%
# Trees on differences, a net on the order
# ----------------------------------------


def differences(X):
    return np.hstack([X[:, -1], np.diff(X, axis=1).reshape(len(X), -1), X[:, -1] - X[:, 0]])


class Recurrent(torch.nn.Module):
    def __init__(self, n_outputs):
        super().__init__()
        self.gru = torch.nn.GRU(3, 16, batch_first=True)
        self.last = torch.nn.Linear(16, n_outputs)

    def forward(self, X):
        return self.last(self.gru(X)[0][:, -1])


extra = ExtraTreesRegressor(100, min_samples_leaf=3, random_state=0)
boosted = HistGradientBoostingRegressor(max_iter=100, learning_rate=0.05, random_state=0)
trees = [make_pipeline(FunctionTransformer(differences), model) for model in (extra, boosted)]
params = {"encoder": "passthrough", "early_stopping": False, "random_state": 0}
errors = {"no change": np.sqrt(np.mean(y_test**2))}
for name, (alpha, transfer, X_transfer) in {
    "control: 250 labels": (1.0, None, None),
    "student, synthetic tracks": (0.3, Munge(size=3.0), None),
    "student, tracks without a label": (0.3, None, (X[others],)),
}.items():
    reg = DistilledRegressor(trees, Recurrent, alpha=alpha, transfer=transfer, **params)
    reg.fit(X[few], y[few], X_transfer=X_transfer)
    errors[name] = np.sqrt(mean_squared_error(y_test, reg.predict(X_test)))
errors["the teachers"] = np.sqrt(mean_squared_error(y_test, np.ravel(reg.teacher_.predict(X_test))))
print(pd.Series(errors).round(2).to_string())
plt.figure(figsize=(8, 2.8))
plt.barh(list(errors), list(errors.values()))
plt.xlim(9, 11.6)
plt.xlabel("error in hPa, storms from 2006 on")
plt.tight_layout()
plt.show()
