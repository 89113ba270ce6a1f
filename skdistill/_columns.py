"""The columns that an estimator has seen, and the checks of rows against them."""

import copy
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, get_tags
from sklearn.utils.validation import validate_data

from skdistill._utils.types import Table
from skdistill.table import (
    ColumnSelection,
    TabularEncoder,
    check_container,
    check_frame,
    holds_text,
    is_frame,
    is_matrix,
    n_dimensions,
    with_types,
)


class SeenColumnsMixin:
    """Checks the container, the number and the names of columns: in a fit, and of rows after it."""

    encoder: Any
    n_features_in_: int
    # The student's columns, if it does not see all.
    _columns: ColumnSelection | None = None
    # Shape of one row, if X is not a table.
    _row_shape: tuple[int, ...] | None = None

    def _check_X(self, X: Table, reset: bool = False) -> Table:
        """Check the container, the number and the names of the columns.

        After a fit, X may have the columns of the student alone, or all columns of the fit. The
        result has those of the student.
        """
        if not reset and self._is_plain(X):
            return X
        check_container(X)
        if is_frame(X):
            check_frame(X)
        else:
            self._refuse_sparse(X)
            X = self._check_array(X)
            self._check_row_shape(X, reset)
        X = X if reset else self._own_columns(X)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _check_array(self, X: Table) -> Any:
        reads_tables = self._reads_tables()
        X = with_types(X)
        if reads_tables and n_dimensions(X) > 2:
            raise ValueError(
                f"X has {n_dimensions(X)} dimensions, but `encoder={self.encoder!r}` reads tables: "
                "give encoder='passthrough' and a module class as `student` that takes such rows, "
                "or a transformer as `encoder` that makes tables of them."
            )
        if n_dimensions(X) == 1 and holds_text(X):
            raise ValueError(
                "Expected 2D array, got 1D array of texts instead: give "
                "pandas.DataFrame({'text': X}), and a ColumnTransformer that reads its column, "
                "in the teacher and as `encoder`."
            )
        return check_array(
            X,
            accept_sparse="csr",
            dtype=None,
            ensure_all_finite=False,
            allow_nd=not reads_tables,
        )

    def _check_row_shape(self, X: Any, reset: bool) -> None:
        """Check rows that are not tables: they have the shape of those of the fit."""
        shape = X.shape[1:]
        if reset:
            self._row_shape = shape if len(shape) > 1 else None
        known = self._row_shape
        if known is not None and shape != known:
            raise ValueError(
                f"X has rows of shape {shape}, but {type(self).__name__} was fitted on rows of "
                f"shape {known}; a single row is `X[None]`."
            )

    def _own_columns(self, X: Table) -> Table:
        """The student's columns of X, which may also have those of the teachers."""
        return X if self._columns is None else self._columns.take_own(X)

    def _as_in_the_fit(self) -> Self:
        """A copy that records the columns of X, and checks later rows against them.

        If this fit continues the last one, they are those of the last fit, not of its student.
        """
        seen = copy.copy(self)
        columns = seen.__dict__.pop("_columns", None)
        if columns is not None:
            seen.__dict__["n_features_in_"] = len(columns.all_names)
            if hasattr(self, "feature_names_in_"):
                seen.__dict__["feature_names_in_"] = np.array(columns.all_names, dtype=object)
        return seen

    def _columns_seen(self, columns: ColumnSelection) -> dict[str, Any]:
        """The attributes of a fit that describe the student's columns."""
        seen = {
            name: getattr(self, name)
            for name in ("n_features_in_", "feature_names_in_")
            if hasattr(self, name)  # X of other ranks than 2 has no columns
        }
        if self._row_shape is not None:
            seen["_row_shape"] = self._row_shape
        if columns.indices is None:
            return seen
        seen |= {"n_features_in_": len(columns.indices), "_columns": columns}
        if "feature_names_in_" in seen:
            seen["feature_names_in_"] = seen["feature_names_in_"][columns.indices]
        return seen

    def _is_plain(self, X: Table) -> bool:
        """Whether X is an array like that of `fit`, so that the slow full check can be skipped."""
        return (
            is_matrix(X)
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _passes_through(self) -> bool:
        return isinstance(self.encoder, str) and self.encoder == "passthrough"

    def _reads_tables(self) -> bool:
        """Whether the encoder takes only tables."""
        is_auto = isinstance(self.encoder, str) and not self._passes_through()
        return is_auto or isinstance(self.encoder, TabularEncoder)

    def _takes_sparse(self) -> bool:
        """Whether the encoder takes sparse rows."""
        if isinstance(self.encoder, (str, type)):
            return self._passes_through()
        # An object without tags is assumed to take anything.
        tagged = hasattr(self.encoder, "__sklearn_tags__")
        return not tagged or get_tags(self.encoder).input_tags.sparse

    def _refuse_sparse(self, X: Table) -> None:
        if issparse(X) and not self._takes_sparse():
            raise TypeError(
                f"Sparse data was passed, but `encoder={self.encoder!r}` takes dense data only. "
                "Give an `encoder` that takes sparse data, for instance TruncatedSVD(100), or "
                "encoder='passthrough' to give the student all columns as they are, or X.toarray()."
            )
