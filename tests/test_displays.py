"""Displays: what they hold, and what they draw."""

import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    DistilledClassifier,
    FidelityDisplay,
    HistoryDisplay,
    MLPStudent,
    ReliabilityDisplay,
    SegmentDisplay,
)

X, Y = load_iris(return_X_y=True)
FEW = Y < 2


def fit(X, y):
    inner = DistilledClassifier(
        LogisticRegression(), MLPStudent((8,), n_steps=60), early_stopping=True, random_state=0
    )
    return make_pipeline(StandardScaler(), inner).fit(X, y)


@pytest.fixture(scope="module")
def binary():
    return fit(X[FEW], Y[FEW])


@pytest.fixture(scope="module")
def pipe():
    return fit(X, Y)


def test_reliability_of_two_classes_is_scikit_learns(binary, ax):
    ours = ReliabilityDisplay.from_estimator(binary, X[FEW], Y[FEW], n_bins=5, ax=ax)
    theirs = CalibrationDisplay.from_estimator(binary, X[FEW], Y[FEW], n_bins=5, ax=ax)
    np.testing.assert_allclose(ours.prob_true, theirs.prob_true)
    np.testing.assert_allclose(ours.prob_pred, theirs.prob_pred)
    assert ours.is_binary
    assert ours.ax_ is ax
    assert ours.figure_ is ax.figure


def test_reliability_of_more_classes_is_that_of_the_most_probable(pipe, ax):
    display = ReliabilityDisplay.from_estimator(pipe, X, Y, n_bins=1, name="student", ax=ax)
    p = pipe.predict_proba(X)
    assert display.prob_true == pytest.approx([pipe.score(X, Y)])
    assert display.prob_pred == pytest.approx([p.max(axis=1).mean()])
    assert not display.is_binary
    ReliabilityDisplay.from_predictions(Y, p, name="again", ax=ax, color="red")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["perfectly calibrated", "student", "again"]


def test_reliability_knows_classes_that_y_lacks(pipe, ax):
    p = pipe.predict_proba(X[FEW])
    with pytest.raises(ValueError, match="`y_prob` must have shape"):
        ReliabilityDisplay.from_predictions(Y[FEW], p, ax=ax)
    display = ReliabilityDisplay.from_predictions(Y[FEW], p, labels=[0, 1, 2], ax=ax)
    assert not display.is_binary


def test_fidelity(pipe, binary, ax):
    display = FidelityDisplay.from_estimator(pipe, X, ax=ax, color="red")
    scaled = pipe[0].transform(X)
    p, q = pipe[-1].teacher_.predict_proba(scaled), pipe.predict_proba(X)
    np.testing.assert_allclose(display.teacher_prob, p.max(axis=1))
    np.testing.assert_allclose(display.student_prob, q[np.arange(len(X)), p.argmax(axis=1)])
    assert len(display.points_.get_offsets()) == len(X)
    two = FidelityDisplay.from_estimator(binary, X[FEW], ax=ax)
    np.testing.assert_allclose(two.student_prob, binary.predict_proba(X[FEW])[:, 1])


def test_fidelity_draws_some_of_many_rows(ax):
    p = np.random.default_rng(0).dirichlet([1, 1], size=5000)
    display = FidelityDisplay.from_predictions(p, p[:, ::-1], ax=ax)
    assert len(display.points_.get_offsets()) == 2000
    assert len(display.teacher_prob) == 5000


def test_fidelity_needs_a_teacher_and_one_shape(pipe, ax):
    with pytest.raises(ValueError, match="no teacher to compare with"):
        FidelityDisplay.from_estimator(pipe[-1].without_teacher(), X, ax=ax)
    with pytest.raises(ValueError, match="must have one shape"):
        FidelityDisplay.from_predictions(np.ones((2, 2)) / 2, np.ones((3, 2)) / 2, ax=ax)


def test_history(pipe, ax):
    display = HistoryDisplay.from_estimator(pipe, ax=ax)
    history = pipe[-1].history_
    drawn = {line.get_label(): line.get_ydata() for line in display.lines_}
    np.testing.assert_allclose(drawn["training"], history[:, "train_loss"])
    np.testing.assert_allclose(drawn["validation"], history[:, "valid_loss"])


def test_history_with_a_learning_rate(ax):
    history = [{"train_loss": 1.0, "lr": 0.1}, {"train_loss": 0.5, "lr": 0.05}]
    display = HistoryDisplay(history).plot(ax=ax)
    assert [line.get_label() for line in display.lines_] == ["training", "learning rate"]
    assert display.figure_.axes[1].get_ylabel() == "learning rate"


def test_segments(pipe, ax):
    control = LogisticRegression(max_iter=1000).fit(X, Y)
    display = SegmentDisplay.from_estimator(pipe, X, Y, segments=[0], control=control, ax=ax)
    assert [line.get_label() for line in display.lines_] == ["teacher", "control", "student"]
    table = display.segments
    first = table[(table["model"] == "control") & (table["level"] == table["level"].iloc[0])]
    rows = X[:, 0] <= np.quantile(X[:, 0], 0.25)
    expected = log_loss(Y[rows], control.predict_proba(X[rows]), labels=[0, 1, 2])
    assert first["value"].item() == pytest.approx(expected)
    ticks = [text.get_text() for text in ax.get_yticklabels()]
    assert ticks[0].startswith("0: <= ")


def test_segments_of_any_models(ax):
    p = np.full((40, 2), 0.5)
    y, halves = np.arange(40) % 2, np.arange(40) >= 20
    display = SegmentDisplay.from_predictions(
        y, {"mine": p, "student": p}, segments={"half": halves}, ax=ax
    )
    assert [line.get_label() for line in display.lines_] == ["student", "mine"]
    np.testing.assert_allclose(display.segments["value"], np.log(2))


def test_a_new_figure_without_ax(binary, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "subplots", lambda: (None, Figure().subplots()))
    display = HistoryDisplay.from_estimator(binary)
    assert display.figure_ is display.ax_.figure


def test_the_error_names_the_extra(binary, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"HistoryDisplay needs matplotlib.*skdistill\[plot\]"):
        HistoryDisplay.from_estimator(binary)


def test_not_a_distilled_classifier():
    with pytest.raises(TypeError, match="`estimator` must be a fitted DistilledClassifier"):
        HistoryDisplay.from_estimator(LogisticRegression())
