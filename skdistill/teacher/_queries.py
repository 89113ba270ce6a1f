"""The budget of rows for the teachers of a fit, and their answers so far."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import Estimator, IntArray, Table
from skdistill.table import is_frame, rows_as_tuples, stack_tables

_CURRENT: ContextVar[Queries | None] = ContextVar("queries", default=None)


class QueryBudgetError(ValueError):
    """The teachers would be asked for more rows than `max_queries` allows."""


@dataclass
class _Answered:
    """The answers of a teacher: for each row, an array and the row's index in it."""

    teacher: Estimator  # held, so that its id stays unique
    places: dict[Hashable, tuple[Any, int]] = field(default_factory=dict)


class Queries:
    """The rows that teachers are asked for in a fit: at most `most`, and none of them twice.

    A row counts once, however many teachers of a pool answer it. Answers of a cache do not count.

    Parameters
    ----------
    most : int

    Attributes
    ----------
    share : float
        Share of the rows that samplers would draw that is within the budget.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.share = 1.0
        self._asked: set[Hashable] = set()
        self._planned: set[Hashable] = set()
        self._answers: dict[int, _Answered] = {}
        self._lock = RLock()

    @property
    def n_asked(self) -> int:
        """Rows that teachers were asked for."""
        return len(self._asked)

    @property
    def n_known(self) -> int:
        """The same, and rows whose answers a cache had."""
        return len(self._planned)

    @property
    def left(self) -> int:
        """Rows that may still be planned; those from a cache count too, to be on the safe side."""
        return max(0, self.most - len(self._planned))

    def plan(self, X: Table) -> None:
        """Record rows whose labels are needed, from teachers or from the cache."""
        self._planned.update(row_keys(X))

    def knows(self, X: Table) -> IntArray:
        """The positions of the rows that are planned already."""
        return np.flatnonzero([key in self._planned for key in row_keys(X)])

    def answer(self, teacher: Estimator, X: Table, ask: Callable[[Table], Any]) -> Any:
        """The answers of a teacher for some rows; it is asked only for new ones.

        Parameters
        ----------
        teacher : object
        X : array-like or DataFrame of shape (n_samples, n_features)
        ask : callable
            Returns the teacher's answer for a table of rows.

        Returns
        -------
        array-like or DataFrame of shape (n_samples, ...)

        Raises
        ------
        QueryBudgetError
            If there are more new rows than are left.
        """
        keys = row_keys(X)
        with self._lock:
            known = self._answers.setdefault(id(teacher), _Answered(teacher)).places
            new = {key: place for place, key in enumerate(keys) if key not in known}
            if len(new) == len(keys):
                return self._ask(list(new), X, ask, known)
            if new:
                self._ask(list(new), safe_indexing(X, list(new.values())), ask, known)
            return _gathered([known[key] for key in keys])

    def _ask(
        self,
        keys: list[Hashable],
        X: Table,
        ask: Callable[[Table], Any],
        known: dict[Hashable, tuple[Any, int]],
    ) -> Any:
        n_new = len(set(keys) - self._asked)
        if self.n_asked + n_new > self.most:
            raise QueryBudgetError(
                f"`max_queries={self.most}` does not do: the teachers were asked for "
                f"{self.n_asked} rows, and {n_new} more are needed. Raise it, or let samplers, "
                "objectives and `X_val` ask for fewer."
            )
        self._asked.update(keys)  # a call that fails counts, too
        self._planned.update(keys)
        found = ask(X)
        known.update({key: (found, place) for place, key in enumerate(keys)})
        return found


@contextmanager
def counting(queries: Queries | None) -> Iterator[None]:
    """Limit the queries of teachers inside this context; None sets no limit."""
    token = _CURRENT.set(queries)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_queries() -> Queries | None:
    """The budget of the fit that is running here."""
    return _CURRENT.get()


def answer_once(teacher: Estimator, X: Table, ask: Callable[[Table], Any]) -> Any:
    """The answer of a teacher; with a budget, each row is asked for once."""
    queries = _CURRENT.get()
    return ask(X) if queries is None else queries.answer(teacher, X, ask)


def row_keys(X: Table) -> list[Hashable]:
    """A key for each row of a table.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)

    Returns
    -------
    list of hashable
    """
    if isinstance(X, pd.DataFrame):
        try:
            return list(map(int, pd.util.hash_pandas_object(X, index=False)))
        except TypeError:  # cells that have no hash
            return [repr(row) for row in X.itertuples(index=False, name=None)]
    if is_frame(X):
        return [repr(row) for row in rows_as_tuples(X)]
    if issparse(X):
        rows = (X[[place]].tocoo() for X in [X.tocsr()] for place in range(X.shape[0]))
        return [(row.col.tobytes(), row.data.tobytes()) for row in rows]
    values = np.asarray(X)
    if values.dtype.kind == "O":
        return [repr(row.tolist()) for row in values]  # repr of an array omits cells
    return [row.tobytes() for row in values]


def _gathered(places: list[tuple[Any, int]]) -> Any:
    """Rows of several answers, in this order."""
    by_answer: dict[int, list[int]] = {}
    for at, (found, _) in enumerate(places):
        by_answer.setdefault(id(found), []).append(at)
    parts, order = [], []
    for ats in by_answer.values():
        found = places[ats[0]][0]
        found = found if is_frame(found) else np.asarray(found)
        parts.append(safe_indexing(found, [places[at][1] for at in ats]))
        order += ats
    whole = parts[0] if len(parts) == 1 else stack_tables(parts)
    return safe_indexing(whole, np.argsort(order)) if num_samples(whole) > 1 else whole
