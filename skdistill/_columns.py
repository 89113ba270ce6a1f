"""The columns that an estimator has seen, and the rows that it takes then."""

import copy
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, get_tags
from sklearn.utils.validation import validate_data

from skdistill._utils.types import Table
from skdistill.table import (
    ColumnSelection,
    check_container,
    check_frame,
    is_frame,
    is_matrix,
    with_types,
)


class SeenColumnsMixin:
    """Checks the container, the number and the names of columns: in a fit, and of rows after it."""

    encoder: Any
    n_features_in_: int
    # Those of the student, where it does not see all.
    _columns: ColumnSelection | None = None

    def _check_X(self, X: Table, reset: bool = False) -> Table:
        """Check the container, the number and the names of the columns.

        After a fit, X may have the columns of the student alone, or all that the fit had; what is
        returned has those of the student.
        """
        if not reset and self._is_plain(X):
            return X
        check_container(X)
        if is_frame(X):
            check_frame(X)
        else:
            self._refuse_sparse(X)
            X = check_array(
                with_types(X),
                accept_sparse="csr",
                dtype=None,
                ensure_all_finite=False,
                allow_nd=self._passes_through(),
            )
        X = X if reset else self._own_columns(X)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _own_columns(self, X: Table) -> Table:
        """The columns that the student asks for, where X may have those of the teachers, too."""
        return X if self._columns is None else self._columns.take_own(X)

    def _as_in_the_fit(self) -> Self:
        """A copy that takes down the columns of X, and checks more rows by them.

        They are those of the last fit, where this one goes on from it; not those of its student.
        """
        seen = copy.copy(self)
        columns = seen.__dict__.pop("_columns", None)
        if columns is not None:
            seen.__dict__["n_features_in_"] = len(columns.all_names)
            if hasattr(self, "feature_names_in_"):
                seen.__dict__["feature_names_in_"] = np.array(columns.all_names, dtype=object)
        return seen

    def _columns_seen(self, columns: ColumnSelection) -> dict[str, Any]:
        """What a fit says of the columns that its student asks for."""
        seen = {
            name: getattr(self, name)
            for name in ("n_features_in_", "feature_names_in_")
            if hasattr(self, name)  # X of other ranks than 2 has no columns
        }
        if columns.indices is None:
            return seen
        seen |= {"n_features_in_": len(columns.indices), "_columns": columns}
        if "feature_names_in_" in seen:
            seen["feature_names_in_"] = seen["feature_names_in_"][columns.indices]
        return seen

    def _is_plain(self, X: Table) -> bool:
        """Whether X is an array as `fit` had it, so that the full check, slow for a row, may go."""
        return (
            is_matrix(X)
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _passes_through(self) -> bool:
        return isinstance(self.encoder, str) and self.encoder == "passthrough"

    def _takes_sparse(self) -> bool:
        """Whether what stands before the student takes sparse rows."""
        if isinstance(self.encoder, (str, type)):
            return self._passes_through()
        # An object that declares no tags is taken to take anything.
        tagged = hasattr(self.encoder, "__sklearn_tags__")
        return not tagged or get_tags(self.encoder).input_tags.sparse

    def _refuse_sparse(self, X: Table) -> None:
        if issparse(X) and not self._takes_sparse():
            raise TypeError(
                f"Sparse data was passed, but `encoder={self.encoder!r}` takes dense data only. "
                "Give an `encoder` that takes sparse data, for instance TruncatedSVD(100), or "
                "encoder='passthrough' to give the student all columns as they are, or X.toarray()."
            )
