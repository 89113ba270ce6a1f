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
