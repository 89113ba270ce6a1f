"""Blocks of rows for the student."""

from dataclasses import dataclass, replace

import numpy as np

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import BoolArray, FloatArray, Table
from skdistill.task import Task


@dataclass
class Block:
    """Rows as the teacher takes them, with the targets of the student.

    Attributes
    ----------
    task : Task
    X : array-like or DataFrame of shape (n_rows, n_features)
    labels : ndarray of shape (n_rows, ...)
        As the task encodes them.
    weight : ndarray of shape (n_rows,)
    soft : ndarray of shape (n_rows, n_outputs) or None
        Soft targets at temperature 1; None for validation rows the user gave.
    groups : ndarray of shape (n_rows,) or None, default=None
        Rows of one group depend on each other.
    is_answer : ndarray of bool of shape (n_rows,) or None, default=None
        For rows labelled out of fold: False if the label replaced an answer.
    sampler : str or None, default=None
        Name of the sampler that drew the rows.
    """

    task: Task
    X: Table
    labels: np.ndarray
    weight: FloatArray
    soft: FloatArray | None
    groups: np.ndarray | None = None
    is_answer: BoolArray | None = None
    sampler: str | None = None

    @classmethod
    def unlabelled(
        cls,
        task: Task,
        X: Table,
        weight: float | FloatArray,
        soft: FloatArray,
        sampler: str | None = None,
    ) -> "Block":
        """Rows without labels; `weight` is a number or one a row."""
        n_rows = num_samples(X)
        labels, weight = task.unlabelled(n_rows), np.full(n_rows, weight)
        return cls(task, X, labels, weight, soft, sampler=sampler)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_labelled(self) -> bool:
        """Whether each row has a label."""
        return bool(self.task.known(self.labels).all())

    def take(self, rows: np.ndarray) -> "Block":
        """The block of some of the rows."""
        return replace(
            self,
            X=safe_indexing(self.X, rows),
            labels=self.labels[rows],
            weight=self.weight[rows],
            soft=None if self.soft is None else self.soft[rows],
            groups=None if self.groups is None else self.groups[rows],
            is_answer=None if self.is_answer is None else self.is_answer[rows],
        )

    def with_weight(self) -> "Block":
        """The block of the rows with a weight above 0: the others have no effect."""
        return self if self.weight.all() else self.take(np.flatnonzero(self.weight))
