"""One column of a frame: whether it holds numbers or categories, and its cells as such."""

import datetime
import math
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from skdistill._utils.types import FloatArray, ObjectArray
from skdistill._utils.values import category_value, is_missing, is_number_type

NUMBER, CATEGORY = "number", "category"
_DATES = (nw.Date, nw.Datetime, nw.Duration, nw.Time)
# float64 holds all whole numbers up to here.
LARGEST_EXACT = 2**53
WIDE_INTEGERS = (nw.Int128, nw.UInt128)
_DATE_TYPES = (
    *(datetime.date, datetime.time, datetime.timedelta),
    *(pd.Period, np.datetime64, np.timedelta64),
)
# A bin or a member is a category by itself; a date may be a number as well.
_CATEGORY_TYPES = (str, bool, np.bool_, pd.Interval, Enum)


def kind_of(series: nw.Series[Any], name: str, expected: str | None = None) -> str:
    """Whether a column holds numbers or categories.

    Parameters
    ----------
    series : narwhals Series
    name : str
        Of the column, for the error messages.
    expected : {"number", "category"}, default=None
        What it held when the reader was fitted.

    Returns
    -------
    {"number", "category"}

    Raises
    ------
    ValueError, TypeError
        If it holds neither, or no numbers where they are expected.
    """
    dtype = series.dtype
    if dtype.is_numeric():
        kind = NUMBER
    elif dtype in (nw.Boolean, nw.String, nw.Categorical) or isinstance(dtype, nw.Enum):
        kind = CATEGORY
    elif dtype in (nw.Object, nw.Unknown):
        kind = _kind_of_objects(series.to_list(), name, expected)
    elif dtype in _DATES and (expected == CATEGORY or series.is_null().all()):
        kind = CATEGORY
    else:
        raise ValueError(
            f"column '{name}' has dtype {_shown(series)}, which is neither a number nor a "
            "category: turn it into numbers (for a date, days since a day) or strings, or give "
            "your own `encoder`."
        )
    if expected == NUMBER and kind == CATEGORY:
        present = [value for value in series.to_list() if not is_missing(value)]
        if present:
            raise ValueError(
                f"column '{name}' was numeric when the model was fitted, but now holds "
                f"{_shown(series)}: {present[0]!r}. Convert it to numbers."
            )
    return expected or kind


def _shown(series: nw.Series) -> Any:
    """The type of a column, as its own library calls it."""
    native = series.to_native()
    return getattr(native, "dtype", getattr(native, "type", series.dtype))


def _kind_of_objects(values: list[Any], name: str, expected: str | None) -> str:
    """The kind of a column of objects; one without any value tells nothing, as a category."""
    types = {type(value): value for value in reversed(values) if not is_missing(value)}
    if types and all(map(is_number_type, types)):
        return NUMBER
    allowed = _CATEGORY_TYPES + (_DATE_TYPES if expected == CATEGORY else ())
    for kind, value in types.items():
        if not issubclass(kind, allowed) and not is_number_type(kind):
            raise TypeError(
                f"column '{name}' holds {value!r}: argument must be a string or a number in every "
                f"cell{_remedy_for(kind)}."
            )
    return CATEGORY


def _remedy_for(kind: type) -> str:
    if issubclass(kind, _DATE_TYPES):
        return (
            " (a date: turn it into numbers, as days since a day, or, where its values are few, "
            "into categories by astype('category'))"
        )
    if issubclass(kind, bytes):
        return " (bytes: decode them into strings)"
    if issubclass(kind, (complex, np.complexfloating)):
        return ". Complex data not supported: give real and imaginary part a column each"
    if issubclass(kind, (list, tuple, set, dict, np.ndarray)):
        return " (what holds several values needs a column for each)"
    return " (turn it into strings or numbers)"


def floats_of(series: nw.Series[Any], name: str) -> FloatArray:
    """The cells of a number column as float64, missing ones as NaN."""
    dtype = series.dtype
    is_native = dtype.is_float() or (dtype.is_integer() and dtype not in WIDE_INTEGERS)
    if is_native and not series.is_null().any():
        return series.to_numpy().astype(np.float64, copy=False)
    try:
        values = (math.nan if is_missing(v) else float(v) for v in series.to_list())
        return np.fromiter(values, np.float64, len(series))
    except OverflowError as error:
        raise ValueError(
            f"column '{name}' holds a number that is too large: {error}. Scale it."
        ) from error


def categories_of(series: nw.Series[Any], name: str) -> ObjectArray:
    """The cells of a category column as None, str, bool, int or float, in an object array."""
    values = series.to_list()
    if not set(map(type, values)) <= {str, type(None)}:
        try:
            values = [category_value(value) for value in values]
        except TypeError as error:
            raise TypeError(f"column '{name}' holds {error} Convert it to strings.") from error
    return np.fromiter(values, object, len(values))


def is_wide(series: nw.Series[Any]) -> bool:
    """Whether a column holds whole numbers beyond those that float64 holds exactly."""
    dtype = series.dtype
    if dtype.is_integer():
        low, high = series.min(), series.max()
        return not is_missing(low) and max(-int(low), int(high)) > LARGEST_EXACT
    if not (dtype.is_decimal() or dtype in (nw.Object, nw.Unknown)):
        return False
    return any(
        isinstance(v, (int, np.integer, Decimal))
        and not is_missing(v)
        and not -LARGEST_EXACT <= v <= LARGEST_EXACT
        for v in series.to_list()
    )


def like_objects(cells: list[Any], values: FloatArray) -> ObjectArray:
    """Numbers as objects of the type that all numbers among some cells have, else as floats.

    Parameters
    ----------
    cells : list
    values : ndarray of shape (n_new,)
        float64, missing values as NaN.

    Returns
    -------
    ndarray of shape (n_new,)
        Of objects.
    """
    present = [cell for cell in cells if not is_missing(cell)]
    make: Callable[[float], Any] = float
    if all(isinstance(cell, (int, np.integer)) for cell in present):
        make = int
    elif all(isinstance(cell, Decimal) for cell in present):
        make = _decimal
    made = (make(value) if value == value else value for value in values.tolist())
    return np.fromiter(made, object, len(values))


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))
