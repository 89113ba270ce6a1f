"""What of a fitted estimator becomes a graph: the one place that knows where it keeps it."""

from skdistill._base import BaseDistiller
from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import Table
from skdistill.student import FittedStudent, encode
from skdistill.table import ColumnSelection


def student_of(clf: BaseDistiller) -> FittedStudent:
    """The student of a fitted estimator."""
    return clf._student


def selection_of(clf: BaseDistiller) -> ColumnSelection | None:
    """What found the student's columns among those of the fit; None where it sees all."""
    return getattr(clf, "_columns", None)


def own_columns(clf: BaseDistiller, X: Table) -> Table:
    """The columns that the student asks for, of X, which may have those of the teachers as well."""
    return clf._own_columns(X)


def count_encoded(clf: BaseDistiller, X: Table) -> int:
    """How many columns the module is given for rows, which are checked as `predict` does."""
    return encode(clf.encoder_, clf._check_X(safe_indexing(X, slice(0, 1)))).shape[1]


def hash_of_rows(clf: BaseDistiller) -> str | None:
    """The hash of the rows that a fitted estimator was fitted on; None where it has none."""
    found = getattr(clf, "_rows", None)
    return None if found is None or found.startswith("object ") else found
