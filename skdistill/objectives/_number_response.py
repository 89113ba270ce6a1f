"""The responses of numbers: how the student's means or quantiles are held against the teacher's."""

from numbers import Real
from typing import ClassVar

import torch

from skdistill._utils._compat import Interval
from skdistill._utils.types import FloatArray, IntArray
from skdistill.objectives._response import Response


class SquaredError(Response):
    r"""Mean squared distance of the student's numbers and the teacher's.

    .. math:: \frac{1}{K} \sum_k (q_k - Q_k)^2

    with the student's q and the teacher's Q: means, one a target, or the quantiles of one target.
    Of quantiles at levels in equal steps it is the squared Wasserstein distance of the two
    distributions, up to the steps [1]_. Both are on the scale that the student learns on.

    References
    ----------
    .. [1] Villani (2009). Optimal Transport: Old and New.
       https://doi.org/10.1007/978-3-540-71050-9
    """

    _parameter_constraints: ClassVar[dict] = {}
    floor = "auto"

    def __init__(self) -> None:
        pass

    def needs_floor(self, temperature: float) -> bool:
        """Numbers need none; see :meth:`Response.needs_floor`."""
        return False

    def blends(self, temperature: float) -> bool:
        """A squared error does; see :meth:`Response.blends`."""
        return type(self).loss is SquaredError.loss

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """The teacher's numbers as they are; see :meth:`Response.prepare`."""
        return probabilities

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Squared distance of each row; see :meth:`Response.loss`."""
        return (logits - target).square().mean(dim=1)

    def loss_and_gradient(
        self, logits: torch.Tensor, target: torch.Tensor, temperature: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same in closed form; see :meth:`Response.loss_and_gradient`."""
        if not self.blends(temperature):
            return super().loss_and_gradient(logits, target, temperature)
        apart = logits - target
        return apart.square().mean(dim=1), apart * (2 / apart.shape[1])


class Huber(SquaredError):
    r"""As :class:`SquaredError`, but distances above `delta` count linearly.

    .. math:: \frac{1}{K} \sum_k h(q_k - Q_k), \quad h(d) = d^2 \text{ for } |d| \le \delta,
       \text{ else } 2 \delta |d| - \delta^2

    Parameters
    ----------
    delta : float, default=1.0
        In standard deviations of the (transformed) target.

    References
    ----------
    .. [1] Huber (1964). Robust Estimation of a Location Parameter.
       https://doi.org/10.1214/aoms/1177703732
    """

    _parameter_constraints: ClassVar[dict] = {"delta": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Huber's distance of each row; see :meth:`Response.loss`."""
        apart = (logits - target).abs()
        near = apart.clamp(max=self.delta)
        return (near * (2 * apart - near)).mean(dim=1)

    def loss_and_gradient(
        self, logits: torch.Tensor, target: torch.Tensor, temperature: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same in closed form; see :meth:`Response.loss_and_gradient`."""
        if type(self).loss is not Huber.loss:
            return super().loss_and_gradient(logits, target, temperature)
        gradient = (logits - target).clamp(-self.delta, self.delta) * (2 / logits.shape[1])
        return self.loss(logits, target, temperature), gradient
