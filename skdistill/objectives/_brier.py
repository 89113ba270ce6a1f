"""Brier's score of the teacher's probabilities."""

from typing import ClassVar

import torch

from skdistill._utils.types import FloatArray, IntArray
from skdistill.objectives._response import Response


class Brier(Response):
    r"""Squared distance of the probabilities.

    .. math:: \sum_k \left( \mathrm{softmax}(z)_k - p_k \right)^2

    with the student's logits z and the teacher's probabilities p. It is bounded: a teacher that is
    wrong and sure of it does less harm than by a cross-entropy. A `temperature` has no meaning for
    it.

    References
    ----------
    .. [1] Brier (1950). Verification of Forecasts Expressed in Terms of Probability.
       https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Examples
    --------
    >>> from skdistill import Brier
    >>> Brier()
    Brier()
    """

    uses_temperature = False
    floor = "auto"

    _parameter_constraints: ClassVar[dict] = {}

    def __init__(self) -> None:
        pass

    def needs_floor(self, temperature: float) -> bool:
        """No; see :meth:`Response.needs_floor`."""
        return False

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """The teacher's probabilities as they are; see :meth:`Response.prepare`."""
        return probabilities

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Squared distance of each row; see :meth:`Response.loss`."""
        return (torch.softmax(logits, dim=1) - target).square().sum(dim=1)
