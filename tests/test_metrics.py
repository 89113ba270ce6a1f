"""skdistill.metrics, on cases worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from skdistill.metrics import (
    agreement,
    expected_calibration_error,
    kl_divergence,
    largest_probability_gap,
    retained_gain,
)
from skdistill.metrics._probabilities import confidence_bins

# Confidence 0.9 (right), 0.8 (wrong), 0.6 (right), 0.6 (wrong).
Y = [0, 0, 1, 1]
P = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.6, 0.4]]


def test_calibration_error_by_hand():
    # Ten bins: (0.8, 0.9] holds 1 right at 0.9, (0.7, 0.8] 1 wrong at 0.8, (0.5, 0.6] half at 0.6.
    expected = (0.1 + 0.8 + 2 * 0.1) / 4
    assert expected_calibration_error(Y, P, n_bins=10) == pytest.approx(expected)


def test_calibration_error_of_one_bin_is_accuracy_less_confidence():
    assert expected_calibration_error(Y, P, n_bins=1) == pytest.approx(abs(0.5 - 0.725))


def test_calibration_error_takes_one_column_weights_and_any_labels():
    second = [row[1] for row in P]
    assert expected_calibration_error(Y, second) == expected_calibration_error(Y, P)
    repeated = expected_calibration_error([*Y, Y[1]], [*P, P[1]])
    weighted = expected_calibration_error(Y, P, sample_weight=[1, 2, 1, 1])
    assert weighted == pytest.approx(repeated)
    words = np.array(["no", "yes"])
    assert expected_calibration_error(words[Y], P) == expected_calibration_error(Y, P)
    only_no = expected_calibration_error(["no"], [[0.7, 0.3]], labels=words)
    assert only_no == pytest.approx(0.3)


def test_calibrated_probabilities_have_little_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(size=50_000)
    y = rng.uniform(size=50_000) < p
    assert expected_calibration_error(y, p) < 0.01
    assert expected_calibration_error(y, np.where(p > 0.5, 1.0, 0.0)) > 0.2


def test_bins_are_open_on_the_left():
    confidence = np.array([0.0, 0.25, 0.250001, 0.5, 1.0])
    assert confidence_bins(confidence, 4).tolist() == [0, 0, 1, 1, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_bins": 0}, "`n_bins` must be an integer >= 1, got 0"),
        ({"n_bins": True}, "`n_bins`"),
        ({"labels": [0, 1, 2]}, "`y_prob` has 2 columns, but there are 3 classes"),
        ({"labels": [1, 2]}, r"`y_true` has labels \[0\]"),
    ],
)
def test_calibration_error_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(Y, P, **arguments)


@pytest.mark.parametrize("bad", [[[2.0, -1.0]], [[np.nan, 1.0]], [["a", "b"]], [[[0.5]]]])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(ValueError, match="`teacher_prob` must"):
        agreement(bad, [[0.5, 0.5]])


def test_shapes_must_match():
    with pytest.raises(ValueError, match=r"one shape, got \(4, 2\) and \(1, 2\)"):
        kl_divergence(P, [[0.5, 0.5]])


def test_agreement():
    q = [[0.6, 0.4], [0.1, 0.9], [0.7, 0.3], [0.6, 0.4]]
    assert agreement(P, q) == 0.75
    assert agreement(P, q, sample_weight=[1, 1, 2, 1]) == pytest.approx(0.6)
    hard = np.argmax(P, axis=1), np.argmax(q, axis=1)
    assert agreement(P, q) == accuracy_score(*hard)


def test_kl_divergence():
    assert kl_divergence(P, P) == 0
    expected = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]) == pytest.approx(expected)
    assert kl_divergence([0.5], [0.75]) == pytest.approx(expected)
    assert kl_divergence([[1.0, 0.0]], [[0.5, 0.5]]) == pytest.approx(np.log(2))
    assert np.isfinite(kl_divergence([[0.5, 0.5]], [[1.0, 0.0]]))
    both = [[0.5, 0.5], [1.0, 0.0]], [[0.25, 0.75], [0.5, 0.5]]
    weighted = kl_divergence(*both, sample_weight=[3, 1])
    assert weighted == pytest.approx((3 * expected + np.log(2)) / 4)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 1, 1, -1], "Negative values in data passed to `sample_weight`"),
        ([0, 0, 0, 0], "every weight is zero"),
        ([1, 1, 1, np.nan], "`sample_weight`: .*NaN"),
        ([1, 1, 1], r"expected \(4,\)"),
    ],
    ids=["negative", "zero", "NaN", "length"],
)
@pytest.mark.parametrize(
    ("score", "given"),
    [(agreement, (P, P)), (kl_divergence, (P, P)), (expected_calibration_error, (Y, P))],
)
def test_weights_that_are_not_valid(score, given, weight, message):
    with pytest.raises(ValueError, match=message):
        score(*given, sample_weight=weight)


def test_largest_probability_gap():
    assert largest_probability_gap(P, np.full((4, 2), 0.5)) == pytest.approx(0.4)


def test_retained_gain():
    assert retained_gain(0.94, 0.90, 0.95) == pytest.approx(0.8)
    assert retained_gain(0.3, 0.4, 0.2) == pytest.approx(0.5)  # log loss: lower is better
    assert np.isnan(retained_gain(0.94, 0.95, 0.95))
    draws = retained_gain(np.array([1.0, 2.0]), np.zeros(2), np.array([2.0, 0.0]))
    np.testing.assert_array_equal(draws, [0.5, np.nan])
