"""Teachers: anything with ``predict_proba``, pooled into one array aligned to ``classes_``."""

from skdistill.teacher._checks import check_floor, is_frozen
from skdistill.teacher._members import UNKNOWN_FLOOR, weight_fit_params
from skdistill.teacher._pool import TeacherPool
from skdistill.teacher._torch import TorchTeacher

__all__ = [
    "UNKNOWN_FLOOR",
    "TeacherPool",
    "TorchTeacher",
    "check_floor",
    "is_frozen",
    "weight_fit_params",
]
