"""The rows that stand for those that are gone."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import Estimator, FloatArray, IntArray, Table
from skdistill.loops._replay import Replay
from skdistill.table import stack_tables


@dataclass(frozen=True)
class ReplayPool:
    """Rows that stand for those of all steps so far.

    Attributes
    ----------
    X : array or DataFrame of shape (n_pool, n_features), or None
        None where there are no rows.
    proba : ndarray of shape (n_pool, n_classes)
        What the student told of them in the step in which they were drawn.
    labels : ndarray of shape (n_pool,)
        The likeliest class; of stored rows their label.
    classes : ndarray of shape (n_classes,)
    count : ndarray of shape (n_classes,)
        Weight of the rows of each class that they stand for.
    """

    X: Any
    proba: FloatArray
    labels: np.ndarray
    classes: np.ndarray
    count: FloatArray

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def empty(cls, classes: np.ndarray) -> "ReplayPool":
        """One that stands for nothing yet."""
        n = len(classes)
        return cls(None, np.empty((0, n)), classes[:0], classes, np.zeros(n))

    def for_classes(self, classes: np.ndarray, old_weight: float) -> "ReplayPool":
        """The same among more classes, with less weight."""
        proba = placed(self.proba, self.classes, classes)
        (count,) = placed(self.count[None] * old_weight, self.classes, classes)
        return replace(self, proba=proba, classes=classes, count=count)

    @property
    def weights(self) -> FloatArray:
        """Weights of the rows, by which each class weighs what it stands for."""
        code = np.searchsorted(self.classes, self.labels)
        n_rows = np.bincount(code, minlength=len(self.classes))
        return (self.count / np.maximum(n_rows, 1))[code]

    @property
    def forgotten(self) -> list[Any]:
        """Classes that rows were seen of, and none is here for."""
        is_here = np.isin(self.classes, self.labels)
        return self.classes[(self.count > 0) & ~is_here].tolist()

    def remember(
        self,
        X: Table,
        y: np.ndarray,
        weight: FloatArray,
        student: Estimator,
        replay: Replay,
        rng: np.random.RandomState,
    ) -> "ReplayPool":
        """One that stands for more rows as well: each row so far has its share of it."""
        code = np.searchsorted(self.classes, y)
        count = self.count + np.bincount(code, weight, len(self.classes))
        share = round(replay.n_rows * weight.sum() / count.sum())
        n_new = min(replay.n_rows, max(share, len(np.unique(y))))  # a row of each class, if few
        parts = self._part(replay.n_rows - n_new, rng)
        if n_new:
            drawn, labels = replay.draw(X, y, weight, n_new, rng)
            if num_samples(drawn):
                proba = student.predict_proba(drawn)
                labels = student.classes_[proba.argmax(axis=1)] if labels is None else labels
                parts.append((drawn, proba, labels))
        if not parts:
            return replace(ReplayPool.empty(self.classes), count=count)
        tables, answers, firsts = zip(*parts, strict=True)
        rows = stack_tables(list(tables)), np.concatenate(answers), np.concatenate(firsts)
        return ReplayPool(*rows, self.classes, count)

    def _part(self, n: int, rng: np.random.RandomState) -> list[tuple[Any, ...]]:
        """At most `n` of the rows, drawn at random."""
        rows: IntArray = np.sort(rng.permutation(len(self))[:n])
        if not len(rows):
            return []
        return [(safe_indexing(self.X, rows), self.proba[rows], self.labels[rows])]


def placed(proba: FloatArray, own: np.ndarray, classes: np.ndarray) -> FloatArray:
    """Columns of their own classes among all classes, with 0 for the others."""
    wide = np.zeros((len(proba), len(classes)))
    wide[:, np.searchsorted(classes, own)] = proba
    return wide
