"""Labels out of fold, for the training rows and for rows drawn from them; cv="auto"."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from skdistill import DistilledClassifier, MLPStudent, TeacherPool, TransferSampler

SMALL = MLPStudent((8,), n_steps=40)
DRAWN_FROM, LABELLED = [], []


@pytest.fixture(autouse=True)
def forget():
    DRAWN_FROM.clear()
    LABELLED.clear()


class Copies(TransferSampler):
    """Rows of the table again, half a step further in their first column."""

    def sample(self, X, n, random_state=None):
        DRAWN_FROM.append(X[:, 0].astype(int))
        return np.resize(X, (n, X.shape[1])) + [0.5, 0.0]


class Watching(ClassifierMixin, BaseEstimator):
    """A teacher that tells which rows it labels, and which it was fitted on."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen_ = X[:, 0].astype(int)
        return self

    def predict_proba(self, X):
        LABELLED.append((self.seen_, X[:, 0]))
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def numbered(n_rows=60):
    return np.column_stack([np.arange(n_rows), np.zeros(n_rows)]), np.arange(n_rows) % 2


def test_no_teacher_labels_what_it_has_seen_nor_what_was_drawn_from_it():
    X, y = numbered()
    sampler = Copies(size=2)
    clf = DistilledClassifier(Watching(), SMALL, transfer=sampler, cv=3, random_state=0).fit(X, y)
    assert clf.cv_ == 3
    assert clf.n_transfer_rows_ == 120
    assert_array_equal(np.sort(np.concatenate(DRAWN_FROM)), np.arange(60))
    by_folds = [(seen, rows) for seen, rows in LABELLED if len(seen) < 60]
    assert sum(len(rows) for _, rows in by_folds) == 60 + 120
    for seen, rows in by_folds:
        assert not np.isin(rows.astype(int), seen).any()


def test_drawn_rows_get_the_answers_of_their_folds():
    X, y = numbered()
    folds = [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 60))]
    pool = TeacherPool([("lr", LogisticRegression()), ("w", Watching())]).fit(X, y)
    others = [[X[:5], X[:3]], [X[40:42], X[:1]]]
    own, more = pool.cross_fit_proba(X, y, folds, others=others)
    assert_array_equal(own, pool.cross_fit_proba(X, y, folds))
    assert [[len(p) for p in fold] for fold in more] == [[5, 3], [2, 1]]
    alone = LogisticRegression().fit(X[30:], y[30:]).predict_proba(X[:5])
    assert_array_equal(more[0][0], (alone + 0.5) / 2)


def noisy(n_rows):
    """Labels that are mostly noise, and a teacher that learns each of them by heart."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 8))
    y = ((X[:, 0] * X[:, 1] > 0) ^ (rng.random(n_rows) < 0.25)).astype(int)
    return X, y, ExtraTreesClassifier(50, max_features=None, random_state=0)


def fit(X, y, teacher, **params):
    student = MLPStudent((64, 64), n_steps=500)
    return DistilledClassifier(teacher, student, alpha=0.3, random_state=0, **params).fit(X, y)


@pytest.mark.parametrize("case", ["no leak", "frozen", "no rows held out", "rare class"])
def test_auto_leaves_it_where_nothing_is_to_be_gained(case):
    X, y, teacher = noisy(600)
    params = {}
    if case == "no leak":
        teacher = LogisticRegression()
    elif case == "frozen":
        teacher = FrozenEstimator(teacher.fit(X, y))
    elif case == "no rows held out":
        params = {"early_stopping": False}
    else:
        y[np.arange(3)] = 2
    assert fit(X, y, teacher, **params).cv_ is None


def test_auto_is_none_where_labels_are_given():
    X, y, _ = noisy(600)
    soft = np.full((600, 2), 0.5)
    clf = DistilledClassifier(student=SMALL, random_state=0).fit(X, y, soft_targets=soft)
    assert clf.cv_ is None


def test_rows_taught_by_label_are_no_answers():
    """The fold that holds all rows of a class is labelled by teachers that do not know it."""
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(90, 3)), np.repeat([0, 1, 2], 30)
    everything = np.arange(90)
    tests = everything[:30], everything[60:], everything[30:60:2], everything[31:60:2]
    folds = [(np.setdiff1d(everything, test), test) for test in tests]
    clf = DistilledClassifier(LogisticRegression(), SMALL, transfer=None, cv=folds, random_state=0)
    with pytest.warns(UserWarning, match=r"no teacher knows the classes \[0, 2\]"):
        clf.fit(X, y)
    rows = np.arange(30, 60)
    unseen, given, is_answer = clf.teacher_.label_folds(
        X, y, folds, [[]] * 4, floored=False, fit_params=None, step=lambda name: None
    )
    assert given == [[]] * 4
    assert_array_equal(np.flatnonzero(is_answer), rows)
    seen = clf.teacher_.predict_proba(X)
    assert clf.leak_gap_ == pytest.approx(np.mean(seen[rows, 1] - unseen[rows, 1]))


def test_without_an_answer_there_is_no_leak_to_measure():
    X, y = np.random.RandomState(0).normal(size=(90, 3)), np.repeat([0, 1, 2], 30)
    folds = [(np.flatnonzero(y != code), np.flatnonzero(y == code)) for code in range(3)]
    clf = DistilledClassifier(LogisticRegression(), SMALL, transfer=None, cv=folds, random_state=0)
    with pytest.warns(UserWarning, match=r"no teacher knows the classes \[0, 1, 2\]"):
        assert clf.fit(X, y).leak_gap_ is None
