"""Readers of the trees of each library, by the public methods of its models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import BaseDecisionTree
from sklearn.utils import check_array

from skdistill._utils.types import Estimator, FloatArray, IntArray, Table
from skdistill.table import is_frame
from skdistill.teacher._libraries import LightGBMModel, XGBoostModel, pandas_of

_FORESTS = (
    RandomForestClassifier,
    RandomForestRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
)
_GRADIENT_BOOSTING = (GradientBoostingClassifier, GradientBoostingRegressor)
_HISTOGRAMS = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


class TreeReader:
    """Reads the trees of a fitted model.

    Attributes
    ----------
    n_stages : int
    """

    n_stages: int

    def __init__(self, model: Estimator) -> None:
        self.model = model

    def margins(self, X: Table, ends: Sequence[int]) -> FloatArray:
        """Sums of the first stages: (n_samples, n_ends, n_outputs)."""
        raise NotImplementedError

    def leaves(self, X: Table) -> IntArray:
        """The leaf in each tree: (n_samples, n_trees)."""
        raise NotImplementedError


class Forest(TreeReader):
    """Trees whose answers are averaged: a forest, a bagging, or one tree."""

    def __init__(self, model: Estimator) -> None:
        super().__init__(model)
        self._trees = [model] if isinstance(model, BaseDecisionTree) else list(model.estimators_)
        self._columns = getattr(model, "estimators_features_", [slice(None)] * len(self._trees))
        self.n_stages = len(self._trees)

    def margins(self, X: Table, ends: Sequence[int]) -> FloatArray:
        leaves = self.leaves(X)
        total: Any = 0.0
        found = []
        for start, end in pairwise([0, *ends]):
            for tree, of_tree in zip(self._trees[start:end], leaves.T[start:end], strict=True):
                total = total + self._values(tree)[of_tree]
            found.append(total / self.n_stages)
        return np.stack(found, axis=1)

    def leaves(self, X: Table) -> IntArray:
        rows = nw.from_native(X, eager_only=True).to_numpy() if is_frame(X) else X
        rows = check_array(rows, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False)
        parts = zip(self._trees, self._columns, strict=True)
        return np.column_stack([tree.tree_.apply(rows[:, columns]) for tree, columns in parts])

    def _values(self, tree: Any) -> FloatArray:
        """The answer of each node of a tree: (n_nodes, n_outputs)."""
        values = tree.tree_.value
        if not hasattr(tree, "classes_"):
            return values[:, :, 0]
        if tree is self.model or tree.n_classes_ == self.model.n_classes_:
            return values[:, 0]
        whole = np.zeros((len(values), self.model.n_classes_))  # a sample lacked a class
        whole[:, tree.classes_.astype(int)] = values[:, 0]
        return whole


class Staged(TreeReader):
    """A model with staged predictions."""

    def margins(self, X: Table, ends: Sequence[int]) -> FloatArray:
        wanted = set(ends)
        stages = enumerate(self._stages(X), 1)
        found = [np.asarray(told).reshape(len(told), -1) for i, told in stages if i in wanted]
        return np.stack(found, axis=1)

    def _stages(self, X: Table) -> Iterable[FloatArray]:
        raise NotImplementedError


class GradientBoosting(Staged):
    """scikit-learn's older booster."""

    def __init__(self, model: Estimator) -> None:
        super().__init__(model)
        self.n_stages = len(model.estimators_)

    def leaves(self, X: Table) -> IntArray:
        found = self.model.apply(X)
        return found.reshape(len(found), -1).astype(np.int64)

    def _stages(self, X: Table) -> Iterable[FloatArray]:
        if hasattr(self.model, "staged_decision_function"):
            return self.model.staged_decision_function(X)
        return self.model.staged_predict(X)


class HistGradientBoosting(Staged):
    """scikit-learn's booster on bins: it gives no leaf numbers, but leaves have distinct values."""

    def __init__(self, model: Estimator) -> None:
        super().__init__(model)
        self.n_stages = model.n_iter_

    def leaves(self, X: Table) -> IntArray:
        values = np.diff(self.margins(X, range(1, self.n_stages + 1)), axis=1, prepend=0)
        # As float32: the contributions of one leaf differ by rounding.
        return values.reshape(len(values), -1).astype(np.float32).view(np.int32)

    def _stages(self, X: Table) -> Iterable[FloatArray]:
        if hasattr(self.model, "staged_decision_function"):
            return self.model.staged_decision_function(X)
        told = self.model.staged_predict(X)
        return map(np.log, told) if self.model.loss in ("poisson", "gamma") else told


class XGBoost(TreeReader):
    """A Booster, or an estimator that holds one."""

    def __init__(self, model: Estimator) -> None:
        super().__init__(model)
        self._is_estimator = hasattr(model, "get_booster")
        self._booster = model.get_booster() if self._is_estimator else model
        self.n_stages = self._booster.num_boosted_rounds()
        best = self._booster.attr("best_iteration") if self._is_estimator else None
        if best is not None:  # an estimator ignores later rounds
            self.n_stages = int(best) + 1

    def margins(self, X: Table, ends: Sequence[int]) -> FloatArray:
        rows, found = self._matrix(X), []
        for stages in pairwise([0, *ends]):
            told = self._booster.predict(rows, output_margin=True, iteration_range=stages)
            found.append(told.reshape(len(told), -1))
            rows.set_base_margin(told)  # the next stages add to it
        return np.stack(found, axis=1)

    def leaves(self, X: Table) -> IntArray:
        found = self._booster.predict(
            self._matrix(X), pred_leaf=True, iteration_range=(0, self.n_stages)
        )
        return found.reshape(len(found), -1).astype(np.int64)

    def _matrix(self, X: Table) -> Any:
        missing = self.model.missing if self._is_estimator else None
        return XGBoostModel(self._booster).matrix(X, missing)


class LightGBM(TreeReader):
    """A Booster, or an estimator that holds one."""

    def __init__(self, model: Estimator) -> None:
        super().__init__(model)
        self._booster = model.booster_ if hasattr(model, "booster_") else model
        best = self._booster.best_iteration
        self.n_stages = best if best > 0 else self._booster.current_iteration()

    def margins(self, X: Table, ends: Sequence[int]) -> FloatArray:
        rows = LightGBMModel(self._booster).in_order(X)
        added = [
            self._booster.predict(
                rows, raw_score=True, start_iteration=start, num_iteration=end - start
            )
            for start, end in pairwise([0, *ends])
        ]
        parts = [np.asarray(one).reshape(len(one), -1) for one in added]
        return np.stack(parts, axis=1).cumsum(axis=1)

    def leaves(self, X: Table) -> IntArray:
        rows = LightGBMModel(self._booster).in_order(X)
        found = self._booster.predict(rows, pred_leaf=True, num_iteration=self.n_stages)
        return np.asarray(found, dtype=np.int64).reshape(len(found), -1)


class CatBoost(Staged):
    """A fitted model of catboost."""

    def __init__(self, model: Estimator) -> None:
        super().__init__(model)
        self.n_stages = model.tree_count_

    def leaves(self, X: Table) -> IntArray:
        return np.asarray(self.model.calc_leaf_indexes(self._rows(X)), dtype=np.int64)

    def _stages(self, X: Table) -> Iterable[FloatArray]:
        return self.model.staged_predict(self._rows(X), prediction_type="RawFormulaVal")

    def _rows(self, X: Table) -> Table:
        return pandas_of(X) if is_frame(X) else X


def reader_of(model: Estimator) -> type[TreeReader] | None:
    """The reader of a model's trees, fitted or not; None if it has none."""
    if isinstance(model, (*_FORESTS, BaseDecisionTree)):
        return Forest
    if isinstance(model, (BaggingClassifier, BaggingRegressor)):
        base = model.estimator
        return Forest if base is None or isinstance(base, BaseDecisionTree) else None
    if isinstance(model, _GRADIENT_BOOSTING):
        return GradientBoosting
    if isinstance(model, _HISTOGRAMS):
        return HistGradientBoosting
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(model).__mro__}
    if kinds & {("xgboost", "XGBModel"), ("xgboost", "Booster")}:
        return XGBoost if _has_trees(model) else None
    if kinds & {("lightgbm", "LGBMModel"), ("lightgbm", "Booster")}:
        return LightGBM
    return CatBoost if ("catboost", "CatBoost") in kinds else None


def _has_trees(model: Any) -> bool:
    """Whether a model of xgboost is not linear."""
    if hasattr(model, "get_booster"):
        return model.booster != "gblinear"
    return XGBoostModel(model).settings()["gradient_booster"]["name"] != "gblinear"
