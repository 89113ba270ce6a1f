"""Pools of teachers: fit, weights, and fits in folds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator, clone
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter
from sklearn.utils.validation import check_is_fitted

from skdistill._utils._compat import HasMethods, num_samples, safe_indexing
from skdistill._utils.named import NamedListsMixin, named_parts, sound_parts
from skdistill._utils.progress import Step, no_step
from skdistill._utils.types import (
    ArrayLike,
    BoolArray,
    Estimator,
    FloatArray,
    IntArray,
    NDArray,
    RandomState,
    Table,
)
from skdistill._utils.weights import check_weights
from skdistill.table import ColumnSelection
from skdistill.teacher._checks import (
    check_columns,
    check_pool_weights,
    check_refittable,
    is_frozen,
    pool_tags,
    unfrozen,
    warn_of_refits,
)
from skdistill.teacher._eval_sets import select_columns
from skdistill.teacher._fitted_pool import FittedPool
from skdistill.teacher._folds import check_groups
from skdistill.teacher._jobs import TrainingRows, make_jobs
from skdistill.teacher._labelling import fit_members
from skdistill.teacher._members import Member
from skdistill.teacher._requests import routed_params, router_of
from skdistill.teacher._row_weights import PoolLosses, RowWeights

# (name, teacher) of each.
Parts = list[tuple[str, Estimator]]


class BasePool(FittedPool, NamedListsMixin, BaseEstimator):
    """The shared methods of all pools; the methods that differ by kind are at the end."""

    weights: Any
    random_state: RandomState
    features: Any

    _named_lists = ("teachers",)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_jobs": [Integral, None],
        "memory": [str, PathLike, HasMethods("cache"), None],
        "random_state": ["random_state"],
    }

    # They are for a distiller, and no metadata.
    __metadata_request__fit: ClassVar[dict[str, str]] = {"fit_params": UNUSED, "step": UNUSED}

    def fit(
        self,
        X: Table,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        fit_params: Mapping[str, dict[str, Any]] | None = None,
        step: Step = no_step,
        **metadata: Any,
    ) -> Self:
        """Fit the teachers that are not frozen.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Handed to the teachers unchanged, or only the columns that `features` selects.
        y : array-like of shape (n_samples,) or, of regressors, (n_samples, n_targets), default=None
            Labels, or numbers for regressors. None is legal if every teacher is
            frozen.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for the teachers that take them, or, with metadata routing, request them.
        fit_params : dict of str to dict, default=None
            Further arguments of each teacher's ``fit``, by its name.
        step : callable, default=no_step
            Called with the name of each teacher when it is fitted.
        **metadata : dict
            With metadata routing, other arguments for the teachers' ``fit``, such as `groups`: each
            goes to the teachers that request it.

        Returns
        -------
        self : object
            The pool.

        Raises
        ------
        ValueError
            If y is missing or not valid, labels are disjoint, a teacher cannot give probabilities,
            or numbers, for X, or a parameter is not valid.
        TypeError
            If there is `metadata` that no teacher requests, or no metadata routing.
        """
        self._forget()
        parts = named_parts(self.teachers, "teacher")
        weights = check_pool_weights(self.weights, len(parts))
        self._check_parameters()
        self._check_teachers(parts, y)
        warn_of_refits(parts)
        X = check_columns(self, X, reset=True)
        selection = ColumnSelection(self.features, "features").fit(X)
        y = None if y is None else self._read_y(y, X)
        params = routed_params(self, unfrozen(parts), X, sample_weight, metadata, fit_params)
        seen = selection.take(X)
        first_row = safe_indexing(seen, slice(0, 1))
        if isinstance(self.weights, RowWeights):
            self.weights.check_rows(first_row)
        self._find_outputs(parts, y, first_row)
        # Frozen teachers first: an error shows before an hour of fitting.
        members = [self._adopt(*one, first_row) for one in parts if is_frozen(one[1])]
        rows = self._rows(seen, y, select_columns(params, selection))
        jobs = make_jobs(parts, rows, self.random_state, self._cache)
        members += fit_members(self._cache, jobs, self.n_jobs, step)
        by_name = {member.name: member for member in members}
        self._keep(selection, [by_name[name] for name, _ in parts], weights)
        return self

    def fit_weights(
        self,
        X: Table,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: Iterable[Any] | None = None,
    ) -> Self:
        """Choose the weights on rows that the teachers have not seen.

        They minimise the log loss, or for numbers the squared error. A prior worth one row for each
        teacher pulls them to equal weights. If `weights` is :class:`RowWeights`, a clone of it
        is fitted. The teachers do not change.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or, of regressors, (n_samples, n_targets)
            Labels, of ``classes_``, or numbers. Rows of a class that no teacher knows are ignored.
        sample_weight : array-like of shape (n_samples,), default=None
        groups : array-like of shape (n_samples,), default=None
            Labels of rows that belong together; :class:`RowWeights` keeps them apart.

        Returns
        -------
        self : object
            The pool.

        Raises
        ------
        ValueError
            If y, weights or groups are not valid, or there are too few rows for `RowWeights`.
        """
        check_is_fitted(self)
        X = check_columns(self, X)
        truth = self._read_truth(y, X)
        weight = check_weights(sample_weight, num_samples(X))
        self._renew_keys()
        seen = self.select(X)
        answers = self._teachers(floored=True).each(seen)
        best, apart = self._best_weights(answers, truth, weight), check_groups(groups, X)
        self._weights = best
        if isinstance(self.weights, RowWeights):
            losses, pool_losses = self._losses(answers, truth)
            own = clone(self.weights)
            self._weights = own.fit(seen, losses, best, pool_losses, weight, apart)
        return self

    def label_folds(
        self,
        X: Table,
        y: ArrayLike,
        folds: list[tuple[IntArray, IntArray]],
        others: list[list[Table]],
        floored: bool,
        fit_params: Mapping[str, dict[str, Any]] | None,
        step: Step,
        levels: tuple[float, ...] | None = None,
    ) -> tuple[FloatArray, list[list[FloatArray]], BoolArray]:
        """Answers of teachers that were fitted without the fold; frozen ones answer as they are.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or, of regressors, (n_samples, n_targets)
        folds : list of (ndarray, ndarray)
            Checked: they put every row into one test fold.
        others : list of list of (array-like or DataFrame)
            For each fold, tables of other rows that its teachers label.
        floored : bool
            Whether answers of 0 are lifted, where they are probabilities.
        fit_params : dict of str to dict or None
        step : callable
        levels : tuple of float, default=None
            Of the quantiles that regressors are asked for, in the place of numbers.

        Returns
        -------
        answers : ndarray of shape (n_samples, n_columns)
        others : list of list of ndarray of shape (n_rows, n_columns)
        is_answer : ndarray of bool of shape (n_samples,)
            False for rows that were taught by label, since no teacher of the fold knows the class.
        """
        parts, seen = named_parts(self.teachers, "teacher"), self.select(X)
        rows = self._rows(seen, y, select_columns(fit_params or {}, self._selection), levels)
        jobs = make_jobs(parts, rows, self.random_state, self._cache)
        check_refittable(jobs)
        tables = [[self.select(table) for table in more] for more in others]
        whole = [(*fold, more) for fold, more in zip(folds, tables, strict=True)]
        self._renew_keys()
        return self._teachers(floored, levels).label_folds(jobs, seen, y, whole, step)

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing: teachers are given what they request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return router_of(self, unfrozen(named_parts(self.teachers, "teacher")))

    def __sklearn_tags__(self) -> Tags:
        return pool_tags(super().__sklearn_tags__(), sound_parts(self.teachers, "teacher"))

    # --- methods that differ between pools of classes and pools of numbers ---

    def _check_parameters(self) -> None:
        self._validate_params()

    def _check_teachers(self, parts: Parts, y: ArrayLike | None) -> None:
        """Raise a ValueError for a teacher that cannot answer, or that needs y."""
        raise NotImplementedError

    def _read_y(self, y: ArrayLike, X: Table) -> NDArray[Any]:
        """The checked target of each row of X."""
        raise NotImplementedError

    def _find_outputs(self, parts: Parts, y: NDArray[Any] | None, first_row: Table) -> None:
        """Find and keep the meaning of the columns of the pooled answers."""
        raise NotImplementedError

    def _adopt(self, name: str, part: Estimator, first_row: Table) -> Member:
        """A frozen teacher as a member, once it has labelled a row."""
        raise NotImplementedError

    def _rows(
        self,
        X: Table,
        y: ArrayLike | None,
        fit_params: Mapping[str, dict[str, Any]],
        levels: tuple[float, ...] | None = None,
    ) -> TrainingRows:
        """The training rows of the others, and the quantile levels that they are asked for."""
        raise NotImplementedError

    def _read_truth(self, y: ArrayLike, X: Table) -> NDArray[Any]:
        """The truth against which answers to rows of X are measured."""
        raise NotImplementedError

    def _best_weights(
        self, answers: list[FloatArray], truth: NDArray[Any], sample_weight: FloatArray | None
    ) -> FloatArray:
        """The weights that bring the pooled answers nearest to the truth."""
        raise NotImplementedError

    def _losses(
        self, answers: list[FloatArray], truth: NDArray[Any]
    ) -> tuple[FloatArray, PoolLosses]:
        """The loss of each teacher on each row, and the pool's loss as a function of weights."""
        raise NotImplementedError
