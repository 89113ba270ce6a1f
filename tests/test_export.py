"""A student as one ONNX file: what it answers, what it refuses, and that failures leave nothing."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import skl2onnx
import torch
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris, make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

import skdistill
from skdistill import (
    DistilledClassifier,
    MLPStudent,
    Scorer,
    TabularEncoder,
    register_skl2onnx_converter,
    to_onnx,
)
from skdistill.modules import CategoryLayer

SMALL = MLPStudent(hidden_layer_sizes=(16, 8), n_steps=60)


def mixed(n_rows=240, seed=0):
    """Numbers, one of them a timestamp and one with gaps, text, bools and small integers."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n_rows),
            "colour": rng.choice(["red", "blue", "", "nan"], n_rows),
            "when": 1.7e9 + rng.normal(scale=40, size=n_rows),
            "heavy": np.exp(rng.normal(scale=4, size=n_rows)),
            "is_new": rng.random(n_rows) < 0.4,
            "flat": np.full(n_rows, 7.0),
            "grade": pd.Categorical(rng.choice([1, 2, 3], n_rows)),
        }
    )
    X.loc[::7, "size"] = np.nan
    X.loc[::5, "colour"] = None
    y = np.where((X["when"] > 1.7e9) ^ (X["colour"] == "red"), "yes", "no")
    return X, y


def soft(y, share=0.9):
    codes = np.unique(y, return_inverse=True)[1]
    p = np.full((len(y), codes.max() + 1), (1 - share) / codes.max())
    p[np.arange(len(y)), codes] = share
    return p


def distil(X, y, student=SMALL, **params):
    clf = DistilledClassifier(student=student, random_state=0, **params)
    return clf.fit(X, y, soft_targets=soft(y))


@pytest.fixture(scope="module")
def fitted():
    X, y = mixed()
    clf = distil(X, y)
    clf.calibration_temperature_ = 1.7  # too few rows for a calibration of its own
    return clf, X


def odd_rows(X):
    """The table with missing values everywhere, levels never seen and numbers far away."""
    X = X.copy()
    X["grade"], X["is_new"] = X["grade"].astype(object), X["is_new"].astype(object)
    X.loc[X.index[:40:2], "when"] = [np.nan, 0.0, -1e300, 1e300] * 5
    X.loc[X.index[1:40:2], "heavy"] = [0.0, 1e308, -1e308, np.nan] * 5
    X.loc[X.index[:30:3], "colour"] = ["purple", "None", "RED", None, "?"] * 2
    X.loc[X.index[:30:5], "is_new"] = None
    X.loc[X.index[:30:4], "grade"] = [9, None, 2.0, 1, 3, None, 9, 9]
    return X


def assert_same(clf, scorer, X):
    np.testing.assert_allclose(scorer.predict_proba(X), clf.predict_proba(X), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(scorer.predict(X), clf.predict(X))


def test_answers_as_the_classifier(fitted, tmp_path):
    clf, X = fitted
    report = to_onnx(clf, tmp_path / "a.onnx")
    assert (report.n_rows, report.agreement, report.quantize) == (512, 1.0, None)
    assert report.largest_gap < 1e-5
    assert report.n_bytes == os.path.getsize(tmp_path / "a.onnx")
    scorer = Scorer(tmp_path / "a.onnx")
    rows = odd_rows(X)
    assert_same(clf, scorer, rows)
    big = pd.concat([rows] * 42, ignore_index=True)
    assert len(big) > 10_000
    assert_same(clf, scorer, big)
    for i in range(0, 40, 3):
        assert_same(clf, scorer, rows.iloc[[i]])


def test_the_graph_needs_nothing_but_raw_columns(fitted, tmp_path):
    """In any ONNX Runtime: two inputs, two outputs, and metadata that says what they are."""
    clf, X = fitted
    to_onnx(clf, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [
        ("numbers", "tensor(double)", ["n_rows", 4]),
        ("categories", "tensor(string)", ["n_rows", 3]),
    ]
    metadata = session.get_modelmeta().custom_metadata_map
    features = json.loads(metadata["features"])
    assert features["names"] == list(X.columns)
    assert features["kinds"][:3] == ["number", "category", "number"]
    assert json.loads(metadata["classes"])["values"] == ["no", "yes"]
    assert metadata["format_version"] == "1"
    assert json.loads(metadata["packages"])["skdistill"] == skdistill.__version__
    assert features["missing"] != ""  # a colour is the empty string
    few = X.iloc[:9]
    cells = few[["colour", "is_new", "grade"]].astype(object)
    cells = cells.astype(str).where(cells.notna(), features["missing"])
    numbers = few[["size", "when", "heavy", "flat"]]
    feed = {"numbers": numbers.to_numpy(), "categories": cells.to_numpy(object)}
    label, p = session.run(["label", "probabilities"], feed)
    np.testing.assert_allclose(p, clf.predict_proba(few), atol=1e-5)
    np.testing.assert_array_equal(label, clf.predict(few))


@pytest.mark.parametrize(
    "classes",
    [
        np.array([-3, 0, 12]),
        np.array(["b", "a", "\N{SNOWMAN}"], dtype=object),
        np.array(["b", "a", "c"]),
        np.array([0, 1, 2], dtype=np.uint8),
        np.array([1.0, 2.0, 3.0]),
        np.array([False, True]),
    ],
    ids=["int", "object", "str", "uint8", "float", "bool"],
)
def test_labels_keep_their_type(classes, tmp_path):
    X, codes = make_classification(90, 4, n_classes=2, random_state=0)
    codes[:30] = 2 % len(classes)
    clf = distil(X, classes[codes])
    to_onnx(clf, tmp_path / "a.onnx")
    scorer = Scorer(tmp_path / "a.onnx")
    assert_same(clf, scorer, X)
    assert scorer.predict(X).dtype == clf.predict(X).dtype
    assert scorer.classes_.dtype == clf.classes_.dtype
    np.testing.assert_array_equal(scorer.classes_, clf.classes_)


def test_large_offsets_keep_their_digits(tmp_path):
    """float32 holds no second of a timestamp in nanoseconds."""
    rng = np.random.default_rng(0)
    X = np.column_stack([1.7e18 + rng.normal(scale=1e9, size=200), rng.normal(size=200)])
    clf = distil(X, X[:, 0] > 1.7e18)
    to_onnx(clf, tmp_path / "a.onnx")
    assert_same(clf, Scorer(tmp_path / "a.onnx"), X)


@pytest.mark.parametrize("columns", [["size", "heavy"], ["colour", "is_new"], ["colour"]])
def test_tables_of_one_kind(columns, tmp_path):
    X, y = mixed()
    clf = distil(X[columns], y)
    to_onnx(clf, tmp_path / "a.onnx")
    assert_same(clf, Scorer(tmp_path / "a.onnx"), X[columns])


# --- students ---


class Wide(nn.Module):
    """Has what is not written node by node: a normalisation, an activation of its own."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.norm = nn.LayerNorm(n_inputs)
        self.layers = nn.Sequential(nn.Linear(n_inputs, 8), nn.GELU(), nn.Linear(8, n_outputs))

    def forward(self, X):
        return self.layers(self.norm(X))


class Skip(nn.Module):
    """Plain layers in an order of its own, and one without bias."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.inner = nn.Linear(n_inputs, 8, bias=False)
        self.outer = nn.Linear(8, n_outputs)
        self.skip = nn.Linear(n_inputs, n_outputs)
        self.dropout = nn.Dropout(0.5)

    def forward(self, X):
        return self.outer(self.dropout(self.inner(X).tanh())) + self.skip(X)


class Embedding(nn.Module):
    """Takes codes, in a way of its own."""

    def __init__(self, n_inputs, n_outputs, cardinalities):
        super().__init__()
        self.n_numbers = n_inputs - len(cardinalities)
        self.embeddings = nn.ModuleList(nn.Embedding(size, 3) for size in cardinalities)
        self.out = nn.Linear(self.n_numbers + 3 * len(cardinalities), n_outputs)

    def forward(self, X):
        codes = X[:, self.n_numbers :].long()
        parts = [table(codes[:, i]) for i, table in enumerate(self.embeddings)]
        return self.out(torch.cat([X[:, : self.n_numbers], *parts], dim=1))


class Bag(nn.Module):
    """The category layer of the package among other layers."""

    def __init__(self, n_inputs, n_outputs, cardinalities):
        super().__init__()
        self.n_numbers = n_inputs - len(cardinalities)
        self.categories = CategoryLayer(cardinalities, 8)
        self.numbers = nn.Linear(self.n_numbers, 8)
        self.last = nn.Sequential(nn.SiLU(), nn.Linear(8, n_outputs))

    def forward(self, X):
        codes = X[:, self.n_numbers :]
        return self.last(self.numbers(X[:, : self.n_numbers]) + self.categories(codes))


class Loop(nn.Module):
    """torch exports its bag of embeddings with a graph inside a node."""

    def __init__(self, n_inputs, n_outputs, cardinalities):
        super().__init__()
        self.n_codes = len(cardinalities)
        self.bag = nn.EmbeddingBag(max(cardinalities), n_outputs, mode="sum")

    def forward(self, X):
        return self.bag(X[:, -self.n_codes :].long())


class Probabilities(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_outputs)

    def forward(self, X):
        return torch.softmax(self.layer(X), dim=1)


def quick_net(module, **params):
    return NeuralNetClassifier(module, max_epochs=3, lr=0.1, callbacks__valid_acc=None, **params)


@pytest.mark.parametrize("quantize", [None, "int8"])
@pytest.mark.parametrize(
    "student",
    [
        quick_net(Wide, criterion=nn.CrossEntropyLoss),
        quick_net(Skip, criterion=nn.CrossEntropyLoss),
        quick_net(Embedding, criterion=nn.CrossEntropyLoss),
        quick_net(Bag, criterion=nn.CrossEntropyLoss),
        quick_net(Loop, criterion=nn.CrossEntropyLoss),
        quick_net(Probabilities, criterion=nn.NLLLoss),
    ],
    ids=lambda net: net.module.__name__,
)
def test_modules_of_ones_own(student, quantize, tmp_path):
    X, y = mixed()
    clf = distil(X, y, student)
    clf.calibration_temperature_ = 0.6
    report = to_onnx(clf, tmp_path / "a.onnx", quantize=quantize)
    rows = odd_rows(X)
    if quantize is None:
        assert_same(clf, Scorer(tmp_path / "a.onnx"), rows)
    assert report.mean_kl < 0.01


def test_a_module_that_torch_cannot_export(tmp_path, capfd):
    class Odd(nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.layer = nn.Linear(n_inputs, n_outputs)

        def forward(self, X):
            return self.layer(X) if X.sum() > 0 else -self.layer(X)

    X, y = load_iris(return_X_y=True)
    clf = distil(X, y, quick_net(Odd, criterion=nn.CrossEntropyLoss))
    with pytest.raises(ValueError, match="torch cannot export the module Odd"):
        to_onnx(clf, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


# --- encoders ---


def test_passthrough(tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = distil(X, y, encoder="passthrough")
    to_onnx(clf, tmp_path / "a.onnx")
    scorer = Scorer(tmp_path / "a.onnx")
    assert_same(clf, scorer, X)
    X[0, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN in column\(s\) \['1'\]"):
        scorer.predict(X)


def test_only_tables(tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = distil(X, y, encoder="passthrough")
    with pytest.raises(ValueError, match="only tables can be exported: X has 3 dimensions"):
        to_onnx(clf, tmp_path / "a.onnx", X=X[:, :, None])


class Sequence(nn.Module):
    """Takes 4 channels of 5 steps."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.convolution, self.last = nn.Conv1d(4, 8, 2), nn.Linear(32, n_outputs)

    def forward(self, X):
        return self.last(self.convolution(X).flatten(1))


class Flat(nn.Module):
    """Takes a table, or 4 channels of 5 steps."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.flatten, self.last = nn.Flatten(), nn.Linear(20, n_outputs)

    def forward(self, X):
        return self.last(self.flatten(X))


@pytest.mark.parametrize("module", [Sequence, Flat])
def test_three_dimensions_without_rows(module, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4, 5)).astype(np.float32)
    student = quick_net(module, criterion=nn.CrossEntropyLoss)
    clf = distil(X, np.arange(60) % 2, student, encoder="passthrough")
    with pytest.raises(ValueError, match="only tables can be exported: the module .* 4 columns"):
        to_onnx(clf, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_tabular_encoder_of_ones_own(tmp_path):
    X, y = mixed()
    for categories in ("onehot", "codes"):
        clf = distil(X, y, encoder=TabularEncoder(categories=categories))
        to_onnx(clf, tmp_path / f"{categories}.onnx")
        assert_same(clf, Scorer(tmp_path / f"{categories}.onnx"), odd_rows(X))


def test_a_transformer_by_skl2onnx(tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = distil(X, y, encoder=make_pipeline(StandardScaler(), PCA(3)))
    with pytest.raises(ValueError, match="`X` is needed"):
        to_onnx(clf, tmp_path / "a.onnx")
    to_onnx(clf, tmp_path / "a.onnx", X=X)
    assert_same(clf, Scorer(tmp_path / "a.onnx"), X)


def test_a_column_transformer_by_skl2onnx(tmp_path):
    X, y = mixed()
    X = X[["heavy", "colour", "flat"]].assign(colour=X["colour"].fillna("none"))
    one_hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    encoder = ColumnTransformer(
        [("number", StandardScaler(), ["flat", "heavy"]), ("text", one_hot, ["colour"])]
    )
    clf = distil(X, y, encoder=encoder)
    to_onnx(clf, tmp_path / "a.onnx", X=X)
    assert_same(clf, Scorer(tmp_path / "a.onnx"), X)


def own_encoder(numbers, categories):
    one_hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    return ColumnTransformer(
        [("number", TabularEncoder(), numbers), ("category", one_hot, categories)]
    )


@pytest.fixture(scope="module")
def part_exported(tmp_path_factory):
    """A student whose own encoder knows more categories than the rows of the export."""
    X, y = mixed()
    columns = ["colour", "is_new", "grade"]
    X = X[["flat", *columns]].assign(colour=X["colour"].fillna("none"))
    clf = distil(X, y, encoder=own_encoder(["flat"], columns))
    few = X[(X["colour"] == "red") & X["is_new"] & (X["grade"] == 1)]
    path = tmp_path_factory.mktemp("part") / "a.onnx"
    to_onnx(clf, path, X=few)
    return clf, X, Scorer(path)


def test_an_encoder_of_ones_own_may_know_more_than_the_rows(part_exported):
    clf, X, scorer = part_exported
    assert "" in set(X["colour"])
    X = X.astype(object)
    X.loc[:3, "colour"], X.loc[4:7, "grade"] = "purple", 9
    X.loc[8, "grade"] = 2.0
    assert_same(clf, scorer, X)
    np.testing.assert_allclose(
        scorer.predict_proba(X.to_dict("records")), clf.predict_proba(X), rtol=0, atol=1e-5
    )
    assert_same(clf, scorer, X.iloc[[20]])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("colour", None, "'colour' has a missing value, .* fill it before"),
        ("grade", np.float32("nan"), "'grade' has a missing value"),
        ("grade", "1", "'grade' held numbers in the `X` of the export, but now '1'"),
        ("is_new", 1, "'is_new' held bools in the `X` of the export, but now 1"),
        ("colour", 1, "'colour' held text in the `X` of the export, but now 1"),
    ],
)
def test_an_encoder_of_ones_own_gets_no_ambiguous_category(part_exported, name, value, message):
    _, X, scorer = part_exported
    row = X.iloc[:1].astype(object).assign(**{name: [value]})
    for rows in (row, row.iloc[0].to_dict(), row.to_dict("records")):
        with pytest.raises(ValueError, match=message):
            scorer.predict(rows)


@pytest.mark.parametrize("value", [np.nan, 1e300])
def test_no_answer_where_an_encoder_of_ones_own_lets_nan_through(value, tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = distil(X, y, encoder=StandardScaler())
    to_onnx(clf, tmp_path / "a.onnx", X=X)
    scorer = Scorer(tmp_path / "a.onnx")
    X = np.resize(X, (5000, 4))
    X[4500, 1] = X[4700, 0] = value
    with pytest.raises(ValueError, match=r"infinity|NaN"):
        clf.predict_proba(X)
    for ask in (scorer.predict, scorer.predict_proba):
        with pytest.raises(ValueError, match="row 4500 of X has no finite probabilities"):
            ask(X)
        with pytest.raises(ValueError, match="row 0 of X has no finite probabilities"):
            ask(X[4500:4501])


def test_a_transformer_that_skl2onnx_does_not_know(tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = distil(X, y, encoder=FunctionTransformer(np.sin))
    with pytest.raises(ValueError, match="skl2onnx cannot convert `encoder=FunctionTransformer`"):
        to_onnx(clf, tmp_path / "a.onnx", X=X)
    assert list(tmp_path.iterdir()) == []


# --- int8 ---


def test_int8_is_smaller_and_says_what_it_loses(tmp_path):
    X, y = mixed()
    clf = distil(X, y, MLPStudent((64, 64), n_steps=100))
    whole = to_onnx(clf, tmp_path / "a.onnx", X=X)
    packed = to_onnx(clf, tmp_path / "b.onnx", X=X, quantize="int8")
    assert packed.n_bytes < 0.5 * whole.n_bytes
    p, q = clf.predict_proba(X), Scorer(tmp_path / "b.onnx").predict_proba(X)
    assert packed.largest_gap == np.abs(p - q).max() > whole.largest_gap
    assert packed.mean_kl == pytest.approx((p * np.log(p / q)).sum(axis=1).mean(), abs=1e-6)
    assert packed.agreement == (Scorer(tmp_path / "b.onnx").predict(X) == clf.predict(X)).mean()
    assert "int8; on 240 rows the largest gap" in str(packed)
    with pytest.raises(ValueError, match=r"within 1\.0e-12"):
        to_onnx(clf, tmp_path / "c.onnx", quantize="int8", tolerance=1e-12)
    assert not (tmp_path / "c.onnx").exists()


# --- failures ---


def test_a_mismatch_leaves_no_file(fitted, tmp_path, monkeypatch):
    clf, _ = fitted
    to_onnx(clf, tmp_path / "a.onnx")
    before = (tmp_path / "a.onnx").read_bytes()
    monkeypatch.setattr(type(clf), "predict_proba", lambda self, X: np.full((len(X), 2), 0.5))
    with pytest.raises(ValueError, match=r"does not answer as the classifier does, within 1"):
        to_onnx(clf, tmp_path / "a.onnx", overwrite=True)
    assert (tmp_path / "a.onnx").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.onnx"]


def test_other_labels_leave_no_file(fitted, tmp_path, monkeypatch):
    clf, X = fitted
    monkeypatch.setattr(type(clf), "predict", lambda self, X: np.full(len(X), "yes"))
    with pytest.raises(ValueError, match="gives other labels, for instance 'no' for 'yes'"):
        to_onnx(clf, tmp_path / "a.onnx", X=X)
    assert list(tmp_path.iterdir()) == []


def test_another_answer_for_a_row_alone_leaves_no_file(fitted, tmp_path, monkeypatch):
    clf, X = fitted
    answer = Scorer.predict_proba

    def swayed(self, X):
        return answer(self, X)[:, ::-1] if len(X) == 1 else answer(self, X)

    monkeypatch.setattr(Scorer, "predict_proba", swayed)
    with pytest.raises(ValueError, match="another answer for a row alone than for the same row"):
        to_onnx(clf, tmp_path / "a.onnx", X=X)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept(fitted, tmp_path):
    clf, _ = fitted
    path = tmp_path / "a.onnx"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        to_onnx(clf, path)
    assert path.read_text() == "precious"
    to_onnx(clf, path, overwrite=True)
    Scorer(path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        to_onnx(clf, tmp_path, overwrite=True)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        to_onnx(clf, tmp_path / "none" / "a.onnx")


def test_a_full_disk_leaves_nothing(fitted, tmp_path, monkeypatch):
    clf, _ = fitted

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        to_onnx(clf, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_threads_may_write_to_one_path(fitted, tmp_path):
    clf, X = fitted
    failed = []

    def export():
        try:
            to_onnx(clf, tmp_path / "a.onnx", X=X, overwrite=True)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=export) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [p.name for p in tmp_path.iterdir()] == ["a.onnx"]
    assert_same(clf, Scorer(tmp_path / "a.onnx"), X)


@pytest.mark.skipif(os.name != "posix", reason="permissions are of POSIX")
def test_the_file_has_the_permissions_of_any_other(fitted, tmp_path):
    (tmp_path / "plain").write_text("")
    to_onnx(fitted[0], tmp_path / "a.onnx")
    assert (tmp_path / "a.onnx").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_arguments(fitted, tmp_path):
    clf, _ = fitted
    with pytest.raises(NotFittedError):
        to_onnx(DistilledClassifier(), tmp_path / "a.onnx")
    with pytest.raises(TypeError, match="`clf` must be a Distilled.* got Pipeline"):
        to_onnx(make_pipeline(clf), tmp_path / "a.onnx")
    with pytest.raises(TypeError, match="columns that the steps before it give, not the raw ones"):
        to_onnx(make_pipeline(clf), tmp_path / "a.onnx")
    X, y = load_iris(return_X_y=True)
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [1]}, cv=2).fit(X, y)
    with pytest.raises(TypeError, match=r"give the fitted student in it, its `best_estimator_`"):
        to_onnx(search, tmp_path / "a.onnx")
    with pytest.raises(ValueError, match="`quantize` must be None or 'int8', got 'int4'"):
        to_onnx(clf, tmp_path / "a.onnx", quantize="int4")
    for wrong in ("small", -1, [1e-5]):
        with pytest.raises(ValueError, match="`tolerance` must be None or a number of 0 or above"):
            to_onnx(clf, tmp_path / "a.onnx", tolerance=wrong)
    assert list(tmp_path.iterdir()) == []


def test_categories_that_read_alike(tmp_path):
    X = pd.DataFrame({"a": np.array([1, "1"] * 30, dtype=object)})
    clf = distil(X, np.arange(60) % 2)
    with pytest.raises(ValueError, match="read the same as text"):
        to_onnx(clf, tmp_path / "a.onnx")


def test_labels_of_several_types(tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = distil(X, y)
    clf.classes_ = np.array([1, "1", 2.0], dtype=object)
    with pytest.raises(ValueError, match="of several types"):
        to_onnx(clf, tmp_path / "a.onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_names_the_extra(package):
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "import numpy as np\n"
        "from skdistill import DistilledClassifier, MLPStudent, to_onnx\n"
        "X, p = np.arange(20.0)[:, None], np.full((20, 2), 0.5)\n"
        "clf = DistilledClassifier(student=MLPStudent((2,), n_steps=2)).fit(X, soft_targets=p)\n"
        "to_onnx(clf, 'never.onnx')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "skdistill[onnx]"' in done.stderr.splitlines()[-1]
    assert package in done.stderr.splitlines()[-1]


# --- skl2onnx ---


def run_model(model, feed):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, feed)


def test_a_pipeline_by_skl2onnx():
    X, y = mixed()
    X = X[["heavy", "colour"]].assign(colour=X["colour"].fillna("none"))
    one_hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    encoder = ColumnTransformer(
        [("number", StandardScaler(), ["heavy"]), ("text", one_hot, ["colour"])]
    )
    teacher = RandomForestClassifier(5, random_state=0)
    pipe = make_pipeline(encoder, DistilledClassifier(teacher, SMALL, random_state=0)).fit(X, y)
    for _ in range(2):
        register_skl2onnx_converter()
    types = [("heavy", FloatTensorType([None, 1])), ("colour", StringTensorType([None, 1]))]
    model = skl2onnx.convert_sklearn(pipe, initial_types=types, options={"zipmap": False})
    feed = {
        "heavy": X[["heavy"]].to_numpy(np.float32),
        "colour": X[["colour"]].to_numpy(object),
    }
    label, p = run_model(model, feed)
    np.testing.assert_allclose(p, pipe.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(label, pipe.predict(X))


def test_a_student_alone_by_skl2onnx(fitted):
    clf, X = fitted
    register_skl2onnx_converter()
    text = ["colour", "is_new", "grade"]
    types = [
        (name, (StringTensorType if name in text else DoubleTensorType)([None, 1]))
        for name in X.columns
    ]
    X = X.dropna()
    feed = {name: X[[name]].to_numpy(object if name in text else float) for name in X.columns}
    feed |= {name: feed[name].astype(str).astype(object) for name in text}
    convert = skl2onnx.convert_sklearn
    model = convert(clf, initial_types=types, options={"zipmap": False}, target_opset=20)
    label, p = run_model(model, feed)
    np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(label, clf.predict(X))
    with pytest.raises(ValueError, match="`target_opset` of 20 or above, got 15"):
        convert(clf, initial_types=types, target_opset=15)
    with pytest.raises(ValueError, match="takes 4 number and 3 category columns, but its inputs"):
        convert(clf, initial_types=[("X", FloatTensorType([None, 7]))], target_opset=20)


@pytest.mark.parametrize("options", [{"zipmap": False}, {"zipmap": True}, {"nocl": True}])
@pytest.mark.parametrize(
    "classes", [np.array([False, True]), np.array(["no", "yes"]), np.array([3, 7])], ids=str
)
def test_labels_by_skl2onnx(classes, options):
    X, codes = make_classification(90, 4, random_state=0)
    clf = distil(X, classes[codes])
    register_skl2onnx_converter()
    model = skl2onnx.convert_sklearn(
        clf, initial_types=[("X", DoubleTensorType([None, 4]))], options={id(clf): options}
    )
    label, p = run_model(model, {"X": X})
    expected = clf.predict(X)
    if "nocl" in options:
        expected = np.searchsorted(classes, expected)
    np.testing.assert_array_equal(label, expected)
    if options.get("zipmap", True):
        assert set(p[0]) == set(label)
        p = [list(row.values()) for row in p]
    np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-5)


def test_float_labels_by_skl2onnx():
    X, codes = make_classification(90, 4, random_state=0)
    clf = distil(X, codes.astype(float))
    register_skl2onnx_converter()
    with pytest.raises(ValueError, match=r"labels \[0\.0, 1\.0\] are floats, .* fit on integers"):
        skl2onnx.convert_sklearn(clf, initial_types=[("X", DoubleTensorType([None, 4]))])


def test_an_encoder_inside_of_a_student_by_skl2onnx():
    X, y = load_iris(return_X_y=True)
    clf = distil(X, y, encoder=StandardScaler())
    register_skl2onnx_converter()
    with pytest.raises(ValueError, match="make it a step of the Pipeline"):
        skl2onnx.convert_sklearn(clf, initial_types=[("X", FloatTensorType([None, 4]))])


def test_the_file_is_valid_onnx(fitted, tmp_path):
    clf, _ = fitted
    to_onnx(clf, tmp_path / "a.onnx")
    onnx.checker.check_model(onnx.load(tmp_path / "a.onnx"), full_check=True)


def test_a_teacher_is_not_needed(tmp_path):
    X, y = load_iris(return_X_y=True)
    clf = DistilledClassifier(LogisticRegression(max_iter=500), SMALL, random_state=0).fit(X, y)
    to_onnx(clf.without_teacher(), tmp_path / "a.onnx")
    assert_same(clf, Scorer(tmp_path / "a.onnx"), X)


def test_the_corrected_prior_is_in_the_file(tmp_path):
    X, y = mixed()
    clf = distil(X, y, class_prior={"yes": 9, "no": 1})
    to_onnx(clf, tmp_path / "student.onnx")  # checked there
    uncorrected = distil(X, y)
    answer = Scorer(tmp_path / "student.onnx").predict_proba(X)
    assert (answer[:, 1] > uncorrected.predict_proba(X)[:, 1]).all()
