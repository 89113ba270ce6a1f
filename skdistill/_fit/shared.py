"""What several fits on the same rows have in common."""

from collections.abc import Callable, Hashable
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
            Called where no fit has asked for the key before.

        Returns
        -------
        object
        """
        if key not in self._values:
            self._values[key] = make()
        value: Value = self._values[key]
        return value
