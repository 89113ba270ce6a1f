"""Validation rows: neither the teachers nor the student see them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, LeaveOneOut

from skdistill import DistilledClassifier, MLPStudent, TransferSampler
from skdistill._blocks import rows_to_hold_out

SMALL = MLPStudent((8,), n_steps=10)
SEEN = []


@pytest.fixture(autouse=True)
def forget():
    SEEN.clear()


class Watching(ClassifierMixin, BaseEstimator):
    """A teacher that remembers the rows it was fitted on, by their first column."""

    def fit(self, X, y, sample_weight=None):
        rows = np.asarray(X)[:, 0].astype(int)
        SEEN.append((rows, np.asarray(y), sample_weight))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class FromRows(TransferSampler):
    """A sampler that remembers the rows it draws from."""

    def sample(self, X, n, random_state=None):
        SEEN.append((np.asarray(X)[:, 0].astype(int), None, None))
        return X[:n]


def data(n_rows=600, n_classes=2):
    X = np.column_stack([np.arange(n_rows), np.random.RandomState(0).normal(size=n_rows)])
    return X, np.arange(n_rows) % n_classes


def fit(X, y, weight=None, **params):
    params = {"teacher": Watching(), "student": SMALL, "random_state": 0, **params}
    return DistilledClassifier(**params).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("frame", [False, True])
def test_teachers_and_samplers_do_not_see_the_validation_rows(frame):
    X, y = data()
    table = pd.DataFrame(X, columns=["a", "b"]) if frame else X
    weight = 1.0 + np.arange(600)
    transfer = None if frame else FromRows(size=0.1)
    fit(table, y, weight, validation_fraction=0.2, transfer=transfer)
    assert len(SEEN) == (1 if frame else 2)
    rows, labels, weights = SEEN[0]
    assert len(rows) == len(set(rows)) == 480
    assert_array_equal(labels, y[rows])
    assert_array_equal(weights, weight[rows])
    for others, *_ in SEEN[1:]:
        assert_array_equal(others, rows)


def test_without_validation_they_see_all():
    X, y = data()
    fit(X, y, early_stopping=False)
    assert len(SEEN[0][0]) == 600


def test_few_rows_are_not_split():
    X, y = data(499)
    clf = fit(X, y)
    assert len(SEEN[0][0]) == 499
    assert clf.leak_gap_ is None


def test_with_rows_for_validation_they_see_all():
    X, y = data()
    DistilledClassifier(Watching(), SMALL, random_state=0).fit(X, y, X_val=X[:50], y_val=y[:50])
    assert len(SEEN[0][0]) == 600


@pytest.mark.parametrize("as_indices", [False, True])
def test_folds_are_those_of_the_rows_left(as_indices):
    X, y = data()
    folds = list(KFold(3, shuffle=True, random_state=0).split(X))
    fit(X, y, cv=folds if as_indices else KFold(3, shuffle=True, random_state=0))
    kept = set(SEEN[0][0])
    assert len(kept) == 540
    for (rows, labels, _), (train, _) in zip(SEEN[1:], folds, strict=True):
        assert set(rows) == kept & set(train)
        assert_array_equal(labels, y[rows])


def test_a_fold_of_held_out_rows_only_is_no_fold():
    X, y = data(60)
    fit(X, y, cv=LeaveOneOut(), early_stopping=True)
    assert len(SEEN) == 1 + 54
    assert {len(rows) for rows, *_ in SEEN[1:]} == {53}


def test_rows_of_weight_zero_are_neither_held_out_nor_lost():
    X, y = data()
    weight = np.where(np.arange(600) < 50, 0.0, 1.0)
    fit(X, y, weight)
    rows, _, weights = SEEN[0]
    assert set(range(50)) <= set(rows)
    assert (weights == 0).sum() == 50
    assert len(rows) == 600 - 55


@pytest.mark.parametrize("n_rare", [1, 2])
def test_a_rare_class_is_not_held_out_whole(n_rare):
    X, y = data()
    y = y.copy()
    y[:n_rare] = 2
    for seed in range(5):
        fit(X, y, random_state=seed)
        assert 2 in SEEN[-1][1]


def test_rows_to_hold_out():
    labels = np.repeat([0, 1, 2], [60, 39, 1])
    for seed in range(20):
        rows = rows_to_hold_out(labels, 0.2, seed)
        assert len(rows) in (19, 20)
        assert 99 not in rows
        assert_array_equal(rows, np.unique(rows))
    stratified = rows_to_hold_out(labels[:99], 0.2, 0)
    assert_array_equal(np.bincount(labels[stratified]), [12, 8])


def test_a_lone_row_does_not_keep_the_others_from_being_stratified():
    labels = np.array([0] * 580 + [1] * 20 + [2])
    for seed in range(5):
        assert (labels[rows_to_hold_out(labels, 0.1, seed)] == 1).sum() == 2
    assert len(rows_to_hold_out(np.arange(30), 0.1, 0)) == 0  # nobody can be spared


def test_the_leak_of_a_forest_is_found_by_default():
    X, y = make_classification(600, 6, flip_y=0.3, random_state=0)
    leaky = fit(X, y, teacher=RandomForestClassifier(50))
    sound = fit(X, y, teacher=LogisticRegression())
    assert leaky.leak_gap_ > 0.15
    assert abs(sound.leak_gap_) < 0.05
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    assert fit(X, y, teacher=frozen).leak_gap_ is None


def test_frozen_teachers_without_labels_validate_by_soft_targets():
    X, y = make_classification(600, 6, random_state=0)
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    clf = fit(X, None, teacher=frozen)
    assert clf.calibration_temperature_ == 1.0
    assert clf.history_[-1, "valid_loss"] > 0


@pytest.mark.parametrize("random_state", [None, 0])
def test_going_on_holds_the_same_rows_out(random_state):
    X, y = data()
    transfer = FromRows(size=0.1)
    clf = fit(X, y, warm_start=True, transfer=transfer, random_state=random_state)
    for _ in range(2):
        clf.fit(X, y)
    (teachers, *_), *students = SEEN
    assert len(students) == 3
    for rows, *_ in students:
        assert_array_equal(rows, teachers)


def test_rows_of_weight_zero_cannot_be_calibrated_by():
    X, y = data()
    weight = np.where(np.arange(600) < 595, 0.0, 1.0)
    with pytest.raises(ValueError, match="`validation_fraction=0.1` of 5 rows leaves no row"):
        fit(X, y, weight, early_stopping=True)
    with pytest.raises(ValueError, match="`calibrate=True` needs labelled validation rows"):
        fit(X, y, weight, calibrate=True)


def test_a_teacher_that_fails_says_how_many_rows_it_had():
    X, y = data()
    teacher = LogisticRegression(C=-1.0)
    with pytest.raises(ValueError, match="`logisticregression` could not be fitted on 540 rows"):
        fit(X, y, teacher=teacher)
