"""The student: a skorch net, trained on soft targets and asked without a DataLoader."""

from skdistill.student._batches import BatchIterator, Rows, n_batches
from skdistill.student._cohort import CohortStudent, one_of
from skdistill.student._fitted import FittedStudent, check_finite, encode
from skdistill.student._hydra import HydraStudent
from skdistill.student._modules import QuantizedMLP
from skdistill.student._parameter import (
    as_large_as,
    check_student,
    constructor_parameters,
    first_width,
    gives_probabilities,
    prepare_net,
    settle_recipe,
    student_module,
)
from skdistill.student._preparation import rehearse, softmax
from skdistill.student._pruned import PrunedStudent
from skdistill.student._quantized import QuantizedStudent
from skdistill.student._recipe import MLPStudent
from skdistill.student._storage import pack_net, unpack_net
from skdistill.student._training import Training

__all__ = [
    "BatchIterator",
    "CohortStudent",
    "FittedStudent",
    "HydraStudent",
    "MLPStudent",
    "PrunedStudent",
    "QuantizedMLP",
    "QuantizedStudent",
    "Rows",
    "Training",
    "as_large_as",
    "check_finite",
    "check_student",
    "constructor_parameters",
    "encode",
    "first_width",
    "gives_probabilities",
    "n_batches",
    "one_of",
    "pack_net",
    "prepare_net",
    "rehearse",
    "settle_recipe",
    "softmax",
    "student_module",
    "unpack_net",
]

# The path that stored models and users know; the files may move.
for _public in (
    MLPStudent,
    HydraStudent,
    CohortStudent,
    PrunedStudent,
    QuantizedMLP,
    QuantizedStudent,
    softmax,
    FittedStudent,
    Training,
):
    _public.__module__ = __name__
