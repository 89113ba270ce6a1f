"""Logit standardization."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from skdistill._utils.types import FloatArray, IntArray
from skdistill.objectives._response import Response, refuse_two_classes
from skdistill.targets import scale_temperature

# Of the authors' code: keeps a row of equal logits finite.
TINY = 1e-7


class StandardizedLogits(Response):
    r"""Hinton's loss of logits that have a mean of 0 and a deviation of 1 in each row.

    .. math:: T^2 \, \mathrm{CE}(\mathrm{softmax}(\tilde t / T), \mathrm{softmax}(\tilde z / T)),
       \quad \tilde v = (v - \bar v) / (\sigma_v + \epsilon)

    of the teacher's log-probabilities t and the student's logits z. The student matches the order
    and the spacing of the classes, not how large the logits are. The labels and the calibration
    tell that: a fit without labels is refused.

    Parameters
    ----------
    floor : "auto" or float, default="auto"
        Lowest probability of a teacher whose resolution is not known; see
        :class:`~skdistill.TeacherPool`.

    Raises
    ------
    ValueError
        At fit, for two classes: every row would be the same two numbers.

    Notes
    -----
    The paper distils at ``temperature=2`` and weighs this term 9 and the labels 0.1.

    References
    ----------
    .. [1] Sun, Ren, Li, Wang and Cao (2024). Logit Standardization in Knowledge Distillation.
       https://doi.org/10.1109/CVPR52733.2024.01489

    Examples
    --------
    >>> from skdistill import StandardizedLogits
    >>> StandardizedLogits()
    StandardizedLogits()
    """

    fixes_scale = False

    def for_classes(self, n_classes: int) -> "StandardizedLogits":
        """Refuse two classes; see :meth:`Response.for_classes`."""
        refuse_two_classes(self, n_classes, "every row would be the same two numbers")
        return self

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """Soften the standardized logits; see :meth:`Response.prepare`."""
        logs = np.log(probabilities)
        with_unit = np.exp(_standardize(logs, logs.std(axis=1, ddof=1, keepdims=True)))
        return scale_temperature(with_unit / with_unit.sum(axis=1, keepdims=True), temperature)

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Cross-entropy of each row; see :meth:`Response.loss`."""
        with_unit = _standardize(logits, logits.std(dim=1, keepdim=True))
        return temperature**2 * F.cross_entropy(with_unit / temperature, target, reduction="none")


def _standardize(values: Any, deviation: Any) -> Any:
    return (values - values.mean(1)[:, None]) / (deviation + TINY)
