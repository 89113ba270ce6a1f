"""Tables and teachers that several files of tests share."""

import numpy as np
import pandas as pd
import torch
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skdistill import DistilledClassifier, MLPStudent, Munge

LOG = []  # what a Witness was asked
SMALL_STUDENT = MLPStudent(hidden_layer_sizes=(16,), n_steps=50)
NAMES = np.array(["ant", "bee", "cat"])  # of the codes of insects()
BAD_DAYS = [2, 3, 8, 13, 17, 22, 23, 30]


def make_frame(n_rows=60, missing=True):
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(
        {
            "int": rng.randint(0, 1000, n_rows),
            "colour": rng.choice(["red", "green", "blue"], n_rows),
            "float": rng.standard_t(2, size=n_rows),
            "flag": rng.randint(0, 2, n_rows).astype(bool),
            "single": rng.normal(5, 0.1, size=n_rows).astype(np.float32),
            "Int": pd.array(rng.randint(0, 9, n_rows), dtype="Int64"),
        }
    )
    if missing:
        frame.loc[[0, 5], "colour"] = None
        frame.loc[[1, 2, 3], "float"] = np.nan
        frame.loc[[4], "Int"] = pd.NA
    return frame


def small_table(n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows),
            "colour": rng.choice(["red", "blue", "green"], n_rows),
            "is_new": rng.random(n_rows) < 0.4,
        }
    )
    X.loc[::7, "size"] = np.nan
    return X


def calendar(n_rows=4000, seed=0):
    """Days of which some are bad, and hours that matter smoothly."""
    rng = np.random.RandomState(seed)
    X = pd.DataFrame(
        {
            "day": rng.randint(1, 32, n_rows),
            "hour": rng.randint(0, 24, n_rows),
            "price": rng.normal(size=n_rows),
        }
    )
    return X, (rng.uniform(size=n_rows) < share_of_late(X)).astype(int)


def share_of_late(X):
    logit = 2.5 * np.isin(X["day"], BAD_DAYS) + X["hour"] / 12 + X["price"] - 2
    return 1 / (1 + np.exp(-logit))


class Random(ClassifierMixin, BaseEstimator):
    """A teacher that answers at random, the same for the same row."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        rows = 1e3 * np.abs(np.asarray(X)[:, :1]) % 1
        p = np.abs(np.sin(1 + rows * np.arange(1, 1 + len(self.classes_)))) + 0.01
        return p / p.sum(axis=1, keepdims=True)


def learnable(n_rows=600):
    return make_classification(n_rows, 6, n_informative=4, n_classes=3, random_state=0)


GOOD_AND_RANDOM = [("lr", LogisticRegression()), ("random", Random())]


def weighed(X, y, weights="auto", **params):
    """A fit on a teacher that is good and one that is of no use."""
    params = {"student": MLPStudent((8,), n_steps=10), "random_state": 0, **params}
    return DistilledClassifier(GOOD_AND_RANDOM, teacher_weights=weights, **params).fit(X, y)


class Witness(ClassifierMixin, BaseEstimator):
    """Says which rows it was given, and fails where told."""

    def __init__(self, fails_at=None):
        self.fails_at = fails_at

    def fit(self, X, y):
        LOG.append(("fit", X))
        if self.fails_at == "fit":
            raise RuntimeError("out of trees")
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        LOG.append(("predict_proba", X))
        if self.fails_at == "predict_proba":
            raise RuntimeError("out of leaves")
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def insects():
    return make_classification(240, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)


def framed(X):
    """The same rows, with missing numbers, whole ones, categories and text."""
    return pd.DataFrame(X, columns=list("vwxyz")).assign(
        v=lambda f: f.v.mask(f.v > 1),
        c=lambda f: pd.Categorical(np.where(f.w > 0, "high", "low")),
        s=lambda f: np.where(f.x > 0, "up", "down"),
        i=lambda f: (f.y * 10).astype("int16"),
    )


def frame_pipeline():
    """A teacher of :func:`framed` rows."""
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["c", "s"]), remainder="passthrough", sparse_threshold=0
        ),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
    )


class Oracle:
    """Knows the truth about :func:`oracle_data`."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X):
        p = expit(4 * np.asarray(X)[:, 0])
        return np.column_stack([1 - p, p])


def oracle_data(n_rows=900, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    return X, (rng.uniform(size=n_rows) < expit(4 * X[:, 0])).astype(int)


def oracle_frame(n_rows=400, library=pd):
    X, y = oracle_data(n_rows)
    columns = {"a": X[:, 0], "b": X[:, 1], "colour": np.where(X[:, 2] > 0, "red", "blue").tolist()}
    return library.DataFrame(columns), np.where(y == 1, "yes", "no")


def coloured_frame():
    X, _ = make_classification(120, 5, random_state=0)
    X = pd.DataFrame(np.round(X, 3), columns=list("abcde"))
    X["colour"] = np.where(X["a"] > 0, "red", "blue")
    X.loc[::9, "b"] = np.nan
    return X, np.where(X["c"] > 0, "yes", "no")


def seeds_of(estimator):
    """Every `random_state` in it, by its name."""
    params = estimator.get_params(deep=True)
    return {key: params[key] for key in sorted(params) if key.split("__")[-1] == "random_state"}


def small_forest(**params):
    return RandomForestClassifier(5, **params)


def vote_of_forests():
    return VotingClassifier([(name, small_forest()) for name in "abcde"], voting="soft")


def two_classes():
    return make_classification(200, 5, n_informative=4, n_redundant=0, random_state=0)


def with_two_teachers(**params):
    """Teachers, folds and new rows: a fit of every kind of task."""
    teachers = [("lr", LogisticRegression()), ("nb", GaussianNB())]
    student = MLPStudent((8,), batch_size=50, n_steps=20)
    return DistilledClassifier(
        teachers, student, cv=2, transfer=Munge(size=1), random_state=0, **params
    )


def named_teachers(**params):
    teacher = [("rf", RandomForestClassifier()), ("lr", LogisticRegression(C=2.0))]
    return DistilledClassifier(**({"teacher": teacher} | params))


def three_classes(n=150, seed=0):
    X, y = make_classification(
        n, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=seed, class_sep=1.5
    )
    return X.astype(np.float32), y


def make_soft(X, seed=0):
    """Soft targets of no model: a random linear map."""
    return softmax(X @ np.random.default_rng(seed).normal(size=(X.shape[1], 3)), axis=1)


def number_table(n_rows=60):
    X = np.random.RandomState(0).normal(size=(n_rows, 3))
    return X, (X[:, 0] > 0).astype(int)


def make_clf(student=SMALL_STUDENT, **params):
    """A student of soft targets, in which only what a test asks for is chosen by the fit."""
    defaults = {"early_stopping": False, "calibrate": False, "random_state": 0}
    return DistilledClassifier(student=student, **(defaults | params))


def automatic(X, y, teacher=None, X_transfer=None, **params):
    """A fit whose transfer set is "auto", in next to no time."""
    clf = DistilledClassifier(
        GaussianNB() if teacher is None else teacher, MLPStudent((4,), n_steps=3), **params
    )
    return clf.set_params(random_state=0).fit(X, y, X_transfer=X_transfer)


def objects(values):
    """One cell each, of whatever they are."""
    cells = np.empty(len(values), dtype=object)
    cells[:] = list(values)
    return cells


class Net(torch.nn.Module):
    draws_random_numbers = False

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_inputs, 32), torch.nn.ReLU(), torch.nn.Linear(32, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


class FrozenTeacherMixin:
    """Freezes a teacher fitted on the rows at hand: the checks bring data of every shape."""

    def fit(self, X, y=None, sample_weight=None):
        given = self.teacher
        fitted = clone(given).fit(X, y, sample_weight=sample_weight)
        try:
            self.teacher = FrozenEstimator(fitted)
            return super().fit(X, y, sample_weight=sample_weight)
        finally:
            self.teacher = given
