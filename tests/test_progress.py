"""Progress: scikit-learn's callbacks, `verbose`, and what ends a training early."""

import re

import numpy as np
import pytest
import torch
from shared import two_classes, with_two_teachers
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from skdistill import DistilledClassifier, MLPStudent, Munge

SMALL = MLPStudent(hidden_layer_sizes=(8,), batch_size=50, n_steps=20)


class Recorder:
    """A callback of scikit-learn's protocol that writes down the path of each task."""

    def __init__(self, stop_at=None):
        self.begun, self.ended, self.stop_at, self.torn_down = [], [], stop_at, 0

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(path(context))

    def on_fit_task_end(self, estimator, context):
        self.ended.append(path(context))
        return context.task_name == self.stop_at

    def teardown(self, estimator, context):
        self.torn_down += 1


def path(context):
    names = [context.task_name]
    while context.parent is not None:
        context = context.parent
        names.insert(0, context.task_name)
    return "/".join(names)


def test_tasks_form_a_tree():
    X, y = two_classes()
    recorder = Recorder()
    clf = with_two_teachers().set_callbacks(recorder)
    clf.fit(X, y)
    assert recorder.begun[0] == "fit"
    assert sorted(recorder.begun) == sorted(recorder.ended)
    assert recorder.torn_down == 1
    tasks = [one for one in recorder.begun if one.count("/") == 1]
    assert tasks == [
        "fit/fit-teacher",
        "fit/sample-transfer-rows",
        "fit/sample-transfer-rows",
        "fit/label-training-rows",
        "fit/encode-rows",
        "fit/fit-student",
    ]
    steps = [one.removeprefix("fit/") for one in recorder.ended if one.count("/") == 2]
    assert steps[:6] == [
        "fit-teacher/lr",
        "fit-teacher/nb",
        "label-training-rows/lr, fold 1",
        "label-training-rows/lr, fold 2",
        "label-training-rows/nb, fold 1",
        "label-training-rows/nb, fold 2",
    ]
    epochs = [f"fit-student/epoch {i + 1}" for i in range(len(clf.history_))]
    assert steps[6:] == epochs
    assert len(epochs) > 1


def test_given_transfer_rows_have_their_task():
    X, y = two_classes()
    recorder = Recorder()
    DistilledClassifier(LogisticRegression(), SMALL).set_callbacks(recorder).fit(
        X, y, X_transfer=(X[:50],)
    )
    assert "fit/label-transfer-rows" in recorder.ended


def test_a_callback_can_stop_the_student():
    X, y = two_classes()
    clf = with_two_teachers().set_callbacks(Recorder(stop_at="epoch 2")).fit(X, y)
    assert len(clf.history_) == 2
    assert np.isfinite(clf.predict_proba(X)).all()


def test_callbacks_change_nothing_else():
    X, y = two_classes()
    plain = with_two_teachers().fit(X, y).predict_proba(X)
    watched = with_two_teachers().set_callbacks(Recorder()).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(plain, watched)


@pytest.mark.parametrize("held_out", [False, True], ids=["all rows", "rows held out"])
def test_a_monitor_scores_each_epoch_and_the_end(held_out):
    X, y = two_classes()
    y = np.array(["no", "yes"])[y]
    monitor = ScoringMonitor(scoring="neg_log_loss")
    torch.manual_seed(0)
    before = torch.get_rng_state()
    clf = with_two_teachers(early_stopping=held_out).set_callbacks(monitor).fit(X, y)
    assert torch.equal(torch.get_rng_state(), before)
    rows = monitor.get_logs().data
    epochs = [row["neg_log_loss"] for row in rows if row["task_name"].startswith("epoch")]
    (end,) = [row["neg_log_loss"] for row in rows if row["task_name"] == "fit"]
    assert end == get_scorer("neg_log_loss")(clf, X, y)
    assert epochs[0] < epochs[-1] < 0
    if held_out:
        assert len(epochs) > len(clf.history_)  # those of the second training as well
    else:  # neither calibrated nor trained again
        assert len(epochs) == len(clf.history_)
        assert epochs[-1] == pytest.approx(end, abs=1e-6)
    plain = with_two_teachers(early_stopping=held_out).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clf.predict_proba(X), plain)


def test_a_monitor_sees_the_weights_of_the_rows():
    X, y = two_classes()
    weights = np.where(y == 1, 5.0, 1.0)
    monitor = ScoringMonitor(scoring="neg_log_loss")
    clf = with_two_teachers().set_callbacks(monitor).fit(X, y, sample_weight=weights)
    end = monitor.get_logs().data[0]["neg_log_loss"]
    expected = get_scorer("neg_log_loss")(clf, X, y, sample_weight=weights)
    assert end == pytest.approx(expected, abs=1e-9)


class Dropout(torch.nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_inputs, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


def test_a_monitor_changes_no_module_that_draws_random_numbers():
    X, y = two_classes()
    clf = with_two_teachers().set_params(student=Dropout, early_stopping=True)
    plain = clf.fit(X, y).predict_proba(X)
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    watched = clf.set_callbacks(monitor).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(watched, plain)
    assert {"accuracy", "neg_log_loss"} <= set(monitor.get_logs().data[0])


def test_a_monitor_without_labels_scores_nothing():
    X, y = two_classes()
    frozen = FrozenEstimator(LogisticRegression().fit(X, y))
    monitor = ScoringMonitor(scoring="neg_log_loss")
    DistilledClassifier(frozen, SMALL, transfer=None).set_callbacks(monitor).fit(X)
    assert all("neg_log_loss" not in row for row in monitor.get_logs().data)


def test_teardown_after_an_error():
    X, y = two_classes()
    recorder = Recorder()
    bad = DistilledClassifier(LogisticRegression(C=-1.0), SMALL).set_callbacks(recorder)
    with pytest.raises(ValueError, match="could not be fitted"):
        bad.fit(X, y)
    assert recorder.torn_down == 1


def test_progress_bar_inside_a_search(capsys):
    X, y = two_classes()
    search = GridSearchCV(with_two_teachers(), {"temperature": [1.0, 2.0]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=2)).fit(X, y)
    assert "fit-student" in capsys.readouterr().out


def test_verbose_prints_the_steps(capsys):
    X, y = two_classes()
    with_two_teachers(verbose=1).fit(X, y)
    lines = [re.sub(r", \d+ s\]", ", # s]", line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "[DistilledClassifier, # s] fitting the teacher",
        "[DistilledClassifier, # s] drawing 100 rows by Munge(size=1)",
        "[DistilledClassifier, # s] drawing 100 rows by Munge(size=1)",
        "[DistilledClassifier, # s] labelling 400 rows out of fold",
        "[DistilledClassifier, # s] encoding 400 rows",
        "[DistilledClassifier, # s] training the student on 400 rows",
        "[DistilledClassifier, # s] kept: the student of teacher and labels (alpha 0.3, "
        "temperature 1, labels out of fold); why: nothing was compared, since no rows are held out "
        "of so few (give more rows, `X_val`, or `early_stopping=True`)",
    ]
    with_two_teachers(verbose=2).fit(X, y)
    assert "train_loss" in capsys.readouterr().out
    with_two_teachers().fit(X, y)
    assert capsys.readouterr().out == ""


def test_a_step_that_each_fold_repeats_is_told_once(capsys, monkeypatch):
    monkeypatch.setattr("skdistill._utils.progress.SECONDS_BETWEEN_LINES", 0.0)
    X, y = make_classification(700, 5, random_state=0)
    for verbose, n_told in ((1, 1), (2, 5)):
        DistilledClassifier(
            LogisticRegression(), SMALL, transfer=None, verbose=verbose, random_state=0
        ).fit(X, y)
        out = capsys.readouterr().out
        assert len(re.findall(r"fold \d of 5: training the student on \d+ rows\n", out)) == n_told
    whole = re.findall(r"about \d+ s for the whole fit, with (\d+) more training", out)
    # Five students, five controls, five of another alpha, and the last one, which is not begun.
    assert list(dict.fromkeys(whole)) == [str(n) for n in range(15, 0, -1)]


@pytest.mark.parametrize(("size", "shown"), [(1, "1"), (0.5, "0.5"), (25000 / 3930, "6.361")])
def test_the_size_of_a_sampler_is_told_in_short(size, shown, capsys):
    X, y = two_classes()
    clf = with_two_teachers(verbose=1).set_params(transfer=Munge(size=size), cv=None)
    clf.fit(X, y)
    assert f"rows by Munge(size={shown})\n" in capsys.readouterr().out


class CtrlC(Callback):
    """The user loses patience in an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_end(self, net, training=False, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_keyboard_interrupt_keeps_the_epochs_done_and_says_so():
    X, y = two_classes()
    net = SMALL.make_net(200)
    net.set_params(callbacks=[*net.callbacks, CtrlC(epoch=3)])
    clf = DistilledClassifier(LogisticRegression(), net, transfer=None, random_state=0)
    with pytest.warns(UserWarning, match=r"KeyboardInterrupt ended the training in epoch 3 of"):
        clf.fit(X, y)
    assert len(clf.history_) == 2
    assert clf.score(X, y) > 0.5


def test_keyboard_interrupt_in_the_first_epoch_leaves_no_student():
    X, y = two_classes()
    net = SMALL.make_net(200)
    net.set_params(callbacks=[*net.callbacks, CtrlC(epoch=1)])
    clf = DistilledClassifier(LogisticRegression(), net, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    with pytest.raises(NotFittedError):
        clf.predict(X)


def test_html_shows_teachers_and_student():
    html = with_two_teachers()._repr_html_()
    for text in ("teacher: lr", "teacher: nb", "student", "LogisticRegression", "MLPStudent"):
        assert text in html
