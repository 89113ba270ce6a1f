"""One view of arrays, pandas and polars frames: numbers as a matrix, categories as columns."""

import math
from dataclasses import dataclass
from functools import cache

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.utils import check_array

from skdistill._levels import Levels, kinds_of

NUMBER, CATEGORY = "number", "category"


@dataclass(frozen=True)
class Table:
    """The columns of X by kind.

    Attributes
    ----------
    kinds : tuple of {"number", "category"}
        Kind of each column of X, in its order.
    names : tuple of str
        Name of each column, or its position.
    numbers : ndarray of shape (n_samples, n_numbers)
        float64, missing values as NaN.
    categories : list of ndarray of shape (n_samples,)
        One object array a column, missing values as None or NaN.
    """

    kinds: tuple
    names: tuple
    numbers: np.ndarray
    categories: list

    @property
    def number_names(self):
        return [n for n, kind in zip(self.names, self.kinds, strict=True) if kind == NUMBER]

    @property
    def category_names(self):
        return [n for n, kind in zip(self.names, self.kinds, strict=True) if kind == CATEGORY]


def is_frame(X):
    """Whether X is a data frame with named, typed columns."""
    return not isinstance(X, np.ndarray) and nw.dependencies.is_into_dataframe(X)


def is_matrix(X):
    """Whether X is a plain array of numbers with rows: there is no more to check of its form."""
    return type(X) is np.ndarray and X.ndim == 2 and X.dtype.kind in "fiu" and X.size > 0


def read_table(X, kinds=None, exact=False):
    """Split X into numbers and categories.

    Numeric columns are numbers; bool, string and categorical columns are categories. So is a
    column of objects that are not all numbers.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    kinds : tuple of {"number", "category"}, default=None
        What each column was when the reader was fitted; a number column must still be one.
    exact : bool, default=False
        Whether integers that float64 would round are categories, to be copied as they are.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If a column is neither, has changed its kind, or holds infinity; it is named.
    """
    if not is_frame(X):
        if not is_matrix(X):
            X = check_array(_with_types(X), dtype=None, ensure_all_finite=False)
        _check_width(X, kinds)
        too_wide = exact and X.dtype.kind in "iu" and _is_wide(X)
        if X.dtype.kind in "fiub" and (kinds is None or CATEGORY not in kinds) and not too_wide:
            return _numeric_table(X)
        if X.dtype.kind == "c":
            raise ValueError("Complex data not supported by the student's encoder.")
        X = pd.DataFrame(X).infer_objects()
    return _frame_table(nw.from_native(X, eager_only=True), kinds, exact)


def _with_types(X):
    """Lists of mixed rows as objects, where NumPy would make all of them strings."""
    if hasattr(X, "dtype") or np.asarray(X).dtype.kind not in "US":
        return X
    return np.asarray(X, dtype=object)


def _numeric_table(X):
    kinds, names = _of_plain_columns(X.shape[1])
    numbers = X.astype(np.float64, copy=False)
    _check_finite(numbers, names)
    return Table(kinds, names, numbers, [])


@cache
def _of_plain_columns(n_columns):
    return (NUMBER,) * n_columns, tuple(str(i) for i in range(n_columns))


def _check_width(X, kinds):
    if kinds is not None and X.shape[1] != len(kinds):
        raise ValueError(
            f"X has {X.shape[1]} features, but TabularEncoder is expecting {len(kinds)} features "
            "as input"
        )


def _is_wide(values):
    """Whether some integers are beyond those that float64 holds exactly."""
    return bool(values.size) and max(-int(values.min()), int(values.max())) > 2**53


def _frame_table(frame, kinds, exact):
    _check_width(frame, kinds)
    names = tuple(str(name) for name in frame.columns)
    series = [frame[:, i] for i in range(frame.shape[1])]
    found = tuple(
        _kind(one, name, None if kinds is None else kinds[i])
        for i, (one, name) in enumerate(zip(series, names, strict=True))
    )
    if exact:
        found = tuple(
            CATEGORY if one.dtype.is_integer() and _is_wide(one.drop_nulls().to_numpy()) else kind
            for one, kind in zip(series, found, strict=True)
        )
    numbers = [_floats(one) for one, kind in zip(series, found, strict=True) if kind == NUMBER]
    matrix = np.column_stack(numbers) if numbers else np.empty((len(frame), 0))
    number_names = [n for n, kind in zip(names, found, strict=True) if kind == NUMBER]
    _check_finite(matrix, number_names)
    categories = [
        _objects(one) for one, kind in zip(series, found, strict=True) if kind == CATEGORY
    ]
    return Table(found, names, matrix, categories)


def _kind(series, name, expected):
    dtype = series.dtype
    if dtype.is_numeric():
        kind = NUMBER
    elif dtype in (nw.Boolean, nw.String, nw.Categorical) or isinstance(dtype, nw.Enum):
        kind = CATEGORY
    elif dtype == nw.Object or dtype == nw.Unknown:
        kind = _kind_of_objects(_objects(series), name)
    else:
        raise ValueError(
            f"column '{name}' has dtype {dtype}, which is neither a number nor a category: turn "
            "it into numbers (for a date, days since a day) or strings, or give your own `encoder`."
        )
    if expected == NUMBER and kind == CATEGORY:
        values = _objects(series)
        if pd.isna(values).all():
            return NUMBER
        raise ValueError(
            f"column '{name}' was numeric when the model was fitted, but now holds {dtype}: "
            f"{values[0]!r}. Convert it to numbers."
        )
    return expected or kind


def _kind_of_objects(values, name):
    present = values[~pd.isna(values)]
    if all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in present):
        return NUMBER
    if all(isinstance(v, (str, bool, int, float, np.generic)) for v in present):
        return CATEGORY
    strange = next(v for v in present if not isinstance(v, (str, bool, int, float, np.generic)))
    raise TypeError(
        f"column '{name}' holds {strange!r}: argument must be a string or a number in every cell "
        "(a date: turn it into numbers, as days since a day)."
    )


def _floats(series):
    if series.dtype.is_float() and not series.is_null().any():
        return series.to_numpy().astype(np.float64, copy=False)
    try:
        return pd.to_numeric(pd.Series(_objects(series)), errors="raise").to_numpy(np.float64)
    except (OverflowError, TypeError) as error:
        raise ValueError(f"column '{series.name}' is not numeric: {error}") from error


def _objects(series):
    return np.asarray(pd.Series(series.to_list(), dtype=object), dtype=object)


def _check_finite(numbers, names):
    if math.isfinite(numbers.sum()):  # one pass in the common case
        return
    infinite = np.isinf(numbers).any(axis=0)
    if infinite.any():
        bad = [name for name, one in zip(names, infinite, strict=True) if one]
        raise ValueError(
            f"Input X contains infinity in column(s) {bad}: replace it by a finite number or NaN."
        )


def codes_of(values, categories=None, name="?"):
    """Integer codes of a category column: 0 unknown, 1 missing, 2, 3, ... the categories.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Object array.
    categories : ndarray, default=None
        The known categories. None learns them, in a fixed order, from the values.
    name : str, default="?"
        Of the column, for messages.

    Returns
    -------
    codes : ndarray of shape (n_samples,)
    categories : ndarray

    Raises
    ------
    ValueError
        If a value is of a type that the categories are not, and cannot be one of them.
    """
    missing = pd.isna(values)
    present = values[~missing]
    if categories is None:
        categories = _learn(present)
    if len(kinds_of(present) | kinds_of(categories)) == 1:
        places = pd.Index(categories, dtype=object).get_indexer(present)
    else:
        places = _places_of_types(present, Levels(name, categories))
    codes = np.ones(len(values), dtype=np.intp)
    codes[~missing] = np.where(places < 0, 0, places + 2)
    return codes, categories


def _learn(values):
    """The different values in a fixed order; True is not 1 here, as it is for pandas."""
    if len(kinds_of(values)) > 1:
        found = {(isinstance(value, (bool, np.bool_)), value): value for value in values}.values()
    else:
        found = pd.unique(values)
    categories = np.empty(len(found), dtype=object)
    categories[:] = sorted(found, key=lambda v: (type(v).__name__, str(v)))
    return categories


def _places_of_types(values, levels):
    """Places among the categories, -1 for none, of values that are not all of the same type."""
    known, places = {}, np.empty(len(values), dtype=np.intp)
    for i, value in enumerate(values):
        key = type(value), value
        if key not in known:
            place = levels.find(value)
            known[key] = -1 if place is None else place
        places[i] = known[key]
    return places


def with_missing_numbers(X):
    """The first row of X with its numbers missing; None where there are none."""
    if is_frame(X):
        row = nw.from_native(X, eager_only=True)[:1]
        numbers = [name for name, dtype in row.schema.items() if dtype.is_numeric()]
        missing = [nw.lit(None, dtype=nw.Float64).alias(name) for name in numbers]
        return row.with_columns(missing).to_native() if numbers else None
    array = np.asarray(X)
    return np.full(array[:1].shape, np.nan) if array.dtype.kind in "fiu" else None


def mix_rows(X, table, numbers, sources):
    """Build new rows in the container and with the dtypes of X.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    table : Table
        What :func:`read_table` made of X.
    numbers : ndarray of shape (n_new, n_numbers)
        Values of the number columns; those of integer columns are whole.
    sources : ndarray of shape (n_new, n_categories)
        For each cell of a category column, the row of X from which it is taken.

    Returns
    -------
    array or DataFrame of shape (n_new, n_features)
    """
    if not is_frame(X):
        return _mix_array(np.asarray(_with_types(X)), table, numbers, sources)
    frame = nw.from_native(X, eager_only=True)
    columns = []
    number, category = 0, 0
    for i, kind in enumerate(table.kinds):
        like = frame[:, i]
        if kind == NUMBER:
            columns.append(_numbers_like(like, numbers[:, number]))
            number += 1
        else:
            columns.append(like[sources[:, category].tolist()])
            category += 1
    return _frame_like(X, columns)


def _numbers_like(like, values):
    native = like.to_native()
    if isinstance(native, pd.Series):
        if native.dtype == object:
            values = _objects_like(native.to_numpy(), values)
        return pd.Series(values, name=native.name).astype(native.dtype)
    filled = nw.new_series(like.name, values, backend=like.implementation)
    missing = np.isnan(values)
    if missing.any():
        filled = filled.to_frame().select(
            nw.when(~nw.col(like.name).is_nan()).then(nw.col(like.name))
        )[like.name]
    return filled.cast(like.dtype)


def _objects_like(like, values):
    """Numbers as objects: ints where all numbers of `like` are."""
    is_int = all(isinstance(v, (int, np.integer)) for v in like[~pd.isna(like)])
    objects = np.empty(len(values), dtype=object)
    objects[:] = [int(v) if is_int and v == v else v for v in values.tolist()]
    return objects


def _frame_like(X, columns):
    if isinstance(X, pd.DataFrame):
        native = [
            (c if isinstance(c, pd.Series) else c.to_native()).reset_index(drop=True)
            for c in columns
        ]
        built = pd.concat(native, axis=1)
        built.columns = X.columns
        return built
    return nw.concat([c.to_frame() for c in columns], how="horizontal").to_native()


def _mix_array(X, table, numbers, sources):
    mixed = np.empty((len(numbers), X.shape[1]), dtype=X.dtype)
    number, category = 0, 0
    for i, kind in enumerate(table.kinds):
        if kind == NUMBER:
            one = numbers[:, number]
            mixed[:, i] = _objects_like(X[:, i], one) if X.dtype == object else one
            number += 1
        else:
            mixed[:, i] = X[sources[:, category], i]
            category += 1
    return mixed
