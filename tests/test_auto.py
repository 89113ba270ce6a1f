"""What alpha="auto" and temperature="auto" choose by the rows held out."""

import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits, make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from skdistill import DistillationReport, DistilledClassifier, MLPStudent

X, Y = make_classification(900, 8, n_informative=6, n_classes=3, flip_y=0.2, random_state=0)
RECIPE = MLPStudent((16,), n_steps=300)


def fit(teacher=None, X_val=None, y_val=None, **params):
    params = {"student": RECIPE, "random_state": 0, "validation_fraction": 0.1, **params}
    teacher = RandomForestClassifier(50) if teacher is None else teacher
    return DistilledClassifier(teacher, **params).fit(X, Y, X_val=X_val, y_val=y_val)


@pytest.fixture
def trainings(on_training):
    """(alpha, temperature) of each training."""
    seen = []

    def watch(training, run):
        seen.append((training.loss["alpha"], training.loss["temperature"]))
        return run()

    on_training(watch)
    return seen


def same(one, other):
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))


# --- alpha ---


def test_a_teacher_that_knows_nothing_is_not_followed():
    clf = fit(DummyClassifier())
    assert (clf.alpha_, clf.transfer_, clf.n_transfer_rows_, clf.cv_) == (1.0, [], 0, None)
    assert clf.leak_gap_ is not None
    same(clf, fit(DummyClassifier(), alpha=1.0, transfer=None))


def test_a_teacher_that_helps_is(trainings):
    clf = fit()
    assert clf.alpha_ == 0.3
    assert trainings == [(0.3, 1.0), (1.0, 1.0), (0.3, 1.0)]
    same(clf, fit(alpha=0.3))


def test_numbers_are_used_as_they_are(trainings):
    clf = fit(DummyClassifier(), alpha=0.6, temperature=2.0)
    assert (clf.alpha_, clf.temperature_) == (0.6, 2.0)
    assert set(trainings) == {(0.6, 2.0)}


@pytest.mark.parametrize(
    "params",
    [
        {"early_stopping": False},
        {"student": RECIPE.make_net(810).set_params(callbacks="disable")},
    ],
    ids=["early_stopping", "net"],
)
def test_where_nothing_can_be_compared_it_is_the_first(params, trainings):
    with pytest.warns(UserWarning, match="`temperature='auto'` is 1, as there is nothing"):
        clf = fit(DummyClassifier(), temperature="auto", **params)
    assert (clf.alpha_, clf.temperature_) == (0.3, 1.0)
    assert set(trainings) == {(0.3, 1.0)}


def test_going_on_keeps_what_was_chosen(trainings):
    clf = fit(DummyClassifier(), warm_start=True)
    assert (clf.alpha_, clf.fit(X, Y).alpha_) == (1.0, 1.0)
    assert trainings == [(0.3, 1.0), (1.0, 1.0), (1.0, 1.0)]


def test_without_labels_there_is_nothing_to_choose():
    teacher = RandomForestClassifier(10, random_state=0).fit(X, Y)
    soft = teacher.predict_proba(X)
    clf = DistilledClassifier(student=RECIPE, random_state=0).fit(
        X, soft_targets=soft, X_val=X[:200], y_val=Y[:200]
    )
    assert clf.alpha_ == 0.0


def test_soft_targets_that_mislead_are_not_followed():
    wrong = np.eye(3)[(Y + 1) % 3]
    for given in ({}, {"X_val": X[:200], "y_val": Y[:200]}):
        clf = DistilledClassifier(student=RECIPE, random_state=0)
        assert clf.fit(X, Y, soft_targets=wrong, **given).alpha_ == 1.0


def test_rows_given_for_validation_choose_as_well(trainings):
    rng = np.random.RandomState(0)
    clf = fit(DummyClassifier(), X_val=rng.permutation(X[:300]), y_val=Y[:300])
    assert len(trainings) == 2
    assert fit(DummyClassifier(), X_val=X[:300], y_val=Y[:300]).alpha_ == 1.0
    assert clf.alpha_ == 0.3  # labels that fit no row tell nothing


# --- what is told of it ---


def told(clf):
    """What a report says that the fit chose."""
    report = DistillationReport.from_estimator(clf, X, Y, n_bootstrap=100, speed=False)
    return report.choices


def test_what_was_tried_is_told(capsys):
    clf = fit(DummyClassifier(), temperature="auto", verbose=1)
    who = [(trial["who"], trial.get("alpha"), trial.get("temperature")) for trial in clf.trials_]
    first, *others = [("student", 0.3, temperature) for temperature in (1.0, 2.0, 4.0)]
    assert who == [first, ("control", 1.0, 1.0), ("teacher", None, None), *others]
    assert [trial["is_kept"] for trial in clf.trials_] == [False, True, False, False, False]
    assert clf.trials_[2]["log_loss"] > 1.05 > clf.trials_[1]["log_loss"]
    assert f"held out: {clf.trials_[1]['log_loss']:.4f}" in capsys.readouterr().out
    text = " ".join(told(clf))
    assert f"that is kept: alpha 1, {clf.trials_[1]['log_loss']:.4f}; the teacher 1.0" in text
    assert "a student: alpha 0.3, temperature 4, " in text
    once = fit(alpha=0.3, early_stopping=False)
    assert once.trials_ == []
    assert "nothing to compare" in " ".join(told(once))


def test_a_class_that_no_teacher_knows_is_judged_without_a_warning():
    frozen = FrozenEstimator(RandomForestClassifier(20, random_state=0).fit(X[Y < 2], Y[Y < 2]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        clf = fit(frozen)
        pool = [frozen, RandomForestClassifier(5)]
        fit(pool, teacher_weights="auto")
    (teacher,) = [trial for trial in clf.trials_ if trial["who"] == "teacher"]
    assert np.isfinite(teacher["log_loss"])


# --- what labels cannot tell ---


def test_a_class_without_a_label_is_not_lost():
    X, y = load_digits(return_X_y=True)
    frozen = FrozenEstimator(LogisticRegression(max_iter=1000).fit(X / 16, y))
    few = y != 3
    clf = DistilledClassifier(frozen, RECIPE, random_state=0)
    clf.fit(X[few] / 16, y[few])
    assert clf.alpha_ == 0.3
    assert (clf.predict_proba(X[~few] / 16)[:, 3] > 0.01).mean() > 0.5


@pytest.mark.parametrize("params", [{"X_transfer": X[:50] + 3}, {"class_prior": [0.2, 0.3, 0.5]}])
def test_rows_given_and_another_prior_are_not_lost(params, trainings):
    clf = DistilledClassifier(DummyClassifier(), RECIPE, random_state=0)
    clf.set_params(class_prior=params.get("class_prior"))
    clf.fit(X, Y, X_transfer=params.get("X_transfer"))
    assert clf.alpha_ == 0.3
    assert set(trainings) == {(0.3, 1.0)}


# --- temperature ---


def test_the_first_temperature_stays_unless_another_is_better(trainings):
    clf = fit(temperature="auto", alpha=0.3)
    assert trainings[:3] == [(0.3, 1.0), (0.3, 2.0), (0.3, 4.0)]
    assert clf.temperature_ == 1.0
    assert trainings[3:] == [(0.3, 1.0)]  # with the rows held out


# --- who ends a training ---


def end(on_training, which):
    """End the training of this number in its second epoch."""
    begun = []

    def cut(training, run):
        begun.append(training.loss["alpha"])
        if len(begun) == which:
            training.step = lambda name, *net: name == "epoch 2"
        return run()

    on_training(cut)
    return begun


def test_who_ends_the_student_wants_no_control(on_training):
    begun = end(on_training, 1)
    assert fit(DummyClassifier(), temperature="auto").alpha_ == 0.3
    assert begun == [0.3]


def test_a_control_that_was_ended_is_not_kept(on_training):
    begun = end(on_training, 2)
    assert fit(DummyClassifier()).alpha_ == 0.3
    assert begun == [0.3, 1.0]  # whoever ends it wants no other


def test_ctrl_c_in_the_first_epoch_of_the_control_keeps_the_student(on_training):
    once = fit(DummyClassifier(), alpha=0.3, refit=False)

    def interrupt(training, run):
        if training.loss["alpha"] == 1:
            raise KeyboardInterrupt
        return run()

    on_training(interrupt)
    with pytest.warns(UserWarning, match="KeyboardInterrupt ended .* that control is not used"):
        clf = fit(DummyClassifier())
    same(clf, once)


def test_no_time_for_the_control_keeps_the_student(on_training, monkeypatch):
    once = fit(DummyClassifier(), alpha=0.3, refit=False)
    now = time.monotonic

    def last(training, run):
        result = run()
        monkeypatch.setattr(time, "monotonic", lambda: now() + 1e6)
        return result

    on_training(last)
    same(fit(DummyClassifier(), max_time=600.0), once)


def test_time_enough_changes_nothing():
    same(fit(DummyClassifier(), max_time=600.0), fit(DummyClassifier()))


def test_a_control_has_no_temperature():
    assert fit(DummyClassifier(), temperature="auto").temperature_ == 1.0


def test_few_rows_judge_nothing(trainings):
    fit(DummyClassifier(), X_val=X[:49], y_val=Y[:49])
    assert trainings == [(0.3, 1.0)]


def test_the_control_of_alpha_one_is_trained_once(trainings):
    rng = np.random.RandomState(0)
    days = rng.randint(1, 32, size=(2000, 1))
    late = np.isin(days[:, 0], [2, 8, 13, 22, 30]) ^ (rng.uniform(size=2000) < 0.1)
    clf = DistilledClassifier(DummyClassifier(), RECIPE, alpha=1.0, refit=False, random_state=0)
    assert list(clf.fit(days, late).encoder_.nominal_) == [0]
    assert trainings == [(1.0, 1.0), (1.0, 1.0)]  # without and with indicators
    assert clf.leak_gap_ is not None
