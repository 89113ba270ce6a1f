"""Schemes with a training loop of their own."""

from skdistill.loops._ensemble import StudentEnsemble

__all__ = ["StudentEnsemble"]

# The path that stored models and users know; the files may move.
for _public in (StudentEnsemble,):
    _public.__module__ = __name__
