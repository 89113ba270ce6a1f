"""FromTrees: rows that fill the leaves of the teacher's trees like the training rows."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skdistill._utils._compat import Interval
from skdistill._utils.types import Estimator, FloatArray
from skdistill.transfer._data_free import DataFreeSampler, check_trees
from skdistill.transfer._domain import Domain
from skdistill.transfer._raking import RakedTree
from skdistill.transfer._schema import TableSchema

if TYPE_CHECKING:
    from skdistill.teacher import TreeStructure


class FromTrees(DataFreeSampler):
    """Rows without data, from the training rows that a forest or booster has counted in its leaves.

    A tree stores the number of training rows in each of its nodes. The rows start evenly between
    the thresholds of all trees. Then trees are taken in random order. If a leaf holds more rows
    than its share of the training rows, some are moved to leaves that hold fewer. A moved row gets
    the columns on the path to its new leaf from a row in that leaf, or, if the leaf is empty,
    values drawn between its thresholds. This is iterative proportional fitting [1]_, by rows. It
    restores what many trees agree on: marginals, and the dependence between columns.

    Trees after steps that mix columns, such as PCA, cannot be read. XGBoost stores sums of
    Hessians instead of counts: rows that the booster is sure of then weigh less.

    Parameters
    ----------
    schema : TableSchema, default=None
        Ranges, levels and shares of missing values. None takes them from X, or without any, from
        the thresholds and categories that the teacher knows; nothing is missing then.
    class_prior : "balanced", dict, array-like of shape (n_classes,) or None, default=None
        Shares of the classes, as predicted by the teacher, in the drawn rows: rows of
        too frequent classes are dropped. None drops no rows.
    n_steps : int, default=600
        Number of steps, one tree each; no tree is used twice before each was used once.
    size : float, default=8.0
        New rows for each training row, in a fit.
    weight : float, default=1.0
        Weight of a sampled row relative to a training row.

    See Also
    --------
    FromSchema : Rows from ranges and levels alone.
    TableSchema : Ranges and levels.

    References
    ----------
    .. [1] Csiszar (1975). I-Divergence Geometry of Probability Distributions and Minimization
       Problems. https://doi.org/10.1214/aop/1176996454
    .. [2] Watson, Blesch, Kapar and Wright (2023). Adversarial Random Forests for Density
       Estimation and Generative Modeling: rows drawn from the leaves of a forest.
       https://doi.org/10.48550/arXiv.2205.09435

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import FromTrees
    >>> forest = RandomForestClassifier(20, random_state=0).fit(*load_iris(return_X_y=True))
    >>> FromTrees().rows(forest, 500, random_state=0).shape
    (500, 4)
    """

    _parameter_constraints: ClassVar[dict] = {
        **DataFreeSampler._parameter_constraints,
        "n_steps": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        schema: TableSchema | None = None,
        class_prior: Any = None,
        n_steps: int = 600,
        size: float = 8.0,
        weight: float = 1.0,
    ) -> None:
        super().__init__(schema=schema, class_prior=class_prior, size=size, weight=weight)
        self.n_steps = n_steps

    def check_teacher(self, parts: list[tuple[str, Any]]) -> None:
        """Raise a ValueError if no teacher has trees; see :meth:`TransferSampler.check_teacher`."""
        check_trees("FromTrees", parts)

    def _structure(self, teacher: Estimator) -> TreeStructure:
        from skdistill.teacher import tree_structure

        return tree_structure(teacher, "FromTrees")

    def _draw(
        self,
        teacher: Estimator,
        structure: TreeStructure | None,
        domain: Domain,
        n: int,
        rng: np.random.RandomState,
    ) -> FloatArray:
        if structure is None:
            raise ValueError(
                "`FromTrees` needs the fitted teacher: give "
                "`context=TransferContext(teacher=...)`, or call `rows(teacher, n)`."
            )
        rows = domain.at(rng.random_sample((n, len(domain.levels))))
        trees = [tree for tree in structure.trees if len(tree.feature) > 1]
        order: list[int] = []
        for _ in range(self.n_steps):
            order = order or rng.permutation(len(trees)).tolist()
            RakedTree(trees[order.pop()], domain).rake(rows, rng)
        return rows
