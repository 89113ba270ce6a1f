"""Cells of a table as plain values.

Only NumPy is imported here: the scorer of an exported file reads cells alike.
"""

import datetime
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

_PLAIN = (str, float, int, bool, type(None))
_BOOLS = (bool, np.bool_)
_NO_NUMBERS = (*_BOOLS, np.timedelta64)  # all of them count as integers
_NO_TEXT = (bytes, bytearray, memoryview, complex, np.complexfloating)


def is_missing(value: object) -> bool:
    """Whether a cell is None, NaN, or pandas' mark for missing, which is told by its name."""
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return value != value
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return type(value).__name__ in ("NAType", "NaTType")


def is_number_type(kind: type) -> bool:
    """Whether values of a type are real numbers: no bools, and no spans of time."""
    return issubclass(kind, (Real, Decimal)) and not issubclass(kind, _NO_NUMBERS)


def plain_value(value: Any) -> Any:
    """A cell as None, str, bool, int or float; what is none of them, as a date, as it is."""
    if type(value) in _PLAIN:
        return value
    if is_missing(value):
        return None
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, _BOOLS):
        return bool(value)
    if is_number_type(type(value)):
        return int(value) if isinstance(value, Integral) else float(value)
    return value


def category_value(value: Any) -> str | bool | int | float | None:
    """A category as None, str, bool, int or float: what is none of them, as a date, by its text.

    Parameters
    ----------
    value : object

    Returns
    -------
    None, str, bool, int or float

    Raises
    ------
    TypeError
        If it is no single value, or has no text that is plain.
    """
    value = plain_value(value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (np.datetime64, np.timedelta64)):
        value = value.astype(f"{value.dtype.kind}8[us]").item()
    if isinstance(value, _NO_TEXT) or not _is_hashable(value):
        raise TypeError(f"{value!r}: a category is a string, a bool or a number.")
    if isinstance(value, datetime.datetime):
        return str(value).removesuffix(" 00:00:00")  # a day is the same day with its midnight
    if isinstance(value, datetime.timedelta):
        return datetime.timedelta.__str__(value)  # pandas writes it otherwise
    return str(value)


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
