"""Muon: what its step does to matrices and to other parameters."""

import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from skdistill.student._muon import Muon, orthogonalized


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (25, 25), (40, 1), (1, 1)])
def test_all_directions_become_about_as_long(shape):
    matrix = torch.from_numpy(np.random.RandomState(0).normal(size=shape).astype(np.float32))
    values = torch.linalg.svdvals(orthogonalized(matrix))
    before = torch.linalg.svdvals(matrix)
    large = values[before > 0.01 * before.norm()]
    assert len(large) > 0.9 * len(values)
    assert 0.18 < large.min() <= large.max() < 1.87


def test_the_directions_stay():
    matrix = torch.from_numpy(np.random.RandomState(1).normal(size=(12, 7)).astype(np.float32))
    U, _, Vt = torch.linalg.svd(matrix, full_matrices=False)
    turned = U.t() @ orthogonalized(matrix) @ Vt.t()
    assert_allclose(turned - torch.diag(turned.diag()), np.zeros((7, 7)), atol=1e-4)


def test_the_length_of_the_gradient_does_not_matter():
    matrix = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    assert_allclose(orthogonalized(1e-3 * matrix), orthogonalized(1e3 * matrix), atol=1e-3)


def test_no_gradient_is_no_step():
    assert not orthogonalized(torch.zeros(4, 3)).any()


def test_a_step_is_that_of_the_formula():
    generator = torch.Generator().manual_seed(0)
    start, *gradients = torch.randn(4, 8, 5, generator=generator)
    matrix = torch.nn.Parameter(start.clone())
    optimizer = Muon([matrix], lr=0.1, weight_decay=0.3, momentum=0.9, orthogonal=True)
    expected, momentum = start, torch.zeros(8, 5)
    for gradient in gradients:
        matrix.grad = gradient
        optimizer.step()
        momentum = 0.9 * momentum + gradient
        update = orthogonalized(gradient + 0.9 * momentum)
        expected = expected * (1 - 0.1 * 0.3) - 0.1 * 0.2 * 8**0.5 * update
    assert_allclose(matrix.detach(), expected, rtol=1e-5, atol=1e-6)


def test_other_parameters_take_the_steps_of_adamw():
    generator = torch.Generator().manual_seed(0)
    starts = torch.randn(2, 6, generator=generator)
    mine, theirs = ([torch.nn.Parameter(one.clone()) for one in starts] for _ in range(2))
    options = {"lr": 0.01, "weight_decay": 0.2, "betas": (0.8, 0.95), "eps": 1e-6}
    pair = Muon(mine, **options), torch.optim.AdamW(theirs, **options)
    for _ in range(5):
        for place in range(2):
            mine[place].grad = theirs[place].grad = torch.randn(6, generator=generator)
        for optimizer in pair:
            optimizer.step()
    for one, other in zip(mine, theirs, strict=True):
        assert_allclose(one.detach(), other.detach(), rtol=1e-6)


def test_groups_keep_their_own_rates():
    matrix, bias = torch.nn.Parameter(torch.ones(3, 3)), torch.nn.Parameter(torch.ones(3))
    groups = [{"params": [matrix], "orthogonal": True, "lr": 0.0}, {"params": [bias]}]
    optimizer = Muon(groups, lr=0.1)
    matrix.grad, bias.grad = torch.randn(3, 3), torch.ones(3)
    optimizer.step()
    assert_allclose(matrix.detach(), np.ones((3, 3)))
    assert (bias < 1).all()


def test_a_closure_is_called():
    bias = torch.nn.Parameter(torch.ones(3))
    optimizer = Muon([bias], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (bias**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) == 3
    assert (bias < 1).all()


def test_its_state_goes_on_in_another():
    def steps(matrix, bias, optimizer, n, generator):
        for _ in range(n):
            matrix.grad = torch.randn(4, 4, generator=generator)
            bias.grad = torch.randn(4, generator=generator)
            optimizer.step()

    def parts(values):
        made = [torch.nn.Parameter(one.clone()) for one in values]
        return *made, Muon([{"params": made[:1], "orthogonal": True}, {"params": made[1:]}])

    matrix, bias, optimizer = parts([torch.ones(4, 4), torch.ones(4)])
    generator = torch.Generator().manual_seed(0)
    steps(matrix, bias, optimizer, 3, generator)
    *copies, other = parts([matrix.detach(), bias.detach()])
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    state = generator.get_state()
    steps(matrix, bias, optimizer, 3, generator)
    generator.set_state(state)
    steps(*copies, other, 3, generator)
    assert torch.equal(copies[0], matrix)
    assert torch.equal(copies[1], bias)
