"""Fitted models of other libraries as teachers: Boosters, sessions, predictors."""

import copy
import pickle
import sys
from types import ModuleType

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xgboost
from catboost import CatBoost, CatBoostRegressor
from shared import NAMES, insects
from skl2onnx import to_onnx as skl2onnx
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skdistill import DistilledClassifier, FittedTeacher, MLPStudent, Scorer, TeacherPool, to_onnx

X, CODES = insects()
X = X.astype(np.float32)
BINARY = (CODES > 0).astype(int)
SMALL = MLPStudent((8,), n_steps=20)
FRAME = pd.DataFrame(X, columns=["a b", "w", "x", "y", "z"]).assign(
    k=pd.Categorical(np.where(X[:, 0] > 0, "high", "low"))
)


def xgb_booster(rows, codes, objective):
    params = {"objective": objective, "nthread": 1}
    if "multi" in objective:
        params["num_class"] = 3
    return xgboost.train(params, xgboost.DMatrix(rows, codes, enable_categorical=True), 5)


def lgb_booster(rows, codes, objective):
    params = {"objective": objective, "verbose": -1, "num_threads": 1}
    if "multi" in objective:
        params["num_class"] = 3
    return lightgbm.train(params, lightgbm.Dataset(rows, codes), 5)


def cat_boost(rows, labels, loss, **params):
    params = {"loss_function": loss, "iterations": 5, "verbose": 0, "thread_count": 1} | params
    return CatBoost({**params, "allow_writing_files": False}).fit(rows, labels)


def answer_of(booster, rows):
    if isinstance(booster, xgboost.Booster):
        return booster.predict(xgboost.DMatrix(rows, enable_categorical=True))
    if isinstance(booster, CatBoost):
        return booster.predict(rows, prediction_type="Probability")
    return booster.predict(rows)


MODELS = {
    "xgboost": (xgb_booster(X, CODES, "multi:softprob"), X, CODES),
    "xgboost, binary": (xgb_booster(X, BINARY, "binary:logistic"), X, BINARY),
    "xgboost, frame": (xgb_booster(FRAME, CODES, "multi:softprob"), FRAME, CODES),
    "lightgbm": (lgb_booster(X, CODES, "multiclass"), X, CODES),
    "lightgbm, binary": (lgb_booster(X, BINARY, "binary"), X, BINARY),
    "lightgbm, frame": (lgb_booster(FRAME, CODES, "multiclass"), FRAME, CODES),
    "catboost": (cat_boost(X, NAMES[CODES], "MultiClass"), X, NAMES[CODES]),
    "catboost, binary": (cat_boost(X, BINARY, "Logloss"), X, BINARY),
    "catboost, frame": (cat_boost(FRAME, CODES, "MultiClass", cat_features=["k"]), FRAME, CODES),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_is_asked_for_probabilities(kind, tmp_path):
    model, rows, y = MODELS[kind]
    expected = answer_of(model, rows)
    if expected.ndim == 1:
        expected = np.column_stack([1 - expected, expected])
    for teacher in (model, FrozenEstimator(model), FittedTeacher(model), [("mine", model)]):
        for labels in (y, None):
            pool = TeacherPool(teacher).fit(rows, labels)
            np.testing.assert_array_equal(pool.classes_, np.unique(y))
            np.testing.assert_allclose(pool.predict_proba(rows), expected, rtol=1e-5)
    pool = TeacherPool([model, LogisticRegression()]).fit(X, y) if rows is X else pool
    pickle.loads(pickle.dumps(pool)).predict_proba(rows)
    teacher = FrozenEstimator(model) if isinstance(model, CatBoost) else model  # cannot be cloned
    clf = DistilledClassifier(teacher, SMALL, transfer=None, memory=str(tmp_path), random_state=0)
    for one in (clf, clone(clf), copy.deepcopy(clf)):
        one.fit(rows, y)
        assert pickle.loads(pickle.dumps(one)).predict(rows).shape == (240,)


def test_memory_tells_boosters_apart(tmp_path):
    first = xgb_booster(X, CODES, "multi:softprob")
    second = xgb_booster(X, (CODES + 1) % 3, "multi:softprob")
    for teacher in (first, FrozenEstimator(first), FittedTeacher(first)):
        pool = TeacherPool(teacher, memory=str(tmp_path)).fit(X)
        pool.label(X)
        kept = sum(1 for _ in tmp_path.rglob("output.pkl"))
        TeacherPool(copy.deepcopy(first), memory=str(tmp_path)).fit(X).label(X)
        if teacher is first:
            assert sum(1 for _ in tmp_path.rglob("output.pkl")) == kept
    other = TeacherPool(second, memory=str(tmp_path)).fit(X)
    np.testing.assert_allclose(other.label(X), other.predict_proba(X))


@pytest.mark.parametrize("kind", ["xgboost, frame", "lightgbm, frame", "catboost, frame"])
def test_rows_in_other_containers(kind):
    model, rows, _ = MODELS[kind]
    expected = TeacherPool(model).fit(rows).predict_proba(rows)
    numbers = rows.drop(columns="k")
    train = {"xgboost": xgb_booster, "lightgbm": lgb_booster, "catboost": cat_boost}[
        kind.split(",")[0]
    ]
    objective = {"xgboost": "multi:softprob", "lightgbm": "multiclass", "catboost": "MultiClass"}
    of_frame = train(numbers, CODES, objective[kind.split(",")[0]])
    of_array = train(numbers.to_numpy(), CODES, objective[kind.split(",")[0]])
    expected = TeacherPool(of_frame).fit(numbers).predict_proba(numbers)
    containers = [numbers.to_numpy(), numbers.to_numpy().tolist(), pl.from_pandas(numbers)]
    for given in [*containers, pa.Table.from_pandas(numbers)]:
        if isinstance(given, pa.Table):  # what the teachers are given of it is another matter
            continue
        for one in (of_frame, of_array):
            p = TeacherPool(one).fit(given).predict_proba(given)
            np.testing.assert_allclose(p, expected, rtol=1e-4)


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_a_frame_with_its_columns_in_another_order(kind):
    train = {"xgboost": xgb_booster, "lightgbm": lgb_booster}[kind]
    model = train(FRAME, CODES, {"xgboost": "multi:softprob", "lightgbm": "multiclass"}[kind])
    expected = TeacherPool(model).fit(FRAME).predict_proba(FRAME)
    turned = FRAME[FRAME.columns[::-1]]
    try:
        p = TeacherPool(model).fit(turned).predict_proba(turned)
    except ValueError as error:
        assert "feature_names mismatch" in str(error)  # noqa: PT017
    else:
        np.testing.assert_allclose(p, expected)
    with pytest.raises(ValueError, match=r"teacher `booster` .*(no columns|mismatch).*w"):
        TeacherPool(model).fit(FRAME.drop(columns="w"))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: xgb_booster(X, CODES, "reg:squarederror"), "reg:squarederror.*multi:softprob"),
        (lambda: xgb_booster(X, CODES, "multi:softmax"), "set_param"),
        (lambda: xgb_booster(X, BINARY, "binary:logitraw"), "set_param"),
        (lambda: lgb_booster(X, CODES, "multiclassova"), "objective='multiclass', or wrap"),
        (lambda: lgb_booster(X, CODES, "regression"), "'binary' or 'multiclass'"),
        (lambda: cat_boost(X, CODES, "MultiClassOneVsAll"), "train it with 'MultiClass'"),
        (lambda: cat_boost(X, CODES, "RMSE"), "'Logloss' or 'MultiClass'"),
        (lambda: CatBoost({"loss_function": "Logloss"}), "is not fitted.*CatBoostClassifier"),
        (lambda: CatBoostRegressor(), "it is a regressor"),
    ],
)
def test_models_that_give_no_probabilities_name_the_remedy(model, message):
    made = model()
    for teacher in (made, FrozenEstimator(made), FittedTeacher(made)):
        with pytest.raises(ValueError, match=f"teacher `mine`.*{message}"):
            DistilledClassifier([("mine", teacher)], SMALL).fit(X, CODES)
        if isinstance(made, CatBoostRegressor):
            break


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame])
def test_a_booster_is_given_as_many_columns_as_it_was_trained_on(kind, make):
    rows = np.random.default_rng(0).normal(size=(80, 4))
    labels = (rows[:, 0] > 0).astype(int)
    if kind == "xgboost":
        data = xgboost.DMatrix(rows, label=labels)
        booster = xgboost.train({"objective": "binary:logistic"}, data, 2)
    else:
        data = lightgbm.Dataset(rows, label=labels)
        booster = lightgbm.train({"objective": "binary", "verbose": -1}, data, 2)
    assert TeacherPool(booster).fit(make(rows), labels).score(make(rows), labels) > 0.8
    for n_columns in (3, 5):
        wrong = make(np.zeros((80, n_columns)))
        with pytest.raises(ValueError, match="teacher `booster` could not label the rows"):
            TeacherPool(booster).fit(wrong, labels)


def test_the_remedy_for_softmax_works():
    booster = xgb_booster(X, CODES, "multi:softmax")
    booster.set_param({"objective": "multi:softprob"})
    assert TeacherPool(booster).fit(X).predict_proba(X).shape == (240, 3)


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_a_booster_knows_codes_unless_it_is_told(kind):
    model, _, _ = MODELS[kind]
    for y in (NAMES[CODES], CODES + 1):
        with pytest.raises(ValueError, match=r"`booster` knows the codes \[0, 1, 2\], but y"):
            DistilledClassifier(model, SMALL).fit(X, y)
        pool = TeacherPool(FittedTeacher(model, classes=np.unique(y))).fit(X, y)
        np.testing.assert_array_equal(pool.classes_, np.unique(y))
        plain = TeacherPool(model).fit(X)
        np.testing.assert_allclose(pool.predict_proba(X), plain.predict_proba(X))


# --- ONNX Runtime ---


def session(model, rows, **options):
    options = {"options": {id(model): options}} if options else {}
    return onnxruntime.InferenceSession(skl2onnx(model, rows[:1], **options).SerializeToString())


@pytest.mark.parametrize("labels", [NAMES[CODES], CODES + 1, BINARY])
@pytest.mark.parametrize("options", [{}, {"zipmap": False}])
def test_an_onnx_session(labels, options, tmp_path):
    model = LogisticRegression().fit(X, labels)
    onnx = session(model, X, **options)
    for teacher in (onnx, FrozenEstimator(onnx), FittedTeacher(onnx, classes=model.classes_)):
        pool = TeacherPool(teacher, memory=str(tmp_path)).fit(X, labels)
        np.testing.assert_array_equal(pool.classes_, model.classes_)
        np.testing.assert_allclose(pool.label(X), model.predict_proba(X), atol=1e-6)
    clf = DistilledClassifier(FrozenEstimator(onnx), SMALL, transfer=None)
    assert clone(clf).fit(X.tolist(), labels).predict(X[:2]).shape == (2,)
    if not options:  # its dicts name the classes
        np.testing.assert_array_equal(TeacherPool(onnx).fit(X).classes_, model.classes_)


def test_an_onnx_session_with_an_input_a_column():
    frame = FRAME.assign(k=FRAME.k.astype(object), n=np.arange(240) % 7)
    encode = make_column_transformer((OneHotEncoder(), ["k"]), remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression(max_iter=500)).fit(frame, NAMES[CODES])
    onnx = session(model, frame, zipmap=False)
    turned = frame[frame.columns[::-1]]
    for rows in (frame, turned, pl.from_pandas(frame), frame.to_numpy(dtype=object)):
        pool = TeacherPool(onnx).fit(rows, NAMES[CODES])
        np.testing.assert_allclose(pool.predict_proba(rows), model.predict_proba(frame), atol=1e-5)
    with pytest.raises(ValueError, match="no columns .*'w'"):
        TeacherPool(onnx).fit(frame.drop(columns="w"), CODES)


def test_an_onnx_session_without_one_output_of_probabilities():
    model = LogisticRegression().fit(X, CODES)
    with pytest.raises(ValueError, match=r"one output of probabilities.*FittedTeacher\(lambda X"):
        TeacherPool(session(model, X, zipmap="columns")).fit(X, CODES)
    raw = session(model, X, zipmap=False, raw_scores=True)
    with pytest.raises(ValueError, match="`inferencesession` must (hold|sum)"):
        TeacherPool(raw).fit(X, CODES)


def test_a_scorer_is_a_teacher(tmp_path):
    clf = DistilledClassifier(LogisticRegression(), SMALL, transfer=None).fit(X, NAMES[CODES])
    to_onnx(clf, tmp_path / "student.onnx")
    scorer = Scorer(tmp_path / "student.onnx")
    pool = TeacherPool(scorer).fit(X, NAMES[CODES])
    np.testing.assert_allclose(pool.predict_proba(X), clf.predict_proba(X), atol=1e-5)
    DistilledClassifier(FrozenEstimator(scorer), SMALL, transfer=None).fit(X)


# --- mlflow and AutoGluon, by stand-ins of the same name where they are not installed ---


def stand_in(monkeypatch, package, name, **members):
    monkeypatch.setitem(sys.modules, package, ModuleType(package))
    return type(name, (), {"__module__": package, **members})


def test_an_mlflow_model(monkeypatch):
    model = LogisticRegression().fit(X, CODES)
    kind = stand_in(monkeypatch, "mlflow.pyfunc", "PyFuncModel", predict=lambda _, X: answer(X))
    answer = model.predict_proba
    for teacher in (kind(), FrozenEstimator(kind())):
        pool = TeacherPool(teacher).fit(X, NAMES[CODES])
        np.testing.assert_allclose(pool.predict_proba(X), model.predict_proba(X), rtol=1e-6)
    answer = model.predict
    with pytest.raises(ValueError, match="pyfunc_predict_fn='predict_proba'"):
        TeacherPool(kind()).fit(X, NAMES[CODES])


def test_a_real_mlflow_model(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    model = LogisticRegression().fit(X, CODES)
    mlflow.sklearn.save_model(model, tmp_path / "model", pyfunc_predict_fn="predict_proba")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    pool = TeacherPool(loaded).fit(X, CODES)
    np.testing.assert_allclose(pool.predict_proba(X), model.predict_proba(X), rtol=1e-6)


def predictor(monkeypatch, **members):
    members = {"can_predict_proba": True, "is_fit": True, "fit": None, **members}
    return stand_in(monkeypatch, "autogluon.tabular", "TabularPredictor", **members)()


def test_an_autogluon_predictor(monkeypatch):
    model = LogisticRegression().fit(FRAME.iloc[:, :5], NAMES[CODES])

    def ask(_, rows):
        assert isinstance(rows, pd.DataFrame)  # it takes no other
        return pd.DataFrame(model.predict_proba(rows), columns=model.classes_)[NAMES[[2, 0, 1]]]

    made = predictor(monkeypatch, class_labels=list(NAMES), predict_proba=ask)
    for rows in (FRAME.iloc[:, :5], pl.from_pandas(FRAME.iloc[:, :5])):
        pool = TeacherPool(made).fit(rows, NAMES[CODES])
        expected = model.predict_proba(FRAME.iloc[:, :5])
        np.testing.assert_allclose(pool.predict_proba(rows), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="give X as a DataFrame"):
        TeacherPool(made).fit(X, NAMES[CODES])


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"is_fit": False}, "call its `fit` first"),
        ({"can_predict_proba": False, "problem_type": "regression"}, "'regression'"),
    ],
)
def test_an_autogluon_predictor_that_cannot_be_used(monkeypatch, members, message):
    with pytest.raises(ValueError, match=f"teacher `tabularpredictor`.*{message}"):
        TeacherPool(predictor(monkeypatch, **members)).fit(FRAME, CODES)


def test_a_real_autogluon_predictor(tmp_path):
    tabular = pytest.importorskip("autogluon.tabular")
    made = tabular.TabularPredictor("label", path=str(tmp_path), verbosity=0)
    made.fit(FRAME.assign(label=NAMES[CODES]), hyperparameters={"RF": {"n_estimators": 5}})
    pool = TeacherPool(made).fit(FRAME, NAMES[CODES])
    np.testing.assert_allclose(pool.predict_proba(FRAME), made.predict_proba(FRAME))


# --- FittedTeacher ---


def test_a_function_is_a_teacher(tmp_path):
    model = LogisticRegression().fit(X, CODES)
    told = FittedTeacher(model.predict_proba, classes=NAMES)
    pool = TeacherPool(told, memory=str(tmp_path)).fit(X, NAMES[CODES])
    np.testing.assert_allclose(pool.label(X), model.predict_proba(X), rtol=1e-6)
    np.testing.assert_array_equal(
        TeacherPool(FittedTeacher(lambda X: model.predict_proba(X))).fit(X).classes_, [0, 1, 2]
    )
    assert clone(told) is told
    assert pickle.loads(pickle.dumps(told)).predict_proba(X).shape == (240, 3)


def test_the_floor_of_a_forest_is_the_same_under_other_labels():
    forest = RandomForestClassifier(10, random_state=0).fit(X, CODES)
    frozen = TeacherPool(FrozenEstimator(forest)).fit(X)
    told = TeacherPool(FittedTeacher(forest, classes=NAMES)).fit(X)
    np.testing.assert_array_equal(
        told.predict_proba(X, floored=True), frozen.predict_proba(X, floored=True)
    )


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (FittedTeacher(LogisticRegression), "`model` must be a fitted model with predict_proba"),
        (FittedTeacher("model.onnx"), "`model` must be a fitted model with predict_proba"),
        (FittedTeacher(MODELS["xgboost"][0], classes=["a", "b"]), "must have shape"),
        (FittedTeacher(MODELS["xgboost"][0], classes=["a", "b", "b"]), "one label for each class"),
    ],
)
def test_fitted_teachers_that_cannot_be_used(teacher, message):
    with pytest.raises(ValueError, match=f"teacher `fittedteacher`.*{message}"):
        TeacherPool(teacher).fit(X)
