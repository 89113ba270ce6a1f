"""Gibbs sampling from real rows."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from skdistill._utils._compat import Interval
from skdistill._utils.types import ArrayLike, FloatArray, IntArray, RandomState, Table
from skdistill.table import Columns, read_table
from skdistill.transfer._base import (
    AT_LEAST_TWO,
    NOT_NEGATIVE,
    Drawn,
    TransferSampler,
    check_source_weights,
    draw_passes,
    fit_to_seen,
    own_sources,
)
from skdistill.transfer._context import TransferContext
from skdistill.transfer._space import MetricSpace, nearest_others

_AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")


class Gibbs(TransferSampler):
    """Few steps of Gibbs sampling, started at the training rows.

    A step redraws about a share `p` of the columns of each row, given the others: it looks for the
    `n_neighbors` training rows nearest in the columns that stay, and takes the values of one of
    them. The columns of a step are redrawn together, from one neighbour, so that they fit
    together. With `blur`, numbers move along the line to another of these neighbours, by a normal
    number times `blur`. Whole numbers stay whole, and no value leaves the range seen; a
    missing value is drawn like any other.

    The paper learns the conditional distributions with a network; here they are those of
    neighbours, in the metric of :class:`Munge`. Few steps keep the rows near the data, where the
    teacher's answers are worth most.

    Parameters
    ----------
    size : float, default=8.0
        New rows for each training row: the passes.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.
    n_steps : int, default=2
        Steps from a training row to a new one.
    p : float, default=0.25
        Share of the columns that a step redraws, at most 0.5, rounded to 1 / 2, 1 / 3, 1 / 4, ...
        The least is one column.
    n_neighbors : int, default=5
        Training rows that a value is drawn from.
    blur : float, default=0.0
        Width of the blur of numbers, in distances of neighbours. With 0 they are values seen.
    block_size : int, default=5000
        Training rows, drawn at random for each step, among which neighbours are sought, so that
        the time grows with the number of rows, not with its square.

    References
    ----------
    .. [1] Fakoor, Mueller, Erickson, Chaudhari and Smola (2020). Fast, Accurate, and Simple Models
       for Tabular Data via Augmented Distillation.
       https://doi.org/10.48550/arXiv.2006.14284

    Examples
    --------
    >>> from skdistill import Gibbs
    >>> Gibbs().sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0).shape
    (4, 2)
    """

    reads_cells = True
    _parameter_constraints: ClassVar[dict] = {
        **TransferSampler._parameter_constraints,
        "n_steps": [_AT_LEAST_ONE],
        "p": [Interval(Real, 0, 0.5, closed="right")],
        "n_neighbors": [_AT_LEAST_ONE],
        "blur": [NOT_NEGATIVE],
        "block_size": [AT_LEAST_TWO],
    }

    def __init__(
        self,
        size: float = 8.0,
        weight: float = 1.0,
        n_steps: int = 2,
        p: float = 0.25,
        n_neighbors: int = 5,
        blur: float = 0.0,
        block_size: int = 5000,
    ) -> None:
        super().__init__(size=size, weight=weight)
        self.n_steps = n_steps
        self.p = p
        self.n_neighbors = n_neighbors
        self.blur = blur
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
        source_weight = check_source_weights(sample_weight, len(table.numbers))
        space = MetricSpace(table, rng)
        points = space.points(table.numbers, space.codes)

        def one_pass() -> tuple[FloatArray, IntArray]:
            return self._one_pass(table, space, points, rng)

        return draw_passes(X, table, one_pass, n, rng, source_weight)

    def _one_pass(
        self, table: Columns, space: MetricSpace, points: FloatArray, rng: np.random.RandomState
    ) -> tuple[FloatArray, IntArray]:
        numbers, sources = table.numbers.copy(), own_sources(table)
        if len(numbers) > 1:
            for _ in range(self.n_steps):
                self._step(numbers, sources, table, space, points, rng)
        return numbers, sources

    def _step(
        self,
        numbers: FloatArray,
        sources: IntArray,
        table: Columns,
        space: MetricSpace,
        points: FloatArray,
        rng: np.random.RandomState,
    ) -> None:
        """Redraw one group of columns of each row, in place."""
        n_rows, n_numbers = numbers.shape
        n_columns = n_numbers + sources.shape[1]
        n_groups = max(1, min(round(1 / self.p), n_columns))
        group_of_row = rng.randint(n_groups, size=n_rows)
        for i, group in enumerate(np.array_split(rng.permutation(n_columns), n_groups)):
            rows = np.flatnonzero(group_of_row == i)
            if not len(rows):
                continue
            stays = ~np.isin(space.column, group)
            codes = space.codes[sources[rows], np.arange(sources.shape[1])]
            at = space.points(numbers[rows], codes)[:, stays]
            one, other = self._two_neighbours(at, rows, points[:, stays], rng)
            new = self._blurred(table.numbers[one], table.numbers[other], rng)
            chosen = np.ix_(rows, group[group < n_numbers])
            numbers[chosen] = fit_to_seen(new, table.numbers)[:, group[group < n_numbers]]
            sources[np.ix_(rows, group[group >= n_numbers] - n_numbers)] = one[:, None]

    def _two_neighbours(
        self, at: FloatArray, origins: IntArray, points: FloatArray, rng: np.random.RandomState
    ) -> IntArray:
        """Two of the nearest rows for each point, in random order; never the row it started from.

        That row is nearest in all columns not yet redrawn, and would only give back the old
        values.
        """
        size = min(self.block_size, len(points))
        block = rng.permutation(len(points))[:size]
        place = np.full(len(points), -1)
        place[block] = np.arange(size)
        found = block[nearest_others(at, place[origins], points[block], self.n_neighbors, rng)]
        order = rng.random_sample(found.shape).argsort(axis=1)[:, [0, -1]]
        return np.take_along_axis(found, order, axis=1).T

    def _blurred(
        self, taken: FloatArray, other: FloatArray, rng: np.random.RandomState
    ) -> FloatArray:
        """Numbers moved along the line to those of other rows, which keeps dependence."""
        # The difference to a missing value is NaN: no blur.
        way = np.nan_to_num(other - taken)
        return taken + self.blur * rng.standard_normal((len(taken), 1)) * way
