"""The judge of "auto" keeps its level, and a fit says what it kept and why."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import BalancedHinton, DistilledClassifier, MLPStudent
from skdistill.metrics import score_and_choices

X, Y = make_classification(900, 8, n_informative=6, n_classes=3, flip_y=0.2, random_state=0)
RECIPE = MLPStudent((16,), n_steps=300)


def fit(teacher, **params):
    params = {"student": RECIPE, "random_state": 0, "validation_fraction": 0.1, **params}
    return DistilledClassifier(teacher, **params).fit(X, Y)


# --- the level ---


# --- what is said ---


def test_the_decision_is_one_line_with_the_losses(capsys):
    clf = fit(RandomForestClassifier(50), verbose=1)
    own = next(trial for trial in clf.trials_ if trial["is_kept"])
    assert clf.decision_.startswith("kept: the student of teacher and labels (alpha 0.3,")
    assert f"log loss {own['log_loss']:.4f} on 90 rows held out" in clf.decision_
    assert "why: no other student is better by more than chance" in clf.decision_
    assert "\n" not in clf.decision_
    assert capsys.readouterr().out.splitlines()[-1].endswith(clf.decision_)


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"early_stopping": False}, "no rows are held out"),
        ({"alpha": 0.5}, "`alpha=0.5` was given"),
        ({"validation_fraction": 0.03}, "too few to compare by"),
    ],
    ids=str,
)
def test_the_decision_says_why_nothing_was_compared(params, why):
    assert why in fit(LogisticRegression(), transfer=None, **params).decision_


def test_a_frozen_teacher_may_have_seen_the_rows():
    X, y = make_classification(600, random_state=0)
    teacher = FrozenEstimator(LogisticRegression().fit(X, y))
    clf = DistilledClassifier(teacher, transfer=None, alpha=0.5, random_state=0).fit(X, y)
    assert "(the teacher, which may have seen these rows, 0." in clf.decision_
    assert [one.get("may_have_seen_the_rows") for one in clf.trials_] == [None, True]


def test_lines_of_progress_name_fold_and_alpha(capsys):
    X, y = make_classification(500, random_state=0)
    student = MLPStudent(hidden_layer_sizes=(8,), n_steps=20)
    params = {"transfer": None, "student": student, "random_state": 0}
    DistilledClassifier(LogisticRegression(), verbose=2, **params).fit(X, y)
    said = re.sub(r", \d+ s\]", "]", capsys.readouterr().out)
    assert "[DistilledClassifier] fold 2 of 5: fitting the teacher\n" in said
    assert "[DistilledClassifier] fold 5 of 5: training the student on 400 rows\n" in said
    assert "fold 1 of 5: training the student on 400 rows, at alpha 0.7\n" in said
    assert "[DistilledClassifier] fitting the teacher\n" in said  # at last, on all rows
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    DistilledClassifier(frozen, verbose=1, **params).fit(X, y)
    assert "fold 1 of 5: taking the frozen teacher as it is" in capsys.readouterr().out


def test_labels_alone_are_told_of():
    with pytest.warns(UserWarning, match="the student that is kept learns from the"):
        clf = fit(DummyClassifier())
    assert "(alpha 1," in clf.decision_
    assert "why: the teacher itself is clearly worse than that" in clf.decision_
    with pytest.warns(UserWarning, match=r"labels alone.*`response` is not used"):
        fit(DummyClassifier(), response=BalancedHinton())
    with pytest.warns(UserWarning, match="`response` is not used, since `alpha=1`"):
        fit(DummyClassifier(), response=BalancedHinton(), alpha=1.0)


def test_a_student_far_behind_its_teacher_is_told_of():
    rng = np.random.RandomState(0)
    town = rng.randint(0, 2, size=400)  # what the teacher knows of each is in no other column
    ids = rng.randint(0, 400, size=3000)
    table = pd.DataFrame({"id": [f"town {one}" for one in ids], "noise": rng.normal(size=3000)})

    class Register(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict_proba(self, X):
            known = town[X["id"].str[5:].astype(int)]
            return np.column_stack([0.99 - 0.98 * known, 0.01 + 0.98 * known])

    student = MLPStudent((4,), n_steps=20)
    clf = DistilledClassifier(Register(), student, transfer=None, alpha=0.0, random_state=0)
    with pytest.warns(UserWarning, match="far behind its teacher .* log loss 0.[67].* against 0.0"):
        clf.fit(table, town[ids])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*far behind")
        fit(RandomForestClassifier(50))


def test_soft_targets_that_hold_the_labels_are_named():
    """They are not behind: nobody can know as much of the rows held out."""
    y = np.arange(600) % 2
    clf = DistilledClassifier(None, MLPStudent((4,), n_steps=20), random_state=0)
    with pytest.warns(UserWarning, match="far behind .* `soft_targets` may know the labels"):
        clf.fit(np.random.RandomState(0).normal(size=(600, 2)), y, soft_targets=np.eye(2)[y])


def test_a_search_shows_what_each_fold_chose():
    pipe = make_pipeline(
        StandardScaler(),
        DistilledClassifier(DummyClassifier(), RECIPE, transfer=None, random_state=0),
    )
    search = GridSearchCV(
        pipe,
        {"distilledclassifier__alpha": ["auto", 0.5]},
        scoring=score_and_choices("neg_log_loss"),
        refit="score",
        cv=2,
    )
    X, y = make_classification(800, 8, n_informative=6, random_state=0)
    results = search.fit(X, y).cv_results_
    auto, given = zip(*(results[f"split{i}_test_alpha"] for i in range(2)), strict=True)
    assert set(auto) <= {0.3, 1.0}
    assert given == (0.5, 0.5)
    assert_array_equal(results["split1_test_temperature"], [1.0, 1.0])
    assert search.best_index_ == results["mean_test_score"].argmax()


# --- what fails on the way ---


def fail_where(on_training, fails):
    def boom(training, run):
        if fails(training.loss, training.validation):
            raise ValueError("the student diverged in epoch 3")
        return run()

    on_training(boom)


@pytest.mark.parametrize(
    ("what", "fails"),
    [
        ("training another control", lambda loss, validation: loss["alpha"] == 1),
        ("training another student", lambda loss, validation: loss["temperature"] == 2),
        ("training the student again", lambda loss, validation: validation is None),
    ],
)
def test_an_attempt_that_fails_leaves_the_student(on_training, what, fails):
    teacher = RandomForestClassifier(20, random_state=0)
    once = fit(teacher, alpha=0.3, temperature="auto", refit=False)
    fail_where(on_training, fails)
    with pytest.warns(UserWarning, match=f"{what} failed, and .*: the student diverged in epoch 3"):
        clf = fit(teacher, temperature="auto", refit="again" in what)
    assert_array_equal(clf.predict_proba(X), once.predict_proba(X))
    assert (clf.alpha_, clf.temperature_) == (0.3, 1.0)


def test_a_fit_that_fails_leaves_no_student(on_training):
    clf = fit(LogisticRegression(), transfer=None)
    fail_where(on_training, lambda loss, validation: True)
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(X, Y)
    assert [name for name in vars(clf) if name.endswith("_")] == []
    clf = DistilledClassifier(LogisticRegression(), RECIPE)
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(X, Y)
    assert not clf.__sklearn_is_fitted__()


def test_going_on_that_fails_leaves_the_student_as_it_was(on_training):
    clf = fit(LogisticRegression(), transfer=None, warm_start=True)
    before = clf.predict_proba(X)
    fail_where(on_training, lambda loss, validation: True)
    with pytest.raises(ValueError, match="diverged"):
        clf.fit(X, Y)
    assert_array_equal(clf.predict_proba(X), before)


# --- the losses that are told ---


def test_trials_of_a_net_that_gives_probabilities_are_right():
    torch = pytest.importorskip("torch")
    skorch = pytest.importorskip("skorch")

    class Net(torch.nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.layer = torch.nn.Linear(n_inputs, n_outputs)

        def forward(self, X):
            return torch.softmax(self.layer(X), dim=1)

    net = skorch.NeuralNetClassifier(
        Net, criterion=torch.nn.NLLLoss, lr=0.1, max_epochs=10, batch_size=64
    )
    clf = DistilledClassifier(LogisticRegression(), net, transfer=None, random_state=0)
    clf.fit(X[:600], Y[:600], X_val=(X[600:],), y_val=(Y[600:],))
    truth = log_loss(Y[600:], clf.predict_proba(X[600:]))
    assert clf.trials_[0]["log_loss"] == pytest.approx(truth, abs=1e-5)


@pytest.mark.slow
def test_the_control_of_real_data_is_not_a_false_alarm():
    X, y = load_digits(return_X_y=True)
    clf = DistilledClassifier(RandomForestClassifier(50), RECIPE, random_state=0).fit(X, y)
    assert clf.alpha_ < 1


def test_alpha_without_labels_is_told_of():
    X, y = make_classification(300, random_state=0)
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    clf = DistilledClassifier(
        frozen, MLPStudent((8,), n_steps=20), alpha=0.9, transfer=None, random_state=0
    )
    with pytest.warns(UserWarning, match=r"`alpha=0\.9` is taken as 0, since there are no labels"):
        assert clf.fit(X).alpha_ == 0
