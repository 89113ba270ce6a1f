"""The parts of a fit: the judge, rows held out, groups, checks, progress, labelling."""

import re
import time
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from shared import (
    LOG,
    NAMES,
    Witness,
    frame_pipeline,
    framed,
    insects,
    learnable,
    two_classes,
    weighed,
    with_two_teachers,
)
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    ExtraTreesClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skdistill import (
    BalancedHinton,
    DistilledClassifier,
    Hinton,
    MLPStudent,
    TeacherPool,
    TransferSampler,
)
from skdistill._fit import judge
from skdistill._fit.blocks import Block
from skdistill._fit.calibration import careful_temperature, cooler_temperature
from skdistill._fit.candidates import Candidates
from skdistill._fit.holdout import groups_to_hold_out, rows_to_hold_out
from skdistill._fit.inputs import Arguments, check_inputs
from skdistill._fit.judge import LEVEL, MOST_COMPARISONS
from skdistill._fit.labelling import Labeller
from skdistill._fit.plan import make_plan
from skdistill._fit.trials import Trial
from skdistill._fit.weights import class_weights
from skdistill._utils.forecast import Coming, Forecast
from skdistill._utils.progress import _duration
from skdistill.targets import fit_temperature
from skdistill.task import Classification
from skdistill.task.classification import HARD_ROW

# Differences of mean 0: of equal models.
DIFFERENCES = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "small": lambda rng, n: rng.normal(0, 0.1, n),
    "heavy tails": lambda rng, n: rng.standard_t(3, n),
    "worse by much on a few rows": lambda rng, n: 1 - rng.exponential(1, n),
    "very wrong on one row in twenty": lambda rng, n: 0.1 - 2.0 * (rng.uniform(size=n) < 0.05),
}


def is_clearly_lower(losses, others, weight, groups=None):
    return judge.is_clearly_lower(losses, others, weight, groups, HARD_ROW)


def rate(draw, n, repeats, comparisons=1):
    rng = np.random.default_rng(0)
    weight = np.ones(n)

    def called():
        return any(
            is_clearly_lower(1 - draw(rng, n), np.ones(n), weight) for _ in range(comparisons)
        )

    return np.mean([called() for _ in range(repeats)])


@pytest.mark.parametrize("n", [50, 200, 1000])
@pytest.mark.parametrize("kind", DIFFERENCES)
def test_equal_models_are_seldom_told_apart(kind, n):
    share = LEVEL / MOST_COMPARISONS
    error = np.sqrt(share * (1 - share) / 2000)
    assert rate(DIFFERENCES[kind], n, 2000) < 1.5 * share + 3 * error


@pytest.mark.parametrize("n", [50, 1000])
def test_the_level_is_that_of_all_comparisons_of_a_fit(n):
    found = rate(DIFFERENCES["normal"], n, 1500, comparisons=MOST_COMPARISONS)
    assert 0.02 < found < LEVEL + 3 * np.sqrt(LEVEL * 0.95 / 1500)


@pytest.mark.parametrize("n", [70, 1000])
def test_a_better_model_is_seen(n):
    assert rate(lambda rng, n: 0.6 + rng.normal(0, 1, n), n, 200) > 0.9


def test_rows_of_a_group_are_no_evidence_of_their_own():
    rng = np.random.default_rng(0)
    groups, weight = np.repeat(np.arange(60), 10), np.ones(600)

    def share(groups):
        gains = [np.repeat(rng.normal(size=60), 10) for _ in range(500)]
        return np.mean([is_clearly_lower(-gain, np.zeros(600), weight, groups) for gain in gains])

    assert share(groups) < 0.03
    assert share(None) > 0.1


def test_weights_are_copies_to_the_judge():
    rng = np.random.default_rng(0)
    losses, others = rng.normal(0, 1, 80), rng.normal(0.5, 1, 80)
    weight = np.r_[np.full(40, 1.0), np.full(40, 1e-9)]
    assert is_clearly_lower(losses, others, weight) == is_clearly_lower(
        losses[:40], others[:40], np.ones(40)
    )
    same = np.array([is_clearly_lower(losses, others, factor * weight) for factor in (1e-3, 1e3)])
    assert same.all() or not same.any()


def test_rows_to_hold_out():
    labels = np.repeat([0, 1, 2], [60, 39, 1])
    for seed in range(20):
        rows = rows_to_hold_out(labels, 0.2, seed)
        assert len(rows) in (19, 20)
        assert 99 not in rows
        assert_array_equal(rows, np.unique(rows))
    stratified = rows_to_hold_out(labels[:99], 0.2, 0)
    assert_array_equal(np.bincount(labels[stratified]), [12, 8])


def test_a_lone_row_does_not_keep_the_others_from_being_stratified():
    labels = np.array([0] * 580 + [1] * 20 + [2])
    for seed in range(5):
        assert (labels[rows_to_hold_out(labels, 0.1, seed)] == 1).sum() == 2
    assert len(rows_to_hold_out(np.arange(30), 0.1, 0)) == 0  # nobody can be spared


@pytest.mark.parametrize("n_used", [1, 2])
def test_class_weight_balances_the_classes_that_have_rows(n_used):
    """A class whose rows all weigh 0, as bagging may make of it, has no share."""
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3
    weight = (y < n_used) * np.where(y == 0, 1.0, 4.0)
    by_class = class_weights("balanced", y, weight)
    assert by_class == class_weights("balanced", y[weight > 0], weight[weight > 0])
    clf = DistilledClassifier(RandomForestClassifier(5), MLPStudent((8,), n_steps=20))
    clf.set_params(class_weight="balanced", transfer=None, random_state=0)
    p = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    assert p.shape == (60, 3)
    assert np.isfinite(p).all()


def test_class_weight_that_leaves_no_row():
    y = np.arange(60) % 3
    with pytest.raises(ValueError, match="must not be 0 for every class whose rows have a weight"):
        class_weights({0: 0, 1: 0, 2: 1}, y, (y < 2) * 1.0)


def test_the_classes_have_their_shares_among_the_groups_held_out():
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(200), rng.randint(1, 20, size=200))
    labels = (rng.random(200) < 0.2).astype(int)[groups]
    shares = [labels[groups_to_hold_out(labels, groups, 0.2, seed)].mean() for seed in range(9)]
    assert np.abs(shares - labels.mean()).max() < 0.02
    chosen = {tuple(np.unique(groups[groups_to_hold_out(labels, groups, 0.2, s)])) for s in (0, 1)}
    assert len(chosen) == 2


def test_no_class_loses_its_last_group():
    groups, labels = np.repeat(np.arange(20), 5), np.repeat([0, 1] * 10, 5)
    labels[:5] = 2
    for seed in range(20):
        assert 2 not in labels[groups_to_hold_out(labels, groups, 0.3, seed)]


def test_groups_of_which_each_is_large():
    labels = np.arange(600) % 2
    with pytest.warns(UserWarning, match="33% of the rows are held out in place of 10%"):
        rows = groups_to_hold_out(labels, np.arange(600) // 200, 0.1, 0)
    assert len(rows) == 200
    half = np.where(np.arange(600) < 300, 0, np.arange(600))
    assert groups_to_hold_out(labels, half, 0.1, 0).min() >= 300  # no warning: the others do


def test_few_groups_make_no_student_surer_than_they_show():
    rng = np.random.RandomState(0)
    labels = np.repeat(rng.permutation(np.arange(40) % 2), 10)
    right = np.repeat(rng.random(40) < 0.9, 10)
    logits = np.zeros((400, 2))
    logits[np.arange(400), np.where(right, labels, 1 - labels)] = 0.7
    task = Classification(np.arange(2))
    rows = Block(task, None, labels, np.ones(400), None, np.arange(400) // 10)
    best = fit_temperature(logits, labels, rows.weight)
    assert best < careful_temperature(logits, rows) < 1
    singly = Block(task, None, labels, np.ones(400), None, np.arange(400))
    assert best < careful_temperature(logits, singly) < careful_temperature(logits, rows)
    unsure = fit_temperature(4 * logits, labels, rows.weight)
    assert cooler_temperature(4 * logits, rows) == unsure
    assert unsure > careful_temperature(4 * logits, rows) >= 1
    assert cooler_temperature(logits, rows) == careful_temperature(logits, rows)


def test_long_tasks_say_how_much_is_left(capsys, monkeypatch):
    monkeypatch.setattr("skdistill._utils.progress.SECONDS_BETWEEN_LINES", 0.0)
    X, y = two_classes()
    with_two_teachers(verbose=1).fit(X, y)
    said = capsys.readouterr().out
    assert re.search(r"fitting the teacher: lr, 1 of 2, about \d+ s left", said)
    assert re.search(r"out of fold: nb, fold 1, 3 of 4, about \d+ s left", said)
    assert re.search(r"the student on 400 rows: epoch 2, 2 of 3, about \d+ s left", said)
    assert "3 of 3" not in said  # nothing is left


def test_a_forecast_is_made_of_what_was_measured():
    student, control = Coming("fit-student", 100.0), Coming("fit-control", 10.0)
    forecast = Forecast([student, control, student, Coming("refit-student", 100.0, before=7.0)])
    rows = forecast.begin("fit-student")
    assert forecast.left("fit-student", rows, 2.0, 3.0) == pytest.approx(3 + 0.5 + 5 + 7 + 5)
    forecast.end("fit-student", rows, 4.0)  # it ended early
    rows = forecast.begin("fit-control")
    assert forecast.left("fit-control", rows, 1.0, 1.0) == pytest.approx(1 + 4 + 7 + 4)
    forecast.end("fit-control", rows, 2.0)
    assert forecast.begin("fit-something") == 0  # not expected: the others stay
    assert len(forecast.coming) == 2
    rows = forecast.begin("refit-student")  # the fit did without the other student
    assert forecast.left("refit-student", rows, 1.0, 1.0) is None  # nothing follows


def test_a_forecast_ends_with_the_time_limit():
    coming = [Coming("fit-student", 100.0)] * 9
    forecast = Forecast(coming, deadline=time.monotonic() + 5)
    assert 0 < forecast.left("fit-student", forecast.begin("fit-student"), 50.0, 50.0) <= 5


@pytest.mark.parametrize(("seconds", "text"), [(7.6, "8 s"), (119, "119 s"), (200, "3 min")])
def test_durations(seconds, text):
    assert _duration(seconds) == text


def test_labelling_says_how_much_is_left(capsys, monkeypatch):
    monkeypatch.setattr("skdistill._utils.progress.SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr("skdistill.teacher._members.CHUNK_ROWS", 90)
    X, y = two_classes()
    with_two_teachers(verbose=1).set_params(cv=None).fit(X, y)
    said = capsys.readouterr().out
    assert re.search(r"200 training rows: rows 0 to 89, 1 of 3, about \d+ s left", said)
    assert re.search(r"200 transfer rows: rows 90 to 179, 2 of 3, about \d+ s left", said)


class FromRows(TransferSampler):
    """A sampler that draws the first rows."""

    def sample(self, X, n, random_state=None):
        return X[:n]


@pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
@pytest.mark.parametrize("cv", [None, 3])
def test_weights_of_the_teachers_are_chosen_on_the_rows_held_out(pooling, cv):
    X, y = learnable()
    params = {"pooling": pooling, "cv": cv, "transfer": FromRows(size=0.5)}
    chosen = weighed(X, y, validation_fraction=0.3, **params)
    weights = chosen.teacher_.weights_
    assert weights[1] < 0.15
    rows = rows_to_hold_out(y, 0.3, chosen._split_seed)
    equal = weighed(X, y, None, validation_fraction=0.3, **params)
    losses = [log_loss(y[rows], clf.teacher_.predict_proba(X[rows])) for clf in (chosen, equal)]
    assert losses[0] < losses[1] - 0.02
    # All that the student learns is labelled by them.
    given = weighed(X, y, weights, validation_fraction=0.3, **params)
    np.testing.assert_allclose(chosen.predict_proba(X), given.predict_proba(X), atol=1e-4)
    assert chosen.leak_gap_ == pytest.approx(given.leak_gap_)
    assert chosen.history_[-1, "valid_loss"] == pytest.approx(
        given.history_[-1, "valid_loss"], abs=1e-4
    )
    assert np.abs(equal.predict_proba(X) - given.predict_proba(X)).max() > 0.02


X, CODES = insects()


Y = NAMES[CODES]
FRAME = framed(X)


@pytest.mark.parametrize("rows", [X, FRAME, X.tolist()])
def test_labelling_in_chunks_equals_labelling_at_once(monkeypatch, rows):
    teacher = frame_pipeline() if rows is FRAME else LogisticRegression()
    pool = TeacherPool([teacher, Witness()]).fit(rows, Y)
    whole, whole_out = pool.predict_proba(rows), pool.cross_fit_proba(rows, Y, 2)
    monkeypatch.setattr("skdistill.teacher._members.CHUNK_ROWS", 7)
    LOG.clear()
    np.testing.assert_allclose(pool.predict_proba(rows), whole, rtol=1e-6)
    assert [len(given) for _, given in LOG] == [7] * 34 + [2]
    LOG.clear()
    np.testing.assert_allclose(pool.cross_fit_proba(rows, Y, 2), whole_out, rtol=1e-6)
    assert max(len(given) for what, given in LOG if what == "predict_proba") == 7


# --- who is kept ---


X3, Y3 = make_classification(900, 8, n_informative=6, n_classes=3, flip_y=0.2, random_state=0)


def fit_three(teacher=None, **params):
    """Three classes, and a tenth of the rows held out."""
    params = {"student": MLPStudent((16,), n_steps=300), "random_state": 0, **params}
    teacher = RandomForestClassifier(50) if teacher is None else teacher
    return DistilledClassifier(teacher, **params).fit(X3, Y3)


@pytest.mark.parametrize(
    ("teacher", "control", "student", "expected"),
    [
        ("good", 0.4, 0.4, False),
        ("good", 0.1, 0.4, True),
        ("good", 0.25, 0.4, False),  # by chance, perhaps
        ("bad", 0.35, 0.4, True),
        ("bad", 0.4, 0.25, False),
        ("bad", 0.4, 0.1, False),
    ],
)
def test_the_teacher_says_who_has_to_be_better(teacher, control, student, expected):
    noise = np.random.RandomState(0).normal(size=100)
    noise -= noise.mean()
    block = Block(Classification(np.arange(2)), None, np.zeros(100, int), np.ones(100), None)

    def trial(mean, sign):
        losses = mean + sign * noise / 2
        found = SimpleNamespace(row_losses=losses, judges=block, mean_loss=mean)
        found.loses_less_than = lambda others: Trial.loses_less_than(found, others)
        found.is_better_than = lambda other: Trial.is_better_than(found, other)
        return found

    losses = np.full(100, 0.2 if teacher == "good" else 1.6)
    control, student = trial(control, 1), trial(student, -1)
    kept = Candidates._or_control(None, student, control, losses)
    assert (kept is control) is expected


def test_votes_of_none_are_floored_before_the_teacher_is_judged():
    clf = fit_three(RandomForestClassifier(5, random_state=0), alpha=0.3, refit=False)
    task = Classification(clf.classes_)
    labels = clf.teacher_.predict_proba(X3).argmin(axis=1)
    assert clf.teacher_.predict_proba(X3).min() == 0
    block = Block(task, X3, labels, np.ones(len(X3)), clf.teacher_.predict_proba(X3))
    labeller = Labeller(task, Hinton(), (1.0,), clf.teacher_)
    part = SimpleNamespace(validation=block, labeller=labeller, y=None, holds_out=False, where="")
    plan = SimpleNamespace(
        queries=None, teachers=[], refreshes=False, first_alpha=0.3, once=lambda key, make: make()
    )
    run = SimpleNamespace(trials=[], plan=plan)
    losses = Candidates([part], run)._judge_teacher()
    floored = np.log(clf.teacher_.predict_proba(X3, floored=True))
    T = fit_temperature(floored, labels, np.ones(len(X3)))
    expected = -log_softmax(floored / T, axis=1)[np.arange(len(X3)), labels]
    assert_allclose(losses, expected)


def test_a_better_temperature_is_taken(monkeypatch):
    monkeypatch.setattr(Trial, "is_better_than", lambda self, other: True)
    clf = fit_three(temperature="auto", alpha=0.3, response=BalancedHinton())
    assert clf.temperature_ == 4.0
    once = fit_three(temperature=4.0, alpha=0.3, response=BalancedHinton())
    assert_array_equal(clf.predict_proba(X3), once.predict_proba(X3))


@pytest.mark.parametrize("is_better", [True, False])
def test_auto_labels_out_of_fold_where_the_leak_does_harm(is_better, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 8))
    y = ((X[:, 0] * X[:, 1] > 0) ^ (rng.random(1000) < 0.25)).astype(int)
    forest = ExtraTreesClassifier(50, max_features=None, random_state=0)  # learns it by heart
    student = MLPStudent((64, 64), n_steps=500)
    compared = []

    def judge(trial, other):
        compared.append((trial.rows.cv, other.rows.cv))
        return is_better

    monkeypatch.setattr(Trial, "is_better_than", judge)
    clf = DistilledClassifier(forest, student, alpha=0.3, random_state=0)
    auto, within = clone(clf).fit(X, y), clone(clf).set_params(cv=None).fit(X, y)
    assert compared == [(5, None)]
    assert auto.cv_ == (5 if is_better else None)
    assert auto.leak_gap_ == within.leak_gap_ > 0.3
    assert (auto.predict_proba(X) == within.predict_proba(X)).all() == (not is_better)


class Fussy(ExtraTreesClassifier):
    """Like a service that wants so many rows."""

    def fit(self, X, y, sample_weight=None):
        if len(X) < 750:
            raise RuntimeError("need at least 750 rows")
        return super().fit(X, y, sample_weight)


def test_folds_that_a_teacher_refuses_leave_the_student(monkeypatch):
    monkeypatch.setattr(Candidates, "_should_cross_fit", lambda *args: True)
    teacher = Fussy(20, random_state=0)
    with pytest.warns(UserWarning, match="labelling out of fold failed, .*: .*750 rows"):
        clf = fit_three(teacher, transfer=None, alpha=0.3, refit=False)
    once = fit_three(teacher, transfer=None, alpha=0.3, refit=False, cv=None)
    assert clf.cv_ is None
    assert_array_equal(clf.predict_proba(X3), once.predict_proba(X3))


def test_auto_makes_folds_of_groups_only_where_there_are_enough():
    rows = np.random.RandomState(0).normal(size=(600, 3))
    y = np.arange(600) // 300
    clf = DistilledClassifier(LogisticRegression(), MLPStudent((8,), n_steps=5))
    for n_groups, fills in [(4, False), (9, False), (10, True)]:
        groups = 2 * (np.arange(600) % n_groups) + y  # each of one class
        plan = make_plan(clf, clf._check_X, None)
        arguments = Arguments(rows, y, *[None] * 4, groups, *[None] * 3, {})
        given = check_inputs(plan, arguments)
        assert given.fills_folds(5) == (len(np.unique(groups[y == 0])) >= 5)
        if fills:
            for train, test in given.in_folds(5).folds:
                assert not np.isin(groups[train], groups[test]).any()
