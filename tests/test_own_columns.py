"""The columns of teachers and student: found by name, found once, and beside those of the other."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.compose import make_column_selector
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    TRUSTED_TYPES,
    DistillationReport,
    DistilledClassifier,
    FittedTeacher,
    MLPStudent,
    Munge,
    Rounds,
    register_skl2onnx_converter,
)

SMALL = MLPStudent((16,), n_steps=60)
RNG = np.random.RandomState(0)
X = RNG.normal(size=(160, 4)).round(3)
Y = (X[:, 0] + X[:, 1] + 0.3 * RNG.normal(size=160) > 0).astype(int)
ALL = list("abcd")
FRAME = pd.DataFrame(X, columns=ALL)
MIXED = FRAME.assign(city=np.where(X[:, 0] > 0.2, "Bern", "Oslo"))


def make(teacher_features=None, student_features=None, teacher=None, student=SMALL, **params):
    params = {"transfer": Munge(size=1), "cv": None, "random_state": 0, **params}
    return DistilledClassifier(
        LogisticRegression() if teacher is None else teacher,
        student,
        teacher_features=teacher_features,
        student_features=student_features,
        **params,
    )


# --- found by name ---


@pytest.mark.parametrize("container", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
@pytest.mark.parametrize("selector", [["d", "a"], [3, 0], [True, False, False, True]])
def test_in_any_order_and_among_others_of_the_fit(container, selector):
    clf = make(student_features=selector).fit(container(FRAME), Y)
    p = clf.predict_proba(container(FRAME))
    for names in (["d", "a"], ["a", "d"], ALL[::-1], ["a", "b", "d"]):
        assert_array_equal(clf.predict_proba(container(FRAME[names])), p)
    with pytest.raises(ValueError, match="(?s)unseen at fit time:.*- other"):
        clf.predict(container(FRAME.assign(other=1.0)))


def test_only_what_is_missing_is_said_to_be():
    clf = make(student_features=["d", "a"]).fit(FRAME, Y)
    with pytest.raises(ValueError, match="(?s)yet now missing:.*- d") as caught:
        clf.predict(FRAME[["a", "b", "c"]])
    assert "unseen" not in str(caught.value)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_rows(form):
    clf = make([1, 2, 3], [0, 1], transfer=None, encoder="passthrough").fit(form(X), Y)
    assert clf.teacher_.estimators_[0].n_features_in_ == 3
    p = clf.predict_proba(form(X))
    for table in (form(X[:, :2]), X[:, :2], X):
        assert_array_equal(clf.predict_proba(table), p)
    clf = make(slice(2), [0, 1, 3], transfer=None, encoder=TruncatedSVD(2)).fit(form(X), Y)
    assert clf.encoder_.n_features_in_ == 3


# --- found once ---


def test_a_callable_is_asked_once():
    answers = {"teacher": [[0, 1], [2, 3]], "student": [[0, 2], [1, 3]]}  # others for other rows
    clf = make(
        lambda X: answers["teacher"].pop(0),
        lambda X: answers["student"].pop(0),
        early_stopping=True,
        validation_fraction=0.3,
    ).fit(X, Y)
    assert answers == {"teacher": [[2, 3]], "student": [[1, 3]]}
    assert_array_equal(clf.teacher_.select(X), X[:, :2])
    assert_array_equal(clf.predict_proba(X[:, [0, 2]]), clf.predict_proba(X))


# --- missing numbers, and what only teachers can read ---


@pytest.mark.parametrize("table", [FRAME, X], ids=["frame", "array"])
def test_missing_numbers_where_the_teacher_does_not_look(table):
    row = pd.DataFrame({"d": [np.nan]}) if table is FRAME else [[np.nan]]
    assert make([0, 1], [3]).fit(table, Y).predict(row).shape == (1,)
    with pytest.raises(ValueError, match="contains NaN in column"):
        make([0, 3], [3]).fit(table, Y).predict(row)


def rule(X):
    return np.where(X[["a"]].to_numpy() > 0, [0.1, 0.9], [0.8, 0.2])


def test_columns_that_only_the_teacher_can_read():
    spans = FRAME.assign(when=[[1, 2]] * len(FRAME))  # lists, which are no numbers or categories
    clf = make(["a", "when"], ["a"], FittedTeacher(rule, classes=[0, 1]), transfer=None)
    clf.fit(spans, (FRAME["a"] > 0).astype(int))
    assert clf.score(FRAME, (FRAME["a"] > 0).astype(int)) > 0.9


# --- stored ---


def test_stored_by_skops():
    skops = pytest.importorskip("skops.io")
    clf = make(["b", "a"], ["d", "a"]).fit(FRAME, Y)
    loaded = skops.loads(skops.dumps(clf.without_teacher()), trusted=TRUSTED_TYPES)
    assert_array_equal(loaded.predict_proba(FRAME[["a", "d"]]), clf.predict_proba(FRAME))


# --- privileged information ---


def test_privileged_information():
    """The teacher sees the distance to the border, which is known for the training rows alone.

    The first experiment of Lopez-Paz et al. (2016), https://doi.org/10.48550/arXiv.1511.03643.
    """
    rng = np.random.RandomState(0)
    X = rng.normal(size=(3000, 10))
    later = X @ rng.normal(size=10)
    y = (later + 2 * rng.normal(size=3000) > 0).astype(int)
    table = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)]).assign(later=later)
    train, test = table[:150], table[150:].reset_index(drop=True)
    clf = make(["later"], make_column_selector(pattern="^x"), transfer=None, alpha=0.0)
    report = DistillationReport.from_estimator(
        clf.fit(train, y[:150]),
        test,
        y[150:],
        control="fit",
        X_train=train,
        y_train=y[:150],
        speed=False,
        n_bootstrap=100,
        random_state=0,
    )
    losses = {one: report.answers.probabilities[one] for one in ("teacher", "control", "student")}
    teacher, control, student = (
        -np.log(losses[one][np.arange(len(test)), y[150:]]).mean()
        for one in ("teacher", "control", "student")
    )
    assert (control - student) / (control - teacher) > 0.2
    assert "later" not in clf.feature_names_in_


# --- skl2onnx ---


def answers_of(model, table, types):
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    register_skl2onnx_converter()
    graph = skl2onnx.convert_sklearn(
        model, initial_types=types, options={"zipmap": False}, target_opset=20
    )
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    given = {one.name for one in session.get_inputs()}
    return session.run(None, {name: table[name] for name in given})[1]


def test_skl2onnx_of_the_student_alone():
    types = pytest.importorskip("skl2onnx.common.data_types")
    clf = make([0, 1], [3, 1]).fit(X, Y)
    whole = answers_of(clf, {"X": X}, [("X", types.DoubleTensorType([None, 4]))])
    own = answers_of(clf, {"X": X[:, [3, 1]]}, [("X", types.DoubleTensorType([None, 2]))])
    np.testing.assert_allclose(own, clf.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(whole, own, atol=1e-6)


def test_skl2onnx_of_a_pipeline_whose_steps_give_all_columns():
    types = pytest.importorskip("skl2onnx.common.data_types")
    pipe = make_pipeline(StandardScaler(), make([0, 1], [3, 1])).fit(X, Y)
    p = answers_of(pipe, {"X": X.astype("f")}, [("X", types.FloatTensorType([None, 4]))])
    np.testing.assert_allclose(p, pipe.predict_proba(X), atol=1e-4)


def test_skl2onnx_of_an_input_for_each_column():
    types = pytest.importorskip("skl2onnx.common.data_types")
    clf = make(["b", "a"], ["city", "d"]).fit(MIXED, Y)
    number, text = types.DoubleTensorType([None, 1]), types.StringTensorType([None, 1])
    kinds = {name: text if name == "city" else number for name in MIXED}
    table = {name: MIXED[[name]].to_numpy() for name in MIXED}
    expected = clf.predict_proba(MIXED)
    for names in (list(MIXED), list(MIXED)[::-1], ["d", "city"]):
        p = answers_of(clf, table, [(name, kinds[name]) for name in names])
        np.testing.assert_allclose(p, expected, atol=1e-5)
    with pytest.raises(ValueError, match="1 number and 1 category columns, but .* 2 and 1"):
        answers_of(clf, table, [(name, kinds[name]) for name in ("a", "city", "d")])


# --- rounds ---


def test_other_students_learn_the_same_rows_in_each_round(tmp_path, monkeypatch):
    draws, sample = [], Munge.sample

    def counted(self, X, n, *args, **params):
        draws.append(n)
        return sample(self, X, n, *args, **params)

    monkeypatch.setattr(Munge, "sample", counted)
    rounds = Rounds(Munge(size=1), n_rounds=3)
    for params in ({}, {"alpha": 0.9}, {"temperature": 3.0}):
        make(transfer=rounds, memory=str(tmp_path), **params).fit(X, Y)
        assert draws == [160] * 3  # Munge does not ask the student, so memory knows its rows


@pytest.mark.parametrize("selected", [[1, 0], [1, 2]])
def test_numbers_are_no_names(selected):
    frame = pd.DataFrame(X)  # its columns are called 0, 1, 2, 3
    clf = make(student_features=selected).fit(frame, Y)
    whole = clf.predict_proba(frame)
    own = pd.DataFrame(X[:, selected])
    np.testing.assert_array_equal(clf.predict_proba(own), whole)
    np.testing.assert_array_equal(clf.predict_proba(X[:, selected]), whole)
