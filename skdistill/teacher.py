"""Teachers: anything with ``predict_proba``, pooled into one array aligned to ``classes_``."""

import copy
import warnings
from dataclasses import dataclass
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import (
    _num_samples,
    check_is_fitted,
    check_memory,
    has_fit_parameter,
)

from skdistill._named import NamedListsMixin, named_parts
from skdistill.targets import floor_probabilities, pool_probabilities

# Rows labelled at a time: a forest's scratch memory grows with the rows of one call.
CHUNK_ROWS = 10_000
# Lowest probability of a teacher about whose resolution nothing is known.
UNKNOWN_FLOOR = 1e-6


class TorchTeacher(BaseEstimator):
    """A trained torch module that gives logits, as a teacher.

    Parameters
    ----------
    module : torch.nn.Module
        Maps a float32 tensor of rows to logits of shape (n_rows, n_classes). It is used as it
        is, in evaluation mode, and never changed.
    classes : array-like of shape (n_classes,), default=None
        The label of each output column. None means 0, 1, ..., known from the first call.
    preprocess : callable, default=None
        Turns X, as the user gives it, into the module's input array. None means
        ``np.asarray(X, dtype=np.float32)``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Only where `classes` was given.

    Examples
    --------
    >>> import torch
    >>> from skdistill import TorchTeacher
    >>> TorchTeacher(torch.nn.Linear(3, 2)).predict_proba([[0, 1, 2]]).shape
    (1, 2)
    """

    def __init__(self, module, classes=None, preprocess=None):
        self.module = module
        self.classes = classes
        self.preprocess = preprocess

    def __sklearn_clone__(self):
        return self  # it is fitted, as a FrozenEstimator is

    def __sklearn_is_fitted__(self):
        return True

    @property
    def classes_(self):
        if self.classes is None:
            raise AttributeError("`classes` of this TorchTeacher were not given.")
        return np.asarray(self.classes)

    def predict_proba(self, X):
        """Softmax of the module's logits.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        import torch

        rows = np.asarray(X, dtype=np.float32) if self.preprocess is None else self.preprocess(X)
        with torch.inference_mode():
            logits = self._evaluation_module()(torch.as_tensor(rows))
        return torch.softmax(logits.double(), dim=1).numpy()

    def _evaluation_module(self):
        # eval() would change the user's module, so a training one is copied.
        if any(part.training for part in self.module.modules()):
            return copy.deepcopy(self.module).eval()
        return self.module


@dataclass
class _Member:
    """A fitted teacher and the position in ``classes_`` of each of its output columns."""

    name: str
    estimator: object
    columns: np.ndarray
    floor: float


class TeacherPool(NamedListsMixin, ClassifierMixin, BaseEstimator):
    """Several teachers as one: their probabilities, aligned by label and averaged.

    Parameters
    ----------
    teachers : estimator, list of estimators or list of (str, estimator)
        Anything with ``predict_proba``. An estimator with ``fit`` is cloned and fitted on the
        codes 0, ..., K - 1 of the labels, as :class:`~sklearn.ensemble.VotingClassifier` does;
        a :class:`~sklearn.frozen.FrozenEstimator`, a :class:`TorchTeacher` or any object without
        ``fit`` is used as it is.
    pooling : {"arithmetic", "geometric"}, default="arithmetic"
        Mean of the probabilities, or of their logarithms (which floors them first).
    weights : array-like of shape (n_teachers,), default=None
        Relative weights, >= 0. None weighs all alike.
    floor : "auto" or float, default="auto"
        Lowest probability of a teacher wherever a logarithm is needed. "auto" is 1 / (2 n K)
        for a forest or bagging of n members (or n neighbours) and K classes, 1e-6 otherwise. A
        number replaces the 1e-6, for teachers of which n is not known.
    n_jobs : int, default=None
        Teachers and folds fitted, and chunks labelled, at the same time.
    memory : str or object with the joblib.Memory interface, default=None
        Where fitted teachers are cached.
    random_state : int, RandomState instance or None, default=None
        Seeds every `random_state` of an unfitted teacher that is None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Union of the labels of y and of the frozen teachers.
    estimators_ : list of objects
        The teachers in use.
    named_estimators_ : dict of str to object
    """

    _named_lists = ("teachers",)

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

    def fit(self, X, y=None, *, fit_params=None):
        """Fit the teachers that are not frozen.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Handed to the teachers as it is.
        y : array-like of shape (n_samples,), default=None
            Labels. None is legal if every teacher is frozen.
        fit_params : dict of str to dict, default=None
            Keyword arguments of each teacher's ``fit``, by its name.

        Returns
        -------
        self : TeacherPool

        Raises
        ------
        ValueError
            If labels are missing or disjoint, a teacher cannot give probabilities for X, or
            `weights` or `pooling` are not valid.
        """
        parts = named_parts(self.teachers, "teacher")
        self._weights = _check_weights(self.weights, len(parts))
        if self.pooling not in ("arithmetic", "geometric"):
            raise ValueError(
                f"`pooling` must be 'arithmetic' or 'geometric', got {self.pooling!r}."
            )
        check_teachers(parts, y)
        self.classes_ = union_of_classes(parts, y, _safe_indexing(X, slice(0, 1)))
        codes = None if y is None else np.searchsorted(self.classes_, np.asarray(y))
        # Frozen teachers first: a misfit shows before an hour of fitting, not after it.
        frozen = {name: self._adopt(name, part, X, y) for name, part in parts if is_frozen(part)}
        fitted = self._fit_members(
            [(name, part) for name, part in parts if not is_frozen(part)], X, codes, fit_params
        )
        self._members = [(frozen | fitted)[name] for name, _ in parts]
        return self

    @property
    def estimators_(self):
        check_is_fitted(self)
        return [member.estimator for member in self._members]

    @property
    def named_estimators_(self):
        check_is_fitted(self)
        return {member.name: member.estimator for member in self._members}

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_members")

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
        n_rows = _num_samples(X)
        starts = range(0, n_rows, CHUNK_ROWS)
        result = np.empty((n_rows, len(self.classes_)))
        chunks = Parallel(n_jobs=self.n_jobs, prefer="threads", return_as="generator")(
            delayed(self._label_chunk)(_safe_indexing(X, slice(s, s + CHUNK_ROWS)), floored)
            for s in starts
        )
        for start, chunk in zip(starts, chunks, strict=True):
            result[start : start + CHUNK_ROWS] = chunk
        return result

    def predict(self, X):
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

    def cross_fit_proba(self, X, y, cv, *, floored=False, fit_params=None):
        """Out-of-fold pooled probabilities of the rows the teachers were fitted on.

        Each teacher is cloned and fitted again for every fold. Frozen teachers cannot be: they
        label the rows as they are, as if they had not seen them.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        cv : int, splitter or iterable of (train, test)
            The test folds must cover every row exactly once.
        floored : bool, default=False
            As in :meth:`predict_proba`.
        fit_params : dict of str to dict, default=None
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Raises
        ------
        ValueError
            If all teachers are frozen or the folds are not a partition.
        """
        check_is_fitted(self)
        codes = np.searchsorted(self.classes_, np.asarray(y))
        folds = _check_partition(check_cv(cv, codes, classifier=True), X, codes)
        parts = dict(named_parts(self.teachers, "teacher"))
        refitted = [m for m in self._members if not is_frozen(parts[m.name])]
        if not refitted:
            raise ValueError(
                "`cv` needs a teacher that can be fitted again, but all are frozen: use `cv=None`, "
                "or give the unfitted teacher."
            )
        tasks = [(m, fold) for m in refitted for fold in range(len(folds))]
        fold_function = check_memory(self.memory).cache(_fit_and_label)
        labels = Parallel(n_jobs=self.n_jobs)(
            delayed(fold_function)(
                self._seeded(m.name, parts[m.name]),
                m.name,
                X,
                codes,
                folds[fold],
                (fit_params or {}).get(m.name, {}),
            )
            for m, fold in tasks
        )
        result = np.empty((len(codes), len(self.classes_)))
        own = {
            m.name: self._align(m, _member_proba(m, X)) for m in self._members if m not in refitted
        }
        for fold, (_, test) in enumerate(folds):
            members, columns = [], []
            for m in self._members:
                if m.name in own:
                    members.append(own[m.name][test])
                    columns.append(m.columns)
                else:
                    fold_columns, p = labels[tasks.index((m, fold))]
                    members.append(self._align(m, p, fold_columns))
                    columns.append(fold_columns)
            result[test] = self._pool(members, columns, floored)
        return result

    def _label_chunk(self, X, floored):
        aligned = [self._align(m, _member_proba(m, X)) for m in self._members]
        return self._pool(aligned, [m.columns for m in self._members], floored)

    def _align(self, member, probabilities, columns=None):
        aligned = np.zeros((len(probabilities), len(self.classes_)))
        aligned[:, member.columns if columns is None else columns] = probabilities
        return aligned

    def _pool(self, aligned, columns, floored):
        weights = np.zeros((len(aligned), len(self.classes_)))
        for row, weight, known in zip(weights, self._weights, columns, strict=True):
            row[known] = weight
        if floored or self.pooling == "geometric":
            aligned = [
                floor_probabilities(p, m.floor) for p, m in zip(aligned, self._members, strict=True)
            ]
        return pool_probabilities(aligned, weights, self.pooling)

    def _adopt(self, name, part, X, y):
        classes = _classes_of(part)
        if classes is None:
            classes = self.classes_
        elif y is not None and not np.isin(np.asarray(y), classes).any():
            raise ValueError(
                f"teacher `{name}` knows the classes {_brief(classes)}, none of which is in y "
                f"({_brief(np.unique(y))}): give the labels it was fitted on."
            )
        member = _Member(name, part, np.searchsorted(self.classes_, classes), self._floor_of(part))
        _member_proba(member, _safe_indexing(X, slice(0, 1)))
        return member

    def _fit_members(self, parts, X, codes, fit_params):
        fit_function = check_memory(self.memory).cache(_fit_member)
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_function)(
                self._seeded(name, part), name, X, codes, (fit_params or {}).get(name, {})
            )
            for name, part in parts
        )
        return {
            name: _Member(name, estimator, columns, self._floor_of(estimator))
            for (name, _), (estimator, columns) in zip(parts, fitted, strict=True)
        }

    def _seeded(self, name, part):
        """A clone whose `random_state` parameters are set where they are None."""
        estimator = clone(part)
        names = [n for n, _ in named_parts(self.teachers, "teacher")]
        random_state = check_random_state(self.random_state)
        if self.random_state is None or not hasattr(estimator, "get_params"):
            return estimator
        seeds = random_state.randint(np.iinfo(np.int32).max, size=len(names))
        unset = [
            key
            for key, value in estimator.get_params(deep=True).items()
            if key.split("__")[-1] == "random_state" and value is None
        ]
        return estimator.set_params(**{key: int(seeds[names.index(name)]) for key in unset})

    def _floor_of(self, estimator):
        n_votes = _n_votes(estimator)
        if n_votes:
            return 1.0 / (2 * n_votes * len(self.classes_))
        return UNKNOWN_FLOOR if self.floor == "auto" else float(self.floor)


def is_frozen(part):
    """Whether a teacher is used as it is: FrozenEstimator, TorchTeacher, or no ``fit``."""
    return isinstance(part, FrozenEstimator) or not hasattr(part, "fit")


def check_teachers(parts, y):
    """Raise a ValueError for a teacher that cannot give probabilities, or not without y."""
    unfitted = [name for name, part in parts if not is_frozen(part)]
    if y is None and unfitted:
        raise ValueError(
            "The teacher requires y to be passed, but the target y is None. Give y, or wrap a "
            f"fitted teacher in sklearn.frozen.FrozenEstimator; not frozen: {unfitted}."
        )
    for name, part in parts:
        if isinstance(part, type):
            raise ValueError(
                f"teacher `{name}` is the class {part.__name__}: give an instance, "
                f"{part.__name__}(...)."
            )
        if not hasattr(part, "predict_proba"):
            raise ValueError(
                f"teacher `{name}` ({type(part).__name__}) has no predict_proba: wrap it, for "
                "instance CalibratedClassifierCV(SVC(), ensemble=False), or a torch module in "
                "TorchTeacher."
            )


def union_of_classes(parts, y, first_row=None):
    """The sorted union of the labels of y and the frozen teachers' classes."""
    known = [_classes_of(part) for _, part in parts if is_frozen(part)]
    labels = [np.unique(np.asarray(y))] if y is not None else []
    labels += [classes for classes in known if classes is not None]
    if not labels:
        # Only objects that know no labels: the number of columns is all there is.
        widths = [np.shape(part.predict_proba(first_row))[1] for _, part in parts]
        return np.arange(max(widths))
    if len({np.asarray(one).dtype.kind in "OUST" for one in labels}) > 1:
        raise ValueError(
            "y and the frozen teachers name the classes differently: "
            f"{' against '.join(_brief(one) for one in labels)}. Give y in the teacher's labels."
        )
    return np.unique(np.concatenate(labels))


def _classes_of(part):
    classes = getattr(part, "classes_", None)
    return None if classes is None else np.asarray(classes)


def _check_weights(weights, n_teachers):
    if weights is None:
        return np.ones(n_teachers)
    try:
        checked = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        checked = np.array([np.nan])
    valid = checked.shape == (n_teachers,) and np.isfinite(checked).all()
    if not valid or (checked < 0).any() or not checked.sum():
        raise ValueError(
            f"`teacher_weights` must be {n_teachers} numbers >= 0 that are not all 0, one a "
            f"teacher, got {weights!r}."
        )
    return checked


def check_floor(floor):
    """Raise a ValueError unless the floor is "auto" or a number in [0, 0.5)."""
    if floor != "auto" and not (isinstance(floor, Real) and 0 <= floor < 0.5):
        raise ValueError(f"`floor` must be 'auto' or a number in [0, 0.5), got {floor!r}.")


def _check_partition(cv, X, codes):
    folds = list(cv.split(X, codes))
    tested = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(tested), np.arange(len(codes))):
        raise ValueError(
            "`cv` must put every row into exactly one test fold, as KFold does: "
            f"{type(cv).__name__} does not."
        )
    return folds


def _fit_member(estimator, name, X, codes, fit_params, where="on all rows"):
    """Fit on local codes 0..k-1 (xgboost takes no others); return the codes of its columns."""
    seen, local = np.unique(codes, return_inverse=True)
    try:
        estimator.fit(X, local, **fit_params)
    except Exception as error:
        raise ValueError(f"teacher `{name}` could not be fitted {where}: {error}") from error
    columns = seen[np.asarray(getattr(estimator, "classes_", np.arange(len(seen))), dtype=int)]
    return estimator, columns


def _fit_and_label(estimator, name, X, codes, fold, fit_params):
    train, test = fold
    subset = {
        key: _safe_indexing(value, train) if _is_row_wise(value, len(codes)) else value
        for key, value in fit_params.items()
    }
    estimator, columns = _fit_member(
        estimator, name, _safe_indexing(X, train), codes[train], subset, "in a fold of `cv`"
    )
    member = _Member(name, estimator, columns, 0.0)
    return columns, _member_proba(member, _safe_indexing(X, test))


def _is_row_wise(value, n_rows):
    return hasattr(value, "__len__") and not isinstance(value, str) and len(value) == n_rows


def _member_proba(member, X):
    """Probabilities of one teacher, checked, in chunks of bounded scratch memory."""
    n_rows = _num_samples(X)
    if n_rows > CHUNK_ROWS:
        starts = range(0, n_rows, CHUNK_ROWS)
        return np.concatenate(
            [_member_proba(member, _safe_indexing(X, slice(s, s + CHUNK_ROWS))) for s in starts]
        )
    try:
        p = np.asarray(member.estimator.predict_proba(X), dtype=float)
    except Exception as error:
        raise ValueError(f"teacher `{member.name}` could not label the rows: {error}") from error
    if p.shape != (n_rows, len(member.columns)):
        raise ValueError(
            f"teacher `{member.name}` gave probabilities of shape {p.shape} for {n_rows} rows and "
            f"{len(member.columns)} classes."
        )
    if not np.isfinite(p).all() or (p < 0).any():
        raise ValueError(
            f"teacher `{member.name}` gave probabilities that are NaN, infinite or negative."
        )
    return p


def _n_votes(estimator):
    """How many votes a probability is an average of; None where that is not known."""
    if isinstance(estimator, FrozenEstimator):
        return _n_votes(estimator.estimator)
    if isinstance(estimator, Pipeline):
        return _n_votes(estimator[-1])
    if isinstance(estimator, (RandomForestClassifier, ExtraTreesClassifier, BaggingClassifier)):
        return len(estimator.estimators_)
    if isinstance(estimator, KNeighborsClassifier):
        return estimator.n_neighbors
    return None


def weight_fit_params(name, estimator, sample_weight):
    """The ``fit`` arguments that carry `sample_weight` to a teacher, without metadata routing."""
    if sample_weight is None:
        return {}
    if has_fit_parameter(estimator, "sample_weight"):
        return {"sample_weight": sample_weight}
    if isinstance(estimator, Pipeline) and has_fit_parameter(estimator[-1], "sample_weight"):
        return {f"{estimator.steps[-1][0]}__sample_weight": sample_weight}
    warnings.warn(
        f"DistilledClassifier: teacher `{name}` ({type(estimator).__name__}) takes no "
        "sample_weight and is fitted without; the student uses it."
    )
    return {}


def _brief(values):
    shown = [str(v) for v in values[:5]]
    return "[" + ", ".join(shown) + (", ...]" if len(values) > 5 else "]")
