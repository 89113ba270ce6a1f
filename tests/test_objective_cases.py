"""All objectives of the package, by the table of tests/objective_cases.py."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
import skops.io
import torch
from objective_cases import CASES, make_batch, student_of, take, values_of
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV

from skdistill import (
    TRUSTED_TYPES,
    DistilledClassifier,
    DistilledRegressor,
    MLPStudent,
    Scorer,
    to_onnx,
)

SMALL = MLPStudent(hidden_layer_sizes=(16, 8), n_steps=40)
each = pytest.mark.parametrize("case", CASES, ids=str)


def ready(case, batch):
    """The objective with its module, in float64 as the batch is."""
    objective = clone(case.objective)
    torch.manual_seed(0)
    module = objective.make_module(batch)
    if module is not None:
        objective.module_ = module.double()
    return objective


def term(objective, batch):
    """The term as the loss adds it: rows are weighted and averaged."""
    value = objective.loss(batch)
    if objective.reduction == "row":
        value = torch.dot(value, batch.weight) / len(batch.weight)
    return value


# --- the value, its gradients and the weights ---


@each
@pytest.mark.parametrize("n_classes", [2, 4, 26])
def test_value_is_that_of_the_reference(case, n_classes):
    batch = make_batch(case, n_classes=n_classes)
    weight = np.random.RandomState(1).uniform(0.2, 2, len(batch.weight))
    batch = take(batch, np.arange(len(weight)), weight / weight.mean())
    objective = ready(case, batch)
    found = objective.loss(batch).detach().numpy()
    np.testing.assert_allclose(
        found, case.reference(values_of(batch, objective)), rtol=1e-6, atol=1e-9
    )


@each
def test_gradients_are_those_of_finite_differences(case):
    batch = make_batch(case, n_rows=6)
    objective = ready(case, batch)
    names = list(batch.layers)
    leaves = [batch.logits, *(batch.layers[name] for name in names)]

    def of(logits, *layers):
        given = replace(
            batch,
            logits=logits,
            layers=dict(zip(names, layers, strict=True)),
            student=student_of(logits),
        )
        return term(objective, given)

    is_target = [name in case.targets for name in ("logits", *names)]
    given = [leaf.clone().requires_grad_() for leaf in leaves]
    found = torch.autograd.grad(of(*given), given, allow_unused=True)
    assert all(one is None for one, fixed in zip(found, is_target, strict=True) if fixed)
    given = [one.requires_grad_(not fixed) for one, fixed in zip(given, is_target, strict=True)]
    assert torch.autograd.gradcheck(of, given, atol=1e-5, rtol=1e-3)


@each
def test_weight_of_two_is_the_row_twice(case):
    batch = make_batch(case, n_rows=9)
    rows = np.arange(9)
    objective = ready(case, batch)
    heavy = np.where(rows == 4, 2.0, 1.0)
    weighted = term(objective, take(batch, rows, heavy / heavy.mean()))
    twice = term(objective, take(batch, np.append(rows, 4), np.ones(10)))
    plain = term(objective, take(batch, rows, np.ones(9)))
    torch.testing.assert_close(weighted, twice)
    assert abs(float(weighted - plain)) > 1e-9


@each
def test_row_that_weighs_nothing_is_not_there(case):
    batch = make_batch(case, n_rows=9)
    rows = np.arange(9)
    objective = ready(case, batch)
    light = np.where(rows == 4, 0.0, 1.0)
    weighted = term(objective, take(batch, rows, light / light.mean()))
    without = term(objective, take(batch, rows[rows != 4], np.ones(8)))
    torch.testing.assert_close(weighted, without)


# --- fits ---


def make_data(n_classes):
    if n_classes is None:
        X, y = make_regression(160, 5, noise=10.0, random_state=0)
        return X, y
    return make_classification(
        max(160, 8 * n_classes),
        5,
        n_informative=5,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=1,
        random_state=0,
    )


def model(case, n_classes, objectives="its own", **params):
    kind = DistilledRegressor if n_classes is None else DistilledClassifier
    objectives = clone(case.objective) if objectives == "its own" else objectives
    defaults = {
        "student": SMALL if case.student is None else case.student,
        "objectives": objectives,
        "transfer": None,
        "alpha": 0.3,
        "early_stopping": False,
        "random_state": 0,
    }
    return kind(case.teacher(n_classes is None), **(defaults | params))


def fitted(case, n_classes, *args, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model(case, n_classes, *args, **params).fit(*make_data(n_classes))


def answers(estimator, X):
    ask = getattr(estimator, "predict_proba", estimator.predict)
    return ask(X)


@each
@pytest.mark.parametrize("n_classes", [2, 3, 26, None])
def test_fit_is_changed_by_the_term_and_weight_0_is_plain_to_the_bit(case, n_classes):
    X, _ = make_data(n_classes)
    if (n_classes == 2 and not case.takes_two) or (n_classes is None and not case.takes_numbers):
        with pytest.raises(ValueError, match=type(case.objective).__name__):
            fitted(case, n_classes)
        return
    pulled = answers(fitted(case, n_classes, clone(case.objective).set_params(weight="auto")), X)
    plain = answers(fitted(case, n_classes, None), X)
    zero = answers(fitted(case, n_classes, clone(case.objective).set_params(weight=0.0)), X)
    assert np.isfinite(pulled).all()
    assert np.abs(pulled - plain).max() > 1e-6
    np.testing.assert_array_equal(zero, plain)


@each
def test_search_reaches_the_parameters_and_files_hold_the_student(case, tmp_path):
    X, y = make_data(3)
    clf = model(case, 3, [("term", clone(case.objective))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(clf, {"objectives__term__weight": [0.0, 0.1]}, cv=2).fit(X, y)
    best = search.best_estimator_
    expected = best.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(best)).predict_proba(X), expected)
    path = tmp_path / "student.onnx"
    to_onnx(best, path)
    np.testing.assert_allclose(Scorer(path).predict_proba(X), expected, atol=1e-5)
    assert "module_" not in vars(best.objectives[0][1])  # what trained beside the student is gone


@each
def test_skops_file_holds_the_student(case):
    clf, (X, _) = fitted(case, 3), make_data(3)
    stored = skops.io.dumps(clf)
    of_teacher = [
        one for one in skops.io.get_untrusted_types(data=stored) if not one.startswith("skdistill.")
    ]
    again = skops.io.loads(stored, trusted=[*TRUSTED_TYPES, *of_teacher])
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


@each
def test_memory_keeps_the_view_and_changes_nothing(case, tmp_path):
    X, _ = make_data(3)
    clf = fitted(case, 3, memory=str(tmp_path))
    again = fitted(case, 3, memory=str(tmp_path))
    plain = fitted(case, 3)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(again.predict_proba(X), plain.predict_proba(X))
