"""What is predicted, and what a label is: the only place that knows."""

from skdistill.task._base import Task
from skdistill.task.classification import Classification, cross_entropy_and_gradient
from skdistill.task.labels import check_labels, check_target
from skdistill.task.numbers import check_numbers, read_levels
from skdistill.task.regression import Regression, weighted_quantile
from skdistill.task.scaling import SMALLEST, TargetScaler

__all__ = [
    "SMALLEST",
    "Classification",
    "Regression",
    "TargetScaler",
    "Task",
    "check_labels",
    "check_numbers",
    "check_target",
    "cross_entropy_and_gradient",
    "read_levels",
    "weighted_quantile",
]

# The path that stored models and users know; the files may move.
for _public in (Classification, Regression, TargetScaler):
    _public.__module__ = __name__
