"""The parts that several fits on the same rows share."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

Value = TypeVar("Value")


class Shared:
    """Values by key, each made by the first fit that asks for it."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key.

        Parameters
        ----------
        key : hashable
        make : callable
            Called if no fit has requested the key before. Its exception is raised for all.

        Returns
        -------
        object
        """
        if key not in self._values:
            try:
                self._values[key] = make()
            except Exception as error:  # a teacher that fails is not fitted again for each fit
                self._values[key] = _Raised(error)
        found = self._values[key]
        if isinstance(found, _Raised):
            raise found.error
        value: Value = found
        return value


@dataclass(frozen=True)
class _Raised:
    error: Exception
