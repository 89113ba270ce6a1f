"""Which file of a ladder is kept, given its losses and its costs."""

import numpy as np
import pandas as pd
import pytest

from skdistill._fit.judge import MeanGap
from skdistill._ladder.choice import Budget, add_gaps, in_order
from skdistill.inspection._pareto_display import pareto_front


def table(**columns):
    n_files = len(columns["bytes"])
    usual = {"size": [(i,) for i in range(n_files)], "quantize": [None] * n_files, "round": 1}
    usual |= {"us_one_row": [9.0] * n_files, "us_one_row_q75": [10.0] * n_files}
    return pd.DataFrame(usual | {"us_per_row": [1.0] * n_files} | columns)


def judged(losses, budget, n_rows=50, **columns):
    """The places kept, of files whose rows lose so much, give or take the same noise."""
    noise = np.random.default_rng(0).normal(size=(len(losses), n_rows))
    noise -= noise.mean(axis=1, keepdims=True)
    rows = [loss + 0.1 * one for loss, one in zip(losses, noise, strict=True)]
    made = table(loss=losses, **columns)
    best = add_gaps(made, rows, np.ones(n_rows), None, budget)
    return best, in_order(made)


def test_without_a_budget_the_smallest_within_a_standard_error_is_kept():
    # The standard error of a difference is about 0.1 * sqrt(2 / 50) = 0.02.
    best, kept = judged([0.5, 0.31, 0.3], Budget(), bytes=[1, 2, 3])
    assert best == 2
    assert kept == [1, 2]


def test_a_file_that_loses_less_than_a_hard_row_is_not_clearly_worse():
    """As that of a student in int8, which answers almost as in float32."""
    losses = np.random.default_rng(0).exponential(size=100)
    both = [losses + 0.04, losses]
    made = table(loss=[one.mean() for one in both], bytes=[1, 4])
    add_gaps(made, both, np.ones(100), None, Budget(), hard_row=0.0)
    assert in_order(made) == [1]
    add_gaps(made, both, np.ones(100), None, Budget(), hard_row=5.0)
    assert in_order(made) == [0, 1]
    add_gaps(made, both, np.ones(100), None, Budget(), hard_row=3.9)
    assert in_order(made) == [1]


def test_a_budget_of_bytes_or_time_leaves_the_best_that_fits_as_the_reference():
    best, kept = judged([0.5, 0.41, 0.4, 0.1], Budget(max_bytes=3), bytes=[1, 2, 3, 4])
    assert (best, kept) == (2, [1, 2])
    us = {"us_one_row_q75": [5.0, 6.0, 7.0, 8.0]}
    best, kept = judged([0.5, 0.3, 0.2, 0.1], Budget(6), bytes=[1, 2, 3, 4], **us)
    assert (best, kept) == (1, [1])


def test_a_budget_of_loss_keeps_the_smallest_that_meets_it():
    _, kept = judged([0.5, 0.4, 0.3], Budget(max_loss=0.45), bytes=[1, 2, 3])
    assert kept == [1, 2]


def test_of_files_as_large_the_faster_is_kept():
    us = {"us_one_row": [9.0, 8.0, 7.0]}
    _, kept = judged([0.3, 0.3, 0.3], Budget(max_loss=1), bytes=[2, 2, 3], **us)
    assert kept == [1, 0, 2]


def test_gaps_are_paired_weighted_and_by_group():
    rng = np.random.default_rng(0)
    hard = rng.exponential(size=200)  # of both models
    gap = MeanGap.of(hard + 0.1 - hard, np.ones(200), None)
    assert gap.mean == pytest.approx(0.1)
    assert gap.standard_error == pytest.approx(0, abs=1e-12)
    a, b = rng.normal(size=(2, 200))
    gap = MeanGap.of(a - b, np.ones(200), None)
    assert gap.mean == pytest.approx(np.mean(a - b))
    assert gap.standard_error == pytest.approx(np.std(a - b, ddof=1) / np.sqrt(200))
    by_group = MeanGap.of(np.repeat(a - b, 5), np.ones(1000), np.repeat(np.arange(200), 5))
    assert by_group.standard_error == pytest.approx(gap.standard_error)
    assert np.isnan(MeanGap.of(a[:1], np.ones(1), None).standard_error)


def test_front_of_points_that_tie():
    cost, loss = np.array([1.0, 1.0, 2.0, 3.0, 4.0]), np.array([5.0, 4.0, 4.0, 2.0, 3.0])
    assert pareto_front(cost, loss).tolist() == [1, 3]
