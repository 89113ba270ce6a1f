"""Distances of numbers from a teacher's: the public path of :class:`Spread`."""

from skdistill._fit.spread import Spread

__all__ = ["Spread"]
