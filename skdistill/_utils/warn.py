"""Warnings that begin with the estimator that is being fitted."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_NAME: ContextVar[str] = ContextVar("name", default="DistilledClassifier")
# Columns that several fits have warned of.
_TOLD: ContextVar[set[str] | None] = ContextVar("told", default=None)


def fitted_name() -> str:
    """The class of the estimator that is being fitted."""
    return _NAME.get()


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Let warnings inside begin with this name."""
    token = _NAME.set(name)
    try:
        yield
    finally:
        _NAME.reset(token)


def warn(text: str) -> None:
    """Warn, with the name of the estimator before the text."""
    warnings.warn(f"{_NAME.get()}: {text}", stacklevel=2)


class Remark(UserWarning):
    """A surprise of a fit; its class tells the command line which remedy to name instead.

    Parameters
    ----------
    finding : str
    remedy : str, default=""
        In parameters of Python.
    """

    name = ""

    def __init__(self, finding: str, remedy: str = "") -> None:
        super().__init__(finding, remedy)
        self.finding = finding
        self.remedy = remedy

    def __str__(self) -> str:
        said = f"{self.finding} {self.remedy}".rstrip()
        return f"{self.name}: {said}" if self.name else said


class FarBehind(Remark):
    """The student is far behind its teacher on the rows held out."""


class MaybeFarBehind(FarBehind):
    """The same, but the teacher may know the labels of these rows."""


class StrongColumns(Remark):
    """Columns that the student does not see tell the teacher most of what it knows."""


class LabelsAlone(Remark):
    """The student does not follow its teacher."""


class UnevenGroups(Remark):
    """Groups of rows leave no choice but to hold out far more or fewer than asked for."""


def give(remark: Remark) -> None:
    """Warn by a remark, with the name of the estimator before it."""
    remark.name = _NAME.get()
    warnings.warn(remark, stacklevel=2)


class ColumnNote(Remark):
    """A column that the student would better do without, or that is not of the type it should be.

    Its finding holds the remedy as well, which is none of parameters.
    """


def note_column(column: str, finding: str, who: str) -> None:
    """Warn of a column in the name of `who`; inside of :func:`columns_once` the first time only."""
    told = _TOLD.get()
    if told is None or column not in told:
        with naming(who):
            give(ColumnNote(finding))
    if told is not None:
        told.add(column)


@contextmanager
def columns_once() -> Iterator[None]:
    """Let several fits on the same rows warn of each column once."""
    token = _TOLD.set(set())
    try:
        yield
    finally:
        _TOLD.reset(token)


@contextmanager
def said_once() -> Iterator[None]:
    """Keep back warnings that the fit has given before."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", f"{_NAME.get()}: ", UserWarning)
        yield


@contextmanager
def once_each() -> Iterator[None]:
    """Give each warning once in the end, of those that several fits give."""
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        first = {(str(one.message), one.category): one.message for one in reversed(caught)}
        for message in reversed(first.values()):
            warnings.warn(message, stacklevel=2)
