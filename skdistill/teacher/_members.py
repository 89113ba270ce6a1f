"""One fitted teacher of a pool: the labels of its columns, and its answers for rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sklearn.utils import gen_batches

from skdistill._stored.parts import member_state
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import Estimator, FloatArray, IntArray, NDArray, Table
from skdistill.table import read_probabilities, without_counts
from skdistill.teacher._answers import ask, check_parts, own_classes
from skdistill.teacher._checks import classes_of
from skdistill.teacher._models import n_votes_of

# Rows labelled at a time: a forest's scratch memory grows with the rows of one call.
CHUNK_ROWS = 10_000
_NOT_ONE = (
    "logits need softmax; where each class is told by itself (LightGBM's 'multiclassova', a "
    "multilabel model), give objective='multiclass', or wrap it in CalibratedClassifierCV"
)


class Source(Protocol):
    """A source of a fitted teacher."""

    def get(self) -> Estimator:
        """The teacher."""
        ...


@dataclass
class InMemory:
    """A fitted teacher in memory."""

    estimator: Estimator

    def get(self) -> Estimator:
        """The teacher."""
        return self.estimator


class Member:
    """A fitted teacher.

    Parameters
    ----------
    name : str
    source : object with ``get``
        Gives the fitted teacher, from the cache perhaps.
    columns : ndarray of int
        The position in ``classes_`` of each of its output columns.
    n_votes : int or None
        Number of votes in the average of a probability.
    key : str or None, default=None
        Its key in the cache.
    labels : ndarray of shape (n_columns,), default=None
        Its own labels of its columns, if it has no ``classes_``. None: 0, 1, ...
    """

    def __init__(
        self,
        name: str,
        source: Source,
        columns: IntArray,
        n_votes: int | None,
        key: str | None = None,
        labels: NDArray[Any] | None = None,
    ) -> None:
        self.name = name
        self.columns = columns
        self.n_votes = n_votes
        self.key = key
        self.labels = labels
        self._source = source

    @property
    def estimator(self) -> Estimator:
        if not isinstance(self._source, InMemory):
            self._source = InMemory(self._source.get())
        return self._source.estimator

    def floor(self, n_classes: int, unknown: float) -> float:
        """Lowest probability: half a vote, shared by the classes; `unknown` without votes."""
        return 1.0 / (2 * self.n_votes * n_classes) if self.n_votes else unknown

    def answers(self, X: Table) -> FloatArray:
        """Its own answers, probabilities of classes, in chunks of bounded scratch memory.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        return np.concatenate([self._chunk(safe_indexing(X, rows)) for rows in chunks(X)])

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        try:
            estimator = self.estimator  # the cache may be deleted
        except RuntimeError:
            return state  # it was deleted: only steps that use the teacher fail
        del state["_source"]
        return {**state, "estimator": estimator}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = member_state(state)
        if "estimator" in state:
            state["_source"] = InMemory(state.pop("estimator"))
        self.__dict__.update(state)

    def _chunk(self, X: Table) -> FloatArray:
        answer = ask(self.name, self.estimator, X)
        classes = own_classes(self.name, self.estimator)
        what = f"`predict_proba` of teacher `{self.name}`"
        if classes is None:
            labels = np.arange(len(self.columns)) if self.labels is None else self.labels
        else:
            labels, answer = classes, without_counts(answer, classes, what)
        n_rows = num_samples(X)
        return read_probabilities(answer, labels, n_rows, what, complete=True, remedy=_NOT_ONE)


def chunks(X: Table) -> Iterator[slice]:
    """Slices of the rows to label at a time."""
    return gen_batches(num_samples(X), CHUNK_ROWS)


def adopt(name: str, part: Estimator, first_row: Table, classes: NDArray[Any]) -> Member:
    """A teacher that is used as it is, asked once to see that it can label rows.

    Parameters
    ----------
    name : str
    part : object
        A frozen teacher.
    first_row : array-like or DataFrame of shape (1, n_features)
    classes : ndarray of shape (n_classes,)
        All those of the pool.

    Returns
    -------
    Member
    """
    labels = classes_of(name, part, first_row, classes)
    labels = classes if labels is None else labels
    columns = np.searchsorted(classes, labels)
    member = Member(name, InMemory(part), columns, None, labels=labels)
    member.answers(first_row)
    check_parts(name, part, first_row)
    member.n_votes = n_votes_of(part)
    return member
