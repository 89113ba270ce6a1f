"""The trees in a teacher, stage by stage: the leaf of each row, and its contribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skdistill._utils.types import Estimator, FloatArray, IntArray, Table
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._leaf_readers import TreeReader, reader_of

_SEVERAL = (VotingClassifier, VotingRegressor, StackingClassifier, StackingRegressor)


class Trees:
    """The trees of one fitted model.

    Parameters
    ----------
    reader : TreeReader
    steps : callable
        The steps before the model in a pipeline.

    Attributes
    ----------
    n_stages : int
        Trees of a forest, or rounds of a booster.
    """

    def __init__(self, reader: TreeReader, steps: Callable[[Table], Table]) -> None:
        self._reader = reader
        self._steps = steps
        self.n_stages = reader.n_stages

    def margins(self, X: Table, ends: Sequence[int]) -> FloatArray:
        """The answer of the model after some of its stages, without the link of a booster.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        ends : sequence of int
            Numbers of stages, from 1 to `n_stages`, in ascending order.

        Returns
        -------
        ndarray of shape (n_samples, n_ends, n_outputs)
            The last of all stages is the model's own answer: the logit of a booster, the
            probabilities of a forest.
        """
        return self._reader.margins(self._steps(X), ends)

    def leaf_values(self, X: Table) -> FloatArray:
        """The contribution of each stage: the value of the leaf of a row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_stages, n_outputs)
            The sum over the stages is the model's own answer; a booster's initial answer is in the
            first.
        """
        margins = self.margins(X, range(1, self.n_stages + 1))
        return np.diff(margins, axis=1, prepend=0)

    def leaves(self, X: Table) -> IntArray:
        """A number for the leaf of each tree that a row falls into.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_trees)
            Equal where two rows fall into one leaf.
        """
        return self._reader.leaves(self._steps(X))


def trees_of(estimator: Estimator) -> list[Trees]:
    """The trees of a fitted teacher, of each model in it that is made of trees.

    Parameters
    ----------
    estimator : object
        A forest, a booster, a decision tree or a bagging of these; alone, at the end of a Pipeline,
        frozen, or part of a vote, a stack, a calibration, a search or a transformed target.

    Returns
    -------
    list of Trees
        Empty if there are none.
    """
    return _trees_of(estimator, _as_it_is)


def has_trees(estimator: Estimator) -> bool:
    """Whether a teacher, fitted or not, has :func:`trees_of` once it is fitted."""
    if isinstance(estimator, Pipeline):
        return has_trees(estimator[-1])
    parts = _parts_of(estimator)
    if parts is None:
        return reader_of(estimator) is not None
    return any(has_trees(part) for part in parts)


def _trees_of(estimator: Estimator, steps: Callable[[Table], Table]) -> list[Trees]:
    if isinstance(estimator, Pipeline):
        return _trees_of(estimator[-1], _after(steps, estimator[:-1]))
    parts = _parts_of(estimator)
    if parts is not None:
        return [trees for part in parts for trees in _trees_of(part, steps)]
    reader = reader_of(estimator)
    return [] if reader is None else [Trees(reader(estimator), steps)]


def _parts_of(estimator: Estimator) -> list[Estimator] | None:
    """The models inside another, fitted if it is fitted; None if it is a single model."""
    if isinstance(estimator, FrozenEstimator):
        return [estimator.estimator]
    if isinstance(estimator, FittedTeacher):
        return [estimator.model]
    if isinstance(estimator, CalibratedClassifierCV):
        fitted = getattr(estimator, "calibrated_classifiers_", [estimator])
        return [one.estimator for one in fitted]
    if isinstance(estimator, TransformedTargetRegressor):
        return [getattr(estimator, "regressor_", estimator.regressor)]
    if isinstance(estimator, _SEVERAL):
        given = [part for _, part in estimator.estimators if not isinstance(part, str)]
        return list(getattr(estimator, "estimators_", given))
    if hasattr(estimator, "best_estimator_"):
        return [estimator.best_estimator_]
    if hasattr(estimator, "param_distributions") or hasattr(estimator, "param_grid"):
        return [estimator.estimator]
    return None


def _after(steps: Callable[[Table], Table], pipeline: Pipeline) -> Callable[[Table], Table]:
    def transform(X: Table) -> Any:
        return pipeline.transform(steps(X)) if len(pipeline) else steps(X)

    return transform


def _as_it_is(X: Table) -> Table:
    return X
