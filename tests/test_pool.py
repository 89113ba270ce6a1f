"""TeacherPool as an estimator of its own."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import skops.io
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector
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
from xgboost import XGBClassifier

from skdistill import TRUSTED_TYPES, DistilledClassifier, TeacherPool

STORED = Path(__file__).parent / "stored"

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
        (0 * WEIGHT, "every weight is zero"),
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


def test_a_pool_of_an_older_version_is_still_read():
    """Stored with the code of format 4, which knew no `features`."""
    back = pickle.loads((STORED / "pool4.pkl").read_bytes())
    rows = np.random.RandomState(0).normal(size=(40, 3))
    expected = json.loads((STORED / "pool4.json").read_text())
    np.testing.assert_allclose(back.predict_proba(rows)[:5], expected)
    assert back.select(rows) is rows
    assert clone(back).features is None
    assert back.fit(rows, Y[:40]).classes_.tolist() == ["no", "yes"]


def test_what_is_trusted_suffices_for_a_pool_of_some_columns(tmp_path):
    fitted = TeacherPool(LogisticRegression(), features=["a", "b"]).fit(FRAME, Y)
    skops.io.dump(fitted, tmp_path / "pool.skops")
    back = skops.io.load(tmp_path / "pool.skops", trusted=TRUSTED_TYPES)
    np.testing.assert_array_equal(back.predict_proba(FRAME), fitted.predict_proba(FRAME))


# --- some columns ---

MIXED = FRAME.assign(text=Y)


@pytest.mark.parametrize(
    "features",
    [
        ["a", "c"],
        [0, 2],
        [True, False, True, False, False],
        make_column_selector(pattern="^[ac]$"),
    ],
)
@pytest.mark.parametrize("make", [lambda frame: frame, pl.from_pandas])
def test_teachers_see_the_columns_that_features_selects(features, make):
    if make is pl.from_pandas and callable(features):
        features = lambda X: ["a", "c"]  # noqa: E731
    table, seen = make(MIXED), make(MIXED[["a", "c"]])
    part, alone = pool(features=features).fit(table, Y), pool().fit(seen, Y)
    assert part.n_features_in_ == 5
    np.testing.assert_array_equal(part.feature_names_in_, [*"abcd", "text"])
    assert type(part.select(table)) is type(table)
    assert list(part.select(table).columns) == ["a", "c"]
    np.testing.assert_array_equal(part.predict_proba(table), alone.predict_proba(seen))
    np.testing.assert_array_equal(part.label(table), alone.label(seen))
    assert part.accepts(table)
    np.testing.assert_array_equal(
        part.fit_weights(table, Y).weights_, alone.fit_weights(seen, Y).weights_
    )
    first, of_part = part.cross_fit_proba(table, Y, 2, others=[[table], [table[:3]]])
    second, of_alone = alone.cross_fit_proba(seen, Y, 2, others=[[seen], [seen[:3]]])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(of_part[1][0], of_alone[1][0])
    assert [p.shape[0] for (p,) in of_part] == [120, 3]


@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, sparse.csr_matrix])
def test_features_by_place(kind):
    part = pool(features=[3, 0]).fit(kind(X), Y)
    expected = pool().fit(X[:, [3, 0]], Y).predict_proba(X[:, [3, 0]])
    np.testing.assert_allclose(part.predict_proba(kind(X)), expected)


def test_without_features_x_is_handed_on_as_it_is():
    fitted = pool().fit(FRAME, Y)
    assert fitted.select(FRAME) is FRAME
    with pytest.raises(NotFittedError):
        pool().select(FRAME)


class Telling:
    """A fitted model that says what it was shown, and knows no classes."""

    seen = None

    def predict_proba(self, X):
        self.seen = X
        return np.full((len(X), 2), 0.5)


def test_frozen_teachers_see_the_same_columns():
    inner = LogisticRegression().fit(FRAME[["b", "a"]], Y)
    fitted = TeacherPool(FrozenEstimator(inner), features=["b", "a"]).fit(MIXED)
    expected = inner.predict_proba(FRAME[["b", "a"]])
    np.testing.assert_array_equal(fitted.predict_proba(MIXED), expected)
    telling = Telling()
    assert TeacherPool(telling, features=["d"]).find_classes(MIXED).tolist() == [0, 1]
    assert list(telling.seen.columns) == ["d"]
    assert len(telling.seen) == 1


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["a", "z"], r"`features` is \['a', 'z'\].*'z'"),
        ([], r"`features` is \[\], which selects no column"),
        (make_column_selector(pattern="zebra"), "`features` is a callable.* selects no column"),
    ],
)
def test_features_that_are_not_there(features, message):
    for ask in (pool(features=features).fit, pool(features=features).find_classes):
        with pytest.raises(ValueError, match=message):
            ask(FRAME, Y)


def test_features_are_found_once():
    numbers = make_column_selector(dtype_include="number")
    fitted = TeacherPool(LogisticRegression(), features=numbers).fit(MIXED, Y)
    later = MIXED.assign(text=1.0)
    np.testing.assert_array_equal(fitted.predict_proba(later), fitted.predict_proba(MIXED))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict_proba(MIXED[MIXED.columns[::-1]])


class Watched(LogisticRegression):
    """Tells what tables its fit was given beside X."""

    given = None

    def fit(self, X, y, **more):
        type(self).given = X, more
        return super().fit(X, y)


def test_evaluation_sets_have_the_columns_of_the_teachers():
    odd = np.ones((7, 3))
    params = {
        "eval_set": [(MIXED[:9], Y[:9]), (odd, Y[:7])],
        "X_val": MIXED[:5],
        "eval_X": (MIXED[:4], MIXED[:2]),
        "step__X_val": MIXED[:3],
        "base_margin": MIXED,
        "y_val": Y[:5],
    }
    teacher = TeacherPool([("w", Watched())], features=["a", "c"])
    teacher.fit(MIXED, Y, fit_params={"w": params})
    seen, given = Watched.given
    (first, _), (second, _) = given["eval_set"]
    cut = [seen, first, given["X_val"], *given["eval_X"], given["step__X_val"]]
    assert [list(table.columns) for table in cut] == [["a", "c"]] * 6
    assert [len(table) for table in cut] == [120, 9, 5, 4, 2, 3]
    assert second is odd
    assert given["base_margin"] is MIXED
    teacher.cross_fit_proba(MIXED, Y, 2, fit_params={"w": {"eval_set": (MIXED[:9], Y[:9])}})
    assert list(Watched.given[1]["eval_set"][0].columns) == ["a", "c"]


def test_early_stopping_on_the_columns_of_the_teachers():
    teacher = XGBClassifier(n_estimators=50, early_stopping_rounds=2, n_jobs=1)
    given = {"x": {"eval_set": [(X[:40], Y[:40])], "verbose": False}}
    part = TeacherPool([("x", teacher)], features=[0, 1]).fit(X[40:], Y[40:], fit_params=given)
    given = {"x": {"eval_set": [(X[:40, :2], Y[:40])], "verbose": False}}
    alone = TeacherPool([("x", teacher)]).fit(X[40:, :2], Y[40:], fit_params=given)
    np.testing.assert_array_equal(part.predict_proba(X), alone.predict_proba(X[:, :2]))


def test_a_search_over_features():
    grid = {"features": [["a"], ["b", "c"], None]}
    search = GridSearchCV(TeacherPool(LogisticRegression()), grid, cv=2).fit(FRAME, Y)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) > 1
    assert search.best_estimator_.select(FRAME).shape[1] in (1, 2, 4)


# --- what the callers need ---


@pytest.mark.parametrize(
    ("teachers", "y"),
    [
        (LogisticRegression(), Y),
        (FrozenEstimator(LogisticRegression().fit(X, Y)), None),
        ([LogisticRegression(), FrozenEstimator(LogisticRegression().fit(X, Y))], Y[:60]),
        (Telling(), None),
    ],
)
def test_classes_before_the_fit_are_those_of_the_fit(teachers, y):
    fresh = TeacherPool(teachers)
    rows = X if y is None else X[: len(y)]
    found = fresh.find_classes(rows, y)
    with pytest.raises(NotFittedError):
        fresh.predict(rows)
    np.testing.assert_array_equal(found, fresh.fit(rows, y).classes_)


def test_classes_that_cannot_be_found():
    with pytest.raises(ValueError, match="requires y to be passed"):
        pool().find_classes(X)
    with pytest.raises(ValueError, match="none of which is known"):
        TeacherPool(FrozenEstimator(LogisticRegression().fit(X, Y))).find_classes(X, Y + "!")


def test_keys_tell_members_apart(tmp_path):
    inner = LogisticRegression().fit(X, Y)

    def keys(rows=X, **params):
        teachers = [LogisticRegression(), FrozenEstimator(inner)]
        return TeacherPool(teachers, **{"memory": str(tmp_path), **params}).fit(rows, Y).keys

    first = keys()
    assert first == keys()
    assert None not in first
    assert len(set(first)) == 2
    assert keys(memory=None) == [None, None]
    fitted, frozen = keys(rows=X + 1)
    assert fitted != first[0]
    assert frozen == first[1]
    inner.coef_ = inner.coef_ + 1
    assert keys()[0] == first[0]
    assert keys()[1] != first[1]


def test_keys_tell_columns_apart(tmp_path):
    """Columns that were equal in the fit may differ in other rows."""
    rows = np.column_stack([X[:, 0], X[:, 0]])
    first, second = (
        TeacherPool(LogisticRegression(), memory=str(tmp_path), features=[place]).fit(rows, Y)
        for place in (0, 1)
    )
    assert first.keys != second.keys


def test_labels_kept_in_memory_are_those_of_the_columns_seen(tmp_path):
    """What teachers do not see makes no row another: their answers are known again."""
    teacher = TeacherPool(Counted(), memory=str(tmp_path), features=["a"]).fit(FRAME, Y)
    Counted.n_asked = 0
    first = teacher.label(FRAME)
    n_asked = Counted.n_asked
    np.testing.assert_array_equal(teacher.label(FRAME.assign(b=0.0)), first)
    assert Counted.n_asked == n_asked == 1


class Counted(LogisticRegression):
    n_asked = 0

    def predict_proba(self, X):
        Counted.n_asked += 1
        return super().predict_proba(X)
