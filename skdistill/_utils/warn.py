"""Warnings that begin with the estimator that is being fitted."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_NAME: ContextVar[str] = ContextVar("name", default="DistilledClassifier")


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
        for text, category in {(str(one.message), one.category): None for one in caught}:
            warnings.warn(text, category, stacklevel=2)
