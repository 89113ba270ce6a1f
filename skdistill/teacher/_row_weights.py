"""Weights of teachers that change from row to row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from skdistill._utils._compat import HasMethods, Interval, StrOptions, num_samples
from skdistill._utils.identity import identify
from skdistill._utils.types import ArrayLike, FloatArray, NDArray, Split, Table
from skdistill.table import TabularEncoder
from skdistill.targets import LARGEST_LOG_WEIGHT
from skdistill.teacher._folds import find_splits
from skdistill.teacher._models import takes_weight

# The values of tau="auto", from about equal weights to one teacher for each row.
TAUS = (10.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
# Fewest rows in a leaf of the default tree.
LEAF_ROWS = 20
N_FOLDS = 5
# Loss of the pool on each row, by weights of shape (n_samples, n_teachers).
PoolLosses = Callable[[FloatArray], FloatArray]


class RowWeights(BaseEstimator):
    r"""Weights of teachers for each row, by the loss that each is expected to have there.

    A regression predicts the losses of the teachers, fitted on rows that they have not seen. The
    weight of a teacher is then

    .. math:: w_m(x) \propto v_m \exp(-\hat\ell_m(x) / \tau)

    with the weights v that are best for all rows, as with ``teacher_weights="auto"``.
    Give it as `teacher_weights` of :class:`DistilledClassifier` and
    :class:`DistilledRegressor`, or as `weights` of a pool, whose ``fit_weights`` fits it. The loss
    is the log loss, or for numbers the squared error, in units of its mean over rows and teachers.
    A row that is hard for all teachers does not show which one to ask, so the mean of all teachers
    on the row is subtracted. A teacher that does not know the class of a row has the loss of a
    guess there.

    Parameters
    ----------
    model : regressor, default=None
        Predicts the losses from the rows, encoded by :class:`TabularEncoder`. It must accept one
        target for each teacher. None is
        ``DecisionTreeRegressor(max_depth=3, min_samples_leaf=20)``. ``KNeighborsRegressor(50)``
        follows borders that are not along a column.
    tau : float or "auto", default="auto"
        Tau > 0, in units of the mean loss: a small one asks one teacher for each row, a large one
        weighs all rows by v. "auto" takes the one of seven, from 10 to 0.003, with which the pool
        has the lowest loss in five-fold cross-validation of the model.

    Attributes
    ----------
    tau_ : float
    base_ : ndarray of shape (n_teachers,)
        The weights v that are best for all rows.
    weights_ : ndarray of shape (n_teachers,)
        The mean over the rows it was fitted on.
    models_ : list of (TabularEncoder, regressor)
        Their expected losses are averaged: one model, or one for each fold of a fit with folds.

    References
    ----------
    .. [1] Zhang, Chen and Wang (2022). Confidence-Aware Multi-Teacher Knowledge Distillation.
       https://doi.org/10.48550/arXiv.2201.00007 (weights by the loss of each teacher on labelled
       rows; here it is predicted for other rows)

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import RowWeights, TeacherPool
    >>> X, y = load_iris(return_X_y=True)
    >>> pool = TeacherPool([RandomForestClassifier(), GaussianNB()], weights=RowWeights())
    >>> pool = pool.fit(X[::2], y[::2]).fit_weights(X[1::2], y[1::2])
    >>> pool.predict_proba(X).shape
    (150, 3)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "model": [HasMethods(["fit", "predict"]), None],
        "tau": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
    }

    def __init__(self, model: Any = None, tau: float | str = "auto") -> None:
        self.model = model
        self.tau = tau

    def check_parameters(self) -> None:
        """Raise a ValueError for a parameter that is not valid."""
        self._validate_params()
        if isinstance(self.model, type):
            raise ValueError(
                f"`model` of RowWeights is the class {self.model.__name__}: give an instance, "
                f"{self.model.__name__}(...)."
            )

    def check_rows(self, X: Table) -> None:
        """Raise a ValueError for rows that are no table, before teachers are fitted.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        """
        try:
            TabularEncoder().fit(X)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"`RowWeights` reads tables of numbers and categories, and cannot read X: {error} "
                "Give `teacher_weights='auto'`, weights for all rows."
            ) from error

    def fit(
        self,
        X: Table,
        losses: FloatArray,
        base: FloatArray,
        pool_losses: PoolLosses,
        sample_weight: FloatArray | None = None,
        groups: NDArray[Any] | None = None,
    ) -> Self:
        """Learn where each teacher is good.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows that the teachers have not seen.
        losses : ndarray of shape (n_samples, n_teachers)
        base : ndarray of shape (n_teachers,)
            The weights that are best for all rows, above 0.
        pool_losses : callable
            The loss of the pool on each row, by weights of shape (n_samples, n_teachers).
        sample_weight : ndarray of shape (n_samples,), default=None
        groups : ndarray of shape (n_samples,), default=None
            Rows of one group are never in different folds.

        Returns
        -------
        self : RowWeights

        Raises
        ------
        ValueError
            If there are fewer than 10 rows, or not two groups.
        """
        self.check_parameters()
        splits = self._splits(X, groups)
        self.check_rows(X)
        encoder = TabularEncoder().fit(X)
        inputs, excess = encoder.transform(X), _excess(losses, sample_weight)
        told = np.empty_like(excess)
        for train, test in splits:
            model = self._fit_model(inputs, excess, sample_weight, train)
            told[test] = _numbers(model.predict(inputs[test]), excess.shape[1])
        taus = TAUS if isinstance(self.tau, str) else (float(self.tau),)
        self.base_ = base
        losses_of = {tau: pool_losses(_weights(told, tau, base)) for tau in taus}
        means = {tau: np.average(one, weights=sample_weight) for tau, one in losses_of.items()}
        self.tau_ = min(taus, key=means.__getitem__)
        model = self._fit_model(inputs, excess, sample_weight, np.arange(len(excess)))
        self.models_ = [(encoder, model)]
        self.weights_ = np.average(self.predict(X), axis=0, weights=sample_weight)
        told_by = self.get_params(), inputs, losses, base, sample_weight, groups
        self._known_by = [identify(*told_by)]
        return self

    def predict(self, X: Table) -> FloatArray:
        """The weights of the teachers for rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_teachers)
            Above 0; rows have a sum of 1.
        """
        check_is_fitted(self)
        told = [model.predict(encoder.transform(X)) for encoder, model in self.models_]
        return _weights(np.mean(told, axis=0), self.tau_, self.base_)

    @classmethod
    def mean_of(cls, fitted: Sequence[RowWeights]) -> RowWeights:
        """A copy that expects the mean of the losses that several expect.

        Parameters
        ----------
        fitted : list of RowWeights
            With the same parameters, on other rows.

        Returns
        -------
        RowWeights
        """
        mean = clone(fitted[0])
        mean.tau_ = float(np.exp(np.mean([np.log(one.tau_) for one in fitted])))
        mean.base_ = np.mean([one.base_ for one in fitted], axis=0)
        mean.weights_ = np.mean([one.weights_ for one in fitted], axis=0)
        mean.models_ = [pair for one in fitted for pair in one.models_]
        mean._known_by = [key for one in fitted for key in one._known_by]
        return mean

    @property
    def identity(self) -> list[str]:
        """A key that depends on its parameters and on the rows it was fitted on."""
        return self._known_by

    def _splits(self, X: Table, groups: NDArray[Any] | None) -> list[Split]:
        n_rows = num_samples(X)
        n_units = n_rows if groups is None else len(np.unique(groups))
        if n_rows < 2 * N_FOLDS or n_units < 2:
            units = "rows" if groups is None else "rows, of two `groups`,"
            raise ValueError(
                f"`RowWeights` learns from {2 * N_FOLDS} labelled {units} at least that the "
                f"teachers have not seen, got {n_units}: give more as `X_val` and `y_val`, or "
                "`teacher_weights=None`."
            )
        n_folds, rows = min(N_FOLDS, n_units), np.arange(n_rows)
        if groups is not None:
            return find_splits(n_folds, X, rows, groups, has_classes=False)
        order = np.random.RandomState(0).permutation(n_rows)
        parts = np.array_split(order, n_folds)
        return [(np.setdiff1d(rows, part), part) for part in parts]

    def _fit_model(
        self,
        inputs: FloatArray,
        excess: FloatArray,
        sample_weight: FloatArray | None,
        rows: NDArray[Any],
    ) -> Any:
        model = self.model
        if model is None:
            model = DecisionTreeRegressor(max_depth=3, min_samples_leaf=LEAF_ROWS, random_state=0)
        weights = {}
        if sample_weight is not None and takes_weight(model):
            weights = {"sample_weight": sample_weight[rows]}
        try:
            return clone(model).fit(inputs[rows], excess[rows], **weights)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"`model` of RowWeights, {model!r}, could not be fitted on {len(rows)} rows with a "
                f"target for each of {excess.shape[1]} teachers: {error}"
            ) from error


def _excess(losses: FloatArray, sample_weight: FloatArray | None) -> FloatArray:
    """The losses minus their mean on the row, in units of the mean loss."""
    scale = float(np.average(losses.mean(axis=1), weights=sample_weight))
    return (losses - losses.mean(axis=1, keepdims=True)) / (scale or 1.0)


def _weights(expected: FloatArray, tau: float, base: FloatArray) -> FloatArray:
    scaled = np.log(base) - expected / tau
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return softmax(np.maximum(scaled, -LARGEST_LOG_WEIGHT), axis=1)


def _numbers(answer: ArrayLike, n_teachers: int) -> FloatArray:
    told = np.asarray(answer, dtype=float)
    if told.ndim != 2 or told.shape[1] != n_teachers:
        raise ValueError(
            f"`model` of RowWeights must tell a number a teacher, of shape (n_samples, "
            f"{n_teachers}), got {told.shape}: give a regressor of several targets, or wrap it in "
            "sklearn.multioutput.MultiOutputRegressor."
        )
    return told
