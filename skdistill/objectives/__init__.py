"""What the student is asked to match: the response, and objectives added to it."""

from skdistill.objectives._brier import Brier
from skdistill.objectives._discriminator import Discriminator
from skdistill.objectives._dist import DIST
from skdistill.objectives._dkd import DKD
from skdistill.objectives._logit_matching import LogitMatching
from skdistill.objectives._loss import DistillationLoss, as_logits
from skdistill.objectives._nkd import NKD
from skdistill.objectives._number_response import Huber, SquaredError
from skdistill.objectives._objective import Batch, Objective, StudentOutput, view_key
from skdistill.objectives._response import (
    BalancedHinton,
    Hinton,
    Response,
    prepare,
    rehearse_response,
)
from skdistill.objectives._standardized import StandardizedLogits

__all__ = [
    "DIST",
    "DKD",
    "NKD",
    "BalancedHinton",
    "Batch",
    "Brier",
    "Discriminator",
    "DistillationLoss",
    "Hinton",
    "Huber",
    "LogitMatching",
    "Objective",
    "Response",
    "SquaredError",
    "StandardizedLogits",
    "StudentOutput",
    "as_logits",
    "prepare",
    "rehearse_response",
    "view_key",
]

# The path that stored models and users know; the files may move.
for _public in (
    DIST,
    DKD,
    NKD,
    BalancedHinton,
    Batch,
    Brier,
    Discriminator,
    DistillationLoss,
    Hinton,
    Huber,
    LogitMatching,
    Objective,
    Response,
    SquaredError,
    StandardizedLogits,
    StudentOutput,
):
    _public.__module__ = __name__
