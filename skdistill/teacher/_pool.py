"""Several teachers as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import indexable
from sklearn.utils.validation import check_is_fitted

from skdistill._stored.parameters import OlderParametersMixin
from skdistill._stored.parts import pool_state
from skdistill._utils._compat import StrOptions, safe_indexing
from skdistill._utils.named import named_parts
from skdistill._utils.progress import Step, no_step
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, NDArray, RandomState, Table
from skdistill.table import ColumnSelection, check_container
from skdistill.targets import fit_pool_weights
from skdistill.task import check_labels
from skdistill.teacher._base_pool import BasePool, Parts
from skdistill.teacher._checks import (
    FLOOR,
    check_columns,
    check_known_labels,
    check_teachers,
    union_of_classes,
)
from skdistill.teacher._combine import UNKNOWN_FLOOR, MeanProbability
from skdistill.teacher._ensembles import check_bags, label_by_bags
from skdistill.teacher._folds import check_groups, find_partition
from skdistill.teacher._jobs import TrainingRows
from skdistill.teacher._members import Member, adopt
from skdistill.teacher._row_weights import PoolLosses, RowWeights


class TeacherPool(OlderParametersMixin, BasePool, ClassifierMixin, BaseEstimator):
    """Several teachers as one: their probabilities, aligned by label and averaged.

    Parameters
    ----------
    teachers : estimator, list of estimators or list of (str, estimator)
        Anything with ``predict_proba``. An estimator with ``fit`` is cloned and fitted, on the
        labels as they are or, where it holds an xgboost or skorch model, on their codes 0, ...,
        K - 1; a :class:`~sklearn.frozen.FrozenEstimator`, a :class:`TorchTeacher`, a
        :class:`FittedTeacher` or any object without ``fit`` is used as it is.
    pooling : {"arithmetic", "geometric"}, default="arithmetic"
        Mean of the probabilities, or of their logarithms (which floors them first).
    weights : array-like of shape (n_teachers,) or RowWeights, default=None
        Relative weights, >= 0. With None they are equal until :meth:`fit_weights`; also with a
        :class:`RowWeights`, which then gives each row its own weights.
    floor : "auto" or float, default="auto"
        Lowest probability of a teacher wherever a logarithm is needed. "auto" is 1 / (2 n K)
        for a forest or bagging of n members (or n neighbours) and K classes, 1e-6 otherwise. A
        number replaces the 1e-6, for teachers of which n is not known.
    n_jobs : int, default=None
        Number of teachers and folds fitted, and of chunks labelled, at the same time.
    memory : str or object with the joblib.Memory interface, default=None
        Stores fitted teachers, and their probabilities of the rows of a fit.
    random_state : int, RandomState instance or None, default=None
        Seeds each `random_state` of an unfitted teacher that is None, nested ones as well.
    features : str, int, list of str, int or bool, slice or callable, default=None
        The columns of X that the teachers see, by name or position as in
        :class:`~sklearn.compose.ColumnTransformer`; a callable, such as
        :func:`~sklearn.compose.make_column_selector`, is given X and returns them. None shows
        them all.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Union of the labels of y and of the frozen teachers.
    estimators_ : list of objects
        The teachers in use.
    named_estimators_ : dict of str to object
    weights_ : ndarray of shape (n_teachers,)
        The weights in use, in the order of the teachers, with a sum of 1; the mean over rows for
        :class:`RowWeights`.
    n_features_in_ : int
        Only where X has columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only where X names its columns.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BasePool._parameter_constraints,
        "pooling": [StrOptions({"arithmetic", "geometric"})],
        "floor": FLOOR,
    }
    _floors: list[float]

    def __init__(
        self,
        teachers: Any,
        *,
        pooling: str = "arithmetic",
        weights: ArrayLike | RowWeights | None = None,
        floor: str | float = "auto",
        n_jobs: int | None = None,
        memory: Any = None,
        random_state: RandomState = None,
        features: Any = None,
    ) -> None:
        self.teachers = teachers
        self.pooling = pooling
        self.weights = weights
        self.floor = floor
        self.n_jobs = n_jobs
        self.memory = memory
        self.random_state = random_state
        self.features = features

    def find_classes(self, X: Table, y: ArrayLike | None = None) -> NDArray[Any]:
        """The ``classes_`` that :meth:`fit` would find. Nothing is fitted or stored.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Its first row is shown to frozen teachers without ``classes_``.
        y : array-like of shape (n_samples,), default=None
            Labels. None is legal if every teacher is frozen.

        Returns
        -------
        ndarray of shape (n_classes,)

        Raises
        ------
        ValueError
            If a teacher cannot give probabilities, labels are missing, disjoint or of different
            kinds, or `features` are not valid.
        """
        parts = named_parts(self.teachers, "teacher")
        check_teachers(parts, y)
        check_container(X)
        (X,) = indexable(X)
        selection = ColumnSelection(self.features, "features").fit(X)
        return union_of_classes(parts, y, selection.take(safe_indexing(X, slice(0, 1))))

    def predict_proba(self, X: Table, *, floored: bool = False) -> FloatArray:
        """Pooled probabilities.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        floored : bool, default=False
            Whether each teacher's probabilities are lifted to its floor before pooling, so that
            they have finite logarithms. Geometric pooling always does this.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        seen = self.select(check_columns(self, X))
        return self._teachers(floored).answers(seen)

    def predict_each(self, X: Table) -> FloatArray:
        """Probabilities of each teacher by itself.

        A class that a teacher does not know gets the pooled probability. The teacher shares the
        rest among the classes that it knows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_teachers, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        seen = self.select(check_columns(self, X))
        self._renew_keys()
        answers = self._teachers().each(seen)
        combination = self._combination(floored=False).at(seen)
        aligned, known = combination.align(answers, self.known_columns)
        pooled = combination.pool(answers, self.known_columns)
        of_others = np.where(known[:, None], 0.0, pooled)
        left = 1 - of_others.sum(axis=2, keepdims=True)
        return (of_others + left * np.stack(aligned)).transpose(1, 0, 2)

    def predict_bags(self, X: Table, n_bags: int) -> FloatArray:
        """Probabilities of the teachers in bags, or of the members of a teacher that is a forest.

        Several teachers, at least one for each bag, are averaged by bag. A single teacher must be a
        forest, a bagging or a vote, or end with one; its members are averaged by bag.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        n_bags : int

        Returns
        -------
        ndarray of shape (n_samples, n_bags, n_classes)
            Columns in the order of ``classes_``.

        Raises
        ------
        ValueError
            If there are fewer teachers, or members, than bags.
        """
        check_is_fitted(self)
        check_bags([(one.name, one.estimator) for one in self._members], n_bags)
        if len(self._members) > 1:
            each = self.predict_each(X)
            bags = [each[:, bag::n_bags].mean(axis=1) for bag in range(n_bags)]
            return np.stack(bags, axis=1)
        (member,), seen = self._members, self.select(check_columns(self, X))
        return label_by_bags(member.estimator, member.columns, len(self.classes_), seen, n_bags)

    def predict(self, X: Table) -> NDArray[Any]:
        """The label of the highest pooled probability.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_log_proba(self, X: Table) -> FloatArray:
        """Logarithms of the pooled probabilities: -inf where a probability is 0.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def cross_fit_proba(
        self,
        X: Table,
        y: ArrayLike,
        cv: Any,
        *,
        groups: Iterable[Any] | None = None,
        others: list[list[Table]] | None = None,
        floored: bool = False,
        fit_params: Mapping[str, dict[str, Any]] | None = None,
        step: Step = no_step,
    ) -> FloatArray | tuple[FloatArray, list[list[FloatArray]]]:
        """Out-of-fold pooled probabilities of the rows the teachers were fitted on.

        Each teacher is cloned and fitted again for every fold. Frozen teachers cannot be fitted
        again: they label the rows as they are, as if they had not seen them.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        cv : int, splitter or iterable of (train, test)
            The test folds must cover every row exactly once.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are never split; an int as `cv` is then StratifiedGroupKFold.
        others : list of list of (array-like or DataFrame), default=None
            For each fold, tables of other rows that its teachers label.
        floored : bool, default=False
            As in :meth:`predict_proba`.
        fit_params : dict of str to dict, default=None
            As in :meth:`fit`.
        step : callable, default=no_step
            Called with the name of each teacher in each fold.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        others : list of list of ndarray of shape (n_rows, n_classes)
            Only where `others` is given.

        Raises
        ------
        ValueError
            If all teachers are frozen or the folds are not a partition.
        """
        check_is_fitted(self)
        folds = find_partition(cv, X, y, check_groups(groups, X))
        tables: list[list[Table]] = [[]] * len(folds) if others is None else others
        result, of_others, _ = self.label_folds(X, y, folds, tables, floored, fit_params, step)
        return result if others is None else (result, of_others)

    @property
    def identity(self) -> tuple[Any, ...] | None:
        """The key of its pooled answers, except for the rows; None if there is no key."""
        keys = self.keys
        if None in keys:
            return None
        return keys, self.pooling, self._floors, self._weights_identity

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(pool_state(state, ColumnSelection(None)))

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.pooling == "geometric" and self.floor == 0:
            raise ValueError(
                "`floor` must be > 0 for geometric pooling, which takes logarithms, got 0."
            )

    def _check_teachers(self, parts: Parts, y: ArrayLike | None) -> None:
        check_teachers(parts, y)

    def _read_y(self, y: ArrayLike, X: Table) -> NDArray[Any]:
        return check_labels(y, X)

    def _find_outputs(self, parts: Parts, y: NDArray[Any] | None, first_row: Table) -> None:
        self.classes_ = union_of_classes(parts, y, first_row)

    def _adopt(self, name: str, part: Estimator, first_row: Table) -> Member:
        return adopt(name, part, first_row, self.classes_)

    def _rows(
        self,
        X: Table,
        y: ArrayLike | None,
        fit_params: Mapping[str, dict[str, Any]],
        levels: tuple[float, ...] | None = None,
    ) -> TrainingRows:
        return TrainingRows(X, y, self.classes_, fit_params)

    def _keep(
        self, selection: ColumnSelection, members: list[Member], weights: FloatArray | RowWeights
    ) -> None:
        super()._keep(selection, members, weights)
        unknown = UNKNOWN_FLOOR if self.floor == "auto" else float(self.floor)
        self._floors = [member.floor(len(self.classes_), unknown) for member in members]

    def _read_truth(self, y: ArrayLike, X: Table) -> NDArray[Any]:
        return check_known_labels(y, X, self.classes_)

    def _best_weights(
        self, answers: list[FloatArray], truth: NDArray[Any], sample_weight: FloatArray | None
    ) -> FloatArray:
        aligned, known = self._combination(floored=True).align(answers, self.known_columns)
        return fit_pool_weights(aligned, known, truth, self.pooling, sample_weight)

    def _losses(
        self, answers: list[FloatArray], truth: NDArray[Any]
    ) -> tuple[FloatArray, PoolLosses]:
        combination, rows = self._combination(floored=True), np.arange(len(truth))
        aligned, known = combination.align(answers, self.known_columns)
        told = np.stack([p[rows, truth] for p in aligned], axis=1)
        guess = 1 / len(self.classes_)
        losses = -np.log(np.where(known[:, truth].T, told, guess))
        named = known[:, truth].any(axis=0)  # of another class nobody can tell

        def pool_losses(weights: FloatArray) -> FloatArray:
            pooled = replace(combination, weights=weights).pool(answers, self.known_columns)
            return -np.log(np.where(named, pooled[rows, truth], 1.0))

        return losses, pool_losses

    def _combination(self, floored: bool) -> MeanProbability:
        needed = floored or self.pooling == "geometric"
        floors = self._floors if needed else [0.0] * len(self._members)
        return MeanProbability(self._weights, self.classes_, floors, self.pooling)
