"""The student's second training, on the rows held out as well."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from skorch.callbacks import EarlyStopping

from skdistill import BalancedHinton, DistilledClassifier, MLPStudent

X, Y = make_classification(600, 6, n_informative=4, n_classes=3, random_state=0)
RECIPE = MLPStudent((16,), n_steps=300)


def make(**params):
    params = {"student": RECIPE, "alpha": 0.3, "transfer": None, "random_state": 0} | params
    params = {"validation_fraction": 0.1} | params
    return DistilledClassifier(LogisticRegression(), **params)


@pytest.fixture
def trainings(on_training):
    """The labels, epochs and validation rows of each training."""
    seen = []

    def watch(training, run):
        labels = training.rows.target["label"].numpy()
        seen.append((labels, training.net.max_epochs, training.validation))
        return run()

    on_training(watch)
    return seen


def test_the_last_training_takes_the_rows_held_out(trainings):
    clf = make(validation_fraction=0.2).fit(X, Y)
    (first, planned, chosen_by), (last, epochs, none) = trainings
    assert (len(first), len(chosen_by), none) == (480, 120, None)
    assert_array_equal(np.sort(last), np.sort(Y))
    losses = [row["valid_loss"] for row in clf.history_]
    # 480 and 600 rows make epochs of other lengths: the share of the schedule is the same.
    whole = MLPStudent((16,), n_steps=300).make_net(600).max_epochs
    assert epochs == max(1, round((1 + np.argmin(losses)) / planned * whole))
    assert len(clf.history_) > 1


@pytest.mark.parametrize(("n_rows", "optimizer"), [(5100, "AdamW"), (6000, "Muon")])
def test_the_last_training_keeps_layers_and_optimizer(on_training, n_rows, optimizer):
    nets = []

    def watch(training, run):
        nets.append((training.net.optimizer.__name__, training.net.module__hidden_layer_sizes))
        return run()

    on_training(watch)
    X, y = make_classification(n_rows, 4, random_state=0)
    make(student=MLPStudent(n_steps=30)).fit(X, y)
    assert len(nets) == 2
    assert nets[0] == nets[1]
    assert nets[0][0] == optimizer


def test_what_was_chosen_on_the_rows_held_out_holds(trainings):
    both, once = make().fit(X, Y), make(refit=False).fit(X, Y)
    assert len(trainings) == 3
    first, last = once.calibration_temperature_, both.calibration_temperature_
    assert min(first, 1) <= last <= max(first, 1)  # the nearest to 1 that is no worse
    assert last != first
    assert both.leak_gap_ == once.leak_gap_
    assert both.history_[:, "valid_loss"] == once.history_[:, "valid_loss"]
    assert (both.predict_proba(X) != once.predict_proba(X)).any()


@pytest.mark.parametrize(
    "params",
    [
        {"refit": False},
        {"warm_start": True},
        {"early_stopping": False},
        {"student": RECIPE.make_net(540)},
    ],
    ids=["refit", "warm_start", "early_stopping", "net"],
)
def test_one_training_where_a_second_would_not_do(params, trainings):
    make(**params).fit(X, Y)
    assert len(trainings) == 1


def test_one_training_where_rows_are_given(trainings):
    make().fit(X[:400], Y[:400], X_val=X[400:], y_val=Y[400:])
    assert [len(labels) for labels, _, _ in trainings] == [400]


def test_soft_targets_of_rows_held_out_are_those_given(trainings):
    soft = np.eye(3)[Y]
    clf = make().set_params(teacher=None).fit(X, soft_targets=soft)
    assert [len(labels) for labels, _, _ in trainings] == [540, 600]
    assert clf.score(X, Y) > 0.7


def interrupted(on_training, when, how):
    """Let a training end early: the one with validation rows, or the one without."""
    begun = []

    def cut(training, run):
        begun.append(training.validation)
        if (training.validation is None) == (when == "refit"):
            if how == "Ctrl-C":
                raise KeyboardInterrupt
            training.step = lambda name, *net: name == "epoch 2"
        return run()

    on_training(cut)
    return begun


def test_a_second_training_cut_short_is_dropped(on_training):
    once = make(refit=False).fit(X, Y)
    interrupted(on_training, "refit", "callback")
    clf = make().fit(X, Y)
    assert_array_equal(clf.predict_proba(X), once.predict_proba(X))


def test_ctrl_c_in_its_first_epoch_keeps_the_student(on_training):
    once = make(refit=False).fit(X, Y)
    interrupted(on_training, "refit", "Ctrl-C")
    with pytest.warns(UserWarning, match="KeyboardInterrupt ended .* rows held out is kept"):
        clf = make().fit(X, Y)
    assert_array_equal(clf.predict_proba(X), once.predict_proba(X))


def test_who_ends_the_first_training_wants_no_second(on_training):
    begun = interrupted(on_training, "first", "callback")
    clf = make().fit(X, Y)
    assert len(begun) == 1
    assert len(clf.history_) == 2


class WithCallback(MLPStudent):
    """A recipe of the user's own, whose net needs validation rows."""

    def make_net(self, n_rows):
        net = super().make_net(n_rows)
        return net.set_params(callbacks=[*net.callbacks, ("stop", EarlyStopping(patience=3))])


def test_a_recipe_of_ones_own_is_not_fitted_again(trainings):
    make(student=WithCallback((8,), n_steps=50)).fit(X, Y)
    assert len(trainings) == 1


def test_the_first_training_is_the_same_without_a_second():
    params = {"response": BalancedHinton(), "temperature": 2.0}
    both, once = make(**params).fit(X, Y), make(refit=False, **params).fit(X, Y)
    assert both.history_[:, "train_loss"] == once.history_[:, "train_loss"]


@pytest.mark.parametrize("refit", [2, "auto", None])
def test_refit_is_true_or_false(refit):
    with pytest.raises(ValueError, match="'refit' parameter .* Got"):
        make(refit=refit).fit(X, Y)
