"""The fit of a teacher, with everything that it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.cache import Cache
from skdistill._utils.types import ArrayLike, Estimator, IntArray, NDArray, RandomState, Table
from skdistill.teacher._answers import check_parts
from skdistill.teacher._checks import brief, unfrozen
from skdistill.teacher._clones import clone_of, draw_seeds, seeded_clone
from skdistill.teacher._eval_sets import in_codes
from skdistill.teacher._hints import hint_for
from skdistill.teacher._members import Member, Source
from skdistill.teacher._models import takes_only_codes, torch_guard
from skdistill.teacher._requests import check_row_wise

# Arguments with their own rows, even if these are as many as those of X.
_OTHER_ROWS = {
    *("X_val", "y_val", "sample_weight_val", "eval_X", "eval_y"),
    *("X_transfer", "soft_targets_transfer"),
}


class WrongTypeError(ValueError, TypeError):
    """A TypeError of a teacher: a ValueError like its other errors, and also a TypeError."""


@dataclass
class FitJob:
    """Everything that a fitted teacher depends on.

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
        For a torch teacher, which has no `random_state`.
    data_key : str or None
        Key of `X`, `codes` and `classes`.
    where : str
        For the error message.
    is_fitted : bool, default=False
        Whether `estimator` is, and not only in the cache.
    """

    name: str
    estimator: Estimator
    X: Table
    codes: IntArray
    classes: NDArray[Any]
    fit_params: dict[str, Any]
    seed: int | None
    data_key: str | None
    where: str
    is_fitted: bool = False

    def key(self, cache: Cache) -> str | None:
        """The key of the fitted teacher in `cache`."""
        what = f"teacher `{self.name}`"
        # Without a seed, two teachers of one kind differ only by their names.
        which = self.name if self.seed is None else self.seed
        return cache.key(what, self.estimator, self.fit_params, which, self.data_key)

    def on(self, rows: IntArray, where: str) -> FitJob:
        """The same, with a clone of the teacher, on some of the rows."""
        fit_params = take_rows(self.fit_params, rows, len(self.codes))
        X, codes = safe_indexing(self.X, rows), self.codes[rows]
        estimator = clone_of(self.estimator)
        return replace(
            self, estimator=estimator, X=X, codes=codes, fit_params=fit_params, where=where
        )

    def fit(self) -> Estimator:
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
        try:
            labels, fit_params = self._taught()
            with torch_guard(self.estimator, self.seed):
                self.estimator.fit(self.X, labels, **fit_params)
        except MemoryError:
            raise
        except Exception as error:
            raise (WrongTypeError if isinstance(error, TypeError) else ValueError)(
                f"teacher `{self.name}` could not be fitted {self.where}: {error}{hint_for(error)}"
            ) from error
        self._check_fitted()
        self.is_fitted = True
        return self.estimator

    def member(
        self, source: Source, columns: IntArray, n_votes: int | None, key: str | None = None
    ) -> Member:
        """The fitted teacher, wherever it is, as a member of a pool."""
        return Member(self.name, source, columns, n_votes, key, self.labels)

    def _taught(self) -> tuple[NDArray[Any], dict[str, Any]]:
        """The labels and the other arguments of the teacher's fit."""
        labels = self.classes[self.codes]
        if not takes_only_codes(self.estimator):
            return labels, self.fit_params
        seen, codes = np.unique(labels, return_inverse=True)
        return codes, in_codes(self.fit_params, seen)

    def _check_fitted(self) -> None:
        self.columns_of(self.estimator)
        check_parts(self.name, self.estimator, safe_indexing(self.X, slice(0, 1)))

    @property
    def labels(self) -> NDArray[Any]:
        """The labels of the columns of a teacher that does not know them."""
        seen = np.unique(self.codes)
        codes_only = takes_only_codes(self.estimator)
        return np.arange(len(seen)) if codes_only else self.classes[seen]

    def columns_of(self, estimator: Estimator) -> IntArray:
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


@dataclass(frozen=True)
class TrainingRows:
    """The training rows of teachers.

    Attributes
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Of the columns that the teachers see.
    y : array-like of shape (n_samples,) or None
        None only where no teacher is fitted.
    classes : ndarray of shape (n_classes,)
    fit_params : dict of str to dict
        Further arguments of each teacher's ``fit``, by its name.
    """

    X: Table
    y: ArrayLike | None
    classes: NDArray[Any]
    fit_params: Mapping[str, dict[str, Any]]

    def job(self, *parts: Any) -> FitJob:
        """The job of one teacher."""
        return FitJob(*parts)

    @property
    def table(self) -> tuple[Table, NDArray[Any], NDArray[Any]]:
        """X, the code of each label, and the classes."""
        return self.X, np.searchsorted(self.classes, np.asarray(self.y)), self.classes


def make_jobs(
    parts: list[tuple[str, Estimator]],
    rows: TrainingRows,
    random_state: RandomState,
    cache: Cache,
) -> list[FitJob]:
    """The job of each teacher that is not frozen.

    Parameters
    ----------
    parts : list of (str, object)
        All teachers.
    rows : TrainingRows
    random_state : int, RandomState instance or None
    cache : Cache

    Returns
    -------
    list of FitJob
    """
    if not unfrozen(parts):
        return []
    table = rows.table
    data_key, jobs = cache.key("X and y", *table), []
    seeds = draw_seeds(random_state, [name for name, _ in parts])
    for name, part in unfrozen(parts):
        estimator = seeded_clone(part, seeds[name])
        params, where = rows.fit_params.get(name, {}), f"on {len(table[1])} rows"
        check_row_wise(name, estimator, params)
        jobs.append(rows.job(name, estimator, *table, params, seeds[name], data_key, where))
    return jobs


def take_rows(fit_params: Mapping[str, Any], rows: IntArray, n_rows: int) -> dict[str, Any]:
    """The arguments of a ``fit``; those with one value for each row are reduced to some rows."""
    return {
        name: safe_indexing(value, rows)
        if name not in _OTHER_ROWS and _is_row_wise(value, n_rows)
        else value
        for name, value in fit_params.items()
    }


def _is_row_wise(value: object, n_rows: int) -> bool:
    if isinstance(value, (str, bytes, dict, set)):
        return False
    try:
        return num_samples(value) == n_rows
    except TypeError:  # it has no rows
        return False
