"""Tables of any container, and what the student sees of them."""

from skdistill.table._encoder import FARTHEST, TabularEncoder, with_nominal
from skdistill.table._selection import ColumnSelection

__all__ = ["FARTHEST", "ColumnSelection", "TabularEncoder", "with_nominal"]

# The paths that stored models and users know.
TabularEncoder.__module__ = "skdistill.encoding"
ColumnSelection.__module__ = __name__
