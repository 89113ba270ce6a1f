"""NeighbourhoodGraph: rows that the teacher finds alike are near in a layer of the student."""

from numbers import Integral, Real
from typing import ClassVar, Literal

import numpy as np
import torch

from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import Estimator, IntArray, Table
from skdistill.objectives._layer_objective import flat, kinds_of, shares
from skdistill.objectives._leaf_hint import TREES, check_trees
from skdistill.objectives._objective import Batch, Objective
from skdistill.task import Task
from skdistill.teacher import has_trees, trees_of

SMALLEST = 1e-12
# How much less alike than the last neighbour a row may be, for rounding.
ROUNDING = 1e-6


class NeighbourhoodGraph(Objective):
    r"""Rows that the teacher finds alike are near each other in a layer of the student.

    .. math:: \frac{\sum_i w_i \sum_j S_{ij} \lVert h_i - h_j \rVert^2}
                   {\sum_i w_i \sum_j v_j \lVert h_i - h_j \rVert^2}

    over the rows of a batch, with their weights w, which sum to 1 as v, and the student's layer h:
    the Laplacian of the graph [1]_, measured by the spread of all rows, so that a small layer is no
    better than a large one. :math:`S_{ij}` is how alike the teacher finds two rows, times
    :math:`v_j`; it is 0 but for the nearest, and each row of S sums to 1. A row is near itself, so
    that one without others near it is pulled nowhere.

    Parameters
    ----------
    of : {"auto", "leaves", "probabilities"}, default="auto"
        What the teacher finds alike. "leaves": rows of which many trees say the same, by the share
        of the trees in which both fall into one leaf. "probabilities": rows with like probabilities
        p, by :math:`\sum_k \sqrt{p_{ik} p_{jk}}` at temperature 1. "auto" takes leaves where a
        teacher is of trees.
    share : float, default=0.1
        Share of the batch, by weight, that are a row's nearest, itself included; more where several
        are equally near.
    n_trees : int, default=64
        Trees that are asked at most, evenly spaced among all.
    student_layer : str, default="penultimate"
        What enters the student's last linear layer, or the name of a submodule, whose output it is.
    weight : float or "auto", default="auto"
        Factor of the term; see :class:`Objective`.
    decay : bool, default=True
        Whether the factor falls to 0 over the last third of the training.

    See Also
    --------
    LeafHint : What the trees say of each row by itself.

    Notes
    -----
    With two classes, probabilities lie on a line: a graph of them says nothing that the response
    does not say, and neither does one of predicted numbers. Such a fit needs a teacher of trees.

    References
    ----------
    .. [1] Belkin and Niyogi (2003). Laplacian Eigenmaps for Dimensionality Reduction and Data
       Representation. https://doi.org/10.1162/089976603321780317

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, MLPStudent, NeighbourhoodGraph
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(50, random_state=0)
    >>> clf = DistilledClassifier(
    ...     forest, MLPStudent((16,)), objectives=NeighbourhoodGraph(), transfer=None,
    ...     random_state=0,
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    reduction = "batch"
    _parameter_constraints: ClassVar[dict] = {
        **Objective._parameter_constraints,
        "of": [StrOptions({"auto", "leaves", "probabilities"})],
        "share": [Interval(Real, 0, 1, closed="right")],
        "n_trees": [Interval(Integral, 1, None, closed="left")],
        "student_layer": [str],
    }

    def __init__(
        self,
        of: Literal["auto", "leaves", "probabilities"] = "auto",
        share: float = 0.1,
        n_trees: int = 64,
        student_layer: str = "penultimate",
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
    ):
        super().__init__(weight=weight, decay=decay)
        self.of = of
        self.share = share
        self.n_trees = n_trees
        self.student_layer = student_layer

    @property
    def student_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """The one that was named."""
        return (self.student_layer,)

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Trees, or three classes and more; see :meth:`Objective.check_fit`."""
        if self.asks_teacher(teachers):
            check_trees(self, teachers)
        elif not task.has_classes or task.n_outputs < 3:
            what = "two classes" if task.has_classes else "numbers"
            raise ValueError(
                "`NeighbourhoodGraph` of probabilities says nothing that the response does not say "
                f"of {what}: leave `of` at 'auto' and give a teacher of trees ({TREES}); got "
                f"{kinds_of(teachers)}."
            )

    def asks_teacher(self, teachers: list[tuple[str, Estimator]]) -> bool:
        """For leaves, and not for answers; see :meth:`Objective.asks_teacher`."""
        is_auto = self.of == "auto" and any(has_trees(one) for _, one in teachers)
        return self.of == "leaves" or is_auto

    def teacher_view(self, teacher: Estimator, X: Table) -> IntArray | None:
        """The leaves of some trees; see :meth:`Objective.teacher_view`."""
        if teacher is None or not self.asks_teacher(list(teacher.named_estimators_.items())):
            return None
        trees = [one for part in teacher.estimators_ for one in trees_of(part)]
        leaves = np.hstack([one.leaves(teacher.select(X)) for one in trees])
        n_trees = min(self.n_trees, leaves.shape[1])
        taken = np.linspace(0, leaves.shape[1] - 1, n_trees).round().astype(int)
        return leaves[:, taken]

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value of all pairs; see :meth:`Objective.loss`."""
        layer = flat(batch.layers[self.student_layer])
        share = shares(batch.weight).to(layer.dtype)
        graph = self._graph(self._alike(batch).to(layer.dtype), share)
        squares = layer.square().sum(dim=1)
        gaps = squares[:, None] + squares - 2 * layer @ layer.T
        pulled, spread = share @ (graph * gaps).sum(dim=1), share @ gaps @ share
        return batch.weight.mean() * pulled / spread.clamp_min(SMALLEST)

    def _alike(self, batch: Batch) -> torch.Tensor:
        """How alike the teacher finds each two rows, from 0 to 1."""
        if batch.view is None:
            assert batch.soft is not None  # where no trees are asked, there are probabilities
            roots = batch.soft.sqrt()
            return roots @ roots.T
        leaves = batch.view.double()
        return 1 - torch.cdist(leaves, leaves, p=0) / leaves.shape[1]

    def _graph(self, alike: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        """The weights of the edges: of each row those to its nearest."""
        sorted_, order = alike.sort(dim=1, descending=True)
        is_before = share[order].cumsum(dim=1) < self.share - ROUNDING
        last = is_before.sum(dim=1, keepdim=True).clamp_max(len(share) - 1)
        is_near = alike >= sorted_.gather(1, last) - ROUNDING
        edges = alike * is_near * share
        return edges / edges.sum(dim=1, keepdim=True).clamp_min(SMALLEST)
