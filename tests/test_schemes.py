"""What holds for every scheme: a new response, objective or sampler gets its line here."""

import numpy as np
import pandas as pd
import pytest
import torch
from objective_cases import CASES
from response_cases import ROWS
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge

from skdistill import (
    AcrossSplits,
    BalancedHinton,
    Disagreement,
    DistilledClassifier,
    DistilledRegressor,
    FromNet,
    FromSchema,
    FromTrees,
    Gibbs,
    GivenRows,
    Hinton,
    Huber,
    Marginals,
    Mixup,
    MLPStudent,
    Munge,
    Near,
    Objective,
    Response,
    Rounds,
    SquaredError,
    TransferContext,
    TransferSampler,
)
from skdistill import objectives as objectives_module
from skdistill import transfer as transfer_module
from skdistill.transfer import DataFreeSampler

RESPONSES = [Hinton(), BalancedHinton(), BalancedHinton(balance=0.5)]
RESPONSES_OF_NUMBERS = [SquaredError(), Huber(), Huber(delta=0.1)]
OBJECTIVES = [case.objective for case in CASES]
ALL_RESPONSES = [*RESPONSES, *RESPONSES_OF_NUMBERS, *(row.response for row in ROWS)]
SAMPLERS = [
    GivenRows(),
    Munge(),
    Munge(p=0.2, s=4.0),
    Gibbs(),
    Gibbs(n_steps=5, p=0.1, n_neighbors=1),
    Mixup(),
    Mixup(alpha=0.2),
    Marginals(),
    Near(Munge()),
    Near(Gibbs(), quantile=0.9),
    Rounds(Munge()),
    Rounds(Near(Gibbs()), n_rounds=2, replace=False),
    Disagreement(Munge()),
    FromSchema(),
]
# These draw nothing without a teacher.
SAMPLERS_OF_TEACHERS = [AcrossSplits(), FromTrees(), FromNet()]
SCHEMES = [*ALL_RESPONSES, *OBJECTIVES, *SAMPLERS, *SAMPLERS_OF_TEACHERS]
BASES = (Response, Objective, TransferSampler, DataFreeSampler)


def soft(n_rows=7, n_classes=3, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(n_classes), n_rows)


def logits(n_rows=7, n_classes=3):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n_rows, n_classes, generator=generator, dtype=torch.float64)


def test_every_scheme_has_its_line():
    schemes = {
        value
        for module in (objectives_module, transfer_module)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BASES) and value not in BASES
    }
    assert schemes == {type(one) for one in SCHEMES}


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_scheme_is_a_plain_estimator(scheme):
    copy = clone(scheme)
    assert copy is not scheme
    # Compared as text: a sampler inside another is cloned too.
    assert str(copy.get_params()) == str(scheme.get_params())
    assert repr(copy) == repr(scheme)
    copy.check_parameters()
    assert "References" in type(scheme).__doc__ or type(scheme) is GivenRows


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_response(response, temperature):
    target = torch.from_numpy(response.prepare(soft(), temperature))
    z = logits()
    rows = response.loss(z, target, temperature)
    assert rows.shape == (7,)
    np.testing.assert_allclose(response.loss(z + 5.0, target, temperature), rows)  # of logits
    alone = [response.loss(z[[i]], target[[i]], temperature).item() for i in range(7)]
    np.testing.assert_allclose(rows, alone)  # a row's value is its own
    z.requires_grad_()
    assert torch.autograd.gradcheck(lambda one: response.loss(one, target, temperature), z)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_response_is_least_where_the_student_agrees(response, temperature):
    p = soft()
    target = torch.from_numpy(response.prepare(p, temperature))
    agreeing = torch.from_numpy(np.log(p)).requires_grad_()
    response.loss(agreeing, target, temperature).sum().backward()
    np.testing.assert_allclose(agreeing.grad, 0, atol=1e-12)


@pytest.mark.parametrize("response", RESPONSES_OF_NUMBERS, ids=str)
def test_response_of_numbers(response):
    target, outputs = torch.from_numpy(soft()), logits()
    rows = response.loss(outputs, torch.from_numpy(response.prepare(soft(), 1.0)), 1.0)
    alone = [response.loss(outputs[[i]], target[[i]], 1.0).item() for i in range(7)]
    np.testing.assert_allclose(rows, alone)  # a row's value is its own
    value, gradient = response.loss_and_gradient(outputs, target, 1.0)
    outputs.requires_grad_()
    (expected,) = torch.autograd.grad(response.loss(outputs, target, 1.0).sum(), outputs)
    np.testing.assert_allclose(gradient, expected)
    np.testing.assert_allclose(value, rows)
    assert torch.autograd.gradcheck(lambda one: response.loss(one, target, 1.0), outputs)
    assert not response.loss(target, target, 1.0).any()


@pytest.mark.parametrize("response", RESPONSES_OF_NUMBERS, ids=str)
def test_response_of_numbers_teaches(response):
    X, y = make_regression(400, 6, noise=1.0, random_state=0)
    reg = DistilledRegressor(
        Ridge(), MLPStudent((16,)), response=response, alpha=0.0, random_state=0
    ).fit(X, y)
    assert np.corrcoef(reg.predict(X), reg.teacher_.predict(X))[0, 1] > 0.99


@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_response_teaches(response):
    X, y = make_classification(400, 6, n_informative=5, n_redundant=0, random_state=0)
    clf = DistilledClassifier(
        LogisticRegression(), MLPStudent((16,)), response=response, alpha=0.0, random_state=0
    ).fit(X, y)
    assert (clf.predict(X) == clf.teacher_.predict(X)).mean() > 0.9


def tables():
    frame = pd.DataFrame({"a": np.arange(30), "b": np.linspace(0, 1, 30), "c": list("xyz") * 10})
    return [frame, frame[["a", "b"]].to_numpy()]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("X", tables(), ids=["frame", "array"])
def test_sampler(sampler, X):
    n_rows = 0 if isinstance(sampler, GivenRows) else 50
    before, state = X.copy(), np.random.get_state()[1].copy()
    drawn = sampler.sample(X, n_rows, random_state=3)
    assert type(drawn) is type(X)
    assert drawn.shape == (n_rows, X.shape[1])
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
        assert set(drawn["c"]) <= set("xyz")
    np.testing.assert_array_equal(drawn, sampler.sample(X, n_rows, random_state=3))
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_sampler_takes_a_context(sampler):
    n_rows, X = 0 if isinstance(sampler, GivenRows) else 50, tables()[0]
    drawn = sampler.sample(X, n_rows, random_state=3, context=TransferContext(round=2))
    pd.testing.assert_frame_equal(drawn, sampler.sample(X, n_rows, random_state=3))
