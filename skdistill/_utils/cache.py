"""What `memory` keeps: the results of functions, under keys that say all they depend on."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

import sklearn
from sklearn.utils.validation import check_memory

import skdistill
from skdistill._utils.identity import identify

# Raised when what is kept changes its meaning.
CACHE_FORMAT = 2


class Cache:
    """Results of functions by key, in a :class:`joblib.Memory`.

    A function takes its key first, which alone decides whether it is called or its result read. So
    a fitted forest need not be hashed: that it comes of this estimator and these rows is enough.

    Parameters
    ----------
    memory : str, path, object with the joblib.Memory interface or None
        None keeps nothing.

    Attributes
    ----------
    parameter : str
        The one of the estimator that error messages name.
    """

    def __init__(self, memory: Any) -> None:
        self.parameter = getattr(memory, "parameter", "memory")
        self.memory = check_memory(os.fspath(memory) if isinstance(memory, os.PathLike) else memory)

    @property
    def is_on(self) -> bool:
        return getattr(self.memory, "location", True) is not None

    def key(self, what: str, *parts: object) -> str | None:
        """Hash what a result depends on.

        Parameters
        ----------
        what : str
            For the error message.
        *parts : objects

        Returns
        -------
        str or None
            None if nothing is kept.
        """
        if not self.is_on:
            return None
        versions = (
            skdistill.__version__,
            CACHE_FORMAT,
            sklearn.__version__,
            sys.implementation.cache_tag,
        )
        try:
            return identify(versions, *parts)
        except TypeError as error:
            raise ValueError(
                f"`{self.parameter}` cannot tell {what} from another: {error}. Take out what "
                "cannot be pickled (a lock, an open file, a connection), or use "
                f"`{self.parameter}=None`."
            ) from error

    def holds(self, function: Callable[..., Any], key: str | None, *args: Any) -> bool:
        """Whether the result for `key` is there."""
        return self._kept(function).check_call_in_cache(key, *args)

    def call(self, function: Callable[..., Any], key: str | None, *args: Any) -> Any:
        """Return ``function(key, *args)``, or what it returned for `key` before; None is no key."""
        return function(key, *args) if key is None else self._kept(function)(key, *args)

    def refer(
        self, what: str, function: Callable[..., Any], key: str | None, *args: Any
    ) -> CacheEntry:
        """Return the place of the same: `what` is its name in an error message."""
        stored = self._kept(function).call_and_shelve(key, *args)
        return CacheEntry(what, stored, self.parameter)

    def _kept(self, function: Callable[..., Any]) -> Any:
        _, *others = inspect.signature(function).parameters
        return self.memory.cache(function, ignore=others)


class CacheEntry:
    """A result in the cache, read when it is needed.

    Parameters
    ----------
    what : str
        Its name in an error message.
    stored : joblib.memory.MemorizedResult
    parameter : str, default="memory"
        The one of the estimator that an error message names.
    """

    def __init__(self, what: str, stored: Any, parameter: str = "memory") -> None:
        self.what = what
        self.stored = stored
        self.parameter = parameter

    def get(self) -> Any:
        """Read the result; raise a RuntimeError where it cannot be."""
        try:
            return self.stored.get()
        except Exception as error:  # a torn pickle raises anything
            self.stored.clear()  # the next fit makes it anew
            raise RuntimeError(
                f"{self.what} could not be read from the cache of `{self.parameter}`, perhaps it "
                f"was cleared ({error}): fit again."
            ) from error
