"""The value "auto" of a parameter."""

from typing import Any


def is_auto(value: Any) -> bool:
    """Whether a parameter is "auto", and no array that would be compared to it by element."""
    return isinstance(value, str) and value == "auto"
