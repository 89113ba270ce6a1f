"""Samplers without neighbours: Mixup and Marginals."""

from typing import ClassVar

import numpy as np
from sklearn.utils import check_random_state

from skdistill._utils.types import ArrayLike, FloatArray, IntArray, RandomState, Table
from skdistill.table import Columns, mix_rows, read_table
from skdistill.transfer._base import (
    POSITIVE,
    Drawn,
    TransferSampler,
    check_source_weights,
    draw_passes,
    fit_to_seen,
    own_sources,
    rows_by_weight,
)
from skdistill.transfer._context import TransferContext


class Mixup(TransferSampler):
    """Mixup: rows between two training rows, drawn at random.

    A number is ``l a + (1 - l) b``, with one l for each row, drawn from ``Beta(alpha, alpha)``. A
    category, or a number that is missing in one of the two, is that of the first with probability
    l. Whole numbers are rounded.

    The paper mixes the labels too. Here the teacher labels the new row, as with every sampler.

    Parameters
    ----------
    size : float, default=8.0
        New rows for each training row.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.
    alpha : float, default=1.0
        The smaller, the closer a new row is to one of the two. With 1 it is anywhere between them.

    References
    ----------
    .. [1] Zhang, Cisse, Dauphin and Lopez-Paz (2018). mixup: Beyond Empirical Risk Minimization.
       https://doi.org/10.48550/arXiv.1710.09412

    Examples
    --------
    >>> from skdistill import Mixup
    >>> Mixup().sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0).shape
    (4, 2)
    """

    reads_cells = True
    _parameter_constraints: ClassVar[dict] = {
        **TransferSampler._parameter_constraints,
        "alpha": [POSITIVE],
    }

    def __init__(self, size: float = 8.0, weight: float = 1.0, alpha: float = 1.0) -> None:
        super().__init__(size=size, weight=weight)
        self.alpha = alpha

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

        def one_pass() -> tuple[FloatArray, IntArray]:
            return self._one_pass(table, source_weight, rng)

        return draw_passes(X, table, one_pass, n, rng, source_weight)

    def _one_pass(
        self, table: Columns, sample_weight: FloatArray | None, rng: np.random.RandomState
    ) -> tuple[FloatArray, IntArray]:
        mine, sources = table.numbers, own_sources(table)
        other = _second_rows(len(mine), sample_weight, rng)
        share = rng.beta(self.alpha, self.alpha, size=(len(mine), 1))
        theirs = mine[other]
        numbers = fit_to_seen(theirs + share * (mine - theirs), mine)
        missing = np.isnan(numbers)
        is_mine = rng.random_sample(mine.shape) < share
        numbers[missing] = np.where(is_mine, mine, theirs)[missing]
        is_mine = rng.random_sample(sources.shape) < share
        return numbers, np.where(is_mine, sources, other[:, None])


class Marginals(TransferSampler):
    """Each column drawn on its own: the baseline for other samplers.

    Each column keeps its distribution, but the dependence between columns is lost. Bucila et al.
    call it RANDOM and find it worse than rows near the data. It is a baseline: if it is as good as
    other samplers, nearness to the data does not help the student.

    Parameters
    ----------
    size : float, default=8.0
        New rows for each training row.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.

    References
    ----------
    .. [1] Bucila, Caruana and Niculescu-Mizil (2006). Model Compression.
       https://doi.org/10.1145/1150402.1150464

    Examples
    --------
    >>> from skdistill import Marginals
    >>> Marginals().sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0).shape
    (4, 2)
    """

    reads_cells = True

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
        n_rows, n_numbers = table.numbers.shape
        source_weight = check_source_weights(sample_weight, n_rows)
        rows = _cells(n_rows, (n, n_numbers), source_weight, rng)
        sources = _cells(n_rows, (n, len(table.categories)), source_weight, rng)
        drawn = mix_rows(X, table, table.numbers[rows, np.arange(n_numbers)], sources)
        return drawn if source_weight is None else (drawn, np.full(n, source_weight.mean()))


def _second_rows(
    n_rows: int, sample_weight: FloatArray | None, rng: np.random.RandomState
) -> IntArray:
    """The second row of each pair; weighted rows are drawn by weight."""
    if sample_weight is not None:
        return rows_by_weight(n_rows, sample_weight, rng)
    # A cycle through all rows: each is the second of a pair once, and never its own partner.
    order = rng.permutation(n_rows)
    other = np.empty(n_rows, dtype=int)
    other[order] = np.roll(order, 1)
    return other


def _cells(
    n_rows: int,
    shape: tuple[int, int],
    sample_weight: FloatArray | None,
    rng: np.random.RandomState,
) -> IntArray:
    """For each cell, the row that it is taken from."""
    if sample_weight is None:
        return rng.randint(n_rows, size=shape)
    return rng.choice(n_rows, size=shape, p=sample_weight / sample_weight.sum())
