"""Several teachers of numbers as one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, NDArray, RandomState, Table
from skdistill._utils.weights import n_effective
from skdistill.targets import LARGEST_LOG_WEIGHT, PRIOR_ROWS
from skdistill.task import check_numbers
from skdistill.teacher._base_pool import BasePool, Parts
from skdistill.teacher._checks import check_columns
from skdistill.teacher._combine import MeanNumber
from skdistill.teacher._jobs import TrainingRows
from skdistill.teacher._labelling import FittedTeachers
from skdistill.teacher._members import Member
from skdistill.teacher._number_checks import check_regressors, n_targets_of
from skdistill.teacher._numbers import adopt_number, rows_to_fit
from skdistill.teacher._quantiles import ask_quantiles, quantile_function
from skdistill.teacher._row_weights import PoolLosses, RowWeights


class RegressorPool(BasePool, RegressorMixin, BaseEstimator):
    """Several regressors as one: their predictions, averaged.

    Parameters
    ----------
    teachers : estimator, list of estimators or list of (str, estimator)
        Anything with ``predict`` that gives numbers. An estimator with ``fit`` is cloned and
        fitted; a :class:`~sklearn.frozen.FrozenEstimator`, a :class:`FittedTeacher`, any object
        without ``fit`` or a fitted model of another library (:ref:`these
        <fitted-models-of-numbers>`) is used as it is.
    weights : array-like of shape (n_teachers,) or RowWeights, default=None
        Relative weights, >= 0. With None they are equal until :meth:`fit_weights`; also with a
        :class:`RowWeights`, which then gives each row its own weights.
    n_jobs : int, default=None
        Number of teachers and folds fitted, and of chunks labelled, at the same time.
    memory : str or object with the joblib.Memory interface, default=None
        Stores fitted teachers, and their predictions for the rows of a fit.
    random_state : int, RandomState instance or None, default=None
        Seeds each `random_state` of an unfitted teacher that is None, nested ones as well.
    features : str, int, list of str, int or bool, slice or callable, default=None
        The columns of X that the teachers see, as in :class:`TeacherPool`.

    Attributes
    ----------
    estimators_ : list of objects
        The teachers in use.
    named_estimators_ : dict of str to object
    weights_ : ndarray of shape (n_teachers,)
        The weights in use, with a sum of 1; the mean over rows for :class:`RowWeights`.
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

    def __init__(
        self,
        teachers: Any,
        *,
        weights: ArrayLike | RowWeights | None = None,
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
        """Whether all teachers predict quantiles, and not only a number."""
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
            If a teacher predicts no quantiles.

        References
        ----------
        .. [1] Ratcliff (1979). Group Reaction Time Distributions and an Analysis of Distribution
           Statistics. https://doi.org/10.1037/0033-2909.86.3.446
        """
        check_is_fitted(self)
        seen, levels = self.select(check_columns(self, X)), np.asarray(quantiles, dtype=float)
        told = [ask_quantiles(one.name, one.estimator, seen, levels) for one in self._members]
        return MeanNumber(self._weights, len(levels)).at(seen).pool(told, [])

    def label_quantiles(self, X: Table, levels: tuple[float, ...]) -> FloatArray:
        """The same, kept in `memory`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        levels : tuple of float

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
        """
        known_by = self.identity
        key = None if known_by is None else self._cache.key("the rows", known_by, levels, X)
        found: FloatArray = self._cache.call(_tell, key, self, X, levels)
        return found

    @property
    def identity(self) -> tuple[Any, ...] | None:
        """The key of its answers, except for the rows; None if there is no key."""
        keys = self.keys
        return None if None in keys else (keys, self._weights_identity)

    def _check_teachers(self, parts: Parts, y: ArrayLike | None) -> None:
        check_regressors(parts, y)

    def _read_y(self, y: ArrayLike, X: Table) -> NDArray[Any]:
        return check_numbers(y, X)

    def _find_outputs(self, parts: Parts, y: NDArray[Any] | None, first_row: Table) -> None:
        self.n_targets_ = n_targets_of(parts, y, first_row)

    def _adopt(self, name: str, part: Estimator, first_row: Table) -> Member:
        return adopt_number(name, part, first_row, self.n_targets_)

    def _rows(
        self,
        X: Table,
        y: ArrayLike | None,
        fit_params: Mapping[str, dict[str, Any]],
        levels: tuple[float, ...] | None = None,
    ) -> TrainingRows:
        return rows_to_fit(X, y, fit_params, levels)

    def _read_truth(self, y: ArrayLike, X: Table) -> NDArray[Any]:
        return check_numbers(y, X).reshape(num_samples(X), -1)

    def _best_weights(
        self, answers: list[FloatArray], truth: NDArray[Any], sample_weight: FloatArray | None
    ) -> FloatArray:
        return fit_mean_weights([answer - truth for answer in answers], sample_weight)

    def _losses(
        self, answers: list[FloatArray], truth: NDArray[Any]
    ) -> tuple[FloatArray, PoolLosses]:
        scale = truth.std(axis=0)
        units = np.where(scale > 0, scale, 1.0)

        def error(answer: FloatArray) -> FloatArray:
            return (((answer - truth) / units) ** 2).mean(axis=1)

        def pool_losses(weights: FloatArray) -> FloatArray:
            return error(MeanNumber(weights, truth.shape[1]).pool(answers, []))

        return np.stack([error(answer) for answer in answers], axis=1), pool_losses

    def _teachers(
        self, floored: bool = False, levels: tuple[float, ...] | None = None
    ) -> FittedTeachers:
        if levels is None:
            return super()._teachers(floored)
        members = [_told(one, levels) for one in self._members]
        combination = MeanNumber(self._weights, len(levels))
        return FittedTeachers(members, combination, self._cache, self.n_jobs)

    def _combination(self, floored: bool) -> MeanNumber:
        return MeanNumber(self._weights, self.n_targets_)


def _tell(key: str | None, pool: RegressorPool, X: Table, levels: tuple[float, ...]) -> FloatArray:
    return pool.predict_quantiles(X, levels)


def _told(member: Member, levels: tuple[float, ...]) -> Member:
    """The same teacher, asked for quantiles; the cache stores these separately."""
    found = copy.copy(member)
    found.levels, found.key = levels, None  # type: ignore[attr-defined]
    return found


def fit_mean_weights(errors: list[FloatArray], sample_weight: FloatArray | None) -> FloatArray:
    r"""Find the weights of predictions whose mean has the lowest squared error.

    A Dirichlet prior, :math:`\prod_k w_k`, counts as one row for each teacher, as in
    :func:`~skdistill.targets.fit_pool_weights`. Errors are relative to those of equal weights.

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
