"""TableSchema: the values that the columns of a table may hold, without its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import Table
from skdistill._utils.values import is_missing
from skdistill.table import NUMBER, is_frame, names_of, read_table

# The values of a column: the ends of its range, or its levels.
Values = tuple[float, float] | list[Any]


class TableSchema:
    """What the columns of a table may hold: ranges, levels and shares of missing values.

    :class:`FromTrees`, :class:`FromSchema` and :class:`FromNet` need nothing else about the
    data. Write it by hand, or make it from the table while you still have it, and store it with
    the teacher. It holds no row.

    Parameters
    ----------
    columns : dict of str or int to tuple or list
        By the name of each column, in the order that the teacher knows. A tuple ``(low, high)`` is
        the range of a column of numbers; they are whole where both ends are of type int. A list
        holds the levels of a column of categories. With the keys 0, 1, ... the rows are an
        array, else a pandas DataFrame.
    missing : dict of str or int to float, default=None
        Share of the cells of a column that are missing, in [0, 1). Columns that are not in it
        have none.
    like : DataFrame or array without rows, default=None
        Gives the container and the dtypes. None lets pandas or NumPy choose.

    Examples
    --------
    >>> from skdistill import TableSchema
    >>> schema = TableSchema({"age": (18, 90), "city": ["Bern", "Oslo"]}, missing={"age": 0.1})
    >>> schema.names
    ['age', 'city']
    """

    def __init__(
        self,
        columns: Mapping[Any, Values],
        missing: Mapping[Any, float] | None = None,
        like: Table = None,
    ) -> None:
        self.columns = {name: _checked(name, values) for name, values in dict(columns).items()}
        self.missing = dict(missing or {})
        self.like = like
        for name, share in self.missing.items():
            if name not in self.columns or not 0 <= share < 1:
                raise ValueError(
                    f"`missing` must give a share in [0, 1) for columns of the schema, got "
                    f"{share!r} for {name!r}."
                )

    @classmethod
    def from_table(cls, X: Table) -> Self:
        """Take the ranges, levels, shares of missing values and dtypes of a table.

        The lowest and the highest value of a column of numbers are values of some row: round them
        if they must stay secret.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        TableSchema
        """
        table = read_table(X, exact=True)
        names = names_of(X) if is_frame(X) else list(range(len(table.names)))
        numbers, categories = iter(table.numbers.T), iter(table.categories)
        columns: dict[Any, Values] = {}
        missing = {}
        for name, kind in zip(names, table.kinds, strict=True):
            cells = next(numbers) if kind == NUMBER else next(categories)
            absent = pd.isna(cells)
            present = cells[~absent]
            columns[name] = _range_of(present) if kind == NUMBER else levels_of(present)
            # A column without any value needs one in the schema, but never shows it.
            missing[name] = min(float(absent.mean()), 1 - 1e-9)
        like = X if is_frame(X) else np.asarray(X)
        return cls(columns, missing, safe_indexing(like, slice(0, 0)))

    @property
    def names(self) -> list[Any]:
        """The names of the columns, or their positions."""
        return list(self.columns)

    def template(self) -> Table:
        """A table in which each level, and both ends of each range, are in some row.

        Returns
        -------
        DataFrame or ndarray of shape (n_rows, n_columns)
        """
        n_rows = 1 + max([2, *map(len, self.columns.values())])
        cells = {}
        for name, values in self.columns.items():
            column = (list(values) * n_rows)[:n_rows] if len(values) else [None] * n_rows
            if self.missing.get(name):
                column[-1] = None
            cells[name] = column
        if self.like is not None and is_frame(self.like):
            return _like_frame(cells, self.like)
        if self.like is not None or self.names == list(range(len(cells))):
            return _as_array(cells, getattr(self.like, "dtype", None))
        return pd.DataFrame({name: _as_series(column) for name, column in cells.items()})


def _checked(name: Any, values: Any) -> Values:
    """The values of a column; a ValueError says what they must be."""
    if isinstance(values, list):
        if not any(is_missing(one) for one in values):
            return values
    elif isinstance(values, tuple) and len(values) == 2:
        low, high = values
        if all(isinstance(one, Real) and np.isfinite(float(one)) for one in values) and low <= high:
            return values
    raise ValueError(
        f"column {name!r} of the schema must be a tuple (low, high) of finite numbers, or a list "
        f"of levels without a missing one (see `missing`), got {values!r}."
    )


def _range_of(present: Any) -> tuple[float, float]:
    if not len(present):
        return 0, 0
    low, high = present.min(), present.max()
    is_whole = (present == np.rint(present)).all()
    return (int(low), int(high)) if is_whole else (float(low), float(high))


def levels_of(present: Sequence[Any]) -> list[Any]:
    """The levels of a column, in a fixed order."""
    return sorted(
        pd.unique(np.asarray(present, dtype=object)), key=lambda v: (str(type(v)), str(v))
    )


def _as_series(column: list[Any]) -> pd.Series:
    """A column with inferred dtype: whole numbers with a missing one become floats."""
    return pd.Series(column).infer_objects()


def _like_frame(cells: dict[Any, list[Any]], like: Table) -> Table:
    if isinstance(like, pd.DataFrame):
        return pd.DataFrame(
            {name: pd.Series(column, dtype=like[name].dtype) for name, column in cells.items()}
        )
    frame = nw.from_native(like, eager_only=True)
    return nw.from_dict(cells, schema=frame.schema, backend=frame.implementation).to_native()


def _as_array(cells: dict[Any, list[Any]], dtype: Any) -> Any:
    if dtype is None:
        flat = [one for column in cells.values() for one in column if one is not None]
        dtype = float if all(isinstance(one, Real) for one in flat) else object
    absent = None if np.dtype(dtype).kind == "O" else np.nan
    columns = [[absent if one is None else one for one in column] for column in cells.values()]
    return np.array(columns, dtype=dtype).T


def is_whole_range(values: Values) -> bool:
    """Whether the numbers of a range are whole, by the type of its ends."""
    return all(isinstance(one, Integral) for one in values)
