"""The student: a skorch net, trained on soft targets and asked without a DataLoader."""

from skdistill.student._recipe import (
    MLPStudent,
    check_student,
    constructor_parameters,
    gives_probabilities,
    prepare_net,
    student_module,
)
from skdistill.student._rows import BatchIterator, Rows, n_batches
from skdistill.student._storage import pack_net, unpack_net
from skdistill.student._training import predict_logits, rehearse, softmax, train

__all__ = [
    "BatchIterator",
    "MLPStudent",
    "Rows",
    "check_student",
    "constructor_parameters",
    "gives_probabilities",
    "n_batches",
    "pack_net",
    "predict_logits",
    "prepare_net",
    "rehearse",
    "softmax",
    "student_module",
    "train",
    "unpack_net",
]

# The path that stored models and users know; the files may move.
for _public in (MLPStudent, softmax):
    _public.__module__ = __name__
