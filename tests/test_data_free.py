"""Rows without data: from trees, from ranges, from a net; and rows across the splits of trees."""

import pickle
import subprocess
import sys
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
import xgboost
from shared import Net, small_table
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    AcrossSplits,
    DistilledClassifier,
    DistilledRegressor,
    FromNet,
    FromSchema,
    FromTrees,
    MLPStudent,
    Munge,
    Near,
    Rounds,
    TableSchema,
    TeacherPool,
    TorchTeacher,
    TransferContext,
)
from skdistill.teacher import tree_structure

ROOT = Path(__file__).resolve().parent.parent
STUDENT = MLPStudent((16,), n_steps=60)


def mixed(n_rows=300):
    """Numbers, some missing, whole numbers, and two kinds of categories; three classes."""
    rng = np.random.RandomState(0)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n_rows),
            "c": pd.Categorical(rng.choice(["u", "v", "w", "z"], n_rows)),
            "b": rng.randint(0, 9, n_rows),
            "s": pd.Categorical(rng.choice(["p", "q", "r"], n_rows)),
        }
    )
    y = (X["a"] > 0) ^ X["c"].isin(["u", "w"]) ^ (X["b"] > 5) ^ (X["s"] == "p")
    y = np.where(X["c"].isin(["v", "z"]) & (X["a"] > 0.5), 2, y.astype(int))
    X.loc[::7, "a"] = np.nan
    return X, y


def iris_forest(**params):
    X, y = load_iris(return_X_y=True)
    return RandomForestClassifier(20, random_state=0, **params).fit(X, y)


def asked(teacher):
    return TransferContext(teacher=teacher)


# --- the trees of each library, in the columns of X ---


def encoded(model):
    """A forest behind imputer, scalers and encoders."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler(), MinMaxScaler())
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["c"]),
            (numbers, ["a", "b"]),
            (OrdinalEncoder(), [3]),
            sparse_threshold=0,
        ),
        model,
    )


def leaves_by_model(model, X):
    """The leaf of each row in each tree, as the library itself tells."""
    if hasattr(model, "steps"):
        X = model[:-1].transform(X)
        model = model[-1]
    if isinstance(model, lightgbm.LGBMModel):
        return model.predict(X, pred_leaf=True)
    if isinstance(model, catboost.CatBoost):
        return model.calc_leaf_indexes(X)
    return model.apply(X).reshape(len(X), -1)


def route(tree, X):
    """The leaf of each row by a plain loop over the arrays of a tree."""
    found = []
    for row in zip(*(X.iloc[:, j].tolist() for j in range(X.shape[1])), strict=True):
        node = 0
        while tree.left[node] >= 0:
            value = row[tree.feature[node]]
            if value is None or value != value:
                goes_left = tree.missing_left[node]
            elif node in tree.levels:
                some, goes = tree.levels[node]
                goes_left = (value in some) == goes
            else:
                goes_left = value <= tree.threshold[node]
            node = (tree.left if goes_left else tree.right)[node]
        found.append(node)
    return np.array(found)


CATBOOST = catboost.CatBoostClassifier(
    n_estimators=3, depth=3, verbose=0, allow_writing_files=False
)
MODELS = [
    encoded(RandomForestClassifier(3, bootstrap=False, random_state=0)),
    encoded(ExtraTreesClassifier(3, random_state=0)),
    encoded(GradientBoostingClassifier(n_estimators=2, random_state=0)),
    encoded(xgboost.XGBClassifier(n_jobs=1, n_estimators=2, max_depth=3)),
    encoded(
        catboost.CatBoostClassifier(n_estimators=3, depth=3, verbose=0, allow_writing_files=False)
    ),
    xgboost.XGBClassifier(n_jobs=1, n_estimators=3, max_depth=4, enable_categorical=True),
    xgboost.XGBClassifier(n_jobs=1, n_estimators=3, booster="dart", enable_categorical=True),
    lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=5, n_jobs=1, verbose=-1),
]


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize(
    "model", MODELS, ids=lambda m: type(getattr(m, "steps", [[0, m]])[-1][1]).__name__
)
def test_rows_reach_the_leaf_that_the_library_tells(model):
    X, y = mixed()
    model = clone(model).fit(X, y)
    structure, leaves = tree_structure(model, "test"), leaves_by_model(model, X)
    assert structure.names == list(X)
    assert structure.levels[1] == ["u", "v", "w", "z"]
    assert len(structure.trees) == leaves.shape[1]
    for tree, own in zip(structure.trees, leaves.T, strict=True):
        pairs = set(zip(route(tree, X).tolist(), own.tolist(), strict=True))
        assert len(pairs) == len(np.unique(own)) == len({leaf for leaf, _ in pairs})


@pytest.mark.parametrize("is_frame", [True, False])
def test_masses_of_histograms_are_the_rows_in_the_leaves(is_frame):
    """Its leaves are not public; the rows that each has counted are."""
    X, y = mixed()
    model = HistGradientBoostingClassifier(max_iter=2, random_state=0)
    if not is_frame:
        X = X.assign(c=X["c"].cat.codes.astype(float), s=X["s"].cat.codes.astype(float))
        model.set_params(categorical_features=[1, 3])
    model.fit(X if is_frame else X.to_numpy(), y)
    structure = tree_structure(model, "test")
    for tree in structure.trees:
        counts = np.bincount(route(tree, X), minlength=len(tree.mass))
        np.testing.assert_array_equal(counts[tree.left < 0], tree.mass[tree.left < 0])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model, X, y: FrozenEstimator(model.fit(X, y)),
        lambda model, X, y: TeacherPool([("a", model), ("b", LogisticRegression())]).fit(X, y),
        lambda model, X, y: VotingClassifier([("a", model)]).fit(X, y),
        lambda model, X, y: GridSearchCV(model, {"max_depth": [3]}, cv=2).fit(X, y),
    ],
)
def test_trees_are_found_inside(wrap):
    X, y = load_iris(return_X_y=True)
    assert len(tree_structure(wrap(RandomForestClassifier(4), X, y), "test").trees) == 4


def test_columns_of_a_pool_and_of_bagging_are_those_of_x():
    X, y = load_iris(return_X_y=True)
    pool = TeacherPool(DecisionTreeClassifier(), features=[3, 2]).fit(X, y)
    (tree,) = tree_structure(pool, "test").trees
    assert set(tree.feature[tree.feature >= 0]) <= {2, 3}
    bagging = BaggingClassifier(n_estimators=5, max_features=1, random_state=0).fit(X, y)
    found = [set(tree.feature[tree.feature >= 0]) for tree in tree_structure(bagging, "test").trees]
    assert found == [set(one.tolist()) for one in bagging.estimators_features_]


def test_what_cannot_be_traced_is_named():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(PCA(2), RandomForestClassifier(3)).fit(X, y)
    with pytest.raises(ValueError, match="`FromTrees` cannot trace .* through PCA"):
        FromTrees().rows(model, 5)
    model = KNeighborsClassifier().fit(X, y)
    with pytest.raises(ValueError, match="`FromTrees` needs a teacher of trees; got KNeighbors"):
        FromTrees().rows(model, 5)


# --- FromTrees ---


@pytest.mark.parametrize(
    "model",
    [RandomForestClassifier(30, random_state=0), HistGradientBoostingClassifier(max_iter=30)],
)
def test_leaves_hold_the_shares_of_the_training_rows(model):
    """What even rows do not: they are near the training rows by what the trees can tell."""
    X, y = make_classification(1000, 5, n_informative=4, n_redundant=0, random_state=0)
    structure = tree_structure(model.fit(X, y), "test")

    def gap(rows):
        frame = pd.DataFrame(rows)
        gaps = []
        for tree in structure.trees[:8]:
            share = np.bincount(route(tree, frame), minlength=len(tree.mass)) / len(rows)
            leaf = tree.left < 0
            gaps.append(np.abs(share - tree.mass / tree.mass[0])[leaf].sum() / 2)
        return np.mean(gaps)

    drawn = FromTrees(n_steps=100).rows(model, 1500, random_state=0)
    assert gap(drawn) < 0.75 * gap(FromSchema().rows(model, 1500, random_state=0))


def test_one_tree_is_filled_exactly():
    X, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    schema = TableSchema.from_table(X)
    drawn = FromTrees(schema, n_steps=1).rows(tree, 1500, random_state=0).astype(np.float32)
    leaves = np.bincount(tree.apply(drawn), minlength=tree.tree_.node_count)
    expected = 10 * np.bincount(tree.apply(X), minlength=tree.tree_.node_count)
    assert np.abs(leaves - expected).max() <= 1


def test_marginals_and_what_goes_together_come_back():
    rng = np.random.RandomState(0)
    t = rng.normal(size=2000)
    X = np.column_stack([t, t + 0.3 * rng.normal(size=2000), rng.exponential(size=2000)])
    y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
    model = RandomForestClassifier(50, min_samples_leaf=5, random_state=0).fit(X, y)
    drawn = FromTrees(n_steps=150).rows(model, 2000, random_state=0)
    assert np.corrcoef(drawn.T)[0, 1] > 0.7
    assert np.median(drawn[:, 2]) == pytest.approx(np.median(X[:, 2]), abs=0.25)


def test_whole_numbers_and_levels_are_told_by_the_trees():
    X, y = mixed()
    drawn = FromTrees(n_steps=20).rows(encoded(RandomForestClassifier(9)).fit(X, y), 200, 0)
    assert list(drawn) == list(X)
    assert set(drawn["c"]) == {"u", "v", "w", "z"}
    np.testing.assert_array_equal(drawn["b"], np.rint(drawn["b"]))
    assert drawn["b"].between(0, 8).all()


@pytest.mark.parametrize("library", ["hist", "xgboost", "lightgbm"])
def test_a_schema_of_the_table_gives_its_dtypes_and_missing_shares(library):
    X, y = mixed()
    model = {
        "hist": HistGradientBoostingClassifier(max_iter=10),
        "xgboost": xgboost.XGBClassifier(n_jobs=1, n_estimators=10, enable_categorical=True),
        "lightgbm": lightgbm.LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1),
    }[library].fit(X, y)
    schema = pickle.loads(pickle.dumps(TableSchema.from_table(X)))
    assert len(schema.like) == 0
    drawn = FromTrees(schema, n_steps=20).rows(model, 1000, random_state=0)
    assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    assert drawn["a"].isna().mean() == pytest.approx(X["a"].isna().mean(), abs=0.08)
    assert drawn["a"].min() >= X["a"].min()
    assert model.predict_proba(drawn).shape == (1000, 3)


@pytest.mark.parametrize("prior", ["balanced", {0: 0.2, 1: 0.2, 2: 0.6}, [0.2, 0.2, 0.6]])
def test_class_prior(prior):
    forest = iris_forest()
    drawn = FromTrees(class_prior=prior, n_steps=20).rows(forest, 300, random_state=0)
    counts = np.bincount(forest.predict(drawn))
    assert counts.tolist() == ([100, 100, 100] if prior == "balanced" else [60, 60, 180])
    assert len(np.unique(forest.predict(drawn[:20]))) > 1


def test_class_prior_of_a_booster_and_of_classes_that_are_not_there():
    X, y = load_iris(return_X_y=True)
    booster = xgboost.XGBClassifier(n_jobs=1, n_estimators=3).fit(X, y).get_booster()
    assert len(FromTrees(class_prior="balanced", n_steps=9).rows(booster, 30, 0)) == 30
    narrow = TableSchema(dict.fromkeys(range(4), (1.0, 1.5)))
    with pytest.warns(UserWarning, match=r"FromSchema: among .* less often"):
        assert len(FromSchema(narrow, class_prior="balanced").rows(iris_forest(), 30, 0)) == 30
    with pytest.raises(ValueError, match="`class_prior` must be 'balanced', or give a share"):
        FromTrees(class_prior=[1, 2]).rows(iris_forest(), 30)


def test_columns_without_a_split_are_named():
    X, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier(max_depth=1).fit(X[:, [2, 1]], y)
    with pytest.warns(UserWarning, match=r"splits on the columns \[1\]"):
        assert (FromTrees().rows(tree, 5)[:, 1] == 0).all()


# --- FromSchema and TableSchema ---


def test_pairs_of_levels_are_all_covered():
    schema = TableSchema({name: list("abcdefg") for name in "vwxyz"})
    drawn = FromSchema(schema).rows(lambda X: X, 49, random_state=0)
    assert FromSchema(schema).coverage(drawn) == 1
    at_random = pd.DataFrame(
        np.random.RandomState(0).choice(list("abcdefg"), (49, 5)), columns=list("vwxyz")
    )
    assert FromSchema(schema).coverage(at_random) < 0.75


def test_thresholds_are_the_edges_of_bins():
    forest = iris_forest()
    drawn = FromSchema().rows(forest, 2000, random_state=0)
    edges = np.unique(tree_structure(forest, "test").thresholds(2))
    counts = np.bincount(np.searchsorted(edges, drawn[:, 2]))
    assert counts.min() > 0.8 * counts.mean()
    assert FromSchema().coverage(drawn, forest) > FromSchema().coverage(drawn[:100], forest) > 0


def test_each_whole_number_is_in_a_bin_that_can_be_covered():
    X = np.random.RandomState(0).randint(0, 12, (400, 3)).astype(float)
    forest = RandomForestClassifier(30, random_state=0).fit(X, X.sum(axis=1) > 16)
    assert (tree_structure(forest, "test").thresholds(0) % 1 == 0).any()
    assert FromSchema().coverage(FromSchema().rows(forest, 1500, 0), forest) == 1


def test_schema_of_a_table():
    X, _ = mixed()
    schema = TableSchema.from_table(X)
    assert schema.columns["b"] == (0, 8)
    assert schema.columns["s"] == ["p", "q", "r"]
    assert schema.missing["a"] == X["a"].isna().mean()
    for like in (X, pl.from_pandas(small_table()), X[["a", "b"]].to_numpy(), X.astype(object)):
        template = TableSchema.from_table(like).template()
        assert type(template) is type(like)
        assert template.shape[1] == like.shape[1]
        drawn = FromSchema(TableSchema.from_table(like)).rows(lambda X: X, 30, 0)
        assert type(drawn) is type(like)
        assert drawn.shape == (30, like.shape[1])


def test_schema_by_hand():
    schema = TableSchema({0: (0, 5), 1: (0.5, 2.0)}, missing={1: 0.5})
    drawn = FromSchema(schema).rows(lambda X: X, 400, random_state=0)
    assert isinstance(drawn, np.ndarray)
    assert set(drawn[:, 0]) == set(range(6))
    assert np.isnan(drawn[:, 1]).mean() == pytest.approx(0.5, abs=0.05)
    assert np.nanmin(drawn[:, 1]) >= 0.5


@pytest.mark.parametrize("values", [(5, 1), (0, np.inf), "ab", (1, 2, 3), ["a", None], 3])
def test_wrong_schema(values):
    with pytest.raises(ValueError, match="column 'a' of the schema must be a tuple"):
        TableSchema({"a": values})


def test_wrong_shares_and_columns_of_a_schema():
    with pytest.raises(ValueError, match="`missing` must give a share"):
        TableSchema({"a": (0, 1)}, missing={"b": 0.5})
    with pytest.raises(ValueError, match=r"`schema` has columns \['z'\] that X does not have"):
        FromSchema(TableSchema({"z": (0, 1)})).sample(np.ones((3, 2)), 3)
    with pytest.raises(ValueError, match="trees of the teacher split 4 columns, but .* has 1"):
        FromTrees(TableSchema({"z": (0, 1)})).rows(iris_forest(), 3)
    with pytest.raises(ValueError, match="`schema` is None, and no trees"):
        FromSchema().rows(LogisticRegression().fit(*load_iris(return_X_y=True)), 3)


# --- a student without data ---


def test_no_row_of_data_is_touched(tmp_path):
    """Another process has the pickled teacher and nothing else, and no data set to load."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    (tmp_path / "teacher.pkl").write_bytes(pickle.dumps(forest))
    code = f"""
import pickle, sys
sys.modules["sklearn.datasets"] = None
from sklearn.frozen import FrozenEstimator
from skdistill import DistilledClassifier, FromTrees, MLPStudent
teacher = pickle.load(open({str(tmp_path / "teacher.pkl")!r}, "rb"))
rows = FromTrees(n_steps=60).rows(teacher, 1500, random_state=0)
student = MLPStudent((64,), n_steps=200)
clf = DistilledClassifier(FrozenEstimator(teacher), student, transfer=None, random_state=0)
pickle.dump(clf.fit(rows).without_teacher(), open({str(tmp_path / "student.pkl")!r}, "wb"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    student = pickle.loads((tmp_path / "student.pkl").read_bytes())
    assert (student.predict(X) == forest.predict(X)).mean() > 0.9


def test_the_rows_depend_on_the_table_by_its_ranges_alone():
    """Rows shuffled within each column are drawn from alike."""
    X, y = mixed(200)
    model = HistGradientBoostingClassifier(max_iter=5).fit(X, y)
    shuffled = pd.DataFrame({name: X[name].sample(frac=1, random_state=3).to_numpy() for name in X})
    shuffled = shuffled.astype(X.dtypes)
    one, other = (
        FromTrees(n_steps=15).sample(table, 100, 0, context=asked(model)) for table in (X, shuffled)
    )
    pd.testing.assert_frame_equal(one, other)


def test_a_regressor_without_data():
    X, y = load_diabetes(return_X_y=True)
    model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(X, y)
    rows = FromTrees(n_steps=100).rows(model, 1500, random_state=0)
    reg = DistilledRegressor(FrozenEstimator(model), STUDENT, transfer=None, random_state=0)
    assert np.corrcoef(reg.fit(rows).predict(X), model.predict(X))[0, 1] > 0.7
    assert "the student of the teacher alone" in reg.decision_


def test_a_fit_without_labels_holds_rows_out_and_follows_a_prior():
    forest = iris_forest()
    rows = FromTrees(n_steps=20).rows(forest, 600, random_state=0)
    params = {"transfer": None, "class_prior": [0.8, 0.1, 0.1], "random_state": 0}
    clf = DistilledClassifier(FrozenEstimator(forest), STUDENT, **params).fit(rows)
    assert "valid_loss" in clf.history_[-1]
    assert clf.alpha_ == 0
    assert clf.class_offset_[0] > clf.class_offset_[1:].max()


# --- beside real rows ---


@pytest.mark.parametrize(
    "sampler",
    [
        FromTrees(size=1, n_steps=9),
        AcrossSplits(size=1),
        Near(AcrossSplits(size=1), quantile=1.0),
        Rounds(FromTrees(size=1, n_steps=9), 2),
    ],
)
def test_as_transfer_in_a_fit(sampler):
    X, y = mixed()
    clf = DistilledClassifier(
        encoded(RandomForestClassifier(9)), STUDENT, transfer=sampler, random_state=0
    )
    assert clf.fit(X, y, sample_weight=np.arange(len(X)) % 3 + 1.0).n_transfer_rows_ == len(X)


def test_in_a_pipeline_and_out_of_fold():
    X, y = load_iris(return_X_y=True)
    samplers = [FromTrees(size=1, n_steps=9), FromSchema(size=1), AcrossSplits(size=1)]
    clf = DistilledClassifier(RandomForestClassifier(9), STUDENT, transfer=samplers, cv=2)
    model = make_pipeline(StandardScaler(), clf.set_params(random_state=0)).fit(X, y)
    assert model[-1].n_transfer_rows_ == 3 * len(X)
    assert model.score(X, y) > 0.8


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (FromTrees(), "`FromTrees` needs a teacher of trees; got KNeighborsClassifier"),
        (AcrossSplits(), "`AcrossSplits` needs a teacher of trees; got KNeighborsClassifier"),
        (Rounds(AcrossSplits(), 2), "`AcrossSplits` needs a teacher of trees; got KNeighbors"),
        (FromNet(), "`FromNet` needs a teacher that is a net; got KNeighborsClassifier"),
    ],
)
def test_a_teacher_of_the_wrong_kind_fails_before_it_is_fitted(sampler, message):
    class Witness(KNeighborsClassifier):
        def fit(self, X, y):
            raise AssertionError

    Witness.__name__ = "KNeighborsClassifier"
    with pytest.raises(ValueError, match=message):
        DistilledClassifier(Witness(), transfer=sampler).fit(*load_iris(return_X_y=True))


def test_memory_tells_teachers_apart(tmp_path):
    X, y = load_iris(return_X_y=True)
    drawn = []
    for depth in (1, 5):
        clf = DistilledClassifier(
            RandomForestClassifier(5, max_depth=depth, random_state=0),
            STUDENT,
            transfer=AcrossSplits(size=1),
            memory=str(tmp_path),
            random_state=0,
            alpha=0.0,
        )
        drawn.append(clf.fit(X, y).predict_proba(X))
    assert not np.allclose(*drawn)


@pytest.mark.parametrize("params", [{"n_steps": 0}, {"size": -1}, {"schema": {"a": (0, 1)}}])
def test_wrong_parameters(params):
    name = next(iter(params))
    with pytest.raises(ValueError, match=f"'{name}' parameter of FromTrees must be"):
        FromTrees(**params).rows(iris_forest(), 3)


def test_without_a_teacher_it_says_what_is_missing():
    for sampler in (FromTrees(), AcrossSplits()):
        with pytest.raises(
            ValueError, match=f"`{type(sampler).__name__}` needs the fitted teacher"
        ):
            sampler.sample(np.ones((3, 4)), 3)


# --- AcrossSplits ---


def _as_seen(thresholds):
    """The largest number in single precision that goes left."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(random_state=0),
        DecisionTreeClassifier(max_depth=1, random_state=0),
        RandomForestClassifier(20, random_state=0),
        GradientBoostingClassifier(n_estimators=30, max_depth=2, random_state=0),
    ],
    ids=str,
)
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_a_pair_is_on_both_sides_of_a_threshold(model, load):
    X, y = load(return_X_y=True)
    model = clone(model).fit(X, y)
    structure = tree_structure(model, "test")
    edges = [_as_seen(structure.thresholds(j)) for j in range(X.shape[1])]
    whole = (np.rint(X) == X).all(axis=0)
    edges = [np.unique(np.floor(one) if whole[j] else one) for j, one in enumerate(edges)]
    drawn = AcrossSplits().sample(X, 400, random_state=0, context=asked(model))
    for low, high in drawn.reshape(-1, 2, X.shape[1]).astype(np.float32):  # as the trees see them
        (j,) = np.flatnonzero(low != high)  # they differ, and in one column
        cells = np.searchsorted(edges[j], [low[j], high[j]])
        kept = np.arange(X.shape[1]) != j
        own = X[(X[:, kept].astype(np.float32) == low[kept]).all(axis=1), j]
        places = np.searchsorted(edges[j], own.astype(np.float32))
        ends = [[max(place - 1, 0), min(place + 1, len(edges[j]))] for place in places]
        assert cells.tolist() in ends


def test_numbers_that_stand_for_missing_are_refused():
    X, y = load_iris(return_X_y=True)
    own = xgboost.XGBClassifier(n_estimators=3, missing=0.2).fit(X, y)
    with pytest.raises(ValueError, match="take 0.2 for missing"):
        FromTrees().rows(own, 10)
    X[::3] = 0.0
    other = lightgbm.LGBMClassifier(n_estimators=3, zero_as_missing=True, verbose=-1).fit(X, y)
    with pytest.raises(ValueError, match="take 0 for missing"):
        FromTrees().rows(other, 10)


def test_whole_numbers_step_by_one_and_categories_change():
    X, y = mixed()
    X["b"] = X["b"].astype(float)
    model = encoded(RandomForestClassifier(30, random_state=0)).fit(X, y)
    drawn = AcrossSplits().sample(X, 600, random_state=0, context=asked(model))
    assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    one, other = drawn.iloc[::2].reset_index(drop=True), drawn.iloc[1::2].reset_index(drop=True)
    gaps = (other["b"] - one["b"])[one["b"] != other["b"]]
    assert set(gaps) <= {1.0, 2.0}
    assert (one["c"].astype(str) != other["c"].astype(str)).mean() > 0.1
    assert (one["a"].isna() == other["a"].isna()).all()


def test_more_splits_lead_further():
    X, y = load_iris(return_X_y=True)

    def width(n_splits):
        sampler = AcrossSplits(n_splits=n_splits)
        drawn = sampler.sample(X, 400, random_state=0, context=asked(iris_forest()))
        return np.abs(drawn[::2] - drawn[1::2]).max(axis=1).mean()

    assert width(4) > 1.5 * width(1)


# --- FromNet ---


class Normalized(torch.nn.Module):
    """A net with batch normalization in front."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.BatchNorm1d(4), Net(4, 3))

    def forward(self, X):
        return self.layers(X)


def trained(module):
    X, y = load_iris(return_X_y=True)
    X, y = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(80):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(X), y).backward()
        optimizer.step()
    return module.eval()


@pytest.fixture(scope="module")
def net_teacher():
    torch.manual_seed(0)
    return TorchTeacher(trained(Normalized()), classes=[0, 1, 2])


def test_rows_of_a_net_name_all_classes(net_teacher):
    X, _ = load_iris(return_X_y=True)
    schema = TableSchema.from_table(X)
    drawn = FromNet(schema).rows(net_teacher, 300, random_state=0)
    told = net_teacher.predict_proba(drawn)
    assert np.bincount(told.argmax(axis=1)).min() > 80
    assert (drawn.min(axis=0) >= X.min(axis=0)).all()
    assert (drawn.max(axis=0) <= X.max(axis=0)).all()


def test_batch_normalization_draws_rows_to_the_data(net_teacher):
    X, _ = load_iris(return_X_y=True)
    schema = TableSchema.from_table(X)
    gaps = []
    for weight in (0.0, 5.0):
        drawn = FromNet(schema, batch_norm=weight).rows(net_teacher, 300, random_state=0)
        gaps.append(np.abs(drawn.mean(axis=0) - X.mean(axis=0)).sum())
    assert gaps[1] < 0.7 * gaps[0]


def test_a_net_in_a_fit_and_what_it_cannot_do(net_teacher):
    X, y = load_iris(return_X_y=True)
    clf = DistilledClassifier(net_teacher, STUDENT, transfer=FromNet(size=2, n_steps=20))
    assert clf.set_params(random_state=0).fit(X, y).n_transfer_rows_ == 300
    mixed_up = TorchTeacher(net_teacher.module, preprocess=np.asarray)
    with pytest.raises(ValueError, match="`FromNet` needs a teacher that is a skorch net or"):
        FromNet(TableSchema.from_table(X)).rows(mixed_up, 5)


# --- as other samplers ---


@pytest.mark.parametrize("sampler", [FromTrees(n_steps=9), FromSchema(), AcrossSplits()])
@pytest.mark.parametrize("n", [0, 1, 7])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_arrays_keep_their_dtype_and_ranges(sampler, n, dtype):
    X = np.random.RandomState(0).randint(0, 200, (60, 3)).astype(dtype)
    forest = RandomForestClassifier(5, random_state=0).fit(X, X[:, 0] > 99)
    drawn = sampler.sample(X, n, random_state=0, context=asked(forest))
    assert drawn.dtype == X.dtype
    assert drawn.shape == (n, 3)
    if n:
        assert (drawn.min(axis=0) >= X.min(axis=0)).all()
        assert (drawn.max(axis=0) <= X.max(axis=0)).all()
        again = sampler.sample(X, n, random_state=0, context=asked(forest))
        np.testing.assert_array_equal(drawn, again)
        assert not np.array_equal(
            drawn, sampler.sample(X, n, random_state=1, context=asked(forest))
        )


def test_other_samplers_ask_no_teacher():
    assert not Munge().asks
    assert FromTrees().asks


@pytest.mark.parametrize("scaled", [False, True])
def test_split_of_missing_from_not_missing_is_no_threshold(scaled):
    """Such a node stores an infinite threshold."""
    X, y = load_wine(return_X_y=True)
    X[(y == 0) & (np.random.RandomState(0).uniform(size=len(y)) < 0.8), 0] = np.nan
    forest = RandomForestClassifier(20, random_state=0)
    teacher = make_pipeline(StandardScaler(), forest) if scaled else forest
    teacher.fit(X, y)
    rows = FromTrees().rows(teacher, 50, random_state=0)
    assert not np.isinf(rows).any()
    across = AcrossSplits().sample(X, 50, context=TransferContext(teacher=teacher))
    assert not np.isinf(across).any()
