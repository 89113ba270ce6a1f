"""Teachers of numbers: what each kind tells, and models of other libraries."""

import copy
import pickle
import sys
from types import ModuleType

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest
import xgboost
from catboost import CatBoost, CatBoostClassifier, CatBoostRegressor
from numpy.testing import assert_allclose
from scipy.stats import norm
from skl2onnx import to_onnx as skl2onnx
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    FittedTeacher,
    MLPStudent,
    RegressorPool,
)

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(400, 4)).astype(np.float32)
WIDE = np.where(X[:, 1] > 0, 2.0, 0.3)  # the spread depends on the row
Y = 10 + 3 * X[:, 0] + WIDE * RNG.normal(size=400)
FRAME = pd.DataFrame(X, columns=["a b", "w", "x", "y"]).assign(
    k=pd.Categorical(np.where(X[:, 0] > 0, "high", "low"))
)
LEVELS = [0.1, 0.5, 0.9]
SMALL = MLPStudent((8,), n_steps=20)
MULTI = "MultiQuantile:alpha=0.1,0.5,0.9"


def catboost(loss=None, kind=CatBoostRegressor, **params):
    params = {
        "iterations": 100,
        "verbose": 0,
        "depth": 4,
        "thread_count": 1,
        "random_seed": 0,
    } | params
    params |= {"allow_writing_files": False, "loss_function": loss or "RMSE"}
    return CatBoost(params) if kind is CatBoost else kind(**params)


def xgb(objective="reg:squarederror", rows=X, y=Y, **params):
    params = {"objective": objective, "nthread": 1, **params}
    return xgboost.train(params, xgboost.DMatrix(rows, y, enable_categorical=True), 20)


def lgb(objective="regression", rows=X, y=Y):
    params = {"objective": objective, "verbose": -1, "num_threads": 1}
    return lightgbm.train(params, lightgbm.Dataset(rows, y), 20)


def distil(teacher, y=Y, X=X, **params):
    params = {"transfer": None, "random_state": 0, "student": SMALL, **params}
    return DistilledRegressor(teacher, **params).fit(X, y)


# --- models that tell a distribution by their `predict` ---


def given_as(teacher):
    """The ways to give a model: to be fitted, frozen, in a pipeline, as a fitted teacher."""
    fitted = clone(teacher).fit(X, Y)
    return {
        "unfitted": teacher,
        "frozen": FrozenEstimator(fitted),
        "pipeline": make_pipeline(StandardScaler(), teacher),
        "frozen pipeline": FrozenEstimator(
            make_pipeline(StandardScaler(), clone(teacher)).fit(X, Y)
        ),
        "fitted teacher": FittedTeacher(fitted),
        "search": GridSearchCV(teacher, {}, cv=2, scoring=lambda *_: 0.0),
    }


WAYS = ("unfitted", "frozen", "pipeline", "frozen pipeline", "fitted teacher", "search")


@pytest.mark.parametrize("way", WAYS)
def test_catboost_with_uncertainty_tells_a_normal_distribution(way):
    teacher = catboost("RMSEWithUncertainty")
    mean, variance = clone(teacher).fit(X, Y).predict(X).T
    pool = RegressorPool(given_as(teacher)[way], random_state=0).fit(X, Y)
    assert pool.n_targets_ == 1
    assert pool.tells_quantiles
    loose = 0.2 if "pipeline" in way else 1e-6  # other borders
    assert_allclose(pool.predict(X), mean, atol=loose * Y.std())
    told = pool.predict_quantiles(X, LEVELS)
    assert_allclose(told[:, 1], pool.predict(X))
    spread = (told[:, 2] - told[:, 0]) / (norm.ppf(0.9) - norm.ppf(0.1))
    assert np.corrcoef(spread, np.sqrt(variance))[0, 1] > 0.95
    assert np.median(spread[WIDE > 1]) > 2 * np.median(spread[WIDE < 1])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("library", ["catboost", "xgboost"])
def test_models_of_several_levels_tell_them_and_those_between(library, way):
    teacher = catboost(MULTI)
    if library == "xgboost":
        teacher = xgboost.XGBRegressor(
            objective="reg:quantileerror", quantile_alpha=LEVELS, n_estimators=20, n_jobs=1
        )
    expected = np.sort(clone(teacher).fit(X, Y).predict(X), axis=1)
    pool = RegressorPool(given_as(teacher)[way]).fit(X, Y)
    assert pool.tells_quantiles
    told = pool.predict_quantiles(X, [0.1, 0.3, 0.5, 0.9])
    if way in ("unfitted", "frozen", "fitted teacher"):
        assert_allclose(told[:, [0, 2, 3]], expected, rtol=1e-5)
    assert_allclose(told[:, 1], told[:, [0, 2]].mean(axis=1), rtol=1e-5)
    assert_allclose(pool.predict(X), told[:, 2], rtol=1e-5)


def test_levels_may_be_in_any_order():
    pool = RegressorPool(catboost("MultiQuantile:alpha=0.9,0.1,0.5")).fit(X, Y)
    assert (np.diff(pool.predict_quantiles(X, LEVELS), axis=1) >= 0).all()
    own = pool.estimators_[0].predict(X)
    assert_allclose(pool.predict_quantiles(X, LEVELS), np.sort(own[:, [1, 2, 0]], axis=1))


class NeverFitted(CatBoostRegressor):
    def fit(self, X, y=None, **params):
        raise AssertionError("levels are looked at first")


OUTSIDE = (
    r"teacher `mine` .* levels 0.1 to 0.9, and not of 0.05, 0.95: .* `quantiles=\[0.1, 0.5, 0.9"
)


@pytest.mark.parametrize("around", [lambda one: one, make_pipeline])
def test_levels_outside_are_refused_before_a_teacher_is_fitted(around):
    teachers = [
        around(catboost(MULTI, NeverFitted)),
        FrozenEstimator(around(catboost(MULTI)).fit(X, Y)),
    ]
    for teacher in teachers:
        with pytest.raises(ValueError, match=OUTSIDE):
            distil([("mine", teacher)], head="quantiles")
    with pytest.raises(
        ValueError, match="tells quantiles of the levels 0.1 to 0.9, and not of 0.0"
    ):
        RegressorPool(teacher).fit(X).predict_quantiles(X, [0.05])
    reg = distil(teacher, head="quantiles", quantiles=LEVELS)
    assert reg.predict_interval(X, 0.8).shape == (400, 2)


def test_levels_do_not_matter_beside_a_teacher_of_numbers():
    frozen = FrozenEstimator(catboost(MULTI).fit(X, Y))
    reg = distil([frozen, Ridge()], head="quantiles", early_stopping=False)
    assert not reg.teacher_.tells_quantiles
    assert reg.predict_quantiles(X).shape == (400, 19)


def test_a_model_without_a_median_is_no_teacher():
    with pytest.raises(ValueError, match=r"`catboostregressor` .*0.6 to 0.9, and no median"):
        distil(catboost("MultiQuantile:alpha=0.6,0.9"))


def test_a_student_learns_the_spread_that_catboost_tells():
    params = {"student": MLPStudent((32,), n_steps=400), "alpha": 0.0, "early_stopping": False}
    reg = distil(catboost("RMSEWithUncertainty"), head="quantiles", clip=False, **params)
    expected = reg.teacher_.predict_quantiles(X, reg.quantiles_)
    assert np.abs(reg.predict_quantiles(X) - expected).mean() < 0.15 * Y.std()
    width = np.diff(reg.predict_interval(X, 0.8))[:, 0]
    assert np.median(width[WIDE > 1]) > 2 * np.median(width[WIDE < 1])


def test_out_of_fold_quantiles_of_catboost_come_from_other_rows():
    """Deep trees know the rows that they were fitted on, and tell too little spread there."""
    teacher = catboost("RMSEWithUncertainty", depth=7, iterations=50, learning_rate=0.3)
    pool = RegressorPool(teacher, random_state=0).fit(X, Y)
    order = np.arange(400) % 4
    folds = [(np.flatnonzero(order != k), np.flatnonzero(order == k)) for k in range(4)]
    told, _, _ = pool.label_folds(X, Y, folds, [[]] * 4, False, {}, lambda *_: False, tuple(LEVELS))
    inside = [
        np.mean((q[:, 0] <= Y) & (q[:, 2] >= Y)) for q in (told, pool.predict_quantiles(X, LEVELS))
    ]
    assert inside[0] < inside[1] - 0.1  # in-sample answers look better than they are


# --- models of other libraries, fitted ---


def of_catboost(loss, rows=X, **params):
    return catboost(loss, CatBoost, **params).fit(rows, Y)


MODELS = {
    "xgboost": lambda: (xgb(), X),
    "xgboost, l1": lambda: (xgb("reg:absoluteerror"), X),
    "xgboost, counts": lambda: (xgb("count:poisson", y=np.abs(Y)), X),
    "xgboost, gamma": lambda: (xgb("reg:gamma", y=np.abs(Y)), X),
    "xgboost, tweedie": lambda: (xgb("reg:tweedie", y=np.abs(Y)), X),
    "xgboost, one level": lambda: (xgb("reg:quantileerror", quantile_alpha=0.5), X),
    "xgboost, frame": lambda: (xgb(rows=FRAME), FRAME),
    "lightgbm": lambda: (lgb(), X),
    "lightgbm, mape": lambda: (lgb("mape"), X),
    "lightgbm, tweedie": lambda: (lgb("tweedie", y=np.abs(Y)), X),
    "lightgbm, frame": lambda: (lgb(rows=FRAME), FRAME),
    "catboost": lambda: (of_catboost("RMSE"), X),
    "catboost, one level": lambda: (of_catboost("Quantile:alpha=0.5"), X),
    "catboost, counts": lambda: (of_catboost("Poisson"), X),
    "catboost, frame": lambda: (of_catboost("MAE", FRAME, cat_features=["k"]), FRAME),
}


def answer_of(model, rows):
    if isinstance(model, xgboost.Booster):
        return model.predict(xgboost.DMatrix(rows, enable_categorical=True))
    if isinstance(model, CatBoost) and model.get_param("loss_function") == "Poisson":
        return np.exp(model.predict(rows))
    return model.predict(rows)


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_is_asked_for_numbers(kind, tmp_path):
    model, rows = MODELS[kind]()
    expected = answer_of(model, rows)
    assert np.corrcoef(expected, Y)[0, 1] > 0.5  # of the size of y, and no logarithm
    assert abs(expected.mean() - Y.mean()) < 1.5
    for teacher in (model, FrozenEstimator(model), FittedTeacher(model), [("mine", model)]):
        for y in (Y, None):
            pool = RegressorPool(teacher, memory=str(tmp_path)).fit(rows, y)
            assert not pool.tells_quantiles
            assert_allclose(pool.predict(rows), expected, rtol=1e-5)
            assert_allclose(pool.label(rows)[:, 0], expected, rtol=1e-5)
    assert_allclose(pickle.loads(pickle.dumps(pool)).predict(rows), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["xgboost, frame", "lightgbm", "catboost, frame"])
@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_a_fitted_model_is_distilled(kind, head):
    model, rows = MODELS[kind]()
    teacher = FrozenEstimator(model) if isinstance(model, CatBoost) else model  # cannot be cloned
    reg = DistilledRegressor(teacher, SMALL, head=head, transfer=None, random_state=0)
    for one in (clone(reg), copy.deepcopy(reg)):
        one.fit(rows[:300], Y[:300], X_val=rows[300:], y_val=Y[300:])
        assert pickle.loads(pickle.dumps(one)).predict(rows).shape == (400,)


def test_fitted_models_that_tell_quantiles():
    expected = np.sort(answer_of(xgb("reg:quantileerror", quantile_alpha=LEVELS), X), axis=1)
    booster = xgb("reg:quantileerror", quantile_alpha=LEVELS)
    pool = RegressorPool(booster).fit(X)
    assert_allclose(pool.predict_quantiles(X, LEVELS), expected, rtol=1e-6)
    assert_allclose(pool.predict(X), expected[:, 1], rtol=1e-6)
    for loss in ("RMSEWithUncertainty", MULTI):
        same = catboost(loss).fit(X, Y)
        bare = [RegressorPool(one).fit(X) for one in (of_catboost(loss), FrozenEstimator(same))]
        told = [one.predict_quantiles(X, LEVELS) for one in bare]
        assert_allclose(*told)
        assert_allclose(bare[0].predict(X), bare[1].predict(X))
        distil(of_catboost(loss), y=None, head="quantiles", quantiles=LEVELS)


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_frames_are_read_by_name(kind):
    numbers = FRAME.drop(columns="k")
    train = {"xgboost": xgb, "lightgbm": lgb}[kind]
    of_frame, of_array = train(rows=numbers), train(rows=numbers.to_numpy())
    expected = RegressorPool(of_frame).fit(numbers).predict(numbers)
    for given in (numbers.to_numpy(), numbers.to_numpy().tolist(), pl.from_pandas(numbers)):
        for one in (of_frame, of_array):
            assert_allclose(RegressorPool(one).fit(given).predict(given), expected, rtol=1e-4)
    with pytest.raises(ValueError, match=r"teacher `booster` .*(no columns|mismatch).*w"):
        RegressorPool(of_frame).fit(numbers.drop(columns="w"))


CODES = (Y > 10).astype(int)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: xgb("binary:logistic", y=CODES), "'binary:logistic' it gives no numbers.*reg:sq"),
        (lambda: xgb("rank:pairwise", y=CODES), "no numbers"),
        (lambda: lgb("binary", y=CODES), "'binary' it gives no numbers.*DistilledClassifier"),
        (lambda: catboost("Logloss", CatBoost).fit(X, CODES), "'Logloss' it gives no numbers"),
        (lambda: catboost("RMSE", CatBoost), "is not fitted.*CatBoostRegressor"),
        (lambda: catboost("Logloss", CatBoostClassifier), "is a classifier: give a regressor"),
    ],
    ids=("xgboost", "rank", "lightgbm", "catboost", "unfitted", "classifier"),
)
@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_models_of_classes_are_refused(make, message, head):
    model = make()
    fitted = [] if "classifier" in message else [FittedTeacher(model)]
    for teacher in (model, FrozenEstimator(model), *fitted):
        with pytest.raises(ValueError, match=f"teacher `mine` .*{message}"):
            distil([("mine", teacher)], head=head)


@pytest.mark.parametrize("make", [xgb, lgb, lambda: of_catboost("RMSE")])
def test_models_of_numbers_are_no_classifiers(make):
    with pytest.raises(ValueError, match="teacher `mine`.* gives no probabilities"):
        DistilledClassifier([("mine", make())], SMALL).fit(X, CODES)


@pytest.mark.parametrize("as_columns", [True, False])
def test_an_onnx_session(as_columns):
    rows = FRAME.drop(columns="k")
    model = LinearRegression().fit(rows.to_numpy(), Y)
    proto = skl2onnx(model, rows.to_numpy()[:1])
    if as_columns:
        by_column = make_column_transformer(("passthrough", list(rows.columns)))
        proto = skl2onnx(make_pipeline(by_column, LinearRegression()).fit(rows, Y), rows[:1])
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    turned = rows[rows.columns[::-1]] if as_columns else rows
    for teacher in (session, FrozenEstimator(session), FittedTeacher(session)):
        pool = RegressorPool(teacher).fit(turned, Y)
        assert_allclose(pool.predict(turned), model.predict(rows.to_numpy()), rtol=1e-4)
    assert distil(FrozenEstimator(session), X=turned).predict(turned).shape == (400,)


def test_an_onnx_session_of_classes_is_refused():
    proto = skl2onnx(LogisticRegression().fit(X, CODES), X[:1])
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    with pytest.raises(ValueError, match=r"must have one output, of numbers, got .*FittedTeacher"):
        distil(session)


def stand_in(monkeypatch, package, name, **members):
    """An object of a class that goes by the name of one of a library, which is not installed."""
    monkeypatch.setitem(sys.modules, package, ModuleType(package))
    return type(name, (), {"__module__": package, **members})()


def test_an_mlflow_model(monkeypatch):
    model = LinearRegression().fit(X, Y)
    made = stand_in(
        monkeypatch, "mlflow.pyfunc", "PyFuncModel", predict=lambda _, X: model.predict(X)
    )
    for teacher in (made, FrozenEstimator(made)):
        assert_allclose(RegressorPool(teacher).fit(X, Y).predict(X), model.predict(X))


def predictor(monkeypatch, problem_type, answer, is_fit=True):
    def predict(_, rows):
        assert isinstance(rows, pd.DataFrame)  # it takes no other
        return answer(rows)

    members = {"problem_type": problem_type, "is_fit": is_fit, "can_predict_proba": False}
    members |= {"quantile_levels": LEVELS, "fit": None, "predict": predict}
    return stand_in(monkeypatch, "autogluon.tabular", "TabularPredictor", **members)


def test_an_autogluon_predictor(monkeypatch):
    rows = FRAME.drop(columns="k")
    made = predictor(monkeypatch, "regression", lambda rows: 2 * rows["w"])
    pool = RegressorPool(made).fit(pl.from_pandas(rows), Y)
    assert_allclose(pool.predict(pl.from_pandas(rows)), 2 * rows["w"])
    assert not pool.tells_quantiles
    frame = pd.DataFrame({0.1: rows["w"] - 1, 0.5: rows["w"], 0.9: rows["w"] + 3})
    made = predictor(monkeypatch, "quantile", lambda rows: frame.loc[rows.index])
    pool = RegressorPool(made).fit(rows, Y)
    assert_allclose(pool.predict(rows), rows["w"], rtol=1e-6)
    assert_allclose(pool.predict_quantiles(rows, LEVELS), frame, rtol=1e-6)
    for problem_type, is_fit, message in (
        ("binary", True, "problem_type 'binary' it gives no numbers"),
        ("regression", False, "call its `fit` first"),
    ):
        bad = predictor(monkeypatch, problem_type, len, is_fit)
        with pytest.raises(ValueError, match=f"teacher `tabularpredictor` .*{message}"):
            RegressorPool(bad).fit(rows, Y)
    with pytest.raises(ValueError, match="give X as a DataFrame"):
        RegressorPool(made).fit(X, Y)


def test_models_read_from_a_file(tmp_path):
    first = xgboost.XGBRegressor(
        objective="reg:quantileerror", quantile_alpha=LEVELS, n_estimators=5, n_jobs=1
    ).fit(X, Y)
    first.save_model(tmp_path / "model.json")
    second = xgboost.XGBRegressor()
    second.load_model(tmp_path / "model.json")
    told = [RegressorPool(FrozenEstimator(one)).fit(X) for one in (first, second)]
    assert_allclose(*[one.predict_quantiles(X, LEVELS) for one in told])


def test_memory_tells_models_apart(tmp_path):
    first, second = xgb(), xgb(y=-Y)
    for model in (first, second):
        pool = RegressorPool(FittedTeacher(model), memory=str(tmp_path)).fit(X)
        assert_allclose(pool.label(X)[:, 0], answer_of(model, X), rtol=1e-6)


# --- forests by leaf weights: quantile-forest, where it is installed ---


@pytest.fixture
def forest():
    package = pytest.importorskip("quantile_forest")
    return package.RandomForestQuantileRegressor(50, min_samples_leaf=5, random_state=0)


def test_leaf_weights_of_a_real_quantile_forest(forest):
    for teacher in (forest, make_pipeline(StandardScaler(), forest), [forest, clone(forest)]):
        pool = RegressorPool(teacher).fit(X, Y)
        assert pool.tells_quantiles
        told = pool.predict_quantiles(X, LEVELS)
        assert_allclose(told[:, 1], pool.predict(X), rtol=1e-3)
        width = told[:, 2] - told[:, 0]
        assert np.median(width[WIDE > 1]) > 1.5 * np.median(width[WIDE < 1])
    reg = distil(teacher, head="quantiles", alpha=0.3)
    assert reg.predict_interval(X, 0.8).shape == (400, 2)


def test_leaf_weights_out_of_fold_do_not_know_the_row(forest):
    """Of a row of its own a forest weighs the label itself, and is too sure."""
    forest.set_params(min_samples_leaf=1)
    pool = RegressorPool(forest).fit(X, Y)
    order = np.arange(400) % 4
    folds = [(np.flatnonzero(order != k), np.flatnonzero(order == k)) for k in range(4)]
    told, _, _ = pool.label_folds(X, Y, folds, [[]] * 4, False, {}, lambda *_: False, tuple(LEVELS))
    low, _, high = told.T
    assert 0.7 < np.mean((low <= Y) & (high >= Y)) < 0.95
    low, _, high = pool.predict_quantiles(X, LEVELS).T
    assert np.mean((low <= Y) & (high >= Y)) > 0.99
