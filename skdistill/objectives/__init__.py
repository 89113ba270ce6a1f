"""What the student is asked to match: the response, and objectives added to it."""

from skdistill.objectives._discriminator import Discriminator
from skdistill.objectives._loss import DistillationLoss, as_logits
from skdistill.objectives._number_response import Huber, SquaredError
from skdistill.objectives._objective import Batch, Objective, StudentOutput, view_key
from skdistill.objectives._response import (
    BalancedHinton,
    Hinton,
    Response,
    prepare,
    rehearse_response,
)

__all__ = [
    "BalancedHinton",
    "Batch",
    "Discriminator",
    "DistillationLoss",
    "Hinton",
    "Huber",
    "Objective",
    "Response",
    "SquaredError",
    "StudentOutput",
    "as_logits",
    "prepare",
    "rehearse_response",
    "view_key",
]

# The path that stored models and users know; the files may move.
for _public in (
    BalancedHinton,
    Batch,
    Discriminator,
    DistillationLoss,
    Hinton,
    Huber,
    Objective,
    Response,
    SquaredError,
    StudentOutput,
):
    _public.__module__ = __name__
