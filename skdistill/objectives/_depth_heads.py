"""DepthHeads: heads at lower layers of the student, which learn of its answer and are dropped."""

from numbers import Real
from typing import ClassVar, Literal

import torch
from torch.nn import functional as F

from skdistill._utils._compat import Interval
from skdistill._utils.types import Estimator
from skdistill.objectives._layer_objective import flat
from skdistill.objectives._objective import Batch, Objective
from skdistill.task import Task

DEEPEST = "penultimate"


class DepthHeads(Objective):
    r"""Heads at lower layers learn the labels and the student's own answer, and are dropped.

    The deepest part of the student teaches the parts below it [1]_. To each layer of `layers` a
    small net is attached, which makes of it features f and logits z of the classes. They are asked
    for

    .. math:: \alpha \, \mathrm{CE}(y, z) + (1 - \alpha) \, T^2 \, \mathrm{KL}(q_T \| p_T)
        + \frac{\beta}{d} \lVert f - h \rVert^2

    with the label y, the student's own answer q and that of the head p, both at temperature T, and
    the d units h that enter the student's last layer. The student's answer is a target here: no
    gradient goes through q and h. The term is the sum over the heads. A row without a label has the
    teacher's probabilities in place of y.

    The heads are gone after the training: the student that is served is as small as without them.
    A default student of two hidden layers has one layer below its last. Of two tables, that head
    helped on one; on the other, seeds disagreed (``make bench-loops``). So compare.

    Parameters
    ----------
    layers : tuple of str, default=("antepenultimate",)
        Layers of the student that get a head. "antepenultimate" is what enters the linear layer
        before the last; others are named as in :class:`Hint`: of a default student of three hidden
        layers, "first" gives what the first one tells of numbers.
    alpha : float, default=0.9
        Weight of the labels of the heads, beside the student's own answer; in [0, 1].
    temperature : float, default=3.0
        T > 0.
    feature_weight : float, default=0.05
        :math:`\beta`, >= 0.
    weight : float or "auto", default=1.0
        Factor of the term; see :class:`Objective`.
    decay : bool, default=False
        Whether the factor falls to 0 over the last third of the training.

    References
    ----------
    .. [1] Zhang, Song, Gao, Chen, Bao and Ma (2019). Be Your Own Teacher: Improve the Performance
       of Convolutional Neural Networks via Self Distillation.
       https://doi.org/10.1109/ICCV.2019.00381

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DepthHeads, DistilledClassifier, MLPStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(), MLPStudent((16, 8), n_steps=200), objectives=DepthHeads()
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **Objective._parameter_constraints,
        "layers": [tuple, list],
        "alpha": [Interval(Real, 0, 1, closed="both")],
        "temperature": [Interval(Real, 0, None, closed="neither")],
        "feature_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        layers: tuple[str, ...] = ("antepenultimate",),
        alpha: float = 0.9,
        temperature: float = 3.0,
        feature_weight: float = 0.05,
        weight: float | Literal["auto"] = 1.0,
        decay: bool = False,
    ):
        super().__init__(weight=weight, decay=decay)
        self.layers = layers
        self.alpha = alpha
        self.temperature = temperature
        self.feature_weight = feature_weight

    @property
    def student_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the heads, and the deepest."""
        return (*self.layers, DEEPEST)

    def check_parameters(self) -> None:
        """There must be a layer below the deepest; see :meth:`Objective.check_parameters`."""
        super().check_parameters()
        if not self.layers or DEEPEST in self.layers:
            raise ValueError(
                f"`layers={self.layers!r}` of DepthHeads must name layers below {DEEPEST!r}, which "
                "the student's own answer is made of: give ('antepenultimate',)."
            )

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Classes; see :meth:`Objective.check_fit`."""
        if not task.has_classes:
            raise ValueError(
                f"`{self!r}` is for classes, and there are numbers to tell: leave it out."
            )

    def make_module(self, batch: Batch) -> torch.nn.Module:
        """A head a layer; see :meth:`Objective.make_module`."""
        n_features, n_classes = flat(batch.layers[DEEPEST]).shape[1], batch.logits.shape[1]
        heads = []
        for name in self.layers:
            own = flat(batch.layers[name])
            if _is_input(own, batch.inputs):
                raise ValueError(
                    f"the layer {name!r} of `layers` of DepthHeads is what enters the student: a "
                    "head there teaches it nothing. Give a student of two hidden layers at least."
                )
            features = torch.nn.Linear(own.shape[1], n_features)
            heads.append(
                torch.nn.ModuleDict(
                    {"features": features, "logits": torch.nn.Linear(n_features, n_classes)}
                )
            )
        return torch.nn.ModuleList(heads)

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value a row; see :meth:`Objective.loss`."""
        deepest = flat(batch.layers[DEEPEST]).detach()
        answer = torch.log_softmax(batch.logits.detach() / self.temperature, dim=1)
        target = _labels_or_soft(batch)
        rows = torch.zeros_like(answer[:, 0])
        for name, head in zip(self.layers, self.module_, strict=True):
            features = torch.relu(head["features"](flat(batch.layers[name])))
            logits = head["logits"](features)
            logs = torch.log_softmax(logits / self.temperature, dim=1)
            divergence = (answer.exp() * (answer - logs)).sum(dim=1)
            rows = rows + self.alpha * F.cross_entropy(logits, target, reduction="none")
            rows = rows + (1 - self.alpha) * self.temperature**2 * divergence
            rows = rows + self.feature_weight * (features - deepest).square().mean(dim=1)
        return rows


def _labels_or_soft(batch: Batch) -> torch.Tensor:
    """Probabilities to learn: sure ones of a label; without a label, the teacher's."""
    certain = F.one_hot(batch.labels.clamp_min(0), batch.logits.shape[1]).to(batch.logits.dtype)
    if batch.soft is None:
        return certain * (batch.labels >= 0)[:, None]
    return torch.where((batch.labels >= 0)[:, None], certain, batch.soft.to(certain.dtype))


def _is_input(layer: torch.Tensor, inputs: torch.Tensor) -> bool:
    """Whether a layer is the first columns of the rows themselves."""
    rows = inputs.flatten(1)
    n_columns = layer.shape[1]
    return n_columns <= rows.shape[1] and torch.equal(layer.to(rows.dtype), rows[:, :n_columns])
