"""The answers of a pool's fitted teachers, and of teachers that have not seen the rows."""

from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from sklearn.utils.parallel import delayed

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.cache import Cache
from skdistill._utils.parallel import run_jobs
from skdistill._utils.progress import Step, no_step
from skdistill._utils.types import ArrayLike, BoolArray, FloatArray, IntArray, NDArray, Table
from skdistill.teacher._cached import (
    Fold,
    FoldAnswer,
    accepts_rows,
    fit_and_label,
    fit_member,
    is_fold_kept,
    is_kept,
    label_rows,
)
from skdistill.teacher._combine import Combination, warn_of_unknown
from skdistill.teacher._jobs import FitJob
from skdistill.teacher._members import Member, chunks
from skdistill.teacher._queries import current_queries


def fit_members(cache: Cache, jobs: list[FitJob], n_jobs: int | None, step: Step) -> list[Member]:
    """The fitted teachers, in the order of their jobs."""
    n_jobs = None if all(is_kept(cache, job) for job in jobs) else n_jobs
    members = []
    for member in run_jobs((delayed(fit_member)(cache, job) for job in jobs), n_jobs):
        step(member.name)
        members.append(member)
    return members


@dataclass(frozen=True)
class FittedTeachers:
    """The fitted teachers of a pool, asked together.

    Tables are of the columns that the teachers see.

    Attributes
    ----------
    members : list of Member
    combination : Combination
        Of their answers, in their order.
    cache : Cache
    n_jobs : int or None
    """

    members: list[Member]
    combination: Combination
    cache: Cache
    n_jobs: int | None

    @property
    def columns(self) -> list[IntArray]:
        """The positions in ``classes_`` of the columns of each teacher."""
        return [member.columns for member in self.members]

    def answers(self, X: Table) -> FloatArray:
        """Pooled answers, asked now.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._label(X, Member.answers, no_step)

    def label(self, X: Table, step: Step) -> FloatArray:
        """Pooled answers, asked for once if the cache keeps them.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        step : callable

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        _plan(X)
        return self._label(X, partial(label_rows, self.cache), step)

    def _label(
        self, X: Table, ask: Callable[[Member, Table], FloatArray], step: Step
    ) -> FloatArray:
        result = np.empty((num_samples(X), self.combination.n_columns))
        context = copy_context()  # threads know whose fit it is
        jobs = (
            delayed(context.copy().run)(ask, member, safe_indexing(X, rows))
            for rows in chunks(X)
            for member in self.members
        )
        answers = run_jobs(jobs, self.n_jobs, require="sharedmem")
        for rows in chunks(X):
            own = islice(answers, len(self.members))
            combination = self.combination.at(safe_indexing(X, rows))
            result[rows] = combination.pool(own, self.columns)
            step(f"rows {rows.start} to {rows.stop - 1}")
        return result

    def each(self, X: Table) -> list[FloatArray]:
        """The answers of each teacher by itself.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        list of ndarray of shape (n_samples, n_own_columns)
        """
        _plan(X)
        return [self._label_whole(member, X) for member in self.members]

    def accepts(self, X: Table) -> bool:
        """Whether all teachers can label some rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        bool
        """
        _plan(X)
        return all(accepts_rows(self.cache, member, X) for member in self.members)

    def label_folds(
        self, jobs: list[FitJob], X: Table, y: ArrayLike, folds: list[Fold], step: Step
    ) -> tuple[FloatArray, list[list[FloatArray]], BoolArray]:
        """Labels of teachers that have not seen the rows; frozen teachers answer as they are.

        Parameters
        ----------
        jobs : list of FitJob
            The fits of the others on all rows.
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        folds : list of (ndarray, ndarray, list)
        step : callable

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        others : list of list of ndarray of shape (n_rows, n_classes)
        is_answer : ndarray of bool of shape (n_samples,)
            False for rows that were taught by label.
        """
        answers = fit_and_label_folds(self.cache, jobs, folds, self.n_jobs, step)
        for member in self.members:
            if member.name not in answers:  # it is frozen
                answers[member.name] = self._label_folds_as_is(member, X, folds)
        y = np.asarray(y)
        by_teacher = [answers[member.name] for member in self.members]
        return combine_folds(by_teacher, X, y, folds, self.combination)

    def _label_folds_as_is(self, member: Member, X: Table, folds: list[Fold]) -> list[FoldAnswer]:
        p = self._label_whole(member, X)
        return [
            (member.columns, [p[test], *(self._label_whole(member, table) for table in tables)])
            for _, test, tables in folds
        ]

    def _label_whole(self, member: Member, X: Table) -> FloatArray:
        rows = [safe_indexing(X, one) for one in chunks(X)]
        return np.concatenate([label_rows(self.cache, member, one) for one in rows])


def _plan(X: Table) -> None:
    """Count the rows that are needed, from teachers or from the cache."""
    queries = current_queries()
    if queries is not None:
        queries.plan(X)


def fit_and_label_folds(
    cache: Cache, jobs: list[FitJob], folds: list[Fold], n_jobs: int | None, step: Step
) -> dict[str, list[FoldAnswer]]:
    """The answers of teachers that are fitted again without the rows of a fold.

    Parameters
    ----------
    cache : Cache
    jobs : list of FitJob
        On all rows.
    folds : list of (ndarray, ndarray, list)
    n_jobs : int or None
    step : callable

    Returns
    -------
    dict of str to list of (ndarray, list of ndarray)
        By the name of the teacher and by fold: its columns, and its probabilities of the test
        rows and of each other table.
    """
    both = [(job, fold) for job in jobs for fold in enumerate(folds, start=1)]
    # Known answers need no process.
    is_known = all(is_fold_kept(cache, job, fold) for job, (_, fold) in both)
    done = run_jobs(
        (delayed(fit_and_label)(cache, job, fold, number) for job, (number, fold) in both),
        n_jobs=None if is_known else n_jobs,
    )
    labels: dict[str, list[FoldAnswer]] = {}
    for job in jobs:
        labels[job.name] = []
        for number, result in enumerate(islice(done, len(folds)), start=1):
            labels[job.name].append(result)
            step(f"{job.name}, fold {number}")
    return labels


def combine_folds(
    by_teacher: list[list[FoldAnswer]],
    X: Table,
    y: NDArray[Any],
    folds: list[Fold],
    combination: Combination,
) -> tuple[FloatArray, list[list[FloatArray]], BoolArray]:
    """Pool the answers of each fold; rows of a class that its teachers do not know get their label.

    Parameters
    ----------
    by_teacher : list of list of (ndarray, list of ndarray)
        Of each teacher in each fold.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, ...)
    folds : list of (ndarray, ndarray, list)
    combination : Combination

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes)
    others : list of list of ndarray of shape (n_rows, n_classes)
    is_answer : ndarray of bool of shape (n_samples,)
        False for rows that were taught by label.
    """
    result = np.empty((len(y), combination.n_columns))
    is_answer, of_others = np.ones(len(y), dtype=bool), []
    for fold, (_, test, others) in enumerate(folds):
        columns, answers = zip(*(answers[fold] for answers in by_teacher), strict=True)
        tables = [safe_indexing(X, test), *others]
        first, *more = (
            combination.at(table).pool(told, columns)
            for table, told in zip(tables, zip(*answers, strict=True), strict=True)
        )
        result[test] = first
        of_others.append(more)
        is_answer[test] = combination.teach(result, y, columns, test)
    if not is_answer.all():
        warn_of_unknown(np.unique(y[~is_answer]), "in some folds of `cv` ")
    return result, of_others, is_answer
