"""GivenRows: the weight of the rows of `X_transfer`."""

import numpy as np

from skdistill._utils.types import ArrayLike, RandomState, Table
from skdistill.table import mix_rows, read_table
from skdistill.transfer._base import Drawn, TransferSampler
from skdistill.transfer._context import TransferContext


class GivenRows(TransferSampler):
    """Draw no rows: only set the weight of the rows of `X_transfer`, also in a list of samplers.

    Parameters
    ----------
    weight : float, default=1.0
        Weight of a row of `X_transfer` relative to a training row.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(size=0.0, weight=weight)

    def sample(
        self,
        X: Table,
        n: int,
        random_state: RandomState = None,
        sample_weight: ArrayLike | None = None,
        *,
        context: TransferContext | None = None,
    ) -> Drawn:
        """Draw nothing: `n` must be 0; see :meth:`TransferSampler.sample`."""
        if n:
            raise ValueError(f"GivenRows draws no rows, but `n` is {n}.")
        table = read_table(X, exact=True)
        no_sources = np.empty((0, len(table.categories)), dtype=int)
        drawn = mix_rows(X, table, table.numbers[:0], no_sources)
        return drawn if sample_weight is None else (drawn, np.empty(0))
