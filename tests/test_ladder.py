"""A ladder of sizes: what judges it, what it keeps, and where it fits in."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from shared import make_frame
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import skdistill._ladder.files as files
from skdistill import (
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    ParetoDisplay,
    Scorer,
    StudentLadder,
    to_onnx,
)
from skdistill._ladder.rungs import settled_by

X, Y = make_classification(300, 6, n_informative=4, random_state=0)
QUICK = MLPStudent(n_steps=150)
SIZES = [(8,), (32, 32)]


def distiller(teacher=None, **params):
    params = {"student": QUICK, "transfer": None, "random_state": 0} | params
    return DistilledClassifier(LogisticRegression() if teacher is None else teacher, **params)


def regressor(**params):
    params = {"student": QUICK, "transfer": None, "random_state": 0} | params
    return DistilledRegressor(LinearRegression(), **params)


@pytest.fixture(scope="module")
def fitted():
    return StudentLadder(distiller(), SIZES).fit(X, Y)


# --- scikit-learn's checks ---

CHECKED = [
    StudentLadder(
        distiller(student=MLPStudent(n_steps=60), refit=False), [(32,), (24,)], quantize=False
    ),
    StudentLadder(regressor(student=MLPStudent(n_steps=100)), [(32,)], quantize=False),
]


@pytest.fixture(autouse=True)
def _few_calls(request, monkeypatch):
    """The checks fit often; how long files take is nothing to them."""
    if "scikit_learn" in request.node.name:
        monkeypatch.setattr(files, "TURNS", 1)
        monkeypatch.setattr("skdistill.inspection._costs.SINGLE_CALLS", 5)
        monkeypatch.setattr("skdistill.inspection._costs.BATCH_CALLS", 1)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(CHECKED)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# --- what judges ---


def test_every_rung_is_judged_by_its_file_on_rows_that_it_was_not_trained_on():
    """Asked again by hand, the rows held out give the loss that the ladder shows."""
    rows = np.arange(300)
    train, test = rows[:200], rows[200:]
    clf = distiller(validation_fraction=[(train, test)], alpha=0.3, calibrate=False)
    ladder = StudentLadder(clf, SIZES, quantize=True).fit(X, Y).ladder_
    assert len(ladder) == 4
    for row in ladder.itertuples():
        alone = clone(clf).set_params(**row.params, refit=False).fit(X, Y)
        p = alone.predict_proba(X[test])
        same = 1e-5 if row.quantize is None else 0.02
        assert row.loss == pytest.approx(log_loss(Y[test], p), abs=same)
        assert row.accuracy == pytest.approx(np.mean(p.argmax(axis=1) == Y[test]), abs=0.02)
        told = alone.teacher_.predict_proba(X[test]).argmax(axis=1)
        assert row.agreement == pytest.approx(np.mean(p.argmax(axis=1) == told), abs=0.02)


class Counting(LogisticRegression):
    """Writes down how many rows it is given: a list in memory would be another teacher."""

    def __init__(self, log=""):
        super().__init__()
        self.log = log

    def fit(self, X, y):
        self._note("fit", X)
        return super().fit(X, y)

    def predict_proba(self, X):
        self._note("ask", X)
        return super().predict_proba(X)

    def _note(self, what, X):
        with open(self.log, "a") as log:
            log.write(f"{what} {len(X)}\n")


def test_the_teacher_is_fitted_once_without_the_rows_that_judge(tmp_path):
    log = tmp_path / "log"
    clf = distiller(Counting(str(log)), alpha=0.3, refit=False)
    one = StudentLadder(clf, [(8,)], quantize=False).fit(X, Y)
    of_one = log.read_text().splitlines()
    log.unlink()
    StudentLadder(clf, [(8,), (12,), (16,)], quantize=False).fit(X, Y)
    of_three = log.read_text().splitlines()
    assert one.n_judges_ == 75
    assert [line for line in of_three if line.startswith("fit")] == ["fit 225"]
    assert len(of_three) - len(of_one) <= 2  # whether it takes what it is given, tried on a row


def test_held_out_groups_stay_whole_and_weights_count():
    groups = np.repeat(np.arange(30), 10)
    weight = np.where(groups % 2, 1.0, 3.0)
    split = list(GroupKFold(3).split(X, Y, groups))[-1]
    clf = distiller(validation_fraction=GroupKFold(3), alpha=0.3, calibrate=False, refit=False)
    ladder = StudentLadder(clf, [(16,)], quantize=False)
    ladder.fit(X, Y, groups=groups, sample_weight=weight)
    assert ladder.n_judges_ == len(split[1])
    p = ladder.predict_proba(X[split[1]])
    expected = log_loss(Y[split[1]], p, sample_weight=weight[split[1]])
    assert ladder.best_loss_ == pytest.approx(expected, abs=1e-5)


def test_given_validation_rows_judge():
    clf = distiller(early_stopping=False, alpha=0.3, calibrate=False)
    with pytest.raises(ValueError, match="holds no rows out, so nothing judges"):
        StudentLadder(clf, SIZES).fit(X, Y)
    ladder = StudentLadder(clf, [(16,)]).fit(X[:200], Y[:200], X_val=X[200:], y_val=Y[200:])
    assert ladder.n_judges_ == 100
    assert "trained again" not in ladder.decision_
    found = log_loss(Y[200:], ladder.predict_proba(X[200:]))
    assert ladder.ladder_["loss"].to_numpy() == pytest.approx(found, abs=0.02)


def test_only_the_student_that_is_kept_is_told_to_be_far_behind():
    """The tree knows all labels, and nothing else tells them."""
    noise = np.random.RandomState(0).normal(size=X.shape)
    tree = FrozenEstimator(DecisionTreeClassifier().fit(noise, Y))
    ladder = StudentLadder(distiller(tree, refit=False, alpha=0.0), SIZES)
    with pytest.warns(UserWarning, match="StudentLadder: the student is far behind") as told:
        ladder.fit(noise, Y)
    assert len(told) == 1


def test_without_labels_the_distance_from_the_frozen_teacher_judges():
    teacher = LogisticRegression().fit(X, Y)
    ladder = StudentLadder(distiller(FrozenEstimator(teacher)), SIZES).fit(X)
    assert "KL divergence" in ladder.decision_
    assert ladder.ladder_["accuracy"].isna().all()
    assert (ladder.ladder_["agreement"] > 0.8).all()
    assert ladder.teacher_loss_ == pytest.approx(0, abs=1e-9)
    assert (ladder.ladder_["loss"] > 0).all()


def test_soft_targets_in_place_of_a_teacher():
    soft = LogisticRegression().fit(X, Y).predict_proba(X)
    ladder = StudentLadder(distiller().set_params(teacher=None), SIZES)
    ladder.fit(X, soft_targets=soft)
    assert ladder.ladder_["agreement"].gt(0.8).all()
    assert ladder.teacher_loss_ == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_numbers(head):
    data, y = load_diabetes(return_X_y=True)
    reg = regressor(head=head, quantiles=5, alpha=0.7, refit=False)
    ladder = StudentLadder(reg, [(8,), (32,)]).fit(data, y)
    assert is_regressor(ladder)
    assert {"r2", "r2_to_teacher"} <= set(ladder.ladder_)
    assert ladder.ladder_["loss"].between(0.1, 1).all()
    kept = next(one for one in ladder.best_estimator_.trials_ if one["is_kept"])
    if head == "mean":  # quantiles are conformalised after the trials
        key = ladder.best_estimator_._task.loss_key
        assert ladder.best_loss_ == pytest.approx(kept[key], abs=0.01)
    else:
        assert ladder.predict_interval(data[:3], 0.6).shape == (3, 2)
    answers = Scorer(ladder.best_file_).predict(data[:9])
    assert answers == pytest.approx(ladder.predict(data[:9]), rel=0.05)


# --- what is kept ---


def test_a_budget_that_nothing_meets_is_an_error_that_shows_the_ladder(fitted):
    smallest = fitted.ladder_["bytes"].min()
    ladder = StudentLadder(distiller(), SIZES, max_bytes=int(smallest) - 500)
    with pytest.raises(ValueError, match=r"(?s)no rung .* meets `max_bytes=\d+`.*\(32, 32\)"):
        ladder.fit(X, Y)
    assert not hasattr(ladder, "ladder_")
    with pytest.raises(ValueError, match=r"`max_latency_us=0.001`, `max_loss=0`"):
        StudentLadder(distiller(), [(8,)], max_latency_us=0.001, max_loss=0).fit(X, Y)


def test_the_file_kept_is_the_best_estimators_and_meets_the_budget(fitted, tmp_path):
    bound = int(fitted.ladder_["bytes"].median())
    ladder = StudentLadder(distiller(), SIZES, max_bytes=bound).fit(X, Y)
    assert ladder.best_costs_["bytes"] == len(ladder.best_file_) <= bound
    path = tmp_path / "student.onnx"
    to_onnx(ladder.best_estimator_, path, quantize=ladder.best_quantize_)
    assert len(path.read_bytes()) == len(ladder.best_file_)
    same = 1e-5 if ladder.best_quantize_ is None else 0.05
    np.testing.assert_allclose(
        Scorer(ladder.best_file_).predict_proba(X), ladder.predict_proba(X), atol=same
    )
    assert f"`max_bytes={bound}`" in ladder.decision_.replace(",", "") or "max_bytes" in (
        ladder.decision_
    )


def test_a_refitted_file_over_the_budget_gives_way_to_the_next(monkeypatch):
    measured = []

    def slow_first(kept, rows):
        costs = measure(kept, rows)
        if len(kept) == 1:
            measured.append(kept[0])
            costs[0]["us_one_row_q75"] = 1e9 if len(measured) == 1 else 0.0
        return costs

    measure = files.measure
    monkeypatch.setattr("skdistill._ladder.climb.measure", slow_first)
    budget = {"max_latency_us": 1e6, "max_loss": 1e3}
    ladder = StudentLadder(distiller(), SIZES, quantize=False, **budget).fit(X, Y)
    assert len(measured) == 2
    assert ladder.best_index_ == 1
    assert ladder.best_estimator_ is measured[1].rung


def test_best_estimator_is_the_one_that_its_parameters_make(fitted):
    again = distiller(early_stopping=True, **fitted.best_params_).fit(X, Y)
    best = fitted.best_estimator_
    assert (best.memory, best.validation_fraction, best.refit) == (None, "auto", True)
    np.testing.assert_allclose(again.predict_proba(X), fitted.predict_proba(X), atol=1e-6)
    assert np.isfinite(best.teacher_.predict_proba(X[:2])).all()  # its folder is gone
    assert fitted.estimator.student.hidden_layer_sizes == "auto"


def test_what_auto_chose_by_the_largest_size_holds_for_all(fitted):
    params = fitted.ladder_["params"]
    assert {one["alpha"] for one in params} == {fitted.best_estimator_.alpha_}
    assert f"alpha {fitted.best_estimator_.alpha_:g}" in fitted.decision_
    assert "was chosen by the largest size of the ladder; size" in fitted.best_estimator_.decision_
    assert "\n" not in fitted.decision_


def test_a_student_of_labels_alone_drops_what_only_a_teacher_is_for(fitted):
    rung = clone(fitted.best_estimator_).set_params(alpha="auto").fit(X, Y)
    rung.alpha_ = 1.0
    settled = settled_by(rung)
    assert (settled["alpha"], settled["response"], settled["objectives"]) == (1.0, None, None)
    assert "label_tolerance" not in settled
    numbers = regressor(label_tolerance=10.0).fit(X, X[:, 0])
    numbers.alpha_ = 1.0
    assert settled_by(numbers)["label_tolerance"] is None


# --- sizes, int8, files ---


def test_sizes_may_be_recipes_and_auto_is_eight():
    recipes = [MLPStudent((8,), n_steps=40), MLPStudent((16, 8), n_steps=30)]
    ladder = StudentLadder(distiller(), recipes, quantize=False).fit(X, Y)
    assert sorted(ladder.ladder_["size"]) == [(8,), (16, 8)]
    kept = ladder.best_params_["student"]
    assert kept.n_steps in (30, 40)
    from skdistill._ladder.sizes import candidates_of, largest

    eight = candidates_of("auto", None, distiller())
    assert len(eight) == 8
    assert {one["student"].n_steps for one in eight} == {150}
    assert eight[largest(eight)]["student"].hidden_layer_sizes == "auto"


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ({"sizes": []}, ValueError, "`sizes` must be"),
        ({"sizes": "big"}, ValueError, "`sizes` must be"),
        ({"sizes": [16]}, ValueError, "`sizes` must hold"),
        ({"sizes": [(0,)]}, ValueError, "`hidden_layer_sizes`"),
        ({"sizes": [(8,), (8,)]}, ValueError, "twice"),
        ({"max_bytes": 0}, ValueError, "'max_bytes'"),
        ({"max_latency_us": -1}, ValueError, "'max_latency_us'"),
        ({"quantize": "int4"}, ValueError, "'quantize'"),
        ({"estimator": LogisticRegression()}, TypeError, "got LogisticRegression"),
        ({"estimator": make_pipeline(StandardScaler(), distiller())}, TypeError, "last step"),
    ],
    ids=str,
)
def test_parameters_that_are_not_valid(params, error, words):
    with pytest.raises(error, match=words):
        StudentLadder(**({"estimator": distiller()} | params)).fit(X, Y)


def test_a_student_of_another_kind_has_no_sizes():
    import torch

    with pytest.raises(TypeError, match="leave `student` out"):
        StudentLadder(distiller(student=torch.nn.Linear), SIZES).fit(X, Y)


@pytest.mark.parametrize(("quantize", "n_files"), [(False, 1), (True, 2), ("auto", 1)])
def test_int8_files_are_there_where_they_are_smaller(quantize, n_files):
    """Two weights a unit are too few for int8 to save anything."""
    ladder = StudentLadder(distiller(), [(8,)], quantize=quantize).fit(X, Y)
    assert len(ladder.ladder_) == n_files
    assert ("no smaller (1 left out)" in ladder.decision_) == (quantize == "auto")


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"skdistill\[onnx\]"):
        StudentLadder(distiller(), SIZES).fit(X, Y)


def test_times_have_quartiles_and_rows_are_asked_as_a_service_would(monkeypatch, fitted):
    for name in ("us_one_row", "us_per_row"):
        low, middle, high = (fitted.ladder_[name + end] for end in ("_q25", "", "_q75"))
        assert ((low <= middle) & (middle <= high) & (low > 0)).all()
    frame = make_frame(120)
    y = np.arange(120) % 2
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype")
    frame["colour"] = frame["colour"].astype("category")
    ladder = StudentLadder(distiller(trees), [(8,)], quantize=False).fit(frame, y)
    rows = files.single_rows(ladder.best_estimator_, frame)
    assert isinstance(rows[0], dict)
    scorer = Scorer(ladder.best_file_)
    told = np.concatenate([scorer.predict_proba(row) for row in rows[:8]])
    np.testing.assert_allclose(told, ladder.predict_proba(frame[:8]), atol=1e-5)


def test_columns_without_names_are_asked_as_lists(fitted):
    rows = files.single_rows(fitted.best_estimator_, pd.DataFrame(X))
    assert isinstance(rows[0], list)
    told = np.concatenate([Scorer(fitted.best_file_).predict_proba(row) for row in rows[:4]])
    np.testing.assert_allclose(told, Scorer(fitted.best_file_).predict_proba(X[:4]), atol=1e-6)


# --- around it ---


def test_pipeline_search_and_clone():
    data, y = load_iris(return_X_y=True)
    ladder = StudentLadder(distiller(), [(8,), (16,)], quantize=False)
    pipe = make_pipeline(StandardScaler(), ladder)
    assert is_classifier(pipe)
    assert cross_val_score(pipe, data, y, cv=2).min() > 0.7
    pipe.fit(data, y)
    assert list(pipe.classes_) == [0, 1, 2]
    assert pipe[-1].n_features_in_ == 4
    assert clone(ladder).set_params(estimator__temperature=3.0).estimator.temperature == 3.0


def test_methods_are_those_of_the_estimator():
    classes, numbers = StudentLadder(distiller()), StudentLadder(regressor())
    assert hasattr(classes, "predict_proba")
    assert not hasattr(classes, "predict_interval")
    assert not hasattr(numbers, "predict_proba")
    assert not hasattr(classes, "classes_")
    assert not hasattr(classes, "feature_names_in_")


def test_metadata_is_routed():
    sklearn.set_config(enable_metadata_routing=True)
    try:
        ladder = StudentLadder(distiller(FrozenEstimator(LogisticRegression().fit(X, Y))), [(8,)])
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError):
            ladder.fit(X, Y, sample_weight=np.ones(len(X)))
        ladder.estimator.set_fit_request(sample_weight=True)
        ladder.fit(X, Y, sample_weight=np.where(Y, 1.0, 0.0))
        assert ladder.ladder_["accuracy"].to_numpy() == pytest.approx(1.0, abs=0.2)
    finally:
        sklearn.set_config(enable_metadata_routing=False)


def test_unlabelled_rows_are_passed_on():
    ladder = StudentLadder(distiller(), [(8,)], quantize=False).fit(X, Y, X_transfer=(X[:40],))
    assert ladder.best_estimator_.n_transfer_rows_ == 40


def test_verbose_says_the_decision(capsys):
    ladder = StudentLadder(distiller(verbose=1), [(8,)], quantize=False).fit(X, Y)
    assert f"[StudentLadder] {ladder.decision_}" in capsys.readouterr().out


# --- the display ---


def test_pareto_display(fitted, ax):
    display = ParetoDisplay.from_estimator(fitted, ax=ax)
    assert display.ax_ is ax
    cost, loss = fitted.ladder_["bytes"].to_numpy(), fitted.ladder_["loss"].to_numpy()
    for place in range(len(cost)):
        beaten = ((cost < cost[place]) & (loss <= loss[place])).any()
        assert (place in display.front_) != beaten
    shown = np.concatenate([points.get_offsets() for points in display.points_])
    assert sorted(map(tuple, shown)) == sorted(zip(cost, loss, strict=True))
    pipe = make_pipeline(fitted)
    assert ParetoDisplay.from_estimator(pipe, x="us_one_row", ax=ax).x == "us_one_row"
    with pytest.raises(ValueError, match="`x` must be one of"):
        ParetoDisplay.from_estimator(fitted, x="seconds", ax=ax)
    with pytest.raises(TypeError, match="StudentLadder"):
        ParetoDisplay.from_estimator(fitted.best_estimator_, ax=ax)
