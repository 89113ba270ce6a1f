"""TeacherPool as an estimator of its own."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from skdistill import DistilledClassifier, TeacherPool

X, CODES = make_classification(120, 4, random_state=0)
Y = np.array(["no", "yes"])[CODES]
FRAME = pd.DataFrame(X, columns=list("abcd"))
WEIGHT = np.arange(1.0, 121)


def pool(**params):
    teachers = [("lr", LogisticRegression()), ("rf", RandomForestClassifier(5))]
    return TeacherPool(teachers, random_state=0, **params)


def test_columns_are_counted_and_named():
    fitted = pool().fit(FRAME, Y)
    assert fitted.n_features_in_ == 4
    np.testing.assert_array_equal(fitted.feature_names_in_, list("abcd"))
    for ask in (fitted.predict, fitted.predict_proba, fitted.predict_log_proba):
        with pytest.raises(ValueError, match="feature names should match"):
            ask(FRAME[list("badc")])
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.fit_weights(FRAME[list("badc")], Y)
    with pytest.raises(ValueError, match="3 features, but TeacherPool is expecting 4"):
        fitted.fit(X, Y).predict(X[:, :3])
    assert not hasattr(fitted, "feature_names_in_")


@pytest.mark.parametrize("rows", [X.tolist(), FRAME, X])
def test_containers(rows):
    expected = pool().fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(pool().fit(rows, Y).predict_proba(rows), expected)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.coo_array, sparse.csc_array])
def test_sparse_rows_go_to_teachers_that_take_them(kind):
    rows = np.abs(X)
    fitted = TeacherPool(MultinomialNB()).fit(kind(rows), Y)
    expected = MultinomialNB().fit(rows, Y).predict_proba(rows)
    np.testing.assert_allclose(fitted.predict_proba(kind(rows)), expected)
    assert np.isfinite(fitted.cross_fit_proba(kind(rows), Y, 2)).all()


def test_rows_without_columns():
    texts = ["ant bee", "cat dog"] * 20
    teacher = make_pipeline(TfidfVectorizer(), LogisticRegression())
    fitted = TeacherPool(teacher).fit(texts, [0, 1] * 20)
    np.testing.assert_array_equal(fitted.predict(["dog", "bee"]), [1, 0])
    assert not hasattr(fitted, "n_features_in_")
    images = X.reshape(120, 2, 2)
    flat = FunctionTransformer(lambda rows: rows.reshape(len(rows), -1))
    fitted = TeacherPool(make_pipeline(flat, LogisticRegression())).fit(images, Y)
    expected = LogisticRegression().fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(images), expected)


def test_log_probabilities():
    fitted = pool().fit(X, Y)
    p = fitted.predict_proba(X)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), p)
    alone = TeacherPool(RandomForestClassifier(2, random_state=0)).fit(X, Y)
    assert np.isneginf(alone.predict_log_proba(X)).any()


# --- y and sample_weight ---


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.where(np.arange(120) < 3, None, Y), "Input y contains NaN"),
        (np.linspace(0, 1, 120), "Unknown label type: continuous"),
        (Y[:-1], "inconsistent numbers of samples"),
        (np.repeat("yes", 120), "teacher `lr` could not be fitted .* class"),
        (np.eye(2)[CODES], "should be a 1d array"),
    ],
)
def test_labels_that_are_none(y, message):
    with pytest.raises(ValueError, match=message):
        pool().fit(X, y)


def test_sample_weight_reaches_the_teachers():
    fitted = TeacherPool(LogisticRegression()).fit(X, Y, sample_weight=WEIGHT)
    expected = LogisticRegression().fit(X, Y, WEIGHT).predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(X), expected)
    assert np.abs(expected - LogisticRegression().fit(X, Y).predict_proba(X)).max() > 0.01
    beside = {"lr": {"sample_weight": WEIGHT}}
    given = pool().fit(X, Y, fit_params=beside | {"rf": {"sample_weight": WEIGHT}})
    both = pool().fit(X, Y, WEIGHT, fit_params=beside)
    np.testing.assert_allclose(given.predict_proba(X), both.predict_proba(X))


def test_a_teacher_that_takes_no_weights_is_named():
    with pytest.warns(UserWarning, match="teacher `near` .* takes no sample_weight"):
        TeacherPool([("near", KNeighborsClassifier())]).fit(X, Y, sample_weight=WEIGHT)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-WEIGHT, "Negative values"),
        (WEIGHT[:-1], r"sample_weight.shape == \(119,\)"),
        (np.where(WEIGHT < 3, np.nan, 1), "NaN"),
    ],
)
def test_weights_that_are_not_valid(weight, message):
    with pytest.raises(ValueError, match=message):
        pool().fit(X, Y, sample_weight=weight)


@pytest.mark.parametrize("requested", [None, True, False])
def test_sample_weight_is_routed(requested):
    with sklearn.config_context(enable_metadata_routing=True):
        teacher = LogisticRegression().set_fit_request(sample_weight=requested)
        fitted = TeacherPool(teacher)
        if requested is None:
            with pytest.raises(UnsetMetadataPassedError, match="LogisticRegression"):
                fitted.fit(X, Y, sample_weight=WEIGHT)
            return
        fitted.fit(X, Y, sample_weight=WEIGHT)
        expected = LogisticRegression().fit(X, Y, WEIGHT if requested else None)
        np.testing.assert_allclose(fitted.predict_proba(X), expected.predict_proba(X))
        fitted.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        result = cross_validate(fitted, X, Y, params={"sample_weight": WEIGHT}, cv=2)
        assert np.isfinite(result["test_score"]).all()


def test_what_teachers_request_is_routed():
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=GroupKFold(3))
    groups = np.arange(120) // 4
    for owner in (TeacherPool(search), DistilledClassifier(TeacherPool(search), transfer=None)):
        with pytest.raises((TypeError, ValueError), match="enable_metadata_routing=True"):
            owner.fit(X, Y, groups=groups)
        with sklearn.config_context(enable_metadata_routing=True):
            owner.fit(X, Y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        assert TeacherPool(search).fit(X, Y, groups=groups).estimators_[0].n_splits_ == 3
        with pytest.raises(TypeError, match="not routed to any object"):
            TeacherPool(search).fit(X, Y, nonsense=1)


def test_no_rows_to_label():
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        pool().fit(X, Y).predict_proba(X[:0])


# --- as others see it ---


def test_nothing_is_fitted_before_fit_or_after_one_that_fails():
    fresh = pool()
    for ask in (fresh.predict, fresh.predict_proba, fresh.predict_log_proba):
        with pytest.raises(NotFittedError):
            ask(X)
    fitted = pool().fit(X, Y)
    with pytest.raises(ValueError, match="could not be fitted"):
        fitted.fit(np.full_like(X, np.nan), Y)
    with pytest.raises(NotFittedError):
        fitted.predict(X)


class Plain:
    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


@pytest.mark.parametrize(
    ("teachers", "allow_nan", "takes_sparse", "required"),
    [
        (HistGradientBoostingClassifier(), True, False, True),
        ([HistGradientBoostingClassifier(), LogisticRegression()], False, False, True),
        ([LogisticRegression(), RandomForestClassifier()], False, True, True),
        ([LogisticRegression(), FrozenEstimator(LogisticRegression())], False, True, True),
        (FrozenEstimator(LogisticRegression()), False, True, False),
        (FrozenEstimator(Plain()), True, True, False),
        (Plain(), True, True, False),
    ],
)
def test_tags_are_those_of_all_teachers(teachers, allow_nan, takes_sparse, required):
    tags = get_tags(TeacherPool(teachers))
    assert tags.input_tags.allow_nan is allow_nan
    assert tags.input_tags.sparse is takes_sparse
    assert tags.target_tags.required is required


@pytest.mark.parametrize(
    "around",
    [
        lambda part: BaggingClassifier(part, 2, random_state=0),
        lambda part: StackingClassifier([("pool", part)], cv=2),
        lambda part: CalibratedClassifierCV(part, cv=2),
    ],
)
def test_inside_other_estimators(around):
    teacher = around(pool()).fit(FRAME, Y)
    assert teacher.score(FRAME, Y) > 0.7
    weighted = around(pool()).fit(FRAME, Y, sample_weight=WEIGHT)
    assert np.abs(weighted.predict_proba(FRAME) - teacher.predict_proba(FRAME)).max() > 0.01
