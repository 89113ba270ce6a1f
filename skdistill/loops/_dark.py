"""Dark experience replay: stored rows keep their labels, and the logits that they had."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch

from skdistill._utils._compat import Interval
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.loops._replay import StoredRows, places_among
from skdistill.objectives import Batch, Objective


class DarkExperience(StoredRows):
    r"""Replay stored rows with their labels, and hold the student to the logits that they had.

    To the loss of the labels, DER++ [1]_ adds of each stored row

    .. math:: \frac{w}{K} \sum_k (z_k - z'_k)^2

    with the student's logits z, those z' that were stored with the row, both with a mean of 0, and
    the K classes that were known when it was stored. The stored logits are those of the calibrated
    answers.

    Parameters
    ----------
    n_rows : int, default=200
        Rows that are kept, of all steps together.
    weight : float, default=0.5
        w, beside the labels of the stored rows. With 0 the labels alone are replayed.

    See Also
    --------
    StoredRows : The same rows, whose old answers are soft targets.

    Notes
    -----
    What is learned of a row, and what that is in the paper, with ``alpha=1.0`` and
    ``transfer=None`` of the estimator:

    =============  ============================  ===========================================
    row            here                          in the paper
    =============  ============================  ===========================================
    new            its label                     its label
    stored         its label, as often as the    its label, :math:`\beta` times
                   rows it stands for
    stored         its logits, `weight` times    its logits, :math:`\alpha` times
                   that
    =============  ============================  ===========================================

    So `weight` is :math:`\alpha / \beta`, and `old_weight` of the estimator changes :math:`\beta`.
    With another ``alpha``, new rows follow the teacher of the step as well, and stored rows their
    old answers.

    References
    ----------
    .. [1] Buzzega, Boschini, Porrello, Abati and Calderara (2020). Dark Experience for General
       Continual Learning: a Strong, Simple Baseline. https://doi.org/10.48550/arXiv.2004.07211

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import ContinualClassifier, DarkExperience, DistilledClassifier
    >>> student = DistilledClassifier(RandomForestClassifier(), alpha=1.0, transfer=None)
    >>> clf = ContinualClassifier(student, DarkExperience(n_rows=500))
    """

    _parameter_constraints: ClassVar[dict] = {
        **StoredRows._parameter_constraints,
        "weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, n_rows: int = 200, weight: float = 0.5) -> None:
        super().__init__(n_rows)
        self.weight = weight

    def objectives(
        self, old: Estimator, classes: np.ndarray, pool: Any
    ) -> list[tuple[str, Objective]]:
        """The term on the rows of the pool; see :meth:`Replay.objectives`."""
        if not len(pool):
            return []
        return [("stored_logits", StoredLogits(pool.X, pool.proba, self.weight))]


class StoredLogits(Objective):
    """Squared distance from the logits that some rows had.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_stored, n_features)
    proba : ndarray of shape (n_stored, n_classes)
        What was told of them; 0 of a class that was not known.
    weight : float, default=1.0
    """

    def __init__(self, X: Table, proba: FloatArray, weight: float = 1.0) -> None:
        super().__init__(weight)
        self.X = X
        self.proba = proba

    def teacher_view(self, teacher: Estimator, X: Table) -> np.ndarray:
        """Logits of the rows that are stored; NaN for other rows and unknown classes."""
        known = np.where(self.proba > 0, self.proba, np.nan)
        places = places_among(self.X, X)
        view = np.log(known)[places]
        view[places < 0] = np.nan
        return view.astype(np.float32)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Squared distance of each row, both sides with a mean of 0."""
        assert batch.view is not None  # `teacher_view` always gives one
        is_known = ~batch.view.isnan()
        n_known = is_known.sum(dim=1, keepdim=True).clamp_min(1)
        apart = torch.where(is_known, batch.logits - batch.view.nan_to_num(), 0.0)
        centred = apart - apart.sum(dim=1, keepdim=True) / n_known
        return (centred.square() * is_known).sum(dim=1) / n_known[:, 0]
