"""`class_prior`: classes that are rare or missing among the rows of the student."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier, MLPStudent
from skdistill.targets import prior_offsets


def test_offsets_are_bayes_rule():
    rng = np.random.default_rng(0)
    shares, prior = np.array([0.7, 0.2, 0.1]), np.array([1.0, 1.0, 2.0])
    p = rng.dirichlet(np.ones(3), 20)
    moved = p * (prior / 4) / shares
    moved /= moved.sum(axis=1, keepdims=True)
    logits = np.log(p) + prior_offsets(shares, prior)
    assert_allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), moved)
    assert np.isfinite(prior_offsets(np.array([1.0, 0.0]), np.ones(2))).all()


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
    teacher = RandomForestClassifier(100, random_state=0).fit(X, y)
    return FrozenEstimator(teacher), X[y != 3], np.bincount(y), X_test, y_test


def test_a_class_missing_from_the_rows_is_recognised(digits):
    teacher, X, prior, X_test, y_test = digits
    missing = y_test == 3
    plain = DistilledClassifier(teacher, transfer=None, random_state=0).fit(X)
    clf = DistilledClassifier(teacher, transfer=None, class_prior=prior, random_state=0).fit(X)
    assert (plain.predict(X_test)[missing] == 3).mean() < 0.6
    assert (clf.predict(X_test)[missing] == 3).mean() >= 0.95
    assert clf.score(X_test, y_test) > plain.score(X_test, y_test)
    logits = np.log(plain.predict_proba(X_test)) + clf.class_offset_
    assert_array_equal(logits.argmax(axis=1), clf.predict(X_test))


def few(**params):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = np.where(X[:, 0] + rng.normal(size=200) > 0.8, "rare", "usual")
    student = MLPStudent((8,), n_steps=50)
    clf = DistilledClassifier(LogisticRegression(), student, random_state=0, **params)
    return clf.fit(X, y), X


def test_by_label_or_in_the_order_of_the_classes():
    by_label, X = few(class_prior={"usual": 3, "rare": 1})
    by_order, _ = few(class_prior=[0.25, 0.75])
    by_frequency, _ = few(class_prior=pd.Series({"usual": 0.75, "rare": 0.25}))
    assert_array_equal(by_label.predict_proba(X), by_frequency.predict_proba(X))
    assert_array_equal(by_label.predict_proba(X), by_order.predict_proba(X))
    again = pickle.loads(pickle.dumps(by_label))
    assert_array_equal(again.predict_proba(X), by_label.predict_proba(X))


def test_the_shares_it_learned_from_change_nothing_much():
    plain, X = few()
    assert plain.class_offset_ is None
    same, _ = few(class_prior=plain.teacher_.predict_proba(X).mean(axis=0))
    assert_allclose(same.predict_proba(X), plain.predict_proba(X), atol=0.05)
    more, _ = few(class_prior=[0.9, 0.1])
    assert (more.predict_proba(X)[:, 0] > plain.predict_proba(X)[:, 0]).all()


def test_a_class_that_nothing_taught_is_left_alone():
    X, y = load_digits(return_X_y=True)
    teacher = FrozenEstimator(LogisticRegression(max_iter=20).fit(X, y))
    clf = DistilledClassifier(
        teacher, MLPStudent((16,)), alpha=1.0, class_prior=np.ones(10), random_state=0
    )
    with pytest.warns(UserWarning, match=r"`class_prior` cannot bring out the classes \[3\]"):
        clf.fit(X[y != 3], y[y != 3])
    assert clf.class_offset_[3] == 0
    assert clf.score(X[y != 3], y[y != 3]) > 0.9


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ([1.0, 0.0], "`class_prior` must hold a number > 0 for each of the 2 classes"),
        ([1.0], "`class_prior` must hold a number > 0 for each of the 2 classes"),
        ([1.0, np.nan], "`class_prior` must hold a number > 0"),
        ([1e-320, 1e308], "`class_prior` must hold a number > 0"),
        ("much", "`class_prior` must hold numbers, got 'much'"),
        ({"rare": 1.0}, r"`class_prior` must have the classes \['rare', 'usual'\] as its keys"),
    ],
)
def test_bad_priors(prior, message):
    with pytest.raises(ValueError, match=message):
        few(class_prior=prior)
