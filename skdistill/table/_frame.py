"""One view of arrays, pandas and polars frames: numbers as a matrix, categories as columns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_array

from skdistill._utils._compat import safe_indexing
from skdistill._utils.levels import Levels, kinds_of
from skdistill._utils.types import FloatArray, IntArray, NDArray, ObjectArray, Table
from skdistill.table._columns import (
    CATEGORY,
    LARGEST_EXACT,
    NUMBER,
    categories_of,
    floats_of,
    is_wide,
    kind_of,
    like_objects,
)
from skdistill.table._containers import check_container, check_names, is_frame
from skdistill.table._selection import ColumnSelection


@dataclass(frozen=True)
class Columns:
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

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    numbers: FloatArray
    categories: list[ObjectArray]

    @property
    def number_names(self) -> list[str]:
        return [n for n, kind in zip(self.names, self.kinds, strict=True) if kind == NUMBER]

    @property
    def category_names(self) -> list[str]:
        return [n for n, kind in zip(self.names, self.kinds, strict=True) if kind == CATEGORY]


def is_matrix(X: object) -> bool:
    """Whether X is a plain array of numbers with rows: there is no more to check of its form."""
    return type(X) is np.ndarray and X.ndim == 2 and X.dtype.kind in "fiu" and X.size > 0


def read_table(X: Table, kinds: tuple[str, ...] | None = None, exact: bool = False) -> Columns:
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
    Columns

    Raises
    ------
    ValueError
        If a column is neither, has changed its kind, or holds infinity; it is named.
    """
    if not is_frame(X):
        if not is_matrix(X):
            X = as_array(X)
        _check_width(X, kinds)
        too_wide = exact and X.dtype.kind in "iu" and _holds_wide(X)
        if X.dtype.kind in "fiub" and (kinds is None or CATEGORY not in kinds) and not too_wide:
            return _numeric_table(X)
        if X.dtype.kind == "c":
            raise ValueError("Complex data not supported by the student's encoder.")
        X = pd.DataFrame(X).infer_objects()
    check_names(X)
    return _frame_table(nw.from_native(X, eager_only=True), kinds, exact)


def as_array(X: Table) -> NDArray[Any]:
    """What is no frame as an array of 2 dimensions, with the types of its cells."""
    check_container(X)
    if issparse(X):
        raise TypeError(
            "Sparse data was passed, but TabularEncoder and the samplers take dense data only: "
            "give X.toarray()."
        )
    return check_array(with_types(X), dtype=None, ensure_all_finite=False)


def with_types(X: Table) -> Table:
    """Lists of mixed rows as objects, where NumPy would make all of them strings."""
    if hasattr(X, "dtype") or np.asarray(X).dtype.kind not in "US":
        return X
    return np.asarray(X, dtype=object)


def _numeric_table(X: NDArray[Any]) -> Columns:
    kinds, names = _all_numbers(X.shape[1])
    numbers = X.astype(np.float64, copy=False)
    _check_finite(numbers, names)
    return Columns(kinds, names, numbers, [])


@cache
def _all_numbers(n_columns: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Kinds and names of the columns of an array of numbers."""
    return (NUMBER,) * n_columns, tuple(str(i) for i in range(n_columns))


def _check_width(X: Table, kinds: tuple[str, ...] | None) -> None:
    if kinds is not None and X.shape[1] != len(kinds):
        raise ValueError(
            f"X has {X.shape[1]} features, but TabularEncoder is expecting {len(kinds)} features "
            "as input"
        )


def _holds_wide(values: IntArray) -> bool:
    return bool(values.size) and max(-int(values.min()), int(values.max())) > LARGEST_EXACT


def _frame_table(frame: nw.DataFrame[Any], kinds: tuple[str, ...] | None, exact: bool) -> Columns:
    _check_width(frame, kinds)
    names = tuple(str(name) for name in frame.columns)
    series = [frame[:, i] for i in range(frame.shape[1])]
    found = tuple(
        kind_of(one, name, None if kinds is None else kinds[i])
        for i, (one, name) in enumerate(zip(series, names, strict=True))
    )
    if exact:
        found = tuple(
            CATEGORY if kind == NUMBER and is_wide(one) else kind
            for one, kind in zip(series, found, strict=True)
        )
    columns = list(zip(series, names, found, strict=True))
    numbers = [floats_of(one, name) for one, name, kind in columns if kind == NUMBER]
    matrix = np.column_stack(numbers) if numbers else np.empty((len(frame), 0))
    _check_finite(matrix, [name for _, name, kind in columns if kind == NUMBER])
    categories = [categories_of(one, name) for one, name, kind in columns if kind == CATEGORY]
    return Columns(found, names, matrix, categories)


def _check_finite(numbers: FloatArray, names: Sequence[str]) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        total = numbers.sum()
    if math.isfinite(total):  # one pass in the common case
        return
    infinite = np.flatnonzero(np.isinf(numbers).any(axis=0))
    bad = [names[i] for i in infinite.tolist()]
    if bad:
        raise ValueError(
            f"Input X contains infinity in column(s) {bad}: replace it by a finite number or NaN."
        )


def codes_of(
    values: ObjectArray, categories: ObjectArray | None = None, name: str = "?"
) -> tuple[IntArray, ObjectArray]:
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
        places = _places_of_types(present, Levels(name, categories.tolist()))
    codes = np.ones(len(values), dtype=np.intp)
    codes[~missing] = np.where(places < 0, 0, places + 2)
    return codes, categories


def _learn(values: ObjectArray) -> ObjectArray:
    """The different values in a fixed order; True is not 1 here, as it is for pandas."""
    if len(kinds_of(values)) > 1:
        found = {(isinstance(value, (bool, np.bool_)), value): value for value in values}.values()
    else:
        found = pd.unique(values)
    categories = np.empty(len(found), dtype=object)
    categories[:] = sorted(found, key=lambda v: (type(v).__name__, str(v)))
    return categories


def _places_of_types(values: ObjectArray, levels: Levels) -> IntArray:
    """Places among the categories, -1 for none, of values that are not all of the same type."""
    known, places = {}, np.empty(len(values), dtype=np.intp)
    for i, value in enumerate(values):
        key = type(value), value
        if key not in known:
            place = levels.find(value)
            known[key] = -1 if place is None else place
        places[i] = known[key]
    return places


def with_missing_numbers(X: Table, columns: ColumnSelection | None = None) -> Table | None:
    """The first row of X with its numbers missing; None where there are none.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    columns : ColumnSelection, default=None
        Those whose numbers are to be missing; None is all.

    Returns
    -------
    array-like or DataFrame of shape (1, n_features) or None
    """
    row = safe_indexing(X, slice(0, 1))
    indices = None if columns is None else columns.indices
    part = row if columns is None else columns.take(row)
    kinds = read_table(part).kinds  # the other columns may be such as only teachers can read
    may = range(len(kinds)) if indices is None else indices.tolist()
    places = [place for place, kind in zip(may, kinds, strict=True) if kind == NUMBER]
    if not places:
        return None
    if is_frame(row):
        frame = nw.from_native(row, eager_only=True)
        names = [frame.columns[place] for place in places]
        missing = [nw.lit(None, dtype=nw.Float64).alias(name) for name in names]
        return frame.with_columns(missing).to_native()
    array = np.asarray(with_types(row))
    is_numeric = CATEGORY not in kinds and (indices is None or array.dtype.kind in "fiu")
    array = array.astype(np.float64 if is_numeric else object)
    array[:, places] = np.nan
    return array.tolist() if isinstance(X, list) else array  # a teacher gets X as it comes


def mix_rows(X: Table, table: Columns, numbers: FloatArray, sources: IntArray) -> Table:
    """Build new rows in the container and with the dtypes of X.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    table : Columns
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
        return _mix_array(np.asarray(with_types(X)), table, numbers, sources)
    frame = nw.from_native(X, eager_only=True)
    columns = []
    number, category = 0, 0
    for i, kind in enumerate(table.kinds):
        like = frame[:, i]
        if kind == NUMBER:
            columns.append(_numbers_like(like, numbers[:, number]))
            number += 1
        else:
            columns.append(_take(like, sources[:, category]))
            category += 1
    return _frame_like(X, columns)


def _take(series: nw.Series[Any], rows: IntArray) -> nw.Series[Any]:
    return series[rows.tolist()] if len(rows) else series[:0]


def _numbers_like(like: nw.Series[Any], values: FloatArray) -> nw.Series[Any] | pd.Series:
    """Numbers as a column of the name and dtype of another."""
    native = like.to_native()
    if isinstance(native, pd.Series):
        cells = like_objects(like.to_list(), values) if native.dtype == object else values
        return pd.Series(cells, name=native.name).astype(native.dtype)
    if like.dtype == nw.Object:
        cells = like_objects(like.to_list(), values)
        return nw.new_series(like.name, cells, dtype=nw.Object, backend=like.implementation)
    filled = nw.new_series(like.name, values, backend=like.implementation)
    if np.isnan(values).any():
        filled = filled.to_frame().select(
            nw.when(~nw.col(like.name).is_nan()).then(nw.col(like.name))
        )[like.name]
    return filled.cast(like.dtype)


def _frame_like(X: Table, columns: list[Any]) -> Table:
    if isinstance(X, pd.DataFrame):
        native = [
            (c if isinstance(c, pd.Series) else c.to_native()).reset_index(drop=True)
            for c in columns
        ]
        built = pd.concat(native, axis=1)
        built.columns = X.columns
        return built
    built = nw.concat([c.to_frame() for c in columns], how="horizontal").to_native()
    return built.cast(X.schema) if nw.dependencies.is_pyarrow_table(X) else built


def _mix_array(
    X: NDArray[Any], table: Columns, numbers: FloatArray, sources: IntArray
) -> NDArray[Any]:
    mixed = np.empty((len(numbers), X.shape[1]), dtype=X.dtype)
    number, category = 0, 0
    for i, kind in enumerate(table.kinds):
        if kind == NUMBER:
            one = numbers[:, number]
            mixed[:, i] = like_objects(X[:, i].tolist(), one) if X.dtype == object else one
            number += 1
        else:
            mixed[:, i] = X[sources[:, category], i]
            category += 1
    return mixed
