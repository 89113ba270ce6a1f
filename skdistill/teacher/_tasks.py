"""How a teacher is fitted, and what of it `memory` keeps."""

import copy
import pickle
from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.named import unfrozen_parts_of
from skdistill.teacher._checks import brief
from skdistill.teacher._eval_sets import in_codes
from skdistill.teacher._hints import hint_for
from skdistill.teacher._members import (
    Held,
    Member,
    check_parts,
    has_part_of,
    n_votes_of,
    takes_only_codes,
    torch_guard,
)

# Arguments that hold rows of their own, even where these are as many as those of X.
_OTHER_ROWS = {
    *("X_val", "y_val", "sample_weight_val", "eval_X", "eval_y"),
    *("X_transfer", "soft_targets_transfer"),
}


class WrongTypeError(ValueError, TypeError):
    """A TypeError of a teacher: a ValueError as its other errors are, and a TypeError still."""


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
    where : str
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
    where: str
    is_fitted: bool = False

    def key(self, cache):
        """What `cache` knows the fitted teacher by."""
        what = f"teacher `{self.name}`"
        # Without a seed, two of a kind differ by their names alone.
        which = self.name if self.seed is None else self.seed
        return cache.key(what, self.estimator, self.fit_params, which, self.data_key)

    def on(self, rows, where):
        """The same, with a clone of the teacher, on some of the rows."""
        fit_params = take_rows(self.fit_params, rows, len(self.codes))
        X, codes = safe_indexing(self.X, rows), self.codes[rows]
        estimator = clone_of(self.estimator)
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
        labels, fit_params = self.classes[self.codes], self.fit_params
        try:
            if takes_only_codes(self.estimator):
                seen, labels = np.unique(labels, return_inverse=True)
                fit_params = in_codes(fit_params, seen)
            with torch_guard(self.estimator, self.seed):
                self.estimator.fit(self.X, labels, **fit_params)
        except MemoryError:
            raise
        except Exception as error:
            raise (WrongTypeError if isinstance(error, TypeError) else ValueError)(
                f"teacher `{self.name}` could not be fitted {self.where}: {error}{hint_for(error)}"
            ) from error
        self.columns_of(self.estimator)
        check_parts(self.name, self.estimator, safe_indexing(self.X, slice(0, 1)))
        self.is_fitted = True
        return self.estimator

    @property
    def labels(self):
        """What the columns of a teacher mean that does not say so itself."""
        seen = np.unique(self.codes)
        codes_only = takes_only_codes(self.estimator)
        return np.arange(len(seen)) if codes_only else self.classes[seen]

    def columns_of(self, estimator):
        """The position in `classes` of each output column of the fitted teacher."""
        seen, known = np.unique(self.codes), getattr(estimator, "classes_", None)
        if known is None:
            return seen
        labels = np.arange(len(seen)) if takes_only_codes(estimator) else self.classes
        if not np.isin(known, labels).all():
            raise ValueError(
                f"teacher `{self.name}` has the classes {brief(known)}, which are not those of y, "
                f"{brief(self.classes)}: if a part of it is fitted, give y in the labels of that "
                "part, or freeze the whole teacher."
            )
        if takes_only_codes(estimator):
            return seen[np.asarray(known, dtype=int)]
        return np.searchsorted(self.classes, known)


def clone_of(estimator):
    """An unfitted copy of a teacher."""
    try:
        return clone(estimator, safe=False)
    except RuntimeError:
        if not has_part_of(unfrozen_parts_of(estimator), "catboost"):
            raise
        # CatBoost copies a list of `cat_features`, which clone() takes for a fault.
        return copy.deepcopy(estimator)


def take_rows(fit_params, rows, n_rows):
    """The arguments of a ``fit``, of those that have a value a row only some rows."""
    return {
        name: safe_indexing(value, rows)
        if name not in _OTHER_ROWS and _is_row_wise(value, n_rows)
        else value
        for name, value in fit_params.items()
    }


def _is_row_wise(value, n_rows):
    if isinstance(value, (str, bytes, dict, set)):
        return False
    try:
        return num_samples(value) == n_rows
    except TypeError:  # it has no rows
        return False


def is_kept(cache, task):
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
    if not cache.is_on:
        estimator = task.fit()
        columns, n_votes = task.columns_of(estimator), n_votes_of(estimator)
        return Member(task.name, Held(estimator), columns, n_votes, labels=task.labels)
    key = task.key(cache)
    held = Stored(cache.refer(f"teacher `{task.name}`", _fit, key, task))
    if task.is_fitted:
        held = Held(task.estimator)
    columns, n_votes = cache.call(_describe, key, held, task)
    return Member(task.name, held, columns, n_votes, key, task.labels)


def is_fold_kept(cache, task, fold):
    """Whether `cache` holds the labels of a fold."""
    key = _fold_key(cache, task, fold)
    return cache.holds(_fit_and_label, key, task, fold, "")


def fit_and_label(cache, task, fold, number):
    """Fit one teacher on a fold's training rows; label its test rows, and rows besides.

    Parameters
    ----------
    cache : Cache
    task : Task
    fold : tuple of (ndarray, ndarray, list)
        The training and the test rows by their places, and tables of other rows.
    number : int
        Of the fold, for the error message.

    Returns
    -------
    columns : ndarray of int
    probabilities : list of ndarray of shape (n_rows, n_columns)
        Of the test rows, then of each table.
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
    return cache.call(_label, _rows_key(cache, member, X), member, X)


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
    return cache.call(_accepts, _rows_key(cache, member, X), member, X)


def _rows_key(cache, member, X):
    return None if member.key is None else cache.key("the rows", member.key, X)


def _fold_key(cache, task, fold):
    return cache.key("a fold", task.key(cache), fold)


# --- what the cache keeps: functions of a key, and of what they need where it is not there ---


def _fit(key, task):
    _pickled(task.estimator, task.name)  # what cannot be kept is not fitted for nothing
    return _pickled(task.fit(), task.name)


def _pickled(estimator, name):
    try:
        return pickle.dumps(estimator, protocol=5)
    except Exception as error:  # pickling calls anyone's code
        raise ValueError(
            f"`memory` cannot keep teacher `{name}`, which cannot be pickled ({error}): define its "
            "class or function in a module, or use `memory=None`."
        ) from error


def _describe(key, held, task):
    estimator = held.get()
    return task.columns_of(estimator), n_votes_of(estimator)


def _fit_and_label(key, task, fold, where):
    train, test, others = fold
    part = task.on(train, where)
    held = Held(part.fit())
    member = Member(part.name, held, part.columns_of(held.value), None, labels=part.labels)
    tables = [safe_indexing(task.X, test), *others]
    return member.columns, [member.probabilities(table) for table in tables]


def _label(key, member, X):
    return member.probabilities(X)


def _accepts(key, member, X):
    try:
        member.probabilities(X)
    except ValueError:
        return False
    return True


@dataclass
class Stored:
    """A fitted teacher in the cache, where it is a pickle."""

    reference: object

    def get(self):
        """The teacher."""
        return pickle.loads(self.reference.get())
