"""A fitted student trained on new rows by the same teacher, and what is said of the change."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    TRUSTED_TYPES,
    DistillationReport,
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    Munge,
)
from skdistill.metrics import kl_divergence, prediction_churn, total_variation

SMALL = MLPStudent((32,), n_steps=600)


def rows(n_rows, shift, seed):
    """Rows whose first column moves; the truth of a row does not."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    X[:, 0] += shift
    z = 2 * np.sin(2 * X[:, 0]) + X[:, 1]
    return X, (z + 0.3 * rng.logistic(size=n_rows) > 0).astype(int), z


X, Y, Z = rows(900, 0, 0)
X_NEW, Y_NEW, Z_NEW = rows(900, 3, 1)
X_TEST, Y_TEST, Z_TEST = rows(2000, 3, 2)


class Truth:
    """A teacher that knows the truth of every row."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-(2 * np.sin(2 * X[:, 0]) + X[:, 1]) / 0.3))
        return np.column_stack([1 - p, p])


class NumberTruth:
    def predict(self, X):
        return 2 * np.sin(2 * X[:, 0]) + X[:, 1]


def make(teacher=None, **params):
    params = {"transfer": Munge(size=2), "alpha": 0.3, "random_state": 0} | params
    teacher = FrozenEstimator(Truth()) if teacher is None else teacher
    return DistilledClassifier(teacher, SMALL, **params)


@pytest.fixture(scope="module")
def stored():
    return pickle.dumps(make().fit(X, Y))


@pytest.fixture(scope="module")
def stored_regressor():
    reg = DistilledRegressor(FrozenEstimator(NumberTruth()), SMALL, alpha=0.3, random_state=0)
    return pickle.dumps(reg.set_params(transfer=Munge(size=2)).fit(X, Z))


@pytest.fixture
def clf(stored):
    return pickle.loads(stored)


@pytest.fixture
def reg(stored_regressor):
    return pickle.loads(stored_regressor)


@pytest.fixture
def compared(monkeypatch):
    """The estimators and the rows that a refresh compares."""
    import skdistill._fit.refresh as home

    seen, compare = {}, home.compare

    def spy(old, new, train, test, tolerance):
        seen.update(old=pickle.loads(pickle.dumps(old)), new=new, train=train, test=test)
        return compare(old, new, train, test, tolerance)

    monkeypatch.setattr(home, "compare", spy)
    return seen


@pytest.mark.parametrize("y", [Y_NEW, None], ids=["labels", "teacher alone"])
def test_the_student_is_better_on_new_rows(clf, y):
    before, teacher, encoder = clf.predict_proba(X_TEST), clf.teacher_, clf.encoder_
    assert clf.refresh(X_NEW, y) is clf
    assert clf.teacher_ is teacher
    assert clf.encoder_ is encoder
    after = clf.predict_proba(X_TEST)
    assert log_loss(Y_TEST, after) < 0.6 * log_loss(Y_TEST, before)
    found = clf.refresh_
    assert found.is_kept
    assert found.n_rows + found.n_rows_held_out == 900
    assert found.loss_after + 3 * found.standard_error < found.loss_before
    assert "on 180 new rows that neither student learned from" in clf.decision_
    assert clf.get_params()["warm_start"] is False


def test_no_teacher_is_fitted(monkeypatch):
    clf = make(DecisionTreeClassifier(max_depth=4), cv=3, refit=False).fit(X, Y)
    gap = clf.leak_gap_
    monkeypatch.setattr(DecisionTreeClassifier, "fit", None)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*goes on with other rows")
        clf.refresh(X_NEW, Y_NEW)
    assert clf.cv_ is None
    assert clf.leak_gap_ == gap


def test_numbers_are_those_of_the_rows_held_out(clf, compared):
    weight = np.random.default_rng(0).uniform(0.5, 2, 900)
    clf.refresh(X_NEW, Y_NEW, sample_weight=weight)
    test, found = compared["test"], clf.refresh_
    p, q = (compared[who].predict_proba(test.X) for who in ("old", "new"))
    weight = {"sample_weight": test.sample_weight}
    flipped = p.argmax(axis=1) != q.argmax(axis=1)
    share = weight["sample_weight"] / weight["sample_weight"].sum()
    assert found.flip_rate == pytest.approx(share[flipped].sum())
    assert found.drift == pytest.approx(share @ np.abs(p[:, 1] - q[:, 1]))
    assert found.loss_before == pytest.approx(log_loss(test.y, p, **weight), rel=1e-4)
    assert found.loss_after == pytest.approx(log_loss(test.y, q, **weight), rel=1e-4)
    shared = pd.merge(pd.DataFrame(compared["train"].X), pd.DataFrame(test.X))
    assert shared.empty
    assert_array_equal(clf.predict_proba(X_TEST), compared["new"].predict_proba(X_TEST))


def test_without_labels_the_loss_is_the_distance_from_the_teacher(clf, compared):
    clf.refresh(X_NEW)
    test = compared["test"]
    truth = Truth().predict_proba(test.X)
    for who, loss in (("old", clf.refresh_.loss_before), ("new", clf.refresh_.loss_after)):
        assert loss == pytest.approx(
            kl_divergence(truth, compared[who].predict_proba(test.X)), rel=1e-3
        )
    assert clf.refresh_.loss_name == "KL divergence from the teacher"


def test_numbers_move(reg, compared):
    before, teacher = mean_squared_error(Z_TEST, reg.predict(X_TEST)), reg.teacher_
    reg.refresh(X_NEW, Z_NEW, tolerance=0.5)
    assert reg.teacher_ is teacher
    assert mean_squared_error(Z_TEST, reg.predict(X_TEST)) < 0.5 * before
    p, q = (compared[who].predict(compared["test"].X) for who in ("old", "new"))
    assert reg.refresh_.tolerance == (0.5,)
    assert reg.refresh_.flip_rate == pytest.approx(np.mean(np.abs(p - q) > 0.5))
    assert reg.refresh_.drift == pytest.approx(mean_absolute_error(p, q))
    reg.refresh(X_NEW)
    p = compared["old"].predict(compared["test"].X)
    assert reg.refresh_.tolerance == pytest.approx((p.std() / 10,))
    assert reg.refresh_.loss_name == "squared distance from the teacher"


@pytest.mark.parametrize("y", [Z_NEW, None], ids=["labels", "teacher alone"])
def test_quantiles_keep_the_spread_of_the_teacher(y):
    noise = np.random.default_rng(0).normal(size=200)
    reg = DistilledRegressor(LinearRegression(), SMALL, head="quantiles", quantiles=3)
    reg.set_params(transfer=None, random_state=0).fit(X[:200], Z[:200] + noise)
    spread, offset = reg.teacher_spread_, reg.quantile_offset_
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not calibrated")
        reg.refresh(X_NEW[:200], None if y is None else y[:200] + noise)
    assert reg.teacher_spread_ is spread
    assert (y is None) == np.array_equal(reg.quantile_offset_, offset)
    assert np.isfinite([reg.refresh_.drift, reg.refresh_.loss_after]).all()


def test_several_targets():
    targets = np.column_stack([Z, 100 * X[:, 1]])
    reg = DistilledRegressor(LinearRegression(), SMALL, transfer=None, random_state=0)
    reg.fit(X, targets).refresh(X_NEW, np.column_stack([Z_NEW, 100 * X_NEW[:, 1]]))
    assert len(reg.refresh_.tolerance) == 2
    assert reg.refresh_.tolerance[1] > 10 * reg.refresh_.tolerance[0]


def test_a_worse_student_is_told_of_and_not_used(clf):
    before, decision = clf.predict_proba(X), clf.decision_
    clf.set_params(alpha=1.0, student__n_steps=3000, transfer=None)  # learns 30 rows by heart
    with pytest.warns(UserWarning, match="DistilledClassifier: the refreshed student is clearly"):
        clf.refresh(X[:600], Y[:600], test_size=0.95)
    assert not clf.refresh_.is_kept
    assert clf.refresh_.loss_after > clf.refresh_.loss_before
    assert_array_equal(clf.predict_proba(X), before)
    assert clf.decision_.startswith(f"{decision}; a refresh was worse and is not used: ")


def test_calibration_stays_where_there_is_nothing_to_calibrate_by(clf):
    clf.calibration_temperature_ = 1.7
    assert pickle.loads(pickle.dumps(clf)).refresh(X_NEW).calibration_temperature_ == 1.7
    assert clf.refresh(X_NEW[:300], Y_NEW[:300]).calibration_temperature_ == 1.7  # none held out
    assert clf.refresh(X_NEW, Y_NEW).calibration_temperature_ != 1.7
    clf.set_params(calibrate=True).refresh(X_NEW)


def test_groups_are_not_split(clf, compared):
    groups = np.arange(900) // 9
    clf.refresh(X_NEW, Y_NEW, groups=groups)
    train, test = (compared[one].groups for one in ("train", "test"))
    assert not set(train) & set(test)
    assert len(set(test)) == 20
    with pytest.raises(ValueError, match="leaves no group to compare the students on"):
        clf.refresh(X_NEW, Y_NEW, groups=np.zeros(900))


def test_new_levels_and_missing_values_are_taken_as_at_predict():
    table = pd.DataFrame({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "u", "v")})
    forest = FrozenEstimator(_LevelsIgnored().fit(table, Y))
    clf = make(forest, transfer=None).fit(table, Y)
    new = pd.DataFrame({"a": X_NEW[:, 0], "b": np.where(X_NEW[:, 1] > 0, "u", "w")})
    new.iloc[:50, 0] = np.nan
    clf.refresh(new, Y_NEW)
    assert np.isfinite(clf.predict_proba(new)).all()
    assert "w" not in clf.encoder_.get_feature_names_out().tolist()
    with pytest.raises(ValueError, match="feature names should match"):
        clf.refresh(new.rename(columns={"a": "c"}), Y_NEW)


class _LevelsIgnored(RandomForestClassifier):
    def fit(self, X, y):
        return super().fit(X[["a"]].to_numpy(), y)

    def predict_proba(self, X):
        return super().predict_proba(np.nan_to_num(X[["a"]].to_numpy()))


@pytest.mark.parametrize(
    ("changed", "arguments", "error"),
    [
        ({}, {"y": Y_NEW + 1}, r"labels \[2\] that are not in classes_ .* or fit on them"),
        ({}, {"X": X_NEW[:, :2]}, "X has 2 features"),
        ({}, {"y": Y_NEW[:-1]}, "inconsistent numbers of samples"),
        ({}, {"test_size": 1.0}, r"`test_size` must be a number in \(0, 1\), got 1.0"),
        ({}, {"X": X_NEW[:2], "y": None}, "of 2 new row.* give more rows"),
        ({}, {"tolerance": 0.1}, "`tolerance=0.1` is for numbers"),
        ({"teacher": LinearRegression()}, {}, "`refresh` keeps .* another `teacher`.* `fit` again"),
        ({"encoder": "passthrough"}, {}, "`refresh` keeps .* cannot follow another `encoder`"),
        ({"student__hidden_layer_sizes": (8,)}, {}, "`refresh`, goes on from the weights of ano"),
        ({"validation_fraction": [(0, 1)]}, {}, "`validation_fraction` is a list of splits"),
    ],
    ids=str,
)
def test_errors(clf, changed, arguments, error):
    before = clf.predict_proba(X)
    clf.set_params(**changed)
    with pytest.raises(ValueError, match=error):
        clf.refresh(**{"X": X_NEW, "y": Y_NEW, **arguments})
    assert_array_equal(clf.predict_proba(X), before)
    assert not hasattr(clf, "refresh_")


def test_it_needs_a_fit_and_a_teacher(clf):
    with pytest.raises(NotFittedError):
        make().refresh(X, Y)
    with pytest.raises(ValueError, match="`teacher_` is None: .* `without_teacher.*or `fit` again"):
        clf.without_teacher().refresh(X_NEW, Y_NEW)


def test_tolerance_is_checked_before_the_training(reg, on_training):
    on_training(lambda training, run: pytest.fail("trained"))
    with pytest.raises(ValueError, match="`tolerance` must be a finite number >= 0"):
        reg.refresh(X_NEW, Z_NEW, tolerance=-1)
    with pytest.raises(ValueError, match="`y` has 2 targets, but there are 1"):
        reg.refresh(X_NEW, np.column_stack([Z_NEW, Z_NEW]))


def test_it_is_stored_and_forgotten_by_the_next_fit(clf):
    clf.refresh(X_NEW, Y_NEW)
    assert pickle.loads(pickle.dumps(clf)).refresh_ == clf.refresh_
    light = skops.io.dumps(clf.without_teacher())
    assert skops.io.loads(light, trusted=TRUSTED_TYPES).refresh_ == clf.refresh_
    assert not hasattr(clf.fit(X, Y), "refresh_")
    clf.refresh(X_NEW, Y_NEW).set_params(warm_start=True)
    assert not hasattr(clf.fit(X, Y), "refresh_")


def test_one_seed_gives_one_student(stored):
    one, two = (pickle.loads(stored).refresh(X_NEW, Y_NEW) for _ in range(2))
    assert_allclose(one.predict_proba(X_TEST), two.predict_proba(X_TEST), atol=1e-6)
    assert one.refresh_ == two.refresh_


def report_of(new, old, y, **params):
    params = {"speed": False, "n_bootstrap": 200, "random_state": 0} | params
    return DistillationReport.from_estimator(new, X_TEST, y, previous=old, **params)


def changes(report, column=None):
    table = report.to_frame().query("part == 'changes'")
    if column is None:
        return table[table["column"].isna()].set_index("metric")
    return table[table["column"] == column]


def test_a_report_compares_old_and_new(stored):
    old, new = pickle.loads(stored), pickle.loads(stored).refresh(X_NEW, Y_NEW)
    report = report_of(new, old, Y_TEST, segments=[1])
    found = changes(report)
    p, q = old.predict_proba(X_TEST), new.predict_proba(X_TEST)
    assert found["value"]["churn"] == prediction_churn(old.predict(X_TEST), new.predict(X_TEST))
    assert found["value"]["total_variation"] == pytest.approx(total_variation(p, q))
    less = log_loss(Y_TEST, q) - log_loss(Y_TEST, p)
    assert found["value"]["log_loss"] == pytest.approx(less)
    assert (found["low"] < found["value"]).all()
    assert (found["value"] < found["high"]).all()
    for column in ("class", "1"):
        parts = changes(report, column).query("metric == 'churn'")
        whole = np.average(parts["value"], weights=parts["n_rows"])
        assert whole == pytest.approx(found["value"]["churn"])
    text = str(report)
    assert "Changes from the previous student" in text
    assert "student - previous student" in text
    nothing = changes(report_of(new, new, Y_TEST))["value"]
    assert nothing.tolist() == [0, 0, 0]


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_a_report_of_numbers_states_how_far_they_may_move(head, stored_regressor):
    old = pickle.loads(stored_regressor)
    if head == "quantiles":
        old.set_params(head=head, quantiles=3).fit(X, Z)
    new = pickle.loads(pickle.dumps(old)).refresh(X_NEW, Z_NEW)
    found = changes(report_of(new, old, Z_TEST))
    p, q = old.predict(X_TEST), new.predict(X_TEST)
    assert found["value"]["churn"] == np.mean(np.abs(p - q) > 0.1 * p.std())
    assert f"{0.1 * p.std():.4f}" in found["note"]["churn"]
    if head == "quantiles":
        p, q = old.predict_quantiles(X_TEST), new.predict_quantiles(X_TEST)
    assert found["value"]["mean_move"] == pytest.approx(np.abs(p - q).mean())
    assert "Of all rows, a number has changed if" in str(report_of(new, old, Z_TEST))


def test_a_report_refuses_another_kind_of_student(clf, reg):
    with pytest.raises(TypeError, match="`previous` is a DistilledRegressor, but `estimator` a"):
        report_of(clf, reg, Y_TEST)
    with pytest.raises(TypeError, match="`previous` must be a fitted DistilledClassifier"):
        report_of(clf, LinearRegression(), Y_TEST)


def test_measures_by_hand():
    assert prediction_churn(["a", "b", "c"], ["a", "c", "c"], sample_weight=[1, 2, 1]) == 0.5
    pair = [[0.0, 0.0], [1.0, 5.0], [0.0, 0.0]], [[0.05, 0.0], [1.0, 6.5], [0.3, 0.5]]
    assert prediction_churn(*pair, tolerance=0.1) == pytest.approx(2 / 3)
    assert prediction_churn(*pair, tolerance=[0.4, 1.0]) == pytest.approx(1 / 3)
    assert total_variation([[0.2, 0.3, 0.5]], [[0.5, 0.3, 0.2]]) == pytest.approx(0.3)
    assert total_variation([0.2, 0.4], [0.5, 0.4], sample_weight=[3, 1]) == pytest.approx(0.225)


@pytest.mark.parametrize(
    ("y_old", "y_new", "tolerance", "error"),
    [
        ([0, 1], [0, 1, 1], None, r"must have one shape.* got \(2,\) and \(3,\)"),
        (
            [0.0, 1.0],
            [0.0, 1.0],
            [1.0, 2.0],
            r"one for each of the 1 target\(s\), got \[1.0, 2.0\]",
        ),
        ([0.0, 1.0], [0.0, np.nan], 0.1, "y_new contains NaN"),
    ],
)
def test_churn_refuses(y_old, y_new, tolerance, error):
    with pytest.raises(ValueError, match=error):
        prediction_churn(y_old, y_new, tolerance=tolerance)
    with pytest.raises(ValueError, match="`old_prob` and `new_prob` must have one shape"):
        total_variation([0.1, 0.2], [0.1])
