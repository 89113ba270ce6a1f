"""Decoupled knowledge distillation."""

from numbers import Real
from typing import ClassVar

import numpy as np
import torch
from torch.nn import functional as F

from skdistill._utils._compat import Interval
from skdistill._utils.types import FloatArray, IntArray
from skdistill.objectives._response import Hinton
from skdistill.objectives._target_class import cross_entropy_of_others, target_classes
from skdistill.targets import scale_temperature


class DKD(Hinton):
    r"""Decoupled distillation: how sure the teacher is, and what it takes for the runner-up.

    .. math:: T^2 \left[ a \, \mathrm{CE}(b, \hat b) + c \, \mathrm{CE}(r, \hat r) \right]

    b are the teacher's probabilities of the target class and of all others together; r are the
    others' shares of what is left. Hats are the student's; all are softened by the temperature T.
    In Hinton's loss the second term weighs :math:`1 - p_y`, so a sure teacher says little of the
    other classes. Here it always counts.

    The target class is the label. Where there is none, it is the teacher's likeliest class. Two
    classes leave no second term: the loss is then :class:`Hinton`'s, times `target_weight`.

    Parameters
    ----------
    target_weight : float, default=1.0
        The factor a, > 0. The paper calls it alpha.
    others_weight : float, default=8.0
        The factor c, >= 0. The paper calls it beta, and takes 1 to 9.
    floor : "auto" or float, default="auto"
        As in :class:`Hinton`.

    Notes
    -----
    The paper distils at ``temperature=4``. It is made for many classes, a sure teacher and few
    rows.

    References
    ----------
    .. [1] Zhao, Cui, Song, Qiu and Liang (2022). Decoupled Knowledge Distillation.
       https://doi.org/10.1109/CVPR52688.2022.01165

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DKD, DistilledClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(20), response=DKD(), temperature=4.0, random_state=0
    ... )
    >>> clf.fit(X, y).predict(X[:3])
    array([0, 0, 0])
    """

    _parameter_constraints: ClassVar[dict] = {
        **Hinton._parameter_constraints,
        "target_weight": [Interval(Real, 0, None, closed="neither")],
        "others_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, target_weight: float = 1.0, others_weight: float = 8.0, floor: float | str = "auto"
    ):
        super().__init__(floor=floor)
        self.target_weight = target_weight
        self.others_weight = others_weight

    def for_classes(self, n_classes: int) -> Hinton:
        """Hinton's loss for two classes; see :meth:`Response.for_classes`."""
        is_hinton = n_classes == 2 and self.target_weight == 1
        return Hinton(floor=self.floor) if is_hinton else self

    def prepare(
        self,
        probabilities: FloatArray,
        temperature: float,
        sample_weight: FloatArray | None = None,
        labels: IntArray | None = None,
    ) -> FloatArray:
        """Softened probabilities, and the place of the target; see :meth:`Response.prepare`."""
        places = target_classes(probabilities, labels)
        return np.column_stack([scale_temperature(probabilities, temperature), places])

    def loss(self, logits: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
        """Both terms of each row; see :meth:`Response.loss`."""
        soft, place = target[:, :-1], target[:, -1:].long()
        logs = torch.log_softmax(logits / temperature, dim=1)
        # Of all others together, by what is left: a difference of 1 would lose its digits.
        left = logs.scatter(1, place, -torch.inf).logsumexp(dim=1)
        p = soft.gather(1, place)[:, 0]
        pair = torch.stack([logs.gather(1, place)[:, 0], left], dim=1)
        sure = F.cross_entropy(pair, torch.stack([p, 1 - p], dim=1), reduction="none")
        others = cross_entropy_of_others(logits / temperature, soft, place)
        return temperature**2 * (self.target_weight * sure + self.others_weight * others)
