"""What the student is asked to match: the response, and objectives added to it."""

from skdistill.objectives._attention_transfer import AttentionTransfer
from skdistill.objectives._brier import Brier
from skdistill.objectives._cka import CKA
from skdistill.objectives._depth_heads import DepthHeads
from skdistill.objectives._discriminator import Discriminator
from skdistill.objectives._dist import DIST
from skdistill.objectives._dkd import DKD
from skdistill.objectives._each_teacher import Heads, RandomTeacher
from skdistill.objectives._fsp import FSP
from skdistill.objectives._hint import Hint
from skdistill.objectives._input_gradient import InputGradient
from skdistill.objectives._leaf_hint import LeafHint
from skdistill.objectives._logit_matching import LogitMatching
from skdistill.objectives._loss import DistillationLoss, as_logits
from skdistill.objectives._neighbourhood_graph import NeighbourhoodGraph
from skdistill.objectives._nkd import NKD
from skdistill.objectives._number_response import Huber, SquaredError
from skdistill.objectives._objective import (
    Batch,
    Objective,
    StudentOutput,
    probes_key,
    view_key,
)
from skdistill.objectives._pkt import PKT
from skdistill.objectives._response import (
    BalancedHinton,
    Hinton,
    Response,
    prepare,
    rehearse_response,
)
from skdistill.objectives._rkd import RKD
from skdistill.objectives._similarity import Similarity
from skdistill.objectives._standardized import StandardizedLogits

__all__ = [
    "CKA",
    "DIST",
    "DKD",
    "FSP",
    "NKD",
    "PKT",
    "RKD",
    "AttentionTransfer",
    "BalancedHinton",
    "Batch",
    "Brier",
    "DepthHeads",
    "Discriminator",
    "DistillationLoss",
    "Heads",
    "Hint",
    "Hinton",
    "Huber",
    "InputGradient",
    "LeafHint",
    "LogitMatching",
    "NeighbourhoodGraph",
    "Objective",
    "RandomTeacher",
    "Response",
    "Similarity",
    "SquaredError",
    "StandardizedLogits",
    "StudentOutput",
    "as_logits",
    "prepare",
    "probes_key",
    "rehearse_response",
    "view_key",
]

# The path that stored models and users know; the files may move.
for _public in (
    AttentionTransfer,
    CKA,
    FSP,
    PKT,
    RKD,
    Hint,
    InputGradient,
    LeafHint,
    NeighbourhoodGraph,
    Similarity,
    DIST,
    DKD,
    NKD,
    BalancedHinton,
    Batch,
    Brier,
    DepthHeads,
    Discriminator,
    DistillationLoss,
    Heads,
    Hinton,
    Huber,
    LogitMatching,
    Objective,
    RandomTeacher,
    Response,
    SquaredError,
    StandardizedLogits,
    StudentOutput,
):
    _public.__module__ = __name__
