"""Students in production: the public path of :class:`Scorer`."""

from skdistill.serving import Scorer

__all__ = ["Scorer"]
