"""The parts of a student: the direct pass, batches, threads, averages, clones."""

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from shared import make_clf, make_soft, seeds_of, three_classes, vote_of_forests
from sklearn.ensemble._base import _set_random_states
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, Freezer, LRScheduler
from torch.nn import functional as F

from skdistill import MLP, BalancedHinton, DistilledClassifier, Hinton, MLPStudent, Objective
from skdistill.objectives import DistillationLoss
from skdistill.student import BatchIterator, Rows
from skdistill.student._average import WeightAverage
from skdistill.student._direct import DirectNet, DirectPass
from skdistill.student._threads import WORTH_SHARING, training_threads
from skdistill.task import Classification
from skdistill.teacher._clones import seeded_clone

N_CLASSES = 4


def batch(n_rows=33, cardinalities=(), n_numbers=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(n_rows, n_numbers, generator=generator)
    codes = [torch.randint(0, size, (n_rows, 1), generator=generator) for size in cardinalities]
    target = {
        "soft": torch.softmax(torch.randn(n_rows, N_CLASSES, generator=generator), dim=1),
        "label": torch.randint(-1, N_CLASSES, (n_rows,), generator=generator),
        "weight": torch.rand(n_rows, generator=generator) + 0.1,
        "inputs": numbers,
    }
    return torch.cat([numbers, *codes], dim=1).float(), target


@pytest.mark.parametrize("layers", [(8,), (16, 8), (8, 8, 8)])
@pytest.mark.parametrize(("n_numbers", "cardinalities"), [(3, ()), (0, (4, 9)), (3, (4, 9))])
def test_the_gradients_of_all_parameters_are_those_of_autograd(layers, n_numbers, cardinalities):
    torch.manual_seed(0)
    width = n_numbers + len(cardinalities)
    module = MLP(width, N_CLASSES, cardinalities, hidden_layer_sizes=layers)
    module.load_state_dict(
        {k: v + 0.1 for k, v in module.state_dict().items() if v.is_floating_point()}, strict=False
    )
    direct = DirectPass(module)
    for n_rows in (33, 34, 33):  # other sizes have other buffers; the first are used again
        X, target = batch(n_rows, cardinalities, n_numbers)
        direct.flat.grad.zero_()
        logits = module(X)
        F.cross_entropy(logits, target["soft"]).backward()
        expected = direct.flat.grad.clone()
        with torch.no_grad():
            mine = direct.forward(X)
            direct.backward((torch.softmax(mine, 1) - target["soft"]) / n_rows)
        assert_allclose(mine, logits.detach(), atol=1e-6)
        assert_allclose(direct.flat.grad, expected, atol=1e-7)


def test_the_buffers_are_the_parameters():
    direct = DirectPass(module := MLP(3, 2, (4,), (5,)))
    direct.flat.data.fill_(2.0)
    assert all((parameter == 2).all() for parameter in module.parameters())
    assert sum(p.numel() for p in module.parameters()) == direct.flat.numel()


def test_shuffled_batches_hold_every_row_once(monkeypatch):
    monkeypatch.setattr("skdistill.student._batches.GROUP_ROWS", 20)
    inputs = torch.arange(103.0)[:, None]
    rows = Rows(inputs, {"label": torch.arange(103)}, is_labelled=True)
    iterator = BatchIterator(rows, 8, shuffle=True, generator=torch.Generator().manual_seed(0))
    batches = list(iterator)
    assert len(batches) == len(iterator) == 13
    assert {len(X) for X, _ in batches} == {7, 8}
    seen = torch.cat([X[:, 0] for X, _ in batches])
    assert sorted(seen.tolist()) == list(range(103))
    assert seen.tolist() != list(range(103))
    assert_allclose(seen, torch.cat([target["label"] for _, target in batches]))
    again = torch.cat([X[:, 0] for X, _ in iterator])
    assert seen.tolist() != again.tolist()


def test_small_matrices_and_other_threads_train_on_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen = {}

        def look(name, width, rows):
            with training_threads(torch.nn.Linear(width, width), rows):
                seen[name] = torch.get_num_threads()
            seen[name, "after"] = torch.get_num_threads()

        look("small", 64, 256)
        look("large", 512, WORTH_SHARING // 512**2)
        thread = threading.Thread(target=look, args=("beside", 512, WORTH_SHARING // 512**2))
        thread.start()
        thread.join()
        assert (seen["small"], seen["large"], seen["beside"]) == (1, 2, 1)
        assert seen["small", "after"] == seen["large", "after"] == 2
    finally:
        torch.set_num_threads(before)


def test_overlapping_trainings_give_the_threads_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    small = torch.nn.Linear(2, 2)
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with training_threads(small, 1):
            inside.set()
            leave.wait()

    try:
        thread = threading.Thread(target=stay)
        thread.start()
        inside.wait()
        with training_threads(small, 1):
            leave.set()
            thread.join()
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyError), training_threads(small, 1):
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_layers_of_unknown_work_may_have_all_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with training_threads(torch.nn.Conv2d(1, 1, 3), 1):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_numbers_are_those_that_scikit_learn_draws():
    expected = vote_of_forests()
    _set_random_states(expected, 7)
    assert seeds_of(seeded_clone(vote_of_forests(), 7)) == seeds_of(expected)


FORKED = """
import os, pickle, signal, sys, threading
import numpy as np, torch
from skdistill import DistilledClassifier, MLPStudent, TorchTeacher, to_onnx
from skdistill._utils.process import ONE_THREAD
from skdistill._utils.seeding import seeded
from sklearn.linear_model import LogisticRegression

torch.set_num_threads(2)
X = np.random.RandomState(0).normal(size=(4_000, 8))
y = (X[:, 0] > 0).astype(int)
net = torch.nn.Sequential(torch.nn.Linear(8, 512), torch.nn.Linear(512, 2))

def fit(teacher=LogisticRegression()):
    student = MLPStudent((256, 256), n_steps=2)
    clf = DistilledClassifier(teacher, student, transfer=None, cv=None, alpha=0.5, random_state=0)
    return clf.fit(X[:400], y[:400])

def again():
    torch.set_num_threads(2)
    clf.predict_proba(X)

def answers(ask):
    pid = os.fork()
    if not pid:
        signal.alarm(20)  # a child that waits for ever is ended, and fails
        ask()
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7

def hold():
    with seeded(0), ONE_THREAD._lock:
        ready.set()
        threading.Event().wait()

clf = fit()
stored = pickle.dumps(clf.without_teacher())
loaded = pickle.loads(stored)
asked = {"loaded": lambda: loaded.predict_proba(X), "a row": lambda: loaded.predict(X[:1])}
failed = [name for name, ask in asked.items() if not answers(ask)]
clf.predict_proba(X)
asked |= {
    "threads set again": again,
    "load": lambda: pickle.loads(stored).decision_function(X),
    "fit": fit,
    "export": lambda: to_onnx(clf, os.path.join(sys.argv[1], "forked.onnx")),
    "torch teacher": lambda: fit(TorchTeacher(net)),
    "torch teacher alone": lambda: TorchTeacher(net).predict_proba(X),
}
failed += [name for name, ask in asked.items() if not answers(ask)]
ready = threading.Event()
threading.Thread(target=hold, daemon=True).start()
ready.wait()
failed += [] if answers(fit) else ["locks held by a thread"]
print(failed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_answers(tmp_path):
    pytest.importorskip("onnxruntime")
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "[]", done.stderr


def test_prediction_in_chunks_is_prediction_of_the_whole(monkeypatch):
    X, y = three_classes()
    clf = make_clf().fit(X, y, soft_targets=make_soft(X))
    whole = clf.predict_proba(X)
    monkeypatch.setattr("skdistill.student._fitted.PREDICT_ROWS", 7)
    np.testing.assert_allclose(clf.predict_proba(X), whole, atol=1e-6)
    np.testing.assert_allclose(clf.predict_proba(X[:1]), whole[:1], atol=1e-6)


# --- the direct pass in a fit ---


@pytest.fixture
def table():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(400, 5))
    return X, np.digitize(X[:, 0] + X[:, 1] * X[:, 2], [-1, 0, 1]), rng.dirichlet(np.ones(4), 400)


class Logits(Objective):
    """A term of the logits and the weights."""

    def loss(self, batch):
        return batch.logits.square().sum(dim=1)


class Steeper(Hinton):
    """A subclass with a loss of its own, of which the closed form knows nothing."""

    def loss(self, logits, target, temperature):
        return 3 * super().loss(logits, target, temperature)


LOSSES = {
    "both terms": {},
    "temperature": {"temperature": 3.0},
    "soft only": {"alpha": 0.0},
    "soft only, cold": {"alpha": 0.0, "temperature": 0.5},
    "labels only": {"alpha": 1.0},
    "balanced": {"response": BalancedHinton(), "temperature": 2.0},
    "own loss": {"response": Steeper()},
    "objective": {"objectives": [("logits", Logits())], "temperature": 2.0},
}


@pytest.mark.parametrize("mixes", [True, False])
@pytest.mark.parametrize("params", LOSSES.values(), ids=LOSSES)
def test_the_loss_and_its_gradient_are_those_of_autograd(params, mixes):
    params = {"response": Hinton(), "objectives": [], "temperature": 1.0, "alpha": 0.3, **params}
    loss = DistillationLoss(Classification(np.arange(N_CLASSES)), **params)
    _, target = batch()
    logits = torch.randn(33, N_CLASSES, requires_grad=True)
    expected = loss(logits, target)
    expected.backward()
    with torch.no_grad():
        mixed = loss.mix(target) if mixes else target
        value, gradient, of_layers = loss.value_and_gradients(logits, mixed, {})
    assert of_layers == {}
    assert_allclose(value.item(), expected.item(), rtol=1e-6)
    assert_allclose(gradient, logits.grad, atol=1e-7)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("params", [{}, {"temperature": 2.0}, {"response": BalancedHinton()}])
def test_the_first_epochs_are_those_of_the_plain_path(table, params, optimizer, monkeypatch):
    X, y, soft = table
    student = MLPStudent((16, 16), n_steps=48, optimizer=optimizer, batch_size=40)
    clf = DistilledClassifier(student=student, random_state=0, early_stopping=True, **params)
    direct = clf.fit(X, y, soft_targets=soft)
    p, history = direct.predict_proba(X), direct.history_
    monkeypatch.setattr(DirectNet, "_may_be_direct", lambda self: False)
    plain = clf.fit(X, y, soft_targets=soft)
    # Muon gives all directions of a gradient one length, those of rounding, too.
    atol = 1e-5 if optimizer == "adamw" else 1e-4
    assert_allclose(p, plain.predict_proba(X), atol=atol)
    assert len(history) == len(plain.history_) > 2
    for mine, theirs in zip(history, plain.history_, strict=True):
        assert set(mine) == set(theirs)
        assert {k: type(v) for k, v in mine.items()} == {k: type(v) for k, v in theirs.items()}
        assert_allclose(mine["train_loss"], theirs["train_loss"], atol=atol)
        assert_allclose(mine["valid_loss"], theirs["valid_loss"], atol=atol)
        assert mine["train_batch_count"] == theirs["train_batch_count"]


class Epochs(Callback):
    heard = 0

    def on_epoch_end(self, net, **kwargs):
        self.heard += 1
        assert net.history[-1, "train_loss"] > 0


class Batches(Callback):
    heard = 0

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        self.heard += bool(training)
        assert y_pred.shape == (len(batch[0]), N_CLASSES)


class Gradients(Callback):
    heard = 0

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.heard += 1
        assert "layers.0.weight" in dict(named_parameters)


ON_PLATEAU = LRScheduler("ReduceLROnPlateau", monitor="train_loss", step_every="batch")


def net_with(*callbacks, **params):
    net = MLPStudent((8,), n_steps=50, batch_size=40).make_net(400)
    net.callbacks = [*net.callbacks, *callbacks]
    return net.set_params(**params)


def fit_table(table, net, **params):
    X, y, soft = table
    params = {"early_stopping": False, "random_state": 0, **params}
    return DistilledClassifier(student=net, **params).fit(X, y, soft_targets=soft)


def spy(monkeypatch):
    used, run = [], DirectNet._may_be_direct
    monkeypatch.setattr(DirectNet, "_may_be_direct", lambda net: used.append(run(net)) or used[-1])
    return used


@pytest.mark.parametrize(("kind", "n"), [(Epochs, 5), (Batches, 50), (Gradients, 50)])
def test_a_callback_of_the_users_is_heard(table, kind, n, monkeypatch):
    used, heard = spy(monkeypatch), []
    monkeypatch.setattr(kind, "on_train_end", lambda self, net, **kwargs: heard.append(self.heard))
    fit_table(table, net_with(("mine", kind())))
    assert not any(used)
    assert heard == [n]


@pytest.mark.parametrize(
    "net",
    [
        lambda: net_with(("freezer", Freezer("first.*"))),
        lambda: net_with(optimizer=torch.optim.SGD, optimizer__fused=False),
        lambda: net_with(optimizer__amsgrad=True, optimizer__fused=False),
        lambda: net_with(
            ("lr", LRScheduler("ReduceLROnPlateau", "train_loss", step_every="batch"))
        ),
        lambda: net_with(device=None),
    ],
)
def test_what_the_direct_step_does_not_know_takes_the_plain_path(table, net, monkeypatch):
    used = spy(monkeypatch)
    fit_table(table, net())
    assert used
    assert not any(used)


def test_the_default_student_takes_the_direct_step(table, monkeypatch):
    used = spy(monkeypatch)
    fit_table(table, None)
    fit_table(table, MLPStudent((8,), n_steps=5), early_stopping=True, temperature=2.0, max_time=60)
    assert used
    assert all(used)


def test_frozen_layers_stay_frozen(table):
    seen = []

    class First(Callback):
        def on_train_begin(self, net, **kwargs):
            seen.append(net.module_.first.weight.detach().clone())

    clf = fit_table(table, net_with(("freezer", Freezer("first.*")), ("look", First())))
    assert_allclose(clf.student_.module_.first.weight, seen[0])


def test_a_net_of_the_users_own_over_the_same_module_gives_the_same(table):
    X, y, soft = table
    ours = MLPStudent((16,), n_steps=40, average_weights=False).make_net(400)
    params = ours.get_params(deep=False)
    params.pop("average_weights")
    theirs = NeuralNetClassifier(**params)
    theirs.set_params(module__hidden_layer_sizes=(16,))
    theirs.set_params(optimizer__fused=True, optimizer__weight_decay=0.01)
    fits = [
        DistilledClassifier(student=net, random_state=0, early_stopping=False).fit(
            X, y, soft_targets=soft
        )
        for net in (ours, theirs)
    ]
    assert_allclose(fits[0].predict_proba(X), fits[1].predict_proba(X), atol=1e-5)


class Scalar(Hinton):
    def loss(self, logits, target, temperature):
        return super().loss(logits, target, temperature).mean()


class Careless(Hinton):
    def loss(self, logits, target, temperature):
        return super().loss(logits.div_(2.0), target, temperature)


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_a_response_of_the_wrong_shape_is_refused(table, alpha):
    with pytest.raises(ValueError, match=r"for 2 rows .*`loss` \(\)"):
        fit_table(table, MLPStudent((8,), n_steps=5), response=Scalar(), alpha=alpha)


def test_a_response_may_change_the_logits_it_gets(table):
    fits = [
        fit_table(table, net, response=Careless()) for net in (net_with(), net_with(device=None))
    ]
    assert_allclose(*[clf.predict_proba(table[0]) for clf in fits], atol=1e-5)


def test_a_trained_student_holds_no_gradients(table):
    X, y, soft = table
    clf = DistilledClassifier(student=MLPStudent((64, 64), n_steps=20), random_state=0)
    clf.fit(X, y, soft_targets=soft)
    assert all(parameter.grad is None for parameter in clf.student_.module_.parameters())
    assert clf.student_.pass_ is None
    size = sum(4 * parameter.numel() for parameter in clf.student_.module_.parameters())
    assert len(pickle.dumps(clf.student_.module_)) < size + 5000


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("is_direct", [True, False])
def test_the_student_is_the_average_of_its_weights(table, is_direct, optimizer, monkeypatch):
    X, y, soft = table
    seen = []
    update = WeightAverage.update

    def watch(self):
        seen.append([weights.clone() for weights in self.weights])
        update(self)

    monkeypatch.setattr(WeightAverage, "update", watch)
    if not is_direct:
        monkeypatch.setattr(DirectNet, "_may_be_direct", lambda self: False)
    student = MLPStudent((8,), n_steps=30, optimizer=optimizer, batch_size=40)
    clf = DistilledClassifier(student=student, random_state=0, early_stopping=False)
    clf.fit(X, y, soft_targets=soft)
    share = np.arange(1, len(seen) + 1)
    share = (share + 1) * (share + 2) * share  # the weights of a polynomial decay of 3
    flat = np.array([np.concatenate([w.numpy().ravel() for w in step]) for step in seen])
    mine = [p.numpy().ravel() for p in clf.student_.module_.parameters()]
    assert_allclose(np.concatenate(mine), np.average(flat, axis=0, weights=share), atol=1e-5)


def test_weights_may_be_left_as_they_are(table):
    clf = fit_table(table, MLPStudent((8,), n_steps=30, average_weights=False))
    assert np.isfinite(clf.predict_proba(table[0])).all()
    with pytest.raises(ValueError, match="'average_weights' parameter .* Got 2"):
        fit_table(table, MLPStudent(average_weights=2))
