"""What an objective sees, trains and weighs, on the direct pass and on skorch's."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from skorch.callbacks import Callback
from torch import nn

from skdistill import DistilledClassifier, Hinton, MLPStudent, Munge, Objective, Rounds
from skdistill.modules import MLP
from skdistill.objectives import DistillationLoss
from skdistill.student import Rows, Training, gives_probabilities, prepare_net
from skdistill.task import Classification

SEEN = []


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


@pytest.fixture(scope="module")
def data():
    return make_classification(160, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    columns = {"a": rng.normal(size=200), "b": rng.normal(size=200)}
    X = pd.DataFrame(columns | {"c": rng.choice(list("xyz"), 200)})
    return X, ((X["a"] > 0).astype(int) + (X["c"] == "x")).to_numpy()


class Silent(Callback):
    """Does nothing, but the direct pass cannot know."""


def recipe(is_direct, n_rows=160, **params):
    net = MLPStudent((8, 8), batch_size=32, **{"n_steps": 30, **params}).make_net(n_rows)
    if not is_direct:
        net.callbacks = [*net.callbacks, ("silent", Silent())]
    return net


def distil(X, y, objective=None, *, fit_params=None, **params):
    defaults = {
        "teacher": LogisticRegression(),
        "student": MLPStudent((8, 8), batch_size=32, n_steps=30),
        "transfer": None,
        "calibrate": False,
        "early_stopping": False,
        "random_state": 0,
    }
    clf = DistilledClassifier(objectives=objective, **(defaults | params))
    return clf.fit(X, y, **(fit_params or {}))


def weights_of(clf):
    return {name: value.numpy() for name, value in clf.student_.module_.state_dict().items()}


def assert_same_student(one, other, **tolerance):
    mine, theirs = weights_of(one), weights_of(other)
    assert set(mine) == set(theirs)
    for name, values in mine.items():
        assert_allclose(values, theirs[name], **({"rtol": 0, "atol": 0} | tolerance))


# --- what a batch holds ---


class Recorder(Objective):
    """Keeps each batch; the view is the number of the row, by its first column."""

    student_layers = ("first", "layers.0")

    def teacher_view(self, teacher, X):
        return np.asarray(X)[:, 0]

    def loss(self, batch):
        parts = [batch.inputs, batch.logits, batch.labels, batch.soft, batch.view, batch.weight]
        layers = {name: output.detach().clone() for name, output in batch.layers.items()}
        SEEN.append([*(part.detach().clone() for part in parts), layers])
        return batch.logits.sum(dim=1) * 0


@pytest.mark.parametrize("is_direct", [True, False])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_a_batch_holds_what_belongs_to_its_rows(data, is_direct, temperature):
    X, y = data
    more = X[:40] + 0.5
    given = {"X_transfer": (more,), "sample_weight": np.linspace(0.5, 2, len(X))}
    clf = distil(
        X,
        y,
        Recorder(),
        student=recipe(is_direct, 200),
        temperature=temperature,
        alpha=0.3,
        fit_params=given,
    )
    rows = np.concatenate([X, more])
    labels = np.concatenate([np.searchsorted(clf.classes_, y), np.full(len(more), -1)])
    place = {value: number for number, value in enumerate(rows[:, 0])}
    assert len(place) == len(rows)
    inputs, soft = clf.encoder_.transform(rows), clf.teacher_.predict_proba(rows)
    weights, first_epoch = np.full(len(rows), np.nan), SEEN[: round(len(rows) / 32)]
    for of_inputs, logits, of_labels, of_soft, view, weight, layers in SEEN:
        which = [place[value] for value in view.tolist()]
        assert_array_equal(of_inputs, inputs[which])
        assert_array_equal(of_labels, labels[which])
        assert_allclose(of_soft, soft[which], atol=1e-6)
        assert logits.shape == (len(which), 3)
        assert {name: tuple(one.shape) for name, one in layers.items()} == {
            "first": (len(which), 8),
            "layers.0": (len(which), 8),
        }
        assert weight.shape == (len(which),)
    for *_, view, weight, _ in first_epoch:
        weights[[place[value] for value in view.tolist()]] = weight
    assert_allclose(weights.mean(), 1, rtol=1e-5)  # each row was in one batch of the epoch
    own = weights[: len(X)] / given["sample_weight"]
    assert_allclose(own, own[0], rtol=1e-5)


def test_without_a_teacher_there_are_the_soft_targets_given(data):
    X, y = data
    soft = np.random.default_rng(0).dirichlet(np.ones(3), len(X))
    distil(X, y, Recorder(), teacher=None, fit_params={"soft_targets": soft}, temperature=3.0)
    place = {value: number for number, value in enumerate(X[:, 0])}
    for _, _, _, of_soft, view, _, _ in SEEN:
        assert_allclose(of_soft, soft[[place[value] for value in view.tolist()]], atol=1e-6)


# --- the direct pass and skorch's ---


class Pull(Objective):
    """Pulls layers to what depends on the row; changes what it gets, as a term may."""

    def __init__(self, layers=("first",), weight=1.0, decay=False):
        super().__init__(weight, decay)
        self.layers = layers

    @property
    def student_layers(self):
        return self.layers

    def loss(self, batch):
        aim = batch.inputs.sum(dim=1, keepdim=True)
        return sum((batch.layers[name] - aim).square().mean(dim=1) for name in self.layers)


class PullAll(Pull):
    reduction = "batch"

    def loss(self, batch):
        return (super().loss(batch) * batch.weight).mean()


LAYERS = [
    ("first",),
    ("categories",),
    ("layers.0",),
    ("layers.1",),
    ("first", "categories", "layers.1"),
]


@pytest.mark.parametrize("kind", [Pull, PullAll])
@pytest.mark.parametrize("layers", LAYERS, ids="-".join)
def test_both_passes_train_the_same_student(frame, layers, kind, monkeypatch):
    X, y = frame
    used = []
    step = DistillationLoss.value_and_gradients

    def count(self, *args):
        used.append(self.layers)
        return step(self, *args)

    monkeypatch.setattr(DistillationLoss, "value_and_gradients", count)
    clfs = []
    for is_direct in (True, False):
        net = recipe(is_direct, len(X))
        params = {"teacher": None, "student": net, "fit_params": {"soft_targets": np.eye(3)[y]}}
        clfs.append(distil(X, y, kind(layers, 0.5), **params))
        assert len(used) == 30  # on the second, not one more
    assert all(one == set(layers) for one in used)
    plain = distil(X, y, None, **(params | {"student": recipe(True, len(X))}))
    assert_allclose(clfs[0].predict_proba(X), clfs[1].predict_proba(X), atol=1e-4)
    assert_same_student(*clfs, atol=1e-4)
    assert np.abs(plain.predict_proba(X) - clfs[0].predict_proba(X)).max() > 1e-2


def loss_of(objectives, **params):
    params = {"response": Hinton(), "temperature": 1.0, "alpha": 0.3, **params}
    return DistillationLoss(Classification(np.arange(3)), objectives=objectives, **params)


def rows_of(n=48, cardinalities=(3, 4), seed=0):
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, size, n) for size in cardinalities]
    inputs = np.column_stack([rng.normal(size=(n, 3)), *codes]).astype(np.float32)
    soft = rng.dirichlet(np.ones(3), n)
    target = {"label": soft.argmax(1), "weight": rng.random(n) + 0.5, "soft": soft, "teacher": soft}
    return Rows.from_arrays(inputs, target, is_labelled=True, gives_inputs=True)


@pytest.mark.parametrize("layers", LAYERS, ids="-".join)
def test_gradients_of_watched_layers_are_those_of_autograd(layers):
    rows, objectives = rows_of(), [("pull", Pull(layers, 0.7))]
    steps = []
    for is_direct in (True, False):
        # A step of gradient descent that AdamW does not take: its first is the sign.
        net = recipe(is_direct, 48, learning_rate=1e-3, n_steps=1, average_weights=False)
        net.set_params(
            batch_size=-1,
            module__n_inputs=5,
            module__n_outputs=3,
            module__cardinalities=(3, 4),
            optimizer__eps=1e3,
        )
        training = start(net, objectives, rows)
        before = {name: p.detach().clone() for name, p in training.net.module_.named_parameters()}
        training.epoch()
        after = dict(training.net.module_.named_parameters())
        steps.append({name: (after[name] - value) for name, value in before.items()})
    # AdamW with a large eps steps in proportion to the gradient.
    for name, mine in steps[0].items():
        assert_allclose(mine.detach(), steps[1][name].detach(), atol=1e-9, rtol=1e-3, err_msg=name)


def start(net, objectives, rows, **params):
    net = prepare_net(net, len(rows), rows.inputs.shape[1], Classification(np.arange(3)), ())
    loss = {
        "task": Classification(np.arange(3)),
        "response": Hinton(),
        "objectives": clone(objectives, safe=False),
        "temperature": 1.0,
        "alpha": 0.3,
        "gives_probabilities": gives_probabilities(net),
    }
    training = Training(net, loss, rows, None, 3, seed=0, **params)
    training.start()
    return training


# --- what an objective trains ---


class Projector(Objective):
    student_layers = ("first",)
    kept = []

    def make_module(self, batch):
        assert batch.view is None
        module = nn.Linear(batch.layers["first"].shape[1], batch.soft.shape[1])
        Projector.kept.append((module, module.weight.detach().clone()))
        return module

    def loss(self, batch):
        SEEN.append((self, self.module_))
        return (self.module_(batch.layers["first"]) - batch.soft).square().sum(dim=1)


@pytest.fixture
def kept():
    Projector.kept.clear()
    return Projector.kept


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_projector_is_trained_and_gone_afterwards(data, kept, is_direct):
    X, y = data
    plain = distil(X, y, student=recipe(is_direct))
    objective = Projector()
    clf = distil(X, y, objective, student=recipe(is_direct))
    [(module, before)] = kept
    assert all(one is module for _, one in SEEN)
    assert (module.weight - before).abs().max() > 0.01
    assert weights_of(clf).keys() == weights_of(plain).keys()
    assert np.abs(clf.predict_proba(X) - plain.predict_proba(X)).max() > 1e-3
    sizes = [len(pickle.dumps(one)) for one in (clf, plain)]
    assert sizes[0] - sizes[1] < 200  # the objective, by its name and parameters
    assert (
        abs(len(pickle.dumps(clf.student_.module_)) - len(pickle.dumps(plain.student_.module_)))
        < 50
    )
    of_net = dict(getattr(clf.student_, "criterion__objectives", []))
    assert not any(hasattr(one, "module_") for one in of_net.values())
    assert not hasattr(objective, "module_")


def test_both_passes_train_the_same_projector(data, kept):
    X, y = data
    clfs = [distil(X, y, Projector(), student=recipe(is_direct)) for is_direct in (True, False)]
    assert_same_student(*clfs, atol=1e-4)
    assert_array_equal(kept[0][1], kept[1][1])


def test_trainings_of_one_fit_share_no_projector(kept):
    X, y = make_classification(700, 6, n_informative=5, n_redundant=0, random_state=0)
    objective = Projector()
    clf = distil(X, y, objective, temperature="auto", early_stopping=True)
    n_students = sum(one["who"] == "student" for one in clf.trials_)
    assert n_students == 3
    assert len({id(module) for module, _ in kept}) == len(kept) == n_students + 1  # and the refit
    for module, before in kept:
        assert (module.weight - before).abs().max() > 0.001
    users = {id(one): one for one, _ in SEEN}
    assert len(users) == len(kept)
    assert id(objective) not in users  # the user's own is only copied
    first = kept[0][1]
    assert all(torch.equal(before, first) for _, before in kept)  # of one seed


class Dropped(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.first, self.out = nn.Linear(n_inputs, 8), nn.Linear(8, n_outputs)
        self.norm = nn.BatchNorm1d(8)

    def forward(self, X):
        hidden = nn.functional.dropout(self.norm(self.first(X)).relu(), training=self.training)
        return self.out(hidden)


def test_an_objective_of_weight_0_draws_no_random_numbers(data, kept):
    X, y = data
    fits = [distil(X, y, one, student=Dropped) for one in (Projector(0.0), None)]
    assert_same_student(*fits)


def test_an_objective_of_weight_0_makes_nothing(data, kept):
    X, y = data
    assert_same_student(distil(X, y, Projector(0.0)), distil(X, y), atol=1e-6)
    assert not kept


# --- how much it weighs ---


class Scaled(Pull):
    def __init__(self, scale=1.0, layers=("first",), weight="auto", decay=False):
        super().__init__(layers, weight, decay)
        self.scale = scale

    def loss(self, batch):
        return self.scale * super().loss(batch)


class ScaledAll(Scaled):
    reduction = "batch"

    def loss(self, batch):
        return (super().loss(batch) * batch.weight).mean()


def gradient_of(training, names_of_terms):
    """Norm of the gradient of the loss, as it is before the first step, of these terms."""
    net, rows = training.net, training.rows
    loss = net.criterion_
    others = DistillationLoss(**{**training.loss, "objectives": []})
    inputs, target = rows.take_some(len(rows))
    for parameter in net.module_.parameters():
        parameter.grad = None
    value = loss(net.module_(inputs), target) - others(net.module_(inputs), target)
    if names_of_terms == "rest":
        value = others(net.module_(inputs), target)
    weights = list(net.module_.parameters())
    found = torch.autograd.grad(value, weights, allow_unused=True)
    return torch.cat([one.flatten() for one in found if one is not None]).norm().item()


@pytest.mark.parametrize("is_direct", [True, False])
@pytest.mark.parametrize("kind", [Scaled, ScaledAll])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_an_automatic_weight_is_a_fifth_of_the_rest(kind, scale, is_direct):
    training = start(recipe(is_direct, 48), [("one", kind(scale))], rows_of(48, ()))
    assert_allclose(gradient_of(training, "one") / gradient_of(training, "rest"), 0.2, rtol=1e-3)


def test_the_scale_of_a_term_does_not_matter_to_an_automatic_weight(data):
    X, y = data
    one, thousand = (distil(X, y, Scaled(scale)) for scale in (1.0, 1000.0))
    assert_allclose(one.predict_proba(X), thousand.predict_proba(X), atol=1e-4)
    assert np.abs(one.predict_proba(X) - distil(X, y).predict_proba(X)).max() > 1e-3


class Flat(Objective):
    def loss(self, batch):
        return batch.weight * 0


def test_a_term_without_a_gradient_has_no_automatic_weight(data):
    X, y = data
    assert_same_student(distil(X, y, Flat("auto")), distil(X, y), atol=1e-5)


class Constant(Objective):
    """1 for a batch, whatever it holds: the loss tells its factor."""

    reduction = "batch"

    def loss(self, batch):
        return batch.logits.sum() * 0 + 1000.0


@pytest.mark.parametrize("is_direct", [True, False])
def test_a_decaying_weight_falls_to_0_over_the_last_third(is_direct):
    losses = {}
    for name, objectives in {
        "plain": [],
        "decaying": [("one", Constant(2.0, decay=True))],
        "staying": [("one", Constant(2.0))],
    }.items():
        net = recipe(is_direct, 48, n_steps=30, average_weights=False).set_params(batch_size=-1)
        net.set_params(max_epochs=30)
        training = start(net, objectives, rows_of(48, ()))
        while not training.is_over:
            training.epoch()
        losses[name] = np.array([epoch["train_loss"] for epoch in training.history])
    factors = {name: (losses[name] - losses["plain"]) / 1000 for name in losses}
    step = np.arange(30)
    assert_allclose(factors["staying"], 2.0, rtol=1e-3)
    assert_allclose(factors["decaying"], 2 * np.clip((1 - step / 30) * 3, 0, 1), atol=2e-3)


def test_a_decay_ends_with_the_schedule_of_rounds_that_add_rows(data):
    transfer = Rounds(Munge(size=3.0), n_rounds=3, replace=False)
    student = MLPStudent((8,), batch_size=32, n_steps=90)
    clf = distil(*data, Constant(decay=True), transfer=transfer, student=student)
    factors = np.array(clf.history_[:, "train_loss"]) / 1000
    n_steps = np.cumsum(clf.history_[:, "train_batch_count"])
    assert (factors[n_steps < n_steps[-1] / 2] > 0.99).all()
    # The last epoch takes the last of the steps: the mean of a line that ends at 0.
    share = clf.history_[-1, "train_batch_count"] / n_steps[-1]
    assert_allclose(factors[-1], share * 3 / 2, atol=0.05)


# --- what the teacher is asked for ---


class Typed(Objective):
    def __init__(self, dtype="int64", weight=1.0, decay=False):
        super().__init__(weight, decay)
        self.dtype = dtype

    def teacher_view(self, teacher, X):
        return np.arange(len(X)).astype(self.dtype)

    def loss(self, batch):
        SEEN.append(batch.view)
        return batch.logits.sum(dim=1) * 0


@pytest.mark.parametrize("is_direct", [True, False])
@pytest.mark.parametrize("dtype", ["int64", "int32", "float64", "float32", "bool"])
def test_a_view_keeps_its_dtype(data, dtype, is_direct):
    X, y = data
    distil(X, y, Typed(dtype), student=recipe(is_direct))
    assert {view.dtype for view in SEEN} == {getattr(torch, dtype)}
    assert sorted(torch.cat(SEEN[:5]).tolist()) == sorted(np.arange(len(X)).astype(dtype).tolist())


class Asked(Objective):
    def __init__(self, log=None, power=1, weight=1.0, decay=False):
        super().__init__(weight, decay)
        self.log = log
        self.power = power

    def teacher_view(self, teacher, X):
        with open(self.log, "a") as log:
            log.write(f"{len(X)}\n")
        return teacher.predict_proba(X) ** self.power

    def loss(self, batch):
        return (torch.softmax(batch.logits, 1) - batch.view).square().sum(dim=1)


@pytest.fixture
def asked(tmp_path):
    log = tmp_path / "log"
    log.touch()

    def n_asked():
        n = len(log.read_text().split())
        log.write_text("")
        return n

    n_asked.log = str(log)
    return n_asked


def test_memory_keeps_a_view(data, asked, tmp_path):
    X, y = data
    objective = Asked(asked.log)

    def fit(X=X, y=y, teacher=None, **params):
        memory = joblib.Memory(tmp_path / "cache", verbose=0)
        teacher = LogisticRegression() if teacher is None else teacher
        params = {"objective": objective, "memory": memory, **params}
        return distil(X, y, teacher=teacher, **params)

    first = fit()
    assert asked() == 1
    assert_same_student(fit(), first)
    assert asked() == 0
    fit(temperature=2.0)  # which is not the view's
    fit(student=MLPStudent((4,), n_steps=5))
    assert asked() == 0
    others = {
        "teacher": {"teacher": LogisticRegression(C=0.1)},
        "labels": {"y": (y + 1) % 3},
        "parameter": {"objective": Asked(asked.log, power=2)},
        "rows": {"X": X + 1},
        "order": {"X": X[::-1].copy()},
        "pooling": {"pooling": "geometric"},
    }
    for what, params in others.items():
        assert np.abs(fit(**params).predict_proba(X) - first.predict_proba(X)).max() > 1e-6 or (
            what == "pooling"
        )
        assert asked() == 1, what
        fit(**params)
        assert asked() == 0, what


def test_without_memory_each_fit_asks(data, asked):
    for _ in range(2):
        distil(*data, Asked(asked.log))
    assert asked() == 2


def test_views_of_teachers_fitted_without_memory_are_not_mixed_up(data, asked, tmp_path):
    """Nothing tells such teachers from one another."""
    X, y = data
    for labels in (y, (y + 1) % 3):
        clf = distil(X, labels, Asked(asked.log), warm_start=True)
        clf.set_params(memory=str(tmp_path)).fit(X, labels)
        assert asked() == 2


class Nothing(Objective):
    """Needs nothing of the teacher, and cannot be pickled: no key is made of it."""

    def __init__(self, lock=None, weight=1.0, decay=False):
        super().__init__(weight, decay)
        self.lock = lock

    def loss(self, batch):
        return batch.logits.sum(dim=1) * 0


def test_an_objective_without_a_view_needs_no_key(data, tmp_path):
    distil(*data, Nothing(lambda: SEEN), memory=str(tmp_path))


def test_the_second_training_has_views_of_the_rows_held_out(data, asked):
    X, y = data
    clf = distil(X, y, Asked(asked.log), early_stopping=True, validation_fraction=0.25)
    assert len(clf.history_) >= 1
    assert asked() == 2  # the rows to train on, and in the end the others
    distil(X, y, Asked(asked.log), early_stopping=True, refit=False)
    assert asked() == 1


# --- the signature of old ---


class Old(Objective):
    student_layers = ("first",)

    def teacher_view(self, teacher, X):
        return teacher.predict_proba(X).astype(self.of)

    of = "float32"

    def loss(self, student, view, sample_weight):
        SEEN.append((view.dtype, len(sample_weight)))
        return student.layers["first"].square().mean(dim=1) + (student.logits * view).sum(dim=1)


class New(Old):
    def loss(self, batch):
        first = batch.layers["first"].square().mean(dim=1)
        return first + (batch.logits * batch.view).sum(dim=1)


class OldDouble(Old):
    of = "float64"


@pytest.mark.parametrize("is_direct", [True, False])
def test_the_old_signature_warns_once_and_gives_the_same_student(data, is_direct):
    X, y = data
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        old = distil(X, y, Old(), student=recipe(is_direct))
    [warning] = [one for one in caught if issubclass(one.category, FutureWarning)]
    text = str(warning.message)
    assert "of Old is deprecated" in text
    assert "`loss(self, batch)`" in text
    for before, now in [
        ("student.logits", "batch.logits"),
        ("student.layers", "batch.layers"),
        ("view", "batch.view"),
        ("sample_weight", "batch.weight"),
    ]:
        assert f"`{now}` for `{before}`" in text
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        new = distil(X, y, New(), student=recipe(is_direct))
    assert SEEN
    assert_same_student(old, new)


def test_the_old_signature_gets_its_view_as_float32(data):
    with pytest.warns(FutureWarning, match="of OldDouble is deprecated"):
        distil(*data, OldDouble())
    assert {dtype for dtype, _ in SEEN} == {torch.float32}


def test_a_fit_that_tries_several_students_warns_of_the_old_signature_once():
    X, y = make_classification(600, 5, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        distil(X, y, Old(), early_stopping=True, temperature="auto")
    assert sum(issubclass(one.category, FutureWarning) for one in caught) == 1


# --- "auto" beside objectives ---


class Small(Objective):
    """Draws the student to knowing nothing."""

    def loss(self, batch):
        SEEN.append(batch.soft is None)
        return batch.logits.square().sum(dim=1)


def auto(X, y, objective, **params):
    auto = {"alpha": "auto", "temperature": "auto", "cv": "auto", "early_stopping": True}
    params = {"teacher": RandomForestClassifier(30, random_state=0), **auto, **params}
    return distil(X, y, objective, **params)


@pytest.fixture(scope="module")
def many():
    X, y = make_classification(600, 8, n_informative=6, random_state=0)
    return X, y


def by_who(clf):
    return [(one["who"], one.get("temperature")) for one in clf.trials_]


def test_auto_stays_on_beside_objectives(many):
    X, y = many
    plain, with_one = auto(X, y, None), auto(X, y, Small(1e-6))
    assert by_who(plain) == by_who(with_one)
    controls = [
        next(one["log_loss"] for one in clf.trials_ if one["who"] == "control")
        for clf in (plain, with_one)
    ]
    assert controls[0] == controls[1]  # it has no objectives
    students = [
        [one["log_loss"] for one in clf.trials_ if one["who"] == "student"]
        for clf in (plain, with_one)
    ]
    assert_allclose(*students, atol=1e-3)
    assert sorted(temperature for who, temperature in by_who(with_one) if who == "student")[:3]


def test_the_control_is_kept_where_an_objective_harms(many):
    X, y = many
    with pytest.warns(UserWarning, match="learns from the labels alone"):
        clf = auto(X, y, Small(100.0))
    [kept] = [one for one in clf.trials_ if one["is_kept"]]
    assert (kept["who"], clf.alpha_) == ("control", 1.0)
    students = [one["log_loss"] for one in clf.trials_ if one["who"] == "student"]
    assert kept["log_loss"] < min(students) - 0.05
    # It is the control to the bit, trained again without the objective too.
    control = distil(X, y, teacher=clf.teacher, alpha=1.0, early_stopping=True)
    assert_same_student(clf, control)


def test_a_student_of_labels_and_objectives_is_no_control(many):
    X, y = many
    clf = distil(X, y, Small(1e-3), alpha=1.0, early_stopping=True)
    assert [one["who"] for one in clf.trials_] == ["student", "teacher"]
    assert "the student of labels and objectives" in clf.decision_
    clf = distil(X, y, alpha=1.0, early_stopping=True)
    assert [one["who"] for one in clf.trials_] == ["control", "teacher"]
    assert "the student of the labels alone" in clf.decision_


def test_modules_of_ones_own_take_objectives(data):
    class Wide(MLP):
        def __init__(self, n_inputs, n_outputs):
            super().__init__(n_inputs, n_outputs, hidden_layer_sizes=(8,))

    clf = distil(*data, Scaled(layers=("layers.0",)), student=Wide)
    assert clf.predict_proba(data[0]).shape == (160, 3)


class NoLoss(Objective):
    pass


class NotAsked(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("a teacher was fitted")


def test_an_objective_without_a_loss_shows_before_a_teacher_is_fitted():
    clf = DistilledClassifier(NotAsked(), objectives=NoLoss())
    with pytest.raises(NotImplementedError, match="NoLoss does not implement `loss`"):
        clf.fit(np.eye(4), [0, 1, 0, 1])
