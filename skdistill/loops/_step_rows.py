"""The rows of a later step: those of the pool, and new ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import FloatArray, IntArray, Table
from skdistill.loops._pool import ReplayPool
from skdistill.table import stack_tables


@dataclass(frozen=True)
class StepRows:
    """Rows to learn from in a step: those that are replayed, then the new ones."""

    X: Table
    y: np.ndarray
    weight: FloatArray
    n_replayed: int

    def take(self, rows: IntArray) -> dict[str, Any]:
        """Some of them, as arguments of a fit."""
        return {
            "X": safe_indexing(self.X, rows),
            "y": self.y[rows],
            "sample_weight": self.weight[rows],
        }


def mixed(pool: ReplayPool, X: Table, y: np.ndarray, weight: FloatArray) -> StepRows:
    """The pool, each class with the weight that it had, and the new rows.

    Raises
    ------
    ValueError
        If X comes in another container than the pool.
    """
    if not len(pool):
        return StepRows(X, y, weight, 0)
    if type(pool.X) is not type(X):
        raise ValueError(
            f"X is {_container(X)}, and the rows of the steps before came as {_container(pool.X)}: "
            "give all steps the same."
        )
    labels, weight = np.concatenate([pool.labels, y]), np.concatenate([pool.weights, weight])
    return StepRows(stack_tables([pool.X, X]), labels, weight, len(pool))


def _container(X: Table) -> str:
    """The class of a table, by which two of the same name are told apart."""
    return f"{type(X).__module__.partition('.')[0]}.{type(X).__name__}"
