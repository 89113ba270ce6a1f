"""Near: rows far from the data are dropped."""

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from skdistill._utils._compat import Interval, num_samples, safe_indexing
from skdistill._utils.types import ArrayLike, FloatArray, RandomState, Table
from skdistill.table import read_table, stack_tables
from skdistill.transfer._base import (
    AT_LEAST_TWO,
    Drawn,
    TransferSampler,
    check_source_weights,
    draw_rows,
)
from skdistill.transfer._context import TransferContext
from skdistill.transfer._meta import MetaSampler
from skdistill.transfer._space import MetricSpace, index_of

# Most rows drawn for each requested row; if these are not enough, it is an error.
MOST_DRAWS = 10


class Near(MetaSampler):
    """Drop the rows of a sampler that are far from the data, and draw others instead.

    A row is kept if its nearest training row, in the metric of :class:`Munge`, is no farther than
    the `quantile` of the distances from a training row to the nearest other that differs from it.

    Parameters
    ----------
    sampler : TransferSampler
        Draws the rows; its `size` and `weight` hold.
    quantile : float, default=0.99
        The larger, the more rows are kept.
    block_size : int, default=10000
        Training rows, drawn at random, to which distances are measured.

    References
    ----------
    .. [1] Fakoor, Mueller, Erickson, Chaudhari and Smola (2020). Fast, Accurate, and Simple Models
       for Tabular Data via Augmented Distillation: why rows off the data teach little.
       https://doi.org/10.48550/arXiv.2006.14284

    Examples
    --------
    >>> from skdistill import Munge, Near
    >>> Near(Munge()).sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0).shape
    (4, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        "quantile": [Interval(Real, 0, 1, closed="both")],
        "block_size": [AT_LEAST_TWO],
    }

    def __init__(
        self, sampler: TransferSampler, quantile: float = 0.99, block_size: int = 10_000
    ) -> None:
        super().__init__(sampler)
        self.quantile = quantile
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
        source_weight = check_source_weights(sample_weight, num_samples(X))
        support = Support(X, self.quantile, self.block_size, rng)
        empty, no_weight = draw_rows(self.sampler, X, 0, rng, None, context)
        parts, weights, n_kept, n_drawn = [empty], [no_weight], 0, 0
        while n_kept < n:
            if n_drawn >= MOST_DRAWS * n:
                raise ValueError(
                    f"Only {n_kept} of {n_drawn} rows of {self.sampler} are as near to the data "
                    f"as `quantile={self.quantile}` asks for, but {n} are needed: raise "
                    "`quantile`, or take a sampler that stays nearer."
                )
            n_next = min(self._n_next(n, n_kept, n_drawn), MOST_DRAWS * n - n_drawn)
            drawn, weight = draw_rows(self.sampler, X, n_next, rng, source_weight, context)
            near = np.flatnonzero(support.excess(drawn) <= 0)[: n - n_kept]
            parts.append(safe_indexing(drawn, near))
            weights.append(weight[near])
            n_kept, n_drawn = n_kept + len(near), n_drawn + n_next
        whole = stack_tables(parts)
        return whole if source_weight is None else (whole, np.concatenate(weights))

    def _n_next(self, n: int, n_kept: int, n_drawn: int) -> int:
        """Rows to draw next, by the share that was kept so far."""
        share = n_kept / n_drawn if n_kept else 1.0
        return int(np.ceil(1.1 * (n - n_kept) / share))


class Support:
    """The support of the training rows, in the metric of :class:`Munge`.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    quantile : float
        Quantile of the distances from a training row to the nearest other: the limit of near rows.
    block_size : int
        Training rows, drawn at random, to which distances are measured.
    rng : RandomState
    """

    def __init__(
        self, X: Table, quantile: float, block_size: int, rng: np.random.RandomState
    ) -> None:
        table = read_table(X, exact=True)
        self._kinds, self._space = table.kinds, MetricSpace(table, rng)
        # With many equal rows, any distance above 0 would be far.
        unique = np.unique(self._space.points(table.numbers, self._space.codes), axis=0)
        block = unique[rng.permutation(len(unique))[:block_size]]
        self._index = index_of(block)
        self._limit = 0.0
        if len(block) > 1:
            distance, _ = self._index.kneighbors()  # without X, never to the row itself
            # Rows drawn may be stored in single precision.
            self._limit = np.quantile(distance, quantile) + 1e-6

    def excess(self, X: Table) -> FloatArray:
        """Distance of each row beyond the limit; 0 or less for near rows."""
        points = self._space.points_of(read_table(X, kinds=self._kinds))
        distance, _ = self._index.kneighbors(points)
        return distance[:, 0] - self._limit
