"""Tables of any container, and what the student sees of them."""

from skdistill.table._encoder import FARTHEST, TabularEncoder, with_nominal

__all__ = ["FARTHEST", "TabularEncoder", "with_nominal"]

# The path that stored models and users know.
TabularEncoder.__module__ = "skdistill.encoding"
