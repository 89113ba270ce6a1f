"""What objectives on a hidden layer of teacher and student have in common."""

from typing import Any, ClassVar, Literal

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator

from skdistill._utils._compat import StrOptions
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill._utils.warn import warn
from skdistill.objectives._objective import Batch, Objective
from skdistill.task import Task
from skdistill.teacher import NETS, is_net, read_layer

SMALLEST = 1e-12
# Of an answer whose logarithm is taken: a forest's may be 0.
LEAST_PROBABILITY = 1e-4
# Added to a variance, as batch normalisation does.
EPSILON = 1e-5


class LayerObjective(Objective):
    """Base of the terms that hold a hidden layer of the student against one of the teacher."""

    _parameter_constraints: ClassVar[dict] = {
        **Objective._parameter_constraints,
        "layer": [str],
        "student_layer": [str],
    }

    def __init__(
        self,
        layer: str = "penultimate",
        student_layer: str = "penultimate",
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
    ):
        super().__init__(weight=weight, decay=decay)
        self.layer = layer
        self.student_layer = student_layer

    @property
    def student_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """The one that was named."""
        return (self.student_layer,)

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Some teacher must be a net; see :meth:`Objective.check_fit`."""
        check_nets(self, teachers)

    def teacher_view(self, teacher: Estimator, X: Table) -> FloatArray | None:
        """The layer of the nets among the teachers; see :meth:`Objective.teacher_view`."""
        return flat(read_layer(teacher, X, self.layer))

    def _own_features(self, batch: Batch) -> torch.Tensor:
        """The student's layer, a vector a row."""
        layer = batch.layers[self.student_layer]
        if batch.logits.requires_grad and not layer.requires_grad:
            raise ValueError(
                f"`student_layer={self.student_layer!r}` is the student's input, which cannot "
                "learn: name a later layer, or give the student another hidden layer."
            )
        return flat(layer)

    def _their_features(self, batch: Batch) -> torch.Tensor:
        """What `teacher_view` gave, of the dtype of the student's layer."""
        assert batch.view is not None  # `teacher_view` always gives one
        return batch.view.to(batch.layers[self.student_layer].dtype)


class RelationObjective(LayerObjective):
    """Base of the terms that hold relations between rows against those of the teacher."""

    _parameter_constraints: ClassVar[dict] = {
        **LayerObjective._parameter_constraints,
        "of": [StrOptions({"auto", "layer", "probabilities"})],
    }

    def __init__(
        self,
        of: Literal["auto", "layer", "probabilities"] = "auto",
        layer: str = "penultimate",
        student_layer: str = "penultimate",
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
    ):
        super().__init__(layer, student_layer, weight, decay)
        self.of = of

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Relations of probabilities need three classes; see :meth:`Objective.check_fit`."""
        if self.asks_teacher(teachers):
            check_nets(self, teachers)
            return
        kind = type(self).__name__
        if not task.has_classes or task.n_outputs < 3:
            what = "two classes" if task.has_classes else "numbers"
            raise ValueError(
                f"`{kind}` on the teacher's answers says nothing that the response does not say of "
                f"{what}: give a teacher that is a net ({NETS}); got {kinds_of(teachers)}."
            )

    def asks_teacher(self, teachers: list[tuple[str, Estimator]]) -> bool:
        """For layers, and not for answers; see :meth:`Objective.asks_teacher`."""
        return self.of == "layer" or (self.of == "auto" and any(is_net(one) for _, one in teachers))

    def teacher_view(self, teacher: Estimator, X: Table) -> FloatArray | None:
        """The layer of the nets, or None; see :meth:`Objective.teacher_view`."""
        parts = [] if teacher is None else list(teacher.named_estimators_.items())
        if self.asks_teacher(parts):
            return super().teacher_view(teacher, X)
        return None

    def _their_features(self, batch: Batch) -> torch.Tensor:
        """The layer, or centred log-probabilities: out of fold where the soft targets are."""
        if batch.view is not None:
            return super()._their_features(batch)
        assert batch.soft is not None  # an objective is given them
        logs = batch.soft.to(batch.logits.dtype).clamp_min(LEAST_PROBABILITY).log()
        return logs - logs.mean(dim=1, keepdim=True)


def check_nets(objective: Objective, teachers: list[tuple[str, Estimator]]) -> None:
    """Raise a ValueError where no teacher is a net; warn of those that are none."""
    kind = type(objective).__name__
    others = [(name, one) for name, one in teachers if not is_net(one)]
    if len(others) == len(teachers):
        raise ValueError(
            f"`{kind}` needs a teacher that is a net ({NETS}); got {kinds_of(teachers)}."
        )
    if others:
        warn(
            f"`{kind}` reads the nets among the teachers alone: no hidden layer is known of "
            f"{[name for name, _ in others]}."
        )


def kinds_of(teachers: list[tuple[str, Estimator]]) -> str:
    """What teachers there are, for an error message."""
    bare = [one.estimator if isinstance(one, FrozenEstimator) else one for _, one in teachers]
    return ", ".join(type(one).__name__ for one in bare) or "soft targets alone"


def centred_logs(probabilities: FloatArray) -> FloatArray:
    """Log-probabilities whose mean over the classes is 0: logits, up to what softmax ignores."""
    logs = np.log(np.maximum(probabilities, SMALLEST))
    return logs - logs.mean(axis=1, keepdims=True)


def flat(values: Any) -> Any:
    """One vector a row."""
    return values if values.ndim == 2 else values.reshape(len(values), -1)


def shares(weight: torch.Tensor) -> torch.Tensor:
    """The weights of a batch, with a sum of 1."""
    return weight / weight.sum().clamp_min(SMALLEST)


def standardized(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Columns with mean 0 and variance 1 over the rows of a batch, by their weights."""
    share = shares(weight)
    centred = values - share @ values
    return centred * (share @ centred.square() + EPSILON).rsqrt()
