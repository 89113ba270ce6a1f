"""Near: rows far from the data are dropped."""

from numbers import Real
from typing import ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from skdistill._utils._compat import Interval, safe_indexing
from skdistill.table import is_frame, read_table
from skdistill.transfer._base import (
    AT_LEAST_TWO,
    TransferSampler,
    check_source_weights,
    sample_by_weight,
)
from skdistill.transfer._given import GivenRows
from skdistill.transfer._space import MetricSpace, index_of

# Rows drawn for each that is asked for, before it is an error.
MOST_DRAWN = 10


class Near(TransferSampler):
    """Drop the rows of a sampler that are far from the data, and draw others in their place.

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

    def __init__(self, sampler, quantile=0.99, block_size=10_000):
        self.sampler = sampler
        self.quantile = quantile
        self.block_size = block_size

    @property
    def size(self):
        """New rows for each training row, as the sampler says."""
        return self.sampler.size

    @property
    def weight(self):
        """Weight of a row, as the sampler says."""
        return self.sampler.weight

    def check_parameters(self):
        """Raise a ValueError or TypeError for a parameter that is not valid."""
        if not isinstance(self.sampler, TransferSampler) or isinstance(self.sampler, GivenRows):
            raise TypeError(
                f"`sampler` must be a TransferSampler that draws rows, got {self.sampler!r}: give "
                "for instance Munge()."
            )
        self.sampler.check_parameters()
        self._validate_params()

    def sample(self, X, n, random_state=None, sample_weight=None):
        """Draw `n` rows; see :meth:`TransferSampler.sample`."""
        self.check_parameters()
        rng = check_random_state(random_state)
        table = read_table(X, exact=True)
        space = MetricSpace(table, rng)
        sample_weight = check_source_weights(sample_weight, len(table.numbers))
        index, limit = self._fit_index(space.points(table.numbers, space.codes), rng)
        parts, n_kept, n_drawn = [self.sampler.sample(X, 0, random_state=rng)], 0, 0
        weights = [np.empty(0)]
        while n_kept < n:
            if n_drawn >= MOST_DRAWN * n:
                raise ValueError(
                    f"Only {n_kept} of {n_drawn} rows of {self.sampler} are as near to the data "
                    f"as `quantile={self.quantile}` asks for, but {n} are needed: raise "
                    "`quantile`, or take a sampler that stays nearer."
                )
            n_next = min(self._missing(n, n_kept, n_drawn), MOST_DRAWN * n - n_drawn)
            drawn, weight = sample_by_weight(self.sampler, X, n_next, rng, sample_weight)
            points = space.points_of(read_table(drawn, kinds=table.kinds))
            distance, _ = index.kneighbors(points)
            near = np.flatnonzero(distance[:, 0] <= limit)[: n - n_kept]
            parts.append(safe_indexing(drawn, near))
            weights.append(weight[near])
            n_kept, n_drawn = n_kept + len(near), n_drawn + n_next
        return _stack(parts) if sample_weight is None else (_stack(parts), np.concatenate(weights))

    def _missing(self, n, n_kept, n_drawn):
        """Rows to draw next, by the share that was kept so far."""
        share = n_kept / n_drawn if n_kept else 1.0
        return int(np.ceil(1.1 * (n - n_kept) / share))

    def _fit_index(self, points, rng):
        """The index of training rows, and the largest distance to them that is near."""
        # Equal rows would make any distance but 0 far.
        unique = np.unique(points, axis=0)
        block = unique[rng.permutation(len(unique))[: self.block_size]]
        index = index_of(block)
        if len(block) == 1:
            return index, 0.0
        distance, _ = index.kneighbors()  # without X, never to the row itself
        # Rows drawn may be stored in single precision.
        return index, np.quantile(distance, self.quantile) + 1e-6


def _stack(parts):
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(parts, ignore_index=True)
    if is_frame(parts[0]):
        return nw.concat([nw.from_native(one) for one in parts]).to_native()
    return np.concatenate(parts)
