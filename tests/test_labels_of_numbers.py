"""What a student of numbers learns: gross errors in y, and a teacher outside its range."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import make_friedman1
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import mean_absolute_error

from skdistill import DistillationReport, DistilledRegressor, MLPStudent, TargetScaler
from skdistill.task import Regression

X, TRUE = make_friedman1(700, noise=0.5, random_state=0)
WRONG = np.arange(700) % 20 == 0
Y = np.where(WRONG, TRUE + 80, TRUE)


def fit(tolerance, **params):
    params = {"transfer": None, "alpha": 0.7, "random_state": 0} | params
    teacher = GradientBoostingRegressor(loss="huber", n_estimators=60, random_state=0)
    student = MLPStudent((16,), n_steps=150)
    return DistilledRegressor(teacher, student, label_tolerance=tolerance, **params).fit(X, Y)


def test_labels_are_brought_to_a_distance():
    task = Regression(TargetScaler().fit(np.arange(9.0)))
    soft, labels = np.zeros((5, 1)), np.array([[-1.0], [1.0], [-2.0], [2.0], [90.0]])
    tempered = task.tempered(labels, soft, np.ones(5), 3.0)
    np.testing.assert_array_equal(tempered[:, 0], [-1, 1, -2, 2, 6])
    quantiles = Regression(task.scaler, (0.25, 0.5, 0.75))
    told = np.tile([-5.0, 0.0, 7.0], (5, 1))
    np.testing.assert_array_equal(quantiles.tempered(labels, told, np.ones(5), 3.0), tempered)


def test_rows_count_as_they_weigh_and_exact_ones_not_at_all():
    task = Regression(TargetScaler().fit(np.arange(9.0)))
    labels = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [8.0], [8.0], [8.0]])
    weight = np.array([1, 1, 1, 1, 1, 0.1, 0.1, 0.1])
    found = task.tempered(labels, np.zeros((8, 1)), weight, 3.0)
    np.testing.assert_array_equal(found[:, 0], [0, 0, 0, 1, 1, 3, 3, 3])


def test_gross_errors_do_less_harm():
    plain, careful = fit(None, cv=5), fit(3.0)
    assert careful.cv_ == 5
    errors = [mean_absolute_error(TRUE, reg.predict(X)) for reg in (plain, careful)]
    assert errors[1] < 0.9 * errors[0]


def test_a_wide_tolerance_changes_nothing():
    np.testing.assert_array_equal(fit(None, cv=5).predict(X), fit(1e9).predict(X))


def test_it_needs_labels_out_of_fold():
    with pytest.raises(ValueError, match=r"`label_tolerance=3.0` .* `cv` is None: give cv=5"):
        fit(3.0, cv=None)
    with pytest.raises(
        ValueError, match="label_tolerance.*greater than 0|label_tolerance.*must be"
    ):
        fit(-1.0)
    frozen = FrozenEstimator(RandomForestRegressor(5).fit(X, Y))
    with pytest.raises(ValueError, match="`cv`"):
        DistilledRegressor(frozen, label_tolerance=3.0).fit(X, Y)
    with pytest.raises(ValueError, match=r"`label_tolerance=3.0` asks the teacher, but `alpha=1`"):
        fit(3.0, alpha=1)


def test_the_rows_held_out_are_judged_alike():
    """The student that does not follow the errors is not worse for them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, careful = fit(None, alpha="auto", cv=5), fit(3.0, alpha="auto")
    kept = {reg: next(one for one in reg.trials_ if one["is_kept"]) for reg in (plain, careful)}
    assert kept[careful]["squared_error"] < kept[plain]["squared_error"]
    assert "labels brought nearer to the teacher's answers" in careful.decision_
    errors = [mean_absolute_error(TRUE, reg.predict(X)) for reg in (plain, careful)]
    assert errors[1] < errors[0]


def test_a_report_trains_a_control_that_asks_nobody():
    report = DistillationReport.from_estimator(
        fit(3.0), X, TRUE, control="fit", X_train=X, y_train=Y, speed=False, random_state=0
    )
    assert "control" in set(report.to_frame()["model"])


@pytest.mark.parametrize("kind", ["log", "yeo-johnson"])
def test_under_a_power_a_teacher_stays_in_the_range_of_y(kind):
    scaler = TargetScaler(kind).fit([0.0, 9.0, 99.0])
    told = np.array([[-1e5], [9.0], [1e5]])
    found = Regression(scaler).soft_of(told)
    np.testing.assert_allclose(found, scaler.transform([0.0, 9.0, 99.0]))
    plain = Regression(TargetScaler().fit([0.0, 9.0, 99.0]))
    np.testing.assert_allclose(plain.decode(plain.soft_of(told)), told[:, 0])
