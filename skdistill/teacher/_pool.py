"""Several teachers as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, indexable
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter
from sklearn.utils.validation import check_is_fitted

from skdistill._stored.parameters import OlderParametersMixin
from skdistill._stored.parts import pool_state
from skdistill._utils._compat import HasMethods, StrOptions, safe_indexing
from skdistill._utils.named import NamedListsMixin, named_parts, sound_parts
from skdistill._utils.progress import Step, no_step
from skdistill._utils.types import (
    ArrayLike,
    BoolArray,
    FloatArray,
    IntArray,
    NDArray,
    RandomState,
    Table,
)
from skdistill.table import ColumnSelection, check_container
from skdistill.task import check_labels
from skdistill.teacher._checks import (
    FLOOR,
    check_columns,
    check_pool_weights,
    check_refittable,
    check_teachers,
    is_frozen,
    pool_tags,
    unfrozen,
    union_of_classes,
    warn_of_refits,
)
from skdistill.teacher._combine import UNKNOWN_FLOOR
from skdistill.teacher._eval_sets import select_columns
from skdistill.teacher._fitted_pool import FittedClassPool
from skdistill.teacher._folds import check_groups, find_partition
from skdistill.teacher._jobs import TrainingRows, make_jobs
from skdistill.teacher._labelling import fit_members
from skdistill.teacher._members import adopt
from skdistill.teacher._requests import routed_params, router_of


class TeacherPool(
    OlderParametersMixin, FittedClassPool, NamedListsMixin, ClassifierMixin, BaseEstimator
):
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
    weights : array-like of shape (n_teachers,), default=None
        Relative weights, >= 0. None weighs all alike, until :meth:`fit_weights`.
    floor : "auto" or float, default="auto"
        Lowest probability of a teacher wherever a logarithm is needed. "auto" is 1 / (2 n K)
        for a forest or bagging of n members (or n neighbours) and K classes, 1e-6 otherwise. A
        number replaces the 1e-6, for teachers of which n is not known.
    n_jobs : int, default=None
        Teachers and folds fitted, and chunks labelled, at the same time.
    memory : str or object with the joblib.Memory interface, default=None
        Where fitted teachers, and their probabilities of the rows of a fit, are kept.
    random_state : int, RandomState instance or None, default=None
        Gives each `random_state` of an unfitted teacher that is None, nested ones as well, a
        number of its own.
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
        The weights in use, in the order of the teachers, with a sum of 1.
    n_features_in_ : int
        Only where X has columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only where X names its columns.
    """

    _named_lists = ("teachers",)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "pooling": [StrOptions({"arithmetic", "geometric"})],
        "floor": FLOOR,
        "n_jobs": [Integral, None],
        "memory": [str, PathLike, HasMethods("cache"), None],
        "random_state": ["random_state"],
    }

    # They are for DistilledClassifier, and no metadata.
    __metadata_request__fit: ClassVar[dict[str, str]] = {"fit_params": UNUSED, "step": UNUSED}

    def __init__(
        self,
        teachers: Any,
        *,
        pooling: str = "arithmetic",
        weights: ArrayLike | None = None,
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

    def fit(
        self,
        X: Table,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        fit_params: Mapping[str, dict[str, Any]] | None = None,
        step: Step = no_step,
        **metadata: Any,
    ) -> TeacherPool:
        """Fit the teachers that are not frozen.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Handed to the teachers as it is, or the columns that `features` selects.
        y : array-like of shape (n_samples,), default=None
            Labels. None is legal if every teacher is frozen.
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
        self : TeacherPool

        Raises
        ------
        ValueError
            If labels are missing or disjoint, a teacher cannot give probabilities for X, or
            `weights`, `pooling` or `features` are not valid.
        TypeError
            If there is `metadata` that no teacher requests, or no metadata routing.
        """
        self._forget()
        parts = named_parts(self.teachers, "teacher")
        weights = check_pool_weights(self.weights, len(parts))
        self._check_parameters()
        check_teachers(parts, y)
        warn_of_refits(parts)
        X = check_columns(self, X, reset=True)
        selection = ColumnSelection(self.features, "features").fit(X)
        y = None if y is None else check_labels(y, X)
        params = routed_params(self, unfrozen(parts), X, sample_weight, metadata, fit_params)
        seen = selection.take(X)
        first_row = safe_indexing(seen, slice(0, 1))
        classes = union_of_classes(parts, y, first_row)
        # Frozen teachers first: a misfit shows before an hour of fitting, not after it.
        members = [adopt(*one, first_row, classes) for one in parts if is_frozen(one[1])]
        rows = TrainingRows(seen, y, classes, select_columns(params, selection))
        jobs = make_jobs(parts, rows, self.random_state, self._cache)
        members += fit_members(self._cache, jobs, self.n_jobs, step)
        by_name = {member.name: member for member in members}
        unknown = UNKNOWN_FLOOR if self.floor == "auto" else float(self.floor)
        self._keep(selection, [by_name[name] for name, _ in parts], weights)
        self._keep_classes(classes, unknown)
        return self

    def find_classes(self, X: Table, y: ArrayLike | None = None) -> NDArray[Any]:
        """The ``classes_`` that :meth:`fit` would find. Nothing is fitted, and nothing kept.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Its first row is shown to frozen teachers that do not say what they know.
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

    def get_metadata_routing(self) -> MetadataRouter:
        """Get the metadata routing: teachers are given what they request.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        return router_of(self, unfrozen(named_parts(self.teachers, "teacher")))

    def __sklearn_tags__(self) -> Tags:
        return pool_tags(super().__sklearn_tags__(), sound_parts(self.teachers, "teacher"))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(pool_state(state, ColumnSelection(None)))

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

        Each teacher is cloned and fitted again for every fold. Frozen teachers cannot be: they
        label the rows as they are, as if they had not seen them.

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

    def label_folds(
        self,
        X: Table,
        y: ArrayLike,
        folds: list[tuple[IntArray, IntArray]],
        others: list[list[Table]],
        floored: bool,
        fit_params: Mapping[str, dict[str, Any]] | None,
        step: Step,
    ) -> tuple[FloatArray, list[list[FloatArray]], BoolArray]:
        """Do as :meth:`cross_fit_proba` does on checked folds, and tell what are answers.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        folds : list of (ndarray, ndarray)
        others : list of list of (array-like or DataFrame)
        floored : bool
        fit_params : dict of str to dict or None
        step : callable

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        others : list of list of ndarray of shape (n_rows, n_classes)
        is_answer : ndarray of bool of shape (n_samples,)
            False for rows that were taught by label, since no teacher of the fold knows the class.
        """
        parts, seen = named_parts(self.teachers, "teacher"), self.select(X)
        params = select_columns(fit_params or {}, self._selection)
        rows = TrainingRows(seen, y, self.classes_, params)
        jobs = make_jobs(parts, rows, self.random_state, self._cache)
        check_refittable(jobs)
        tables = [[self.select(table) for table in more] for more in others]
        whole = [(*fold, more) for fold, more in zip(folds, tables, strict=True)]
        self._renew_keys()
        return self._teachers(floored).label_folds(jobs, seen, y, whole, step)

    def _check_parameters(self) -> None:
        self._validate_params()
        if self.pooling == "geometric" and self.floor == 0:
            raise ValueError(
                "`floor` must be > 0 for geometric pooling, which takes logarithms, got 0."
            )
