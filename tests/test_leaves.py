"""Leaves of teachers of every library, and the objectives that are made of them."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    FittedTeacher,
    LeafHint,
    MLPStudent,
    NeighbourhoodGraph,
    TeacherPool,
)
from skdistill.teacher import has_trees, trees_of

SMALL = MLPStudent(hidden_layer_sizes=(16, 8), n_steps=40)


def classes(n_classes=3, n_rows=200):
    X, y = make_classification(
        n_rows, 6, n_informative=5, n_redundant=0, n_classes=n_classes, random_state=0
    )
    return X.astype(np.float32), y


def numbers():
    X, y = make_regression(200, 6, noise=5.0, random_state=0)
    return X.astype(np.float32), np.exp(y / y.std())


# --- each library: what the stages add is the answer, and a leaf adds one value ---


def margin_of_sklearn(model, X):
    if hasattr(model, "decision_function"):
        return model.decision_function(X)
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def log_prediction(model, X):
    return np.log(model.predict(X))


SKLEARN = [
    RandomForestClassifier(7, random_state=0),
    ExtraTreesClassifier(7, random_state=0),
    DecisionTreeClassifier(max_depth=4),
    BaggingClassifier(n_estimators=5, max_features=3, max_samples=0.1, random_state=0),
    GradientBoostingClassifier(n_estimators=6),
    HistGradientBoostingClassifier(max_iter=6),
    RandomForestRegressor(7, random_state=0),
    BaggingRegressor(n_estimators=5, max_features=3, random_state=0),
    DecisionTreeRegressor(max_depth=4),
    GradientBoostingRegressor(n_estimators=6),
    HistGradientBoostingRegressor(max_iter=6),
]
OTHERS = [
    ("xgboost", "XGBClassifier", {"n_estimators": 6}),
    ("xgboost", "XGBRegressor", {"n_estimators": 6}),
    ("xgboost", "XGBRFClassifier", {"n_estimators": 6}),
    ("lightgbm", "LGBMClassifier", {"n_estimators": 6, "verbose": -1}),
    ("lightgbm", "LGBMRegressor", {"n_estimators": 6, "verbose": -1}),
    (
        "catboost",
        "CatBoostClassifier",
        {"iterations": 6, "verbose": 0, "allow_writing_files": False},
    ),
    (
        "catboost",
        "CatBoostRegressor",
        {"iterations": 6, "verbose": 0, "allow_writing_files": False},
    ),
]


def margin_of_others(model, X):
    options = {
        "xgboost": {"output_margin": True},
        "lightgbm": {"raw_score": True},
        "catboost": {"prediction_type": "RawFormulaVal"},
    }
    return model.predict(X, **options[type(model).__module__.split(".")[0]])


def check_leaves(model, X, margin, rtol=1e-5):
    """The stages add up to the margin, and all rows in one leaf get the same of it."""
    (trees,) = trees_of(model)
    expected = np.asarray(margin).reshape(len(X), -1)
    scale = np.abs(expected).max()
    values, leaves = trees.leaf_values(X), trees.leaves(X)
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=rtol * scale)
    ends = [1, trees.n_stages]
    np.testing.assert_allclose(
        trees.margins(X, ends)[:, -1], expected, atol=rtol * scale, err_msg="margins"
    )
    assert leaves.shape[0] == len(X)
    n_parallel = leaves.shape[1] // trees.n_stages
    for stage in range(trees.n_stages):
        own = leaves[:, stage * n_parallel : (stage + 1) * n_parallel]
        _, place = np.unique(own, axis=0, return_inverse=True)
        assert place.max() > 0
        for one in range(place.max() + 1):
            assert np.ptp(values[place.ravel() == one, stage], axis=0).max() <= rtol * scale


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("model", SKLEARN, ids=lambda one: type(one).__name__)
def test_leaves_of_sklearn_add_up(model, n_classes):
    is_regressor = hasattr(model, "predict") and not hasattr(model, "predict_proba")
    X, y = numbers() if is_regressor else classes(n_classes)
    assert has_trees(model)
    check_leaves(model.fit(X, y), X, margin_of_sklearn(model, X))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("library", "name", "params"), OTHERS, ids=lambda one: str(one)[:20])
def test_leaves_of_other_libraries_add_up(library, name, params, n_classes):
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    X, y = numbers() if "Regressor" in name else classes(n_classes)
    model = getattr(module, name)(**params).fit(X, y)
    assert has_trees(getattr(module, name)(**params))
    check_leaves(model, X, margin_of_others(model, X))


def test_numbers_of_a_histogram_booster_with_a_logarithm():
    X, y = numbers()
    model = HistGradientBoostingRegressor(loss="poisson", max_iter=6).fit(X, y)
    check_leaves(model, X, log_prediction(model, X))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_booster_alone_is_that_of_the_estimator(library):
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    X, y = classes()
    kind = module.XGBClassifier if library == "xgboost" else module.LGBMClassifier
    quiet = {} if library == "xgboost" else {"verbose": -1}
    model = kind(n_estimators=5, **quiet).fit(X, y)
    booster = model.get_booster() if library == "xgboost" else model.booster_
    (whole,), (alone,) = trees_of(model), trees_of(booster)
    np.testing.assert_array_equal(alone.leaves(X), whole.leaves(X))
    np.testing.assert_array_equal(alone.leaf_values(X), whole.leaf_values(X))


def test_early_stopping_of_xgboost_leaves_later_trees_out():
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    X, y = classes()
    model = xgboost.XGBClassifier(n_estimators=60, learning_rate=1.0, early_stopping_rounds=2)
    model.fit(X[:150], y[:150], eval_set=[(X[150:], y[150:])], verbose=False)
    (trees,) = trees_of(model)
    assert trees.n_stages == model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    margin = model.predict(X, output_margin=True)
    np.testing.assert_allclose(trees.leaf_values(X).sum(axis=1), margin, atol=1e-4)


def test_missing_numbers_and_categories_of_xgboost():
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    X, y = classes()
    X[::5, 0] = -1.0
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["g"] = pd.Categorical(np.array(["x", "y", "z"])[y])
    model = xgboost.XGBClassifier(n_estimators=4, missing=-1.0, enable_categorical=True)
    model.fit(frame, y)
    check_leaves(model, frame, model.predict(frame, output_margin=True))


@pytest.mark.parametrize("form", [csr_array, pd.DataFrame])
def test_forest_on_other_containers(form):
    X, y = classes()
    model = RandomForestClassifier(5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(trees_of(model)[0].leaves(form(X)), model.apply(X))


def test_linear_booster_has_no_trees():
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    X, y = classes(2)
    linear = xgboost.XGBClassifier(booster="gblinear", n_estimators=3)
    assert not has_trees(linear)
    assert trees_of(linear.fit(X, y)) == []
    assert trees_of(linear.get_booster()) == []


# --- what a teacher may be wrapped in ---

FOREST = RandomForestClassifier(6, random_state=0)
WRAPPED = {
    "pipeline": (make_pipeline(PolynomialFeatures(2), StandardScaler(), FOREST), 1),
    "calibration": (CalibratedClassifierCV(FOREST, cv=2), 2),
    "vote": (
        VotingClassifier([("rf", FOREST), ("lr", LogisticRegression(max_iter=500))], voting="soft"),
        1,
    ),
    "stack": (StackingClassifier([("rf", FOREST), ("hgb", HistGradientBoostingClassifier())]), 2),
    "search": (GridSearchCV(FOREST, {"max_depth": [2]}, cv=2), 1),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_trees_in_other_models(name):
    model, n_models = WRAPPED[name]
    X, y = classes()
    assert has_trees(model)
    model.fit(X, y)
    for one in (model, FrozenEstimator(model), FittedTeacher(model)):
        found = trees_of(one)
        assert len(found) == n_models
        assert all(trees.leaves(X).shape[0] == len(X) for trees in found)
    if name == "pipeline":
        expected = model[-1].apply(model[:-1].transform(X))
        np.testing.assert_array_equal(found[0].leaves(X), expected)


def test_trees_behind_a_transformed_target():
    X, y = numbers()
    model = TransformedTargetRegressor(RandomForestRegressor(5), transformer=StandardScaler())
    assert has_trees(model)
    (trees,) = trees_of(model.fit(X, y))
    assert trees.leaves(X).shape == (len(X), 5)


def test_models_without_trees():
    for model in (KNeighborsClassifier(), Ridge(), make_pipeline(StandardScaler(), Ridge())):
        assert not has_trees(model)
    X, y = classes()
    assert trees_of(KNeighborsClassifier().fit(X, y)) == []
    assert not has_trees(BaggingClassifier(LogisticRegression()))


# --- the objectives ---


@pytest.mark.parametrize("objective", [LeafHint(), NeighbourhoodGraph("leaves")])
def test_pool_without_trees_is_an_error_before_a_teacher_is_fitted(objective):
    class Watched(KNeighborsClassifier):
        def fit(self, X, y):
            raise AssertionError("fitted")

    X, y = classes()
    name = type(objective).__name__
    clf = DistilledClassifier(Watched(), SMALL, objectives=objective, transfer=None)
    with pytest.raises(ValueError, match=f"`{name}` needs a teacher of trees; got Watched"):
        clf.fit(X, y)
    soft = np.full((len(X), 3), 1 / 3)
    clf = DistilledClassifier(None, SMALL, objectives=objective, transfer=None)
    with pytest.raises(ValueError, match="needs a teacher of trees; got soft targets alone"):
        clf.fit(X, y, soft_targets=soft)


@pytest.mark.parametrize("of", ["auto", "probabilities"])
def test_graph_of_probabilities_is_refused_where_it_says_nothing(of):
    X, y = classes(2)
    graph = NeighbourhoodGraph(of)
    clf = DistilledClassifier(LogisticRegression(), SMALL, objectives=graph, transfer=None)
    with pytest.raises(ValueError, match="says nothing that the response does not say of two"):
        clf.fit(X, y)
    X, y = numbers()
    reg = DistilledRegressor(Ridge(), SMALL, objectives=graph, transfer=None)
    with pytest.raises(ValueError, match="does not say of numbers"):
        reg.fit(X, y)


def test_graph_of_probabilities_needs_no_teacher():
    X, y = classes()
    soft = LogisticRegression(max_iter=500).fit(X, y).predict_proba(X)
    clf = DistilledClassifier(
        None, SMALL, objectives=NeighbourhoodGraph(), transfer=None, random_state=0
    )
    plain = DistilledClassifier(None, SMALL, transfer=None, random_state=0)
    pulled = clf.fit(X, y, soft_targets=soft).predict_proba(X)
    assert np.abs(pulled - plain.fit(X, y, soft_targets=soft).predict_proba(X)).max() > 1e-4


@pytest.mark.parametrize("of", ["leaf_values", "margin_path", "leaf_embedding"])
def test_features_are_learned_on_training_rows_and_mean_the_same_elsewhere(of):
    X, y = classes(n_rows=300)
    pool = TeacherPool([FOREST, GradientBoostingClassifier(n_estimators=9)]).fit(X, y)
    hint = LeafHint(of, n_components=8)
    hint.fit_view(pool, X[:200])
    whole = hint.teacher_view(pool, X)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(hint.teacher_view(pool, X[200:]), whole[200:], atol=1e-5)
    assert np.abs(whole[:200].mean(axis=0)).max() < 1e-5
    assert (whole[:200] ** 2).mean() == pytest.approx(1.0, rel=0.02)
    again = LeafHint(of, n_components=8)
    again.fit_view(pool, X[:200])
    np.testing.assert_array_equal(again.teacher_view(pool, X), whole)


def test_all_components_of_leaf_values_tell_the_margin():
    X, y = classes(2)
    booster = GradientBoostingClassifier(n_estimators=20).fit(X, y)
    pool = TeacherPool(FrozenEstimator(booster)).fit(X)
    hint = LeafHint("leaf_values", n_components=None)
    hint.fit_view(pool, X)
    features, margin = hint.teacher_view(pool, X), booster.decision_function(X)
    told = np.column_stack([features, np.ones(len(X))])
    found, *_ = np.linalg.lstsq(told, margin, rcond=None)
    np.testing.assert_allclose(told @ found, margin, atol=1e-3)


def test_embedding_tells_what_a_part_of_the_trees_adds():
    X, y = classes(2, n_rows=600)
    booster = GradientBoostingClassifier(n_estimators=40, random_state=0).fit(X, y)
    pool = TeacherPool(FrozenEstimator(booster)).fit(X)
    hint = LeafHint("leaf_embedding", n_components=32)
    hint.fit_view(pool, X)
    features = hint.teacher_view(pool, X)
    (trees,) = trees_of(booster)
    added = np.diff(trees.margins(X, [10, 20, 30, 40])[..., 0], axis=1, prepend=0)
    for part in range(4):
        own = features[:, 8 * part : 8 * part + 8]
        told = np.column_stack([own, np.ones(len(X))])
        found, *_ = np.linalg.lstsq(told, added[:, part], rcond=None)
        assert np.var(told @ found - added[:, part]) < 0.2 * np.var(added[:, part])


def test_new_leaves_add_nothing_to_an_embedding():
    X, y = classes()
    pool = TeacherPool(DecisionTreeClassifier(random_state=0)).fit(X, y)
    hint = LeafHint("leaf_embedding", n_components=4)
    hint.fit_view(pool, X[:3])
    assert np.isfinite(hint.teacher_view(pool, X)).all()


def test_fit_learns_the_view_once_and_forgets_it(monkeypatch):
    seen = []
    fit_view, teacher_view = LeafHint.fit_view, LeafHint.teacher_view

    def fit(self, teacher, X):
        seen.append(("fit", len(X)))
        fit_view(self, teacher, X)

    def view(self, teacher, X):
        seen.append(("view", len(X)))
        return teacher_view(self, teacher, X)

    monkeypatch.setattr(LeafHint, "fit_view", fit)
    monkeypatch.setattr(LeafHint, "teacher_view", view)
    X, y = classes()
    hint = LeafHint(n_components=4)
    clf = DistilledClassifier(FOREST, SMALL, objectives=hint, transfer=None, early_stopping=False)
    clf.fit(X[:150], y[:150], X_transfer=(X[150:],))
    assert seen == [("fit", 150), ("view", 150), ("view", 50)]
    assert not hasattr(hint, "features_")
    seen.clear()
    clf = DistilledClassifier(
        FrozenEstimator(FOREST.fit(X, y)), SMALL, objectives=hint, transfer=None
    )
    clf.set_params(early_stopping=True, validation_fraction=0.2, random_state=0).fit(X, y)
    # The rows held out, which are trained on in the end, are seen as those before.
    assert seen == [("fit", 160), ("view", 160), ("fit", 160), ("view", 40)]


def test_hint_with_columns_selected_for_the_teacher_and_numbers_to_tell():
    X, y = numbers()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    reg = DistilledRegressor(
        [RandomForestRegressor(5), Ridge()],
        SMALL,
        objectives=[LeafHint("margin_path"), NeighbourhoodGraph()],
        teacher_features=["a", "c", "d"],
        transfer=None,
        random_state=0,
    )
    assert np.isfinite(reg.fit(frame, y).predict(frame)).all()
