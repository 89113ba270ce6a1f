"""Soft targets: temperature, floor, pooling and calibration against hand computations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import log_loss

from skdistill.targets import (
    fit_pool_weights,
    fit_temperature,
    floor_probabilities,
    log_losses,
    mean_true_probability,
    pool_probabilities,
    scale_temperature,
)

P = np.array([[0.6, 0.4, 0.0], [0.1, 0.2, 0.7]])
Q = np.array([[0.2, 0.3, 0.5], [0.25, 0.5, 0.25]])


def random_logits(n_rows=400, n_classes=4, scale=3.0, seed=0):
    return np.random.default_rng(seed).normal(scale=scale, size=(n_rows, n_classes))


@settings(max_examples=30, deadline=None)
@given(temperature=st.floats(0.2, 50), n_classes=st.integers(2, 6), seed=st.integers(0, 99))
def test_scaling_probabilities_is_scaling_logits(temperature, n_classes, seed):
    logits = random_logits(20, n_classes, seed=seed)
    scaled = scale_temperature(softmax(logits, axis=1), temperature)
    np.testing.assert_allclose(scaled, softmax(logits / temperature, axis=1), rtol=1e-9)


def test_scaling_by_hand():
    np.testing.assert_allclose(
        scale_temperature(np.array([[0.64, 0.36]]), 2), [[0.8 / 1.4, 0.6 / 1.4]]
    )
    np.testing.assert_allclose(
        scale_temperature(np.array([[0.8, 0.2]]), 0.5), [[0.64 / 0.68, 0.04 / 0.68]]
    )


def test_temperature_one_changes_nothing_and_zero_stays_zero():
    np.testing.assert_array_equal(scale_temperature(P, 1.0), P)
    scaled = scale_temperature(P, 3.0)
    assert scaled[0, 2] == 0
    np.testing.assert_allclose(scaled.sum(axis=1), 1)


def test_scaling_leaves_its_input_alone():
    before = P.copy()
    scale_temperature(P, 3.0)
    floor_probabilities(P, 0.05)
    pool_probabilities([P, Q], np.ones((2, 3)))
    np.testing.assert_array_equal(P, before)


def test_floor_by_hand():
    expected = np.array([[0.6, 0.4, 0.05], [0.1, 0.2, 0.7]]) / [[1.05], [1.0]]
    np.testing.assert_allclose(floor_probabilities(P, 0.05), expected)
    np.testing.assert_array_equal(floor_probabilities(P, 0.0), P)


@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (0, 2)])
def test_arithmetic_pool(weights):
    a, b = np.array(weights) / sum(weights)
    pooled = pool_probabilities([P, Q], np.outer(weights, np.ones(3)))
    np.testing.assert_allclose(pooled, a * P + b * Q)


@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (0, 2)])
def test_geometric_pool(weights):
    a, b = np.array(weights) / sum(weights)
    first = floor_probabilities(P, 0.01)
    product = first**a * Q**b
    pooled = pool_probabilities([first, Q], np.outer(weights, np.ones(3)), "geometric")
    np.testing.assert_allclose(pooled, product / product.sum(axis=1, keepdims=True))


def test_geometric_pool_is_the_mean_of_the_logits():
    first, second = random_logits(seed=1), random_logits(seed=2)
    members = [softmax(first, axis=1), softmax(second, axis=1)]
    pooled = pool_probabilities(members, np.outer([1, 3], np.ones(4)), "geometric")
    np.testing.assert_allclose(pooled, softmax(first / 4 + 3 * second / 4, axis=1))


@pytest.mark.parametrize("ignored", [0.0, 0.9])
def test_a_class_is_pooled_over_those_who_know_it(ignored):
    members = [np.array([[0.6, 0.4, ignored]]), np.array([[0.2, 0.3, 0.5]])]
    weights = np.array([[1.0, 1.0, 0.0], [3.0, 3.0, 3.0]])
    arithmetic = np.array([[0.15 + 0.15, 0.1 + 0.225, 0.5]])
    geometric = np.array([[0.6**0.25 * 0.2**0.75, 0.4**0.25 * 0.3**0.75, 0.5]])
    np.testing.assert_allclose(pool_probabilities(members, weights), arithmetic / arithmetic.sum())
    np.testing.assert_allclose(
        pool_probabilities(members, weights, "geometric"), geometric / geometric.sum()
    )


@pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
def test_a_class_that_nobody_knows_gets_nothing(pooling):
    pooled = pool_probabilities([np.array([[0.3, 0.3, 0.0]])], np.array([[1.0, 1.0, 0.0]]), pooling)
    np.testing.assert_allclose(pooled, [[0.5, 0.5, 0.0]])


# --- weights of a pool ---

POOLINGS = pytest.mark.parametrize("pooling", ["arithmetic", "geometric"])
ALL = np.ones((2, 3), dtype=bool)


def judged(n_rows=400, noises=(0.5, 4.0), seed=0):
    """Labels, and teachers whose logits are the true ones with more or less noise."""
    rng = np.random.default_rng(seed)
    true = 2 * rng.normal(size=(n_rows, 3))
    labels = (true + rng.gumbel(size=true.shape)).argmax(axis=1)
    return [softmax(true + s * rng.normal(size=true.shape), axis=1) for s in noises], labels


def pool_loss(weights, members, labels, pooling, known=ALL, sample_weight=None):
    by_class = np.asarray(weights)[:, None] * known
    p = pool_probabilities(members, by_class, pooling)[np.arange(len(labels)), labels]
    return -np.average(np.log(p), weights=sample_weight)


@POOLINGS
def test_a_random_teacher_is_outweighed(pooling):
    (good, _), labels = judged()
    random = softmax(random_logits(400, 3, seed=9), axis=1)
    found = fit_pool_weights([good, random], ALL, labels, pooling)
    assert found.sum() == pytest.approx(1)
    assert found[1] < 0.05
    first = pool_loss(found, [good, random], labels, pooling)
    assert first < pool_loss([0.5, 0.5], [good, random], labels, pooling) - 0.02
    swapped = fit_pool_weights([random, good], ALL, labels, pooling)
    np.testing.assert_allclose(swapped, found[::-1], atol=1e-4)


def test_weights_are_those_of_the_em_algorithm():
    """Each teacher's share of the rows, and one row more, makes its next weight."""
    members, labels = judged(150, (0.5, 1.0, 2.0))
    p = np.stack([member[np.arange(150), labels] for member in members])
    expected = np.full(3, 1 / 3)
    for _ in range(2000):
        shares = expected[:, None] * p
        expected = 1.0 + (shares / shares.sum(axis=0)).sum(axis=1)
        expected /= expected.sum()
    found = fit_pool_weights(members, np.ones((3, 3), dtype=bool), labels)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.ptp(found) > 0.1


@POOLINGS
@pytest.mark.parametrize("known", [ALL, np.array([[1, 1, 1], [1, 1, 0]], dtype=bool)])
def test_weights_are_the_best_of_a_grid(pooling, known):
    members, labels = judged(5000, (1.5, 2.0))
    members[1] = members[1] * known[1] / (members[1] * known[1]).sum(axis=1, keepdims=True)
    weight = np.random.default_rng(2).integers(0, 4, size=5000)
    args = members, labels, pooling, known, weight
    losses = [pool_loss([a, 1 - a], *args) for a in np.linspace(0.02, 0.98, 49)]
    found = fit_pool_weights(members, known, labels, pooling, weight)
    assert pool_loss(found, *args) < min(losses) + 1e-5
    assert 0 < int(np.argmin(losses)) < 48


@POOLINGS
def test_equal_teachers_weigh_alike_and_few_rows_change_little(pooling):
    (good, bad), labels = judged()
    np.testing.assert_allclose(fit_pool_weights([good, good], ALL, labels, pooling), 0.5, atol=1e-3)
    found = fit_pool_weights([good[:3], bad[:3]], ALL, labels[:3], pooling)
    np.testing.assert_allclose(found, 0.5, atol=0.2)
    wrong = np.array([[0.01, 0.5, 0.49]])
    found = fit_pool_weights([wrong, good[:1]], ALL, np.array([0]), pooling)
    assert 0.1 < found[0] < 0.5


@POOLINGS
def test_sample_weight_of_the_rows_that_weigh_teachers(pooling):
    members, labels = judged()
    first, second = members[0].copy(), members[1].copy()
    first[200:], second[200:] = members[1][200:], members[0][200:]  # each is good on one half
    halves = np.repeat([1.0, 0.01], 200)
    found = [
        fit_pool_weights([first, second], ALL, labels, pooling, w) for w in (halves, halves[::-1])
    ]
    assert found[0][0] > 0.9
    assert found[1][0] < 0.2
    scaled = fit_pool_weights([first, second], ALL, labels, pooling, 1e6 * halves)
    np.testing.assert_allclose(scaled, found[0], atol=1e-4)
    repeated = [np.repeat(one, 2, axis=0) for one in (first, second)]
    twice = fit_pool_weights(repeated, ALL, labels.repeat(2), pooling, halves.repeat(2))
    assert twice[1] < found[0][1]  # more rows, and the prior says less


@POOLINGS
def test_rows_of_a_class_that_nobody_knows_weigh_no_teacher(pooling):
    members, labels = judged()
    known = np.array([[1, 1, 1, 0], [1, 1, 1, 0]], dtype=bool)
    members = [np.column_stack([member, np.zeros(400)]) for member in members]
    expected = fit_pool_weights(members, known, labels, pooling)
    more = [np.concatenate([member, member[:50]]) for member in members]
    found = fit_pool_weights(more, known, np.append(labels, np.full(50, 3)), pooling)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    alone = fit_pool_weights(members, known, np.full(400, 3), pooling)
    np.testing.assert_allclose(alone, 0.5)


def test_mean_true_probability():
    assert mean_true_probability(P, np.array([0, 2])) == pytest.approx(0.65)
    assert mean_true_probability(P, np.array([0, 2]), np.array([3, 1])) == pytest.approx(0.625)


def test_log_losses_are_those_of_the_probabilities_and_finite():
    logits, labels = random_logits(), np.arange(400) % 4
    losses = log_losses(logits, labels)
    assert losses.mean() == pytest.approx(log_loss(labels, softmax(logits, axis=1)))
    assert losses[7] == pytest.approx(-np.log(softmax(logits[7])[3]))
    assert log_losses(np.array([[0.0, 2e3]]), np.array([0])) == [2e3]


@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 2.5])
def test_fit_temperature_recovers_the_one_that_made_the_labels(true_temperature):
    logits = random_logits(20_000)
    noise = np.random.default_rng(1).gumbel(size=logits.shape)
    labels = (logits / true_temperature + noise).argmax(axis=1)
    assert fit_temperature(logits, labels) == pytest.approx(true_temperature, rel=0.05)


def test_fit_temperature_is_the_best_of_a_grid():
    logits = random_logits(300)
    labels = (logits / 2 + np.random.default_rng(1).gumbel(size=logits.shape)).argmax(axis=1)
    weight = np.random.default_rng(2).integers(0, 4, size=300)

    def loss(temperature):
        return log_loss(labels, softmax(logits / temperature, axis=1), sample_weight=weight)

    best = loss(fit_temperature(logits, labels, weight))
    assert best <= min(loss(temperature) for temperature in np.geomspace(0.1, 10, 60)) + 1e-9


def test_fit_temperature_weight_two_is_two_rows():
    logits = random_logits(5000)  # the more rows, the less the prior on T says
    labels = (logits / 2 + np.random.default_rng(1).gumbel(size=logits.shape)).argmax(axis=1)
    weight = np.random.default_rng(2).integers(0, 4, size=5000)
    repeated = fit_temperature(logits.repeat(weight, axis=0), labels.repeat(weight))
    assert fit_temperature(logits, labels, weight) == pytest.approx(repeated, rel=2e-3)


def test_fit_temperature_is_bounded():
    logits = np.array([[0.1, 0.0], [0.0, 0.1]]).repeat(100_000, axis=0)
    right = np.array([0, 1]).repeat(100_000)
    assert fit_temperature(logits, right) == pytest.approx(0.05, rel=0.1)
    assert fit_temperature(logits, 1 - right) == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize("n_rows", [5, 50])
def test_a_few_rows_that_are_all_right_do_not_sharpen_without_end(n_rows):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n_rows, 3)) * 2
    right = logits.argmax(axis=1)
    assert 0.15 < fit_temperature(logits, right) < 1
    weight = rng.random(n_rows)
    scaled = fit_temperature(logits, right, 1e6 * weight)
    assert scaled == pytest.approx(fit_temperature(logits, right, weight))
