"""From X to the student's input: the public path of :class:`TabularEncoder`."""

from skdistill.table import TabularEncoder

__all__ = ["TabularEncoder"]
