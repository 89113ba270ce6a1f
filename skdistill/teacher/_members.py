"""One teacher of a pool: how it is fitted, what its columns mean, how it labels rows."""

import warnings
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import _safe_indexing, gen_batches
from sklearn.utils.validation import _num_samples, has_fit_parameter

from skdistill._seeding import seeded
from skdistill.targets import floor_probabilities

# Rows labelled at a time: a forest's scratch memory grows with the rows of one call.
CHUNK_ROWS = 10_000
# Lowest probability of a teacher about whose resolution nothing is known.
UNKNOWN_FLOOR = 1e-6


class Member:
    """A fitted teacher.

    Parameters
    ----------
    name : str
    held : object with ``get``
        Gives the fitted teacher, from the cache perhaps.
    columns : ndarray of int
        The position in ``classes_`` of each of its output columns.
    n_votes : int or None
        How many votes a probability of it is an average of.
    key : str or None, default=None
        What the cache knows it by.
    """

    def __init__(self, name, held, columns, n_votes, key=None):
        self.name = name
        self.columns = columns
        self.n_votes = n_votes
        self.key = key
        self._held = held

    @property
    def estimator(self):
        if not isinstance(self._held, Held):
            self._held = Held(self._held.get())
        return self._held.value

    def floor(self, n_classes, unknown):
        """Lowest probability: half a vote, shared by the classes; `unknown` without votes."""
        return 1.0 / (2 * self.n_votes * n_classes) if self.n_votes else unknown

    def probabilities(self, X):
        """Its own probabilities, in chunks of bounded scratch memory.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        return np.concatenate([self._chunk(_safe_indexing(X, rows)) for rows in chunks(X)])

    def __getstate__(self):
        state = {**self.__dict__, "estimator": self.estimator}  # the cache may be gone by then
        del state["_held"]
        return state

    def __setstate__(self, state):
        state = {"n_votes": None, "key": None, **state}  # older files have none
        self._held = Held(state.pop("estimator"))
        self.__dict__.update(state)

    def _chunk(self, X):
        estimator = self.estimator
        try:
            with _torch_guard(estimator, seed=0):
                p = np.asarray(estimator.predict_proba(X), dtype=float)
        except Exception as error:
            raise ValueError(f"teacher `{self.name}` could not label the rows: {error}") from error
        expected = (_num_samples(X), len(self.columns))
        if p.shape != expected:
            raise ValueError(
                f"teacher `{self.name}` gave probabilities of shape {p.shape} for {expected[0]} "
                f"rows and {expected[1]} classes."
            )
        if not np.isfinite(p).all() or (p < 0).any() or not p.sum(axis=1).all():
            raise ValueError(
                f"teacher `{self.name}` gave probabilities that are NaN, infinite, negative or all "
                "0 in a row."
            )
        return p


def align(probabilities, columns, n_classes, floor=0.0):
    """Floor a teacher's probabilities and bring them into the order of ``classes_``.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_columns)
    columns : ndarray of int of shape (n_columns,)
    n_classes : int
    floor : float, default=0.0

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        0 in the columns of classes the teacher does not know.
    """
    aligned = np.zeros((len(probabilities), n_classes))
    aligned[:, columns] = floor_probabilities(probabilities, floor)
    return aligned


@dataclass
class Held:
    """What is at hand, with the interface of a :class:`~skdistill._cache.Reference`."""

    value: object

    def get(self):
        """The value."""
        return self.value


def chunks(X):
    """Slices of the rows to label at a time."""
    return gen_batches(_num_samples(X), CHUNK_ROWS)


@dataclass
class Task:
    """All that a fitted teacher depends on.

    Attributes
    ----------
    name : str
    estimator : object
        Fitted in place.
    X : array-like or DataFrame of shape (n_samples, n_features)
    codes : ndarray of shape (n_samples,)
        Position of each label in `classes`.
    classes : ndarray of shape (n_classes,)
    fit_params : dict
    seed : int or None
        For a torch teacher, which has no `random_state` of its own.
    data_key : str or None
        Key of `X`, `codes` and `classes`.
    where : str, default="on all rows"
        For the error message.
    is_fitted : bool, default=False
        Whether `estimator` is, and not only in the cache.
    """

    name: str
    estimator: object
    X: object
    codes: np.ndarray
    classes: np.ndarray
    fit_params: dict
    seed: int | None
    data_key: str | None
    where: str = "on all rows"
    is_fitted: bool = False

    def key(self, cache):
        """What `cache` knows the fitted teacher by."""
        what = f"teacher `{self.name}`"
        return cache.key(what, self.estimator, self.fit_params, self.seed, self.data_key)

    def on(self, rows, where):
        """The same, with a clone of the teacher, on some of the rows."""
        fit_params = {
            key: _safe_indexing(value, rows) if _is_row_wise(value, len(self.codes)) else value
            for key, value in self.fit_params.items()
        }
        X, codes = _safe_indexing(self.X, rows), self.codes[rows]
        estimator = clone(self.estimator, safe=False)
        return replace(
            self, estimator=estimator, X=X, codes=codes, fit_params=fit_params, where=where
        )

    def fit(self):
        """Fit the teacher.

        Returns
        -------
        object
            `estimator`.

        Raises
        ------
        ValueError
            If the fit fails, with the teacher's own error as its cause.
        """
        codes = self.codes
        if _takes_only_codes(self.estimator):
            labels = np.unique(codes, return_inverse=True)[1]
        else:
            labels = self.classes[codes]
        try:
            with _torch_guard(self.estimator, self.seed):
                self.estimator.fit(self.X, labels, **self.fit_params)
        except MemoryError:
            raise
        except Exception as error:
            raise ValueError(
                f"teacher `{self.name}` could not be fitted {self.where}: {error}"
            ) from error
        self.columns_of(self.estimator)
        self.is_fitted = True
        return self.estimator

    def columns_of(self, estimator):
        """The position in `classes` of each output column of the fitted teacher."""
        seen, known = np.unique(self.codes), getattr(estimator, "classes_", None)
        if known is None:
            return seen
        if _takes_only_codes(estimator):
            return seen[np.asarray(known, dtype=int)]
        if not np.isin(known, self.classes).all():
            raise ValueError(
                f"teacher `{self.name}` has the classes {list(known[:5])}, which are not those of "
                f"y, {list(self.classes[:5])}: freeze the whole teacher if a part of it is fitted."
            )
        return np.searchsorted(self.classes, known)


def _is_row_wise(value, n_rows):
    return hasattr(value, "__len__") and not isinstance(value, str) and len(value) == n_rows


def is_fitted(cache, task):
    """Whether `cache` holds the fitted teacher."""
    return cache.holds(_fit, task.key(cache), task)


def fit_member(cache, task):
    """Fit one teacher, or refer to it in the cache, where it is read when it is needed.

    Parameters
    ----------
    cache : Cache
    task : Task

    Returns
    -------
    Member
    """
    key = task.key(cache)
    held = cache.refer(f"teacher `{task.name}`", _fit, key, task)
    if task.is_fitted:
        held = Held(task.estimator)
    columns, n_votes = cache.call(_describe, key, held, task)
    return Member(task.name, held, columns, n_votes, key)


def is_labelled(cache, task, fold):
    """Whether `cache` holds the labels of a fold."""
    key = _fold_key(cache, task, fold)
    return cache.holds(_fit_and_label, key, task, fold, "")


def fit_and_label(cache, task, fold, number):
    """Fit one teacher on a fold's training rows; label its test rows.

    Parameters
    ----------
    cache : Cache
    task : Task
    fold : tuple of ndarray
        The training and the test rows.
    number : int
        Of the fold, for the error message.

    Returns
    -------
    columns : ndarray of int
    probabilities : ndarray of shape (n_test, n_columns)
    """
    key = _fold_key(cache, task, fold)
    return cache.call(_fit_and_label, key, task, fold, f"in fold {number} of `cv`")


def label_rows(cache, member, X):
    """A teacher's own probabilities of some rows.

    Parameters
    ----------
    cache : Cache
    member : Member
    X : array-like or DataFrame of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_columns)
    """
    return cache.call(_label, cache.key("the rows", member.key, X), member, X)


# --- what the cache keeps: functions of a key, and of what they need where it is not there ---


def accepts_rows(cache, member, X):
    """Tell whether a teacher can label some rows.

    Parameters
    ----------
    cache : Cache
    member : Member
    X : array-like or DataFrame of shape (n_samples, n_features)

    Returns
    -------
    bool
    """
    return cache.call(_accepts, cache.key("the rows", member.key, X), member, X)


def _fit(key, task):
    return task.fit()


def _fold_key(cache, task, fold):
    return cache.key("a fold", task.key(cache), fold)


def _describe(key, held, task):
    estimator = held.get()
    return task.columns_of(estimator), n_votes_of(estimator)


def _fit_and_label(key, task, fold, where):
    train, test = fold
    part = task.on(train, where)
    member = Member(part.name, Held(part.fit()), part.columns_of(part.estimator), None)
    return member.columns, member.probabilities(_safe_indexing(task.X, test))


def _label(key, member, X):
    return member.probabilities(X)


def _accepts(key, member, X):
    try:
        member.probabilities(X)
    except ValueError:
        return False
    return True


def teach_unknown(soft, codes, columns, rows=slice(None)):
    """Give rows of a class that no teacher knows their label as soft target, in place.

    Parameters
    ----------
    soft : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
        Position of each label in ``classes_``.
    columns : list of ndarray of int
        The classes each teacher knows.
    rows : ndarray of int or slice, default=slice(None)
        The rows these teachers labelled.

    Returns
    -------
    ndarray of int
        The classes no teacher knows, of those in the rows.
    """
    unknown = np.setdiff1d(codes[rows], np.concatenate(columns))
    for code in unknown:
        of_class = np.arange(len(codes))[rows][codes[rows] == code]
        soft[of_class] = 0.0
        soft[of_class, code] = 1.0
    return unknown


def warn_of_unknown(classes, where=""):
    """Warn of classes that no teacher knows."""
    warnings.warn(
        f"DistilledClassifier: {where}no teacher knows the classes {classes.tolist()}; their "
        "training rows are taught by their labels, and transfer rows cannot teach them."
    )


def n_votes_of(estimator):
    """How many votes a probability is an average of; None where that is not known."""
    if isinstance(estimator, FrozenEstimator):
        return n_votes_of(estimator.estimator)
    if isinstance(estimator, Pipeline):
        return n_votes_of(estimator[-1])
    if isinstance(estimator, (RandomForestClassifier, ExtraTreesClassifier)):
        return len(estimator.estimators_)
    if isinstance(estimator, BaggingClassifier) and _is_tree(estimator.estimator_):
        return len(estimator.estimators_)
    if isinstance(estimator, KNeighborsClassifier) and estimator.weights == "uniform":
        return estimator.n_neighbors
    return None


def _is_tree(estimator):
    return isinstance(estimator, DecisionTreeClassifier)


def _parts_of(estimator):
    """The estimator and all that its parameters hold."""
    if isinstance(estimator, FrozenEstimator):
        return _parts_of(estimator.estimator)
    nested = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else []
    return [estimator, *nested]


def _has_part_of(estimator, *libraries):
    return any(type(part).__module__.split(".")[0] in libraries for part in _parts_of(estimator))


def _takes_only_codes(estimator):
    """Whether a teacher wants labels 0..K-1; the others get the labels as they are."""
    return _has_part_of(estimator, "xgboost", "skorch")


def _torch_guard(estimator, seed):
    """Seed a skorch teacher and keep it from torch's global generator."""
    return seeded(seed) if _has_part_of(estimator, "skorch") else nullcontext()


def weight_fit_params(name, estimator, sample_weight):
    """The ``fit`` arguments that carry `sample_weight` to a teacher, without metadata routing."""
    if sample_weight is None:
        return {}
    if _takes_weight(estimator):
        return {"sample_weight": sample_weight}
    if isinstance(estimator, Pipeline) and _takes_weight(estimator[-1]):
        return {f"{estimator.steps[-1][0]}__sample_weight": sample_weight}
    warnings.warn(
        f"DistilledClassifier: teacher `{name}` ({type(estimator).__name__}) takes no "
        "sample_weight and is fitted without; the student uses it."
    )
    return {}


def _takes_weight(estimator):
    if isinstance(estimator, (VotingClassifier, StackingClassifier)):
        return all(_takes_weight(part) for _, part in estimator.estimators if part != "drop")
    return has_fit_parameter(estimator, "sample_weight")
