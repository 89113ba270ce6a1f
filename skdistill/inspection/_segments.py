"""Rows by the values of a column."""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, BoolArray, FloatArray, IntArray, Table
from skdistill.table import NUMBER, is_frame, read_table, with_types

# A level of fewer rows is joined with others: its scores would be noise.
LEAST_LEVEL_ROWS = 30
MOST_LEVELS = 12
OTHER = "other levels"
MISSING = "missing"
# Columns of X, or values of their own by name.
Segments: TypeAlias = str | int | Sequence[str | int] | dict[str, ArrayLike] | None


def find_columns(segments: Segments, X: Table) -> dict[str, ArrayLike]:
    """The columns to cut by.

    Parameters
    ----------
    segments : None, str, list of column names or positions, or dict of str to array-like
    X : array-like or DataFrame of shape (n_samples, n_features)

    Returns
    -------
    dict of str to array-like of shape (n_samples,)
    """
    if segments is None:
        return {}
    n_rows = num_samples(X)
    if isinstance(segments, dict):
        for name, values in segments.items():
            if np.shape(values) != (n_rows,):
                raise ValueError(
                    f"`segments[{name!r}]` must hold a value for each of the {n_rows} rows, got "
                    f"shape {np.shape(values)}."
                )
        return {str(name): values for name, values in segments.items()}
    names = [segments] if isinstance(segments, (str, int, Integral)) else list(segments)
    if issparse(X):
        raise ValueError(
            f"`segments` names {names}, but X is sparse: give a dict of name to array."
        )
    if is_frame(X):
        frame = nw.from_native(X, eager_only=True)
        columns = dict(
            zip(frame.columns, (frame[:, i] for i in range(frame.shape[1])), strict=True)
        )
    else:
        columns = dict(enumerate(np.asarray(with_types(X)).T))
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise ValueError(
            f"`segments` names {unknown}, which X does not have; it has {list(columns)[:20]}. "
            "Values that are not in X are given as a dict of name to array."
        )
    return {str(name): columns[name] for name in names}


def cut(name: str, values: ArrayLike) -> list[tuple[str, IntArray]]:
    """Cut rows into quartiles of a number, or into the levels of a category.

    Parameters
    ----------
    name : str
        Of the column, for the error messages.
    values : array-like of shape (n_samples,)

    Returns
    -------
    list of (str, ndarray of int)
        Name and rows of each level, in order; numbers by quartile (by value where there are four
        at most), categories from the frequent to the rare, rare ones joined, missing ones last.
    """
    if isinstance(values, nw.Series):
        column = values.to_frame().to_native()
    else:
        column = pd.DataFrame({name: pd.Series(values).reset_index(drop=True)})
    table = read_table(column)
    if table.kinds[0] == NUMBER:
        return _quartiles(table.numbers[:, 0])
    return _levels(table.categories[0])


def _quartiles(values: FloatArray) -> list[tuple[str, IntArray]]:
    missing = np.isnan(values)
    present = values[~missing]
    distinct = np.unique(present)
    found = []
    if len(distinct) <= 4:
        found = [(f"{value:g}", values == value) for value in distinct]
    else:
        edges = np.unique(np.quantile(present, [0.25, 0.5, 0.75]))
        bins = np.searchsorted(edges, values)  # a value equal to an edge is below it
        texts = [f"<= {edges[0]:.4g}"]
        texts += [f"{a:.4g} to {b:.4g}" for a, b in pairwise(edges)]
        texts += [f"> {edges[-1]:.4g}"]
        found = [(text, (bins == i) & ~missing) for i, text in enumerate(texts)]
    return _with_rows([*found, (MISSING, missing)])


def _levels(values: np.ndarray) -> list[tuple[str, IntArray]]:
    missing = pd.isna(values)
    counts = pd.Series(values[~missing], dtype=object).value_counts()
    kept = counts[counts >= LEAST_LEVEL_ROWS].index[:MOST_LEVELS].tolist()
    if len(counts) - len(kept) == 1 and len(kept) < MOST_LEVELS:
        kept = counts.index.tolist()  # a single rare level is joined with none
    found = [(str(level), values == level) for level in kept]
    rest = ~missing & ~np.isin(values.astype(str), [str(level) for level in kept])
    return _with_rows([*found, (OTHER, rest), (MISSING, missing)])


def _with_rows(found: list[tuple[str, BoolArray]]) -> list[tuple[str, IntArray]]:
    rows = [(text, np.flatnonzero(mask)) for text, mask in found]
    return [(text, where) for text, where in rows if len(where)]
