"""All responses of classes, by the table of tests/response_cases.py."""

import pickle
import warnings

import numpy as np
import pytest
import skops.io
import torch
from response_cases import ROWS, Row, hinton, matching
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV

from skdistill import (
    DIST,
    DKD,
    NKD,
    TRUSTED_TYPES,
    Brier,
    DistilledClassifier,
    DistilledRegressor,
    Hinton,
    LogitMatching,
    MLPStudent,
    Scorer,
    StandardizedLogits,
    to_onnx,
)
from skdistill.objectives import prepare

SMALL = MLPStudent(hidden_layer_sizes=(16, 8), n_steps=40)


each = pytest.mark.parametrize("row", ROWS, ids=str)


def batch(n_classes, n_rows=12):
    rng = np.random.RandomState(n_classes)
    labels = rng.randint(n_classes, size=n_rows)
    labels[-4:] = -1
    p = rng.dirichlet(np.ones(n_classes), n_rows)
    return p, labels, 2 * rng.normal(size=(n_rows, n_classes))


def value(row, p, labels, z, weight):
    """The response of a batch, as the loss takes it."""
    response, temperature = row.response, row.temperature
    target = torch.from_numpy(prepare(response, p, temperature, weight, labels))
    weight = torch.from_numpy(weight)
    if response.reduction == "batch":
        return response.batch_loss(z, target, temperature, weight)
    return torch.dot(response.loss(z, target, temperature), weight) / len(weight)


# --- the value, its gradients and the weights ---


@each
@pytest.mark.parametrize("n_classes", [2, 3, 26])
def test_value_is_that_of_the_reference(row, n_classes):
    if n_classes == 2 and not row.takes_two:
        with pytest.raises(ValueError, match="has no meaning for 2 classes"):
            row.response.for_classes(2)
        return
    p, labels, z = batch(n_classes)
    weight = np.random.RandomState(1).uniform(0.2, 2, len(p))
    found = value(row, p, labels, torch.from_numpy(z), weight)
    np.testing.assert_allclose(found, row.reference(p, labels, z, row.temperature, weight))


@each
def test_gradients_are_those_of_finite_differences(row):
    p, labels, z = batch(4, n_rows=6)
    weight = np.random.RandomState(1).uniform(0.2, 2, len(p))
    z = torch.from_numpy(z).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: value(row, p, labels, z, weight), (z,))


@each
def test_weight_of_two_is_the_row_twice(row):
    p, labels, z = batch(4)
    twice = np.append(np.arange(12), 3)
    heavy = np.ones(12)
    heavy[3] = 2
    weighted = value(row, p, labels, torch.from_numpy(z), heavy / heavy.mean())
    more = value(row, p[twice], labels[twice], torch.from_numpy(z[twice]), np.ones(13))
    np.testing.assert_allclose(weighted, more)
    assert abs(float(weighted - value(row, p, labels, torch.from_numpy(z), np.ones(12)))) > 1e-6


@pytest.mark.parametrize("response", [DKD(), NKD()], ids=str)
def test_teacher_that_is_certain_leaves_the_others_nothing_to_say(response):
    p, z = np.eye(3)[[0, 1]], torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    target = torch.from_numpy(response.prepare(p, 1.0))
    rows = response.loss(z, target, 1.0)
    rows.sum().backward()
    np.testing.assert_allclose(rows.detach(), np.log(3))
    assert torch.isfinite(z.grad).all()


def test_targets_are_labels_where_there_are_some_and_else_the_likeliest_class():
    p = np.array([[0.1, 0.6, 0.3], [0.1, 0.6, 0.3]])
    made = DKD().prepare(p, 1.0, labels=np.array([2, -1]))
    np.testing.assert_array_equal(made[:, -1], [2, 1])


def test_row_of_equal_logits_is_no_division_by_zero():
    z = torch.zeros(2, 3, requires_grad=True)
    target = torch.from_numpy(StandardizedLogits().prepare(np.full((2, 3), 1 / 3), 2.0)).float()
    StandardizedLogits().loss(z, target, 2.0).sum().backward()
    assert torch.isfinite(z.grad).all()
    DIST().batch_loss(z, target, 1.0, torch.ones(2)).backward()
    assert torch.isfinite(z.grad).all()


def test_hinton_of_a_high_temperature_is_logit_matching():
    p, labels, z = batch(5)
    z -= z.mean(axis=1, keepdims=True)  # as the gradient of centred logits has no mean
    gradients = []
    for row in (Row(Hinton(), hinton, 1e4), Row(LogitMatching(), matching, 1.0)):
        leaf = torch.from_numpy(z).requires_grad_()
        value(row, p, labels, leaf, np.ones(12)).backward()
        gradients.append(leaf.grad / leaf.grad.norm())
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-3)


# --- fits ---


def make_data(n_classes):
    return make_blobs(max(160, 10 * n_classes), 5, centers=n_classes, random_state=0)


def model(response, temperature=1.0, **params):
    defaults = {
        "student": SMALL,
        "transfer": None,
        "alpha": 0.3,
        "early_stopping": False,
        "random_state": 0,
    }
    return DistilledClassifier(
        LogisticRegression(), response=response, temperature=temperature, **(defaults | params)
    )


def fitted(row, n_classes, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        response = clone(row.response)
        return model(response, row.temperature, **params).fit(*make_data(n_classes))


@each
@pytest.mark.parametrize("n_classes", [2, 3, 26])
def test_fit_learns_of_it(row, n_classes):
    X, y = make_data(n_classes)
    if n_classes == 2 and not row.takes_two:
        with pytest.raises(ValueError, match=type(row.response).__name__):
            fitted(row, n_classes)
        return
    clf = fitted(row, n_classes, student=MLPStudent((32,), n_steps=200))
    assert clf.score(X, y) > 0.9


@each
def test_search_files_and_memory(row, tmp_path):
    X, y = make_data(3)
    clf = model(clone(row.response), row.temperature, memory=str(tmp_path / "memory"))
    names = [name for name in clf.get_params() if name.startswith("response__")]
    grid = {name: [clf.get_params()[name]] for name in names} | {"alpha": [0.3, 0.6]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        best = GridSearchCV(clf, grid, cv=2).fit(X, y).best_estimator_
    expected = best.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(best)).predict_proba(X), expected)
    back = skops.io.loads(skops.io.dumps(best), trusted=TRUSTED_TYPES)
    np.testing.assert_array_equal(back.predict_proba(X), expected)
    to_onnx(best, tmp_path / "student.onnx")
    told = Scorer(tmp_path / "student.onnx").predict_proba(X)
    np.testing.assert_allclose(told, expected, atol=1e-5)
    plain = clone(best).set_params(memory=None)
    np.testing.assert_array_equal(plain.fit(X, y).predict_proba(X), expected)


@each
def test_numbers_have_no_such_response(row):
    X, y = make_regression(60, 4, random_state=0)
    model = DistilledRegressor(Ridge(), response=row.response)
    with pytest.raises(ValueError, match="is none for DistilledRegressor: give SquaredError"):
        model.fit(X, y)


def test_two_classes_make_dkd_hinton_to_the_bit():
    X, _ = make_data(2)
    for temperature in (1.0, 4.0):
        one, other = (
            fitted(Row(response, None, temperature), 2, early_stopping=True).predict_proba(X)
            for response in (DKD(), Hinton())
        )
        np.testing.assert_array_equal(one, other)


def test_two_classes_leave_dist_its_columns():
    p, labels, z = batch(2)
    rows = [Row(DIST(row_weight=a), None) for a in (0.0, 5.0)]
    one, other = (value(row, p, labels, torch.from_numpy(z), np.ones(12)) for row in rows)
    assert one == other
    assert float(one) > 0


@pytest.mark.parametrize("response", [DIST(), NKD(), StandardizedLogits()], ids=str)
def test_response_that_fixes_no_scale_needs_labels(response):
    X, y = make_data(3)
    with pytest.raises(ValueError, match=r"does not tell how large a logit is.*`alpha` above 0"):
        model(response, alpha=0.0).fit(X, y)
    soft = np.full((len(X), 3), 1 / 3)
    clf = DistilledClassifier(response=response, student=SMALL)
    with pytest.raises(ValueError, match=r"does not tell how large a logit is.*give y"):
        clf.fit(X, soft_targets=soft)
    params = {"alpha": 0.0, "calibrate": True, "early_stopping": True}
    assert model(response, **params).fit(X, y).calibration_temperature_ != 1


@pytest.mark.parametrize("response", [LogitMatching(), Brier()], ids=str)
@pytest.mark.parametrize("temperature", [2.0, "auto"])
def test_temperature_without_a_meaning_is_refused(response, temperature):
    with pytest.raises(ValueError, match=r"`temperature=.*` has no meaning for `response="):
        model(response, temperature).fit(*make_data(3))


def test_rows_of_a_batch_are_compared_without_labels_too():
    X, y = make_data(3)
    clf = model(DIST(), early_stopping=True)
    more = X + np.random.RandomState(0).normal(0, 0.1, X.shape)
    assert clf.fit(X, y, X_transfer=(more,)).score(X, y) > 0.6


def test_response_of_ones_own_says_which_loss_is_missing():
    class Half(Hinton):
        reduction = "batch"

    with pytest.raises(ValueError, match="does not implement `batch_loss`"):
        model(Half()).fit(*make_data(3))
