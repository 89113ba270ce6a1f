"""Fits of teachers and labels of rows; with `memory`, each is computed once."""

import pickle
from dataclasses import dataclass
from typing import Any

from skdistill._utils._compat import safe_indexing
from skdistill._utils.cache import Cache, CacheEntry
from skdistill._utils.types import Estimator, FloatArray, IntArray, Table
from skdistill.teacher._checks import is_frozen
from skdistill.teacher._jobs import FitJob
from skdistill.teacher._libraries import known_by
from skdistill.teacher._members import InMemory, Member, Source
from skdistill.teacher._models import n_votes_of

# The row numbers of the training and test part of a fold, and tables of other rows.
Fold = tuple[IntArray, IntArray, list[Table]]
# The classes of a teacher's columns, and its probabilities of some tables.
FoldAnswer = tuple[IntArray, list[FloatArray]]


def is_kept(cache: Cache, job: FitJob) -> bool:
    """Whether `cache` holds the fitted teacher."""
    return cache.holds(_fit, job.key(cache), job)


def fit_member(cache: Cache, job: FitJob) -> Member:
    """Fit one teacher, or refer to it in the cache, from where it is read when needed.

    Parameters
    ----------
    cache : Cache
    job : FitJob

    Returns
    -------
    Member
    """
    if not cache.is_on:
        estimator = job.fit()
        columns, n_votes = job.columns_of(estimator), n_votes_of(estimator)
        return job.member(InMemory(estimator), columns, n_votes)
    key = job.key(cache)
    source: Source = InCache(cache.refer(f"teacher `{job.name}`", _fit, key, job, cache.parameter))
    if job.is_fitted:
        source = InMemory(job.estimator)
    columns, n_votes = cache.call(_describe, key, source, job)
    return job.member(source, columns, n_votes, key)


def is_fold_kept(cache: Cache, job: FitJob, fold: Fold) -> bool:
    """Whether `cache` holds the labels of a fold."""
    key = _fold_key(cache, job, fold)
    return cache.holds(_fit_and_label, key, job, fold, "")


def fit_and_label(cache: Cache, job: FitJob, fold: Fold, number: int) -> FoldAnswer:
    """Fit one teacher on a fold's training rows; label its test rows, and other rows.

    Parameters
    ----------
    cache : Cache
    job : FitJob
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
    key = _fold_key(cache, job, fold)
    return cache.call(_fit_and_label, key, job, fold, f"in fold {number} of `cv`")


def label_rows(cache: Cache, member: Member, X: Table) -> FloatArray:
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


def accepts_rows(cache: Cache, member: Member, X: Table) -> bool:
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


def renew_keys(cache: Cache, members: list[Member], parts: list[tuple[str, Estimator]]) -> None:
    """Identify the frozen teachers by their present state: they may have been changed."""
    given = dict(parts)
    for member in members:
        if is_frozen(given[member.name]):
            part = known_by(given[member.name])
            member.key = cache.key(f"teacher `{member.name}`", part)


def _rows_key(cache: Cache, member: Member, X: Table) -> str | None:
    return None if member.key is None else cache.key("the rows", member.key, X)


def _fold_key(cache: Cache, job: FitJob, fold: Fold) -> str | None:
    return cache.key("a fold", job.key(cache), fold)


# --- cached functions: of a key, and of the arguments needed if the result is missing ---


def _fit(key: str, job: FitJob, parameter: str = "memory") -> bytes:
    # Fail before the fit if the result cannot be stored.
    _pickled(job.estimator, job.name, parameter)
    return _pickled(job.fit(), job.name, parameter)


def _pickled(estimator: Estimator, name: str, parameter: str) -> bytes:
    try:
        return pickle.dumps(estimator, protocol=5)
    except Exception as error:  # pickling calls anyone's code
        raise ValueError(
            f"`{parameter}` cannot keep teacher `{name}`, which cannot be pickled ({error}): "
            f"define its class or function in a module, or use `{parameter}=None`."
        ) from error


def _describe(key: str, source: Source, job: FitJob) -> tuple[IntArray, int | None]:
    estimator = source.get()
    return job.columns_of(estimator), n_votes_of(estimator)


def _fit_and_label(key: str | None, job: FitJob, fold: Fold, where: str) -> FoldAnswer:
    train, test, others = fold
    part = job.on(train, where)
    estimator = part.fit()
    columns = part.columns_of(estimator)
    member = part.member(InMemory(estimator), columns, None)
    tables = [safe_indexing(job.X, test), *others]
    return member.columns, [member.answers(table) for table in tables]


def _label(key: str | None, member: Member, X: Table) -> FloatArray:
    return member.answers(X)


def _accepts(key: str | None, member: Member, X: Table) -> bool:
    try:
        member.answers(X)
    except ValueError:
        return False
    return True


@dataclass
class InCache:
    """A fitted teacher in the cache, as a pickle."""

    entry: CacheEntry

    def get(self) -> Any:
        """The teacher."""
        return pickle.loads(self.entry.get())
