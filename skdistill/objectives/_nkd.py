"""Normalized knowledge distillation."""

from numbers import Real
from typing import ClassVar

import numpy as np
import torch

from skdistill._utils._compat import Interval
from skdistill._utils.types import FloatArray, IntArray
from skdistill.objectives._response import Response, refuse_two_classes
from skdistill.objectives._target_class import cross_entropy_of_others, target_classes
from skdistill.targets import scale_temperature


class NKD(Response):
    r"""Normalized distillation: the target class by the teacher's trust, the others by shares.

    .. math:: -p_y \log \mathrm{softmax}(z)_y
       - c \, T^2 \sum_{k \ne y} r_k \log \hat r_k

    r are the other classes' shares of what the target y leaves, of the teacher and, with a hat, of
    the student, softened by T. The target class is the label. Where there is none, it is the
    teacher's likeliest class.

    Parameters
    ----------
    others_weight : float, default=1.5
        The factor c, >= 0. The paper calls it gamma.
    floor : "auto" or float, default="auto"
        As in :class:`Hinton`.

    Raises
    ------
    ValueError
        At fit, for two classes: no second term is left, and the first asks for certainty.

    Notes
    -----
    The first term is no proper score: its best answer is certainty. So a fit without labels is
    refused, and the student needs the calibration that a fit with rows held out does by default.

    References
    ----------
    .. [1] Yang, Zeng, Li, Zhang, Yuan and Li (2023). From Knowledge Distillation to
       Self-Knowledge Distillation: A Unified Approach with Normalized Loss and Customized Soft
       Labels. https://doi.org/10.1109/ICCV51070.2023.01576

    Examples
    --------
    >>> from skdistill import NKD
    >>> NKD(others_weight=2.0)
    NKD(others_weight=2.0)
    """

    fixes_scale = False

    _parameter_constraints: ClassVar[dict] = {
        **Response._parameter_constraints,
        "others_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, others_weight: float = 1.5, floor: float | str = "auto"):
        super().__init__(floor=floor)
        self.others_weight = others_weight

    def for_classes(self, n_classes: int) -> "NKD":
        """Refuse two classes; see :meth:`Response.for_classes`."""
        refuse_two_classes(self, n_classes, "only a term is left that asks for certainty")
        return self

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
        """Softened probabilities, the target's own and its place; see :meth:`Response.prepare`."""
        places = target_classes(probabilities, labels)
        own = np.take_along_axis(probabilities, places[:, None], axis=1)
        return np.column_stack([scale_temperature(probabilities, temperature), own, places])

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Both terms of each row; see :meth:`Response.loss`."""
        soft, own, place = target[:, :-2], target[:, -2], target[:, -1:].long()
        sure = -own * torch.log_softmax(logits, dim=1).gather(1, place)[:, 0]
        others = cross_entropy_of_others(logits / temperature, soft, place)
        return sure + self.others_weight * temperature**2 * others
