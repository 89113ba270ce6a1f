"""Numbers that act as codes."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from skdistill import (
    TRUSTED_TYPES,
    DistilledClassifier,
    MLPStudent,
    Scorer,
    TabularEncoder,
    to_onnx,
)
from skdistill._nominal import MOST_COLUMNS, find_nominal


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
    logit = 2.5 * np.isin(X["day"], [2, 3, 8, 13, 17, 22, 23, 30]) + X["hour"] / 12 + X["price"] - 2
    return X, (rng.uniform(size=n_rows) < 1 / (1 + np.exp(-logit))).astype(int)


def test_finds_days_and_not_hours():
    X, y = calendar()
    encoder = TabularEncoder(nominal="auto").fit(X, y)
    assert list(encoder.nominal_) == [0]
    assert_array_equal(encoder.nominal_[0], np.arange(1, 32))
    assert encoder.n_outputs_ == 2 * 3 + 31


def test_indicators_come_besides_the_other_columns():
    X, y = calendar()
    X.loc[5, "day"] = np.nan
    X["colour"] = pd.Categorical.from_codes(y, ["red", "blue"])
    coded, plain = TabularEncoder(nominal="auto").fit(X, y), TabularEncoder().fit(X, y)
    first = X.head(20).copy()
    first.loc[6, "day"] = 99
    out, without = coded.transform(first), plain.transform(first)
    start = 2 * 3 + 1
    assert_array_equal(np.delete(out, np.s_[start : start + 31], axis=1), without)
    expected = first["day"].to_numpy()[:, None] == np.arange(1, 32)
    assert_array_equal(out[:, start : start + 31], expected)
    assert not out[[5, 6], start : start + 31].any()  # missing and unseen


def test_noise_is_rarely_taken_for_codes():
    rng = np.random.RandomState(0)
    numbers = rng.randint(0, 12, size=(2000, 300)).astype(float)
    found = find_nominal(numbers, rng.randint(0, 3, 2000))
    assert len(found) <= 3  # 0.3 expected


@pytest.mark.parametrize(
    "change",
    [
        lambda day: day + 0.5,  # no whole numbers
        lambda day: day % 4,  # too few
        lambda day: day + 31 * (np.arange(len(day)) % 2),  # too many
        lambda day: day + 2.0**30,
        lambda day: day * np.nan,
    ],
)
def test_what_is_no_code(change):
    X, y = calendar()
    numbers = X.to_numpy()
    assert list(find_nominal(numbers, y)) == [0]
    numbers[:, 0] = change(numbers[:, 0])
    assert find_nominal(numbers, y) == {}


def test_few_rows_a_value():
    X, y = calendar()
    numbers, rows = X.to_numpy(), np.argsort(-y, kind="stable")[:600]
    labels = np.isin(numbers[:, 0], [2, 3, 8, 13, 17]).astype(int)
    assert list(find_nominal(numbers, labels)) == [0]  # told without fail
    assert find_nominal(numbers[rows], labels[rows]) == {}


def test_the_columns_that_tell_most_are_taken_first():
    X, y = calendar(20_000)
    rng = np.random.RandomState(0)
    share = np.linspace(0, 0.5, 12)
    mixed = [
        np.where(rng.uniform(size=len(y)) < p, rng.randint(1, 32, len(y)), X["day"]) for p in share
    ]
    found = find_nominal(np.column_stack(mixed), y)
    assert list(found) == list(range(MOST_COLUMNS // 31))


def test_needs_labels_of_classes():
    X, y = calendar(100)
    for labels in (None, y[:50], y + 0.5):
        with pytest.raises(ValueError, match="`nominal='auto'` looks for numbers that tell"):
            TabularEncoder(nominal="auto").fit(X, labels)
    with pytest.raises(ValueError, match="`nominal` must be 'auto' or None, got 'yes'"):
        TabularEncoder(nominal="yes").fit(X, y)


# --- the student ---


def fit(X, y, **params):
    params = {
        "student": MLPStudent((16,), n_steps=600),
        "transfer": None,
        "random_state": 0,
        **params,
    }
    return DistilledClassifier(RandomForestClassifier(20), **params).fit(X, y)


def test_the_student_takes_codes_where_they_help():
    X, y = calendar()
    assert list(fit(X, y).encoder_.nominal_) == [0]
    assert list(fit(X, y, alpha=0.5).encoder_.nominal_) == [0]
    assert fit(X, y, encoder=TabularEncoder()).encoder_.nominal_ == {}
    assert fit(X, y, early_stopping=False).encoder_.nominal_ == {}  # nothing to tell by


def test_the_student_does_without_codes_that_do_not_help():
    X, y = load_digits(return_X_y=True)  # shades of grey from 0 to 16
    assert len(TabularEncoder(nominal="auto").fit(X, y).nominal_)
    assert fit(X, y).encoder_.nominal_ == {}


@pytest.mark.parametrize("store", ["pickle", "skops"])
def test_stored_and_read(store):
    X, y = calendar()
    clf = fit(X, y).without_teacher()
    assert clf.encoder_.nominal_
    if store == "pickle":
        back = pickle.loads(pickle.dumps(clf))
    else:
        back = skops.io.loads(skops.io.dumps(clf), trusted=TRUSTED_TYPES)
    assert_array_equal(back.predict_proba(X[:99]), clf.predict_proba(X[:99]))


@pytest.mark.parametrize("number_type", [np.float64, np.float32])
def test_exported(tmp_path, number_type):
    pytest.importorskip("onnxruntime")
    X, y = calendar()
    X.loc[3, "day"] = np.nan
    clf = fit(X, y, encoder=TabularEncoder(nominal="auto"), class_prior=[0.5, 0.5])
    few = X.head(50).astype(number_type)
    few.loc[4, "day"] = 77
    to_onnx(clf, tmp_path / "student.onnx")
    scorer = Scorer(tmp_path / "student.onnx")
    assert_allclose(scorer.predict_proba(few), clf.predict_proba(few), atol=1e-6)
    row = few.iloc[7].to_dict()
    assert_allclose(scorer.predict_proba(row), clf.predict_proba(few)[7:8], atol=1e-6)
