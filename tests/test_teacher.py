"""Teachers of every kind, fitted, frozen, aligned by label, pooled, cross-fitted and cached."""

from uuid import uuid4

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from scipy.special import softmax
from shared import LOG, NAMES, Witness, frame_pipeline, framed, insects
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from skorch import NeuralNetClassifier
from xgboost import XGBClassifier

from skdistill import DistilledClassifier, Hinton, MLPStudent, TeacherPool, TorchTeacher
from skdistill.targets import fit_pool_weights, floor_probabilities

X, CODES = insects()
X32 = X.astype(np.float32)  # for torch
Y = NAMES[CODES]
FRAME = framed(X)
SMALL = MLPStudent(hidden_layer_sizes=(8,), n_steps=20)


def forest(n=10, seed=0, **params):
    return RandomForestClassifier(n, random_state=seed, **params)


def members():
    return [("rf", forest()), ("lr", LogisticRegression())]


class Net(torch.nn.Module):
    def __init__(self, n_outputs=3):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, n_outputs)
        )

    def forward(self, rows):
        return self.layers(rows)


def net(**params):
    params = {"max_epochs": 8, "lr": 0.3, "batch_size": 32, "verbose": 0} | params
    return NeuralNetClassifier(Net, criterion=torch.nn.CrossEntropyLoss, **params)


class Table:
    """A teacher that has no `fit` and says the same of every row."""

    def __init__(self, *row, classes=None):
        self.row = np.array(row, dtype=float)
        if classes is not None:
            self.classes_ = np.array(classes)

    def predict_proba(self, X):
        return np.tile(self.row, (len(X), 1))


class Counted(Witness):
    """Leaves a file for each fit: what code changes in memory is part of what it is known by."""

    def __init__(self, folder):
        self.folder = folder

    def fit(self, X, y):
        (self.folder / f"fit-{uuid4()}").touch()
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@pytest.fixture(autouse=True)
def _empty_log():
    LOG.clear()


KINDS = {
    "forest": (forest(), X),
    "trees": (ExtraTreesClassifier(10, random_state=0), X),
    "pipeline": (frame_pipeline(), FRAME),
    "voting": (VotingClassifier(members(), voting="soft"), X),
    "stacking": (StackingClassifier(members(), LogisticRegression(), cv=2), X),
    "default stacking": (StackingClassifier(members(), cv=2), X),
    "calibrated": (CalibratedClassifierCV(SVC(), ensemble=False, cv=2), X),
    "xgboost": (XGBClassifier(n_estimators=5, random_state=0, n_jobs=1), X),
    "lightgbm": (LGBMClassifier(n_estimators=5, random_state=0, n_jobs=1, verbose=-1), X),
    "catboost": (
        CatBoostClassifier(iterations=5, allow_writing_files=False, verbose=0, thread_count=1),
        X,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_unfitted_teacher_is_cloned_and_fitted(kind):
    teacher, rows = KINDS[kind]
    before = joblib.hash(teacher)
    pool = TeacherPool(teacher).fit(rows, Y)
    assert joblib.hash(teacher) == before
    assert pool.estimators_[0] is not teacher
    np.testing.assert_array_equal(pool.classes_, NAMES)
    expected = np.asarray(clone(teacher).fit(rows, CODES).predict_proba(rows), dtype=float)
    np.testing.assert_allclose(pool.predict_proba(rows), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(pool.predict(rows), NAMES[expected.argmax(axis=1)])


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_teacher_is_used_as_it_is(kind):
    teacher, rows = KINDS[kind]
    labels = CODES if kind == "xgboost" else Y
    fitted = clone(teacher).fit(rows[:120], labels[:120])
    before = joblib.hash(fitted)
    expected = np.asarray(fitted.predict_proba(rows), dtype=float)
    for y in (None, labels):
        pool = TeacherPool(FrozenEstimator(fitted)).fit(rows, y)
        np.testing.assert_array_equal(pool.classes_, np.unique(labels))
        np.testing.assert_allclose(pool.predict_proba(rows), expected, rtol=1e-6, atol=1e-9)
    assert pool.estimators_[0].estimator is fitted
    assert joblib.hash(fitted) == before


def test_unfitted_skorch_net_on_string_labels():
    teacher = net()
    pool = TeacherPool(teacher).fit(X32, Y)
    assert not hasattr(teacher, "module_")
    p = pool.predict_proba(X32)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (pool.predict(X32) == Y).mean() > 0.6
    logits = pool.estimators_[0].forward(X32).numpy()
    np.testing.assert_allclose(p, softmax(logits, axis=1), atol=1e-6)


def test_frozen_skorch_net():
    fitted = net().fit(X32, CODES)
    before = {name: value.clone() for name, value in fitted.module_.state_dict().items()}
    pool = TeacherPool(FrozenEstimator(fitted)).fit(X32)
    np.testing.assert_array_equal(pool.classes_, [0, 1, 2])
    np.testing.assert_allclose(pool.predict_proba(X32), fitted.predict_proba(X32), atol=1e-6)
    assert pool.estimators_[0].estimator is fitted
    assert all(torch.equal(before[n], v) for n, v in fitted.module_.state_dict().items())


def test_skorch_teacher_follows_random_state():
    labels = [TeacherPool(net(), random_state=0).fit(X32, Y).predict_proba(X32) for _ in range(2)]
    np.testing.assert_array_equal(*labels)


@pytest.mark.parametrize("teacher", [net(), FrozenEstimator(net().fit(X32, CODES))])
def test_skorch_teacher_leaves_the_global_generator_alone(teacher):
    before = torch.get_rng_state()
    TeacherPool(teacher, random_state=0).fit(X32, CODES).predict_proba(X32)
    assert torch.equal(torch.get_rng_state(), before)


def test_torch_teacher_gives_the_softmax_of_its_logits():
    module = Net().eval()
    with torch.no_grad():
        expected = softmax(module(torch.as_tensor(X32)).double().numpy(), axis=1)
    pool = TeacherPool(TorchTeacher(module, classes=NAMES)).fit(X32, Y)
    np.testing.assert_allclose(pool.predict_proba(X32), expected, rtol=1e-9)
    np.testing.assert_allclose(
        TorchTeacher(module).predict_proba(X32.tolist()), expected, rtol=1e-9
    )
    halved = TorchTeacher(module, preprocess=lambda rows: rows.to_numpy("float32") / 2)
    halved = TeacherPool(halved).fit(pd.DataFrame(2 * X32))
    np.testing.assert_allclose(halved.predict_proba(pd.DataFrame(2 * X32)), expected, rtol=1e-9)
    np.testing.assert_array_equal(halved.classes_, [0, 1, 2])


def test_torch_teacher_in_training_mode_is_asked_in_evaluation_mode_and_not_changed():
    module = torch.nn.Sequential(Net(), torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(3)).train()
    module[0].layers[1].eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    first, second = (TorchTeacher(module).predict_proba(X32) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert module.training
    assert module[1].training
    assert not module[0].layers[1].training
    assert all(torch.equal(before[n], v) for n, v in module.state_dict().items())
    with torch.no_grad():
        expected = module.eval()(torch.as_tensor(X32)).double().softmax(dim=1)
    np.testing.assert_allclose(first, expected.numpy())


def test_fitted_clone_of_an_object_that_only_has_fit_and_predict_proba():
    """What is not a scikit-learn estimator is copied, not rejected and not fitted itself."""

    class Plain:
        def fit(self, X, y):
            self.classes_, self.counts = np.unique(y, return_counts=True)

        def predict_proba(self, X):
            return np.tile(self.counts / self.counts.sum(), (len(X), 1))

    teacher = Plain()
    p = TeacherPool(teacher).fit(X, Y).predict_proba(X[:2])
    np.testing.assert_allclose(p, np.tile(np.bincount(CODES) / len(CODES), (2, 1)))
    assert not vars(teacher)


# --- what the teacher is given ---


@pytest.mark.parametrize("cv", [None, 2])
def test_teacher_gets_the_frame_as_it_came(cv):
    DistilledClassifier(Witness(), SMALL, cv=cv, transfer=None).fit(FRAME, Y)
    assert {what for what, _ in LOG} == {"fit", "predict_proba"}
    assert LOG[0][1] is FRAME
    for _, rows in LOG:
        if len(rows) > 1:  # one row asks whether the teacher takes missing numbers
            pd.testing.assert_series_equal(rows.dtypes, FRAME.dtypes)
            pd.testing.assert_frame_equal(rows, FRAME.loc[rows.index])


def test_teacher_gets_the_list_of_lists_as_it_came():
    rows = [[0, "low"], [1, "high"], [2, "low"]] * 10
    clf = DistilledClassifier(Witness(), SMALL, cv=2, transfer=None).fit(rows, [0, 1, 0] * 10)
    clf.teacher_.predict_proba(rows)
    assert LOG[0][1] is rows
    assert all(type(given) is list and type(given[0][1]) is str for _, given in LOG)


# --- classes ---


@pytest.mark.parametrize("classes", [["cat", "ant", "bee"], ["ant", "bee", "cat"]])
def test_columns_are_aligned_by_label(classes):
    pool = TeacherPool(Table(0.5, 0.2, 0.3, classes=classes)).fit(X, Y)
    expected = dict(zip(classes, [0.5, 0.2, 0.3], strict=True))
    np.testing.assert_allclose(pool.predict_proba(X[:2]), [[expected[n] for n in NAMES]] * 2)


def test_classes_are_the_union():
    known = CODES != 0
    frozen = FrozenEstimator(LogisticRegression().fit(X[known], Y[known]))
    y = np.where(known, "bee", "eel")
    pool = TeacherPool([frozen, LogisticRegression()]).fit(X, y)
    np.testing.assert_array_equal(pool.classes_, ["bee", "cat", "eel"])
    own = LogisticRegression().fit(X, y).predict_proba(X)
    bee, cat = frozen.predict_proba(X).T
    raw = np.column_stack([(bee + own[:, 0]) / 2, cat, own[:, 1]])
    np.testing.assert_allclose(pool.predict_proba(X), raw / raw.sum(axis=1, keepdims=True))


def test_classes_without_labels_are_the_union_of_the_teachers():
    pool = TeacherPool([Table(0.4, 0.6, classes=[7, 2]), Table(0.5, 0.5, classes=[5, 7])]).fit(X)
    np.testing.assert_array_equal(pool.classes_, [2, 5, 7])
    raw = np.array([0.6, 0.5, 0.45])
    np.testing.assert_allclose(pool.predict_proba(X[:1]), [raw / raw.sum()])


@pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
def test_a_teacher_that_lacks_a_class_is_left_out_of_its_pool(pooling):
    teachers = [
        Table(0.6, 0.4, classes=["bee", "ant"]),
        Table(0.2, 0.3, 0.5, classes=NAMES),
    ]
    pool = TeacherPool(teachers, pooling=pooling, weights=[1, 3]).fit(X, Y)
    if pooling == "arithmetic":
        raw = np.array([0.25 * 0.4 + 0.75 * 0.2, 0.25 * 0.6 + 0.75 * 0.3, 0.5])
    else:
        raw = np.array([0.4**0.25 * 0.2**0.75, 0.6**0.25 * 0.3**0.75, 0.5])
    np.testing.assert_allclose(pool.predict_proba(X[:1]), [raw / raw.sum()], rtol=1e-5)


def test_the_floor_is_of_the_classes_a_teacher_knows():
    """It takes nothing for a class of which the teacher says nothing."""
    teachers = [Table(1, 0, classes=["ant", "bee"]), Table(0.2, 0.3, 0.5, classes=NAMES)]
    pool = TeacherPool(teachers, pooling="geometric", floor=0.1).fit(X, Y)
    raw = np.array([(1 / 1.1 * 0.2) ** 0.5, (0.1 / 1.1 * 0.3) ** 0.5, 0.5])
    np.testing.assert_allclose(pool.predict_proba(X[:1]), [raw / raw.sum()])


@pytest.mark.parametrize(
    ("teacher", "y", "message"),
    [
        (Table(0.5, 0.5, classes=["dog", "eel"]), Y, r"`table` has the classes \[dog, eel\], none"),
        (Table(0.5, 0.5, classes=[7, 8]), CODES, r"none of which is known to \['y'\]"),
        (Table(0.5, 0.5, classes=[4, 7]), Y, r"differently: \[4, 7\] \(table\) against"),
        (
            Table(0.5, 0.5, classes=["ant", "bee"]),
            CODES,
            r"\[ant, bee\] \(table\) against \[0, 1",
        ),
    ],
)
def test_disjoint_and_mixed_labels(teacher, y, message):
    with pytest.raises(ValueError, match=message):
        TeacherPool([teacher, Witness()]).fit(X, y)
    assert not LOG  # it shows before the other teachers are fitted


def test_object_without_classes_gives_the_classes_in_their_order():
    pool = TeacherPool([Table(0.5, 0.2, 0.3), Table(0, 1, classes=["bee", "cat"])]).fit(X, Y)
    raw = np.array([0.5, 0.1, 0.65])
    np.testing.assert_allclose(pool.predict_proba(X[:1]), [raw / raw.sum()])
    np.testing.assert_array_equal(TeacherPool(Table(0.5, 0.2, 0.3)).fit(X).classes_, [0, 1, 2])


def test_xgboost_in_folds_that_lack_a_class():
    order = np.argsort(CODES, kind="stable")
    rows, codes = X[order], CODES[order]
    counts = np.bincount(codes)
    folds = [(np.flatnonzero(codes != k), np.flatnonzero(codes == k)) for k in range(len(counts))]
    teacher = XGBClassifier(n_estimators=3, random_state=0, n_jobs=1)
    frozen = Table(0.2, 0.3, 0.5, classes=NAMES)
    pool = TeacherPool([teacher, frozen]).fit(rows, NAMES[codes])
    p = pool.cross_fit_proba(rows, NAMES[codes], folds)
    for k, (train, test) in enumerate(folds):
        local = np.unique(codes[train], return_inverse=True)[1]
        own = clone(teacher).fit(rows[train], local).predict_proba(rows[test])
        raw = np.insert(own / 2, k, 0, axis=1) + np.array([0.2, 0.3, 0.5]) / 2
        raw[:, k] = frozen.row[k]
        np.testing.assert_allclose(p[test], raw / raw.sum(axis=1, keepdims=True), rtol=1e-5)
    alone = TeacherPool(teacher).fit(rows, NAMES[codes])
    alone = alone.cross_fit_proba(rows, NAMES[codes], folds)
    np.testing.assert_array_equal(alone, np.eye(len(counts))[codes])  # taught by their labels


def test_a_fitted_last_step_in_an_unfitted_pipeline_keeps_its_labels():
    """Labels 1 and 2 of three: their columns must not become those of 2 and 3."""
    known = CODES < 2
    inner = LogisticRegression().fit(X[known], CODES[known] + 1)
    pool = TeacherPool(make_pipeline(FrozenEstimator(inner))).fit(X, CODES + 1)
    expected = np.column_stack([inner.predict_proba(X), np.zeros(len(X))])
    np.testing.assert_allclose(pool.predict_proba(X), expected)


def test_calibrated_frozen_teacher():
    """scikit-learn's way to calibrate what is fitted."""
    teacher = CalibratedClassifierCV(FrozenEstimator(forest().fit(X[:120], Y[:120])))
    expected = clone(teacher).fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(TeacherPool(teacher).fit(X, Y).predict_proba(X), expected)


def test_class_weight_of_a_teacher_is_of_the_users_labels():
    teacher = LogisticRegression(class_weight={1: 20.0, 2: 1.0})  # 3 weighs 1
    expected = clone(teacher).fit(X, CODES + 1).predict_proba(X)
    np.testing.assert_allclose(TeacherPool(teacher).fit(X, CODES + 1).predict_proba(X), expected)


# --- pooling and floor ---


@pytest.mark.parametrize("weights", [None, [1, 1], [3, 1], [0, 1]])
@pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
def test_pool_of_fitted_teachers(pooling, weights):
    pool = TeacherPool(members(), pooling=pooling, weights=weights).fit(X, Y)
    a, b = np.array([0.5, 0.5] if weights is None else weights) / np.sum(weights or 1)
    rf = forest().fit(X, Y).predict_proba(X)
    lr = LogisticRegression().fit(X, Y).predict_proba(X)
    if pooling == "arithmetic":
        raw = a * rf + b * lr
    else:
        rf, lr = np.maximum(rf, 1 / (2 * 10 * 3)), np.maximum(lr, 1e-6)
        rf, lr = rf / rf.sum(axis=1, keepdims=True), lr / lr.sum(axis=1, keepdims=True)
        raw = np.exp(a * np.log(rf) + b * np.log(lr))
    np.testing.assert_allclose(pool.predict_proba(X), raw / raw.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"pooling": "median"}, "'pooling' parameter of TeacherPool must be a str .* Got 'median'"),
        ({"weights": [1]}, r"must hold a number >= 0 for each of the 2 .*, got \[1\]"),
        ({"weights": [1, -1]}, r"must hold a number >= 0 for each of the 2 .*, got \[1, -1\]"),
        ({"weights": [0, 0]}, r"not all 0, .*got \[0, 0\]"),
        ({"weights": [1, np.nan]}, "must hold a number >= 0 for each of the 2"),
        ({"weights": "even"}, "must hold a number >= 0 for each of the 2 .*'even'"),
        (
            {"weights": "auto"},
            "needs labelled rows .* call `fit_weights` .* of DistilledClassifier",
        ),
        ({"floor": -1.0}, r"'floor' parameter of TeacherPool must be .* \[0.0, 0.5\). Got -1.0"),
    ],
)
def test_parameters_that_are_not_valid(parameters, message):
    with pytest.raises(ValueError, match=message):
        TeacherPool([Table(0.5, 0.5), Table(0.5, 0.5)], **parameters).fit(X, CODES > 0)


@pytest.mark.parametrize(("weights", "used"), [(None, [0.5, 0.5]), ([3, 1], [0.75, 0.25])])
def test_weights_in_use(weights, used):
    pool = TeacherPool(members(), weights=weights).fit(X, Y)
    np.testing.assert_allclose(pool.weights_, used)


@pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
def test_weights_by_rows_not_seen(pooling):
    teachers = [("table", Table(0.2, 0.5, 0.3, classes=NAMES)), ("rf", forest(30))]
    pool = TeacherPool(teachers, pooling=pooling).fit(X[:120], Y[:120])
    before = log_loss(Y[120:], pool.predict_proba(X[120:], floored=True))
    pool.fit_weights(X[120:], Y[120:])
    answers = [part.predict_proba(X[120:]) for part in pool.estimators_]
    answers = [floor_probabilities(p, f) for p, f in zip(answers, (1e-6, 1 / 180), strict=True)]
    known = np.ones((2, 3), dtype=bool)
    expected = fit_pool_weights(answers, known, CODES[120:], pooling)
    np.testing.assert_allclose(pool.weights_, expected, rtol=1e-5)
    assert pool.weights_[0] < 0.2
    assert pool.weights_.sum() == pytest.approx(1)
    assert log_loss(Y[120:], pool.predict_proba(X[120:], floored=True)) < before
    given = TeacherPool(teachers, pooling=pooling, weights=pool.weights_).fit(X[:120], Y[:120])
    np.testing.assert_allclose(pool.predict_proba(X), given.predict_proba(X))
    out = [one.cross_fit_proba(X[:120], Y[:120], 3) for one in (pool, given)]
    np.testing.assert_allclose(*out)


def test_a_vote_of_exactly_none_is_floored_before_it_weighs_a_teacher():
    pool = TeacherPool([Table(1, 0), Table(0.6, 0.4)], floor=0.3).fit(X, CODES > 0)
    pool.fit_weights(X[:100], np.arange(100) < 30)
    a = pool.weights_[0]  # of (1, 0.3) / 1.3; without a floor it would be 0.25
    assert a * 0.3 / 1.3 + (1 - a) * 0.4 == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(
    ("teacher", "n_votes"),
    [
        (forest(), 10),
        (ExtraTreesClassifier(7, random_state=0), 7),
        (BaggingClassifier(n_estimators=4, random_state=0), 4),
        (KNeighborsClassifier(5), 5),
        (make_pipeline(StandardScaler(), forest()), 10),
        (FrozenEstimator(forest().fit(X, Y)), 10),
        (FrozenEstimator(make_pipeline(StandardScaler(), forest()).fit(X, Y)), 10),
    ],
)
@pytest.mark.parametrize("floor", ["auto", 0.01])
def test_floor_of_a_vote_is_half_a_vote_over_the_classes(teacher, n_votes, floor):
    pool = TeacherPool(teacher, floor=floor).fit(X, Y)
    p = pool.predict_proba(X)
    assert (p == 0).any()  # none at a temperature of 1
    floored = np.maximum(p, 1 / (2 * n_votes * 3))
    floored /= floored.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(pool.predict_proba(X, floored=True), floored)
    out = pool.cross_fit_proba(X, Y, 3, floored=True) if "Frozen" not in repr(teacher) else p + 1
    assert out.min() > 1 / (2 * n_votes * 3) * 0.9


@pytest.mark.parametrize(("floor", "used"), [("auto", 1e-6), (0.01, 0.01), (0.0, 0.0)])
def test_floor_where_the_votes_are_not_known(floor, used):
    pool = TeacherPool(Table(1, 0), floor=floor).fit(X, CODES > 0)
    np.testing.assert_array_equal(pool.predict_proba(X[:1]), [[1, 0]])
    expected = np.array([[1, used]]) / (1 + used)
    np.testing.assert_allclose(pool.predict_proba(X[:1], floored=True), expected)


def test_floor_is_applied_to_each_teacher_before_pooling():
    pool = TeacherPool([Table(1, 0), Table(0.5, 0.5)], floor=0.1).fit(X, CODES > 0)
    expected = np.array([[1 / 1.1 + 0.5, 0.1 / 1.1 + 0.5]]) / 2
    np.testing.assert_allclose(pool.predict_proba(X[:1], floored=True), expected)


@pytest.mark.parametrize(("temperature", "lowest"), [(1.0, 0.0), (2.0, 1 / 60)])
def test_soft_targets_are_floored_unless_the_temperature_is_one(temperature, lowest):
    class Spy(Hinton):
        def prepare(self, probabilities, temperature, sample_weight=None):
            LOG.append(probabilities)
            return super().prepare(probabilities, temperature)

    DistilledClassifier(forest(), SMALL, response=Spy(), temperature=temperature).fit(X, Y)
    assert LOG[-1].min() == pytest.approx(lowest, rel=0.05)


# --- out of fold ---


@pytest.mark.parametrize("cv", [4, StratifiedKFold(3, shuffle=True, random_state=1), KFold(5)])
@pytest.mark.parametrize("teacher", [LogisticRegression(), forest()])
def test_out_of_fold_labels_are_those_of_cross_val_predict(teacher, cv):
    p = TeacherPool(teacher).fit(X, Y).cross_fit_proba(X, Y, cv)
    expected = cross_val_predict(teacher, X, Y, cv=cv, method="predict_proba")
    np.testing.assert_allclose(p, expected)


def test_out_of_fold_labels_on_a_frame():
    p = TeacherPool(frame_pipeline()).fit(FRAME, Y).cross_fit_proba(FRAME, Y, 3)
    expected = cross_val_predict(frame_pipeline(), FRAME, Y, cv=3, method="predict_proba")
    np.testing.assert_allclose(p, expected)


def test_out_of_fold_labels_beside_a_frozen_teacher():
    frozen = FrozenEstimator(forest().fit(X, Y))
    pool = TeacherPool([frozen, LogisticRegression()], weights=[3, 1]).fit(X, Y)
    expected = cross_val_predict(LogisticRegression(), X, Y, cv=3, method="predict_proba")
    expected = 0.75 * frozen.predict_proba(X) + 0.25 * expected
    np.testing.assert_allclose(pool.cross_fit_proba(X, Y, 3), expected)


def test_cv_with_nothing_to_fit_again():
    clf = DistilledClassifier([Table(0.3, 0.3, 0.4)], SMALL, cv=3)
    with pytest.raises(ValueError, match=r"`cv` needs a teacher .* all are frozen: use `cv=None`"):
        clf.fit(X, Y)


@pytest.mark.parametrize(
    "cv", [ShuffleSplit(3, random_state=0), [(np.arange(120), np.arange(120, 240))]]
)
def test_cv_that_is_no_partition(cv):
    with pytest.raises(ValueError, match="`cv` must put every row into exactly one test fold"):
        DistilledClassifier(LogisticRegression(), SMALL, cv=cv).fit(X, Y)


@pytest.mark.parametrize(
    ("teacher", "low", "high"), [(forest(30), 0.15, 0.6), (LogisticRegression(), -0.005, 0.02)]
)
def test_leak_gap(teacher, low, high):
    clf = DistilledClassifier(teacher, SMALL, cv=5).fit(X, Y)
    true = np.arange(len(CODES)), CODES
    seen = clone(teacher).fit(X, Y).predict_proba(X)[true].mean()
    unseen = cross_val_predict(teacher, X, Y, cv=5, method="predict_proba")[true].mean()
    assert clf.leak_gap_ == pytest.approx(seen - unseen)
    assert low < clf.leak_gap_ < high


def test_leak_gap_by_validation_rows():
    clf = DistilledClassifier(forest(), SMALL).fit(X[:120], Y[:120], X_val=X[120:], y_val=Y[120:])
    p = forest().fit(X[:120], Y[:120]).predict_proba(X)[np.arange(len(CODES)), CODES]
    assert clf.leak_gap_ == pytest.approx(p[:120].mean() - p[120:].mean())
    assert DistilledClassifier(forest(), SMALL).fit(X, Y).leak_gap_ is None


# --- sample_weight, random_state, n_jobs, memory ---

WEIGHT = np.random.default_rng(0).integers(1, 6, size=len(X)).astype(float)


@pytest.mark.parametrize(
    ("teacher", "key"),
    [
        (LogisticRegression(), "sample_weight"),
        (KINDS["xgboost"][0], "sample_weight"),
        (KINDS["catboost"][0], "sample_weight"),
        (make_pipeline(StandardScaler(), forest()), "randomforestclassifier__sample_weight"),
        (KINDS["voting"][0], "sample_weight"),
        (KINDS["stacking"][0], "sample_weight"),
    ],
)
def test_sample_weight_reaches_the_teacher(teacher, key):
    clf = DistilledClassifier(teacher, SMALL).fit(X, Y, sample_weight=WEIGHT)
    expected = clone(teacher).fit(X, CODES, **{key: WEIGHT}).predict_proba(X)
    unweighted = clone(teacher).fit(X, CODES).predict_proba(X)
    assert np.abs(expected - unweighted).max() > 0.01
    np.testing.assert_allclose(clf.teacher_.predict_proba(X), expected, rtol=1e-5, atol=1e-9)


def test_sample_weight_is_sliced_by_fold():
    teacher = LogisticRegression()
    pool = TeacherPool([("lr", teacher)]).fit(X, Y)
    p = pool.cross_fit_proba(X, Y, KFold(3), fit_params={"lr": {"sample_weight": WEIGHT}})
    for train, test in KFold(3).split(X):
        expected = clone(teacher).fit(X[train], Y[train], sample_weight=WEIGHT[train])
        np.testing.assert_allclose(p[test], expected.predict_proba(X[test]))


@pytest.mark.parametrize(
    "teacher", [KNeighborsClassifier(), make_pipeline(StandardScaler(), KNeighborsClassifier())]
)
def test_teacher_without_sample_weight_is_named_in_a_warning(teacher):
    clf = DistilledClassifier([("near", teacher)], SMALL)
    with pytest.warns(UserWarning, match="teacher `near` .* takes no sample_weight"):
        clf.fit(X, Y, sample_weight=WEIGHT)
    expected = clone(teacher).fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(clf.teacher_.predict_proba(X), expected)


def test_random_state_seeds_the_teachers_that_have_none():
    teachers = [
        RandomForestClassifier(5),
        RandomForestClassifier(5, random_state=7),
        make_pipeline(StandardScaler(), RandomForestClassifier(5)),
        LogisticRegression(),
    ]

    def fit(random_state):
        return TeacherPool(teachers, random_state=random_state).fit(X, Y)

    def seeds(pool):
        bare, own, piped, _ = pool.estimators_
        return [part.random_state for part in (bare, own, piped[-1])]

    first = fit(0)
    assert seeds(first) == seeds(fit(0)) != seeds(fit(1))
    assert seeds(first)[1] == 7
    assert len(set(seeds(first))) == 3
    assert seeds(fit(None)) == [None, 7, None]
    assert teachers[0].random_state is teachers[2][-1].random_state is None
    np.testing.assert_array_equal(first.predict_proba(X), fit(0).predict_proba(X))
    out = [fit(0).cross_fit_proba(X, Y, 2) for _ in range(2)]
    np.testing.assert_array_equal(*out)


def test_two_jobs_equal_one():
    pools = [
        TeacherPool([RandomForestClassifier(5), LogisticRegression()], random_state=0, n_jobs=n)
        for n in (None, 2)
    ]
    one, two = (pool.fit(X, Y) for pool in pools)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    folds = [pool.cross_fit_proba(X, Y, 3) for pool in pools]
    np.testing.assert_array_equal(*folds)


def test_memory_fits_once(tmp_path):
    def n_fits():
        return len(list(tmp_path.glob("fit-*")))

    def fit(rows):
        teachers = [Counted(tmp_path), LogisticRegression()]
        return TeacherPool(teachers, memory=str(tmp_path / "cache")).fit(rows, Y)

    first, second = fit(X), fit(X.copy())
    assert n_fits() == 1
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    out = [pool.cross_fit_proba(X, Y, 3) for pool in (first, second)]
    assert n_fits() == 1 + 3
    np.testing.assert_array_equal(*out)
    fit(X + 1)
    assert n_fits() == 1 + 3 + 1


# --- teachers that cannot be used ---


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (SVC(), r"teacher `bad` \(SVC\) has no predict_proba: wrap it"),
        (VotingClassifier(members()), r"teacher `bad` \(VotingClassifier\) has no predict_proba"),
        (Net(), r"teacher `bad` \(Net\) has no predict_proba: .* TorchTeacher"),
        (RandomForestClassifier, "teacher `bad` is the class RandomForestClassifier: give an inst"),
        (None, r"teacher `bad` \(NoneType\) has no predict_proba"),
    ],
)
def test_what_is_no_teacher(teacher, message):
    with pytest.raises(ValueError, match=message):
        TeacherPool([("good", Witness()), ("bad", teacher)]).fit(X, Y)
    assert not LOG


def test_unfitted_teacher_without_labels():
    teachers = [("mine", LogisticRegression()), ("table", Table(0.5, 0.5))]
    with pytest.raises(ValueError, match=r"FrozenEstimator; not frozen: \['mine'\]"):
        TeacherPool(teachers).fit(X)


@pytest.mark.parametrize("fails_at", ["fit", "predict_proba"])
@pytest.mark.parametrize("cv", [None, 2])
def test_a_failing_teacher_is_named_and_chained(fails_at, cv):
    pool = TeacherPool([("good", LogisticRegression()), ("bad", Witness())]).fit(X, Y)
    pool.teachers = [("good", LogisticRegression()), ("bad", Witness(fails_at))]
    where = {"fit": "could not be fitted", "predict_proba": "could not label the rows"}[fails_at]
    if fails_at == "fit":
        where += " in fold 1 of `cv`" if cv else f" on {len(X)} rows"

    def label():
        return pool.cross_fit_proba(X, Y, cv) if cv else pool.fit(X, Y).predict_proba(X)

    with pytest.raises(ValueError, match=f"teacher `bad` {where}: out of ") as caught:
        label()
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("unfitted", [LogisticRegression(), forest()])
def test_frozen_teacher_that_was_not_fitted(unfitted):
    with pytest.raises(ValueError, match=r"teacher `mine` .*not fitted yet"):
        TeacherPool([("mine", FrozenEstimator(unfitted))]).fit(X, Y)


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        (
            Table(0.5, np.nan, 0.5),
            r"`table` must hold .* row 0 is \[0.5, nan, 0.5\]",
        ),
        (Table(2.0, -0.5, -0.5), "`table` must hold probabilities, but row 0"),
        (Table(0.5, 0.5), r"`table` must have shape .* = \(1, 3\), got \(1, 2\)"),
        (Table(0.5, 0.5, classes=NAMES), r"`table` must have shape .* = \(1, 3\), got \(1, 2\)"),
        (Table(0.0, 0.0, 0.0), "`table` must sum to 1, but row 0 sums to 0"),
        (Table(0.5, 0.3, 0.1), "`table` must sum to 1, but row 0 sums to 0.9: .*multiclassova"),
    ],
)
def test_probabilities_that_are_none(teacher, message):
    with pytest.raises(ValueError, match=message):
        TeacherPool([teacher, Witness()]).fit(X, Y)
    assert not LOG


def test_text_for_a_teacher_that_takes_numbers_names_the_remedy():
    frame = pd.DataFrame({"a": ["x", "y"] * 20})
    with pytest.raises(
        ValueError, match="could not convert.*put one that cannot take it into a Pip"
    ):
        TeacherPool(LogisticRegression()).fit(frame, [0, 1] * 20)
