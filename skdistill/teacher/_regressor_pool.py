"""Several teachers of numbers as one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter
from sklearn.utils.validation import check_is_fitted

from skdistill._utils._compat import HasMethods, num_samples, safe_indexing
from skdistill._utils.named import NamedListsMixin, named_parts, sound_parts
from skdistill._utils.progress import Step, no_step
from skdistill._utils.types import (
    ArrayLike,
    BoolArray,
    FloatArray,
    IntArray,
    RandomState,
    Table,
)
from skdistill._utils.weights import check_weights, n_effective
from skdistill.table import ColumnSelection
from skdistill.targets import LARGEST_LOG_WEIGHT, PRIOR_ROWS
from skdistill.task import check_numbers
from skdistill.teacher._checks import (
    check_columns,
    check_pool_weights,
    check_refittable,
    is_frozen,
    pool_tags,
    unfrozen,
    warn_of_refits,
)
from skdistill.teacher._combine import MeanNumber
from skdistill.teacher._eval_sets import select_columns
from skdistill.teacher._fitted_pool import FittedPool
from skdistill.teacher._jobs import make_jobs
from skdistill.teacher._labelling import FittedTeachers, fit_members
from skdistill.teacher._members import Member
from skdistill.teacher._number_checks import check_regressors, n_targets_of
from skdistill.teacher._numbers import NumberJob, adopt_number, rows_to_fit
from skdistill.teacher._quantiles import ask_quantiles, quantile_function
from skdistill.teacher._requests import routed_params, router_of


class RegressorPool(FittedPool, NamedListsMixin, RegressorMixin, BaseEstimator):
    """Several regressors as one: their predictions, averaged.

    Parameters
    ----------
    teachers : estimator, list of estimators or list of (str, estimator)
        Anything with ``predict`` that gives numbers. An estimator with ``fit`` is cloned and
        fitted; a :class:`~sklearn.frozen.FrozenEstimator`, a :class:`FittedTeacher`, any object
        without ``fit`` or a fitted model of another library (:ref:`these
        <fitted-models-of-numbers>`) is used as it is.
    weights : array-like of shape (n_teachers,), default=None
        Relative weights, >= 0. None weighs all alike, until :meth:`fit_weights`.
    n_jobs : int, default=None
        Teachers and folds fitted, and chunks labelled, at the same time.
    memory : str or object with the joblib.Memory interface, default=None
        Where fitted teachers, and their predictions for the rows of a fit, are kept.
    random_state : int, RandomState instance or None, default=None
        Gives each `random_state` of an unfitted teacher that is None, nested ones as well, a
        number of its own.
    features : str, int, list of str, int or bool, slice or callable, default=None
        The columns of X that the teachers see, as in :class:`TeacherPool`.

    Attributes
    ----------
    estimators_ : list of objects
        The teachers in use.
    named_estimators_ : dict of str to object
    weights_ : ndarray of shape (n_teachers,)
        The weights in use, with a sum of 1.
    n_targets_ : int
    n_features_in_ : int
        Only where X has columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only where X names its columns.

    See Also
    --------
    TeacherPool : The same for classes.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sklearn.linear_model import Ridge
    >>> from skdistill import RegressorPool
    >>> X, y = load_diabetes(return_X_y=True)
    >>> pool = RegressorPool([Ridge(), RandomForestRegressor()], random_state=0).fit(X, y)
    >>> pool.predict(X[:3]).shape
    (3,)
    """

    _named_lists = ("teachers",)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_jobs": [Integral, None],
        "memory": [str, PathLike, HasMethods("cache"), None],
        "random_state": ["random_state"],
    }

    # They are for DistilledRegressor, and no metadata.
    __metadata_request__fit: ClassVar[dict[str, str]] = {"fit_params": UNUSED, "step": UNUSED}

    def __init__(
        self,
        teachers: Any,
        *,
        weights: ArrayLike | None = None,
        n_jobs: int | None = None,
        memory: Any = None,
        random_state: RandomState = None,
        features: Any = None,
    ) -> None:
        self.teachers = teachers
        self.weights = weights
        self.n_jobs = n_jobs
        self.memory = memory
        self.random_state = random_state
        self.features = features

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
            Handed to the teachers as it is, or the columns that `features` selects.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            None is legal if every teacher is frozen.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for the teachers that take them, or, with metadata routing, request them.
        fit_params : dict of str to dict, default=None
            Further arguments of each teacher's ``fit``, by its name.
        step : callable, default=no_step
            Called with the name of each teacher when it is fitted.
        **metadata : dict
            With metadata routing, other arguments for the teachers' ``fit``.

        Returns
        -------
        self : RegressorPool

        Raises
        ------
        ValueError
            If y is no numbers, a teacher cannot tell numbers for X, or `weights` or `features` are
            not valid.
        TypeError
            If there is `metadata` that no teacher requests, or no metadata routing.
        """
        self._forget()
        parts = named_parts(self.teachers, "teacher")
        weights = check_pool_weights(self.weights, len(parts))
        self._validate_params()
        check_regressors(parts, y)
        warn_of_refits(parts)
        X = check_columns(self, X, reset=True)
        selection = ColumnSelection(self.features, "features").fit(X)
        y = None if y is None else check_numbers(y, X)
        params = routed_params(self, unfrozen(parts), X, sample_weight, metadata, fit_params)
        seen = selection.take(X)
        first_row = safe_indexing(seen, slice(0, 1))
        self.n_targets_ = n_targets_of(parts, y, first_row)
        # Frozen teachers first: a misfit shows before an hour of fitting, not after it.
        frozen = [one for one in parts if is_frozen(one[1])]
        members = [adopt_number(*one, first_row, self.n_targets_) for one in frozen]
        rows = rows_to_fit(seen, y, select_columns(params, selection))
        jobs = make_jobs(parts, rows, self.random_state, self._cache)
        members += fit_members(self._cache, jobs, self.n_jobs, step)
        by_name = {member.name: member for member in members}
        self._keep(selection, [by_name[name] for name, _ in parts], weights)
        return self

    def predict(self, X: Table) -> FloatArray:
        """Pooled predictions.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        answers = self._teachers().answers(self.select(check_columns(self, X)))
        return answers[:, 0] if self.n_targets_ == 1 else answers

    @property
    def tells_quantiles(self) -> bool:
        """Whether all teachers tell quantiles, and not a number alone."""
        check_is_fitted(self)
        return all(quantile_function(one) is not None for one in self.estimators_)

    def predict_quantiles(self, X: Table, quantiles: ArrayLike) -> FloatArray:
        """Mean of the teachers' own quantiles, level by level [1]_.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        quantiles : array-like of shape (n_levels,)

        Returns
        -------
        ndarray of shape (n_samples, n_levels)

        Raises
        ------
        ValueError
            If a teacher tells no quantiles.

        References
        ----------
        .. [1] Ratcliff (1979). Group Reaction Time Distributions and an Analysis of Distribution
           Statistics. https://doi.org/10.1037/0033-2909.86.3.446
        """
        check_is_fitted(self)
        seen, levels = self.select(check_columns(self, X)), np.asarray(quantiles, dtype=float)
        told = [ask_quantiles(one.name, one.estimator, seen, levels) for one in self._members]
        return np.average(np.stack(told), axis=0, weights=self._weights)

    @property
    def identity(self) -> tuple[Any, ...] | None:
        """What its answers depend on beside the rows; None where that cannot be told."""
        keys = self.keys
        return None if None in keys else (keys, self.weights_)

    def fit_weights(
        self, X: Table, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> RegressorPool:
        """Choose the weights by squared error on rows that the teachers have not seen.

        A prior worth one row a teacher draws them to equal weights. The teachers stay as they are.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : RegressorPool

        Raises
        ------
        ValueError
            If y or weights are not valid.
        """
        check_is_fitted(self)
        X = check_columns(self, X)
        y = check_numbers(y, X).reshape(num_samples(X), -1)
        weight = check_weights(sample_weight, num_samples(X))
        self._renew_keys()
        answers = self._teachers().each(self.select(X))
        self._weights = fit_mean_weights([answer - y for answer in answers], weight)
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
        """Predictions of teachers that were fitted without the fold; see TeacherPool.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        folds : list of (ndarray, ndarray)
        others : list of list of (array-like or DataFrame)
            For each fold, tables of other rows that its teachers label.
        floored : bool
            Of no use here.
        fit_params : dict of str to dict or None
        step : callable
        levels : tuple of float, default=None
            Of the quantiles that they are asked for, in the place of numbers.

        Returns
        -------
        answers : ndarray of shape (n_samples, n_targets) or (n_samples, n_levels)
        others : list of list of ndarray of the same number of columns
        is_answer : ndarray of bool of shape (n_samples,)
        """
        parts, seen = named_parts(self.teachers, "teacher"), self.select(X)
        rows = rows_to_fit(seen, y, select_columns(fit_params or {}, self._selection))
        jobs = make_jobs(parts, rows, self.random_state, self._cache)
        jobs = [job.asked_for(levels) for job in jobs if isinstance(job, NumberJob)]
        check_refittable(jobs)
        tables = [[self.select(table) for table in more] for more in others]
        whole = [(*fold, more) for fold, more in zip(folds, tables, strict=True)]
        self._renew_keys()
        members = self._members if levels is None else [_told(one, levels) for one in self._members]
        combination = MeanNumber(self.n_targets_ if levels is None else len(levels), self._weights)
        teachers = FittedTeachers(members, combination, self._cache, self.n_jobs)
        return teachers.label_folds(list(jobs), seen, y, whole, step)

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing: teachers are given what they request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return router_of(self, unfrozen(named_parts(self.teachers, "teacher")))

    def __sklearn_tags__(self) -> Tags:
        return pool_tags(super().__sklearn_tags__(), sound_parts(self.teachers, "teacher"))

    def _combination(self, floored: bool) -> MeanNumber:
        return MeanNumber(self.n_targets_, self._weights)


def _told(member: Member, levels: tuple[float, ...]) -> Member:
    """The same teacher, asked for quantiles; the cache knows other answers of it."""
    found = copy.copy(member)
    found.levels, found.key = levels, None  # type: ignore[attr-defined]
    return found


def fit_mean_weights(errors: list[FloatArray], sample_weight: FloatArray | None) -> FloatArray:
    r"""Find the weights of predictions whose mean has the lowest squared error.

    A Dirichlet prior, :math:`\prod_k w_k`, counts as one row a teacher, as in
    :func:`~skdistill.targets.fit_pool_weights`; errors are measured by those of equal weights.

    Parameters
    ----------
    errors : list of ndarray of shape (n_samples, n_targets)
        Of each teacher.
    sample_weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    ndarray of shape (n_teachers,)
        Above 0, with a sum of 1.
    """
    stacked = np.stack(errors)
    weight = np.ones(stacked.shape[1]) if sample_weight is None else sample_weight
    share = weight / weight.sum()
    products = np.einsum("iat,jat,a->ijt", stacked, stacked, share)
    products /= np.maximum(products.mean(axis=(0, 1)), np.finfo(float).tiny)
    gram, n_rows = products.mean(axis=2), n_effective(weight)

    def loss(logits: FloatArray) -> float:
        logs = log_softmax(logits)
        w = np.exp(logs)
        return float(w @ gram @ w / 2 - PRIOR_ROWS * logs.sum() / n_rows)

    bounds = [(-LARGEST_LOG_WEIGHT, LARGEST_LOG_WEIGHT)] * len(errors)
    return softmax(minimize(loss, np.zeros(len(errors)), bounds=bounds).x)
