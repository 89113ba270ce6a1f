"""AttentionTransfer: where teacher and student look."""

from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch.nn import functional as F

from skdistill._utils._compat import Interval
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.objectives._layer_objective import LayerObjective
from skdistill.objectives._objective import Batch
from skdistill.teacher import read_layer


class AttentionTransfer(LayerObjective):
    r"""The student looks where the teacher looks: maps of the size of their activations.

    .. math:: \frac{1}{m} \left\| \frac{a}{\|a\|} - \frac{b}{\|b\|} \right\|^2, \quad
       a_j = \sum_c A_{jc}^2

    for each row, with the student's activations A at m positions in several channels, and b of the
    teacher's. Both layers are named, and have as many positions: the tokens of a transformer, for
    instance, one a column of the table. A layer may give attention weights themselves, as
    ``torch.nn.Identity`` that a module puts them through; the heads are channels then.

    Parameters
    ----------
    layer : str
        Name of a submodule of the teacher, whose output has more than two axes.
    student_layer : str
        Name of a submodule of the student.
    channel_axis : int, default=-1
        Axis of the channels, of both layers: the last one for tokens of a transformer, 1 for
        convolutions and for heads.
    weight : float or "auto", default="auto"
        Factor of the term; see :class:`Objective`.
    decay : bool, default=True
        Whether the factor falls to 0 over the last third of the training.

    References
    ----------
    .. [1] Zagoruyko and Komodakis (2017). Paying More Attention to Attention: Improving the
       Performance of Convolutional Neural Networks via Attention Transfer.
       https://doi.org/10.48550/arXiv.1612.03928

    Examples
    --------
    >>> import torch
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import AttentionTransfer, DistilledClassifier, TorchTeacher
    >>> class Tokens(torch.nn.Module):
    ...     def __init__(self, n_inputs, n_outputs, width=4):
    ...         super().__init__()
    ...         self.tokens = torch.nn.Linear(1, width)
    ...         self.out = torch.nn.Linear(n_inputs * width, n_outputs)
    ...     def forward(self, X):
    ...         return self.out(torch.relu(self.tokens(X[:, :, None])).flatten(1))
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     TorchTeacher(Tokens(4, 3, width=16)), Tokens, encoder="passthrough", random_state=0,
    ...     objectives=AttentionTransfer("tokens", "tokens"), transfer=None,
    ... )
    >>> clf.fit(X.astype("float32"), y).predict_proba(X).shape
    (150, 3)
    """

    _parameter_constraints: ClassVar[dict] = {
        **LayerObjective._parameter_constraints,
        "channel_axis": [Interval(Integral, None, None, closed="neither")],
    }

    def __init__(
        self,
        layer: str,
        student_layer: str,
        channel_axis: int = -1,
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
    ):
        super().__init__(layer, student_layer, weight, decay)
        self.channel_axis = channel_axis

    def teacher_view(self, teacher: Estimator, X: Table) -> FloatArray:
        """The teacher's map; see :meth:`Objective.teacher_view`."""
        found = torch.from_numpy(read_layer(teacher, X, self.layer))
        return np.asarray(self._map("layer", self.layer, found))

    def make_module(self, batch: Batch) -> None:
        """None, but maps of different sizes are refused; see :meth:`Objective.make_module`."""
        own, theirs = self._own_map(batch), self._their_features(batch)
        if own.shape != theirs.shape:
            raise ValueError(
                f"`AttentionTransfer` needs maps of one size, but `layer={self.layer!r}` of the "
                f"teacher has {theirs.shape[1]} positions and `student_layer="
                f"{self.student_layer!r}` {own.shape[1]}: name other layers, or set `channel_axis`."
            )

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value a row; see :meth:`Objective.loss`."""
        return (self._own_map(batch) - self._their_features(batch)).square().mean(dim=1)

    def _own_map(self, batch: Batch) -> torch.Tensor:
        return self._map("student_layer", self.student_layer, batch.layers[self.student_layer])

    def _map(self, parameter: str, name: str, layer: torch.Tensor) -> torch.Tensor:
        """Where a layer is active: one vector of length 1 a row."""
        axis: Any = self.channel_axis % layer.ndim
        if layer.ndim < 3 or axis == 0:
            raise ValueError(
                f"`{parameter}={name!r}` of `AttentionTransfer` must give arrays of more than two "
                f"axes, with channels in axis {self.channel_axis}, got shape {tuple(layer.shape)}: "
                "of vectors, `Hint` is the term."
            )
        return F.normalize(layer.square().sum(dim=axis).flatten(1), dim=1)
