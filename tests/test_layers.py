"""Layers of nets, of teachers and students, and what a term may ask of both."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from shared import LOG, Witness, framed, insects
from sklearn.datasets import make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

from skdistill import (
    CKA,
    FSP,
    MLP,
    PKT,
    RKD,
    AttentionTransfer,
    DistilledClassifier,
    DistilledRegressor,
    FittedTeacher,
    Hint,
    InputGradient,
    MLPStudent,
    Objective,
    RegressorPool,
    Similarity,
    TeacherPool,
    TorchTeacher,
)
from skdistill.teacher import read_layer

SMALL = MLPStudent((8, 6), n_steps=20)


@pytest.fixture(scope="module")
def data():
    X, y = insects()
    return X.astype(np.float32), y


class Net(nn.Module):
    draws_random_numbers = False

    def __init__(self, n_inputs=5, n_outputs=3):
        super().__init__()
        self.out = nn.Linear(6, n_outputs)  # made first, called last
        self.hidden = nn.Linear(n_inputs, 6)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(6)

    def forward(self, X):
        return self.out(self.drop(torch.tanh(self.norm(self.hidden(X)))))


def skorch_net(**params):
    return NeuralNetClassifier(
        Net, criterion=nn.CrossEntropyLoss, train_split=None, max_epochs=2, verbose=0, **params
    )


# --- of teachers ---


def by_hand(mlp, X, n_layers):
    for weights, bias in zip(mlp.coefs_[:n_layers], mlp.intercepts_, strict=False):
        X = np.tanh(X @ weights + bias)
    return X


def test_layers_of_a_perceptron_of_sklearn(data):
    X, y = data
    mlp = MLPClassifier((7, 4), activation="tanh", max_iter=5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), mlp).fit(X, y)
    seen = pipeline[0].transform(X)
    expected = [by_hand(pipeline[1], seen, n_layers) for n_layers in (1, 2)]
    wrapped = [
        FrozenEstimator(pipeline),
        FittedTeacher(pipeline),
        FrozenEstimator(GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4]}, cv=2).fit(X, y)),
    ]
    for teacher in wrapped[:2]:
        pool = TeacherPool(teacher).fit(X, y)
        assert_allclose(read_layer(pool, X, "antepenultimate"), expected[0], rtol=1e-4, atol=1e-5)
        assert_allclose(read_layer(pool, X), expected[1], rtol=1e-4, atol=1e-5)
    assert read_layer(TeacherPool(wrapped[2]).fit(X, y), X).shape == (len(X), 4)


def test_layers_of_modules(data):
    X, y = data
    net = skorch_net(batch_size=100).fit(X, y)
    module, own = net.module_.eval(), copy.deepcopy(net.module_).train()
    with torch.no_grad():
        hidden = module.hidden(torch.from_numpy(X))
        last = torch.tanh(module.norm(hidden))
    for teacher in (FrozenEstimator(net), TorchTeacher(own)):
        pool = TeacherPool(teacher).fit(X, y)
        assert_allclose(read_layer(pool, X), last, rtol=1e-5, atol=1e-6)
        assert_allclose(read_layer(pool, X, "hidden"), hidden, rtol=1e-5, atol=1e-6)
        assert not any(
            part._forward_hooks or part._forward_pre_hooks for part in net.module_.modules()
        )
    assert own.training  # the user's module is left as it was


def test_layers_of_several_nets_are_side_by_side(data):
    X, y = data
    teachers = [
        ("a", MLPClassifier((4,), max_iter=5)),
        ("forest", RandomForestClassifier(3)),
        ("b", skorch_net()),
    ]
    pool = TeacherPool(teachers, features=[0, 1, 2, 3, 4]).fit(X, y)
    both = read_layer(pool, X)
    assert both.shape == (len(X), 10)
    assert both.dtype == np.float32
    alone = TeacherPool(FrozenEstimator(pool.estimators_[0])).fit(X, y)
    assert_array_equal(both[:, :4], read_layer(alone, X))


def test_layers_of_regressors():
    X, y = make_regression(60, 4, random_state=0)
    pool = RegressorPool(MLPRegressor(hidden_layer_sizes=(3,), max_iter=5)).fit(X, y)
    assert read_layer(pool, X).shape == (60, 3)


@pytest.mark.parametrize(
    ("layer", "teacher", "message"),
    [
        ("hidden", MLPClassifier((4,), max_iter=5), "of teacher `mlpclassifier`: .* alone"),
        ("hiden", skorch_net(), r"of teacher .*'drop', 'hidden', 'norm', 'out'"),
        ("penultimate", TorchTeacher(nn.Bilinear(5, 5, 3), preprocess=lambda X: (X, X)), r"\[\]"),
        ("penultimate", RandomForestClassifier(2), "no teacher is a net"),
    ],
)
def test_layer_that_is_not_there_is_told(data, layer, teacher, message):
    pool = TeacherPool(teacher).fit(*data)
    with pytest.raises(ValueError, match=message):
        read_layer(pool, data[0], layer)


# --- of students ---


class Watch(Objective):
    """Pulls the layers that it names to 0, and keeps what it saw."""

    seen: list  # of each test

    def __init__(self, layers=("penultimate",), weight=1.0, decay=False):
        super().__init__(weight, decay)
        self.layers = layers

    @property
    def student_layers(self):
        return self.layers

    def loss(self, batch):
        self.seen.append({name: one.detach().clone() for name, one in batch.layers.items()})
        return sum(one.square().mean(dim=1) for one in batch.layers.values())


def trained(X, y, layers, student=SMALL, **params):
    Watch.seen = []
    clf = DistilledClassifier(
        FrozenEstimator(LogisticRegression().fit(np.nan_to_num(X), y)),
        student,
        objectives=Watch(layers),
        transfer=None,
        early_stopping=False,
        random_state=0,
        **params,
    )
    return clf.fit(X, y), Watch.seen


@pytest.mark.parametrize("layers", [("penultimate",), ("antepenultimate", "penultimate")])
def test_direct_pass_watches_what_skorch_does(data, monkeypatch, layers):
    direct, seen = trained(*data, layers)
    assert all((one["penultimate"] >= 0).all() for one in seen)  # activations
    monkeypatch.setattr("skdistill.student._direct.layers_of", lambda module: [])
    slow, slowly_seen = trained(*data, layers)
    for name in layers:
        assert_allclose(seen[-1][name], slowly_seen[-1][name], rtol=1e-3, atol=1e-4)
    assert_allclose(
        direct.predict_proba(data[0]), slow.predict_proba(data[0]), rtol=1e-3, atol=1e-5
    )


def test_penultimate_of_one_hidden_layer_on_numbers_and_categories(data):
    X, y = data
    frame = pd.DataFrame({"number": X[:, 0], "category": np.where(X[:, 1] > 0, "a", "b")})
    teacher = FittedTeacher(lambda X: np.full((len(X), 3), 1 / 3), classes=[0, 1, 2])
    Watch.seen = []
    clf = DistilledClassifier(
        teacher, MLPStudent((8,), n_steps=5), objectives=Watch(), transfer=None, random_state=0
    ).fit(frame, y)
    assert Watch.seen[0]["penultimate"].shape[1] == 8
    assert type(clf.student_.module_) is MLP


def test_penultimate_of_a_module_is_what_enters_the_linear_layer_called_last(data):
    X, y = data
    _, seen = trained(
        X, y, ("penultimate", "norm"), skorch_net(batch_size=40), encoder="passthrough"
    )
    assert len(seen) > 10
    dropped = seen[0]["penultimate"] == 0
    assert 0.3 < dropped.float().mean() < 0.7
    kept = torch.tanh(seen[0]["norm"]) * 2
    assert_allclose(seen[0]["penultimate"][~dropped], kept[~dropped], rtol=1e-5)


class NoLinear(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(n_inputs, n_outputs))

    def forward(self, X):
        return X @ self.weights


@pytest.mark.parametrize(
    ("layers", "student"), [(("penultimate",), NoLinear), (("layers.9",), SMALL)]
)
def test_layer_that_a_student_lacks_is_told_before_teachers_are_fitted(data, layers, student):
    LOG.clear()
    clf = DistilledClassifier(Witness(), student, objectives=Watch(layers))
    with pytest.raises(ValueError, match=r"student's layers .*enters the torch.nn.Linear"):
        clf.fit(*data)
    assert LOG == []


# --- what a term asks of a fit ---


@pytest.mark.parametrize(
    "objective",
    [Hint(), FSP(), CKA("layer"), AttentionTransfer("a", "first"), InputGradient()],
    ids=lambda one: type(one).__name__,
)
def test_teachers_that_are_no_nets_are_refused_before_they_are_fitted(data, objective):
    LOG.clear()
    clf = DistilledClassifier([Witness(), KNeighborsClassifier()], SMALL, objectives=objective)
    message = f"`{type(objective).__name__}` needs .* got Witness, KNeighborsClassifier"
    with pytest.raises(ValueError, match=message):
        clf.fit(*data)
    assert LOG == []


def test_gradients_of_trees_are_refused_with_what_to_take_instead(data):
    teachers = [MLPClassifier((4,), max_iter=5), RandomForestClassifier(3)]
    clf = DistilledClassifier(teachers, SMALL, objectives=InputGradient())
    with pytest.raises(ValueError, match=r"got RandomForestClassifier.*Near\(Munge\(\)\)"):
        clf.fit(*data)


def test_hint_without_a_teacher_is_refused(data):
    X, y = data
    clf = DistilledClassifier(student=SMALL, objectives=Hint())
    with pytest.raises(ValueError, match=r"`Hint` needs .* got soft targets alone"):
        clf.fit(X, y, soft_targets=np.eye(3)[y])


def test_relations_do_without_a_teacher(data):
    X, y = data
    soft = 0.9 * np.eye(3)[y] + 0.1 / 3
    params = {"student": SMALL, "random_state": 0}
    with_term = DistilledClassifier(objectives=RKD(weight=10.0), **params)
    with_term.fit(X, y, soft_targets=soft)
    plain = DistilledClassifier(**params).fit(X, y, soft_targets=soft)
    assert np.abs(with_term.predict_proba(X) - plain.predict_proba(X)).max() > 1e-3


def test_teachers_without_layers_beside_a_net_are_told(data):
    teachers = [("net", MLPClassifier((4,), max_iter=5)), ("forest", RandomForestClassifier(3))]
    clf = DistilledClassifier(teachers, SMALL, objectives=Hint(), transfer=None)
    with pytest.warns(UserWarning, match=r"`Hint` reads the nets .* known of \['forest'\]"):
        clf.fit(*data)


@pytest.mark.parametrize("objective", [PKT(), CKA(), RKD(), Similarity()], ids=str)
def test_relations_of_answers_need_three_classes(data, objective):
    X, y = data
    clf = DistilledClassifier(RandomForestClassifier(3), SMALL, objectives=objective)
    name = type(objective).__name__
    with pytest.raises(ValueError, match=f"`{name}` .* two classes: .* RandomForestClassifier"):
        clf.fit(X, y > 0)
    reg = DistilledRegressor(KNeighborsRegressor(), SMALL, objectives=objective)
    with pytest.raises(ValueError, match=f"`{name}` .* say of numbers"):
        reg.fit(X, X[:, 0])


def test_relations_of_answers_are_those_out_of_fold(data):
    """Of rows that it was fitted on, a nearest neighbour knows the labels."""
    X, y = data
    seen = []

    class Seen(CKA):
        def loss(self, batch):
            seen.append(self._their_features(batch))
            return super().loss(batch)

    params = {"transfer": None, "random_state": 0, "objectives": Seen("probabilities")}
    DistilledClassifier(KNeighborsClassifier(1), SMALL, cv=2, **params).fit(X, y)
    sure, seen[:] = torch.cat(seen).max(), []
    DistilledClassifier(KNeighborsClassifier(5), SMALL, cv=2, **params).fit(X, y)
    assert torch.cat(seen).max() <= sure
    assert len(torch.cat(seen).unique()) > 4


@pytest.mark.parametrize(
    ("layer", "channel_axis", "message"),
    [
        ("hidden", -1, "of vectors, `Hint` is the term"),
        ("conv", 1, "maps of one size.*5 positions"),
    ],
)
def test_maps_that_do_not_go_together_are_told(data, layer, channel_axis, message):
    class Conv(nn.Module):
        def __init__(self, n_inputs=5, n_outputs=3):
            super().__init__()
            self.conv = nn.Conv1d(1, 2, 1)
            self.hidden = nn.Linear(2 * n_inputs, n_outputs)

        def forward(self, X):
            return self.hidden(self.conv(X[:, None]).flatten(1))

    objective = AttentionTransfer(layer, "conv", channel_axis=channel_axis)
    clf = DistilledClassifier(TorchTeacher(Conv()), Conv, objectives=objective, transfer=None)
    with pytest.raises(ValueError, match=message):
        clf.fit(*data)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (FSP(layers=("penultimate",)), "`layers` must be the names of two layers"),
        (Hint(layer=3), "'layer' parameter of Hint"),
        (RKD(angle_rows=2), "'angle_rows' parameter of RKD"),
        (InputGradient(step=0.0), "'step' parameter of InputGradient"),
        (CKA(of="logits"), "'of' parameter of CKA"),
    ],
)
def test_parameters_are_checked(objective, message):
    with pytest.raises(ValueError, match=message):
        objective.check_parameters()


# --- rows that a term probes ---


def test_probes_keep_types_categories_and_missing_numbers(data):
    frame = framed(data[0])
    ahead, behind = InputGradient().probe_rows(frame)
    for side in (ahead, behind):
        assert list(side.dtypes) == list(frame.dtypes)
        assert_array_equal(side[["c", "s"]], frame[["c", "s"]])
        assert_array_equal(side["v"].isna(), frame["v"].isna())
    assert_allclose((ahead["w"] + behind["w"]) / 2, frame["w"], atol=1e-5)
    assert (ahead["i"] != frame["i"]).mean() > 0.3  # whole numbers move as well
    again, _ = InputGradient().probe_rows(frame)
    pd.testing.assert_frame_equal(again, ahead)
    other, _ = InputGradient(random_state=1).probe_rows(frame)
    assert np.abs(other["w"] - ahead["w"]).max() > 0.1


def test_student_is_asked_about_the_rows_that_the_teacher_was(data):
    X, y = data
    seen = []

    class Spy(InputGradient):
        def loss(self, batch):
            seen.append((batch.inputs.clone(), batch.probes.clone(), batch.view.clone()))
            return super().loss(batch)

    teacher = FrozenEstimator(MLPClassifier((4,), max_iter=5, random_state=0).fit(X, y))
    clf = DistilledClassifier(
        teacher, SMALL, objectives=Spy(), transfer=None, encoder="passthrough", random_state=0
    ).fit(X, y)
    inputs, probes, view = seen[1]
    middle = probes.mean(dim=1)
    assert_allclose(middle, inputs, atol=1e-5)
    logs = [np.log(clf.teacher_.predict_proba(probes[:, side].numpy())) for side in (0, 1)]
    slope = (logs[0] - logs[1]) / 0.6
    assert_allclose(view, slope - slope.mean(axis=1, keepdims=True), atol=2e-3)


def test_asking_changes_neither_layers_nor_running_means(data):
    X, y = data
    seen = []

    class Asks(Watch):
        asks_student = True

        def loss(self, batch):
            before = batch.layers["penultimate"].clone()
            first, second = batch.student(batch.inputs), batch.student(batch.inputs)
            assert torch.equal(first, second)  # no dropout
            assert not torch.equal(first, batch.logits)
            assert torch.equal(before, batch.layers["penultimate"])
            seen.append(len(first))
            return 0.0 * first.sum(dim=1)

    def fit(objective):
        clf = DistilledClassifier(
            FrozenEstimator(LogisticRegression().fit(X, y)),
            skorch_net(batch_size=40),
            objectives=objective,
            encoder="passthrough",
            transfer=None,
            random_state=0,
        )
        return clf.fit(X, y).student_.module_.norm.running_mean

    Watch.seen = []
    assert_allclose(fit(Asks(weight=1.0)), fit(Watch(weight=1e-30)), rtol=1e-5)
    assert len(seen) > 10
