"""Schemes with a training loop of their own."""

from skdistill.loops._cohort import CohortFit
from skdistill.loops._continual import ContinualClassifier
from skdistill.loops._dark import DarkExperience
from skdistill.loops._ensemble import StudentEnsemble
from skdistill.loops._mutual import MutualClassifier
from skdistill.loops._peers import CohortLoss
from skdistill.loops._pool import ReplayPool
from skdistill.loops._replay import LearningWithoutForgetting, Replay, StoredRows, SyntheticReplay
from skdistill.loops._self_distilled import SelfDistilledClassifier

__all__ = [
    "ContinualClassifier",
    "DarkExperience",
    "LearningWithoutForgetting",
    "MutualClassifier",
    "Replay",
    "ReplayPool",
    "SelfDistilledClassifier",
    "StoredRows",
    "StudentEnsemble",
    "SyntheticReplay",
]

# The path that stored models and users know; the files may move.
for _public in (
    *(CohortFit, CohortLoss, MutualClassifier, SelfDistilledClassifier, StudentEnsemble),
    *(ContinualClassifier, ReplayPool),
    *(DarkExperience, LearningWithoutForgetting, Replay, StoredRows, SyntheticReplay),
):
    _public.__module__ = __name__
