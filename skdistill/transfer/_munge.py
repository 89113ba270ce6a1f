"""MUNGE."""

from collections.abc import Iterator
from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from skdistill._utils._compat import Interval
from skdistill._utils.types import ArrayLike, FloatArray, IntArray, RandomState, Table
from skdistill.table import Columns, read_table
from skdistill.transfer._base import (
    AT_LEAST_TWO,
    POSITIVE,
    Drawn,
    TransferSampler,
    check_source_weights,
    draw_passes,
    fit_to_seen,
    own_sources,
)
from skdistill.transfer._context import TransferContext
from skdistill.transfer._space import MetricSpace, nearest_others


class Munge(TransferSampler):
    """MUNGE: exchange or blur the values of a row with those of its nearest neighbour.

    A pass over a copy of the rows takes each row e and its nearest neighbour e' (squared Euclidean
    distance on numbers scaled to [0, 1], plus 1 for each category that differs). With probability
    `p` each attribute is changed in both: a category, or a number that is missing in one of them,
    is swapped; numbers a and a' are drawn anew from ``N(a', |a - a'| / s)`` and
    ``N(a, |a - a'| / s)``.
    Whole numbers stay whole, and no value leaves the range seen. Neighbours are those of the rows
    as given. Above `block_size` rows they are sought within random blocks of that size, so that
    the time grows with the number of rows, not with its square.

    Parameters
    ----------
    size : float, default=8.0
        New rows for each training row: the passes.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.
    p : float, default=0.5
        Probability that an attribute of a pair is changed.
    s : float, default=1.0
        Local variance parameter: the larger, the closer the new values stay to those exchanged.
    block_size : int, default=20000
        Rows among which neighbours are sought.

    References
    ----------
    .. [1] Bucila, Caruana and Niculescu-Mizil (2006). Model Compression, Algorithm 1.
       https://doi.org/10.1145/1150402.1150464

    Examples
    --------
    >>> from skdistill import Munge
    >>> Munge().sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0).shape
    (4, 2)
    """

    reads_cells = True
    _parameter_constraints: ClassVar[dict] = {
        **TransferSampler._parameter_constraints,
        "p": [Interval(Real, 0, 1, closed="both")],
        "s": [POSITIVE],
        "block_size": [AT_LEAST_TWO],
    }

    def __init__(
        self,
        size: float = 8.0,
        weight: float = 1.0,
        p: float = 0.5,
        s: float = 1.0,
        block_size: int = 20_000,
    ) -> None:
        super().__init__(size=size, weight=weight)
        self.p = p
        self.s = s
        self.block_size = block_size

    def sample(
        self,
        X: Table,
        n: int,
        random_state: RandomState = None,
        sample_weight: ArrayLike | None = None,
        *,
        context: TransferContext | None = None,
    ) -> Drawn:
        """Draw `n` rows; see :meth:`TransferSampler.sample`."""
        self.check_parameters()
        rng = check_random_state(random_state)
        table = read_table(X, exact=True)
        n_rows = len(table.numbers)
        source_weight = check_source_weights(sample_weight, n_rows)
        neighbour: IntArray = np.zeros(n_rows, dtype=int)
        if n and n_rows > 1:
            neighbour = self._nearest(table, rng)

        def one_pass() -> tuple[FloatArray, IntArray]:
            return self._one_pass(table, neighbour, rng)

        return draw_passes(X, table, one_pass, n, rng, source_weight)

    def _one_pass(
        self, table: Columns, neighbour: IntArray, rng: np.random.RandomState
    ) -> tuple[FloatArray, IntArray]:
        numbers = table.numbers.copy()
        sources = own_sources(table)
        for row, other in _disjoint_pairs(neighbour, rng):
            self._exchange_sources(sources, row, other, rng)
            self._exchange_numbers(numbers, row, other, rng)
        return fit_to_seen(numbers, table.numbers), sources

    def _exchange_sources(
        self, sources: IntArray, row: IntArray, other: IntArray, rng: np.random.RandomState
    ) -> None:
        chosen = rng.random_sample((len(row), sources.shape[1])) < self.p
        mine, theirs = sources[row], sources[other]
        sources[row] = np.where(chosen, theirs, mine)
        sources[other] = np.where(chosen, mine, theirs)

    def _exchange_numbers(
        self, numbers: FloatArray, row: IntArray, other: IntArray, rng: np.random.RandomState
    ) -> None:
        mine, theirs = numbers[row], numbers[other]
        chosen = rng.random_sample(mine.shape) < self.p
        # If one of the two is missing, the spread is NaN: they are swapped without a blur.
        spread = np.nan_to_num(np.abs(mine - theirs) / self.s)
        noise = rng.standard_normal((2, *mine.shape))
        numbers[row] = np.where(chosen, theirs + spread * noise[0], mine)
        numbers[other] = np.where(chosen, mine + spread * noise[1], theirs)

    def _nearest(self, table: Columns, rng: np.random.RandomState) -> IntArray:
        space = MetricSpace(table, rng)
        points = space.points(table.numbers, space.codes)
        n_rows = len(points)
        # No block may hold a single row, which would have no neighbour.
        n_blocks = max(1, min(-(-n_rows // self.block_size), n_rows // 2))
        neighbour = np.empty(n_rows, dtype=int)
        for block in np.array_split(rng.permutation(n_rows), n_blocks):
            neighbour[block] = block[_nearest_other(points[block], rng)]
        return neighbour


def _nearest_other(points: FloatArray, rng: np.random.RandomState) -> IntArray:
    """Index of each row's nearest other row; equal rows are each other's, in a random cycle.

    If one of them were the neighbour of all, thousands of pairs would share a row.
    """
    unique, group, size = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    shuffled = rng.permutation(len(points))
    by_group = shuffled[np.argsort(group[shuffled], kind="stable")]
    first = np.cumsum(size) - size
    nearest = np.empty(len(points), dtype=int)
    following = np.arange(len(points)) + 1
    last = first + size - 1
    following[last] = first
    nearest[by_group] = by_group[following]
    if len(unique) > 1:
        lone = size[group] == 1
        other = nearest_others(unique, np.arange(len(unique)), unique, 1, rng)[:, 0]
        target = other[group[lone]]
        drawn = (rng.random_sample(len(target)) * size[target]).astype(int)
        nearest[lone] = by_group[first[target] + drawn]
    return nearest


def _disjoint_pairs(
    neighbour: IntArray, rng: np.random.RandomState
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the pairs (row, its neighbour) in random order, in groups without a common row.

    Pairs that share no row do not affect one another, so a group can be changed at once with the
    result of one after the other.
    """
    rows = rng.permutation(len(neighbour))
    others = neighbour[rows]
    first = np.full(len(neighbour), len(neighbour))
    while len(rows):
        order = np.arange(len(rows))
        first[rows] = first[others] = len(rows)
        np.minimum.at(first, rows, order)
        np.minimum.at(first, others, order)
        ready = (first[rows] == order) & (first[others] == order)
        yield rows[ready], others[ready]
        rows, others = rows[~ready], others[~ready]
