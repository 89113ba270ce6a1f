"""
Prices of houses, with intervals
================================

A forest and a booster tell the price of a house as one number. A student tells its whole
distribution: 19 quantiles, and intervals that hold 80 % of the prices. It is written to one file,
which answers without any of the training.
"""

# %%
# Two teachers, one student of quantiles
# --------------------------------------

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from xgboost import XGBRegressor

from skdistill import DistilledRegressor, Scorer, to_onnx

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from _regression_data import load_split

X, X_test, y, y_test = load_split("ames", seed=0)


def with_codes(regressor):
    """Trees take numbers: category columns become codes, other columns stay."""
    coder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    columns = (coder, make_column_selector(dtype_exclude="number"))
    return make_pipeline(make_column_transformer(columns, remainder="passthrough"), regressor)


teachers = [
    ("rf", with_codes(RandomForestRegressor(100, n_jobs=2, random_state=0))),
    ("xgb", with_codes(XGBRegressor(n_estimators=200, learning_rate=0.05, random_state=0))),
]
reg = DistilledRegressor(teachers, head="quantiles", random_state=0).fit(X, y)
print(reg.decision_)

# %%
# Intervals on houses that nobody has seen
# ----------------------------------------

low, high = reg.predict_interval(X_test, coverage=0.8).T
median = reg.predict(X_test)
inside = (low <= y_test) & (y_test <= high)
print(f"inside the 80 % intervals: {inside.mean():.3f}, mean width {np.mean(high - low):,.0f}")

order = np.argsort(median)
figure, axes = plt.subplots(figsize=(8, 4))
places = np.arange(len(order))
axes.fill_between(places, low[order], high[order], alpha=0.3, label="80 % interval")
axes.plot(places, median[order], label="median")
axes.plot(places, y_test[order], ".", markersize=2, color="black", label="price")
axes.set(xlabel="houses, by predicted price", ylabel="dollars")
axes.legend()

# %%
# One file to serve
# -----------------

with tempfile.TemporaryDirectory() as folder:
    print(to_onnx(reg, Path(folder) / "prices.onnx"))
    print(Scorer(Path(folder) / "prices.onnx").predict_interval(X_test[:1]).round(-2))

plt.show()
