"""Schemes with a training loop of their own."""

from skdistill.loops._continual import ContinualClassifier
from skdistill.loops._pool import ReplayPool
from skdistill.loops._replay import LearningWithoutForgetting, Replay, StoredRows, SyntheticReplay

__all__ = [
    "ContinualClassifier",
    "LearningWithoutForgetting",
    "Replay",
    "ReplayPool",
    "StoredRows",
    "SyntheticReplay",
]

# The path that stored models and users know; the files may move.
for _public in (
    *(ContinualClassifier, ReplayPool),
    *(LearningWithoutForgetting, Replay, StoredRows, SyntheticReplay),
):
    _public.__module__ = __name__
