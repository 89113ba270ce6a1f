"""The data sets of benchmarks/data, cut and split as its README says."""

from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

DATA = Path(__file__).parent / "data"
MOST_ROWS = 20_000
# Those with classes, the cheap ones first.
SETS = (
    "german",
    "vowel",
    "vehicle",
    "chess",
    "phoneme",
    "page_blocks",
    "hpc",
    "spambase",
    "churn",
    "credit",
    "lending_club",
    "satimage",
    "magic",
    "flights",
    "storms",
    "diamonds",
    "letter",
)


def load(name, most_rows=MOST_ROWS):
    """Return (X, y) of one data set, cut to a stratified `most_rows` with random_state 0."""
    X = pd.read_parquet(DATA / f"{name}.parquet")
    y = X.pop("target").astype(str).to_numpy(dtype=object)
    if most_rows is not None and len(X) > most_rows:
        X, _, y, _ = train_test_split(X, y, train_size=most_rows, stratify=y, random_state=0)
    return X.reset_index(drop=True), y


def load_split(name, seed=0):
    """Return X_train, X_test, y_train, y_test."""
    X, y = load(name)
    return train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
