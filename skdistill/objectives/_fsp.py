"""FSP: how one layer goes with the next."""

from typing import ClassVar, Literal

import numpy as np
import torch

from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.objectives._layer_objective import check_nets, flat, shares, standardized
from skdistill.objectives._objective import Batch, Objective
from skdistill.task import Task
from skdistill.teacher import read_layer

# Widths of layers differ: each is projected on so many random directions.
N_DIRECTIONS = 32


class FSP(Objective):
    r"""Flow of the solution procedure: the products of two layers, on the mean of a batch.

    .. math:: \frac{1}{d^2} \|G - H\|_F^2, \quad G = \frac{1}{n} \sum_i w_i a_i b_i^\top

    with the student's layers a and b of the rows of a batch, and H of the teacher's. Each layer is
    projected on d = 32 directions, drawn once, since widths differ, and standardised over the
    batch, since scales do.

    Parameters
    ----------
    layers : tuple of two str, default=("antepenultimate", "penultimate")
        The teacher's, named as in :class:`Hint`. Of a net with one hidden layer, "antepenultimate"
        is what enters the net.
    student_layers : tuple of two str, default=("antepenultimate", "penultimate")
        The student's.
    weight : float or "auto", default="auto"
        Factor of the term; see :class:`Objective`.
    decay : bool, default=True
        Whether the factor falls to 0 over the last third of the training.

    References
    ----------
    .. [1] Yim, Joo, Bae and Kim (2017). A Gift from Knowledge Distillation: Fast Optimization,
       Network Minimization and Transfer Learning. https://doi.org/10.1109/CVPR.2017.754

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skdistill import DistilledClassifier, FSP, MLPStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((64, 64), max_iter=500, random_state=0)
    >>> clf = DistilledClassifier(
    ...     net, MLPStudent((8, 8)), objectives=FSP(), transfer=None, random_state=0
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    reduction = "batch"

    _parameter_constraints: ClassVar[dict] = {
        **Objective._parameter_constraints,
        "layers": [tuple, list],
        "student_layers": [tuple, list],
    }

    def __init__(
        self,
        layers: tuple[str, str] = ("antepenultimate", "penultimate"),
        student_layers: tuple[str, str] = ("antepenultimate", "penultimate"),
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
    ):
        super().__init__(weight=weight, decay=decay)
        self.layers = layers
        self.student_layers = student_layers

    def check_parameters(self) -> None:
        """Two layers on each side; see :meth:`Objective.check_parameters`."""
        super().check_parameters()
        for name in ("layers", "student_layers"):
            value = getattr(self, name)
            if len(value) != 2 or not all(isinstance(one, str) for one in value):
                raise ValueError(f"`{name}` must be the names of two layers, got {value!r}.")

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Some teacher must be a net; see :meth:`Objective.check_fit`."""
        check_nets(self, teachers)

    def teacher_view(self, teacher: Estimator, X: Table) -> FloatArray:
        """Both layers, projected; see :meth:`Objective.teacher_view`."""
        both = [flat(read_layer(teacher, X, name)) for name in self.layers]
        projected = [layer @ _directions(layer.shape[1], seed) for seed, layer in enumerate(both)]
        return np.stack(projected, axis=1).astype(np.float32)

    def make_module(self, batch: Batch) -> torch.nn.Module:
        """The directions of the student's layers; see :meth:`Objective.make_module`."""
        layers = [flat(batch.layers[name]) for name in self.student_layers]
        return torch.nn.ModuleList(
            _Projection(layer.shape[1], seed=2 + place) for place, layer in enumerate(layers)
        )

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value; see :meth:`Objective.loss`."""
        pairs = zip(self.student_layers, self.module_.children(), strict=True)
        first, last = (project(flat(batch.layers[name])) for name, project in pairs)
        assert batch.view is not None  # `teacher_view` always gives one
        view = batch.view.to(first.dtype)
        theirs = _flow(view[:, 0], view[:, 1], batch.weight)
        gap = (_flow(first, last, batch.weight) - theirs).square().mean()
        return batch.weight.mean() * gap


class _Projection(torch.nn.Module):
    """Projects on directions that stay as they are."""

    directions: torch.Tensor

    def __init__(self, width: int, seed: int) -> None:
        super().__init__()
        made = torch.as_tensor(_directions(width, seed), dtype=torch.float32)
        self.register_buffer("directions", made)

    def forward(self, layer: torch.Tensor) -> torch.Tensor:
        return layer @ self.directions


def _directions(width: int, seed: int) -> FloatArray:
    return np.random.RandomState(seed).standard_normal((width, N_DIRECTIONS))


def _flow(first: torch.Tensor, last: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The mean product of each unit of a layer with each of another."""
    left = standardized(first, weight) * shares(weight)[:, None]
    return left.t() @ standardized(last, weight)
