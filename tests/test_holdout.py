"""Validation rows: neither the teachers nor the student see them."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from shared import GOOD_AND_RANDOM, Random, learnable, weighed
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneOut

from skdistill import DistilledClassifier, MLPStudent, Objective, TransferSampler

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
    params = {"teacher": Watching(), "student": SMALL, "random_state": 0} | params
    params = {"validation_fraction": 0.1, "refit": False} | params
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
    for others, *_ in SEEN[1:]:  # by weight: 480 rows, some of them more than once
        assert len(others) == 480
        assert set(others) < set(rows)
        assert others.mean() > rows.mean() + 50


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
    with pytest.raises(
        ValueError, match="`validation_fraction=0.1` of 5 sample.s. leaves one side"
    ):
        fit(X, y, weight, early_stopping=True)
    with pytest.raises(ValueError, match="`calibrate=True` needs labelled validation rows"):
        fit(X, y, weight, calibrate=True)


# --- teacher_weights="auto" ---

NO_ROWS = "`teacher_weights='auto'` found no labelled validation rows"


class Held(Objective):
    """An objective that keeps what the pool says of the blocks it is shown."""

    def teacher_view(self, teacher, X):
        SEEN.append(teacher.predict_proba(X))
        return SEEN[-1]

    def loss(self, batch):
        return batch.logits.sum(dim=1) * 0


def test_an_objective_sees_the_pool_as_it_is_weighed():
    X, y = learnable()
    clf = weighed(X, y, objectives=Held(), transfer=None, refit=False)
    assert clf.teacher_.weights_[1] < 0.1
    lr, random = (one.predict_proba(X) for one in clf.teacher_.estimators_)
    a, b = clf.teacher_.weights_
    expected = a * lr + b * random
    assert SEEN
    for view in SEEN:
        gaps = np.abs(expected[:, None] - view[None, :5]).sum(axis=2).min(axis=0)
        assert gaps.max() < 1e-9


def test_given_validation_rows_and_their_weights_choose():
    X, y = learnable()
    fitted = weighed(X[:400], y[:400], None)
    frozen = [
        (name, FrozenEstimator(part)) for name, part in fitted.teacher_.named_estimators_.items()
    ]
    kinds = np.r_[y[400:500], Random().fit(X, y).predict_proba(X[500:]).argmax(axis=1)]
    found = []
    for heavy in (np.arange(200) < 100, np.arange(200) >= 100):
        clf = DistilledClassifier(frozen, SMALL, teacher_weights="auto", random_state=0)
        clf.fit(X[:400], X_val=X[400:], y_val=kinds, sample_weight_val=np.where(heavy, 1.0, 1e-3))
        found.append(clf.teacher_.weights_)
    assert found[0][0] > 0.85 > 0.6 > found[1][0]


@pytest.mark.parametrize("case", ["few rows", "no early stopping", "no labels"])
def test_without_labelled_validation_rows_the_teachers_weigh_alike(case):
    X, y = learnable(300 if case == "few rows" else 600)
    params = {"early_stopping": False} if case == "no early stopping" else {}
    teachers = GOOD_AND_RANDOM
    if case == "no labels":
        teachers, y = [FrozenEstimator(clone(part).fit(X, y)) for _, part in GOOD_AND_RANDOM], None
    with pytest.warns(UserWarning, match=NO_ROWS) as caught:
        clf = fit(X, y, teacher=teachers, teacher_weights="auto", **params)
    assert sum("teacher_weights" in str(one.message) for one in caught) == 1
    assert_array_equal(clf.teacher_.weights_, [0.5, 0.5])


@pytest.mark.parametrize("teacher", [LogisticRegression(), None])
def test_where_there_is_nothing_to_weigh_nothing_is_said(teacher):
    X, y = learnable(200)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        clf = DistilledClassifier(teacher, SMALL, teacher_weights="auto")
        clf.fit(X, y, soft_targets=None if teacher else np.eye(3)[y])
    assert teacher is None or clf.teacher_.weights_.tolist() == [1.0]


def test_going_on_keeps_the_weights():
    X, y = learnable()
    clf = weighed(X, y, warm_start=True, random_state=None)
    weights = clf.teacher_.weights_
    assert_array_equal(clf.fit(X, y).teacher_.weights_, weights)


def test_chosen_weights_are_cloned_searched_and_stored():
    X, y = learnable()
    clf = weighed(X, y)
    assert clone(clf).teacher_weights == "auto"
    stored = pickle.loads(pickle.dumps(clf))
    assert_array_equal(stored.teacher_.weights_, clf.teacher_.weights_)
    assert_array_equal(stored.teacher_.predict_proba(X), clf.teacher_.predict_proba(X))
    assert_array_equal(clf.without_teacher().predict_proba(X), clf.predict_proba(X))
    grid = {"teacher_weights": ["auto", None, [0, 1]]}
    search = GridSearchCV(clone(clf).set_params(alpha=0.0), grid, cv=2, scoring="neg_log_loss")
    scores = search.set_params(estimator__early_stopping=True).fit(X, y).cv_results_
    assert scores["rank_test_score"][2] == 3
    assert search.best_estimator_.teacher_.weights_.sum() == pytest.approx(1)


def test_a_class_that_one_teacher_lacks_does_not_keep_it_from_being_weighed():
    X, y = learnable()
    known = FrozenEstimator(LogisticRegression().fit(X[y < 2], y[y < 2]))
    for teachers in ([known, Random()], [known, Random(), LogisticRegression()]):
        weights = fit(X, y, teacher=teachers, teacher_weights="auto").teacher_.weights_
        assert np.isfinite(weights).all()
        assert weights.argmin() == 1


@pytest.mark.parametrize("wrong", ["equal", "Auto", "None"])
def test_other_words_for_weights_are_refused(wrong):
    X, y = learnable()
    with pytest.raises(ValueError, match=f"`teacher_weights` must hold .* 'auto' .*got '{wrong}'"):
        weighed(X, y, wrong)


def test_a_teacher_that_fails_says_how_many_rows_it_had():
    X, y = data()
    teacher = LogisticRegression(C=-1.0)
    with pytest.raises(ValueError, match="`logisticregression` could not be fitted on 540 rows"):
        fit(X, y, teacher=teacher)
