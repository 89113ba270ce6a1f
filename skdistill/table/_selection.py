"""Some columns of a table, selected as scikit-learn's ColumnTransformer selects them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from sklearn.utils import indexable

from skdistill._utils._compat import get_column_indices, safe_indexing
from skdistill._utils.types import IntArray, Table
from skdistill.table._containers import check_names, is_frame, names_of


class ColumnSelection:
    """The columns that a selector means, found once and then taken from any table like it.

    Parameters
    ----------
    columns : str, int, list of str, int or bool, slice, callable or None
        Names or positions, as in :class:`~sklearn.compose.ColumnTransformer`. A callable, such as
        :func:`~sklearn.compose.make_column_selector`, is given X and returns one of the others.
        None stands for all columns.
    name : str, default="columns"
        The parameter that holds `columns`, for the error messages.

    Attributes
    ----------
    indices : ndarray of int of shape (n_selected,) or None
        Positions of the columns, in the order of the selector; None where all are selected.
    names : tuple of str or None
        Their names, or their positions where the table has no names.
    all_names : list of str
        Of all columns of the table.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdistill.table import ColumnSelection
    >>> X = pd.DataFrame({"age": [31, 42], "city": ["Bern", "Oslo"], "height": [180, 172]})
    >>> selection = ColumnSelection(["height", "age"]).fit(X)
    >>> selection.indices.tolist(), selection.take(X).columns.tolist()
    ([2, 0], ['height', 'age'])
    """

    def __init__(self, columns: Any, name: str = "columns") -> None:
        self.columns = columns
        self.name = name
        self.indices: IntArray | None = None
        self.names: tuple[str, ...] | None = None
        self.all_names: list[str] = []

    @property
    def selects_all(self) -> bool:
        """Whether all columns of the table are selected, in whatever order."""
        return self.indices is None or len(self.indices) == len(self.all_names)

    def fit(self, X: Table) -> ColumnSelection:
        """Find the columns.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        self : ColumnSelection

        Raises
        ------
        ValueError
            If `columns` selects none, one twice, or some that X does not have.
        """
        if self.columns is None:
            return self
        key = self.columns(X) if callable(self.columns) else self.columns
        X = self._as_table(X)
        self.all_names = _names_in(X)
        self._has_names = _is_named(X)
        indices = self._find(X, key)
        self._check_selected(indices, key)
        self.indices = np.asarray(indices, dtype=np.intp)
        self.names = tuple(self.all_names[i] for i in indices)
        return self

    def take(self, X: Table) -> Table:
        """The selected columns of a table, in its container; the table itself where all are.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        array-like, sparse matrix or DataFrame of shape (n_samples, n_selected)

        Raises
        ------
        ValueError
            If X has more or fewer columns than the table that the columns were found in.
        """
        if self.indices is None:
            return X
        table = self._as_table(X)
        n_columns, n_expected = table.shape[1], len(self.all_names)
        if n_columns != n_expected:
            raise ValueError(
                f"X has {n_columns} features, but `{self.name}` was resolved for {n_expected} "
                "features."
            )
        if isinstance(X, list):
            return [[row[i] for i in self.indices] for row in X]
        return safe_indexing(table, self.indices, axis=1)

    def is_for(self, X: object) -> bool:
        """Whether X is a table of the columns that these were found among.

        Parameters
        ----------
        X : object

        Returns
        -------
        bool
            Whether it has as many columns and, where both tables name them, the same names.
        """
        try:
            names = _names_in(self._as_table(X))
        except (TypeError, ValueError):
            return False
        if _is_named(X) and self._has_names:
            return names == self.all_names
        return len(names) == len(self.all_names)

    def take_own(self, X: Table) -> Table:
        """The selected columns of a table that may have these alone, or others beside them.

        Columns with names are found by name, wherever they stand. Those of the first table that are
        not selected are dropped; what is missing, or was never there, is left for others to refuse.
        Without names, X has all columns that there were, or it is taken to have those selected.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame

        Returns
        -------
        array-like, sparse matrix or DataFrame
        """
        if self.columns is None:
            return X
        if self.names is None or not (_is_named(X) and self._has_names):
            return self.take(X) if self.is_for(X) else X
        names = list(names_of(X))
        own = [name for name in self.names if name in names]
        own += [name for name in names if name not in self.all_names]
        if own == names or not own:
            return X
        return safe_indexing(X, [names.index(name) for name in own], axis=1)

    def _as_table(self, X: Table) -> Table:
        """X as something with columns to take; a ValueError if it has none."""
        if is_frame(X):
            check_names(X)
            return X
        # `indexable` turns sparse matrices into those that have columns to take.
        table = np.asarray(X, dtype=object) if isinstance(X, list) else indexable(X)[0]
        if len(getattr(table, "shape", ())) != 2:
            raise ValueError(
                f"`{self.name}` selects columns, but X is no table with rows and columns: "
                f"leave `{self.name}` out."
            )
        return table

    def _find(self, X: Table, key: Any) -> list[int]:
        try:
            return list(get_column_indices(X, key))
        except (ValueError, IndexError, TypeError, NotImplementedError) as error:
            raise ValueError(
                f"`{self.name}` is {self._shown(key)}, which does not select columns of X: "
                f"{str(error).rstrip('.')}. {self._described}"
            ) from error

    def _check_selected(self, indices: list[int], key: Any) -> None:
        if not indices:
            raise ValueError(
                f"`{self.name}` is {self._shown(key)}, which selects no column of X: select one at "
                f"least, or use `{self.name}=None` for all."
            )
        twice = [self.all_names[i] for i, count in Counter(indices).items() if count > 1]
        if twice:
            raise ValueError(
                f"`{self.name}` is {self._shown(key)}, which selects column(s) {twice[:10]} more "
                "than once: name each once."
            )

    @property
    def _described(self) -> str:
        """The columns that there are, for a message."""
        names = self.all_names
        if not self._has_names:
            return f"X has {len(names)} columns without names."
        shown = ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")
        return f"X has the columns {shown}."

    def _shown(self, key: Any) -> str:
        """The selector for a message; of a callable, what it answered too."""
        return f"a callable that gave {key!r}" if callable(self.columns) else repr(key)


def _is_named(X: Table) -> bool:
    """Whether the columns have names, as scikit-learn has it: each is a string."""
    return is_frame(X) and all(isinstance(name, str) for name in names_of(X))


def _names_in(X: Table) -> list[str]:
    return [str(name) for name in (names_of(X) if is_frame(X) else range(X.shape[1]))]
