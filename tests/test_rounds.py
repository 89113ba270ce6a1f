"""Rounds: rows drawn anew while DistilledClassifier trains its student."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from skorch import NeuralNetClassifier

from skdistill import (
    DistilledClassifier,
    GivenRows,
    Mixup,
    MLPStudent,
    Munge,
    Near,
    Rounds,
    TransferSampler,
)
from skdistill.student import Training
from skdistill.targets import floor_probabilities

X, CODES = make_classification(240, 5, n_informative=4, n_redundant=0, random_state=0)
Y = np.array(["no", "yes"])[CODES]
TEACHER = FrozenEstimator(LogisticRegression().fit(X, Y))
SMALL = MLPStudent((16,), n_steps=96, batch_size=60)


class Recorder(TransferSampler):
    """Draws near the rows of X, and takes down what it was asked."""

    calls: list = []

    def sample(self, X, n, random_state=None, *, context=None):
        rng = np.random.RandomState(random_state.randint(2**31 - 1))
        rows = rng.randint(len(X), size=n)
        drawn = X[rows] + 0.1 * rng.normal(size=(n, X.shape[1]))
        student = None if context.student is None else context.student.predict_proba(X)
        self.calls.append((context, student, drawn))
        return drawn


@pytest.fixture
def calls():
    Recorder.calls.clear()
    yield Recorder.calls
    Recorder.calls.clear()


@pytest.fixture
def trained(monkeypatch):
    """Each training, and what it learns in each of its epochs."""
    trainings, epoch = {}, Training.epoch

    def watched(self):
        trainings.setdefault(self, []).append(self.rows)
        return epoch(self)

    monkeypatch.setattr(Training, "epoch", watched)
    return trainings.items()


def make(transfer, **params):
    params = {"student": SMALL, "alpha": 0.3, "random_state": 0, **params}
    return DistilledClassifier(params.pop("teacher", TEACHER), transfer=transfer, **params)


def n_by_epoch(rows):
    return [len(one) for one in rows]


def steps_of(rows):
    return sum(max(1, round(len(one) / 60)) for one in rows)


# --- draws ---


def test_the_sampler_is_asked_in_each_round(calls):
    clf = make(Rounds(Recorder(size=2), n_rounds=4)).fit(X, Y)
    contexts = [context for context, _, _ in calls]
    assert [context.round for context in contexts] == [0, 1, 2, 3]
    assert [context.student is None for context in contexts] == [True, False, False, False]
    for context in contexts:
        assert context.task.classes.tolist() == ["no", "yes"]
        np.testing.assert_array_equal(
            context.teacher.predict_proba(X[:9]), TEACHER.predict_proba(X[:9])
        )
    answers = [student for _, student, _ in calls[1:]]
    for p in answers:
        assert p.shape == (240, 2)
        np.testing.assert_allclose(p.sum(axis=1), 1)
    changes = [np.abs(a - b).max() for a, b in pairwise(answers)]
    assert min(changes) > 1e-4
    assert [drawn.shape for _, _, drawn in calls] == [(480, 5)] * 4
    assert len({drawn.tobytes() for _, _, drawn in calls}) == 4
    assert clf.n_transfer_rows_ == 480
    assert [name for name, _ in clf.transfer_] == ["rounds"]


def test_the_student_so_far_learns(calls):
    """In later rounds it is nearer to the teacher, and at the end it is the student."""
    make(Rounds(Recorder(size=2), n_rounds=4)).fit(X, Y)
    expected = TEACHER.predict_proba(X)
    gaps = [np.abs(student - expected).mean() for _, student, _ in calls[1:]]
    assert gaps[-1] < gaps[0]


def test_new_rows_take_the_place_of_those_before(trained):
    make(Rounds(Munge(size=2), n_rounds=4)).fit(X, Y)
    ((training, rows),) = trained
    assert set(n_by_epoch(rows)) == {240 + 480}
    parts = list(Counter(map(id, rows)).values())
    assert len(parts) == 4
    assert max(parts) - min(parts) <= 1
    inputs = list({id(one): np.asarray(one.inputs) for one in rows}.values())
    for other in inputs[1:]:
        np.testing.assert_array_equal(other[:240], inputs[0][:240])  # the training rows stay
        assert not np.array_equal(other[240:], inputs[0][240:])
    assert training.n_epochs == training.net.max_epochs == len(rows)


def test_new_rows_are_labelled_by_the_teacher(trained, calls):
    make(Rounds(Recorder(size=1), n_rounds=2)).fit(X, Y)
    _, rows = next(iter(trained))
    expected = TEACHER.predict_proba(calls[1][2])
    soft = rows[-1].target["soft"][240:]
    np.testing.assert_allclose(soft, floor_probabilities(expected, 1e-9), atol=1e-4)


def test_new_rows_join_those_before(trained, calls):
    clf = make(Rounds(Recorder(size=2), n_rounds=4, replace=False)).fit(X, Y)
    _, rows = next(iter(trained))
    sizes = n_by_epoch(rows)
    assert sizes == sorted(sizes)
    assert sorted(set(sizes)) == [240 + 120 * n for n in (1, 2, 3, 4)]
    assert clf.n_transfer_rows_ == 480
    assert [drawn.shape for _, _, drawn in calls] == [(120, 5)] * 4
    drawn = np.concatenate([drawn for _, _, drawn in calls])
    encoded = clf.encoder_.transform(drawn)
    np.testing.assert_array_equal(np.asarray(rows[-1].inputs)[240:], encoded)


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("n_rounds", [1, 2, 3, 5, 200])
def test_the_schedule_is_kept(trained, replace, n_rounds):
    make(Rounds(Munge(size=2), n_rounds=n_rounds, replace=replace)).fit(X, Y)
    training, rows = next(iter(trained))
    (_, schedule), *_ = SMALL.make_net(len(rows[-1])).callbacks
    planned = schedule.get_params()["total_steps"]
    assert planned - 12 < steps_of(rows) <= planned
    assert len(rows) == training.net.max_epochs
    n_different = len({id(one) for one in rows})
    assert n_different == n_rounds if n_rounds < 9 else 8 <= n_different <= 9


def test_weights_that_decay_know_the_whole_training(trained):
    make(Rounds(Munge(size=3), n_rounds=3, replace=False)).fit(X, Y)
    ((training, rows),) = trained
    assert steps_of(rows) <= training.n_planned < steps_of(rows) + 16
    assert training.n_planned > len(rows) * round(len(rows[0]) / 60)  # the first round is small


def test_one_round_is_the_sampler_itself():
    rounds = make([("munge", Rounds(Munge(size=2), n_rounds=1))]).fit(X, Y)
    plain = make([("munge", Munge(size=2))]).fit(X, Y)
    np.testing.assert_array_equal(rounds.predict_proba(X), plain.predict_proba(X))


def test_the_first_round_draws_as_without(trained):
    make(Rounds(Munge(size=2), n_rounds=3)).fit(X, Y)
    make(Munge(size=2)).fit(X, Y)
    (_, rounds), (_, plain) = trained
    np.testing.assert_array_equal(rounds[0].inputs, plain[0].inputs)


def test_two_samplers_with_rounds_of_their_own(trained, calls):
    samplers = [
        ("often", Rounds(Recorder(size=1), n_rounds=4)),
        ("twice", Rounds(Mixup(size=0.5), n_rounds=2)),
        ("once", Munge(size=0.25)),
    ]
    clf = make(samplers).fit(X, Y, X_transfer=(X[:30] + 1,))
    _, rows = next(iter(trained))
    assert set(n_by_epoch(rows)) == {240 + 30 + 240 + 120 + 60}
    distinct = list({id(one): np.asarray(one.inputs) for one in rows}.values())
    assert len(distinct) == 4
    assert [context.round for context, _, _ in calls] == [0, 1, 2, 3]
    assert clf.n_transfer_rows_ == 30 + 240 + 120 + 60

    def holds(inputs, part):
        return {row.tobytes() for row in part} <= {row.tobytes() for row in inputs}

    given, once = distinct[0][240:270], distinct[0][-60:]
    mixed = [distinct[0][510:630]]
    for inputs in distinct[1:]:
        assert holds(inputs, given)
        assert holds(inputs, once)
        assert not holds(inputs, mixed[0])
    for _, _, drawn in calls:
        encoded = clf.encoder_.transform(drawn)
        assert sum(holds(inputs, encoded) for inputs in distinct) == 1
    last = set(map(bytes, distinct[-1])) - set(map(bytes, clf.encoder_.transform(calls[-1][2])))
    assert last <= set(map(bytes, distinct[1]))  # after its two rounds Mixup rests


def test_rows_that_weigh_and_those_that_do_not(trained, calls):
    weight = np.r_[np.zeros(40), np.ones(200)]
    make([Rounds(Recorder(size=1, weight=0.5), n_rounds=3), GivenRows(weight=2)]).fit(
        X, Y, sample_weight=weight, X_transfer=(X[:10],)
    )
    _, rows = next(iter(trained))
    for one in rows:
        assert len(one) == 200 + 10 + 200
        weights = np.asarray(one.target["weight"])
        np.testing.assert_allclose(np.unique(weights / weights[0]), [0.5, 1, 2])
    assert all(len(drawn) == 200 for _, _, drawn in calls)


# --- the rest of a fit ---


def test_early_stopping_refit_and_calibration(trained):
    clf = make(Rounds(Munge(size=2), n_rounds=4), early_stopping=True, validation_fraction=0.25)
    clf.fit(X, Y)
    ((first, rows),) = trained  # no second training
    assert set(n_by_epoch(rows)) == {180 + 360}
    assert first.validation is not None
    assert len(clf.history_) == first.n_epochs
    assert clf.score(X, Y) > 0.75
    held = make(
        Rounds(Munge(size=2), n_rounds=4),
        early_stopping=True,
        validation_fraction=0.25,
        refit=False,
    ).fit(X, Y)
    assert len(trained) == 2
    np.testing.assert_array_equal(held.predict_proba(X), clf.predict_proba(X))
    best = int(np.argmin(held.history_[:, "valid_loss"])) + 1
    assert best <= held.student_.max_epochs


@pytest.mark.parametrize("replace", [True, False])
def test_every_temperature_begins_with_the_same_rows(trained, calls, replace):
    val_X, val_y = X[150:], Y[150:]
    clf = make(Rounds(Recorder(size=2), n_rounds=3, replace=replace), temperature="auto")
    clf.fit(X[:150], Y[:150], X_val=val_X, y_val=val_y)
    assert len(trained) == 3
    assert [context.round for context, _, _ in calls] == [0, 1, 2, 1, 2, 1, 2]
    sizes = [n_by_epoch(rows) for _, rows in trained]
    assert sizes[0] == sizes[1] == sizes[2]
    firsts = [np.asarray(rows[0].inputs) for _, rows in trained]
    np.testing.assert_array_equal(firsts[0], firsts[1])
    np.testing.assert_array_equal(firsts[0], firsts[2])
    assert clf.n_transfer_rows_ == 300


@pytest.mark.filterwarnings("ignore:DistilledClassifier. `alpha=.auto.` keeps")
def test_the_control_draws_nothing(trained, calls):
    clf = make(Rounds(Recorder(size=2), n_rounds=3), alpha="auto", teacher=LogisticRegression())
    clf.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    assert len(trained) == 2
    assert len(calls) == 3
    assert {one["who"] for one in clf.trials_} == {"student", "control", "teacher"}
    assert set(n_by_epoch(list(trained)[1][1])) == {150}
    assert clf.n_transfer_rows_ == (300 if clf.alpha_ < 1 else 0)


@pytest.mark.parametrize("replace", [True, False])
def test_with_folds_it_draws_once(trained, calls, replace):
    forest = RandomForestClassifier(5, random_state=0)
    clf = make(Rounds(Recorder(size=2), n_rounds=3, replace=replace), teacher=forest, cv=3)
    with pytest.warns(UserWarning, match=r"`Rounds` in `transfer` draws its rows once.*`cv=None`"):
        clf.fit(X, Y)
    assert [context.round for context, _, _ in calls] == [0, 0, 0]  # a fold each
    assert set(n_by_epoch(next(iter(trained))[1])) == {240 + 480}


def test_time_that_is_over_ends_the_draws(calls):
    clf = make(Rounds(Recorder(size=2), n_rounds=4), max_time=1e-9)
    with pytest.warns(UserWarning, match="`max_time` ended the training"):
        clf.fit(X, Y)
    assert [context.round for context, _, _ in calls] == [0]
    assert len(clf.history_) == 1
    assert clf.predict(X).shape == (240,)


def test_it_repeats_by_the_seed():
    first, second = (make(Rounds(Munge(size=2))).fit(X, Y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = make(Rounds(Munge(size=2)), random_state=1).fit(X, Y).predict_proba(X)
    assert not np.array_equal(first, other)


class DrawsByStudent(TransferSampler):
    """Takes the rows that the student is least sure of; prints a line a draw."""

    def sample(self, X, n, random_state=None, *, context=None):
        print("drawn")
        model = context.teacher if context.student is None else context.student
        order = np.argsort(model.predict_proba(X).max(axis=1))
        return X[np.resize(order[:20], n)] + 0.01 * random_state.normal(size=(n, X.shape[1]))


def test_memory_gives_the_same_student_to_the_bit(tmp_path, capsys):
    plain = make(Rounds(DrawsByStudent(size=1), n_rounds=3)).fit(X, Y).predict_proba(X)
    kept = [
        make(Rounds(DrawsByStudent(size=1), n_rounds=3), memory=str(tmp_path))
        .fit(X, Y)
        .predict_proba(X)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(kept[0], plain)
    np.testing.assert_array_equal(kept[1], plain)
    assert capsys.readouterr().out.count("drawn") == 6  # the third fit draws nothing


def test_memory_tells_students_and_teachers_apart(tmp_path):
    other = FrozenEstimator(LogisticRegression().fit(X[:, ::-1] + 1, Y))
    for params in ({}, {"alpha": 0.9}, {"teacher": other}, {"student": clone(SMALL)}):
        rounds = Rounds(DrawsByStudent(size=1), n_rounds=3)
        kept = make(rounds, memory=str(tmp_path), **params).fit(X, Y).predict_proba(X)
        plain = make(rounds, **params).fit(X, Y).predict_proba(X)
        np.testing.assert_array_equal(kept, plain)


def test_a_module_of_the_users_own_answers_without_dropout(calls):
    class Net(torch.nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(n_inputs, 16),
                torch.nn.Dropout(0.5),
                torch.nn.ReLU(),
                torch.nn.Linear(16, n_outputs),
            )

        def forward(self, X):
            return self.layers(X)

    class Twice(Recorder):
        def sample(self, X, n, random_state=None, *, context=None):
            if context.student is not None:
                ask = context.student.predict_proba
                np.testing.assert_array_equal(ask(X), ask(X))
            return super().sample(X, n, random_state, context=context)

    net = NeuralNetClassifier(
        Net,
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=6,
        batch_size=60,
        train_split=None,
        verbose=0,
        optimizer=torch.optim.Adam,
        lr=0.01,
    )
    clf = make(Rounds(Twice(size=1), n_rounds=3), student=net).fit(X, Y)
    assert len(calls) == 3
    assert len(clf.history_) == 6


def test_later_draws_do_not_change_the_training_but_for_their_rows(calls):
    """A sampler that asks the student leaves the net as it was."""

    class Silent(Recorder):
        def sample(self, X, n, random_state=None, *, context=None):
            return super().sample(
                X, n, random_state, context=type(context)(context.teacher, None, context.task)
            )

    asking = make([("a", Rounds(Recorder(size=1)))]).fit(X, Y)
    silent = make([("a", Rounds(Silent(size=1)))]).fit(X, Y)
    np.testing.assert_array_equal(asking.predict_proba(X), silent.predict_proba(X))


def test_a_table_with_categories_and_a_student_of_few_columns(calls):
    frame = pd.DataFrame(X, columns=list("abcde")).assign(a=np.array(["u", "v", "w"])[CODES])
    seen = []

    class Asks(TransferSampler):
        def sample(self, X, n, random_state=None, *, context=None):
            drawn = X.sample(n, replace=True, random_state=random_state)
            if context.student is not None:
                seen.append(context.student.predict_proba(drawn))
            return drawn

    teacher = RandomForestClassifier(5, random_state=0)
    clf = make(
        Rounds(Asks(size=1), n_rounds=3),
        teacher=teacher,
        teacher_features=["b", "c", "d", "e"],
        student_features=["a", "b"],
    ).fit(frame, Y)
    assert [p.shape for p in seen] == [(240, 2)] * 2
    assert clf.feature_names_in_.tolist() == ["a", "b"]


def test_a_student_that_goes_on():
    clf = make(Rounds(Munge(size=1), n_rounds=2), warm_start=True).fit(X, Y)
    before = clf.predict_proba(X)
    again = clf.fit(X, Y).predict_proba(X)
    assert not np.array_equal(before, again)
    assert np.abs(before - again).max() < 0.5


def test_callbacks_and_lines_of_progress(capsys):
    clf = make(Rounds(Munge(size=1), n_rounds=2), verbose=1).set_callbacks(ProgressBar())
    clf.fit(X, Y)
    text = capsys.readouterr().out
    assert text.count("drawing 240 rows by Rounds(") == 2
    assert text.count("labelling 240 transfer rows") == 2


# --- errors ---


def test_sparse_rows_are_refused_as_by_the_sampler_itself():
    rows = sparse.csr_matrix(np.where(X > 0, X, 0))
    messages = []
    for transfer in ([("a", Munge())], [("a", Rounds(Munge()))], [("a", Rounds(Near(Munge())))]):
        clf = make(transfer, teacher=LogisticRegression(), encoder="passthrough")
        with pytest.raises(ValueError, match="`transfer` draws rows .* X is sparse") as caught:
            clf.fit(rows, Y)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "Near reads dense tables only" in messages[2]


def test_a_sampler_that_draws_too_few_rows_later():
    class Tired(TransferSampler):
        def sample(self, X, n, random_state=None, *, context=None):
            return X[: n - context.round]

    with pytest.raises(ValueError, match="the sampler `rounds` of `transfer` drew 239 rows"):
        make(Rounds(Tired(size=1))).fit(X, Y)


def test_a_sampler_that_fails_later_leaves_no_student():
    class Fails(TransferSampler):
        def sample(self, X, n, random_state=None, *, context=None):
            if context.round:
                raise RuntimeError("no rows today")
            return X[:n]

    clf = make(Rounds(Fails(size=1)))
    with pytest.raises(RuntimeError, match="no rows today"):
        clf.fit(X, Y)
    assert not hasattr(clf, "student_")


def test_rows_cannot_be_drawn_without_a_teacher():
    soft = TEACHER.predict_proba(X)
    with pytest.raises(ValueError, match="`transfer` draws rows .* no `teacher` to label them"):
        make(Rounds(Munge()), teacher=None).fit(X, Y, soft_targets=soft)


class Interrupted(Munge):
    """Ctrl-C while the rows of the second round are drawn."""

    def sample(self, X, n, random_state=None, sample_weight=None, *, context=None):
        if context.round:
            raise KeyboardInterrupt
        return super().sample(X, n, random_state, sample_weight, context=context)


def test_ctrl_c_while_a_round_is_drawn_keeps_the_student():
    with pytest.warns(UserWarning, match="KeyboardInterrupt ended .* while rows were drawn"):
        clf = make(Rounds(Interrupted(size=2), n_rounds=2)).fit(X, Y)
    assert len(clf.history_) >= 1
    assert clf.score(X, Y) > 0.5


def test_memory_tells_pools_of_other_weights_apart_where_a_sampler_may_ask(calls, tmp_path):
    both = [LogisticRegression(), GaussianNB()]
    drawn = {}
    for name, params in {
        "first": {},
        "again": {"temperature": 2.0},
        "pooling": {"pooling": "geometric"},
        "weights": {"teacher_weights": [1, 9]},
    }.items():
        calls.clear()
        make(Recorder(size=1), teacher=both, memory=str(tmp_path), **params).fit(X, Y)
        drawn[name] = len(calls)
    assert drawn == {"first": 1, "again": 0, "pooling": 1, "weights": 1}


class Asking(Rounds):
    """Rows of ours, moved by what the teacher says of them."""

    def sample(self, X, n, random_state=None, sample_weight=None, *, context=None):
        Recorder.calls.append(context)
        drawn = super().sample(X, n, random_state, context=context)
        return drawn + context.teacher.predict_proba(drawn)[:, :1]


def test_memory_knows_that_a_sampler_around_ours_may_ask(calls, tmp_path):
    for C in (1e-4, 1.0):
        teacher = LogisticRegression(C=C)
        make(Asking(Munge(size=1), 1), teacher=teacher, memory=str(tmp_path)).fit(X, Y)
    assert len(calls) == 2


def test_rows_of_a_pool_without_keys_are_not_kept(calls, tmp_path):
    for C in (1e-4, 1.0):
        clf = make(Recorder(size=1), teacher=LogisticRegression(C=C), warm_start=True).fit(X, Y)
        calls.clear()
        clf.set_params(memory=str(tmp_path)).fit(X, Y)
        assert len(calls) == 1
