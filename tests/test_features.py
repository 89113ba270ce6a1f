"""Columns of the teacher's and the student's own: DistilledClassifier's `*_features`."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_selector
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skdistill import (
    DistilledClassifier,
    FittedTeacher,
    Gibbs,
    Mixup,
    MLPStudent,
    Munge,
    Scorer,
    TransferSampler,
    to_onnx,
)
from skdistill.inspection import DistillationReport

SMALL = MLPStudent((8,), n_steps=40)
RNG = np.random.RandomState(0)
VALUES = RNG.normal(size=(120, 5)).round(3)
CODES = (VALUES[:, 0] + VALUES[:, 2] + VALUES[:, 4] > 0).astype(int)
Y = np.array(["no", "yes"])[CODES]
FRAME = pd.DataFrame(VALUES, columns=list("abcde")).assign(
    kind=np.array(["u", "v", "w"])[np.digitize(VALUES[:, 1], [-0.5, 0.5])],
    flag=VALUES[:, 3] > 0,
)
NUMBERS = FRAME[list("abcde")]


class Watching(ClassifierMixin, BaseEstimator):
    """A teacher that takes down the columns that it is fitted on and asked with."""

    seen: set = set()

    def fit(self, X, y):
        self.seen.add(("fit", self._columns(X)))
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.shares_ = np.bincount(codes) / len(codes)
        return self

    def predict_proba(self, X):
        self.seen.add(("ask", self._columns(X)))
        return np.tile(self.shares_, (len(X), 1))

    @staticmethod
    def _columns(X):
        return tuple(getattr(X, "columns", range(np.shape(X)[1])))


@pytest.fixture
def seen():
    Watching.seen.clear()
    yield Watching.seen
    Watching.seen.clear()


def make(teacher_features=None, student_features=None, **params):
    params = {"teacher": LogisticRegression(), "student": SMALL, "transfer": None, **params}
    return DistilledClassifier(
        teacher_features=teacher_features,
        student_features=student_features,
        random_state=0,
        **{"alpha": 0.3, "cv": None, **params},
    )


def same(first, second):
    np.testing.assert_array_equal(first, second)


# --- selectors and containers ---

BY_PLACE = [
    ([3, 0], [3, 0]),
    (2, [2]),
    ([0, -1], [0, 4]),
    (slice(1, 3), [1, 2]),
    ([True, False, False, True, False], [0, 3]),
    (lambda X: [1, 4], [1, 4]),
]
BY_NAME = [
    (["d", "a"], [3, 0]),
    ("b", [1]),
    (slice("b", "d"), [1, 2, 3]),
    (lambda X: ["e"], [4]),
]


@pytest.mark.parametrize(("selector", "places"), BY_PLACE)
def test_columns_of_an_array(selector, places, seen):
    clf = make([0, 1, 2], selector, teacher=Watching()).fit(VALUES, Y)
    assert seen == {("fit", (0, 1, 2)), ("ask", (0, 1, 2))}
    assert clf.n_features_in_ == len(places)
    assert not hasattr(clf, "feature_names_in_")
    same(clf.predict_proba(VALUES), clf.predict_proba(VALUES[:, places]))
    alone = make(None, None, teacher=Watching()).fit(VALUES[:, places], Y)
    same(clf.predict_proba(VALUES), alone.predict_proba(VALUES[:, places]))


# Of scikit-learn, for pandas only.
OF_PANDAS = (pd.DataFrame, make_column_selector("[ac]"), [0, 2])
OF_FRAMES = [
    (make, *case) for make in (pd.DataFrame, pl.from_pandas) for case in BY_PLACE + BY_NAME
]


@pytest.mark.parametrize(("container", "selector", "places"), [*OF_FRAMES, OF_PANDAS])
def test_columns_of_a_frame(container, selector, places):
    X = container(NUMBERS)
    names = [NUMBERS.columns[place] for place in places]
    clf = make(["a", "b"], selector).fit(X, Y)
    assert clf.n_features_in_ == len(names)
    assert clf.feature_names_in_.tolist() == names
    assert clf.teacher_.select(X).shape[1] == 2
    same(clf.predict_proba(X), clf.predict_proba(X[names]))
    for answer in (clf.predict, clf.predict_log_proba, clf.decision_function):
        same(answer(X), answer(X[names]))
    same(clf.predict_proba(X[:1]), clf.predict_proba(X[names])[:1])
    soft = clf.teacher_.predict_proba(X)
    alone = make(teacher=None).fit(X[names], Y, soft_targets=soft)
    same(clf.predict_proba(X), alone.predict_proba(X[names]))


def test_lists_of_rows():
    clf = make([0, 1], [2, 0]).fit(VALUES.tolist(), Y)
    same(clf.predict_proba(VALUES.tolist()), clf.predict_proba(VALUES[:, [2, 0]].tolist()))


def test_columns_of_categories_and_of_several_kinds():
    numeric = make_column_selector(dtype_include="number")
    clf = make(numeric, ["kind", "flag", "b"]).fit(FRAME, Y)
    assert clf.teacher_.select(FRAME).columns.tolist() == list("abcde")
    same(clf.predict_proba(FRAME), clf.predict_proba(FRAME[["kind", "flag", "b"]]))
    assert clf.encoder_.n_features_in_ == 3


@pytest.mark.parametrize("selector", [[4, 3, 2, 1, 0], slice(0, 5), lambda X: [1, 0, 2, 3, 4]])
def test_all_columns_stay_in_their_order(selector):
    """Of two orders of as many columns, predict could not tell which one is meant."""
    clf = make(None, selector).fit(VALUES, Y)
    same(clf.predict_proba(VALUES), make().fit(VALUES, Y).predict_proba(VALUES))
    named = make(None, list("edcba")).fit(NUMBERS, Y)
    assert named.feature_names_in_.tolist() == list("abcde")
    same(named.predict_proba(NUMBERS), clf.predict_proba(VALUES))


def test_the_teacher_alone_may_see_fewer_columns(seen):
    clf = make([1], None, teacher=Watching()).fit(VALUES, Y)
    assert seen == {("fit", (0,)), ("ask", (0,))}
    assert clf.n_features_in_ == 5


def test_what_the_teacher_alone_sees_teaches_the_student():
    """Privileged information: a measurement at hand in training alone."""
    rng = np.random.RandomState(1)
    hidden = rng.normal(size=4000)
    blurred = hidden + rng.normal(scale=0.5, size=4000)
    y = (hidden > 0).astype(int)
    noisy = np.where(rng.rand(4000) < 0.3, 1 - y, y)
    X = np.c_[blurred, rng.normal(size=(4000, 3)), hidden]
    train, test = slice(0, 150), slice(150, None)
    teacher = FittedTeacher(lambda X: np.c_[X <= 0, X > 0] * 0.98 + 0.01, classes=[0, 1])
    params = {"teacher": teacher, "early_stopping": False, "student": MLPStudent((32,))}
    student = make([4], [0, 1, 2, 3], alpha=0.0, **params).fit(X[train], noisy[train])
    control = make([4], [0, 1, 2, 3], alpha=1.0, **params).fit(X[train], noisy[train])
    own = X[test][:, :4]  # nobody measures it any more
    assert student.score(own, y[test]) > control.score(own, y[test]) + 0.03


# --- tables asked with ---


def test_a_missing_column_is_named():
    clf = make(list("ab"), list("cd")).fit(NUMBERS, Y)
    with pytest.raises(ValueError, match="(?s)Feature names seen at fit time, yet now missing:.*d"):
        clf.predict(NUMBERS[["c"]])
    with pytest.raises(ValueError, match="(?s)yet now missing:.*- d"):
        clf.predict(NUMBERS.drop(columns="d"))
    with pytest.raises(ValueError, match="(?s)feature names .*- a"):
        clf.predict(NUMBERS[["a", "c", "d"]])
    of_array = make([0], [2, 3]).fit(VALUES, Y)
    with pytest.raises(ValueError, match="X has 3 features, but .* is expecting 2 features"):
        of_array.predict(VALUES[:, :3])


def test_only_what_the_student_sees_is_looked_at():
    clf = make(list("ab"), list("cd")).fit(NUMBERS, Y)
    other = NUMBERS.assign(a="text", b=None, e=np.nan)
    same(clf.predict_proba(other), clf.predict_proba(NUMBERS))


def test_rows_of_another_container():
    clf = make(list("ab"), list("cd")).fit(NUMBERS, Y)
    same(clf.predict_proba(pl.from_pandas(NUMBERS)), clf.predict_proba(NUMBERS))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        same(clf.predict_proba(VALUES), clf.predict_proba(NUMBERS))


# --- scikit-learn ---


def test_it_is_a_good_citizen():
    clf = make(list("abe"), list("cd"))
    twin = clone(clf)
    assert twin.get_params()["student_features"] == list("cd")
    expected = clf.fit(NUMBERS, Y).predict_proba(NUMBERS)
    same(twin.fit(NUMBERS, Y).predict_proba(NUMBERS), expected)
    stored = pickle.loads(pickle.dumps(clf))
    same(stored.predict_proba(NUMBERS[["c", "d"]]), expected)
    same(stored.predict_proba(NUMBERS), expected)
    light = pickle.loads(pickle.dumps(clf.without_teacher()))
    assert light.teacher_ is None
    same(light.predict_proba(NUMBERS[["c", "d"]]), expected)
    same(light.predict_proba(NUMBERS), expected)
    assert clone(clf).set_params(student_features=None).fit(NUMBERS, Y).n_features_in_ == 5
    assert clf.set_params(student_features=["e"]).fit(NUMBERS, Y).n_features_in_ == 1
    clf.set_params(student_features=None, teacher_features=None)
    assert clf.fit(VALUES, Y).n_features_in_ == 5


def test_cross_validation_search_and_pipeline():
    clf = make(["a", "c", "e"], ["a", "c"])
    assert cross_val_score(clf, NUMBERS, Y, cv=3, error_score="raise").min() > 0.5
    grid = {"student_features": [["a", "c"], ["b"], None], "teacher_features": [["a", "e"], None]}
    search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(NUMBERS, Y)
    assert len(search.cv_results_["params"]) == 6
    same(search.predict(NUMBERS), search.best_estimator_.predict(NUMBERS))
    scaled = make_pipeline(StandardScaler(), make([0, 2, 4], [0, 2])).fit(VALUES, Y)
    own = scaled[0].transform(VALUES)[:, [0, 2]]
    same(scaled.predict_proba(VALUES), scaled[1].predict_proba(own))
    assert scaled[1].n_features_in_ == 2


def test_a_fit_that_fails_leaves_the_columns_of_none():
    clf = make(None, ["a"]).fit(NUMBERS, Y)
    with pytest.raises(ValueError, match="`student_features`"):
        clf.set_params(student_features=["z"]).fit(NUMBERS, Y)
    assert not hasattr(clf, "n_features_in_")
    assert not hasattr(clf, "feature_names_in_")


# --- the other inputs of a fit ---


def test_rows_for_validation_and_for_transfer(seen):
    clf = make(["a", "b"], ["b", "d"], teacher=Watching())
    clf.fit(NUMBERS[:80], Y[:80], X_val=NUMBERS[80:], y_val=Y[80:], X_transfer=(NUMBERS[60:70],))
    assert seen == {("fit", ("a", "b")), ("ask", ("a", "b"))}
    assert clf.n_transfer_rows_ == 10
    with pytest.raises(ValueError, match="`X_val`"):
        clf.fit(NUMBERS, Y, X_val=(NUMBERS[["b", "d"]],), y_val=(Y,))
    with pytest.raises(ValueError, match="`X_transfer`"):
        clf.fit(NUMBERS, Y, X_transfer=(NUMBERS[["a", "b"]],))


class WholeRows(TransferSampler):
    """Draws rows of X, and takes down its columns."""

    columns: list = []

    def sample(self, X, n, random_state=None):
        self.columns.append(tuple(X.columns))
        return X.sample(n, replace=True, random_state=random_state)


def test_samplers_draw_whole_rows(seen):
    WholeRows.columns.clear()
    clf = make(["a"], ["kind"], teacher=Watching(), transfer=WholeRows(size=1)).fit(FRAME, Y)
    assert WholeRows.columns == [tuple(FRAME.columns)]
    assert clf.n_transfer_rows_ == 120
    assert seen == {("fit", ("a",)), ("ask", ("a",))}


@pytest.mark.parametrize("transfer", ["auto", Munge(size=1), Gibbs(size=1), Mixup(size=1)])
def test_samplers_of_ours(transfer):
    params = {"teacher": RandomForestClassifier(5, random_state=0), "transfer": transfer}
    clf = make(list("abc"), ["kind", "c"], **params).fit(FRAME, Y)
    assert clf.n_transfer_rows_ >= 120
    same(clf.predict_proba(FRAME), clf.predict_proba(FRAME[["kind", "c"]]))


@pytest.mark.filterwarnings("ignore:DistilledClassifier")
@pytest.mark.parametrize("cv", [3, "auto"])
def test_folds_groups_and_everything_auto(cv, seen):
    groups = np.repeat(np.arange(60), 10)
    X, y = pd.concat([NUMBERS] * 5, ignore_index=True), np.tile(Y, 5)
    params = {"cv": cv, "alpha": "auto", "temperature": "auto", "transfer": Munge(size=1)}
    clf = make(["a", "e"], ["a", "c"], teacher=Watching(), **params)
    clf.fit(X, y, groups=groups)
    assert seen == {("fit", ("a", "e")), ("ask", ("a", "e"))}
    assert clf.n_features_in_ == 2
    assert len(clf.trials_) > 3
    same(clf.predict_proba(X), clf.predict_proba(X[["a", "c"]]))
    split = make(["a"], ["c"], validation_fraction=StratifiedGroupKFold(3))
    assert split.fit(X, y, groups=groups).n_features_in_ == 1


@pytest.mark.filterwarnings("ignore:DistilledClassifier. the student is far behind")
def test_a_student_that_goes_on():
    clf = make(["a", "e"], ["d", "a"], warm_start=True).fit(NUMBERS, Y)
    teacher, before = clf.teacher_, clf.predict_proba(NUMBERS)
    more = {"X_val": NUMBERS[:60], "y_val": Y[:60], "X_transfer": (NUMBERS[:30],)}
    clf.fit(NUMBERS, Y, **more)
    assert clf.teacher_ is teacher
    assert clf.feature_names_in_.tolist() == ["d", "a"]
    assert clf.n_features_in_ == 2
    after = clf.predict_proba(NUMBERS)
    assert not np.array_equal(before, after)
    same(after, clf.predict_proba(NUMBERS[["d", "a"]]))
    with pytest.raises(ValueError, match="(?s)feature names.*missing:.*- b"):
        clf.fit(NUMBERS[["d", "a"]], Y)
    same(clf.predict_proba(NUMBERS), after)  # the student of before is kept
    for name in ("student_features", "teacher_features"):
        with pytest.raises(ValueError, match=f"cannot follow another `{name}`"):
            clone_fitted(clf).set_params(**{name: ["a", "b"]}).fit(NUMBERS, Y)
    of_array = make([0, 4], [3, 0], warm_start=True).fit(VALUES, Y).fit(VALUES, Y)
    same(of_array.predict_proba(VALUES), of_array.predict_proba(VALUES[:, [3, 0]]))


def clone_fitted(clf):
    return pickle.loads(pickle.dumps(clf))


def test_encoders_of_the_users_own():
    clf = make(["e"], ["d", "a"], encoder=StandardScaler()).fit(NUMBERS, Y)
    assert clf.encoder_.feature_names_in_.tolist() == ["d", "a"]
    same(clf.predict_proba(NUMBERS), clf.predict_proba(NUMBERS[["d", "a"]]))
    plain = make([4], [3, 0], encoder="passthrough").fit(VALUES, Y)
    assert plain.student_.module_.first.in_features == 2
    same(plain.predict_proba(VALUES), plain.predict_proba(VALUES[:, [3, 0]]))
    double = make(["e"], "a", encoder=FunctionTransformer(lambda X: 2 * X)).fit(NUMBERS, Y)
    same(double.predict_proba(NUMBERS), double.predict_proba(NUMBERS[["a"]]))


def test_soft_targets_in_place_of_a_teacher():
    soft = LogisticRegression().fit(VALUES, Y).predict_proba(VALUES)
    clf = make(None, [1, 2], teacher=None).fit(VALUES, Y, soft_targets=soft)
    same(clf.predict_proba(VALUES), clf.predict_proba(VALUES[:, [1, 2]]))


def test_a_frozen_teacher_of_its_own_columns():
    fitted = LogisticRegression().fit(NUMBERS[["a", "e"]], Y)
    clf = make(["a", "e"], ["c"], teacher=FrozenEstimator(fitted)).fit(NUMBERS)
    assert clf.alpha_ == 0
    same(clf.teacher_.predict_proba(NUMBERS), fitted.predict_proba(NUMBERS[["a", "e"]]))


class Prints(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        print("fitted")
        return super().fit(X, y, sample_weight)


def test_another_selector_is_another_key_of_memory(tmp_path, capsys):
    def fit(*features):
        kept = make(*features, teacher=Prints(), memory=str(tmp_path)).fit(NUMBERS, Y)
        n_fits = capsys.readouterr().out.count("fitted")
        plain = make(*features, teacher=Prints()).fit(NUMBERS, Y)
        same(kept.predict_proba(NUMBERS), plain.predict_proba(NUMBERS))
        capsys.readouterr()
        return n_fits

    assert fit(["a", "b"], ["c"]) == 1
    assert fit(["a", "b"], ["c"]) == 0
    assert fit(["a", "b"], ["d", "e"]) == 0  # of the student alone
    assert fit(["a", "e"], ["c"]) == 1
    assert fit(None, ["c"]) == 1
    assert fit(["b", "a"], None) == 1


# --- what is made of a fitted one ---


def test_a_file_asks_for_the_columns_of_the_student_alone(tmp_path):
    clf = make(list("abe"), ["kind", "d"]).fit(FRAME, Y)
    expected = clf.predict_proba(FRAME)
    own = FRAME[["kind", "d"]]
    for number, X in enumerate((None, FRAME, own)):
        path = tmp_path / f"{number}.onnx"
        to_onnx(clf, path, X=X)
        scorer = Scorer(path)
        assert scorer.n_features_in_ == 2
        assert list(scorer.feature_names_in_) == ["kind", "d"]
        np.testing.assert_allclose(scorer.predict_proba(own), expected, atol=1e-5)
        same(scorer.predict(own), clf.predict(FRAME))


@pytest.mark.parametrize("encoder", ["auto", "passthrough", StandardScaler()])
def test_a_file_of_a_student_of_arrays(tmp_path, encoder):
    clf = make([0, 1], [4, 2], encoder=encoder).fit(VALUES, Y)
    to_onnx(clf, tmp_path / "a.onnx", X=VALUES)
    to_onnx(clf, tmp_path / "b.onnx", X=VALUES[:, [4, 2]])
    for name in "ab":
        scorer = Scorer(tmp_path / f"{name}.onnx")
        answer = scorer.predict_proba(VALUES[:, [4, 2]])
        np.testing.assert_allclose(answer, clf.predict_proba(VALUES), atol=1e-5)


def test_a_report_takes_whole_tables():
    clf = make(list("abe"), ["kind", "d"]).fit(FRAME[:80], Y[:80])
    X, y = FRAME[80:], Y[80:]
    control = clone(clf).set_params(alpha=1.0).fit(FRAME[:80], Y[:80])
    for given in (
        {"control": control},
        {"control": "fit", "X_train": FRAME[:80], "y_train": Y[:80]},
    ):
        report = DistillationReport.from_estimator(clf, X, y, segments=["a", "kind"], **given)
        assert "control" in str(report)
    scaled = make_pipeline(StandardScaler(), make([0, 4], [1, 2])).fit(VALUES[:80], Y[:80])
    report = DistillationReport.from_estimator(scaled, VALUES[80:], Y[80:])
    assert "student" in str(report)


# --- errors ---

ERRORS = [
    ([], "is \\[\\], which selects no column of X"),
    ([False] * 5, "which selects no column of X"),
    (["a", "z"], "z"),
    ([9], "is \\[9\\]"),
    (["a", "a"], "selects column\\(s\\) \\['a'\\] more than once"),
    (lambda X: [], "is a callable that gave \\[\\], which selects no column"),
    (3.5, "is 3.5, which does not select columns"),
]


@pytest.mark.parametrize(("selector", "message"), ERRORS)
@pytest.mark.parametrize("name", ["teacher_features", "student_features"])
def test_a_selector_that_is_wrong(name, selector, message, seen):
    clf = make(**{name: selector}, teacher=Watching())
    with pytest.raises(ValueError, match=f"`{name}` .*{message}"):
        clf.fit(NUMBERS, Y)
    assert not seen  # it shows before a teacher is fitted


@pytest.mark.parametrize("name", ["teacher_features", "student_features"])
def test_names_and_tables_that_are_not_there(name):
    with pytest.raises(ValueError, match=f"`{name}`.*only supported for dataframes"):
        make(**{name: ["a"]}).fit(VALUES, Y)
    with pytest.raises(ValueError, match=f"`{name}` selects columns, but X is no table"):
        make(**{name: [0]}, encoder="passthrough").fit(VALUES.reshape(120, 5, 1), Y)
