"""Logit matching."""

import numpy as np
import torch

from skdistill._utils.types import FloatArray, IntArray
from skdistill.objectives._response import Response


class LogitMatching(Response):
    r"""Squared distance of the centred logits.

    .. math:: \frac{1}{K s^2} \sum_k \left( (z_k - \bar z) - (t_k - \bar t) \right)^2

    with the student's logits z, the teacher's log-probabilities t, their means over the K classes,
    and one deviation s of all the teacher's centred logits, so that the term has the same size for
    every teacher. Hinton's loss tends to it, up to a factor, as the temperature grows [2]_. A
    `temperature` has no meaning for it.

    Parameters
    ----------
    floor : "auto" or float, default="auto"
        Lowest probability of a teacher whose resolution is not known; see
        :class:`~skdistill.TeacherPool`. A forest's logits end there.

    References
    ----------
    .. [1] Ba and Caruana (2014). Do Deep Nets Really Need to be Deep?
       https://doi.org/10.48550/arXiv.1312.6184
    .. [2] Hinton, Vinyals and Dean (2015). Distilling the Knowledge in a Neural Network.
       https://doi.org/10.48550/arXiv.1503.02531

    Examples
    --------
    >>> from skdistill import LogitMatching
    >>> LogitMatching(floor=1e-4)
    LogitMatching(floor=0.0001)
    """

    uses_temperature = False

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """Centred logits and their deviation; see :meth:`Response.prepare`."""
        logs = np.log(probabilities)
        logs -= logs.mean(axis=1, keepdims=True)
        variance = np.average((logs**2).mean(axis=1), weights=sample_weight)
        deviation = variance**0.5 if variance > 0 else 1.0
        return np.column_stack([logs, np.full(len(logs), deviation)])

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Squared distance of each row; see :meth:`Response.loss`."""
        centred = logits - logits.mean(dim=1, keepdim=True)
        apart = (centred - target[:, :-1]) / target[:, -1:]
        return apart.square().mean(dim=1)
