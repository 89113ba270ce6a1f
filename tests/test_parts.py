"""What students are chosen on: rows held out, or each row once; then all is fitted on all rows."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skdistill import DistilledClassifier, MLPStudent, Munge, Rounds

RECIPE = MLPStudent((8,), n_steps=30)
SEEN = []


@pytest.fixture(autouse=True)
def forget():
    SEEN.clear()


class Watching(ClassifierMixin, BaseEstimator):
    """A logistic regression that remembers the rows it was fitted on, by their first column."""

    model = LogisticRegression()

    def fit(self, X, y):
        SEEN.append(X[:, 0].astype(int))
        self.model_ = clone(self.model).fit(X[:, 1:], y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X[:, 1:])


class ByHeart(Watching):
    """A nearest neighbour, which knows the rows it was fitted on."""

    model = KNeighborsClassifier(1)


def data(n_rows=600):
    X, y = make_classification(n_rows, 4, flip_y=0.2, random_state=0)
    return np.column_stack([np.arange(n_rows), X]), y


def make(**params):
    params = {"transfer": None, "random_state": 0, "student_features": [1, 2, 3, 4]} | params
    params = {"student": RECIPE, "cv": None, "encoder": "passthrough"} | params
    return DistilledClassifier(Watching(), **params)


@pytest.fixture
def trainings(on_training):
    """(rows to learn, alpha) of each training."""
    seen = []

    def watch(training, run):
        seen.append((len(training.rows), training.loss["alpha"]))
        return run()

    on_training(watch)
    return seen


# --- in folds ---


def folded(**params):
    return make(cv="auto", **params)


def test_each_row_of_a_small_table_judges_once():
    X, y = data()
    clf = folded().fit(X, y)
    held_out = [np.setdiff1d(np.arange(600), rows) for rows in SEEN[:5]]
    assert_array_equal(np.sort(np.concatenate(held_out)), np.arange(600))
    assert "on 600 rows held out" in clf.decision_


def test_at_last_teacher_and_student_learn_of_all_rows(trainings):
    X, y = data()
    clf = folded().fit(X, y)
    assert len(SEEN) == 6
    assert_array_equal(SEEN[5], np.arange(600))
    assert trainings[-1][0] == 600
    assert_array_equal(clf.teacher_.predict_proba(X), Watching().fit(X, y).predict_proba(X))


def test_a_class_is_in_each_fold():
    X, y = data()
    y[:10] = 2
    folded().fit(X, y)
    assert [np.isin(np.arange(10), rows).sum() for rows in SEEN[:5]] == [8] * 5


def test_a_class_of_few_rows_is_not_folded():
    X, y = data()
    y[:9] = 2
    folded().fit(X, y)
    assert len(SEEN) == 2


def test_another_weight_of_the_labels_is_tried(trainings):
    X, y = data()
    clf = folded().fit(X, y)
    tried = [trial["alpha"] for trial in clf.trials_ if trial["who"] == "student"]
    assert tried == [0.3, 0.7]
    assert [alpha for _, alpha in trainings[:15]] == [0.3] * 5 + [1.0] * 5 + [0.7] * 5


@pytest.mark.parametrize(("fraction", "n_fits"), [("auto", 6), (0.2, 7)])
def test_no_labels_out_of_fold_are_tried_in_folds(monkeypatch, fraction, n_fits):
    """In folds teachers are fitted 5 + 1 times; with one part 1 + 5 + 1 times."""
    monkeypatch.setattr("skdistill._fit.candidates.EARLY", 1.0)
    X, y = data()
    clf = folded(validation_fraction=fraction).set_params(teacher=ByHeart()).fit(X, y)
    assert clf.leak_gap_ > 0.1
    assert len(SEEN) == n_fits


def test_the_share_of_the_epochs_is_best_on_the_mean(on_training):
    last = []
    on_training(lambda training, run: last.append(training.net.max_epochs) or run())
    X, y = data()
    clf = folded(student=MLPStudent((32,), learning_rate=0.05, n_steps=600)).fit(X, y)
    assert last[-1] < 0.7 * last[0]  # noise is learned by heart
    assert clf.score(X, y) > 0.7


def test_frozen_teachers_are_asked_in_folds_as_well(trainings):
    X, y = data()
    clf = folded()
    clf.set_params(teacher=FrozenEstimator(Watching().fit(X, y))).fit(X, y)
    assert len(SEEN) == 1
    assert "on 600 rows held out" in clf.decision_
    assert trainings[-1][0] == 600


def test_who_ends_a_fold_keeps_its_student(on_training):
    begun = []

    def cut(training, run):
        begun.append(training)
        if len(begun) == 2:
            training.step = lambda name, *net: True
        return run()

    on_training(cut)
    X, y = data()
    clf = folded().fit(X, y)
    assert len(begun) == 2
    assert clf.trials_ == []
    assert clf.predict(X).shape == (600,)


@pytest.mark.parametrize(
    "params",
    [
        {"alpha": 0.3},
        {"early_stopping": True},
        {"validation_fraction": 0.2},
        {"refit": False},
        {"warm_start": True},
        {"max_time": 1000},
        {"student": RECIPE.make_net(600)},
        {"transfer": Rounds(Munge(size=0.5), n_rounds=2)},
        {"class_prior": [0.4, 0.6]},
    ],
    ids=lambda params: next(iter(params)),
)
def test_where_more_is_asked_for_some_rows_are_held_out(params):
    X, y = data()
    folded(**params).fit(X, y)
    assert len(SEEN) <= 2
    assert 400 < len(SEEN[0]) < 600


def test_few_rows_choose_nothing():
    X, y = data(249)
    assert folded().fit(X, y).trials_ == []
    assert [len(rows) for rows in SEEN] == [249]


# --- some rows held out ---


@pytest.mark.parametrize(("n_rows", "n_kept"), [(2400, 1800), (5000, 4000), (12_000, 10_800)])
def test_of_few_rows_more_are_held_out(n_rows, n_kept):
    X, y = data(n_rows)
    make(alpha=0.3).fit(X, y)
    assert [len(rows) for rows in SEEN] == [n_kept, n_rows]


@pytest.mark.parametrize(
    "params",
    [
        {"refit": False},
        {"max_time": 1000},
        {"transfer": Rounds(Munge(size=0.1), n_rounds=2)},
    ],
    ids=lambda params: next(iter(params)),
)
def test_a_tenth_is_held_out_where_nothing_may_be_fitted_again(params):
    X, y = data(2400)
    make(alpha=0.3, **params).fit(X, y)
    assert len(SEEN[0]) == 2160


def test_one_row_held_out_calibrates_nothing():
    X, y = data()
    split = [(np.arange(599), np.array([599]))]
    with np.errstate(all="raise"):
        clf = make(alpha=0.3, validation_fraction=split).fit(X, y)
    assert clf.calibration_temperature_ == 1


def test_rows_are_drawn_anew_of_all_rows():
    X, y = data(2400)
    clf = make(transfer=Munge(size=0.5), alpha=0.3).fit(X, y)
    assert clf.n_transfer_rows_ == 1200


def test_a_last_fit_of_the_teacher_that_fails_leaves_the_student():
    class Once(Watching):
        def fit(self, X, y):
            if SEEN:
                raise RuntimeError("no more")
            return super().fit(X, y)

    X, y = data()
    clf = make(alpha=0.3).set_params(teacher=Once())
    with pytest.warns(UserWarning, match=r"training the student again failed.*no more"):
        clf.fit(X, y)
    assert clf.score(X, y) > 0.6
