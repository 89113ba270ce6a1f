"""Distillation from a stronger teacher, by correlations."""

from numbers import Real
from typing import ClassVar, Literal

import torch

from skdistill._utils._compat import Interval
from skdistill._utils.types import FloatArray, IntArray
from skdistill.objectives._response import Response
from skdistill.targets import scale_temperature

# Keeps a correlation with a constant finite: it is 0 then.
TINY = 1e-8


class DIST(Response):
    r"""Correlations of the student's probabilities with the teacher's, in rows and in columns.

    .. math:: T^2 \left[ a \left(1 - \overline{\rho(\hat p_{i \cdot}, p_{i \cdot})}\right)
       + c \left(1 - \overline{\rho(\hat p_{\cdot k}, p_{\cdot k})}\right) \right]

    with Pearson's correlation :math:`\rho`, of the probabilities of a row i, and of those of a
    class k over the rows of a batch; the bars are means over rows and over classes. Both sides are
    softened by the temperature T.

    The rows of two probabilities are always wholly correlated, so that for two classes the second
    term alone is left. Correlations do not tell how large a logit is. The labels and the
    calibration do: a fit without labels is refused.

    Parameters
    ----------
    row_weight : float, default=1.0
        The factor a, >= 0. The paper calls it beta.
    column_weight : float, default=1.0
        The factor c, >= 0. The paper calls it gamma.
    floor : "auto" or float, default="auto"
        As in :class:`Hinton`.

    Notes
    -----
    It is made for a teacher that is much stronger than the student can be.

    References
    ----------
    .. [1] Huang, You, Wang, Qian and Xu (2022). Knowledge Distillation from A Stronger Teacher.
       https://doi.org/10.48550/arXiv.2205.10536

    Examples
    --------
    >>> from skdistill import DIST
    >>> DIST(column_weight=2.0)
    DIST(column_weight=2.0)
    """

    reduction: Literal["row", "batch"] = "batch"
    fixes_scale = False

    _parameter_constraints: ClassVar[dict] = {
        **Response._parameter_constraints,
        "row_weight": [Interval(Real, 0, None, closed="left")],
        "column_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, row_weight: float = 1.0, column_weight: float = 1.0, floor: float | str = "auto"
    ):
        super().__init__(floor=floor)
        self.row_weight = row_weight
        self.column_weight = column_weight

    def needs_floor(self, temperature: float) -> bool:
        """Only a temperature other than 1 takes them; see :meth:`Response.needs_floor`."""
        return temperature != 1

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """Soften the probabilities; see :meth:`Response.prepare`."""
        return scale_temperature(probabilities, temperature)

    def batch_loss(
        self,
        logits: torch.Tensor,
        target: torch.Tensor,
        temperature: float,
        weight: torch.Tensor,
    ) -> torch.Tensor:
        """Both terms of a batch; see :meth:`Response.batch_loss`."""
        p = torch.softmax(logits / temperature, dim=1)
        n_rows, n_classes = p.shape
        value = self.column_weight * weight.mean() * (1 - _by_column(p, target, weight).mean())
        if n_classes > 2:
            even = torch.ones_like(p[0])
            rows = 1 - _by_column(p.t(), target.t(), even)
            value = value + self.row_weight * torch.dot(weight, rows) / n_rows
        return temperature**2 * value


def _by_column(left: torch.Tensor, right: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation of each column of two matrices, with weights of the rows."""
    share = (weight / weight.sum())[:, None]
    left, right = (one - (share * one).sum(dim=0) for one in (left, right))
    both = (share * left * right).sum(dim=0)
    norms = [(share * one.square()).sum(dim=0) for one in (left, right)]
    return both / (norms[0] * norms[1] + TINY**2).sqrt()
