"""Numbers that act as codes."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from shared import calendar, share_of_late
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from skdistill import (
    TRUSTED_TYPES,
    DistilledClassifier,
    MLPStudent,
    Munge,
    Scorer,
    TabularEncoder,
    to_onnx,
)
from skdistill.table import with_nominal


class Oracle:
    """A teacher that knows all there is to know."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X):
        p = share_of_late(X)
        return np.column_stack([1 - p, p])


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


def test_places_are_those_of_the_frame():
    X, y = calendar()
    frame = X.assign(colour="red")[["colour", "hour", "day"]]
    encoder = TabularEncoder(nominal="auto").fit(frame, y)
    assert list(encoder.nominal_) == [2]
    codes = TabularEncoder("codes", nominal="auto").fit(frame, y).transform(frame[:5])
    assert_array_equal(codes[:, 4:35], frame["day"].to_numpy()[:5, None] == np.arange(1, 32))


def test_found_anew_in_other_rows():
    X, y = calendar()
    encoder = TabularEncoder(nominal="auto").fit(X, y)
    again = with_nominal(encoder, X[X["day"] < 20], y[X["day"] < 20])
    assert again.transform(X).shape == (len(X), again.n_outputs_) == (len(X), 6 + 19)
    assert encoder.transform(X).shape == (len(X), 6 + 31)


def test_needs_labels_of_classes():
    X, y = calendar(100)
    wrong = {"requires y to be passed": None, "inconsistent": y[:50], "continuous": y + 0.5}
    for message, labels in wrong.items():
        with pytest.raises(ValueError, match=message):
            TabularEncoder(nominal="auto").fit(X, labels)
    with pytest.raises(ValueError, match="'nominal' parameter .* Got 'yes'"):
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
    clf = DistilledClassifier(Oracle(), MLPStudent((16,), n_steps=600), random_state=0)
    clf.set_params(transfer=Munge(size=1)).fit(X, y)
    assert (list(clf.encoder_.nominal_), clf.alpha_, clf.n_transfer_rows_) == ([0], 0.3, 3000)
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
