"""The result of a refresh: the public path of :class:`RefreshResult`."""

from skdistill._fit.churn import RefreshResult

__all__ = ["RefreshResult"]
