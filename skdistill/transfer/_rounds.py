"""Rounds: new rows drawn during the training of the student."""

from numbers import Integral
from typing import ClassVar

from sklearn.utils import check_random_state

from skdistill._utils._compat import Interval, num_samples
from skdistill._utils.types import ArrayLike, RandomState, Table
from skdistill.transfer._base import Drawn, TransferSampler, check_source_weights, draw_rows
from skdistill.transfer._context import TransferContext
from skdistill.transfer._meta import MetaSampler


class Rounds(MetaSampler):
    """Draw by another sampler several times in a training, not only before it.

    The epochs of the training are divided into `n_rounds` equal shares, and rows are drawn and
    labelled at the start of each. So the student sees more different rows than it holds at a time,
    and a sampler that asks the student, by its `context`, can follow what it has learned. Each
    round costs the labels of its rows.

    Parameters
    ----------
    sampler : TransferSampler
        Draws the rows; its `size` and `weight` hold.
    n_rounds : int, default=4
        Number of draws in a training, including the first, before it starts.
    replace : bool, default=True
        Whether the rows of a round replace the sampler's earlier rows. If False, they are added,
        and each round draws `size` / `n_rounds` rows for each training row.

    References
    ----------
    .. [1] Beyer, Zhai, Royer, Markeeva, Anil and Kolesnikov (2022). Knowledge distillation: A good
       teacher is patient and consistent: long training on views that are always new.
       https://doi.org/10.1109/CVPR52688.2022.01065

    Examples
    --------
    >>> from skdistill import Munge, Rounds
    >>> Rounds(Munge()).sample([[0, 5], [1, 6], [9, 9]], n=4, random_state=0).shape
    (4, 2)
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "replace": ["boolean"],
    }

    def __init__(self, sampler: TransferSampler, n_rounds: int = 4, replace: bool = True) -> None:
        super().__init__(sampler)
        self.n_rounds = n_rounds
        self.replace = replace

    def sample(
        self,
        X: Table,
        n: int,
        random_state: RandomState = None,
        sample_weight: ArrayLike | None = None,
        *,
        context: TransferContext | None = None,
    ) -> Drawn:
        """Draw the `n` rows of one round; see :meth:`TransferSampler.sample`."""
        self.check_parameters()
        rng = check_random_state(random_state)
        source_weight = check_source_weights(sample_weight, num_samples(X))
        drawn, weight = draw_rows(self.sampler, X, n, rng, source_weight, context)
        return drawn if source_weight is None else (drawn, weight)
