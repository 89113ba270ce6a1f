"""Reports and displays where the student tells numbers, or quantiles."""

import json

import numpy as np
import pytest
from sklearn.datasets import make_friedman1
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    DistillationReport,
    DistilledRegressor,
    FidelityDisplay,
    MLPStudent,
    QuantileDisplay,
    SegmentDisplay,
)
from skdistill.inspection._bootstrap import Resampling
from skdistill.inspection._number_answers import QuantileAnswers
from skdistill.inspection._sections import name_of
from skdistill.inspection._words import amount
from skdistill.metrics import crps, interval_coverage, score_and_choices

X, Y = make_friedman1(900, noise=0.5, random_state=0)
TRAIN, TEST = slice(0, 600), slice(600, 900)


def fit(y=Y, **params):
    student = MLPStudent((16,), n_steps=150)
    params = {"alpha": 0.3, "transfer": None, "random_state": 0} | params
    teacher = GradientBoostingRegressor(n_estimators=60, random_state=0)
    if y.ndim == 2:
        teacher = RandomForestRegressor(20, random_state=0)
    return DistilledRegressor(teacher, student, **params).fit(X[TRAIN], y[TRAIN])


def report_of(reg, y=Y, **params):
    params = {"speed": False, "n_bootstrap": 200, "random_state": 0} | params
    return DistillationReport.from_estimator(reg, X[TEST], y[TEST], **params)


@pytest.fixture(scope="module")
def mean():
    return fit()


@pytest.fixture(scope="module")
def control():
    return fit(alpha=1.0)


@pytest.fixture(scope="module")
def spread():
    return fit(head="quantiles")


@pytest.fixture(scope="module")
def reports(mean, control, spread):
    trained = {"X_train": X[TRAIN], "y_train": Y[TRAIN], "control": "fit"}
    return {
        "mean": report_of(mean, control=control, segments=[3]),
        "quantiles": report_of(spread, **trained, segments=[3]),
    }


def numbers(report, part, model, versus=None):
    table = report.to_frame()
    rows = table[(table["part"] == part) & (table["model"] == model)]
    rows = rows[rows["versus"].isna() if versus is None else rows["versus"] == versus]
    return rows.set_index("metric")["value"].to_dict()


def test_scores_are_scikit_learns(reports, mean):
    found = numbers(reports["mean"], "scores", "student")
    told = mean.predict(X[TEST])
    assert list(found) == ["rmse", "mae", "r2"]
    assert found["rmse"] == pytest.approx(root_mean_squared_error(Y[TEST], told))
    assert found["mae"] == pytest.approx(mean_absolute_error(Y[TEST], told))
    assert found["r2"] == pytest.approx(r2_score(Y[TEST], told))
    near = numbers(reports["mean"], "fidelity", "student", "teacher")
    teacher = mean.teacher_.predict(X[TEST])
    assert near["rmse_to_teacher"] == pytest.approx(root_mean_squared_error(teacher, told))
    assert near["r2_to_teacher"] == pytest.approx(r2_score(teacher, told))
    assert near["largest_gap"] == pytest.approx(np.abs(teacher - told).max())


def test_weights_are_repetitions(mean):
    weight = np.arange(300) % 3
    found = report_of(mean, sample_weight=weight)
    score = r2_score(Y[TEST], mean.predict(X[TEST]), sample_weight=weight)
    assert numbers(found, "scores", "student")["r2"] == pytest.approx(score)


def test_scores_of_quantiles(reports, spread):
    found = numbers(reports["quantiles"], "scores", "student")
    told, levels = spread.predict_quantiles(X[TEST]), spread.quantiles_
    assert found["crps"] == pytest.approx(crps(Y[TEST], told, levels))
    assert found["mae"] == pytest.approx(mean_absolute_error(Y[TEST], spread.predict(X[TEST])))
    interval = spread.predict_interval(X[TEST], 0.9)
    assert found["coverage_90"] == pytest.approx(interval_coverage(Y[TEST], interval))
    assert found["width_90"] == pytest.approx(np.diff(interval).mean())
    assert {"coverage_80", "width_80"} < set(found)


def test_a_teacher_without_quantiles_has_those_that_the_student_learned(reports, spread):
    assert spread.teacher_spread_ is not None
    covered = numbers(reports["quantiles"], "scores", "teacher")["coverage_80"]
    assert 0.7 < covered < 0.9
    near = numbers(reports["quantiles"], "fidelity", "student", "teacher")
    assert 0 < near["rmse_to_teacher"] < Y.std()
    light = spread.without_teacher()
    assert light.teacher_spread_ is None
    np.testing.assert_array_equal(light.predict(X[:9]), spread.predict(X[:9]))


def test_narrow_levels_have_one_interval():
    told = np.tile([-1.0, 0.0, 1.0], (40, 1))
    y, levels = np.linspace(-2, 2, 40)[:, None], np.array([0.25, 0.5, 0.75])
    answers = QuantileAnswers(y, np.ones(40), {"student": told}, np.ones(1), levels)
    found = answers.score("student", Resampling(0, 0)).values
    assert found["coverage_50"] == pytest.approx(0.5)
    assert found["width_50"] == 2
    assert list(found) == ["crps", "mae", "coverage_50", "width_50"]
    assert name_of("coverage_50") == "coverage of 50 % intervals"


def test_retained_gain_and_verdict(reports, mean, control):
    report = reports["mean"]
    of = {name: numbers(report, "scores", name)["rmse"] for name in ("student", "teacher")}
    without = root_mean_squared_error(Y[TEST], control.predict(X[TEST]))
    kept = numbers(report, "retained gain", "student")
    expected = (without - of["student"]) / (without - of["teacher"])
    assert kept == {"rmse": pytest.approx(expected)}
    assert report.verdict.answer in ("serve the student", "keep the teacher")
    assert any("student against the control: RMSE" in one for one in report.verdict.reasons)


def test_segments(reports, mean, control):
    table = reports["mean"].to_frame()
    segments = table[(table["part"] == "segments") & (table["model"] == "student")]
    first = segments[segments["level"] == segments["level"].iloc[0]]
    edge = np.quantile(X[TEST][:, 3], 0.25)
    rows = X[TEST][:, 3] <= edge
    losses = {
        name: root_mean_squared_error(Y[TEST][rows], model.predict(X[TEST][rows]))
        for name, model in {"s": mean, "c": control, "t": mean.teacher_}.items()
    }
    alone = first[first["versus"].isna()].set_index("metric")["value"]
    assert alone["rmse"] == pytest.approx(losses["s"])
    kept = (losses["c"] - losses["s"]) / (losses["c"] - losses["t"])
    assert alone["retained_gain"] == pytest.approx(kept)
    assert "RMSE less another's, ± one standard error, and the share" in str(reports["mean"])


def test_several_targets_are_told_apart():
    y = np.column_stack([Y, 1000 * X[:, 0]])
    found = report_of(fit(y), y)
    table = found.to_frame()
    targets = table[(table["part"] == "targets") & (table["metric"] == "rmse")]
    assert set(targets["level"]) == {"0", "1"}
    targets = targets[(targets["model"] == "student") & targets["versus"].isna()]
    scaled = targets["value"].to_numpy() / y[TEST].std(axis=0)
    assert numbers(found, "scores", "student")["rmse"] == pytest.approx(scaled.mean())
    assert "2 targets, each divided by its standard deviation" in str(found)
    assert "Targets\n-------" in str(found)


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_text_json_and_page(reports, head, tmp_path):
    report = reports[head]
    for word in ("Scores", "Retained gain", "Segments", "What the fit chose", "It learned y"):
        assert word in str(report)
    assert json.loads(json.dumps(report.to_dict()))["n_targets"] == 1
    page = report.to_html(tmp_path / "report.html").read_text()
    shown = {"mean": "residuals", "quantiles": "quantiles"}[head]
    for plot in (shown, "fidelity", "segments", "history"):
        assert f'aria-label="{plot}"' in page


def test_amounts_have_the_decimals_of_their_size():
    text = str(report_of(fit(Y * 1e5), Y * 1e5))
    assert "e+" not in text
    assert ".0000 [" not in text


def test_frozen_control_and_compiled_teacher(mean):
    linear = LinearRegression().fit(X[TRAIN], Y[TRAIN])
    found = report_of(mean, control=linear, compiled_teacher=mean.teacher_.predict)
    assert numbers(found, "scores", "control")["rmse"] > numbers(found, "scores", "teacher")["rmse"]
    assert numbers(found, "fidelity", "compiled teacher", "teacher")["largest_gap"] == 0


def test_the_teacher_is_kept_where_student_and_control_are_poor():
    reg = DistilledRegressor(
        GradientBoostingRegressor(random_state=0), MLPStudent((2,), n_steps=5), random_state=0
    ).fit(X[TRAIN], Y[TRAIN])
    dummy = DummyRegressor().fit(X[TRAIN], Y[TRAIN])
    assert report_of(reg, control=dummy).verdict.answer == "keep the teacher"


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"control": LinearRegression()}, ValueError, "`control` is not fitted"),
        ({"control": StandardScaler()}, TypeError, "`control` must have predict,"),
        ({"compiled_teacher": 3}, TypeError, "`compiled_teacher` must have predict,"),
        ({"control": "fit"}, ValueError, "`control='fit'` trains"),
    ],
)
def test_what_cannot_be_compared_is_refused(mean, params, error, text):
    with pytest.raises(error, match=text):
        report_of(mean, **params)


def test_a_control_without_quantiles_is_refused(spread):
    linear = LinearRegression().fit(X[TRAIN], Y[TRAIN])
    with pytest.raises(ValueError, match=r"`control` tells 1 number\(s\) .* 19 quantiles"):
        report_of(spread, control=linear)


def test_truth_of_another_shape_is_refused(mean):
    with pytest.raises(ValueError, match=r"`y` has 2 target\(s\), but the student tells 1"):
        report_of(mean, np.column_stack([Y, Y]))
    with pytest.raises(ValueError, match="lacks 300 of 300"):
        report_of(mean, np.full(900, np.nan))


def test_quantile_display(spread, mean, ax):
    display = QuantileDisplay.from_estimator(spread, X[TEST], Y[TEST], ax=ax)
    told = spread.predict_quantiles(X[TEST])
    np.testing.assert_allclose(display.shares, (Y[TEST][:, None] <= told).mean(axis=0))
    np.testing.assert_array_equal(display.line_.get_xdata(), spread.quantiles_)
    with pytest.raises(ValueError, match="tells no quantiles"):
        QuantileDisplay.from_estimator(mean, X[TEST], Y[TEST], ax=ax)
    with pytest.raises(ValueError, match="for each of the 19 columns"):
        QuantileDisplay.from_predictions(Y[TEST], told, [0.5], ax=ax)


def test_fidelity_of_numbers_and_medians(mean, spread, ax):
    display = FidelityDisplay.from_estimator(mean, X[TEST], ax=ax)
    np.testing.assert_allclose(display.teacher_prob, mean.teacher_.predict(X[TEST]))
    np.testing.assert_allclose(display.student_prob, mean.predict(X[TEST]))
    assert display.ax_.get_xlabel() == "teacher: number"
    medians = FidelityDisplay.from_estimator(spread, X[TEST], ax=ax).student_prob
    np.testing.assert_allclose(medians, spread.predict(X[TEST]))


def test_segments_of_a_pipeline(ax):
    inner = DistilledRegressor(LinearRegression(), MLPStudent((4,), n_steps=20), random_state=0)
    pipe = make_pipeline(StandardScaler(), inner).fit(X[TRAIN], Y[TRAIN])
    display = SegmentDisplay.from_estimator(pipe, X[TEST], Y[TEST], segments=[0], ax=ax)
    assert display.ax_.get_xlabel() == "RMSE"
    assert set(display.segments["model"]) == {"teacher", "student"}


def test_crps_of_a_known_distribution():
    levels = np.arange(1, 100) / 100
    told = np.tile(levels, (2, 1))  # uniform on [0, 1]: 1/3 - y + y^2 for y inside
    assert crps([0.5, 0.5], told, levels) == pytest.approx(1 / 12, rel=0.03)
    assert crps([0.0, 0.5], told, levels, sample_weight=[0, 1]) == pytest.approx(1 / 12, rel=0.03)
    with pytest.raises(ValueError, match="a level in \\(0, 1\\) for each of the 99 columns"):
        crps([0.5, 0.5], told, [0.5])
    with pytest.raises(ValueError, match="2 columns"):
        interval_coverage([0.5, 0.5], told)


def test_a_scorer_tells_what_a_regressor_chose(mean):
    found = score_and_choices("r2")(mean, X[TEST], Y[TEST])
    assert found["score"] == pytest.approx(mean.score(X[TEST], Y[TEST]))
    assert (found["alpha"], found["temperature"]) == (0.3, 1.0)


def test_rows_that_weigh_nothing_change_nothing(mean):
    weight = (np.arange(300) < 200) * 1.0
    y = np.where(np.arange(900) < 800, Y, 1e9)
    found = numbers(report_of(mean, y, sample_weight=weight), "scores", "student")
    told, true = mean.predict(X[TEST])[:200], Y[TEST][:200]
    assert found["r2"] == pytest.approx(r2_score(true, told))


def test_the_control_may_be_a_model_of_another_library(mean):
    xgboost = pytest.importorskip("xgboost")
    levels = [0.1, 0.5, 0.9]
    params = {"objective": "reg:quantileerror", "quantile_alpha": levels, "n_estimators": 5}
    model = xgboost.XGBRegressor(**params).fit(X[TRAIN], Y[TRAIN])
    found = numbers(report_of(mean, control=model.get_booster()), "scores", "control")
    median = np.sort(model.predict(X[TEST]), axis=1)[:, 1]  # they may cross
    assert found["mae"] == pytest.approx(mean_absolute_error(Y[TEST], median))


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (0.1234567, None, "0.1235"),
        (123.456, None, "123.5"),
        (1e-9, None, "1.000e-09"),
        (1.5, 1e-13, "1.5000"),
        (2e10, None, "2.000e+10"),
        (0.0, None, "0.0000"),
    ],
)
def test_amounts(value, scale, text):
    assert amount(value, scale) == text


def test_metrics_refuse_what_is_no_number():
    with pytest.raises(ValueError, match="y_true contains NaN"):
        crps([0.0, np.nan], [[0, 1], [0, 1]], [0.2, 0.8])
    with pytest.raises(ValueError, match="y_true contains NaN"):
        interval_coverage([0.5, np.nan], [[0, 1], [0, 1]])
    with pytest.raises(ValueError, match="a lower end and then an upper one"):
        interval_coverage([0.5], [[1.0, 0.0]])
    assert interval_coverage([0.5], [[-np.inf, 0.5]]) == 1


def test_weights_in_a_quantile_display(ax):
    display = QuantileDisplay.from_predictions(
        [0.0, 5.0], [[1.0, 2.0], [1.0, 2.0]], [0.2, 0.8], sample_weight=[3, 1], ax=ax
    )
    np.testing.assert_allclose(display.shares, [0.75, 0.75])


def test_fidelity_of_several_targets_is_in_their_units(ax):
    reg = fit(np.column_stack([Y, 1e6 * X[:, 0]]))
    display = FidelityDisplay.from_estimator(reg, X[TEST], ax=ax)
    assert np.ptp(display.teacher_prob) < 50
    with pytest.raises(ValueError, match="finite numbers"):
        FidelityDisplay.from_predictions([1.0, np.nan], [1.0, 2.0], ax=ax)
