"""Hinton's response, the mixture of the losses, and the contract of an objective."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.datasets import make_classification
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from torch import nn

from skdistill import MLP, DistilledClassifier, Hinton, MLPStudent, Objective, Response
from skdistill.objectives import Batch, DistillationLoss, view_key
from skdistill.task import Classification

CLASSES = Classification(np.arange(4))

# --- the toy objectives: all that a scheme of one's own needs ---

SEEN_BY_TEACHER_VIEW = []


class ToyRow(Objective):
    """Make the student's layer "hidden" follow the teacher's confidence: one value a row.

    `teacher_view` is asked once per block of rows, with the rows as the user gave them; what it
    returns comes back batch by batch as `view`. `student_layers` names the submodule whose output
    arrives in `student.layers`.
    """

    reduction = "row"
    student_layers = ("hidden",)

    def teacher_view(self, teacher, X):
        SEEN_BY_TEACHER_VIEW.append((teacher, X))
        return teacher.predict_proba(X).max(axis=1, keepdims=True)

    def loss(self, batch):
        return ((batch.layers["hidden"] - batch.view) ** 2).mean(dim=1)


class ToyBatch(ToyRow):
    """Make distances in the layer follow distances of the teacher: one value for all pairs."""

    reduction = "batch"

    def teacher_view(self, teacher, X):
        return teacher.predict_proba(X)

    def loss(self, batch):
        hidden, view = batch.layers["hidden"], batch.view
        gaps = ((hidden[:, None] - hidden) ** 2).mean(2) - ((view[:, None] - view) ** 2).mean(2)
        pairs = batch.weight[:, None] * batch.weight
        return (pairs * gaps**2).mean()


class ToyNet(nn.Module):
    draws_random_numbers = False

    def __init__(self, n_inputs, n_outputs, width=8):
        super().__init__()
        self.hidden = nn.Linear(n_inputs, width)
        self.out = nn.Linear(width, n_outputs)

    def forward(self, X):
        return self.out(torch.tanh(self.hidden(X)))


def make_data(n=120):
    return make_classification(n, 6, n_informative=5, n_redundant=0, n_classes=3, random_state=0)


def frozen(X, y):
    return FrozenEstimator(LogisticRegression().fit(X, y))


def distil(X, y, *, fit_params=None, **params):
    defaults = {"student": ToyNet, "calibrate": False, "random_state": 0, "temperature": 2.0}
    clf = DistilledClassifier(frozen(X, y), **(defaults | params))
    return clf.fit(X, y, **(fit_params or {}))


def hidden_of(clf, X):
    with torch.inference_mode():
        return clf.student_.module_.hidden(torch.from_numpy(clf.encoder_.transform(X))).numpy()


@pytest.mark.parametrize("toy", [ToyRow, ToyBatch])
def test_objective_changes_the_student_towards_its_aim(toy):
    X, y = make_data()
    plain = distil(X, y)
    pulled = distil(X, y, objectives=toy(weight=10.0))
    assert np.abs(plain.predict_proba(X) - pulled.predict_proba(X)).max() > 1e-3

    def term(clf):
        view = torch.from_numpy(toy().teacher_view(clf.teacher_, X))
        layers = {"hidden": torch.from_numpy(hidden_of(clf, X))}
        batch = Batch(None, None, layers, None, None, view, torch.ones(len(X)))
        return float(toy().loss(batch).mean())

    assert term(pulled) < 0.2 * term(plain)


@pytest.mark.parametrize("toy", [ToyRow, ToyBatch])
def test_objective_weight_is_a_nested_parameter_and_zero_is_no_objective(toy):
    X, y = make_data()
    plain = distil(X, y).predict_proba(X)
    clf = DistilledClassifier(
        frozen(X, y),
        ToyNet,
        objectives=[("toy", toy(weight=5.0))],
        temperature=2.0,
        calibrate=False,
        random_state=0,
    )
    assert clf.get_params()["objectives__toy__weight"] == 5.0
    five = clf.fit(X, y).predict_proba(X)
    one = clf.set_params(objectives__toy__weight=1.0).fit(X, y).predict_proba(X)
    zero = clf.set_params(objectives__toy__weight=0.0).fit(X, y).predict_proba(X)
    assert np.abs(five - one).max() > 1e-4
    assert np.abs(one - plain).max() > 1e-4
    np.testing.assert_array_equal(zero, plain)


def test_objective_of_weight_0_is_no_objective_with_unlabelled_rows_and_alpha_1():
    X, y = make_data()
    given = {"X_transfer": (X[:50] + 0.1,)}
    plain = distil(X, y, alpha=1.0, fit_params=given)
    zero = distil(X, y, alpha=1.0, objectives=ToyRow(weight=0.0), fit_params=given)
    np.testing.assert_array_equal(zero.predict_proba(X), plain.predict_proba(X))


def test_teacher_view_is_asked_once_per_block_for_the_raw_rows():
    X, y = make_data()
    X = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(1000, 1000 + len(X)))
    more = X.iloc[:40] + 0.5
    SEEN_BY_TEACHER_VIEW.clear()
    clf = distil(
        X,
        y,
        objectives=ToyRow(),
        transfer=None,
        early_stopping=False,
        fit_params={"X_transfer": (more,), "X_val": X.iloc[:30], "y_val": y[:30]},
    )
    assert [teacher for teacher, _ in SEEN_BY_TEACHER_VIEW] == [clf.teacher_] * 2
    for (_, seen), given in zip(SEEN_BY_TEACHER_VIEW, [X, more], strict=True):
        pd.testing.assert_frame_equal(seen, given)


def test_views_stay_with_their_rows_through_split_and_shuffle():
    errors = []

    class OwnRow(Objective):
        student_layers = ("hidden",)

        def teacher_view(self, teacher, X):
            return X

        def loss(self, batch):
            errors.append(float((batch.layers["hidden"] - batch.view.float()).abs().max()))
            return 0.0 * batch.view[:, 0]

    class Echo(ToyNet):
        def __init__(self, n_inputs, n_outputs):
            super().__init__(n_inputs, n_outputs)
            self.hidden = nn.Identity()
            self.out = nn.Linear(n_inputs, n_outputs)

    X, y = make_data()
    given = {"X_transfer": (X[:40] + 0.5,)}
    params = {"student": Echo, "encoder": "passthrough", "early_stopping": True}
    clf = distil(X, y, objectives=OwnRow(), fit_params=given, **params)
    assert len(errors) >= len(clf.history_)
    assert max(errors) == 0.0


def test_objective_that_needs_no_teacher_works_with_soft_targets_only():
    class Shrink(Objective):
        def loss(self, batch):
            assert batch.view is None
            return (batch.logits**2).mean(dim=1)

    X, y = make_data()
    soft = LogisticRegression().fit(X, y).predict_proba(X)

    def fit(objectives):
        clf = DistilledClassifier(student=ToyNet, objectives=objectives, random_state=0)
        return clf.fit(X, y, soft_targets=soft)

    plain, shrunk = fit(None), fit(Shrink(10.0))
    assert shrunk.predict_proba(X).max() < 0.6 < plain.predict_proba(X).max()


class Growing(Objective):
    """A term that is larger from step to step."""

    def __init__(self, growth=1.0, weight="auto", decay=False):
        super().__init__(weight=weight, decay=decay)
        self.growth = growth

    def loss(self, batch):
        self.size = self.growth * getattr(self, "size", 1.0)
        return self.size * (batch.logits**2).mean(dim=1)


def test_a_term_balanced_at_each_step_does_not_grow_over_the_others():
    class Balanced(Growing):
        balances_each_step = True

    X, y = make_data()

    def told(objective):
        student = MLPStudent((16,), n_steps=300)
        return distil(X, y, student=student, objectives=objective).predict_proba(X)

    steady = told(Balanced())
    np.testing.assert_allclose(told(Balanced(1.02)), steady, atol=1e-3)
    outweighed = told(Growing(1.02))
    assert outweighed.max() < 0.6 < steady.max()


@pytest.mark.parametrize("weight", [-1.0, float("inf"), "big"])
def test_objective_weight_must_be_a_number_of_at_least_0(weight):
    X, y = make_data()
    with pytest.raises(ValueError, match="'weight' parameter of ToyRow must be a float"):
        distil(X, y, objectives=ToyRow(weight=weight))


def test_objectives_of_another_kind_are_refused():
    X, y = make_data()
    with pytest.raises(TypeError, match="`objectives` (must hold|holds the class)"):
        distil(X, y, objectives=ToyRow)


def test_unknown_student_layer_is_named():
    class Lost(ToyRow):
        student_layers = ("hiden",)

    X, y = make_data()
    with pytest.raises(ValueError, match=r"`objectives`.*\['hiden'\].*'hidden', 'out'"):
        distil(X, y, objectives=Lost())


def test_response_of_ones_own_replaces_hinton():
    class MatchLogits(Response):
        def prepare(self, probabilities, temperature, sample_weight=None):
            logs = np.log(probabilities)
            return logs - logs.mean(axis=1, keepdims=True)

        def loss(self, logits, target, temperature):
            return ((logits - logits.mean(dim=1, keepdim=True) - target) ** 2).mean(dim=1)

    X, y = make_data()
    clf = distil(X, y, response=MatchLogits(), alpha=0.0)
    teacher = frozen(X, y).decision_function(X)
    spread = (teacher - teacher.mean(axis=1, keepdims=True)).std()
    assert np.abs(clf.decision_function(X) - teacher).mean() < 0.2 * spread


def test_bases_name_the_class_that_lacks_a_method():
    with pytest.raises(NotImplementedError, match="Objective does not implement `loss`"):
        Objective().loss(None)
    with pytest.raises(NotImplementedError, match="Response does not implement `prepare`"):
        Response().prepare(None, 1.0)
    with pytest.raises(NotImplementedError, match="Response does not implement `loss`"):
        Response().loss(None, None, 1.0)


# --- Hinton's response against the closed form ---


def random_pair(n=7, k=4):
    rng = np.random.default_rng(0)
    return 3 * rng.normal(size=(n, k)), softmax(2 * rng.normal(size=(n, k)), axis=1)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0, 20.0])
def test_hinton_value_and_gradient(temperature):
    z, q = random_pair()
    logits = torch.tensor(z, requires_grad=True)
    rows = Hinton().loss(logits, torch.tensor(q), temperature)
    rows.sum().backward()
    value = -(temperature**2) * (q * log_softmax(z / temperature, axis=1)).sum(axis=1)
    np.testing.assert_allclose(rows.detach(), value, rtol=1e-12)
    gradient = temperature * (softmax(z / temperature, axis=1) - q)
    np.testing.assert_allclose(logits.grad, gradient, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_hinton_gradcheck(temperature):
    z, q = random_pair(3, 3)
    target = torch.tensor(q)
    assert torch.autograd.gradcheck(
        lambda logits: Hinton().loss(logits, target, temperature),
        torch.tensor(z, requires_grad=True),
    )


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_hinton_ignores_a_shift_of_a_row(temperature):
    z, q = random_pair()
    shifted = z + np.arange(len(z))[:, None] * 10
    values = [Hinton().loss(torch.tensor(a), torch.tensor(q), temperature) for a in (z, shifted)]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-10)


def test_hinton_of_one_hot_targets_at_1_is_the_log_loss():
    z, _ = random_pair()
    labels = np.arange(len(z)) % 4
    value = Hinton().loss(torch.tensor(z), torch.eye(4, dtype=torch.float64)[labels], 1.0)
    np.testing.assert_allclose(value, -log_softmax(z, axis=1)[np.arange(len(z)), labels])


def test_hinton_gradient_goes_to_logit_matching_at_high_temperature():
    z, p = random_pair()
    v = np.log(p)
    target = torch.tensor(Hinton().prepare(p, 1e4))
    logits = torch.tensor(z, requires_grad=True)
    Hinton().loss(logits, target, 1e4).sum().backward()
    centred = (z - z.mean(axis=1, keepdims=True)) - (v - v.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(logits.grad, centred / 4, atol=2e-3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 5.0])
def test_hinton_is_flat_where_the_student_agrees(temperature):
    z, _ = random_pair()
    target = torch.tensor(Hinton().prepare(softmax(z, axis=1), temperature))
    logits = torch.tensor(z, requires_grad=True)
    Hinton().loss(logits, target, temperature).sum().backward()
    np.testing.assert_allclose(logits.grad, 0, atol=1e-12)


def test_hinton_prepare_softens_the_probabilities():
    v = np.array([[2.0, 0.0, -1.0], [0.0, 0.5, 0.0]])
    p = softmax(v, axis=1)
    np.testing.assert_array_equal(Hinton().prepare(p, 1.0), p)
    np.testing.assert_allclose(Hinton().prepare(p, 3.0), softmax(v / 3, axis=1))
    np.testing.assert_allclose(Hinton().prepare(p, 1e9), 1 / 3, atol=1e-8)
    np.testing.assert_allclose(Hinton().prepare(p, 1e-3), [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    np.testing.assert_allclose(
        Hinton().prepare(np.array([[0.0, 0.2, 0.8]]), 2.0), [[0, 1 / 3, 2 / 3]]
    )


def test_hinton_needs_a_floor_only_away_from_1():
    assert not Hinton().needs_floor(1.0)
    assert Hinton().needs_floor(2.0)
    assert Hinton().needs_floor(0.5)


# --- the mixture ---


def make_batch(labels, weight=None):
    z, q = random_pair(len(labels), 4)
    weight = np.linspace(0.5, 2.0, len(labels)) if weight is None else weight
    return z, {
        "label": torch.tensor(labels),
        "weight": torch.tensor(weight),
        "soft": torch.tensor(q),
        "inputs": torch.tensor(z),
    }


def by_hand(z, target, temperature, alpha, weight):
    """The documented formula, a row at a time."""
    total = 0.0
    for row, label, q, w in zip(z, target["label"], target["soft"].numpy(), weight, strict=True):
        soft = -(temperature**2) * (q * log_softmax(row / temperature)).sum()
        hard = -log_softmax(row)[label] if label >= 0 else 0.0
        total += w * (alpha * hard + (1 - alpha) * soft)
    return total / len(weight)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.7, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("labels", [[0, 3, 1, 2, 0], [0, -1, 1, -1, 3], [-1, -1, -1, -1, -1]])
def test_mixture_by_hand(alpha, temperature, labels):
    z, target = make_batch(labels)
    value = DistillationLoss(CLASSES, Hinton(), [], temperature, alpha)(torch.tensor(z), target)
    expected = by_hand(z, target, temperature, alpha, target["weight"].numpy())
    np.testing.assert_allclose(float(value), expected, rtol=1e-12, atol=1e-14)


def test_mixture_gradient_of_a_row_is_in_proportion_to_its_weight():
    z, target = make_batch([0, 3, -1, 2])
    logits = torch.tensor(z, requires_grad=True)
    DistillationLoss(CLASSES, Hinton(), [], 2.0, 0.3)(logits, target).backward()
    w = target["weight"].numpy()[:, None]
    hard = softmax(z, axis=1) - np.eye(5)[[0, 3, 4, 2], :4]
    hard[2] = 0
    soft = 2 * (softmax(z / 2, axis=1) - target["soft"].numpy())
    np.testing.assert_allclose(logits.grad, w * (0.3 * hard + 0.7 * soft) / len(w), rtol=1e-9)


class Small(Objective):
    def loss(self, batch):
        return batch.logits.square().sum(dim=1)


@pytest.mark.parametrize("objectives", [[], [("row", Small())]], ids=["plain", "objective"])
def test_a_heavy_row_counts_in_full_whatever_batch_it_is_in(objectives):
    """Divided by its own weights, the batch of the heavy row would count no more than another."""
    z, target = make_batch([0, 3, -1, 2, 1, 0], np.array([0.1, 0.1, 5.2, 0.2, 0.2, 0.2]))  # mean 1
    loss = DistillationLoss(CLASSES, Hinton(), objectives, 2.0, 0.5)
    logits = torch.tensor(z).float()
    target["soft"], target["weight"] = target["soft"].float(), target["weight"].float()
    whole = loss.value_and_gradients(logits, target, {})
    parts = [
        {key: value[rows] for key, value in target.items()} for rows in (slice(2), slice(2, 6))
    ]
    values = [
        (float(loss(part, own)), *loss.value_and_gradients(part, own, {})[:2])
        for part, own in zip((logits[:2], logits[2:]), parts, strict=True)
    ]
    for plain, value, _ in values:
        np.testing.assert_allclose(plain, value, rtol=1e-5)
    mean = (2 * values[0][1] + 4 * values[1][1]) / 6
    gradient = np.concatenate([2 * values[0][2], 4 * values[1][2]]) / 6
    np.testing.assert_allclose(mean, whole[0], rtol=1e-5)
    np.testing.assert_allclose(gradient, whole[1], rtol=1e-5)


def test_probabilities_are_taken_as_their_logarithms():
    z, target = make_batch([0, 3, -1, 2])
    on_logits = DistillationLoss(CLASSES, Hinton(), [], 2.0, 0.4)(torch.tensor(z), target)
    p = torch.softmax(torch.tensor(z), dim=1)
    on_probabilities = DistillationLoss(CLASSES, Hinton(), [], 2.0, 0.4, True)(p, target)
    np.testing.assert_allclose(on_probabilities, on_logits, rtol=1e-9)


def test_validation_is_the_log_loss_or_without_labels_the_response():
    w = np.array([0.5, 1.5, 0.25, 1.75])  # of mean 1
    loss = DistillationLoss(CLASSES, Hinton(), [("toy", ToyRow())], 3.0, 0.4).eval()
    z, target = make_batch([0, 3, 1, 2], w)
    log_loss = np.average(-log_softmax(z, axis=1)[np.arange(4), [0, 3, 1, 2]], weights=w)
    np.testing.assert_allclose(loss(torch.tensor(z), target), log_loss)
    z, target = make_batch([-1, -1, -1, -1], w)
    q = target["soft"].numpy()
    response = -9.0 * (q * log_softmax(z / 3, axis=1)).sum(axis=1)
    np.testing.assert_allclose(loss(torch.tensor(z), target), np.average(response, weights=w))


class Given(Objective):
    """Returns what it is given as the view."""

    def loss(self, batch):
        return batch.view


class GivenBatch(Given):
    reduction = "batch"


def test_row_values_are_averaged_by_weight_and_batch_values_added():
    z, target = make_batch([0, 3, -1, 2])
    w = target["weight"].numpy()
    values = np.array([1.0, 10.0, -3.0, 5.0])
    target[view_key("rows")] = torch.tensor(values)
    target[view_key("batch")] = torch.tensor(100.0, dtype=torch.float64)
    objectives = [("rows", Given(0.5)), ("batch", GivenBatch(3.0))]
    plain = DistillationLoss(CLASSES, Hinton(), [], 2.0, 0.4)(torch.tensor(z), target)
    value = DistillationLoss(CLASSES, Hinton(), objectives, 2.0, 0.4)(torch.tensor(z), target)
    expected = float(plain) + 0.5 * np.mean(w * values) + 3.0 * 100.0
    np.testing.assert_allclose(float(value), expected, rtol=1e-12)


# --- recorded layers ---


@pytest.mark.parametrize("name", ["first", "layers.0", "layers.1"])
def test_recorded_layer_is_the_output_of_the_submodule(name):
    class Needs(Objective):
        student_layers = (name,)

        def loss(self, batch):
            return batch.layers[name].sum(dim=1)

    torch.manual_seed(0)
    module = MLP(3, 2, hidden_layer_sizes=(5, 4)).double()
    X = torch.randn(6, 3, dtype=torch.float64)
    with torch.no_grad():  # by hand, out of place
        outputs = {"first": module.first(X)}
        outputs["layers.0"] = module.layers[0](torch.relu(outputs["first"]))
        outputs["layers.1"] = module.layers[1](torch.relu(outputs["layers.0"]))
    target = {
        "label": torch.zeros(6, dtype=torch.int64),
        "weight": torch.ones(6, dtype=torch.float64),
        "inputs": X,
    }
    loss = DistillationLoss(CLASSES, Hinton(), [("needs", Needs())], 1.0, 1.0)
    handles = loss.watch(module)
    with torch.no_grad():
        logits = module(X)
        total = loss(logits, target)
        plain = DistillationLoss(CLASSES, Hinton(), [], 1.0, 1.0)(logits, target)
    np.testing.assert_allclose(total - plain, outputs[name].sum(dim=1).mean(), rtol=1e-12)
    for handle in handles:
        handle.remove()
    assert not any(part._forward_hooks for part in module.modules())


def test_no_hook_is_left_on_the_fitted_student():
    X, y = make_data()
    clf = distil(X, y, objectives=ToyRow())
    assert not any(part._forward_hooks for part in clf.student_.module_.modules())
