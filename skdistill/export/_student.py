"""What of a fitted classifier becomes a graph: the one place that knows where it keeps it."""

from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import Table
from skdistill.classifier import DistilledClassifier
from skdistill.student import FittedStudent, encode
from skdistill.table import ColumnSelection


def student_of(clf: DistilledClassifier) -> FittedStudent:
    """The student of a fitted classifier."""
    return clf._student


def selection_of(clf: DistilledClassifier) -> ColumnSelection | None:
    """What found the student's columns among those of the fit; None where it sees all."""
    return getattr(clf, "_columns", None)


def own_columns(clf: DistilledClassifier, X: Table) -> Table:
    """The columns that the student asks for, of X, which may have those of the teachers as well."""
    return clf._own_columns(X)


def count_encoded(clf: DistilledClassifier, X: Table) -> int:
    """How many columns the module is given for rows, which are checked as `predict` does."""
    return encode(clf.encoder_, clf._check_X(safe_indexing(X, slice(0, 1)))).shape[1]
