"""Transfer samplers, and what DistilledClassifier does with them."""

import dataclasses
import os
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from shared import automatic, number_table
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    DistilledClassifier,
    FromSchema,
    Gibbs,
    GivenRows,
    Marginals,
    Mixup,
    MLPStudent,
    Munge,
    Near,
    Rounds,
    TransferContext,
    TransferSampler,
)
from skdistill.table import read_table
from skdistill.transfer import draw_rows

N_ROWS = 40


def make_frame(index=None):
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(
        {
            "int": rng.randint(-5, 50, N_ROWS),
            "small": rng.randint(0, 200, N_ROWS).astype(np.uint8),
            "float": rng.normal(size=N_ROWS),
            "single": rng.normal(size=N_ROWS).astype(np.float32),
            "whole": rng.randint(0, 9, N_ROWS).astype(float),
            "str": rng.choice(["red", "green", "blue"], N_ROWS),
            "bool": rng.randint(0, 2, N_ROWS).astype(bool),
            "cat": pd.Categorical(rng.choice(["u", "v"], N_ROWS), categories=["w", "v", "u"]),
            "intcat": pd.Categorical(rng.choice([10, 2, 33], N_ROWS)),
            "Int": pd.array(rng.randint(0, 90, N_ROWS), dtype="Int64"),
            "Bool": pd.array(rng.randint(0, 2, N_ROWS).astype(bool), dtype="boolean"),
            "object": pd.Series(rng.choice(["a", "b"], N_ROWS), dtype=object),
        }
    )
    for column, rows in (("float", [0, 3]), ("str", [1]), ("cat", [2, 4]), ("object", [5])):
        frame.loc[rows, column] = None
    frame.loc[[6, 17, 28], "Int"] = pd.NA
    frame.loc[[7, 18, 29], "whole"] = np.nan
    frame.loc[[9, 10], "Bool"] = pd.NA
    if index is not None:
        frame.index = index
    return frame


def make_polars():
    frame = pl.from_pandas(make_frame().drop(columns=["intcat"]))
    enum = pl.Series("enum", ["lo", "hi", None, "lo"] * (N_ROWS // 4), dtype=pl.Enum(["lo", "hi"]))
    return frame.with_columns(enum, pl.Series("short", range(N_ROWS), dtype=pl.Int16))


def only_categories():
    return make_frame()[["str", "bool", "cat", "intcat", "Bool", "object"]]


def counts(values):
    return Counter("missing" if pd.isna(v) else v for v in values)


def squared_distances(frame, numbers, categories):
    """MUNGE's metric, pair by pair: a missing category is a category of its own."""
    total = np.zeros((len(frame), len(frame)))
    for name in numbers:
        x = frame[name].to_numpy(dtype=float)
        x = (x - x.min()) / (x.max() - x.min())
        total += (x[:, None] - x[None, :]) ** 2
    for name in categories:
        values = ["missing" if pd.isna(v) else v for v in frame[name]]
        total += [[a != b for b in values] for a in values]
    np.fill_diagonal(total, np.inf)
    return total


# --- container, dtypes, ranges ---


@pytest.mark.parametrize(
    "index", [None, np.arange(N_ROWS)[::-1] * 3, np.zeros(N_ROWS, dtype=int), list("ab" * 20)]
)
def test_pandas_in_pandas_out(index):
    X = make_frame(index)
    drawn = Munge().sample(X, 95, random_state=0)
    assert isinstance(drawn, pd.DataFrame)
    assert drawn.shape == (95, X.shape[1])
    assert list(drawn.columns) == list(X.columns)
    assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    assert drawn.index.equals(pd.RangeIndex(95))
    # The index is a label of the rows and must not change what is drawn.
    pd.testing.assert_frame_equal(drawn, Munge().sample(make_frame(), 95, random_state=0))


def test_pandas_column_labels_that_are_no_strings():
    X = pd.DataFrame(np.random.RandomState(0).normal(size=(9, 3)), columns=[5, 7, 1])
    assert list(Munge().sample(X, 4, random_state=0).columns) == [5, 7, 1]


def test_polars_in_polars_out():
    X = make_polars()
    drawn = Munge().sample(X, 95, random_state=0)
    assert isinstance(drawn, pl.DataFrame)
    assert drawn.shape == (95, X.shape[1])
    assert drawn.schema == X.schema


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, bool])
def test_array_in_array_out(dtype):
    X = np.random.RandomState(0).randint(0, 2 if dtype is bool else 200, (30, 3)).astype(dtype)
    drawn = Munge().sample(X, 70, random_state=0)
    assert type(drawn) is np.ndarray
    assert drawn.dtype == X.dtype
    assert drawn.shape == (70, 3)
    assert (drawn.min(axis=0) >= X.min(axis=0)).all()
    assert (drawn.max(axis=0) <= X.max(axis=0)).all()


def test_string_array_in_string_array_out():
    X = np.array([["a", "long"], ["b", "x"], ["a", "y"], ["c", "x"]])
    drawn = Munge().sample(X, 30, random_state=0)
    assert drawn.dtype == X.dtype
    assert set(drawn[:, 0]) <= {"a", "b", "c"}
    assert set(drawn[:, 1]) <= {"long", "x", "y"}


def test_list_of_lists():
    drawn = Munge().sample([[0, 5.5], [1, 6.0], [9, 9.0]], 7, random_state=0)
    assert drawn.shape == (7, 2)
    assert drawn.dtype == np.float64
    assert_array_equal(drawn[:, 0], np.rint(drawn[:, 0]))


def test_object_array_keeps_the_type_of_its_cells():
    X = np.array([[1, "a", True, 0.5], [20, "b", False, 1.5], [7, "a", True, 9.0]], dtype=object)
    drawn = Munge().sample(X, 30, random_state=0)
    assert drawn.dtype == object
    assert {type(v) for v in drawn[:, 1]} == {str}
    assert {type(v) for v in drawn[:, 2]} == {bool}
    assert {type(v) for v in drawn[:, 3]} == {float}
    assert all(isinstance(v, (int, np.integer)) for v in drawn[:, 0])


def test_values_stay_in_range_and_whole():
    X = make_frame()
    drawn = Munge(s=0.2).sample(X, 400, random_state=0)
    for name in ("int", "small", "float", "single", "whole", "Int"):
        old, new = X[name].dropna(), drawn[name].dropna()
        assert old.min() <= new.min()
        assert new.max() <= old.max()
    whole = drawn["whole"].dropna()
    assert_array_equal(whole, np.rint(whole))
    # New values appear, where values were real numbers.
    assert not set(drawn["float"].dropna()) <= set(X["float"].dropna())


def test_integers_above_the_precision_of_floats_are_kept():
    X = np.array([[2**53 + 1], [5], [7]])
    assert_array_equal(Munge(p=0).sample(X, 3, random_state=0), X)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_largest_integers_stay_in_range():
    largest = np.iinfo(np.int64).max
    X = pd.DataFrame({"id": [largest, largest - 5000, largest - 9000]})
    drawn = Munge().sample(X, 6, random_state=0)
    assert drawn["id"].min() >= largest - 9000


# --- the exchange ---


def test_a_pair_swaps_both_ways():
    X = only_categories()
    drawn = Munge(p=1).sample(X, len(X), random_state=0)
    for name in X:
        assert counts(drawn[name]) == counts(X[name])
    assert not drawn.equals(X.reset_index(drop=True))


@pytest.mark.parametrize("p", [0, 0.5, 1])
def test_missing_values_move_but_their_number_stays(p):
    X = make_frame()
    drawn = Munge(p=p).sample(X, 3 * len(X), random_state=0)
    assert drawn.isna().sum().to_dict() == (3 * X.isna().sum()).to_dict()
    moved = (drawn.isna().to_numpy() != np.tile(X.isna(), (3, 1))).any()
    assert moved == (p > 0)


def test_missing_values_in_arrays_and_polars():
    X = np.random.RandomState(0).normal(size=(30, 3))
    X[:4, 1] = np.nan
    assert_array_equal(np.isnan(Munge().sample(X, 60, random_state=0)).sum(axis=0), [0, 8, 0])
    drawn = Munge().sample(make_polars(), 2 * N_ROWS, random_state=0)
    assert drawn["Int"].null_count() == 6
    assert drawn["str"].null_count() == 2
    assert drawn["enum"].null_count() == N_ROWS // 2


def test_each_category_comes_from_its_own_column():
    rng = np.random.RandomState(0)
    X = pd.DataFrame({c: [f"{c}{i}" for i in rng.randint(0, 9, 50)] for c in "abcd"})
    drawn = Munge().sample(X, 500, random_state=0)
    for name in X:
        assert set(drawn[name]) == set(X[name])
    # Mixed within rows, not copied whole.
    assert not set(map(tuple, drawn.to_numpy())) <= set(map(tuple, X.to_numpy()))


def test_p_0_returns_the_rows_as_they_are():
    X = make_frame()
    drawn = Munge(p=0).sample(X, 2 * len(X), random_state=0)
    pd.testing.assert_frame_equal(drawn, pd.concat([X, X], ignore_index=True))


def test_a_remainder_is_drawn_without_repetition():
    X = np.arange(20.0)[:, None] + 0.5
    drawn = Munge(p=0).sample(X, 27, random_state=0).ravel()
    assert_array_equal(drawn[:20], X.ravel())
    assert len(set(drawn[20:])) == 7
    assert set(drawn[20:]) <= set(X.ravel())
    assert set(drawn[20:]) != set(X.ravel()[:7])


def test_many_passes_use_every_row_alike():
    X = np.arange(30.0)[:, None]
    times = Counter(Munge(p=0).sample(X, 1000, random_state=0).ravel())
    assert len(times) == 30
    assert set(times.values()) == {33, 34}


def test_passes_differ():
    X = np.random.RandomState(0).normal(size=(30, 2))
    drawn = Munge().sample(X, 60, random_state=0)
    assert not np.array_equal(drawn[:30], drawn[30:])


def test_larger_s_stays_closer_to_the_values_seen():
    X = np.random.RandomState(0).normal(size=(200, 1))

    def drift(s):
        drawn = Munge(s=s, p=1).sample(X, 600, random_state=0)
        return np.abs(drawn - X.T).min(axis=1).mean()

    drifts = [drift(s) for s in (0.5, 5, 50)]
    assert drifts[0] > 2 * drifts[1] > 4 * drifts[2]
    # No spread at all is a plain swap: the values are those seen, each as often.
    swapped = Munge(s=1e12, p=0.5).sample(X, 200, random_state=0)
    np.testing.assert_allclose(np.sort(swapped.ravel()), np.sort(X.ravel()), atol=1e-9)


def test_spread_of_the_numbers_is_that_of_the_paper():
    """Of two rows 0 and 1 whose exchange is drawn once: N(1, 1 / s) and N(0, 1 / s)."""
    s = 8.0
    sampler = Munge(p=1, s=s)
    numbers = np.tile([[0.0], [1.0]], (20_000, 1))
    rows = np.arange(0, 40_000, 2)
    sampler._exchange_numbers(numbers, rows, rows + 1, np.random.RandomState(0))
    for values, mean in ((numbers[::2], 1), (numbers[1::2], 0)):
        assert values.mean() == pytest.approx(mean, abs=4 / s / np.sqrt(20_000))
        assert values.std() == pytest.approx(1 / s, rel=0.03)
    assert abs(np.corrcoef(numbers[::2, 0], numbers[1::2, 0])[0, 1]) < 0.03


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_share_of_changed_attributes(p):
    """Each row is in at least the pair of its own: it changes with probability >= p."""
    X = np.random.RandomState(0).normal(size=(300, 4))
    changed = (Munge(p=p).sample(X, 300, random_state=0) != X).mean()
    table = read_table(X)
    neighbour = Munge()._nearest(table, np.random.RandomState(0))
    times = 1 + np.bincount(neighbour, minlength=300)
    assert changed == pytest.approx(np.mean(1 - (1 - p) ** times), abs=0.05)


def test_rows_stay_on_the_manifold():
    rng = np.random.RandomState(0)
    t = rng.uniform(-3, 3, size=300)
    X = np.column_stack([t, t + 0.05 * rng.normal(size=300)])
    drawn = Munge().sample(X, 900, random_state=0)
    shuffled = np.column_stack([rng.permutation(X[:, 0]), rng.permutation(X[:, 1])])

    def distance(rows):
        return np.abs(rows[:, 0] - rows[:, 1]).mean() / np.sqrt(2)

    assert distance(drawn) < 0.1 * distance(shuffled)
    assert np.corrcoef(drawn.T)[0, 1] > 0.99


# --- shapes at the edge ---


@pytest.mark.parametrize("n", [0, 1, 5, 13])
@pytest.mark.parametrize("rows", [1, 2, 3, N_ROWS])
@pytest.mark.parametrize("columns", [["float"], ["int"], ["str"], ["str", "cat"], None])
def test_few_rows_and_columns(n, rows, columns):
    X = make_frame().iloc[:rows]
    X = X if columns is None else X[columns]
    drawn = Munge().sample(X, n, random_state=0)
    assert drawn.shape == (n, X.shape[1])
    assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    if rows == 1 and n:
        pd.testing.assert_frame_equal(drawn, pd.concat([X] * n, ignore_index=True))


@pytest.mark.parametrize("make", [make_frame, make_polars, lambda: np.ones((3, 2), np.float32)])
def test_no_rows_keep_container_and_dtypes(make):
    X = make()
    drawn = Munge().sample(X, 0, random_state=0)
    assert type(drawn) is type(X)
    assert drawn.shape == (0, X.shape[1])
    if isinstance(X, pl.DataFrame):
        assert drawn.schema == X.schema
    elif isinstance(X, pd.DataFrame):
        assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    else:
        assert drawn.dtype == X.dtype


def test_a_column_without_any_value():
    X = pd.DataFrame({"a": [np.nan] * 9, "b": np.arange(9.0), "c": pd.array([None] * 9, "string")})
    drawn = Munge().sample(X, 20, random_state=0)
    assert drawn["a"].isna().all()
    assert drawn["c"].isna().all()
    assert drawn["b"].notna().all()


def test_constant_columns_stay_constant():
    X = np.column_stack([np.full(20, 3.25), np.arange(20.0)])
    assert set(Munge().sample(X, 50, random_state=0)[:, 0]) == {3.25}


# --- randomness ---


@pytest.mark.parametrize("make", [make_frame, lambda: np.arange(60.0).reshape(20, 3)])
def test_reproducible_without_the_global_generator(make):
    X, before = make(), make()
    np.random.seed(3)
    state = np.random.get_state()[1].copy()
    first = Munge().sample(X, 50, random_state=7)
    assert_array_equal(np.random.get_state()[1], state)
    second = Munge().sample(X, 50, random_state=np.random.RandomState(7))
    other = Munge().sample(X, 50, random_state=8)
    pd.testing.assert_frame_equal(pd.DataFrame(first), pd.DataFrame(second))
    assert not pd.DataFrame(first).equals(pd.DataFrame(other))
    pd.testing.assert_frame_equal(pd.DataFrame(X), pd.DataFrame(before))


# --- neighbours ---


def test_neighbours_are_the_nearest_by_brute_force():
    """With so many numbers that one category more or less does not decide alone."""
    rng = np.random.RandomState(0)
    X = make_frame()
    for i in range(10):
        X[f"n{i}"] = rng.uniform(size=N_ROWS) * 10**i
    categories = ["str", "bool", "cat"]
    numbers = ["int", *(f"n{i}" for i in range(10))]
    distances = squared_distances(X, numbers, categories)
    table = read_table(X[numbers + categories])
    neighbour = Munge()._nearest(table, np.random.RandomState(0))
    chosen = distances[np.arange(len(X)), neighbour]
    np.testing.assert_allclose(chosen, distances.min(axis=1), rtol=1e-5)


def long_tails():
    rng = np.random.RandomState(0)
    yield "lognormal", np.exp(3 * rng.normal(size=(800, 1)))
    yield "whole lognormal", np.rint(np.exp(3 * rng.normal(size=(800, 2))))
    yield "Cauchy", rng.standard_cauchy(size=(800, 3))
    yield "Cauchy, many columns", rng.standard_cauchy(size=(800, 12))
    yield "one of 1e9", np.r_[rng.gamma(2, 50, size=(799, 1)), [[1e9]]]
    yield "two clumps", np.r_[rng.normal(size=(400, 2)), 1e6 + rng.normal(size=(400, 2))]


@pytest.mark.parametrize("X", [pytest.param(X, id=name) for name, X in long_tails()])
def test_neighbours_are_the_nearest_in_long_tails(X):
    scaled = (X - np.median(X, axis=0)) / np.ptp(X, axis=0)
    distance = np.square(scaled[:, None] - scaled).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    neighbour = Munge()._nearest(read_table(X), np.random.RandomState(0))
    chosen = distance[np.arange(len(X)), neighbour]
    np.testing.assert_allclose(chosen, distance.min(axis=1), rtol=1e-5)


def test_a_row_is_not_its_own_neighbour_among_duplicates():
    table = read_table(np.ones((30, 2)))
    neighbour = Munge()._nearest(table, np.random.RandomState(0))
    assert (neighbour != np.arange(30)).all()


def test_rows_that_both_lack_a_number_are_near():
    X = np.array([[np.nan, 0.0], [np.nan, 0.3], [0.0, 0.1], [1.0, 0.0], [0.5, 1.0]])
    neighbour = Munge()._nearest(read_table(X), np.random.RandomState(0))
    assert neighbour[0] == 1
    assert neighbour[1] == 0


def test_a_missing_number_does_not_count_as_the_smallest():
    """It is as far from the largest value as from the smallest: the second column decides."""
    X = np.array([[np.nan, 0.0], [1.0, 0.0], [0.0, 0.5], [0.0, 1.0]])
    assert Munge()._nearest(read_table(X), np.random.RandomState(0))[0] == 1


@pytest.mark.parametrize("block_size", [2, 3, 7, 40])
@pytest.mark.parametrize("rows", [2, 3, 5, 8, 15, 40])
def test_blocks(rows, block_size):
    X = np.random.RandomState(0).normal(size=(rows, 3))
    sampler = Munge(block_size=block_size)
    assert sampler.sample(X, 2 * rows + 1, random_state=0).shape == (2 * rows + 1, 3)
    neighbour = sampler._nearest(read_table(X), np.random.RandomState(0))
    assert (neighbour != np.arange(rows)).all()


def test_blocks_hold_neighbours_near():
    """Blocks of half the rows are as good as chance allows: far nearer than a random row."""
    X = np.random.RandomState(0).normal(size=(400, 2))
    neighbour = Munge(block_size=200)._nearest(read_table(X), np.random.RandomState(0))
    near = np.linalg.norm(X - X[neighbour], axis=1).mean()
    at_random = np.linalg.norm(X - X[::-1], axis=1).mean()
    assert near < 0.2 * at_random


# --- what holds for every sampler that draws ---

DRAWING = [
    FromSchema(),
    Gibbs(),
    Gibbs(n_steps=4, p=0.05, n_neighbors=1, block_size=2),
    Gibbs(n_steps=2, p=0.5, n_neighbors=9, blur=2.0),
    Mixup(),
    Marginals(),
    Near(Munge(), quantile=1.0),
]


@pytest.mark.parametrize("sampler", DRAWING, ids=str)
@pytest.mark.parametrize("make", [make_frame, make_polars, only_categories])
def test_frames_keep_container_dtypes_and_values(sampler, make):
    X = make()
    drawn = sampler.sample(X, 95, random_state=0)
    assert type(drawn) is type(X)
    assert drawn.shape == (95, X.shape[1])
    if isinstance(X, pl.DataFrame):
        assert drawn.schema == X.schema
        X, drawn = X.to_pandas(), drawn.to_pandas()
    assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    assert drawn.index.equals(pd.RangeIndex(95))
    for name in X:
        old, new = X[name].dropna(), drawn[name].dropna()
        if name in ("int", "small", "float", "single", "whole", "Int", "short"):
            assert old.min() <= new.min()
            assert new.max() <= old.max()
        else:
            assert set(new) <= set(old)
        if not X[name].isna().any():
            assert not drawn[name].isna().any()
    if "whole" in drawn:
        assert_array_equal(drawn["whole"].dropna(), np.rint(drawn["whole"].dropna()))
    # New rows, not those that were there.
    old, new = ({str(row) for row in one.to_numpy()} for one in (X, drawn))
    assert len(new - old) > 20


@pytest.mark.parametrize("sampler", DRAWING, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_arrays_keep_their_dtype(sampler, dtype):
    X = np.random.RandomState(0).randint(0, 2 if dtype is bool else 200, (30, 3)).astype(dtype)
    drawn = sampler.sample(X, 70, random_state=0)
    assert type(drawn) is np.ndarray
    assert drawn.dtype == X.dtype
    assert (drawn.min(axis=0) >= X.min(axis=0)).all()
    assert (drawn.max(axis=0) <= X.max(axis=0)).all()


@pytest.mark.parametrize("sampler", DRAWING, ids=str)
@pytest.mark.parametrize("n", [0, 1, 7])
@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("columns", [["float"], ["str"], ["str", "cat"], None])
def test_few_rows_for_every_sampler(sampler, n, rows, columns):
    X = make_frame().iloc[:rows]
    X = X if columns is None else X[columns]
    # What is far from so few rows is a matter of chance.
    sampler = sampler.sampler if isinstance(sampler, Near) else sampler
    drawn = sampler.sample(X, n, random_state=0)
    assert drawn.shape == (n, X.shape[1])
    assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    if rows == 1 and n:
        pd.testing.assert_frame_equal(drawn, pd.concat([X] * n, ignore_index=True))


@pytest.mark.parametrize("sampler", DRAWING, ids=str)
def test_columns_without_values_or_with_one(sampler):
    X = pd.DataFrame({"a": [np.nan] * 9, "b": np.arange(9.0), "c": [3.25] * 9, "d": [None] * 9})
    drawn = sampler.sample(X, 20, random_state=0)
    assert drawn["a"].isna().all()
    assert drawn["b"].notna().all()
    assert set(drawn["c"]) == {3.25}
    assert drawn["d"].isna().all()


@pytest.mark.parametrize("sampler", DRAWING, ids=str)
def test_draws_differ_by_seed_and_by_pass(sampler):
    X = np.random.RandomState(0).normal(size=(30, 3))
    drawn = sampler.sample(X, 60, random_state=0)
    assert not np.array_equal(drawn[:30], drawn[30:])
    assert not np.array_equal(drawn, sampler.sample(X, 60, random_state=1))


# --- Gibbs and Marginals ---


def curve(n_rows=600):
    """Numbers on a line, and a category that tells its third."""
    rng = np.random.RandomState(0)
    t = rng.uniform(-3, 3, size=n_rows)
    category = np.array(["low", "mid", "high"])[np.digitize(t, [-1, 1])]
    return pd.DataFrame({"t": t, "u": t + 0.05 * rng.normal(size=n_rows), "third": category})


def share_that_fits(drawn):
    """Rows whose category is right but for those near a border."""
    right = np.array(["low", "mid", "high"])[np.digitize(drawn["t"], [-1, 1])]
    return (drawn["third"] == right).mean()


@pytest.mark.parametrize("params", [{}, {"n_steps": 6}, {"p": 0.01}, {"p": 0.5, "blur": 0.5}])
def test_gibbs_keeps_what_goes_with_what_and_marginals_do_not(params):
    X = curve()
    kept, lost = (s.sample(X, 1800, random_state=0) for s in (Gibbs(**params), Marginals()))
    assert kept[["t", "u"]].corr().iloc[0, 1] > 0.99
    assert share_that_fits(kept) > 0.95
    assert abs(lost[["t", "u"]].corr().iloc[0, 1]) < 0.1
    assert share_that_fits(lost) < 0.45
    for drawn in (kept, lost):
        quantiles = np.linspace(0, 1, 11)
        np.testing.assert_allclose(
            drawn["t"].quantile(quantiles), X["t"].quantile(quantiles), atol=0.25
        )
        shares, seen = (one["third"].value_counts(normalize=True) for one in (drawn, X))
        np.testing.assert_allclose(shares[seen.index], seen, atol=0.05)


def test_gibbs_steps_lead_away_from_the_row():
    X = curve()

    def moved(n_steps):
        drawn = Gibbs(n_steps=n_steps).sample(X, len(X), random_state=0)
        return np.abs(drawn["t"] - X["t"]).mean()

    assert 0 < moved(1) < moved(4) < moved(16)


def test_gibbs_without_blur_takes_values_seen():
    X = curve()
    assert set(Gibbs(blur=0).sample(X, 900, random_state=0)["t"]) <= set(X["t"])
    assert not set(Gibbs(blur=0.5).sample(X, 900, random_state=0)["t"]) <= set(X["t"])


def test_gibbs_redraws_the_share_of_columns():
    X = np.random.RandomState(0).normal(size=(200, 10))
    for p, columns in ((0.5, 5), (0.2, 2), (0.001, 1)):
        drawn = Gibbs(n_steps=1, p=p).sample(X, len(X), random_state=0)
        assert_array_equal((drawn != X).sum(axis=1), columns)


def test_gibbs_blurs_along_the_line_between_neighbours():
    """What depends linearly on another column still does, however wide the blur."""
    t = np.random.RandomState(0).uniform(size=300)
    X = np.column_stack([t, 2 * t + 0.5, np.random.RandomState(1).normal(size=300)])
    one = Gibbs(p=0.5, blur=0.2)
    table = read_table(X)
    first, second = np.arange(200), np.arange(100, 300)
    new = one._blurred(table.numbers[first], table.numbers[second], np.random.RandomState(0))
    np.testing.assert_allclose(new[:, 1], 2 * new[:, 0] + 0.5)
    moved = (new - X[first])[:, 2] / (X[second] - X[first])[:, 2]
    assert moved.std() == pytest.approx(0.2, rel=0.15)


def test_gibbs_draws_missing_values_where_they_belong():
    """A number is missing in one category only, and stays so."""
    X = curve()
    X.loc[X["third"] == "low", "u"] = np.nan
    drawn = Gibbs().sample(X, 1800, random_state=0)
    missing = drawn["u"].isna()
    assert missing.mean() == pytest.approx(X["u"].isna().mean(), abs=0.05)
    assert (missing == (drawn["third"] == "low")).mean() > 0.95


def test_gibbs_draws_among_equal_neighbours_alike():
    """Of hundreds of rows equally near, not the first ones are taken but any."""
    X = pd.DataFrame({"a": ["x"] * 500, "b": [f"b{i % 100}" for i in range(500)]})
    drawn = Gibbs(n_steps=1).sample(X, 4000, random_state=0)
    assert len(set(drawn["b"])) == 100
    assert drawn["b"].value_counts().max() < 100


# --- Mixup ---


def test_mixup_is_between_two_rows():
    X = np.array([[0.5, 10.5], [1.5, 30.5]])
    drawn = Mixup().sample(X, 500, random_state=0)
    np.testing.assert_allclose(drawn[:, 1], 0.5 + 20 * drawn[:, 0])  # one share a row
    assert np.histogram(drawn[:, 0], bins=4, range=(0.5, 1.5))[0].min() > 80


@pytest.mark.parametrize("alpha", [0.1, 1.0, 5.0])
def test_mixup_takes_its_share_from_the_beta_distribution(alpha):
    drawn = Mixup(alpha=alpha).sample(np.array([[0.5], [1.5]]), 6000, random_state=0)
    assert drawn.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_mixup_takes_categories_and_missing_values_by_the_share():
    X = pd.DataFrame({"n": [0.5, 1.5], "c": ["a", "b"], "m": [np.nan, 7.5]})
    drawn = Mixup().sample(X, 4000, random_state=0)
    for of_second in (drawn["c"] == "b", drawn["m"].notna()):
        for share in (0.1, 0.5, 0.9):
            some = (drawn["n"] - 0.5 - share).abs() < 0.05
            assert of_second[some].mean() == pytest.approx(share, abs=0.08)
    assert set(drawn["m"].dropna()) == {7.5}


# --- Near ---


def distance_to_curve(drawn):
    return np.abs(drawn["t"] - drawn["u"])


class HalfFar(TransferSampler):
    """Every other row is off the curve."""

    def sample(self, X, n, random_state=None):
        drawn = Munge().sample(X, n, random_state)
        drawn.loc[1::2, "u"] = -drawn.loc[1::2, "u"]
        return drawn


@pytest.mark.parametrize("n", [7, 900, 2500])
def test_near_drops_what_is_far(n):
    X = curve()
    everything = HalfFar().sample(X, 900, random_state=0)
    near = Near(HalfFar(), quantile=1.0).sample(X, n, random_state=0)
    assert near.shape == (n, 3)
    assert near.dtypes.to_dict() == X.dtypes.to_dict()
    assert near.index.equals(pd.RangeIndex(n))
    assert distance_to_curve(near).max() < 0.5 < distance_to_curve(everything).mean()


def test_near_keeps_most_of_what_is_near():
    """The rows of Munge that it returns are those of Munge, in their order."""
    X = curve()
    kept = Near(Munge(p=0)).sample(X, len(X), random_state=0)
    pd.testing.assert_frame_equal(kept, X)


def test_near_keeps_fewer_the_smaller_the_quantile():
    X = curve()
    spread = [
        distance_to_curve(Near(Munge(), quantile=q).sample(X, 600, random_state=0)).mean()
        for q in (0.5, 0.95)
    ]
    assert spread[0] < spread[1] < distance_to_curve(Munge().sample(X, 600, random_state=0)).mean()


class FarAway(TransferSampler):
    def sample(self, X, n, random_state=None):
        return np.full((n, X.shape[1]), 1e6)


def test_near_gives_up():
    X = np.random.RandomState(0).normal(size=(50, 2))
    with pytest.raises(ValueError, match=r"Only 0 of 200 rows of FarAway\(\) .* `quantile=0\.99`"):
        Near(FarAway()).sample(X, 20, random_state=0)
    assert Near(FarAway()).sample(X, 0, random_state=0).shape == (0, 2)


def test_near_of_equal_rows():
    """Equal rows do not make every other row far; of one row only itself is near."""
    X = np.repeat(np.arange(5.0)[:, None], 20, axis=0)
    drawn = Near(Munge()).sample(X, 200, random_state=0)
    assert set(drawn.ravel()) == set(range(5))
    assert_array_equal(Near(Munge()).sample(np.ones((4, 2)), 3, random_state=0), np.ones((3, 2)))


def test_near_measures_to_a_block_of_rows():
    X = np.random.RandomState(0).normal(size=(300, 2))
    drawn = Near(Mixup(), block_size=50).sample(X, 100, random_state=0)
    assert drawn.shape == (100, 2)


def test_near_reaches_inside():
    near = Near(Munge(size=3, weight=0.5))
    assert (near.size, near.weight) == (3, 0.5)
    assert near.get_params()["sampler__p"] == 0.5
    copy = clone(near).set_params(sampler__p=0.1, sampler__size=2, quantile=0.9)
    assert (copy.sampler.p, copy.size, near.sampler.p, near.size) == (0.1, 2, 0.5, 3)
    clf = DistilledClassifier(transfer=[near]).set_params(transfer__near__sampler__s=4)
    assert near.sampler.s == 4
    assert clf.get_params()["transfer__near__sampler__s"] == 4


def test_near_through_the_classifier():
    assert distil(Near(Munge(size=2))).n_transfer_rows_ == 200


# --- what a sampler is given: weights and a context ---

WEIGHTS = np.r_[np.zeros(20), np.ones(10)]


class Asking(TransferSampler):
    """Notes the context, and what it was given besides."""

    def sample(self, X, n, random_state=None, sample_weight=None, *, context=None):
        self.noted_ = {"sample_weight": sample_weight, "context": context}
        drawn = np.resize(X, (n, X.shape[1]))
        return drawn if sample_weight is None else (drawn, np.full(n, 7.0))


class AskingForAnything(TransferSampler):
    def sample(self, X, n, random_state=None, **given):
        self.noted_ = given
        drawn = np.resize(X, (n, X.shape[1]))
        return (drawn, np.full(n, 7.0)) if "sample_weight" in given else drawn


class Older(TransferSampler):
    """Written before there were weights and contexts."""

    def sample(self, X, n, random_state=None):
        self.noted_ = {}
        return np.resize(X, (n, X.shape[1]))


class OlderWithWeights(TransferSampler):
    def sample(self, X, n, random_state=None, sample_weight=None):
        self.noted_ = {"sample_weight": sample_weight}
        drawn = np.resize(X, (n, X.shape[1]))
        return drawn if sample_weight is None else (drawn, np.full(n, 7.0))


class NeedsContext(TransferSampler):
    def sample(self, X, n, random_state=None, *, context):
        self.noted_ = {"context": context}
        return np.resize(X, (n, X.shape[1]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("sampler", "noted"),
    [
        (Asking(), {"sample_weight", "context"}),
        (AskingForAnything(), {"sample_weight", "context"}),
        (Older(), set()),
        (OlderWithWeights(), {"sample_weight"}),
        (NeedsContext(), {"context"}),
    ],
    ids=str,
)
def test_a_sampler_is_given_what_its_sample_takes(sampler, noted):
    X, context = np.arange(30.0)[:, None], TransferContext(round=3)
    drawn, weight = draw_rows(sampler, X, 12, np.random.RandomState(0), WEIGHTS, context)
    assert drawn.shape == (12, 1)
    assert set(sampler.noted_) == noted
    if "context" in noted:
        assert sampler.noted_["context"] is context
    if "sample_weight" in noted:
        assert sampler.noted_["sample_weight"] is WEIGHTS
        assert_array_equal(weight, 7.0)
    else:  # rows drawn by weight stand for the weights
        assert drawn.min() >= 20
        np.testing.assert_allclose(weight, WEIGHTS.mean())


@pytest.mark.parametrize("sampler", [Asking(), AskingForAnything(), Older(), NeedsContext()])
def test_without_weights_none_are_asked_for(sampler):
    drawn, weight = draw_rows(sampler, np.ones((5, 2)), 4, np.random.RandomState(0), None)
    assert drawn.shape == (4, 2)
    assert_array_equal(weight, 1.0)
    assert sampler.noted_.get("context") is None
    assert sampler.noted_.get("sample_weight") is None


class ForgetsWeights(TransferSampler):
    def sample(self, X, n, random_state=None, **given):
        return X[:n]


def test_a_sampler_that_takes_weights_returns_them():
    X, rng = np.arange(60.0).reshape(30, 2), np.random.RandomState(0)
    with pytest.raises(ValueError, match=r"`sample` of ForgetsWeights\(\) is given `sample_w"):
        draw_rows(ForgetsWeights(), X, 2, rng, WEIGHTS)
    assert_array_equal(draw_rows(ForgetsWeights(), X, 2, rng, None)[0], X[:2])


@pytest.mark.parametrize("outer", [Near, Rounds])
@pytest.mark.parametrize("weights", [None, np.ones(30)], ids=["without", "weights"])
def test_meta_samplers_hand_the_context_on(outer, weights):
    inner, context = Asking(), TransferContext(student=GaussianNB(), round=1)
    X = np.arange(60.0).reshape(30, 2)
    outer(inner).sample(X, 5, random_state=0, sample_weight=weights, context=context)
    assert inner.noted_["context"] is context
    assert (inner.noted_["sample_weight"] is None) == (weights is None)


def test_a_context_cannot_be_changed():
    context = TransferContext(teacher="teacher", student="student", task="task", round=1)
    assert dataclasses.astuple(context) == ("teacher", "student", "task", 1, None)
    assert dataclasses.astuple(TransferContext()) == (None, None, None, 0, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.round = 2


# --- Rounds ---


@pytest.mark.parametrize("make", [make_frame, make_polars])
def test_rounds_draw_by_the_sampler(make):
    X = make()
    drawn = Rounds(Munge(p=0.3)).sample(X, 95, random_state=4)
    expected = Munge(p=0.3).sample(X, 95, random_state=4)
    assert type(drawn) is type(X)
    assert drawn.equals(expected)


def test_rounds_weigh_as_the_sampler_does():
    X, weights = np.arange(30.0)[:, None], np.r_[np.ones(20), np.full(10, 5.0)]
    drawn, weight = Rounds(Munge()).sample(X, 50, random_state=0, sample_weight=weights)
    expected = Munge().sample(X, 50, random_state=0, sample_weight=weights)
    assert_array_equal(drawn, expected[0])
    assert_array_equal(weight, expected[1])
    # A list of weights will do, and a sampler that takes none.
    drawn, weight = Rounds(Older()).sample(X, 9, sample_weight=[0.0] * 20 + [1.0] * 10)
    assert drawn.min() >= 20
    np.testing.assert_allclose(weight, 1 / 3)
    with pytest.raises(ValueError, match="`sample_weight` must hold a finite number >= 0"):
        Rounds(Older()).sample(X, 9, sample_weight=[1.0])


def test_rounds_reach_inside():
    rounds = Rounds(Munge(size=3, weight=0.5), n_rounds=2)
    assert (rounds.size, rounds.weight, rounds.n_rounds, rounds.replace) == (3, 0.5, 2, True)
    copy = clone(rounds).set_params(sampler__p=0.1, sampler__size=2, replace=False)
    assert (copy.sampler.p, copy.size, copy.n_rounds, copy.replace) == (0.1, 2, 2, False)
    assert (rounds.sampler.p, rounds.size) == (0.5, 3)
    clf = DistilledClassifier(transfer=[rounds]).set_params(transfer__rounds__sampler__p=0.4)
    assert rounds.sampler.p == 0.4
    assert clf.get_params()["transfer__rounds__sampler__p"] == 0.4
    deep = Rounds(Near(Munge())).set_params(sampler__sampler__s=3)
    assert deep.sampler.sampler.s == 3


def test_samplers_draw_once_unless_they_say_otherwise():
    assert [one.n_rounds for one in (Munge(), GivenRows(), Near(Munge()), Older())] == [1] * 4


@pytest.mark.parametrize(
    ("sampler", "error", "message"),
    [
        (Rounds(Munge(), n_rounds=0), ValueError, "'n_rounds' parameter of Rounds .* Got 0"),
        (Rounds(Munge(), n_rounds=1.5), ValueError, r"'n_rounds' parameter of Rounds .* Got 1\.5"),
        (Rounds(Munge(), replace="yes"), ValueError, "'replace' parameter of Rounds .* Got 'yes'"),
        (Rounds(Munge(p=2)), ValueError, "'p' parameter of Munge must be .* Got 2"),
        (Rounds(Munge), TypeError, "`sampler` must be a TransferSampler that draws rows, got"),
        (Rounds(GivenRows()), TypeError, "`sampler` must be a TransferSampler that draws rows"),
        (Rounds(Rounds(Munge())), ValueError, "`sampler` of Rounds must not draw in rounds"),
        (Near(Rounds(Munge())), ValueError, r"of Near must not .* as in Rounds\(Near\(Munge"),
    ],
    ids=str,
)
def test_wrong_parameters_of_rounds(sampler, error, message):
    for check in (sampler.check_parameters, lambda: sampler.sample(np.ones((6, 2)), 3)):
        with pytest.raises(error, match=message):
            check()


# --- parameters ---


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"p": 1.5}, r"The 'p' parameter of Munge must be .* \[0.0, 1.0\]. Got 1\.5"),
        ({"p": -0.1}, r"'p' parameter .* Got -0\.1"),
        ({"p": "half"}, r"'p' parameter .* Got 'half'"),
        ({"s": 0}, r"'s' parameter .* \(0.0, inf\). Got 0"),
        ({"s": np.nan}, r"'s' parameter .* Got nan"),
        ({"size": -1}, r"'size' parameter .* \[0.0, inf\). Got -1"),
        ({"size": np.inf}, r"'size' parameter .* Got inf"),
        ({"weight": -2}, r"'weight' parameter .* Got -2"),
        ({"weight": None}, r"'weight' parameter .* Got None"),
        ({"block_size": 1}, r"'block_size' parameter .* an int in the range \[2, inf\). Got 1"),
    ],
)
def test_wrong_parameters(params, message):
    X = np.arange(12.0).reshape(6, 2)
    with pytest.raises(ValueError, match=message):
        Munge(**params).sample(X, 3, random_state=0)
    with pytest.raises(ValueError, match=message):
        DistilledClassifier(LogisticRegression(), transfer=Munge(**params)).fit(X, [0, 1] * 3)


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (Gibbs(n_steps=0), "'n_steps' parameter of Gibbs must be an int .* Got 0"),
        (Gibbs(n_steps=1.5), r"'n_steps' parameter of Gibbs must be an int .* Got 1\.5"),
        (Gibbs(p=0), r"'p' parameter of Gibbs must be .* Got 0"),
        (Gibbs(p=0.6), r"'p' parameter of Gibbs must be .* Got 0\.6"),
        (Gibbs(n_neighbors=0), r"'n_neighbors' parameter of Gibbs must be .* Got 0"),
        (Gibbs(blur=-1), r"'blur' parameter of Gibbs must be .* Got -1"),
        (Gibbs(block_size=1), r"'block_size' parameter of Gibbs must be .* Got 1"),
        (Mixup(alpha=0), r"'alpha' parameter of Mixup must be .* Got 0"),
        (FromSchema(size=-1), r"'size' parameter of FromSchema must be .* Got -1"),
        (Marginals(size=-1), r"'size' parameter of Marginals must be .* Got -1"),
        (Near(Munge(), quantile=1.5), r"'quantile' parameter of Near must be .* Got 1\.5"),
        (Near(Munge(), block_size=1), "'block_size' parameter of Near must be .* Got 1"),
        (Near(Munge(p=2)), "'p' parameter of Munge must be .* Got 2"),
    ],
)
def test_wrong_parameters_of_other_samplers(sampler, message):
    with pytest.raises(ValueError, match=message):
        sampler.sample(np.arange(12.0).reshape(6, 2), 3, random_state=0)
    with pytest.raises(ValueError, match=message):
        sampler.check_parameters()


@pytest.mark.parametrize("inner", [Munge, None, "munge"])
def test_near_needs_a_sampler(inner):
    with pytest.raises(TypeError, match="`sampler` must be a TransferSampler that draws rows, got"):
        Near(inner).check_parameters()


def test_infinity_is_named():
    with pytest.raises(ValueError, match=r"infinity in column\(s\) \['b'\]"):
        Munge().sample(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.inf]}), 2)


@pytest.mark.parametrize(
    "make",
    [make_frame, make_polars, only_categories, lambda: np.ones((3, 2)), lambda: [[1, 2], [3, 4]]],
)
def test_given_rows_draw_nothing(make):
    X = make()
    drawn = GivenRows().sample(X, 0)
    assert drawn.shape == (0, np.shape(X)[1])
    assert isinstance(drawn, np.ndarray if isinstance(X, list) else type(X))
    with pytest.raises(ValueError, match="`n` is 3"):
        GivenRows().sample(X, 3)


def test_given_rows_parameters():
    assert clone(GivenRows(weight=3)).get_params() == {"weight": 3}
    with pytest.raises(ValueError, match="'weight' parameter of GivenRows must be .* Got -1"):
        GivenRows(weight=-1).check_parameters()


def test_base_class_asks_for_sample():
    with pytest.raises(NotImplementedError, match="TransferSampler does not implement `sample`"):
        TransferSampler().sample([[1]], 1)


# --- through DistilledClassifier ---


def make_problem(n_rows=100):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, 3))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def distil(transfer, X_transfer=None, **params):
    X, y = make_problem()
    student = MLPStudent(hidden_layer_sizes=(16,), n_steps=50)
    clf = DistilledClassifier(
        LogisticRegression(), student, transfer=transfer, random_state=0, **params
    )
    return clf.fit(X, y, X_transfer=X_transfer)


def proba(clf):
    return clf.predict_proba(make_problem()[0])


class Constant(TransferSampler):
    """Gives rows of one value, and notes what it was asked for."""

    def __init__(self, size=1.0, weight=1.0, value=0.0):
        super().__init__(size, weight)
        self.value = value

    def sample(self, X, n, random_state=None):
        assert isinstance(random_state, np.random.RandomState)
        return np.full((n, X.shape[1]), self.value)


@pytest.mark.parametrize(
    ("transfer", "n_rows"),
    [
        (None, 0),
        (Munge(size=2), 200),
        (Munge(size=0.255), 26),
        (Munge(size=0), 0),
        ([Munge(size=2), Munge(size=0.5, p=0.2)], 250),
        ([("near", Munge(size=1)), ("fixed", Constant(size=0.3))], 130),
        ([("weightless", Munge(size=1, weight=0)), ("fixed", Constant(size=0.3))], 30),
        (GivenRows(), 0),
    ],
)
def test_number_of_transfer_rows(transfer, n_rows):
    assert distil(transfer).n_transfer_rows_ == n_rows


@pytest.mark.parametrize(
    ("transfer", "n_rows"),
    [
        (None, 60),
        (GivenRows(), 60),
        (GivenRows(weight=0), 0),
        (Munge(size=1), 160),
        ([GivenRows(weight=0), Munge(size=1)], 100),
        ([Munge(size=1), GivenRows(weight=0)], 100),
        (Munge(size=0, weight=0), 60),
    ],
)
def test_given_rows_count_as_transfer_rows(transfer, n_rows):
    X_transfer = np.random.RandomState(1).normal(size=(60, 3))
    assert distil(transfer, X_transfer).n_transfer_rows_ == n_rows


def test_weight_0_leaves_rows_out():
    X_transfer = np.random.RandomState(1).normal(size=(60, 3))
    plain = proba(distil(None))
    assert_array_equal(proba(distil(Munge(weight=0))), plain)
    assert_array_equal(proba(distil(GivenRows(weight=0), X_transfer)), plain)
    assert not np.array_equal(proba(distil(Munge(size=1))), plain)
    assert not np.array_equal(proba(distil(GivenRows(), X_transfer)), plain)


def test_weight_of_given_rows_is_used():
    """Unlabelled rows on which the soft targets say 'class 1' pull the more the heavier."""
    X, y = make_problem()
    X_transfer, ones = X[:50], np.tile([0.0, 1.0], (50, 1))

    def mean_of_class_1(weight):
        clf = DistilledClassifier(
            LogisticRegression(),
            MLPStudent(hidden_layer_sizes=(16,), n_steps=200),
            transfer=GivenRows(weight),
            random_state=0,
        )
        clf.fit(X, y, X_transfer=X_transfer, soft_targets_transfer=ones)
        return clf.predict_proba(X[:50])[:, 1].mean()

    means = [mean_of_class_1(weight) for weight in (0, 1, 10)]
    assert means[0] + 0.05 < means[1] < means[2] - 0.05


def test_weight_of_drawn_rows_is_used():
    assert not np.array_equal(proba(distil(Munge(weight=5))), proba(distil(Munge(weight=1))))


def test_every_sampler_of_a_list_teaches():
    fixed = Constant(size=0.3, value=5.0)
    both = proba(distil([Munge(size=1), fixed]))
    assert not np.array_equal(both, proba(distil([Munge(size=1)])))
    assert not np.array_equal(both, proba(distil([fixed])))
    assert_array_equal(both, proba(distil([Munge(size=1), fixed])))


def test_names_and_nested_parameters():
    single = DistilledClassifier(transfer=Munge())
    single.set_params(transfer__p=0.1)
    assert single.transfer.p == 0.1

    listed = DistilledClassifier(transfer=[Munge(), Constant()])
    listed.set_params(transfer__munge__p=0.2, transfer__constant__size=3)
    assert listed.transfer[0].p == 0.2
    assert listed.transfer[1].size == 3
    assert listed.get_params()["transfer__munge__p"] == 0.2

    twice = DistilledClassifier(transfer=[Munge(), Munge()]).set_params(
        **{"transfer__munge-2__s": 4}
    )
    assert [sampler.s for sampler in twice.transfer] == [1.0, 4]

    named = DistilledClassifier(transfer=[("near", Munge()), ("far", Munge(s=0.5))])
    named.set_params(transfer__far__p=0.9, transfer__near=GivenRows(weight=2))
    assert named.transfer[1][1].p == 0.9
    assert named.get_params()["transfer__near__weight"] == 2
    copy = clone(named).set_params(transfer__far__p=0.3)
    assert named.transfer[1][1].p == 0.9
    assert copy.transfer[1][1].p == 0.3


def test_nested_parameters_change_the_student():
    clf = distil([Munge(size=1)])
    before = proba(clf)
    assert not np.array_equal(
        proba(clf.set_params(transfer__munge__p=0.1).fit(*make_problem())), before
    )


def test_the_users_sampler_is_left_alone():
    sampler = Munge(size=1)
    before = dict(vars(sampler))
    distil([sampler])
    assert vars(sampler) == before


@pytest.mark.parametrize(
    ("transfer", "error", "message"),
    [
        ("munge", TypeError, "`transfer`"),
        (Munge, TypeError, "`transfer` (must hold instances of TransferSampler|holds the class)"),
        (
            [Munge(), 3],
            TypeError,
            "`transfer` must hold instances of TransferSampler, got 3",
        ),
        ([], ValueError, "`transfer` is an empty list"),
        ([("a", Munge()), ("a", Munge())], ValueError, "names in `transfer` must be unique"),
    ],
)
def test_wrong_transfer(transfer, error, message):
    with pytest.raises(error, match=message):
        distil(transfer)


class NotesTypes(DecisionTreeClassifier):
    """Looks at the numbers only, and notes the dtypes of what it labels."""

    def fit(self, X, y):
        self.fitted_ = X.dtypes.to_dict()
        self.labelled_ = []
        return super().fit(X[["int", "small"]].to_numpy(), y)

    def predict_proba(self, X):
        self.labelled_.append((len(X), X.dtypes.to_dict()))
        return super().predict_proba(X[["int", "small"]].to_numpy())


def test_teacher_labels_frames_like_those_it_was_fitted_on():
    X = make_frame()
    clf = DistilledClassifier(
        NotesTypes(random_state=0),
        MLPStudent(hidden_layer_sizes=(8,), n_steps=20),
        transfer=Munge(size=2),
        random_state=0,
    ).fit(X, (X["int"] > 20).to_numpy())
    (teacher,) = clf.teacher_.estimators_
    assert sum(n for n, _ in teacher.labelled_) == 3 * N_ROWS
    assert all(dtypes == teacher.fitted_ for _, dtypes in teacher.labelled_)
    assert teacher.fitted_ == X.dtypes.to_dict()


# --- speed ---


@pytest.mark.slow
def test_100_000_rows_of_20_columns_take_seconds():
    X = np.random.RandomState(0).normal(size=(100_000, 20))
    start = time.perf_counter()
    drawn = Munge().sample(X, 100_000, random_state=0)
    assert time.perf_counter() - start < 30
    assert drawn.shape == X.shape


@pytest.mark.slow
def test_100_000_rows_of_few_categories_take_seconds():
    """Many equal rows: one row is the neighbour of thousands."""
    rng = np.random.RandomState(0)
    X = pd.DataFrame({c: rng.choice(["a", "b"], 100_000, p=[0.9, 0.1]) for c in "uvw"})
    start = time.perf_counter()
    drawn = Munge().sample(X, 100_000, random_state=0)
    assert time.perf_counter() - start < 60
    assert set(drawn["u"]) == {"a", "b"}


# --- "auto" ---


@pytest.mark.parametrize(("n_given", "n_drawn"), [(0, 960), (160, 800), (960, 0), (999, 0)])
def test_auto_draws_sixteen_rows_for_each_less_those_given(n_given, n_drawn):
    X, y = number_table()
    unlabelled = np.random.RandomState(1).normal(size=(n_given, 3)) if n_given else None
    clf = automatic(X, y, X_transfer=unlabelled)
    assert clf.n_transfer_rows_ == n_given + n_drawn
    assert [type(sampler) for _, sampler in clf.transfer_] == [Munge, Gibbs] * bool(n_drawn)
    assert clf.transfer == "auto"


def test_auto_is_munge_and_gibbs():
    X, y = number_table()
    named = [("munge", Munge(size=8)), ("gibbs", Gibbs(size=8))]
    auto, named = automatic(X, y), automatic(X, y, transfer=named)
    np.testing.assert_array_equal(auto.predict_proba(X), named.predict_proba(X))


def test_auto_counts_the_rows_left_for_training():
    clf = automatic(*number_table(600), alpha=0.3, refit=False)
    assert clf.n_transfer_rows_ == 16 * 540


def test_auto_draws_nothing_where_nobody_can_label():
    X, y = number_table()
    soft = GaussianNB().fit(X, y).predict_proba(X)
    student = MLPStudent((4,), n_steps=3)
    clf = DistilledClassifier(student=student, random_state=0).fit(X, y, soft_targets=soft)
    assert clf.n_transfer_rows_ == 0
    assert clf.transfer_ == []
    assert automatic(X, y, alpha=1.0).n_transfer_rows_ == 0


def test_auto_draws_nothing_where_no_teacher_knows_a_class():
    X, y = number_table()
    two = FrozenEstimator(GaussianNB().fit(X, y))
    three = np.where(X[:, 1] > 1, 2, y)
    with pytest.warns(UserWarning, match="no teacher knows"):
        assert automatic(X, three, two).n_transfer_rows_ == 0
    both = [two, FrozenEstimator(GaussianNB().fit(X, three))]
    assert automatic(X, three, both).n_transfer_rows_ == 960


def test_auto_survives_clone_and_parameters_of_the_old_kind():
    clf = clone(DistilledClassifier(GaussianNB()))
    assert clf.get_params()["transfer"] == "auto"
    clf.set_params(transfer=Munge(size=1)).set_params(transfer__size=2.0)
    assert clf.transfer.size == 2.0


def test_auto_draws_nothing_of_what_only_the_users_encoder_reads():
    dates = pd.DataFrame({"when": pd.date_range("2020", periods=60)})
    y = np.arange(60) % 2

    def days(X):
        return X.astype("int64").to_numpy(dtype=float) / 1e18

    teacher = make_pipeline(FunctionTransformer(days), GaussianNB())
    clf = automatic(dates, y, teacher, encoder=FunctionTransformer(days))
    assert clf.n_transfer_rows_ == 0


def test_a_parameter_of_auto_cannot_be_set():
    with pytest.raises(ValueError, match="`transfer__size` cannot be set: `transfer` is 'auto'"):
        DistilledClassifier(GaussianNB()).set_params(transfer__size=2.0)


def test_near_rows_of_no_sampler():
    with pytest.raises(TypeError, match="must be a TransferSampler that draws rows"):
        Near(GivenRows()).sample(number_table()[0], 5)


def test_threads_do_not_decide_between_rows_equally_near():
    code = (
        "import numpy as np, pandas as pd, joblib; from skdistill import Munge;"
        "rng = np.random.RandomState(0);"
        "X = pd.DataFrame({c: rng.choice(list('abcd'), 1500) for c in 'uvwxyz'});"
        "print(joblib.hash(Munge(size=1).sample(X, 1500, random_state=0).to_numpy()))"
    )
    out = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OMP_NUM_THREADS": n},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for n in "12"
    ]
    assert out[0] == out[1]
