"""The tables of the regression benchmark, cut and split."""

import numpy as np
import pandas as pd
from datasets import DATA, MOST_ROWS
from sklearn.datasets import make_friedman1
from sklearn.model_selection import TimeSeriesSplit, train_test_split

SETS = ("friedman1", "heavy", "ames", "chicago", "deliveries", "diamonds", "flights")
# Of these the rows are in time order: the last 30 % are the test, and the last of the rest judge.
IN_TIME_ORDER = ("chicago",)
# Known only after departure.
PRIVILEGED = {"flights": ["dep_delay"]}


def load(name):
    """Return (X, y) of one table."""
    if name == "friedman1":
        return generated(noise=1.0, seed=0)
    if name == "heavy":
        X, y = generated(noise=0.0, seed=1)
        return X, np.exp(y / 5 + 0.4 * np.random.default_rng(1).standard_t(4, size=len(y)))
    X = pd.read_parquet(DATA / f"reg_{name}.parquet")
    y = X.pop("target").to_numpy()
    X = X.drop(columns=PRIVILEGED.get(name, []))
    if len(X) > MOST_ROWS:
        X, _, y, _ = train_test_split(X, y, train_size=MOST_ROWS, random_state=0)
    return X.reset_index(drop=True), y


def generated(noise, seed):
    """Friedman's first problem, with five columns that tell nothing."""
    X, y = make_friedman1(4_000, n_features=10, noise=noise, random_state=seed)
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(10)]), y


def load_split(name, seed):
    """Return X_train, X_test, y_train, y_test."""
    X, y = load(name)
    if name not in IN_TIME_ORDER:
        return train_test_split(X, y, test_size=0.3, random_state=seed)
    n_train = int(0.7 * len(X))
    return X[:n_train], X[n_train:], y[:n_train], y[n_train:]


def split_params(name):
    """What a user says of rows in time order."""
    return {"validation_fraction": TimeSeriesSplit()} if name in IN_TIME_ORDER else {}
