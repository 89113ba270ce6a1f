"""The trees of a fitted teacher, in terms of the columns of X."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline

from skdistill._utils._compat import is_fitted
from skdistill._utils.types import BoolArray, Estimator, FloatArray, IntArray
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._fitted_pool import FittedPool
from skdistill.teacher._libraries import LibraryModel
from skdistill.teacher._tree_columns import SplitColumn, trace_columns
from skdistill.teacher._tree_readers import OwnTree, read_trees

_LISTS = (
    *(VotingClassifier, VotingRegressor, StackingClassifier, StackingRegressor),
    *(AdaBoostClassifier, AdaBoostRegressor),
)


@dataclass(frozen=True)
class Tree:
    """A binary tree; node 0 is its root, and a value that is known goes left or right.

    Attributes
    ----------
    feature : ndarray of int of shape (n_nodes,)
        Position of the column of X that a node splits on; -1 for a leaf.
    threshold : ndarray of shape (n_nodes,)
        Values up to it go left; NaN where a node is a leaf or splits by levels.
    left, right : ndarray of int of shape (n_nodes,)
        Children; -1 for a leaf.
    missing_left : ndarray of bool of shape (n_nodes,)
        Whether a missing value goes left.
    mass : ndarray of shape (n_nodes,)
        Training rows, or their weights, that came to a node.
    levels : dict of int to (frozenset, bool)
        For a node that splits by levels: some of them, and whether these go left; all others take
        the other side.
    """

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    missing_left: BoolArray
    mass: FloatArray
    levels: dict[int, tuple[frozenset[Any], bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class TreeStructure:
    """All trees of a teacher.

    Attributes
    ----------
    trees : list of Tree
    n_columns : int
        Columns of X.
    names : list or None
        Their names, where the teacher knows them.
    levels : dict of int to list
        For the columns of categories that the teacher knows: their levels.
    ranges : dict of int to (float, float)
        For columns of numbers, if the teacher has stored it: lowest and highest value.
    """

    trees: list[Tree]
    n_columns: int
    names: list[Any] | None
    levels: dict[int, list[Any]]
    ranges: dict[int, tuple[float, float]]

    def thresholds(self, position: int) -> FloatArray:
        """The thresholds in a column, in ascending order; one that is used twice is there twice."""
        found = [
            tree.threshold[(tree.feature == position) & np.isfinite(tree.threshold)]
            for tree in self.trees
        ]
        return np.sort(np.concatenate(found)) if found else np.empty(0)


def tree_structure(teacher: Estimator, asked_by: str) -> TreeStructure:
    """Read the trees of a fitted teacher, also inside wrappers.

    It reads trees, forests and boosters of scikit-learn, of XGBoost and LightGBM, and those of
    CatBoost that split on numbers only; in a pool, a Pipeline, a search, or an ensemble. They may
    come after a ColumnTransformer, scalers, imputers, and one-hot or ordinal encoders.

    Parameters
    ----------
    teacher : estimator or TeacherPool
        Fitted.
    asked_by : str
        The name of the caller, for messages.

    Returns
    -------
    TreeStructure

    Raises
    ------
    ValueError
        If there are no trees, or they split on columns that cannot be traced to those of X.
    """
    names, n_columns = _columns_of(teacher, asked_by)
    start = [SplitColumn(position) for position in range(n_columns)]
    trees: list[Tree] = []
    levels: dict[int, list[Any]] = {}
    ranges: dict[int, tuple[float, float]] = {}
    for model, columns in _models(teacher, start, names, asked_by):
        read = read_trees(model)
        if read is None:
            continue
        columns = [
            column.with_levels(read.levels[i]) if i in read.levels else column
            for i, column in enumerate(columns)
        ]
        trees += [_in_columns_of_x(own, columns) for own in read.trees]
        levels |= {one.position: one.levels for one in columns if one.levels is not None}
        ranges |= {
            columns[i].position: (columns[i].raw(low), columns[i].raw(high))
            for i, (low, high) in read.ranges.items()
            if columns[i].levels is None
        }
    if not any(len(tree.feature) > 1 for tree in trees):
        raise ValueError(f"`{asked_by}` needs a teacher of trees; got {_told(teacher)}.")
    return TreeStructure(trees, n_columns, names, levels, ranges)


def _columns_of(teacher: Estimator, asked_by: str) -> tuple[list[Any] | None, int]:
    """The names of the columns of X, if there are any, and their number."""
    names, n_columns = None, None
    for model in _inside(teacher):
        if names is None:
            names = _names(model)
        if n_columns is None:
            found = getattr(model, "n_features_in_", None)
            ask = getattr(model, "num_features", None) or getattr(model, "num_feature", None)
            n_columns = found if found is not None or ask is None else ask()
    if n_columns is None:
        model = _bare(teacher)
        if hasattr(model, "fit") and not is_fitted(model):
            raise ValueError(f"`{asked_by}` reads a fitted teacher: fit {_told(teacher)} first.")
        raise ValueError(f"`{asked_by}` needs a teacher of trees; got {_told(teacher)}.")
    return names, int(n_columns)


def _inside(teacher: Estimator) -> Iterator[Any]:
    """The teacher and the models it wraps, as long as all take the same columns."""
    yield teacher
    inner = _bare(teacher)
    if inner is not teacher:
        yield from _inside(inner)
    elif isinstance(teacher, Pipeline):
        yield from _inside(teacher.steps[0][1])
    elif isinstance(teacher, FittedPool) and teacher._selection.indices is None:
        for one in teacher.estimators_:
            yield from _inside(one)


def _names(model: Any) -> list[Any] | None:
    found = getattr(model, "feature_names_in_", None)
    if found is None:
        found = getattr(model, "feature_names", None)  # of a Booster of XGBoost
    if found is None and callable(getattr(model, "feature_name", None)):
        found = model.feature_name()
        found = None if found == [f"Column_{i}" for i in range(len(found))] else found
    return None if found is None or callable(found) else [str(name) for name in found]


def _bare(model: Any) -> Any:
    """The model in a wrapper that passes X unchanged; else the model itself."""
    if isinstance(model, FrozenEstimator):
        return model.estimator
    if isinstance(model, (FittedTeacher, LibraryModel)):
        return model.model
    if isinstance(model, (GridSearchCV, RandomizedSearchCV)):
        return model.best_estimator_
    return model.regressor_ if isinstance(model, TransformedTargetRegressor) else model


def _models(
    model: Any, columns: list[SplitColumn], names: list[Any] | None, asked_by: str
) -> Iterator[tuple[Any, list[SplitColumn]]]:
    """The models inside, each with its input columns."""
    inner = _bare(model)
    if inner is not model:
        yield from _models(inner, columns, names, asked_by)
    elif isinstance(model, FittedPool):
        seen = model._selection.indices
        own = columns if seen is None else [columns[i] for i in seen]
        for one in model.estimators_:
            yield from _models(one, own, names, asked_by)
    elif isinstance(model, Pipeline):
        for _, step in model.steps[:-1]:
            columns = trace_columns(step, columns, asked_by)
        yield from _models(model.steps[-1][1], columns, names, asked_by)
    elif isinstance(model, (BaggingClassifier, BaggingRegressor)):
        for one, seen in zip(model.estimators_, model.estimators_features_, strict=True):
            yield from _models(one, [columns[i] for i in seen], names, asked_by)
    elif isinstance(model, CalibratedClassifierCV):
        for one in model.calibrated_classifiers_:
            yield from _models(one.estimator, columns, names, asked_by)
    elif isinstance(model, _LISTS):
        for one in model.estimators_:
            yield from _models(one, columns, names, asked_by)
    else:
        yield model, columns


def _in_columns_of_x(own: OwnTree, columns: list[SplitColumn]) -> Tree:
    """A tree that splits on the columns of X."""
    feature, threshold = np.full(len(own.feature), -1), np.full(len(own.feature), np.nan)
    missing_left, levels = own.missing_left.copy(), {}
    for i in np.unique(own.feature[own.feature >= 0]).tolist():
        column, nodes = columns[i], np.flatnonzero(own.feature == i)
        feature[nodes] = column.position
        for node in nodes[[node in own.left_codes for node in nodes]].tolist():
            levels[node] = column.levels_of_codes(own.left_codes[node])
        numeric = nodes[~np.isnan(own.threshold[nodes])]
        if column.levels is None:
            threshold[numeric] = column.raw_all(own.threshold[numeric])
        else:
            for node in numeric.tolist():
                levels[node] = column.levels_up_to(own.threshold[node])
        missing_left[nodes] = column.missing_goes_left(
            own.missing_left[nodes], own.threshold[nodes]
        )
    return Tree(feature, threshold, own.left, own.right, missing_left, own.mass, levels)


def _told(teacher: Estimator) -> str:
    """The class of a teacher, or of those in a pool, for a message."""
    if isinstance(teacher, FittedPool):
        return ", ".join(_told(one) for one in teacher.estimators_)
    inner = _bare(teacher)
    if inner is not teacher:
        return _told(inner)
    if isinstance(teacher, Pipeline):
        return _told(teacher.steps[-1][1])
    return type(teacher).__name__
