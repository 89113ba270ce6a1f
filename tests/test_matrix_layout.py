"""Files that take one float32 matrix, by ONNX' core operators alone."""

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import polars as pl
import pytest
import torch.nn.functional
from onnx.reference import ReferenceEvaluator
from shared import calendar
from sklearn.datasets import make_classification, make_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    QuantizedStudent,
    Scorer,
    TabularEncoder,
    self_check,
    to_onnx,
)

SMALL = MLPStudent(hidden_layer_sizes=(32, 16), n_steps=60)


def mixed(n_rows=240):
    """Numbers, one of them with gaps and one with a long tail, text, bools, whole numbers."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "colour": rng.choice(["red", "blue", ""], n_rows),
            "size": rng.normal(50, 20, n_rows),
            "heavy": np.exp(rng.normal(scale=4, size=n_rows)),
            "is_new": rng.random(n_rows) < 0.4,
            "grade": pd.Categorical(rng.choice([1, 2, 3], n_rows)),
            "flat": np.full(n_rows, 7e8),
        }
    )
    y = np.where((X["size"] > 50) ^ (X["colour"] == "red"), "yes", "no")
    X.loc[::7, "size"] = np.nan
    X.loc[::5, "colour"] = None
    return X, y


def distil(X, y, student=SMALL, **params):
    teacher = make_pipeline(TabularEncoder(), LogisticRegression())
    clf = DistilledClassifier(teacher, student, transfer=None, random_state=0, **params)
    return clf.fit(X, y)


@pytest.fixture(scope="module")
def fitted():
    X, y = mixed()
    return distil(X, y), X


@pytest.fixture(scope="module")
def path(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("matrix") / "student.onnx"
    report = to_onnx(fitted[0], path, layout="matrix")
    assert report.largest_gap < 1e-5
    return path


def odd_rows(X):
    """Missing values everywhere, categories never seen, numbers far away; all fit float32."""
    X = X.copy()
    X["grade"], X["is_new"] = X["grade"].astype(object), X["is_new"].astype(object)
    X.loc[X.index[:40:2], "heavy"] = [np.nan, 0.0, -3e38, 3e38] * 5
    X.loc[X.index[:30:3], "colour"] = ["purple", "None", "RED", None, "?"] * 2
    X.loc[X.index[:30:5], "is_new"] = None
    X.loc[X.index[:30:4], "grade"] = [9, None, 2.0, 1, 3, None, 9, 9]
    numbers = ["size", "heavy", "flat"]
    X[numbers] = X[numbers].astype(np.float32).astype(np.float64)
    return X


def test_one_matrix_in_one_matrix_out(fitted, path):
    """In any runtime that knows the core of opset 18."""
    clf, X = fitted
    model = onnx.load(path)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 18)]
    assert model.ir_version == 8
    assert not {node.domain for node in model.graph.node} - {""}
    rows = odd_rows(X)
    matrix = Scorer(path).to_matrix(rows)
    assert (matrix.shape, matrix.dtype) == ((len(X), 6), np.float32)
    session = onnxruntime.InferenceSession(path)
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [
        ("features", "tensor(float)", ["n_rows", 6])
    ]
    assert [(o.name, o.type, o.shape) for o in session.get_outputs()] == [
        ("probabilities", "tensor(float)", ["n_rows", 2])
    ]
    expected = clf.predict_proba(rows)
    for runtime in (session, ReferenceEvaluator(model)):
        found = runtime.run(None, {"features": matrix})[0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_codes_stand_in_the_metadata(fitted, path):
    """A user who has no Scorer makes the same matrix."""
    _, X = fitted
    told = Scorer(path).metadata
    assert told.layout == "matrix"
    assert [(one.name, one.dtype) for one in told.columns][:2] == [
        ("colour", "string"),
        ("size", "float32"),
    ]
    matrix = np.empty(X.shape, np.float32)
    for place, column in enumerate(told.columns):
        cells = X[column.name]
        if column.levels is not None:
            code = {level: code for code, level in enumerate(column.levels)}
            cells = cells.astype(object).map(code)
        matrix[:, place] = cells
    np.testing.assert_array_equal(Scorer(path).to_matrix(X), matrix)


def test_what_is_no_code_is_unknown(fitted, path):
    clf, X = fitted
    row = Scorer(path).to_matrix(X.iloc[[1]])
    session = onnxruntime.InferenceSession(path)
    never_seen = X.iloc[[1]].assign(colour="purple")
    expected = clf.predict_proba(never_seen)
    for code in (-1, 3, 0.5, 1e30, np.inf, -np.inf):
        row[0, 0] = code
        found = session.run(None, {"features": row})[0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_scorer_answers(fitted, path):
    clf, X = fitted
    scorer = Scorer(path)
    np.testing.assert_allclose(scorer.predict_proba(X), clf.predict_proba(X), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(scorer.predict(X), clf.predict(X))
    plain = X.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    frame = pl.DataFrame(rows, infer_schema_length=None)
    for given in (rows, frame):
        np.testing.assert_array_equal(scorer.to_matrix(given), scorer.to_matrix(X))
    assert scorer.predict(rows[0]).tolist() == clf.predict(X.iloc[[0]]).tolist()
    assert self_check(scorer).n_rows == 5
    with pytest.raises(
        ValueError, match=r"column\(s\) \['heavy'\] hold a number that is too large"
    ):
        scorer.predict(X.assign(heavy=1e39))


def test_a_file_written_again(fitted, path):
    model = onnx.load(path)
    model.doc_string = "mine"
    scorer = Scorer(model.SerializeToString())
    assert not scorer.metadata.is_as_written
    np.testing.assert_array_equal(scorer.predict(fitted[1]), Scorer(path).predict(fitted[1]))
    weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = onnx.numpy_helper.to_array(weights) + 0.1
    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    with pytest.raises(ValueError, match="on the rows stored with it, its probabilities are off"):
        Scorer(model.SerializeToString())


@pytest.mark.parametrize(
    ("head", "quantize"), [("mean", None), ("mean", "int8"), ("quantiles", None)]
)
def test_numbers(tmp_path, head, quantize):
    X, y = make_regression(300, 5, random_state=0)
    X = X.astype(np.float32)
    reg = DistilledRegressor(Ridge(), SMALL, head=head, transfer=None, random_state=0).fit(X, y)
    file = tmp_path / "a.onnx"
    to_onnx(reg, file, layout="matrix", quantize=quantize)
    (output,) = onnxruntime.InferenceSession(file).get_outputs()
    n_outputs = 1 if head == "mean" else len(reg.quantiles_)
    assert (output.name, output.type) == ("predictions", "tensor(float)")
    assert output.shape == ["n_rows", n_outputs]
    gap = np.abs(Scorer(file).predict(X) - reg.predict(X)).max() / np.ptp(y)
    assert gap < (1e-5 if quantize is None else 0.02)
    assert quantize is None or gap > 1e-5


def test_numbers_that_are_codes(tmp_path):
    X, y = calendar(1200)
    clf = distil(X, y, encoder=TabularEncoder(nominal="auto"))
    assert 0 in clf.encoder_.nominal_
    to_onnx(clf, tmp_path / "a.onnx", layout="matrix")
    answers = Scorer(tmp_path / "a.onnx").predict_proba(X)
    np.testing.assert_allclose(answers, clf.predict_proba(X), rtol=0, atol=1e-5)


class Custom(nn.Module):
    """Has more than is written node by node."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_inputs, 8), nn.ELU(), nn.Linear(8, n_outputs))

    def forward(self, X):
        return torch.nn.functional.gelu(self.layers(X))


@pytest.mark.parametrize(
    ("student", "params"),
    [
        (QuantizedStudent((32,), n_steps=60, bits=4), {}),
        (SMALL, {"encoder": "passthrough"}),
        (SMALL, {"encoder": StandardScaler()}),
        pytest.param(Custom, {}, marks=pytest.mark.slow),
    ],
    ids=["4 bits", "passthrough", "own encoder", "own module"],
)
def test_students(tmp_path, student, params):
    X, y = make_classification(200, 5, random_state=0)
    X = X.astype(np.float32)
    clf = distil(X, y, student, **params)
    to_onnx(clf, tmp_path / "a.onnx", layout="matrix", X=X)
    model = onnx.load(tmp_path / "a.onnx")
    assert [one.domain for one in model.opset_import] == [""]
    found = ReferenceEvaluator(model).run(None, {"features": X})[0]
    np.testing.assert_allclose(found, clf.predict_proba(X), rtol=0, atol=1e-5)


def one_hot(X):
    """A student whose own encoder takes text."""
    clf = DistilledClassifier(
        make_pipeline(OneHotEncoder(), LogisticRegression()),
        SMALL,
        encoder=OneHotEncoder(sparse_output=False),
        transfer=None,
        random_state=0,
    )
    return clf.fit(X[["town"]], X["y"])


def test_refused(tmp_path, fitted):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"when": 1.7e9 + rng.normal(scale=40, size=200), "a": rng.normal(size=200)})
    clf = distil(X, (X["a"] > 0).to_numpy())
    path = tmp_path / "a.onnx"
    with pytest.raises(ValueError, match=r"does not tell the numbers in column\(s\) \['when'\]"):
        to_onnx(clf, path, layout="matrix")
    town = pd.DataFrame({"town": rng.choice(list("abc"), 200)})
    town["y"] = town["town"] == "a"
    clf = one_hot(town)
    with pytest.raises(ValueError, match=r"takes that of the column\(s\) \['town'\]"):
        to_onnx(clf, path, layout="matrix", X=town[["town"]])
    numbers, y = make_classification(200, 5, random_state=0)
    clf = distil(numbers, y, encoder=SimpleImputer())
    with pytest.raises(ValueError, match=r"core operators alone, but the student needs \['ai.onnx"):
        to_onnx(clf, path, layout="matrix", X=numbers)
    with pytest.raises(ValueError, match="`layout` must be 'columns' or 'matrix', got 'rows'"):
        to_onnx(fitted[0], path, layout="rows")
    assert not any(tmp_path.iterdir())
    to_onnx(fitted[0], path)
    with pytest.raises(ValueError, match="export it with `layout='matrix'`"):
        Scorer(path).to_matrix(fitted[1])
