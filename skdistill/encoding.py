"""What the student sees of X: the public path of :class:`TabularEncoder`."""

from skdistill.table import TabularEncoder

__all__ = ["TabularEncoder"]
