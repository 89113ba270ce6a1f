"""Several teachers: weights by row, each by itself, a head for each."""

import pickle
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    TRUSTED_TYPES,
    DistilledClassifier,
    DistilledRegressor,
    FittedTeacher,
    Heads,
    HydraStudent,
    MLPStudent,
    Munge,
    RandomTeacher,
    RegressorPool,
    RowWeights,
    Scorer,
    TeacherPool,
    head_probabilities,
    to_onnx,
)
from skdistill.metrics import mutual_information
from skdistill.modules import HydraMLP
from skdistill.objectives import Batch

SMALL = MLPStudent((16,), n_steps=60)
RNG = np.random.RandomState(0)
X = RNG.normal(size=(600, 3)).round(3)
Y = (X[:, 1] > 0).astype(int)


def knows_where(side, rows):
    """Right where the first column has this sign; elsewhere it is as sure of the other class."""
    rows = np.asarray(rows)
    truth = rows[:, 1] > 0
    told = np.where((rows[:, 0] > 0) == (side > 0), truth, ~truth)
    return np.where(told[:, None], [0.1, 0.9], [0.9, 0.1])


LEFT, RIGHT = (FittedTeacher(partial(knows_where, side), classes=[0, 1]) for side in (-1, 1))
BOTH = [("left", LEFT), ("right", RIGHT)]


def quiet(estimator, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(*args, **kwargs)


# --- weights by row ---


@pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
@pytest.mark.parametrize("model", [None, KNeighborsRegressor(20)])
@pytest.mark.parametrize("container", [np.asarray, partial(pd.DataFrame, columns=list("abc"))])
def test_each_row_asks_the_teacher_that_is_good_there(pooling, model, container):
    pool = TeacherPool(BOTH, weights=RowWeights(model), pooling=pooling).fit(container(X))
    assert_array_equal(pool.weights_, [0.5, 0.5])
    assert log_loss(Y, pool.predict_proba(container(X))) > 0.6
    pool.fit_weights(container(X[:300]), Y[:300])
    far = np.abs(X[:, 0]) > 0.3
    p = pool.predict_proba(container(X))
    assert np.abs(p[far, 1] - np.where(Y[far], 0.9, 0.1)).max() < 0.1
    assert_allclose(pool.weights_.sum(), 1)
    assert_allclose(pool.weighing_.predict(container(X)).sum(axis=1), 1)


def test_the_formula():
    losses = np.column_stack([1 + (X[:, 0] > 0), np.ones(len(X))])
    base = np.array([0.3, 0.7])
    rows = RowWeights(tau=0.5).fit(X, losses, base, lambda weights: np.zeros(len(X)))
    scaled = losses / losses.mean()
    expected = base * np.exp(-scaled / 0.5)
    expected /= expected.sum(axis=1, keepdims=True)
    assert_allclose(rows.predict(X), expected, rtol=1e-6)
    assert rows.tau_ == 0.5
    mean = RowWeights.mean_of([rows, rows])
    assert_allclose(mean.predict(X), expected, rtol=1e-6)
    assert len(mean.models_) == 2


def test_teachers_that_are_alike_everywhere_are_weighed_alike():
    def same(rows):
        return np.full((len(rows), 2), 0.5)

    teachers = [("one", FittedTeacher(same, [0, 1])), ("other", FittedTeacher(same, [0, 1]))]
    pool = TeacherPool(teachers, weights=RowWeights()).fit(X).fit_weights(X, Y)
    assert_allclose(pool.weighing_.predict(X), 0.5)


@pytest.mark.parametrize("tau", [0.05, "auto"])
def test_weights_of_zero_and_rows_twice(tau):
    pool = TeacherPool(BOTH, weights=RowWeights(tau=tau)).fit(X)
    noise = np.where(np.arange(600) < 300, Y, 1 - Y)
    weight = (np.arange(600) < 300).astype(float)
    p = clone(pool).fit(X).fit_weights(X, noise, weight).predict_proba(X)
    own = pool.fit_weights(X[:300], Y[:300]).predict_proba(X)
    assert np.abs(p - own).mean() < 0.02


def test_rows_of_one_group_are_never_told_by_one_another():
    groups = np.arange(600) // 2
    seen = []

    class Watching(KNeighborsRegressor):
        def fit(self, X, y):
            seen.append({tuple(row) for row in np.asarray(X).round(4)})
            return super().fit(X, y)

    pool = TeacherPool(BOTH, weights=RowWeights(Watching(5))).fit(X)
    twice = X[groups * 2]
    pool.fit_weights(twice, Y[groups * 2], groups=groups)
    *folds, whole = seen
    assert len(folds) == 5
    assert sum(len(whole) - len(fold) for fold in folds) == len(whole)


def test_a_fit_weighs_by_row_in_all_its_steps(tmp_path):
    teachers = [("rf", RandomForestClassifier(10)), ("lr", LogisticRegression())]
    fits = []
    for memory in (None, str(tmp_path), str(tmp_path)):
        clf = DistilledClassifier(
            teachers,
            SMALL,
            teacher_weights=RowWeights(),
            cv=3,
            transfer=Munge(size=1),
            memory=memory,
            random_state=0,
        )
        fits.append(quiet(clf, X, Y))
    one, stored, read = fits
    assert isinstance(one.teacher_.weighing_, RowWeights)
    for other in (stored, read, pickle.loads(pickle.dumps(one))):
        assert_array_equal(other.predict_proba(X), one.predict_proba(X))
        assert_array_equal(other.teacher_.predict_proba(X), one.teacher_.predict_proba(X))
    trees = "sklearn.tree._tree.Tree"
    again = skops.io.loads(skops.io.dumps(one), trusted=[*TRUSTED_TYPES, trees])
    assert_array_equal(again.teacher_.predict_proba(X), one.teacher_.predict_proba(X))
    assert not hasattr(one.teacher_weights, "tau_")
    folds = quiet(clf.set_params(cv="auto", memory=None), X, Y)
    assert len(folds.teacher_.weighing_.models_) == 5  # each row was held out once


def test_labels_out_of_fold_are_weighed_by_row():
    noisy = RandomForestClassifier(5, max_depth=1, random_state=0)
    pool = TeacherPool([*BOTH, ("rf", noisy)], weights=RowWeights()).fit(X, Y)
    pool.fit_weights(X, Y)
    far = np.abs(X[:, 0]) > 0.3
    p, (others,) = pool.cross_fit_proba(X, Y, [(np.arange(600), np.arange(600))], others=[[X[:50]]])
    assert np.abs(p[far, 1] - np.where(Y[far], 0.9, 0.1)).max() < 0.1
    assert_allclose(others[0], p[:50], atol=0.05)


def test_a_search_reaches_tau():
    clf = DistilledClassifier(
        [RandomForestClassifier(5), LogisticRegression()],
        SMALL,
        teacher_weights=RowWeights(),
        transfer=None,
        alpha=0.3,
        early_stopping=True,
        validation_fraction=0.25,
        random_state=0,
    )
    search = GridSearchCV(clf, {"teacher_weights__tau": [0.01, 10.0]}, cv=2)
    quiet(search, X, Y)
    assert search.best_estimator_.teacher_.weighing_.tau_ == pytest.approx(
        search.best_params_["teacher_weights__tau"]
    )


def test_numbers_are_weighed_by_their_squared_error():
    def told(side, rows):
        rows = np.asarray(rows)
        return np.where((rows[:, 0] > 0) == (side > 0), rows[:, 1], 5.0)

    teachers = [(name, FittedTeacher(partial(told, side))) for name, side in (("l", -1), ("r", 1))]
    pool = RegressorPool(teachers, weights=RowWeights()).fit(X).fit_weights(X, X[:, 1])
    far = np.abs(X[:, 0]) > 0.3
    assert np.abs(pool.predict(X) - X[:, 1])[far].max() < 0.1
    reg = DistilledRegressor(
        [("lr", LinearRegression()), *teachers],
        SMALL,
        teacher_weights=RowWeights(),
        transfer=None,
        random_state=0,
    )
    quiet(reg, X, X[:, 1] + 1, X_val=X[:200], y_val=X[:200, 1] + 1)
    assert isinstance(reg.teacher_.weighing_, RowWeights)


def test_frozen_teachers_that_may_have_seen_the_rows_are_told_of():
    teachers = [RandomForestClassifier(5), FrozenEstimator(LogisticRegression().fit(X, Y))]
    clf = DistilledClassifier(
        teachers, SMALL, teacher_weights=RowWeights(), transfer=None, alpha=0.3, random_state=0
    )
    with pytest.warns(UserWarning, match="a frozen teacher may have seen"):
        clf.fit(X, Y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*frozen teacher may have seen")
        clf.fit(X[:300], Y[:300], X_val=(X[300:],), y_val=(Y[300:],))


def test_without_rows_held_out_all_weigh_alike():
    clf = DistilledClassifier(
        BOTH, SMALL, teacher_weights=RowWeights(), transfer=None, early_stopping=False
    )
    with pytest.warns(UserWarning, match="teacher_weights=RowWeights"):
        clf.fit(X, Y)
    assert_array_equal(clf.teacher_.weights_, [0.5, 0.5])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (RowWeights(tau=0), "'tau' parameter of RowWeights"),
        (RowWeights(KNeighborsRegressor), "`model` of RowWeights is the class"),
        (RowWeights(3), "'model' parameter of RowWeights"),
    ],
)
def test_parameters_that_are_not_valid(weights, message):
    with pytest.raises(ValueError, match=message):
        DistilledClassifier(BOTH, SMALL, teacher_weights=weights).fit(X, Y)


def test_what_row_weights_cannot_do():
    with pytest.raises(ValueError, match="10 labelled rows at least"):
        TeacherPool(BOTH, weights=RowWeights()).fit(X).fit_weights(X[:9], Y[:9])
    with pytest.raises(ValueError, match="could not be fitted"):
        TeacherPool(BOTH, weights=RowWeights(SVR())).fit(X).fit_weights(X, Y)
    texts = ["a", "b"] * 20
    teacher = FittedTeacher(lambda rows: np.full((len(rows), 2), 0.5), [0, 1])
    pool = TeacherPool([("one", teacher), ("two", teacher)], weights=RowWeights())
    with pytest.raises(ValueError, match="`RowWeights` reads tables"):
        pool.fit(texts)


# --- teachers of some columns, rows or classes ---


def test_teachers_of_columns_rows_and_classes_of_their_own():
    frame = pd.DataFrame(X, columns=list("abc"))
    labels = np.where(X[:, 0] > 1, "far", np.where(Y, "up", "down"))
    near = labels != "far"
    of_columns = FittedTeacher(
        LogisticRegression().fit(frame[["a", "b"]].to_numpy(), labels),
    )
    few = FrozenEstimator(LogisticRegression().fit(frame[near], labels[near]))
    some = FittedTeacher(
        lambda rows: of_columns.predict_proba(rows[["a", "b"]].to_numpy()),
        classes=of_columns.classes_,
    )
    pool = TeacherPool([("columns", some), ("classes", few)]).fit(frame)
    assert pool.classes_.tolist() == ["down", "far", "up"]
    each = pool.predict_each(frame)
    assert_allclose(each.sum(axis=2), 1)
    assert_allclose(each[:, 0], some.predict_proba(frame))
    pooled = pool.predict_proba(frame)
    assert_allclose(each[:, 1, 1], pooled[:, 1])
    known = each[:, 1, [0, 2]] / each[:, 1, [0, 2]].sum(axis=1, keepdims=True)
    assert_allclose(known, few.predict_proba(frame[list("abc")]))
    student = DistilledClassifier(
        [("columns", some), ("classes", few)], SMALL, transfer=None, random_state=0
    )
    assert quiet(student, frame).predict_proba(frame).shape == (600, 3)


def test_a_teacher_counts_less_where_its_classes_are_not_those_of_the_row():
    labels = np.where(X[:, 0] > 0, 2, Y)
    few = FrozenEstimator(LogisticRegression().fit(X[labels < 2], labels[labels < 2]))
    all_ = FrozenEstimator(RandomForestClassifier(20, random_state=0).fit(X[:300], labels[:300]))
    pool = TeacherPool([("few", few), ("all", all_)], weights=RowWeights()).fit(X)
    pool.fit_weights(X[300:], labels[300:])
    weight = pool.weighing_.predict(X)[:, 0]
    assert weight[labels < 2].mean() > weight[labels == 2].mean() + 0.3


# --- each teacher by itself, and parts of a forest ---


@pytest.mark.parametrize(
    "ensemble",
    [
        RandomForestClassifier(9, random_state=0),
        ExtraTreesClassifier(9, random_state=0),
        BaggingClassifier(DecisionTreeClassifier(max_depth=3), 9, max_features=2, random_state=0),
        VotingClassifier(
            [(str(k), DecisionTreeClassifier(max_depth=k)) for k in range(1, 10)], voting="soft"
        ),
        make_pipeline(StandardScaler(), RandomForestClassifier(9, random_state=0)),
    ],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("is_frozen", [False, True])
def test_bags_are_means_of_members_and_their_mean_is_the_ensemble(ensemble, is_frozen):
    labels = np.where(X[:, 0] > 1, "far", np.where(Y, "up", "down"))
    if is_frozen:
        ensemble = FrozenEstimator(clone(ensemble).fit(X[:300], labels[:300]))
    pool = TeacherPool(ensemble, random_state=0).fit(X[:300], labels[:300])
    bags = pool.predict_bags(X, 3)
    assert bags.shape == (600, 3, 3)
    assert np.ptp(bags, axis=1).max() > 0.01
    assert_allclose(bags.mean(axis=1), pool.predict_proba(X), atol=1e-6)


def test_bags_of_several_teachers():
    teachers = [(str(k), DecisionTreeClassifier(max_depth=k)) for k in range(1, 5)]
    pool = TeacherPool(teachers, random_state=0).fit(X, Y)
    each, bags = pool.predict_each(X), pool.predict_bags(X, 2)
    assert_allclose(bags[:, 1], (each[:, 1] + each[:, 3]) / 2)
    assert_allclose(bags.mean(axis=1), pool.predict_proba(X))


def test_random_teacher_is_the_mean_on_the_mean():
    view = torch.softmax(torch.randn(20, 3, 4, dtype=torch.float64), dim=2)
    logits = torch.randn(20, 4, dtype=torch.float64)
    weight = torch.ones(20, dtype=torch.float64)
    batch = Batch(None, logits, {}, None, None, view, weight)
    torch.manual_seed(0)
    found = torch.stack([RandomTeacher().loss(batch) for _ in range(300)])
    single = -(view * torch.log_softmax(logits, dim=1)[:, None]).sum(dim=2)
    distances = (found[:, None] - single.T).abs().amax(dim=2)
    assert (distances.min(dim=1).values < 1e-12).all()  # one teacher for all rows of a batch
    counts = torch.bincount(distances.argmin(dim=1), minlength=3)
    assert counts.min() > 70


# --- heads ---


def hydra(teacher=None, n_heads=3, **params):
    return DistilledClassifier(
        RandomForestClassifier(12, random_state=0) if teacher is None else teacher,
        HydraStudent((32, 32), n_steps=400, n_heads=n_heads),
        **{
            "objectives": Heads(n_heads),
            "alpha": 0.0,
            "transfer": None,
            "early_stopping": False,
            "random_state": 0,
            **params,
        },
    )


def test_the_answer_is_the_mean_of_heads_that_follow_their_teachers():
    clf = hydra(BOTH, 2).fit(X)
    heads = head_probabilities(clf, X)
    assert_allclose(heads.mean(axis=1), clf.predict_proba(X), atol=1e-5)
    each = clf.teacher_.predict_each(X)
    assert np.abs(heads - each).mean() < 0.1
    assert np.abs(heads[:, ::-1] - each).mean() > 0.5
    assert np.median(mutual_information(heads)) > 0.1  # the teachers never agree


@pytest.mark.parametrize("cardinality", [(), (4,)])
def test_the_module_and_its_gradients(cardinality):
    module = HydraMLP(3, 4, cardinality, (8, 8), n_heads=3).double()
    rows = torch.randn(7, 3, dtype=torch.float64)
    rows[:, 2] = torch.arange(7) % 4
    with torch.no_grad():
        p = torch.softmax(module.heads(rows), dim=2).mean(dim=1)
        torch.testing.assert_close(module(rows), p.log())
    raw = torch.randn(5, 12, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(5, 4, dtype=torch.float64)
    (expected,) = torch.autograd.grad((module.link(raw) * direction).sum(), raw)
    torch.testing.assert_close(module.link_backward(raw.detach(), direction), expected)


def test_the_pass_without_autograd_learns_the_same(monkeypatch):
    clf = hydra().set_params(student__n_steps=30)
    with_pass = clf.fit(X, Y).predict_proba(X)
    monkeypatch.setattr("skdistill.student._direct.Direct._may_be_direct", lambda self: False)
    without = clf.fit(X, Y).predict_proba(X)
    assert_allclose(with_pass, without, atol=1e-4)


def test_files_hold_the_mean(tmp_path):
    frame = pd.DataFrame(X, columns=list("abc")).assign(
        city=np.where(X[:, 0] > 0.2, "Bern", "Oslo")
    )
    teacher = make_pipeline(
        StandardScaler().set_output(transform="default"), RandomForestClassifier(6)
    )
    clf = hydra(teacher, teacher_features=list("abc"), alpha=0.3).fit(frame, Y)
    p = clf.predict_proba(frame)
    path = tmp_path / "student.onnx"
    to_onnx(clf, path)
    assert_allclose(Scorer(path).predict_proba(frame), p, atol=1e-5)
    light = clf.without_teacher()
    again = skops.io.loads(skops.io.dumps(light), trusted=TRUSTED_TYPES)
    assert_array_equal(again.predict_proba(frame), p)
    assert_array_equal(head_probabilities(again, frame), head_probabilities(clf, frame))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"objectives": Heads(4)}, r"layers \['heads_4'\], but it has .*'heads_3'"),
        ({"student": SMALL}, r"layers \['heads_3'\]"),
        ({"teacher": HistGradientBoostingClassifier()}, "HistGradientBoostingClassifier"),
        ({"teacher": RandomForestClassifier(2)}, "3 heads need as many members"),
        ({"teacher": BOTH}, "3 heads need as many teachers, got 2"),
        ({"objectives": RandomTeacher()}, "`RandomTeacher.*` needs several teachers"),
    ],
)
def test_what_heads_cannot_learn_fails_before_a_teacher_is_fitted(params, message, monkeypatch):
    clf = hydra(params.get("teacher"))
    clf.set_params(**{name: value for name, value in params.items() if name != "teacher"})
    monkeypatch.setattr(TeacherPool, "fit", None)
    with pytest.raises(ValueError, match=message):
        clf.fit(X, Y)


def test_heads_tell_no_numbers_and_need_teachers():
    student = HydraStudent((8,), n_steps=20, n_heads=3)
    with pytest.raises(ValueError, match="`HydraStudent` tells classes"):
        DistilledRegressor(LinearRegression(), student).fit(X, X[:, 0])
    soft = np.full((600, 2), 0.5)
    with pytest.raises(ValueError, match="`teacher` is None"):
        DistilledClassifier(None, student, objectives=Heads(3), cv=None, transfer=None).fit(
            X, Y, soft_targets=soft
        )
    plain = DistilledClassifier(BOTH, SMALL, transfer=None, random_state=0).fit(X)
    with pytest.raises(ValueError, match="one head"):
        head_probabilities(plain, X)


# --- columns that only the teacher sees ---


def make_privileged(n):
    rows, y = make_classification(n, 4, n_informative=2, flip_y=0.5, random_state=0)
    return pd.DataFrame(rows, columns=list("abcd")).assign(z=y + 0.1 * RNG.normal(size=n)), y


def test_a_column_that_says_nearly_all_is_told_of():
    frame, y = make_privileged(800)
    params = {"transfer": None, "alpha": 0.3, "cv": None, "random_state": 0}
    clf = DistilledClassifier(LogisticRegression(), SMALL, student_features=list("abcd"), **params)
    with pytest.warns(UserWarning, match=r"does not see the columns 'z', by which"):
        clf.fit(frame, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", ".*does not see the columns")
        clf.fit(frame[:500], y[:500], X_transfer=(frame[500:],))
        clf.set_params(student_features=None).fit(frame, y)
    positions = DistilledClassifier(LogisticRegression(), SMALL, student_features=[0, 1], **params)
    with pytest.warns(UserWarning, match=r"does not see the columns 2, 3, 4, by which"):
        positions.fit(frame.to_numpy(), y)


def test_rows_without_a_label_teach_by_the_column_that_only_the_teacher_sees():
    frame, y = make_privileged(3000)
    seen = {"X_transfer": (frame[100:2000],)}
    params = {"transfer": None, "alpha": 0.0, "cv": None, "random_state": 0}
    losses = {}
    for name, columns in {"with": list("abcdz"), "without": list("abcd")}.items():
        clf = DistilledClassifier(
            LogisticRegression(C=10.0),
            MLPStudent((16,), n_steps=300),
            teacher_features=columns,
            student_features=list("abcd"),
            **params,
        )
        clf.fit(frame[:100], y[:100], **seen)
        assert clf.n_transfer_rows_ == 1900
        losses[name] = log_loss(y[2000:], clf.predict_proba(frame.loc[2000:, list("abcd")]))
    assert losses["with"] < losses["without"]
