"""LeafHint: a hidden layer of the student tells what the trees of the teacher know of a row."""

from numbers import Integral
from typing import ClassVar, Literal

import torch

from skdistill._utils._compat import Interval, StrOptions
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.objectives._layer_objective import flat, kinds_of
from skdistill.objectives._objective import Batch, Objective
from skdistill.objectives._tree_features import (
    LeafEmbedding,
    LeafValues,
    MarginPath,
    TreeFeatures,
)
from skdistill.task import Task
from skdistill.teacher import has_trees, trees_of

TREES = (
    "a forest, extra trees, a decision tree, a bagging of trees, a booster of scikit-learn, "
    "xgboost, LightGBM or catboost; alone or inside a Pipeline, a vote, a stack or a calibration"
)
_FEATURES: dict[str, type[TreeFeatures]] = {
    "margin_path": MarginPath,
    "leaf_values": LeafValues,
    "leaf_embedding": LeafEmbedding,
}


class LeafHint(Objective):
    r"""A hidden layer of the student, through a linear projector, tells what the trees know.

    .. math:: \frac{1}{d} \sum_k (P h - f)_k^2

    for each row, with the student's layer h, the projector P, which is trained beside the student
    and dropped, and d features f of the trees. They are learned once, on the training rows, so that
    they mean the same for transfer rows; their mean square is 1.

    Parameters
    ----------
    of : {"margin_path", "leaf_values", "leaf_embedding"}, default="margin_path"
        The features. "margin_path": the answers after 16 shares of the trees, as principal
        components. "leaf_values": what each tree adds to the answer, as principal components.
        "leaf_embedding": the trees in four parts of equal length, and of each part a vector for
        each leaf, fitted so that a linear head of their sum tells what the part adds [1]_.
    n_components : int or None, default=32
        Number of features, at most. None keeps all components, or takes 20 for a part of the trees.
    student_layer : str, default="penultimate"
        What enters the student's last linear layer, or the name of a submodule, whose output it is.
    weight : float or "auto", default="auto"
        Factor of the term; see :class:`Objective`.
    decay : bool, default=True
        Whether the factor falls to 0 over the last third of the training.

    See Also
    --------
    Hint : The same for teachers that are nets.
    NeighbourhoodGraph : Rows that fall into the same leaves are near each other.

    Notes
    -----
    Of several teachers the features of all trees are put side by side; those without trees are left
    out. Each row costs a second answer of the trees, transfer rows too.

    The features are those of teachers that have seen the training rows, also with `cv`: labels out
    of fold are then of other trees than the hint.

    References
    ----------
    .. [1] Ke, Xu, Zhang, Bian and Liu (2019). DeepGBM: A Deep Learning Framework Distilled by GBDT
       for Online Prediction Tasks. https://doi.org/10.1145/3292500.3330858

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import GradientBoostingClassifier
    >>> from skdistill import DistilledClassifier, LeafHint, MLPStudent
    >>> X, y = load_iris(return_X_y=True)
    >>> booster = GradientBoostingClassifier(n_estimators=20, random_state=0)
    >>> clf = DistilledClassifier(
    ...     booster, MLPStudent((16,)), objectives=LeafHint(), transfer=None, random_state=0
    ... )
    >>> bool(clf.fit(X, y).score(X, y) > 0.9)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **Objective._parameter_constraints,
        "of": [StrOptions(set(_FEATURES))],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "student_layer": [str],
    }

    def __init__(
        self,
        of: Literal["margin_path", "leaf_values", "leaf_embedding"] = "margin_path",
        n_components: int | None = 32,
        student_layer: str = "penultimate",
        weight: float | Literal["auto"] = "auto",
        decay: bool = True,
    ):
        super().__init__(weight=weight, decay=decay)
        self.of = of
        self.n_components = n_components
        self.student_layer = student_layer

    @property
    def student_layers(self) -> tuple[str, ...]:  # type: ignore[override]
        """The one that was named."""
        return (self.student_layer,)

    def check_fit(self, teachers: list[tuple[str, Estimator]], task: Task) -> None:
        """Some teacher must be of trees; see :meth:`Objective.check_fit`."""
        check_trees(self, teachers)

    def fit_view(self, teacher: Estimator, X: Table) -> None:
        """Learn scale and components of the features; see :meth:`Objective.fit_view`."""
        trees = [one for part in teacher.estimators_ for one in trees_of(part)]
        self.features_ = _FEATURES[self.of](trees, self.n_components).fit(teacher.select(X))

    def teacher_view(self, teacher: Estimator, X: Table) -> FloatArray:
        """The features; see :meth:`Objective.teacher_view`."""
        return self.features_.transform(teacher.select(X))

    def make_module(self, batch: Batch) -> torch.nn.Module:
        """The projector; see :meth:`Objective.make_module`."""
        assert batch.view is not None  # `teacher_view` always gives one
        own = flat(batch.layers[self.student_layer])
        return torch.nn.Linear(own.shape[1], batch.view.shape[1])

    def loss(self, batch: Batch) -> torch.Tensor:
        """One value a row; see :meth:`Objective.loss`."""
        assert batch.view is not None
        told = self.module_(flat(batch.layers[self.student_layer]))
        return (told - batch.view).square().mean(dim=1)


def check_trees(objective: Objective, teachers: list[tuple[str, Estimator]]) -> None:
    """Raise a ValueError where no teacher is of trees."""
    if not any(has_trees(part) for _, part in teachers):
        raise ValueError(
            f"`{type(objective).__name__}` needs a teacher of trees; got {kinds_of(teachers)}. "
            f"Give {TREES}."
        )
