"""Several teachers as one."""

from functools import partial
from itertools import islice
from numbers import Integral
from os import PathLike
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from skdistill._utils._compat import HasMethods, StrOptions, num_samples, safe_indexing
from skdistill._utils.cache import Cache
from skdistill._utils.named import NamedListsMixin, named_parts
from skdistill._utils.parallel import run_jobs
from skdistill._utils.progress import no_step
from skdistill.targets import fit_pool_weights, pool_probabilities
from skdistill.task._labels import check_labels
from skdistill.teacher._adapters import adapt
from skdistill.teacher._checks import (
    FLOOR,
    check_pool_weights,
    check_teachers,
    classes_of,
    is_frozen,
    unfrozen,
    union_of_classes,
    warn_of_refits,
)
from skdistill.teacher._cross_fit import CrossFitMixin
from skdistill.teacher._estimator import PoolEstimatorMixin, check_row_weights
from skdistill.teacher._members import (
    UNKNOWN_FLOOR,
    Held,
    Member,
    align_all,
    check_parts,
    check_row_wise,
    chunks,
    n_votes_of,
)
from skdistill.teacher._tasks import (
    Task,
    accepts_rows,
    clone_of,
    fit_member,
    is_kept,
    label_rows,
)


class TeacherPool(
    PoolEstimatorMixin, CrossFitMixin, NamedListsMixin, ClassifierMixin, BaseEstimator
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
    _parameter_constraints: ClassVar[dict] = {
        "pooling": [StrOptions({"arithmetic", "geometric"})],
        "floor": FLOOR,
        "n_jobs": [Integral, None],
        "memory": [str, PathLike, HasMethods("cache"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        teachers,
        *,
        pooling="arithmetic",
        weights=None,
        floor="auto",
        n_jobs=None,
        memory=None,
        random_state=None,
    ):
        self.teachers = teachers
        self.pooling = pooling
        self.weights = weights
        self.floor = floor
        self.n_jobs = n_jobs
        self.memory = memory
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None, *, fit_params=None, step=no_step, **metadata):
        """Fit the teachers that are not frozen.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Handed to the teachers as it is.
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
            `weights` or `pooling` are not valid.
        TypeError
            If there is `metadata` that no teacher requests, or no metadata routing.
        """
        self.__dict__.pop("_members", None)  # a fit that fails leaves none
        parts = named_parts(self.teachers, "teacher")
        self._weights = check_pool_weights(self.weights, len(parts))
        self._check_parameters()
        check_teachers(parts, y)
        warn_of_refits(parts)
        X = self._check_columns(X, reset=True)
        y = check_labels(y, X)
        routed = self._routed_params(parts, X, sample_weight, metadata)
        fit_params = _merged(routed, fit_params or {})
        self.classes_ = union_of_classes(parts, y, safe_indexing(X, slice(0, 1)))
        # Frozen teachers first: a misfit shows before an hour of fitting, not after it.
        frozen = [self._adopt(name, part, X) for name, part in parts if is_frozen(part)]
        tasks = self._tasks(parts, X, y, fit_params)
        by_name = {member.name: member for member in [*frozen, *self._fit_members(tasks, step)]}
        self._members = [by_name[name] for name, _ in parts]
        unknown = UNKNOWN_FLOOR if self.floor == "auto" else float(self.floor)
        self._floors = [member.floor(len(self.classes_), unknown) for member in self._members]
        return self

    @property
    def estimators_(self):
        check_is_fitted(self)
        return [member.estimator for member in self._members]

    @property
    def named_estimators_(self):
        check_is_fitted(self)
        return {member.name: member.estimator for member in self._members}

    @property
    def weights_(self):
        check_is_fitted(self)
        return self._weights / self._weights.sum()

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_members")

    def fit_weights(self, X, y, sample_weight=None):
        """Choose the weights by log loss on rows that the teachers have not seen.

        A prior worth one row a teacher draws them to equal weights. The teachers stay as they are.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels, of ``classes_``. A class that no teacher knows says nothing of them.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : TeacherPool

        Raises
        ------
        ValueError
            If labels or weights are not valid.
        """
        check_is_fitted(self)
        X = self._check_columns(X)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"`y` has labels {unknown[:10].tolist()} that are not in classes_ "
                f"{self.classes_[:10].tolist()}: leave those rows out."
            )
        sample_weight = check_row_weights(sample_weight, X)
        self._look_at_frozen()
        answers = [self._label_by_one(member, X) for member in self._members]
        members, known = align_all(
            answers, self.known_columns, len(self.classes_), self._floors_if(True)
        )
        codes = np.searchsorted(self.classes_, y)
        self._weights = fit_pool_weights(members, known, codes, self.pooling, sample_weight)
        return self

    def predict_proba(self, X, *, floored=False):
        """Pooled probabilities.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        floored : bool, default=False
            Whether each teacher's probabilities are lifted to its floor before pooling, as any
            use of their logarithm needs. Geometric pooling always does.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self._label(self._check_columns(X), floored, Member.probabilities)

    def label(self, X, *, floored=False, step=no_step):
        """Do as :meth:`predict_proba` does, but keep the probabilities in `memory`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        floored : bool, default=False
        step : callable, default=no_step
            Called with the first and last row of each of the :func:`chunks` labelled.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        self._look_at_frozen()
        return self._label(X, floored, partial(label_rows, self._cache), step)

    def accepts(self, X):
        """Tell whether all teachers can label some rows, of which `memory` keeps the answer.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        bool
        """
        self._look_at_frozen()
        return all(accepts_rows(self._cache, member, X) for member in self._members)

    @property
    def _cache(self):
        return Cache(self.memory)

    @property
    def known_columns(self):
        """The columns of the classes that each teacher knows."""
        return [member.columns for member in self._members]

    def _floors_if(self, floored):
        needed = floored or self.pooling == "geometric"
        return self._floors if needed else [0.0] * len(self._members)

    def _look_at_frozen(self):
        """Know the frozen teachers by what they are now: somebody may have changed them."""
        parts = dict(named_parts(self.teachers, "teacher"))
        for member in self._members:
            if is_frozen(parts[member.name]):
                part = adapt(parts[member.name])
                member.key = self._cache.key(f"teacher `{member.name}`", part)

    def _label(self, X, floored, ask, step=no_step):
        result = np.empty((num_samples(X), len(self.classes_)))
        floors = self._floors_if(floored)
        jobs = (
            delayed(ask)(member, safe_indexing(X, rows))
            for rows in chunks(X)
            for member in self._members
        )
        answers = run_jobs(jobs, self.n_jobs, require="sharedmem")
        for rows in chunks(X):
            result[rows] = self._pool(
                islice(answers, len(self._members)), self.known_columns, floors
            )
            step(f"rows {rows.start} to {rows.stop - 1}")
        return result

    def _pool(self, answers, columns, floors):
        aligned, known = align_all(answers, columns, len(self.classes_), floors)
        return pool_probabilities(aligned, self._weights[:, None] * known, self.pooling)

    def _check_parameters(self):
        self._validate_params()
        if self.pooling == "geometric" and self.floor == 0:
            raise ValueError(
                "`floor` must be > 0 for geometric pooling, which takes logarithms, got 0."
            )

    def _adopt(self, name, part, X):
        classes = classes_of(name, part, safe_indexing(X, slice(0, 1)), self.classes_)
        classes = self.classes_ if classes is None else classes
        columns = np.searchsorted(self.classes_, classes)
        member = Member(name, Held(part), columns, None, labels=classes)
        member.probabilities(safe_indexing(X, slice(0, 1)))
        check_parts(name, part, safe_indexing(X, slice(0, 1)))
        member.n_votes = n_votes_of(part)
        return member

    def _tasks(self, parts, X, y, fit_params):
        """How each teacher that is not frozen is fitted."""
        if not unfrozen(parts):
            return []
        codes = np.searchsorted(self.classes_, np.asarray(y))
        rows = X, codes, self.classes_
        data_key = self._cache.key("X and y", *rows)
        tasks, seeds = [], self._draw_seeds([name for name, _ in parts])
        for name, part in unfrozen(parts):
            seed = seeds[name]
            estimator = _seeded_clone(part, seed)
            params, where = fit_params.get(name, {}), f"on {len(codes)} rows"
            check_row_wise(name, estimator, params)
            tasks.append(Task(name, estimator, *rows, params, seed, data_key, where))
        return tasks

    def _fit_members(self, tasks, step):
        n_jobs = None if all(is_kept(self._cache, task) for task in tasks) else self.n_jobs
        members = []
        for member in run_jobs((delayed(fit_member)(self._cache, task) for task in tasks), n_jobs):
            step(member.name)
            members.append(member)
        return members

    def _draw_seeds(self, names):
        if self.random_state is None:  # a number drawn here would hide the fit from the cache
            return dict.fromkeys(names)
        rng = check_random_state(self.random_state)
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(names))
        return dict(zip(names, seeds.tolist(), strict=True))


def _merged(first, second):
    """The arguments of two dicts of dicts."""
    return {name: first.get(name, {}) | second.get(name, {}) for name in {**first, **second}}


def _seeded_clone(given, seed):
    """A clone in which each `random_state` that is None has got a number of its own."""
    estimator = clone_of(given)
    if seed is not None and hasattr(estimator, "get_params"):
        params, before = estimator.get_params(deep=True), given.get_params(deep=True)
        # A part that is its own clone, as frozen ones are, is the user's: it stays as it is.
        kept = [
            f"{key}__"
            for key, part in params.items()
            if hasattr(part, "get_params") and part is before.get(key)
        ]
        unset = [
            key
            for key in sorted(params)
            if key.split("__")[-1] == "random_state"
            and params[key] is None
            and not key.startswith(tuple(kept))
        ]
        numbers = check_random_state(seed).randint(np.iinfo(np.int32).max, size=len(unset))
        estimator.set_params(**dict(zip(unset, numbers.tolist(), strict=True)))
    return estimator
