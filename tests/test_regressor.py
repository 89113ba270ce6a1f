"""DistilledRegressor: means and quantiles, and what goes in and comes out."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from shared import Net
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_friedman1
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from skorch import NeuralNetRegressor

from skdistill import (
    TRUSTED_TYPES,
    DistilledRegressor,
    FittedTeacher,
    Hinton,
    Huber,
    MLPStudent,
    Munge,
    RegressorPool,
    Scorer,
    SquaredError,
    TargetScaler,
    register_skl2onnx_converter,
    to_onnx,
)
from skdistill.modules import QuantileMLP
from skdistill.objectives import DistillationLoss
from skdistill.student._direct import DirectRegressor
from skdistill.task import Regression

X, Y = make_friedman1(600, n_features=6, noise=0.5, random_state=0)
X_NEW, Y_NEW = make_friedman1(400, n_features=6, noise=0.5, random_state=1)
SMALL = MLPStudent((32,), n_steps=300)
QUICK = {"student": SMALL, "transfer": None, "random_state": 0}
LEVELS = (0.1, 0.3, 0.5, 0.8, 0.9)


def fit(teacher=None, X=X, y=Y, *, given=None, **params):
    teacher = Ridge() if teacher is None else teacher
    return DistilledRegressor(teacher, **{**QUICK, **params}).fit(X, y, **(given or {}))


def rmse(model, X=X_NEW, y=Y_NEW):
    return float(np.sqrt(np.mean((model.predict(X) - y) ** 2)))


# --- the mean ---


def test_the_student_is_nearer_to_a_good_teacher_than_its_control():
    teacher = FrozenEstimator(
        RandomForestRegressor(100, random_state=0).fit(
            *make_friedman1(5_000, n_features=6, noise=0.0, random_state=2)
        )
    )
    student = fit(teacher, X[:150], Y[:150], transfer=Munge(size=8), alpha=0.3)
    control = fit(teacher, X[:150], Y[:150], alpha=1.0)
    assert rmse(student) < 0.9 * rmse(control)


def test_a_linear_teacher_is_followed():
    reg = fit(Ridge(), alpha=0.0, transfer=Munge(size=2))
    expected = reg.teacher_.predict(X_NEW)
    assert np.sqrt(np.mean((reg.predict(X_NEW) - expected) ** 2)) < 0.2 * expected.std()
    assert np.corrcoef(reg.predict(X_NEW), expected)[0, 1] > 0.99


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_y_changes_nothing(scale):
    plain, scaled = fit(), fit(y=scale * Y + scale)
    assert_allclose(scaled.predict(X_NEW), scale * plain.predict(X_NEW) + scale, rtol=1e-2)


def test_soft_targets_stand_for_a_teacher():
    soft = 10 + 10 * X[:, 0]
    params = {"alpha": 0.0, "early_stopping": False, **QUICK}
    reg = DistilledRegressor(**params).fit(X, Y, soft_targets=soft)
    assert np.corrcoef(reg.predict(X_NEW), X_NEW[:, 0])[0, 1] > 0.99
    frame = pd.DataFrame({"told": soft})
    same = DistilledRegressor(**params).fit(X, Y, soft_targets=frame)
    assert_array_equal(reg.predict(X_NEW), same.predict(X_NEW))
    alone = DistilledRegressor(**QUICK).fit(X, soft_targets=soft)
    assert alone.alpha_ == 0
    assert np.corrcoef(alone.predict(X_NEW), X_NEW[:, 0])[0, 1] > 0.99


def test_a_frozen_teacher_needs_no_y():
    teacher = FrozenEstimator(Ridge().fit(X, Y))
    reg = fit(teacher, y=None)
    assert np.corrcoef(reg.predict(X_NEW), teacher.predict(X_NEW))[0, 1] > 0.99


def test_several_targets():
    both = np.column_stack([Y, X[:, 3]])
    reg = fit(LinearRegression(), y=both, given={"X_transfer": (X_NEW,)})
    assert reg.predict(X_NEW).shape == (400, 2)
    assert reg.n_targets_ == 2
    assert np.corrcoef(reg.predict(X_NEW)[:, 1], X_NEW[:, 3])[0, 1] > 0.95


def test_predictions_stay_in_the_range_of_y_unless_told_otherwise():
    far = 5 * X_NEW
    reg = fit(LinearRegression())
    assert reg.predict(far).max() <= Y.max()
    assert fit(LinearRegression(), clip=False).predict(far).max() > Y.max()


def test_rows_of_weight_0_are_as_removed():
    weight = np.ones(600)
    weight[400:] = 0
    noise = np.where(weight > 0, Y, 1e3)
    weighted = fit(y=noise, given={"sample_weight": weight}, early_stopping=False)
    removed = fit(X=X[:400], y=Y[:400], early_stopping=False)
    assert_allclose(weighted.predict(X_NEW), removed.predict(X_NEW), rtol=1e-3)


@pytest.mark.parametrize(
    ("student", "response"),
    [(SMALL, Huber(0.5)), (SMALL, SquaredError()), (MLPStudent((16, 16), optimizer="muon"), None)],
    ids=str,
)
def test_responses_and_recipes(student, response):
    reg = fit(student=student, response=response, alpha=0.3)
    assert reg.score(X_NEW, Y_NEW) > 0.5


class Plain(Net):
    """Does not say whether it draws random numbers."""


def own_net():
    return NeuralNetRegressor(
        Plain, optimizer=torch.optim.Adam, lr=0.01, max_epochs=40, batch_size=64
    )


@pytest.mark.parametrize("student", [Plain, own_net()], ids=["class", "net"])
@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_modules_of_ones_own(student, head):
    reg = fit(X=X[:200], y=Y[:200], student=student, head=head, quantiles=LEVELS)
    assert reg.score(X_NEW, Y_NEW) > 0.3
    if head == "quantiles":
        assert (np.diff(reg.predict_quantiles(X_NEW), axis=1) >= 0).all()


def test_it_works_where_scikit_learn_does(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(g=np.where(X[:, 0] > 0.5, "x", "y"))
    reg = fit(make_pipeline(StandardScaler(), Ridge()), frame, teacher_features=list("abcdef"))
    assert reg.feature_names_in_.tolist() == list("abcdefg")
    told = reg.predict(frame)
    for back in (pickle.loads(pickle.dumps(reg)), reg.without_teacher()):
        assert_array_equal(back.predict(frame), told)
    path = tmp_path / "reg.skops"
    skops.io.dump(reg.without_teacher(), path)
    assert_array_equal(skops.io.load(path, trusted=TRUSTED_TYPES).predict(frame), told)
    assert not hasattr(clone(reg), "student_")
    search = GridSearchCV(
        make_pipeline(StandardScaler(), DistilledRegressor(Ridge(), **QUICK)),
        {"distilledregressor__teacher__alpha": [0.1, 1e6]},
        cv=3,
    ).fit(X, Y)
    assert search.best_params_ == {"distilledregressor__teacher__alpha": 0.1}


def test_the_decision_speaks_of_numbers():
    reg = fit(alpha="auto")
    assert "temperature" not in reg.decision_
    assert "squared error" in reg.decision_
    assert {"squared_error"} <= set(reg.trials_[0])
    assert not hasattr(reg, "classes_")
    assert not hasattr(reg, "calibration_temperature_")


def test_a_worthless_teacher_is_not_followed():
    rng = np.random.default_rng(0)
    noise = FrozenEstimator(Ridge().fit(rng.normal(size=(50, 6)), rng.normal(size=50)))
    with pytest.warns(
        UserWarning,
        match=r"DistilledRegressor: the student that is kept learns from the labels alone",
    ):
        reg = fit(noise)
    assert reg.alpha_ == 1.0


def test_labels_out_of_fold_and_groups():
    groups = np.repeat(np.arange(120), 5)
    reg = fit(DecisionTreeRegressor(random_state=0), cv=3, given={"groups": groups})
    assert reg.leak_gap_ > 0.02
    assert reg.score(X_NEW, Y_NEW) > 0.5


def test_a_fit_goes_on_from_the_last():
    reg = fit(warm_start=True, student=MLPStudent((8,), n_steps=20))
    first, teacher = reg.history_[-1, "valid_loss"], reg.teacher_
    reg.fit(X, Y)
    assert reg.teacher_ is teacher
    assert reg.history_[-1, "valid_loss"] < first


class Counted(Ridge):
    def __init__(self, log, alpha=1.0):
        super().__init__(alpha=alpha)
        self.log = log

    def fit(self, X, y, sample_weight=None):
        with open(self.log, "a") as log:
            log.write("fit\n")
        return super().fit(X, y, sample_weight)


def test_memory_fits_the_teacher_once(tmp_path):
    teacher = Counted(str(tmp_path / "log"))
    params = {"memory": tmp_path / "memory", "refit": False, "cv": None}
    one = fit(teacher, alpha=0.2, **params)
    two = fit(teacher, alpha=0.4, **params)
    assert (tmp_path / "log").read_text() == "fit\n"
    assert np.abs(one.predict(X_NEW) - two.predict(X_NEW)).max() > 0


def test_a_function_is_a_teacher():
    teacher = FittedTeacher(lambda X: 10 + 10 * X[:, 0])
    reg = fit(teacher, alpha=0.0, early_stopping=False)
    assert np.corrcoef(reg.predict(X_NEW), X_NEW[:, 0])[0, 1] > 0.99


@pytest.mark.parametrize(
    ("change", "given", "message"),
    [
        ({"teacher": LogisticRegression()}, {}, "is a classifier: give a regressor"),
        ({"teacher": object()}, {}, "has no predict"),
        ({"teacher": KMeans(2)}, {}, r"teacher `kmeans` \(KMeans\) is a clusterer"),
        ({}, {"y": np.arange(600).astype("M8[D]")}, "convert dates and durations"),
        ({}, {"y": np.array(["1.5", "2.5"] * 300, dtype=object)}, "`y` must hold numbers, got obj"),
        ({}, {"y": np.where(np.arange(600) == 3, np.inf, Y)}, "must hold finite numbers.*infinity"),
        ({"response": Hinton()}, {}, r"`response=Hinton\(\)` is none for DistilledRegressor"),
        ({}, {"y": np.array(["a", "b"] * 300)}, "`y` must hold numbers"),
        ({}, {"y": np.where(np.arange(600) == 3, np.nan, Y)}, "1 of 600 are missing"),
        ({"target_transform": "log"}, {"y": Y - 100}, "needs y >= 0"),
        ({"head": "quantiles"}, {"y": np.column_stack([Y, Y])}, "predicts one target, got 2"),
        ({"head": "quantiles", "quantiles": [0.9, 0.1]}, {}, "`quantiles` must be an int"),
        ({"head": "quantiles", "quantiles": [0.7, 0.9]}, {}, "`quantiles` must be an int"),
        ({"head": "median"}, {}, "'head' parameter"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(change, given, message):
    params = {"teacher": LinearRegression(), **QUICK, **change}
    with pytest.raises(ValueError, match=message):
        DistilledRegressor(**params).fit(X, given.get("y", Y))


def test_soft_targets_of_another_shape_are_refused():
    two = FrozenEstimator(LinearRegression().fit(X, np.column_stack([Y, Y])))
    with pytest.raises(ValueError, match=r"predicts 2 target\(s\), but there are 1"):
        fit(two)
    with pytest.raises(ValueError, match=r"`soft_targets` must have shape \(600, 1\)"):
        DistilledRegressor(**QUICK).fit(X, Y, soft_targets=np.ones((600, 3)))
    with pytest.raises(ValueError, match="contains NaN"):
        DistilledRegressor(**QUICK).fit(X, Y, soft_targets=np.full(600, np.nan))


def test_a_net_of_classes_is_refused():
    net = own_net().set_params(criterion=torch.nn.CrossEntropyLoss)
    with pytest.raises(ValueError, match="is one for classes"):
        fit(student=net)


# --- quantiles ---


def noisy(n, seed):
    """A target whose spread depends on the row."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 3))
    spread = np.where(X[:, 1] > 0, 2.0, 0.2)
    return X, 3 * X[:, 0] + spread * rng.normal(size=n)


X_NOISY, Y_NOISY = noisy(2_000, 0)


@pytest.fixture(scope="module")
def spreading():
    params = {**QUICK, "student": MLPStudent((64,), n_steps=600), "transfer": Munge(size=2)}
    teacher = RandomForestRegressor(50, min_samples_leaf=10, random_state=0)
    return DistilledRegressor(teacher, head="quantiles", **params).fit(X_NOISY, Y_NOISY)


def test_intervals_cover_and_follow_the_spread(spreading):
    X_test, y_test = noisy(4_000, 1)
    for coverage in (0.8, 0.9):
        low, high = spreading.predict_interval(X_test, coverage).T
        assert np.mean((low <= y_test) & (y_test <= high)) == pytest.approx(coverage, abs=0.03)
    width = high - low
    wide = X_test[:, 1] > 0
    assert np.median(width[wide]) > 3 * np.median(width[~wide])


def test_quantiles_are_in_order_and_interpolated(spreading):
    told = spreading.predict_quantiles(X_NOISY)
    assert told.shape == (2_000, 19)
    assert (np.diff(told, axis=1) >= 0).all()
    assert_allclose(spreading.predict_quantiles(X_NOISY, [0.05, 0.5]), told[:, [0, 9]])
    between = spreading.predict_quantiles(X_NOISY, [0.075])[:, 0]
    assert_allclose(between, told[:, :2].mean(axis=1))
    assert_allclose(spreading.predict(X_NOISY), told[:, 9])
    assert spreading.quantile_offset_.shape == (19,)


def test_levels_that_were_not_learned_are_refused(spreading):
    with pytest.raises(ValueError, match=r"`coverage=0.95` asks for levels outside .* 0.05 to"):
        spreading.predict_interval(X_NOISY, 0.95)
    with pytest.raises(ValueError, match="outside those that were learned"):
        spreading.predict_quantiles(X_NOISY, [0.01])
    with pytest.raises(ValueError, match="must be between 0 and 1, got '0.8'"):
        spreading.predict_interval(X_NOISY, "0.8")
    mean = fit()
    assert not hasattr(mean, "predict_interval")
    with pytest.raises(AttributeError, match="has no attribute 'predict_quantiles'") as error:
        mean.predict_quantiles(X_NEW)
    assert "fit with `head='quantiles'`" in str(error.value.__cause__)


def test_a_teachers_quantiles_out_of_fold_are_quantiles():
    params = {"head": "quantiles", "alpha": 0.0, "early_stopping": False, "clip": False}
    params |= {"student": MLPStudent((32,), n_steps=800), "transfer": Munge(size=1)}
    width = {}
    for cv in (None, 3):
        reg = fit(Told(), X_NOISY, Y_NOISY, cv=cv, **params)
        low, high = reg.predict_interval(X_NOISY).T
        width[cv] = np.mean(high - low)
    assert width[3] == pytest.approx(width[None], rel=0.1)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_intervals_cover_groups_that_nobody_has_seen(early_stopping):
    def rows(n_groups, seed):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(n_groups), 10)
        X = rng.normal(size=(len(groups), 2))
        y = X[:, 0] + rng.normal(size=n_groups)[groups] + 0.2 * rng.normal(size=len(groups))
        return X, y, groups

    X_known, y_known, groups = rows(60, 1)
    params = {"head": "quantiles", "clip": False, "early_stopping": early_stopping}
    reg = fit(Ridge(), X_known, y_known, given={"groups": groups}, **params)
    X_other, y_other, _ = rows(300, 2)
    low, high = reg.predict_interval(X_other, 0.8).T
    assert 0.7 < np.mean((low <= y_other) & (y_other <= high)) < 0.95


def test_without_y_there_is_no_range_to_stay_in():
    ordered = np.sort(np.random.default_rng(0).uniform(size=(600, 1)), axis=0)
    reg = fit(FittedTeacher(lambda X: X[:, 0]), ordered, None)
    assert reg.predict(ordered).max() > 0.9
    frozen = FrozenEstimator(Told().fit(X_NOISY, Y_NOISY))
    reg = fit(frozen, X_NOISY, None, head="quantiles", quantiles=LEVELS)
    assert np.mean(np.diff(reg.predict_interval(X_NOISY))) > 2


def test_validation_rows_outside_the_range_are_not_moved():
    y = np.exp(X[:, 0] * 3)
    inside = y < np.median(y)
    given = {"X_val": X[~inside], "y_val": y[~inside]}
    params = {"target_transform": "log", "head": "quantiles", "clip": False}
    reg = fit(Ridge(), X[inside], y[inside], given=given, **params)
    told = reg.predict_quantiles(X[~inside])[:, -1]
    assert np.mean(y[~inside] <= told) > 0.9


def test_going_on_follows_no_other_head_and_widens_the_range():
    reg = fit(warm_start=True)
    with pytest.raises(ValueError, match="cannot follow another `head`"):
        reg.set_params(head="quantiles").fit(X, Y)
    reg = fit(warm_start=True, clip=True)
    reg.fit(X, 10 * Y)
    assert reg.target_scaler_.high_ == pytest.approx(10 * Y.max())


def test_few_groups_and_models_without_quantiles():
    three = {"groups": np.repeat([0, 1, 2], 200)}
    with pytest.warns(UserWarning, match="the quantiles are not calibrated"):
        reg = fit(given=three, head="quantiles", early_stopping=False)
    assert reg.quantile_offset_ is None
    mean = FrozenEstimator(fit())
    for teacher in (RegressorPool([Ridge()]), mean, make_pipeline(Told())):
        reg = fit(teacher, head="quantiles", alpha=0.5)
        assert reg.predict_interval(X_NEW).shape == (400, 2)


def test_few_rows_are_calibrated_as_well():
    reg = fit(X=X[:120], y=Y[:120], head="quantiles", alpha=1.0)
    assert reg.quantile_offset_ is not None
    low, high = reg.predict_interval(X_NEW).T
    assert 0.6 < np.mean((low <= Y_NEW) & (high >= Y_NEW)) < 0.97
    with pytest.warns(UserWarning, match="the quantiles are not calibrated"):
        fit(X=X[:60], y=Y[:60], head="quantiles", alpha=1.0)


class Told(RegressorMixin, BaseEstimator):
    """Knows the distribution: a normal one around twice the first column."""

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return 2 * X[:, 0]

    def predict_quantiles(self, X, quantiles):
        from scipy.stats import norm

        return 2 * X[:, :1] + norm.ppf(quantiles)


class ByArgument(Told):
    predict_quantiles = property()

    def predict(self, X, quantiles=None):
        return super().predict(X) if quantiles is None else Told.told(self, X, quantiles)


Told.told = Told.predict_quantiles


@pytest.mark.parametrize("teacher", [Told(), make_pipeline(StandardScaler(with_std=False), Told())])
def test_a_teacher_tells_its_own_quantiles(teacher):
    reg = fit(
        teacher,
        X_NOISY,
        Y_NOISY,
        head="quantiles",
        quantiles=LEVELS,
        alpha=0.0,
        early_stopping=False,
        clip=False,
        student=MLPStudent((32,), n_steps=800),
    )
    assert reg.teacher_.tells_quantiles
    expected = reg.teacher_.predict_quantiles(X_NOISY, LEVELS)
    assert np.abs(reg.predict_quantiles(X_NOISY) - expected).mean() < 0.1


def test_a_frozen_point_teacher_warns_without_other_rows():
    teacher = FrozenEstimator(Ridge().fit(X, Y))
    with pytest.warns(UserWarning, match="may be too narrow: give `X_val`"):
        fit(teacher, X[:300], Y[:300], head="quantiles")
    with pytest.warns(UserWarning, match="may be too narrow: give `X_val`"):
        fit(teacher, head="quantiles")
    with pytest.raises(ValueError, match="needs labels to learn how far"):
        fit(teacher, y=None, head="quantiles")


def test_soft_targets_may_be_quantiles():
    told = Told().predict_quantiles(X_NOISY, LEVELS)
    reg = DistilledRegressor(
        head="quantiles", quantiles=LEVELS, alpha=0.0, early_stopping=False, clip=False, **QUICK
    ).fit(X_NOISY, Y_NOISY, soft_targets=told)
    assert np.abs(reg.predict_quantiles(X_NOISY) - told).mean() < 0.15


def test_a_skewed_target_is_transformed_where_that_helps(capsys):
    rng = np.random.default_rng(0)
    X_skewed = rng.uniform(-1, 1, size=(3_000, 8))
    y = np.exp(1.2 * X_skewed.sum(axis=1) + 0.05 * rng.normal(size=3_000))
    assert fit(X=X_skewed, y=y, alpha=1.0).target_scaler_.kind == "log"
    capsys.readouterr()
    validation = {"X_val": X_skewed[:500], "y_val": y[:500]}
    params = {"head": "quantiles", "alpha": 1.0, "verbose": 1}
    reg = fit(X=X_skewed[500:], y=y[500:], given=validation, **params)
    assert reg.target_scaler_.kind == "log"
    assert "`target_transform='auto'` takes 'log'" in capsys.readouterr().out
    assert reg.score(X_skewed, y) > 0.9
    assert fit(head="quantiles", alpha=1.0).target_scaler_.kind == "identity"


# --- the file ---


@pytest.mark.parametrize("head", ["mean", "quantiles"])
@pytest.mark.parametrize("transform", ["identity", "log", "yeo-johnson"])
def test_the_file_answers_as_the_estimator(head, transform, tmp_path):
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(g=np.where(X[:, 0] > 0.5, "x", None))
    frame.loc[::7, "a"] = np.nan
    teacher = FrozenEstimator(LinearRegression().fit(X, Y))
    soft = teacher.predict(X)
    reg = DistilledRegressor(head="mean", target_transform=transform, **QUICK)
    if head == "quantiles":
        reg.set_params(head=head, quantiles=LEVELS)
        soft = soft[:, None] + np.linspace(-1, 1, 5)
    reg.fit(frame, Y - Y.min(), soft_targets=soft - Y.min())
    report = to_onnx(reg, tmp_path / "reg.onnx")
    assert report.largest_gap < 1e-5
    assert "of the range of y" in str(report)
    scorer = Scorer(tmp_path / "reg.onnx")
    other = frame.assign(g="unknown")
    assert_allclose(scorer.predict(other), reg.predict(other), rtol=1e-5, atol=1e-4)
    assert scorer.score(frame, Y - Y.min()) == pytest.approx(reg.score(frame, Y - Y.min()))
    with pytest.raises(AttributeError, match="predicts numbers, not classes"):
        scorer.predict_proba(frame)
    if head == "quantiles":
        assert_allclose(scorer.predict_interval(frame), reg.predict_interval(frame), rtol=1e-4)
        assert_array_equal(scorer.quantiles_, LEVELS)
    else:
        with pytest.raises(AttributeError, match="`head='quantiles'`"):
            scorer.predict_interval(frame)


def test_a_mismatch_of_numbers_leaves_no_file(tmp_path, monkeypatch):
    reg = fit()
    monkeypatch.setattr(type(reg), "predict", lambda self, X: np.full(len(X), Y.mean()))
    with pytest.raises(ValueError, match="does not answer as the regressor does"):
        to_onnx(reg, tmp_path / "reg.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_numbers_is_a_teacher_and_may_be_rewritten(tmp_path):
    import onnx

    reg = fit()
    to_onnx(reg, tmp_path / "reg.onnx", quantize="int8")
    onnx.save(onnx.load(tmp_path / "reg.onnx"), tmp_path / "again.onnx")
    model = onnx.load(tmp_path / "reg.onnx")
    model.doc_string = "another tool was here"
    onnx.save(model, tmp_path / "again.onnx")
    scorer = Scorer(tmp_path / "again.onnx")
    assert_allclose(scorer.predict(X_NEW), reg.predict(X_NEW), atol=0.05 * Y.std())
    second = fit(scorer, alpha=0.0)
    assert np.corrcoef(second.predict(X_NEW), reg.predict(X_NEW))[0, 1] > 0.97
    for tensor in model.graph.initializer:  # a weight is changed: the answers are others
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float64 and values.size == 1 and abs(values.item()) > 1:
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * 2, tensor.name))
    onnx.save(model, tmp_path / "bad.onnx")
    with pytest.raises(ValueError, match="its predictions are off by up to"):
        Scorer(tmp_path / "bad.onnx")


@pytest.mark.parametrize("head", ["mean", "quantiles"])
@pytest.mark.parametrize("type_name", ["FloatTensorType", "DoubleTensorType"])
def test_a_pipeline_converts_by_skl2onnx(head, type_name):
    import onnxruntime
    import skl2onnx
    from skl2onnx.common import data_types

    register_skl2onnx_converter()
    model = make_pipeline(StandardScaler(), DistilledRegressor(Ridge(), head=head, **QUICK))
    rows = X.astype(np.float32)
    model.fit(rows, Y)
    kind = getattr(data_types, type_name)([None, 6])
    proto = skl2onnx.convert_sklearn(model, initial_types=[("X", kind)], target_opset=18)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    given = rows.astype(np.float32 if type_name.startswith("Float") else np.float64)
    (told,) = session.run(None, {"X": given})
    assert_allclose(told[:, 0], model.predict(rows), rtol=1e-4)


# --- parts ---


@pytest.mark.parametrize("levels", [None, LEVELS])
@pytest.mark.parametrize("response", [SquaredError(), Huber(0.3)], ids=str)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_gradient_is_that_of_autograd(levels, response, alpha):
    """With labels missing, and rows of other weights."""
    generator = torch.Generator().manual_seed(0)
    task = Regression(TargetScaler().fit(Y), levels)
    n = task.n_outputs
    outputs = torch.randn(40, n, generator=generator, dtype=torch.float64)
    label = torch.randn(40, 1, generator=generator, dtype=torch.float64)
    label[::3] = torch.nan
    target = {
        "label": label,
        "soft": torch.randn(40, n, generator=generator, dtype=torch.float64),
        "weight": torch.rand(40, generator=generator, dtype=torch.float64) + 0.5,
    }
    loss = DistillationLoss(task, response, [], 1.0, alpha).train()
    leaf = outputs.clone().requires_grad_()
    expected = loss(leaf, target)
    (gradient,) = torch.autograd.grad(expected, leaf)
    value, mine, _ = loss.value_and_gradients(outputs, target, {})
    assert_allclose(value, expected.detach())
    assert_allclose(mine, gradient, atol=1e-12)
    mixed = loss.mix(target)
    if levels is None and isinstance(response, Huber) is False:
        assert "mixed" in mixed
    _, blended, _ = loss.value_and_gradients(outputs, mixed, {})
    assert_allclose(blended, gradient, atol=1e-6)


def test_losses_are_those_of_numpy():
    task = Regression(TargetScaler().fit(Y), LEVELS)
    rng = np.random.default_rng(0)
    outputs, labels = np.sort(rng.normal(size=(30, 5)), axis=1), rng.normal(size=(30, 1))
    in_torch = task.hard_loss(torch.tensor(outputs), torch.tensor(labels))
    assert_allclose(in_torch, task.row_losses(outputs, labels))
    apart = labels - outputs
    levels = np.array(LEVELS)
    expected = 2 * np.where(apart > 0, levels * apart, (levels - 1) * apart).mean(axis=1)
    assert_allclose(task.row_losses(outputs, labels), expected)


def test_outputs_of_0_are_quantiles_of_a_normal_distribution():
    from scipy.stats import norm

    module = QuantileMLP(3, 5, hidden_layer_sizes=(4,), levels=LEVELS)
    assert_allclose(module.link(torch.zeros(1, 5))[0], norm.ppf(LEVELS), atol=1e-6)
    raw = 3 * torch.randn(200, 5)
    assert (module.link(raw).diff(dim=1) > 0).all()


def test_the_direct_pass_gives_the_gradients_of_quantiles():
    net = MLPStudent((8, 8)).make_net(100, regressor=True, levels=LEVELS)
    assert net.func is DirectRegressor if hasattr(net, "func") else type(net) is DirectRegressor
    from skdistill.student._pass import DirectPass

    torch.manual_seed(0)
    module = QuantileMLP(3, 5, hidden_layer_sizes=(8, 8), levels=LEVELS)
    direct = DirectPass(module)
    rows, wanted = torch.randn(20, 3), torch.randn(20, 5)
    told = module(rows)
    (told * wanted).sum().backward()
    expected = direct.flat.grad.clone()
    with torch.no_grad():
        assert_allclose(direct.forward(rows), told.detach(), atol=1e-6)
        direct.backward(wanted)
    assert_allclose(direct.flat.grad, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["identity", "log", "yeo-johnson"])
def test_a_scaler_goes_there_and_back(kind):
    y = np.random.default_rng(0).lognormal(size=(300, 2))
    scaler = TargetScaler(kind).fit(y)
    z = scaler.transform(y)
    assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    assert_allclose(z.std(axis=0), 1)
    assert_allclose(scaler.inverse_transform(z), y)
    constant = TargetScaler(kind).fit(np.ones(10))
    assert_allclose(constant.inverse_transform(constant.transform(np.ones(3))), 1.0)


def test_offsets_cover_each_level():
    task = Regression(TargetScaler().fit(Y), LEVELS)
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(999, 1))
    offset = task.offset_of(np.zeros((999, 5)), labels, np.ones(999))
    below = (labels <= offset).mean(axis=0)
    assert_allclose(below, LEVELS, atol=0.002)
    assert (below[3:] >= [0.8, 0.9]).all()


def test_weights_of_a_pool_prefer_the_better_teacher():
    rng = np.random.default_rng(0)
    bad = FrozenEstimator(Ridge().fit(X, rng.permutation(Y)))
    X_train, X_val, y_train, y_val = train_test_split(X, Y, random_state=0)
    pool = RegressorPool([Ridge(), bad]).fit(X_train, y_train)
    assert_allclose(pool.weights_, 0.5)
    pool.fit_weights(X_val, y_val)
    assert pool.weights_[0] > 0.8
    reg = fit([("good", Ridge()), ("bad", bad)], teacher_weights="auto", refit=False)
    assert reg.teacher_.weights_[0] > 0.7
