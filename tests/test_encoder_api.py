"""TabularEncoder as a transformer of scikit-learn: names, frames, copies, skl2onnx."""

import copy
import pickle

import joblib
import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest
import skl2onnx
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    StringTensorType,
)
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from skdistill import (
    DistilledClassifier,
    MLPStudent,
    TabularEncoder,
    register_skl2onnx_converter,
)


def table(n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.normal(size=n_rows),
            "g": rng.choice(["u", "v"], n_rows),
            "when": 1e9 + rng.normal(size=n_rows),
            "flag": rng.random(n_rows) < 0.5,
            "grade": pd.Categorical(rng.integers(1, 4, n_rows)),
            "day": rng.integers(1, 6, n_rows),
        },
        index=np.arange(n_rows)[::-1] * 10,
    )
    X.loc[::70, "age"] = np.nan
    X.loc[::90, "g"] = None
    y = np.where(np.isin(X["day"], [2, 4]) ^ (X["flag"] & (rng.random(n_rows) < 0.2)), "yes", "no")
    return X, y


# --- names of columns going in ---


def test_columns_are_checked_as_scikit_learn_does():
    X, _ = table()
    encoder = TabularEncoder().fit(X)
    assert encoder.feature_names_in_.tolist() == list(X)
    assert encoder.n_features_in_ == 6
    for bad in (X[X.columns[::-1]], X.rename(columns={"age": "years"}), X.drop(columns="age")):
        with pytest.raises(ValueError, match="The feature names should match those that were pass"):
            encoder.transform(bad)
        with pytest.raises(ValueError, match="The feature names should match those that were pass"):
            encoder.transform(pl.from_pandas(bad, include_index=False))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but TabularEncoder"):
        encoder.transform(X.to_numpy(dtype=object))
    numbers = TabularEncoder().fit(np.zeros((3, 2)))
    assert not hasattr(numbers, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but TabularEncoder was fitted with"):
        numbers.transform(pd.DataFrame(np.zeros((3, 2)), columns=["a", "b"]))
    with pytest.raises(ValueError, match="X has 3 features, but TabularEncoder is expecting 2"):
        numbers.transform(np.zeros((1, 3)))


ODD = {
    "a name twice": (lambda X: pd.concat([X, X[["age"]]], axis=1), r"of the name\(s\) \['age'\]"),
    "no rows": (lambda X: X.iloc[:0], r"Found array with 0 sample\(s\)"),
    "no rows of objects": (
        lambda X: X.iloc[:0].to_numpy(object),
        r"Found array with 0 sample\(s\)",
    ),
    "a dict": (lambda X: X.iloc[0].to_dict(), r"which holds dicts: give pandas.DataFrame\(...\)"),
    "dicts": (lambda X: X.to_dict("records"), r"which holds dicts: give pandas.DataFrame\(...\)"),
    "a row": (lambda X: X.iloc[0].to_numpy(object), "Expected 2D array, got 1D array"),
    "nothing": (lambda X: None, "Expected 2D array, got scalar array"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_containers_are_told_when_fitted_and_after(name):
    X, _ = table()
    encoder = TabularEncoder().fit(X)
    change, message = ODD[name]
    for method in (TabularEncoder().fit, encoder.transform):
        with pytest.raises((TypeError, ValueError), match=message):
            method(change(X))


def test_a_second_fit_forgets_the_names():
    encoder = TabularEncoder().fit(table()[0]).fit(np.zeros((3, 2)))
    assert not hasattr(encoder, "feature_names_in_")
    assert encoder.get_feature_names_out().tolist()[0] == "x0_squashed"


def test_a_pipeline_does_not_answer_for_columns_in_another_order():
    X = pd.DataFrame({"a": np.arange(100.0) ** 2, "b": -np.arange(100.0) / 3})
    y = X["a"] > 2500
    pipeline = make_pipeline(TabularEncoder(), LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="in the same order as they were in fit"):
        pipeline.predict(X[["b", "a"]])


@pytest.mark.filterwarnings("error")
def test_the_classifier_says_the_same_once():
    X, y = table()
    soft = np.where(y[:, None] == ["no", "yes"], 0.9, 0.1)
    clf = DistilledClassifier(student=MLPStudent((8,), n_steps=20), transfer=None)
    clf.fit(X, soft_targets=soft)
    clf.predict(X)
    with pytest.raises(ValueError, match="The feature names should match those that were pass"):
        clf.predict(X[X.columns[::-1]])
    with pytest.warns(UserWarning, match="valid feature names, but DistilledClassifier") as caught:
        clf.predict(X.to_numpy(dtype=object))
    assert len(caught) == 1


# --- names and frames coming out ---


def test_names_of_the_output():
    X, y = table()
    names = TabularEncoder(nominal="auto").fit(X, y).get_feature_names_out()
    expected = [
        *("age_squashed", "when_squashed", "day_squashed", "age_log", "when_log", "day_log"),
        *("age_missing", "day_1", "day_2", "day_3", "day_4", "day_5"),
        *("g_missing", "g_u", "g_v", "flag_missing", "flag_False", "flag_True"),
        *("grade_missing", "grade_1", "grade_2", "grade_3"),
    ]
    assert names.tolist() == expected
    assert names.dtype == object
    names = TabularEncoder("codes").fit(X).get_feature_names_out()
    assert names.tolist() == [*expected[:7], "g", "flag", "grade"]
    unnamed = TabularEncoder().fit(np.array([[1.0, np.nan], [2.0, 3.0]]))
    expected = ["x0_squashed", "x1_squashed", "x0_log", "x1_log", "x1_missing"]
    assert unnamed.get_feature_names_out().tolist() == expected
    assert unnamed.get_feature_names_out(["a", "b"])[-1] == "b_missing"
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        TabularEncoder().fit(X).get_feature_names_out(list("abcdef"))
    with pytest.raises(NotFittedError):
        TabularEncoder().get_feature_names_out()


def test_names_of_the_output_are_all_different():
    cells = {"a": ["b_c", "missing"], "a_b": ["c", "d"], "n": [1.0, 2.0], "n_log": ["x", "y"]}
    cells["m"] = np.array([1, "1"], dtype=object)
    X = pd.DataFrame(cells)
    for mode in ("onehot", "codes"):
        encoder = TabularEncoder(mode).fit(X)
        names = encoder.get_feature_names_out()
        assert len(set(names)) == len(names) == encoder.n_outputs_
        assert encoder.set_output(transform="polars").transform(X).columns == names.tolist()


@pytest.mark.parametrize("mode", ["onehot", "codes"])
def test_set_output(mode):
    X, _ = table()
    plain = TabularEncoder(mode).fit_transform(X)
    assert type(plain) is np.ndarray
    encoder = TabularEncoder(mode).set_output(transform="pandas")
    frame = encoder.fit_transform(X)
    pd.testing.assert_index_equal(frame.index, X.index)
    assert frame.columns.tolist() == encoder.get_feature_names_out().tolist()
    np.testing.assert_array_equal(frame, plain)
    np.testing.assert_array_equal(encoder.set_output(transform="polars").transform(X), plain)
    assert isinstance(encoder.transform(X), pl.DataFrame)
    assert type(encoder.set_output(transform="default").transform(X)) is np.ndarray


def test_frames_of_a_column_transformer():
    X, y = table()
    steps = [("e", TabularEncoder(), ["g", "age"]), ("s", StandardScaler(), ["when"])]
    frame = ColumnTransformer(steps).set_output(transform="pandas").fit_transform(X)
    expected = ["e__age_squashed", "e__age_log", "e__age_missing", "e__g_missing", "e__g_u"]
    assert frame.columns.tolist() == [*expected, "e__g_v", "s__when"]
    pd.testing.assert_index_equal(frame.index, X.index)
    pipeline = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(X, y)
    assert pipeline[:-1].get_feature_names_out().tolist() == frame.columns.tolist()


# --- copies ---


@pytest.mark.parametrize(
    "copied",
    [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy, clone],
    ids=["pickle", "copy", "deepcopy", "clone"],
)
def test_an_unfitted_copy_is_unfitted(copied):
    again = copied(TabularEncoder("codes"))
    with pytest.raises(NotFittedError):
        check_is_fitted(again)
    with pytest.raises(NotFittedError, match="TabularEncoder instance is not fitted yet"):
        again.transform([[1.0]])
    assert vars(again) == vars(TabularEncoder("codes"))
    assert joblib.hash(again) == joblib.hash(TabularEncoder("codes"))


def test_a_fitted_copy_is_the_same():
    X, _ = table()
    encoder = TabularEncoder().fit(X)
    for again in (pickle.loads(pickle.dumps(encoder)), copy.copy(encoder), copy.deepcopy(encoder)):
        check_is_fitted(again)
        np.testing.assert_array_equal(again.transform(X), encoder.transform(X))


class Narrow(MLPStudent):
    def __init__(self, width, n_steps="auto"):
        super().__init__(hidden_layer_sizes=(width,), n_steps=n_steps)
        self.width = width


class Kind(DistilledClassifier):
    def __init__(self, kind, teacher=None):
        super().__init__(teacher)
        self.kind = kind


class Coded(TabularEncoder):
    def __init__(self, why):
        super().__init__("codes")
        self.why = why


@pytest.mark.parametrize(
    "made", [Narrow(8), Kind("x"), Coded("y")], ids=lambda one: type(one).__name__
)
def test_subclasses_with_parameters_that_are_required(made):
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert vars(again).keys() == vars(made).keys()
        assert again.get_params(deep=False).keys() == made.get_params(deep=False).keys()


def test_what_an_older_version_stored_gets_the_defaults_of_its_base():
    state = Narrow(8).__getstate__()
    del state["average_weights"]  # of a version that had it not
    made = Narrow.__new__(Narrow)
    made.__setstate__(state)
    assert made.average_weights is True
    assert made.width == 8


# --- skl2onnx ---


def types_of(X, names):
    texts = X.select_dtypes(exclude="number").columns
    kinds = {name: StringTensorType if name in texts else DoubleTensorType for name in names}
    return [(name, kind([None, 1])) for name, kind in kinds.items()]


def feed_of(X, types):
    def cells(name, kind):
        if isinstance(kind, StringTensorType):
            return np.array([["" if pd.isna(v) else str(v)] for v in X[name]], dtype=object)
        return X[[name]].to_numpy(dtype=float)

    return {name: cells(name, kind) for name, kind in types}


def answers(model, feed):
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, feed)


def convert(pipeline, types, **options):
    register_skl2onnx_converter()
    return skl2onnx.convert_sklearn(
        pipeline,
        initial_types=types,
        target_opset={"": 20, "ai.onnx.ml": 3},
        options={"zipmap": False},
        **options,
    )


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    "encoder",
    [
        TabularEncoder(),
        TabularEncoder("codes"),
        TabularEncoder(nominal="auto"),
        ColumnTransformer(
            [
                ("numbers", TabularEncoder(), ["age", "day"]),
                ("scaled", StandardScaler(), ["when"]),
                ("texts", TabularEncoder(), ["grade", "flag", "g"]),
            ]
        ),
    ],
    ids=["onehot", "codes", "nominal", "ColumnTransformer"],
)
def test_an_encoder_by_skl2onnx(encoder, order):
    X, y = table()
    pipeline = make_pipeline(clone(encoder), LogisticRegression(max_iter=500)).fit(X, y)
    types = types_of(X, list(X)[::order])
    labels, p = answers(convert(pipeline, types), feed_of(X, types))
    np.testing.assert_allclose(p, pipeline.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(labels, pipeline.predict(X))


@pytest.mark.parametrize("kind", [FloatTensorType, DoubleTensorType])
def test_an_encoder_of_one_matrix_by_skl2onnx(kind):
    X = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    X[::9, 1] = np.nan
    pipeline = make_pipeline(TabularEncoder(), LogisticRegression()).fit(X, X[:, 0] > 0)
    feed = X.astype(np.float64 if kind is DoubleTensorType else np.float32)
    _, p = answers(convert(pipeline, [("X", kind([None, 3]))]), {"X": feed})
    np.testing.assert_allclose(p, pipeline.predict_proba(X), atol=1e-6)


def test_a_missing_number_that_is_an_error_is_no_median_in_the_graph():
    X = np.random.default_rng(0).normal(size=(100, 2))
    encoder = TabularEncoder(unseen_missing="error")
    pipeline = make_pipeline(encoder, LogisticRegression()).fit(X, X[:, 0] > 0)
    model = convert(pipeline, [("X", DoubleTensorType([None, 2]))])
    X[0, 0] = np.nan
    _, p = answers(model, {"X": X})
    assert np.isnan(p[0]).all()
    np.testing.assert_allclose(p[1:], pipeline.predict_proba(X[1:]), atol=1e-6)


def test_a_student_by_skl2onnx_takes_its_inputs_by_name():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"])
    soft = rng.dirichlet(np.ones(2), 80)
    clf = DistilledClassifier(student=MLPStudent((8,), n_steps=40), transfer=None)
    clf.fit(X, soft_targets=soft)
    types = [(name, DoubleTensorType([None, 1])) for name in ("b", "a")]
    _, p = answers(convert(clf, types), feed_of(X, types))
    np.testing.assert_allclose(p, clf.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "types", "found"),
    [
        ("flag", [("flag", BooleanTensorType([None, 1]))], r"\['bool'\]"),
        ("flag", [("flag", FloatTensorType([None, 1]))], r"\['number'\]"),
        ("age", [("age", StringTensorType([None, 1]))], r"\['category'\]"),
        ("g", [("both", StringTensorType([None, 2]))], r"\['category', 'category'\]"),
    ],
)
def test_inputs_that_an_encoder_in_a_graph_does_not_take(name, types, found):
    X, y = table()
    pipeline = make_pipeline(TabularEncoder(), LogisticRegression()).fit(X[[name]], y)
    with pytest.raises(ValueError, match=f"its inputs in the graph are {found}: give `initial_typ"):
        convert(pipeline, types)


def test_categories_that_read_alike_are_refused_by_skl2onnx():
    X = pd.DataFrame({"c": np.array([1, "1", "x"] * 5, dtype=object)})
    pipeline = make_pipeline(TabularEncoder(), LogisticRegression()).fit(X, [0, 1, 1] * 5)
    with pytest.raises(ValueError, match="categories of one column read the same as text"):
        convert(pipeline, [("c", StringTensorType([None, 1]))])
