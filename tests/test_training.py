"""A net in training: stepped beside others, stored and gone on with, ended before its time."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn

from skdistill import (
    DistilledClassifier,
    Hinton,
    MLPStudent,
    Objective,
    PrunedStudent,
    QuantizedStudent,
)
from skdistill.objectives import view_key
from skdistill.student import Rows, Training, gives_probabilities, prepare_net
from skdistill.task import Classification

N_ROWS, N_INPUTS, N_CLASSES = 96, 4, 3
TASK = Classification(np.arange(N_CLASSES))


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_ROWS, N_INPUTS)).astype(np.float32)
    soft = rng.dirichlet(np.ones(N_CLASSES), N_ROWS)
    return X, soft.argmax(axis=1), soft


class Dropped(nn.Module):
    """Draws random numbers in each forward pass."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.hidden = nn.Linear(n_inputs, 12)
        self.norm = nn.BatchNorm1d(12)
        self.out = nn.Linear(12, n_outputs)

    def forward(self, X):
        return self.out(
            nn.functional.dropout(self.norm(self.hidden(X)).relu(), training=self.training)
        )


class Noisy(Objective):
    """Trains a projector, with noise of torch's global generator."""

    student_layers = ("first",)

    def make_module(self, batch):
        return nn.Linear(batch.layers["first"].shape[1], batch.soft.shape[1])

    def loss(self, batch):
        projected = self.module_(batch.layers["first"])
        noise = 0.1 * torch.randn(projected.shape)
        return (projected + noise - batch.soft).square().sum(dim=1)


def small(**params):
    return MLPStudent((8, 8), batch_size=16, **{"n_steps": 48, **params})


TINY = {"hidden_layer_sizes": (8, 8), "batch_size": 16, "n_steps": 48, "optimizer": "muon"}


def own_net(max_epochs=8, **params):
    return NeuralNetClassifier(
        Dropped,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.05,
        batch_size=16,
        max_epochs=max_epochs,
        **params,
    )


def make_rows(seed=0, is_validation=False):
    X, y, soft = arrays(seed)
    target = {"label": y, "weight": np.ones(N_ROWS)}
    if not is_validation:
        target |= {"soft": soft, "teacher": soft}
    return Rows.from_arrays(X, target, is_labelled=True, gives_inputs=not is_validation)


def make(student=None, objectives=(), early_stopping=False, alpha=0.3, **params):
    net = prepare_net(small() if student is None else student, N_ROWS, N_INPUTS, TASK, ())
    loss = {
        "task": TASK,
        "response": Hinton(),
        "objectives": list(objectives),
        "temperature": 1.0,
        "alpha": alpha,
        "gives_probabilities": gives_probabilities(net),
    }
    validation = make_rows(1, is_validation=True) if early_stopping else None
    params = {"seed": 5, "early_stopping": early_stopping, **params}
    return Training(net, loss, make_rows(), validation, N_CLASSES, **params)


KINDS = {
    "default": lambda **params: make(**params),
    "muon": lambda **params: make(small(optimizer="muon"), **params),
    "dropout": lambda **params: make(own_net(), **params),
    "projector": lambda **params: make(objectives=[("noisy", Noisy())], **params),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def weights_of(student):
    return student.module.state_dict()


def assert_same(one, other):
    assert set(one) == set(other)
    for name, values in one.items():
        torch.testing.assert_close(values, other[name], rtol=0, atol=0, msg=name)


def losses_of(training):
    names = ["train_loss"] + ["valid_loss"] * (training.validation is not None)
    return [[float(epoch[name]) for name in names] for epoch in training.history]


# --- side by side ---


@kinds
def test_two_trainings_step_by_step_are_what_each_is_alone(kind):
    def pair():
        return KINDS[kind](alpha=1.0), KINDS[kind](seed=7)

    alone = [training.run() for training in pair()]
    control, student = pair()
    control.start()
    student.start()
    while not (control.is_over and student.is_over):
        for one in (control, student):
            if not one.is_over:
                one.epoch()
    # The other order, as well.
    beside = [weights_of(one.finish()) for one in (student, control)][::-1]
    for mine, theirs in zip(beside, alone, strict=True):
        assert_same(mine, weights_of(theirs))


def test_the_projector_and_dropout_do_draw_random_numbers():
    """Else the test above would not tell."""
    for make_one in (KINDS["dropout"], KINDS["projector"]):
        seeds = [make_one(seed=seed) for seed in (1, 2)]
        for one in seeds:
            one.start()
        drawn = [seeds[0].state_dict()["random"][0]]
        seeds[0].epoch()
        drawn.append(seeds[0].state_dict()["random"][0])
        assert not torch.equal(*drawn)


# --- stored and gone on with ---

GO_ON = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
import test_training as here
for path in Path({folder!r}).glob("*.state"):
    training = here.PARTS[path.name.split("+")[0]]()
    training.start()
    training.load_state_dict(torch.load(path))
    while not training.is_over:
        training.epoch()
    student = training.finish()
    torch.save([student.module.state_dict(), here.losses_of(training)], path.with_suffix(".end"))
"""

PARTS = {
    "default": lambda: make(),
    "default, early stopping": lambda: make(early_stopping=True),
    "default, without average": lambda: make(small(average_weights=False)),
    "muon": lambda: make(small(optimizer="muon")),
    "muon and a projector": lambda: make(
        small(optimizer="muon"), objectives=[("noisy", Noisy("auto"))]
    ),
    "dropout": lambda: make(own_net()),
    "dropout, early stopping": lambda: make(own_net(max_epochs=12), early_stopping=True),
    "projector": lambda: make(objectives=[("noisy", Noisy("auto", decay=True))]),
    "rounding": lambda: make(QuantizedStudent(**TINY), early_stopping=True),
    "pruning": lambda: make(PrunedStudent(**TINY), early_stopping=True),
}


AFTER = ("none", "first", "middle", "last")


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """What each training comes to alone, and stored after each of some epochs and gone on with."""
    folder, alone = tmp_path_factory.mktemp("states"), {}
    for parts, make_one in PARTS.items():
        whole = make_one()
        alone[parts] = weights_of(whole.run()), losses_of(whole)
        n_epochs = dict(zip(AFTER, (0, 1, whole.n_epochs // 2, whole.n_epochs - 1), strict=True))
        training = make_one()
        training.start()
        for after in AFTER:
            while training.n_epochs < n_epochs[after]:
                training.epoch()
            torch.save(training.state_dict(), folder / f"{parts}+{after}.state")
    script = GO_ON.format(tests=str(Path(__file__).parent), folder=str(folder))
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
    return folder, alone


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("parts", PARTS)
def test_a_stored_training_goes_on_in_another_process(parts, after, ends):
    folder, alone = ends
    weights, losses = torch.load(folder / f"{parts}+{after}.end")
    assert losses == alone[parts][1]
    assert_same(weights, alone[parts][0])


@kinds
def test_a_state_does_not_change_when_the_training_goes_on(kind):
    training = KINDS[kind]()
    training.start()
    training.epoch()
    state = training.state_dict()
    first = _end(training)
    again = KINDS[kind]()
    again.start()
    again.load_state_dict(state)
    assert again.n_epochs == 1
    assert_same(_end(again), first)


def _end(training):
    while not training.is_over:
        training.epoch()
    return weights_of(training.finish())


@kinds
def test_a_training_goes_back_to_where_it_was(kind):
    expected = weights_of(KINDS[kind]().run())
    training = KINDS[kind]()
    training.start()
    states = [training.state_dict()]
    training.epoch()
    states.append(training.state_dict())
    while not training.is_over:
        training.epoch()
    for n_epochs in (1, 0):
        training.load_state_dict(states[n_epochs])
        assert (training.n_epochs, training.is_over) == (n_epochs, False)
        while not training.is_over:
            training.epoch()
    assert_same(weights_of(training.finish()), expected)


class Heard(Callback):
    def on_epoch_end(self, net, **kwargs):
        self.n_ = getattr(self, "n_", 0) + 1


@pytest.mark.parametrize(
    ("theirs", "what"),
    [
        (lambda: make(MLPStudent((8, 9), batch_size=16, n_steps=48)), "another module"),
        (lambda: make(own_net()), "module Dropped, but this one has MLP"),
        (lambda: make(objectives=[("noisy", Noisy())]), "another module or loss"),
        (lambda: make(small(average_weights=False)), "average of weights False"),
        (lambda: make(early_stopping=True), "callbacks"),
    ],
    ids=["layers", "module", "objectives", "average", "callbacks"],
)
def test_a_state_of_other_parts_is_refused(theirs, what):
    other = theirs()
    other.start()
    other.epoch()
    training = make()
    training.start()
    with pytest.raises(ValueError, match=what):
        training.load_state_dict(other.state_dict())


def test_a_state_of_another_optimizer_is_refused():
    other = make(own_net())
    other.start()
    net = own_net().set_params(optimizer=torch.optim.RMSprop)
    training = make(net)
    training.start()
    with pytest.raises(ValueError, match="optimizer SGD, but this one has RMSprop"):
        training.load_state_dict(other.state_dict())


def test_a_state_is_refused_before_the_start():
    training = make()
    training.start()
    with pytest.raises(ValueError, match=r"`start\(\)`"):
        make().load_state_dict(training.state_dict())


def test_what_a_callback_has_found_is_stored():
    def of_mine():
        return make(own_net(callbacks=[("heard", Heard())]))

    training, again = of_mine(), of_mine()
    training.start()
    training.epoch()
    again.start()
    again.load_state_dict(training.state_dict())
    again.epoch()
    assert dict(again.net.callbacks_)["heard"].n_ == 2


# --- start, epoch, finish ---


@kinds
@pytest.mark.parametrize("early_stopping", [False, True])
def test_run_is_start_epochs_and_finish(kind, early_stopping):
    whole, by_hand = (KINDS[kind](early_stopping=early_stopping) for _ in range(2))
    expected = weights_of(whole.run())
    by_hand.start()
    assert (by_hand.n_epochs, by_hand.is_over) == (0, False)
    goes_on = True
    while goes_on:
        before = by_hand.n_epochs
        goes_on = by_hand.epoch()
        assert by_hand.n_epochs == before + 1
        assert goes_on is not by_hand.is_over
    assert_same(weights_of(by_hand.finish()), expected)
    assert losses_of(by_hand) == losses_of(whole)
    assert by_hand.n_epochs == len(by_hand.history) == whole.n_epochs
    assert by_hand.is_over
    assert not by_hand.was_ended


def test_early_stopping_is_over_but_not_ended():
    training = make(small(n_steps=600, learning_rate=0.05), early_stopping=True, alpha=1.0)
    training.run()
    assert training.is_over
    assert training.n_epochs < training.net.max_epochs
    assert not training.was_ended


@kinds
def test_a_step_that_asks_to_stop_is_the_last(kind):
    asked = []

    def step(name, net):
        asked.append(name)
        return len(asked) == 2

    training = KINDS[kind](step=step)
    student = training.run()
    assert asked == ["epoch 1", "epoch 2"]
    assert (training.n_epochs, training.is_over, training.was_ended) == (2, True, True)
    assert np.isfinite(student.raw_outputs(arrays()[0])).all()


@kinds
def test_a_deadline_in_the_past_leaves_one_epoch(kind):
    training = KINDS[kind](deadline=time.monotonic() - 1)
    training.start()
    assert training.epoch()
    assert training.n_epochs == 1
    assert not training.epoch()
    assert (training.n_epochs, training.is_over, training.was_ended) == (1, True, True)
    with pytest.warns(UserWarning, match="`max_time` ended the training in epoch 2"):
        student = training.finish()
    assert np.isfinite(student.raw_outputs(arrays()[0])).all()


class Failing(Noisy):
    """Fails after some losses: not in what tells the shapes."""

    def loss(self, batch):
        self.n_left = getattr(self, "n_left", 8) - 1
        if not self.n_left:
            raise RuntimeError("at the eighth")
        return super().loss(batch)


class Late(Callback):
    def __init__(self, when):
        self.when = when

    def fail(self, when):
        if when == self.when:
            raise RuntimeError(when)

    def on_train_begin(self, net, **kwargs):
        self.fail("begin")

    def on_epoch_end(self, net, **kwargs):
        self.fail("epoch")

    def on_train_end(self, net, **kwargs):
        self.fail("end")


def hooks_of(training):
    return sum(len(part._forward_hooks) for part in training.net.module_.modules())


@pytest.mark.parametrize("is_direct", [True, False])
def test_hooks_are_there_in_training_and_gone_after_an_error(is_direct):
    net = small().make_net(N_ROWS)
    if not is_direct:
        net.callbacks = [*net.callbacks, ("heard", Heard())]
    training = make(net, [("failing", Failing())])
    training.start()
    assert hooks_of(training) == 1
    training.epoch()  # of six batches
    with pytest.raises(RuntimeError, match="at the eighth"):
        training.epoch()
    assert hooks_of(training) == 0


@pytest.mark.parametrize("when", ["begin", "epoch", "end"])
def test_hooks_are_gone_after_an_error_of_a_callback(when):
    net = small().make_net(N_ROWS)
    net.callbacks = [*net.callbacks, ("late", Late(when))]
    training = make(net, [("noisy", Noisy())])
    with pytest.raises(RuntimeError, match=when):
        training.run()
    assert hooks_of(training) == 0


@kinds
def test_hooks_and_what_is_trained_beside_are_gone_at_the_end(kind):
    training = KINDS[kind]()
    training.run()
    assert hooks_of(training) == 0
    assert training.net.criterion_ is None
    for _, objective in training.loss["objectives"]:
        assert not hasattr(objective, "module_")


@kinds
def test_torchs_generator_is_left_as_it_was(kind):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    training = KINDS[kind]()
    for step in (
        training.start,
        training.epoch,
        training.state_dict,
        training.epoch,
        training.finish,
    ):
        step()
        assert torch.equal(torch.get_rng_state(), before), step
    failing = make(objectives=[("failing", Failing())])
    failing.start()
    failing.epoch()
    with pytest.raises(RuntimeError, match="at the eighth"):
        failing.epoch()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_generator_of_others_changes_nothing():
    expected = weights_of(KINDS["projector"]().run())
    training = KINDS["projector"]()
    training.start()
    while not training.is_over:
        torch.randn(3)
        training.epoch()
    assert_same(weights_of(training.finish()), expected)


# --- other rows ---


def test_rows_exchanged_between_two_epochs_are_learned():
    """The same rows with the labels of other classes."""

    def rows(shift):
        X = arrays()[0]
        target = {"label": (X[:, :3].argmax(axis=1) + shift) % 3, "weight": np.ones(N_ROWS)}
        return Rows.from_arrays(X, target, is_labelled=True)

    plain, exchanged = (make(small(n_steps=180), alpha=1.0) for _ in range(2))
    for one in (plain, exchanged):
        one.rows = rows(0)
        one.start()
        one.epoch()
    assert losses_of(plain) == losses_of(exchanged)
    exchanged.rows = others = rows(1)
    for one in (plain, exchanged):
        while not one.is_over:
            one.epoch()
    inputs, labels = others.inputs.numpy(), others.target["label"].numpy()
    accuracy = [
        (one.finish().raw_outputs(inputs).argmax(axis=1) == labels).mean()
        for one in (plain, exchanged)
    ]
    assert accuracy[0] < 0.1
    assert accuracy[1] > 0.8


def test_a_number_of_rows_may_change_between_two_epochs():
    seen = []

    class Counts(Objective):
        def loss(self, batch):
            seen.append(len(batch.view))
            return batch.logits.sum(dim=1) * 0

    training = make(objectives=[("counts", Counts())])
    X, y, soft = (np.concatenate([part, part]) for part in arrays())
    target = {"label": y, "weight": np.ones(len(y)), "soft": soft}

    def rows(n):
        of = {name: values[:n] for name, values in target.items()}
        views = {view_key("counts"): np.zeros(n)}
        return Rows.from_arrays(X[:n], of, True, views, gives_inputs=True)

    training.rows = rows(N_ROWS)
    training.start()
    seen.clear()
    training.epoch()
    assert sum(seen) == N_ROWS
    training.rows = rows(2 * N_ROWS)
    seen.clear()
    training.epoch()
    assert sum(seen) == 2 * N_ROWS


class FreshWeights(Callback):
    """Begins with weights of its own."""

    def on_train_begin(self, net, **kwargs):
        with torch.no_grad():
            for weights in net.module_.parameters():
                weights.copy_(torch.randn_like(weights))


def test_callbacks_at_the_start_draw_from_the_numbers_of_the_training():
    X, y, _ = arrays()
    net = NeuralNetClassifier(
        Dropped, criterion=nn.CrossEntropyLoss, max_epochs=2, callbacks=[FreshWeights()], verbose=0
    )
    answers = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        clf = DistilledClassifier(LogisticRegression(), net, transfer=None, random_state=0)
        answers.append(clf.fit(X, y).predict_proba(X))
        assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("step", ["epoch", "finish"])
def test_a_training_that_has_not_begun_says_so(step):
    X, y, _ = arrays()
    net = prepare_net(MLPStudent((4,), n_steps=2), N_ROWS, N_INPUTS, TASK, ())
    rows = Rows.from_arrays(X, {"label": y, "weight": np.ones(N_ROWS)}, is_labelled=True)
    training = Training(net, {"gives_probabilities": False}, rows, None, N_CLASSES, seed=0)
    with pytest.raises(RuntimeError, match=r"has not begun: call `start\(\)`"):
        getattr(training, step)()
