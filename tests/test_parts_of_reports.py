"""The parts of a report: resamples, controls, levels of a column, words on a choice."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from shared import Oracle, oracle_data, oracle_frame
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skdistill import DistilledClassifier, MLPStudent, Objective
from skdistill.inspection import _costs
from skdistill.inspection._bootstrap import Resampling, score
from skdistill.inspection._choices import choices, other_attributes
from skdistill.inspection._models import find_control
from skdistill.inspection._segments import MISSING, OTHER, cut
from skdistill.inspection._shared_rows import warn_of_shared_rows

SMALL = MLPStudent((16,), n_steps=150)


X, Y = oracle_data()
X_TEST, Y_TEST = oracle_data(1500, seed=1)


def test_standard_errors():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=2000)
    right = rng.uniform(size=2000) < 0.8
    p = np.where((right == (labels == 1))[:, None], [0.3, 0.7], [0.7, 0.3])
    measured = score(labels, p, np.ones(2000), Resampling(1000, 0))
    accuracy = measured.values["accuracy"]
    expected = np.sqrt(accuracy * (1 - accuracy) / 2000)
    assert measured.draws["accuracy"].std() == pytest.approx(expected, rel=0.1)
    assert measured.draws["log_loss"].mean() == pytest.approx(measured.values["log_loss"], rel=0.01)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_auc_is_resampled_as_ranking_anew_would(n_classes):
    rng = np.random.default_rng(0)
    labels = rng.integers(n_classes, size=400)
    p = rng.dirichlet(np.ones(n_classes), size=400) + 0.5 * np.eye(n_classes)[labels]
    p = np.round(p / p.sum(axis=1, keepdims=True), 1) + 0.01  # with ties
    p /= p.sum(axis=1, keepdims=True)
    draws = score(labels, p, np.ones(400), Resampling(400, 0)).draws["auc"]
    anew = []
    for _ in range(400):
        rows = rng.integers(400, size=400)
        scores = p[rows, 1] if n_classes == 2 else p[rows]
        anew.append(roc_auc_score(labels[rows], scores, multi_class="ovr"))
    assert draws.mean() == pytest.approx(np.mean(anew), abs=0.003)
    assert draws.std() == pytest.approx(np.std(anew), rel=0.15)


# --- the control ---


def test_the_control_asks_no_teacher(oracle_clf, monkeypatch):
    monkeypatch.setattr(Oracle, "predict_proba", None)
    control = find_control("fit", oracle_clf, None, X[:200], Y[:200])[0]
    assert control.alpha_ == 1
    assert control.teacher_ is None
    assert control.n_transfer_rows_ == 0
    assert oracle_clf.alpha == "auto"
    assert oracle_clf.teacher is not None


@pytest.mark.parametrize("names", [[0, 1, 2], ["a", "b", "c"]])
def test_the_control_knows_a_class_that_y_lacks(names):
    names = np.array(names)
    every = names[np.where(X[:, 1] > 1, 2, Y)]
    teacher = FrozenEstimator(LogisticRegression().fit(X, every))
    some = every != names[2]
    table = pd.DataFrame(X[some]).iloc[::-1]  # an index in another order
    student = DistilledClassifier(
        teacher, SMALL, class_prior=[0.4, 0.4, 0.2], transfer=None, random_state=0
    ).fit(table, every[some][::-1])
    control, _ = find_control("fit", student, None, table, every[some][::-1])
    assert control.classes_.tolist() == names.tolist()
    assert control.score(X, every) > 0.5


def test_the_control_has_no_objectives():
    class Nearness(Objective):
        def teacher_view(self, teacher, X):
            return teacher.predict_proba(X)

        def loss(self, batch):
            return (batch.logits.softmax(dim=1) - batch.view).square().sum(dim=1)

    student = DistilledClassifier(Oracle(), SMALL, objectives=Nearness(), transfer=None)
    control, _ = find_control("fit", student.fit(X, Y), None, X, Y)
    assert control.objectives is None


def test_a_slow_model_is_asked_less_often(monkeypatch):
    monkeypatch.setattr(_costs, "SECONDS", 0.0)
    sizes = []
    _costs.measure_speed(lambda rows: sizes.append(len(rows)), X)
    assert sizes.count(1) == _costs.WARM_UPS + _costs.LEAST_SINGLE_CALLS
    assert sizes.count(10_000) == 2  # a warm-up, and one


# --- rows in common ---


def containers(table):
    """The same rows, in different containers and types."""
    numbers_only = np.asarray(table[["a", "b"]])
    return {
        "pandas": (table, table.astype({"colour": "category"})),
        "polars": (table, pl.DataFrame(table.to_dict("list"))),
        "objects": (table, np.asarray(table, dtype=object)),
        "floats": (numbers_only, numbers_only.tolist()),
        "integers": (np.round(1e6 * numbers_only).astype(int), np.round(1e6 * numbers_only)),
    }


@pytest.mark.parametrize("kind", ["pandas", "polars", "objects", "floats", "integers"])
def test_training_rows_among_the_test_rows(kind):
    test, train = containers(oracle_frame()[0])[kind]
    with pytest.warns(UserWarning, match="400 of the 400 rows to test on"):
        warn_of_shared_rows(test, train)


def test_half_of_the_rows_may_be_twice():
    half = np.concatenate([X[:100], X_TEST[:100]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_shared_rows(half, X)
        warn_of_shared_rows(X_TEST, X)
    with pytest.warns(UserWarning, match="100 of the 199 rows"):
        warn_of_shared_rows(half[:-1], X)


def test_rows_that_are_alike_anyway_are_no_leak():
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_shared_rows(rng.integers(2, size=(100, 3)), rng.integers(2, size=(900, 3)))
        warn_of_shared_rows(X, np.concatenate([X, X[:300]]))  # half of them have a twin
    with pytest.warns(UserWarning, match="900 of the 900 rows"):
        warn_of_shared_rows(X, np.concatenate([X, X[:200]]))


# --- segments ---


def test_numbers_are_cut_in_quartiles():
    values = np.arange(100.0)
    values[0] = np.nan
    found = dict(cut("a", values))
    assert [len(rows) for rows in found.values()] == [25, 25, 24, 25, 1]
    assert list(found)[-1] == MISSING
    assert sorted(np.concatenate(list(found.values()))) == list(range(100))
    assert [level for level, _ in cut("a", np.array([1, 2, 2, 1]))] == ["1", "2"]


def test_rare_levels_are_joined():
    values = ["x"] * 60 + ["y"] * 40 + ["z"] * 5 + ["w"] * 4 + [None] * 3
    found = [(level, len(rows)) for level, rows in cut("a", np.array(values, dtype=object))]
    assert found == [("x", 60), ("y", 40), (OTHER, 9), (MISSING, 3)]
    single = [(level, len(rows)) for level, rows in cut("a", ["x"] * 60 + ["z"] * 5)]
    assert single == [("x", 60), ("z", 5)]


# --- what the fit chose ---


def test_choices_in_words(oracle_clf):
    words = " ".join(choices(oracle_clf))
    assert "Labels weighed 0.3" in words
    assert "no transfer rows" in words
    assert "epochs" in words
    assert "No leak was measured" in words


@pytest.mark.parametrize(
    ("teacher", "n_rows", "settings", "given", "why"),
    [
        (LogisticRegression(), 200, {}, {}, "of so few rows none was held out"),
        (LogisticRegression(), 600, {"early_stopping": False}, {}, "(`early_stopping=False`)"),
        (FrozenEstimator(LogisticRegression().fit(X, Y)), 600, {}, {}, "the teachers came fitted"),
        (None, 200, {}, {"soft_targets": np.eye(2)[Y]}, "there was no teacher, but soft targets"),
        (LogisticRegression(), 600, {}, {"soft_targets": np.eye(2)[Y]}, "soft targets were given"),
    ],
)
def test_why_no_leak_was_measured(teacher, n_rows, settings, given, why):
    given = {name: rows[:n_rows] for name, rows in given.items()}
    student = DistilledClassifier(teacher, SMALL, transfer=None, random_state=0, **settings)
    student.fit(X[:n_rows], Y[:n_rows], **given)
    told = [text for text in choices(student) if text.startswith("No leak was measured")]
    assert len(told) == 1
    assert why in told[0]


def test_choices_pass_over_what_is_not_there():
    class Bare:
        alpha_ = 1.0

    bare = Bare()
    bare.later_ = np.float32(2.5)
    bare.long_ = "x" * 1000
    bare._private_ = 1
    assert choices(bare) == [
        "The student learned from the labels alone (alpha 1): it is its own control."
    ]
    found = other_attributes(bare)
    assert found["later_"] == 2.5
    assert len(found["long_"]) == 200
    assert "_private_" not in found
