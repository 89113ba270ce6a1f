"""The values that cells may have, as numbers, for samplers without data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skdistill._utils.types import FloatArray, IntArray, Table
from skdistill.table import NUMBER, Columns, is_frame, mix_rows, names_of, read_table
from skdistill.transfer._schema import TableSchema, is_whole_range, levels_of

if TYPE_CHECKING:
    from skdistill.teacher import TreeStructure

# Bins of a column: enough to show where its thresholds are dense.
MOST_BINS = 128
# A range reaches beyond the outermost thresholds by at least this share of their span.
MARGIN = 0.05


@dataclass
class Domain:
    """The columns of a table, each with all values that a cell may have.

    Rows are arrays of shape (n, n_columns): numbers, or the index of a level among the levels of
    its column. A missing cell is NaN.

    Attributes
    ----------
    X : array-like or DataFrame
        Rows that give the container, the dtypes and the levels.
    table : Columns
        Of X.
    names : list
    low, high : ndarray of shape (n_columns,)
        Of columns of numbers.
    whole : ndarray of bool of shape (n_columns,)
    levels : list of (list or None)
        Of each column; None for numbers.
    missing : ndarray of shape (n_columns,)
        Shares of missing cells.
    edges : list of (ndarray or None)
        Of the bins of each column of numbers; None for one bin.
    """

    X: Table
    table: Columns
    names: list[Any]
    low: FloatArray
    high: FloatArray
    whole: FloatArray
    levels: list[list[Any] | None]
    missing: FloatArray
    edges: list[FloatArray | None]

    @classmethod
    def of(cls, X: Table, levels: dict[int, list[Any]]) -> Domain:
        """The domain of the rows of a table.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        levels : dict of int to list
            Of the columns that trees take for categories.

        Returns
        -------
        Domain
        """
        table = read_table(X, exact=True)
        n_columns = len(table.kinds)
        names = names_of(X) if is_frame(X) else list(range(n_columns))
        low, high, whole = np.zeros(n_columns), np.zeros(n_columns), np.zeros(n_columns, bool)
        found: list[list[Any] | None] = [None] * n_columns
        missing = np.zeros(n_columns)
        numbers, categories = iter(table.numbers.T), iter(table.categories)
        for j, kind in enumerate(table.kinds):
            cells = next(numbers) if kind == NUMBER else next(categories)
            absent = pd.isna(cells)
            missing[j], present = absent.mean() if len(cells) else 0.0, cells[~absent]
            if kind != NUMBER or j in levels:
                found[j] = levels_of(present)
            elif len(present):
                low[j], high[j] = present.min(), present.max()
                whole[j] = (present == np.rint(present)).all()
            if not len(present):
                missing[j] = 1.0
        return cls(X, table, names, low, high, whole, found, missing, [None] * n_columns)

    def narrow(self, schema: TableSchema) -> None:
        """Take ranges, levels and shares of missing values from a schema, for its columns.

        Parameters
        ----------
        schema : TableSchema

        Raises
        ------
        ValueError
            If it has other columns.
        """
        unknown = [name for name in schema.names if name not in self.names]
        if unknown:
            raise ValueError(
                f"`schema` has columns {unknown[:10]} that X does not have: its columns are "
                f"{self.names[:10]}."
            )
        for name, values in schema.columns.items():
            j = self.names.index(name)
            self.missing[j] = schema.missing.get(name, 0.0)
            levels = self.levels[j]
            if levels is not None:
                self.levels[j] = [one for one in levels if one in list(values)] or levels
            elif isinstance(values, tuple):
                self.low[j], self.high[j] = values
                self.whole[j] = is_whole_range(values)

    def cut(self, structure: TreeStructure) -> None:
        """Use the thresholds of trees as the edges of bins."""
        for j, levels in enumerate(self.levels):
            found = np.unique(structure.thresholds(j)) if levels is None else np.empty(0)
            # For whole numbers, thresholds 4 and 4.5 are the same.
            found = np.unique(np.floor(found)) if self.whole[j] else found
            lowest = self.low[j] - self.whole[j]
            found = found[(found > lowest) & (found < self.high[j])]
            if len(found) >= MOST_BINS:
                found = found[np.linspace(0, len(found) - 1, MOST_BINS - 1).astype(int)]
            if len(found):
                self.edges[j] = np.concatenate([[lowest], found, [self.high[j]]])

    def n_bins(self) -> IntArray:
        """Bins of each column: levels, bins between edges, or one; and one of missing cells."""
        counts = []
        for j, (levels, edges) in enumerate(zip(self.levels, self.edges, strict=True)):
            own = len(levels) if levels is not None else 1 if edges is None else len(edges) - 1
            counts.append(own + (self.missing[j] > 0))
        return np.array(counts, dtype=int)

    def bins_of(self, rows: FloatArray) -> IntArray:
        """The bin of each cell."""
        bins = np.zeros(rows.shape, dtype=int)
        for j, (levels, edges) in enumerate(zip(self.levels, self.edges, strict=True)):
            present = ~np.isnan(rows[:, j])
            if levels is not None:
                bins[present, j] = rows[present, j].astype(int)
            elif edges is not None:
                bins[present, j] = np.searchsorted(edges[1:-1], rows[present, j])
            bins[~present, j] = self.n_bins()[j] - 1
        return bins

    def at(self, shares: FloatArray) -> FloatArray:
        """Rows at a given place in each column; all bins of a column have the same width.

        Parameters
        ----------
        shares : ndarray of shape (n, n_columns)
            Places in [0, 1); the lowest are missing cells.

        Returns
        -------
        ndarray of shape (n, n_columns)
        """
        rows = np.full(shares.shape, np.nan)
        for j, levels in enumerate(self.levels):
            present = shares[:, j] >= self.missing[j]
            place = (shares[present, j] - self.missing[j]) / max(1 - self.missing[j], 1e-12)
            if levels is not None:
                rows[present, j] = np.floor(place * len(levels)) if levels else np.nan
            else:
                rows[present, j] = self._number(j, np.clip(place, 0, 1 - 1e-12))
        return rows

    def _number(self, j: int, place: FloatArray) -> FloatArray:
        edges, low, high = self.edges[j], self.low[j], self.high[j]
        if edges is None:
            return between(low - self.whole[j], high, self.whole[j], place)
        scaled = place * (len(edges) - 1)
        bins = scaled.astype(int)
        return between(edges[bins], edges[bins + 1], self.whole[j], scaled - bins)

    def place_of(self, table: Columns) -> FloatArray:
        """The rows of another table of the same columns, as rows of this domain."""
        rows = np.full((len(table.numbers), len(self.levels)), np.nan)
        numbers, categories = iter(table.numbers.T), iter(table.categories)
        for j, kind in enumerate(table.kinds):
            cells = next(numbers) if kind == NUMBER else next(categories)
            levels = self.levels[j]
            if levels is None:
                rows[:, j] = cells
            else:
                known = {level: place for place, level in enumerate(levels)}
                rows[:, j] = [known.get(one, np.nan) for one in cells.tolist()]
        return rows

    def write(self, rows: FloatArray) -> Table:
        """Rows in the container and with the dtypes of X."""
        numbers, sources = [], []
        categories = iter(self.table.categories)
        for j, (kind, levels) in enumerate(zip(self.table.kinds, self.levels, strict=True)):
            cells = rows[:, j]
            if kind == NUMBER:
                if levels is not None:
                    known = np.array([*levels, np.nan], dtype=float)
                    cells = known[np.where(np.isnan(cells), len(levels), cells).astype(int)]
                numbers.append(cells)
            else:
                sources.append(_sources(next(categories), levels or [], cells))
        n = len(rows)
        return mix_rows(
            self.X,
            self.table,
            np.column_stack(numbers) if numbers else np.empty((n, 0)),
            np.column_stack(sources) if sources else np.empty((n, 0), dtype=int),
        )


def _sources(column: Any, levels: list[Any], places: FloatArray) -> IntArray:
    """For each cell, a row of X that holds the wanted level."""
    first = {level: i for i, level in reversed(list(enumerate(column.tolist())))}
    absent = np.flatnonzero(pd.isna(column))
    rows = [first[level] for level in levels] + [int(absent[0]) if len(absent) else 0]
    return np.array(rows)[np.where(np.isnan(places), len(levels), places).astype(int)]


def between(low: Any, high: Any, whole: Any, place: FloatArray) -> FloatArray:
    """Numbers in (low, high], by their place in [0, 1); whole ones if there are some."""
    numbers = low + (high - low) * place
    first, last = np.floor(low) + 1, np.floor(high)
    rounded = np.where(last >= first, first + np.floor(place * (last - first + 1)), last)
    return np.where(whole, rounded, numbers)


def schema_of(structure: TreeStructure) -> TableSchema:
    """The schema of the columns, from the trees of a teacher.

    The range of a column goes as far beyond its outermost thresholds as their widest gap.
    If all thresholds are whole, or in the middle between two whole numbers, the column is whole.

    Parameters
    ----------
    structure : TreeStructure

    Returns
    -------
    TableSchema
    """
    columns: dict[Any, Any] = {}
    for j in range(structure.n_columns):
        name = j if structure.names is None else structure.names[j]
        thresholds = np.unique(structure.thresholds(j))
        if j in structure.levels:
            columns[name] = list(structure.levels[j])
        elif j in structure.ranges and not is_whole_cut(thresholds):
            columns[name] = structure.ranges[j]
        else:
            columns[name] = _range_around(thresholds)
    return TableSchema(columns)


def is_whole_cut(thresholds: FloatArray) -> bool:
    """Whether thresholds are those of whole numbers."""
    twice = 2 * thresholds
    return bool(np.allclose(twice, np.rint(twice), rtol=1e-6, atol=1e-6))


def _range_around(thresholds: FloatArray) -> tuple[float, float]:
    """The range of a column: as far beyond the outermost thresholds as the widest gap between."""
    if not len(thresholds):
        return 0, 0
    low, high = float(thresholds[0]), float(thresholds[-1])
    gap = float(np.diff(thresholds).max(initial=0.0))
    more = max(MARGIN * (high - low), gap)
    if is_whole_cut(thresholds):
        beyond = int(max(np.floor(MARGIN * (high - low)), np.rint(gap) - 1))
        return int(np.floor(low)) - beyond, int(np.floor(high)) + 1 + beyond
    more = more or abs(low) / 2 or 1.0  # one threshold says nothing about the scale
    return low - more, high + more
