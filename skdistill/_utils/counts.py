"""Numbers of rows, threads or parts that a user gives."""

from numbers import Integral
from typing import Any


def check_counts(**counts: Any) -> None:
    """Raise a ValueError that names a count which is no integer of 1 or above.

    Parameters
    ----------
    **counts : int
        By the names of the parameters.

    Raises
    ------
    ValueError
        If one is anything else.
    """
    for name, count in counts.items():
        is_integer = isinstance(count, Integral) and not isinstance(count, bool)
        if not (is_integer and count >= 1):
            raise ValueError(f"`{name}` must be an integer of 1 or above, got {count!r}.")
