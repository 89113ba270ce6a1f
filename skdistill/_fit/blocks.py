"""Blocks of rows on their way to the student."""

from dataclasses import dataclass

import numpy as np

from skdistill._utils._compat import num_samples, safe_indexing

NO_LABEL = -1


@dataclass
class Block:
    """Rows as the teacher takes them, with what the student is to learn of them.

    Attributes
    ----------
    X : array-like or DataFrame of shape (n_rows, n_features)
    labels : ndarray of shape (n_rows,)
        Code of each label, NO_LABEL where there is none.
    weight : ndarray of shape (n_rows,)
    soft : ndarray of shape (n_rows, n_classes) or None
        Soft targets at temperature 1; None for validation rows the user gave.
    groups : ndarray of shape (n_rows,) or None, default=None
        Rows of one group depend on each other.
    is_answer : ndarray of bool of shape (n_rows,) or None, default=None
        Of rows labelled out of fold: False where the label took the place of an answer.
    """

    X: object
    labels: np.ndarray
    weight: np.ndarray
    soft: np.ndarray | None
    groups: np.ndarray | None = None
    is_answer: np.ndarray | None = None

    @classmethod
    def unlabelled(cls, X, weight, soft):
        """Rows without labels; `weight` is a number or one a row."""
        n_rows = num_samples(X)
        return cls(X, np.full(n_rows, NO_LABEL), np.full(n_rows, weight), soft)

    @property
    def is_labelled(self):
        return bool((self.labels != NO_LABEL).all())

    def shares(self, n_classes, alpha):
        """Weight of each class in what the student learns, `alpha` of it from labels."""
        soft = np.zeros((len(self.labels), n_classes)) if self.soft is None else self.soft
        known = np.flatnonzero(self.labels != NO_LABEL)
        hard = np.bincount(
            self.labels[known], weights=alpha * self.weight[known], minlength=n_classes
        )
        return (1 - alpha) * (self.weight @ soft) + hard

    def take(self, rows):
        """The block of some of the rows."""
        optional = self.soft, self.groups, self.is_answer
        optional = [None if one is None else one[rows] for one in optional]
        return Block(safe_indexing(self.X, rows), self.labels[rows], self.weight[rows], *optional)

    def weighty(self):
        """The block of the rows that weigh anything: the others change nothing."""
        return self if self.weight.all() else self.take(np.flatnonzero(self.weight))
