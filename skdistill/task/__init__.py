"""What is predicted, and what a label is: the only place that knows."""

from skdistill.task._base import Task
from skdistill.task.classification import Classification, cross_entropy_and_gradient
from skdistill.task.labels import check_labels, check_target

__all__ = [
    "Classification",
    "Task",
    "check_labels",
    "check_target",
    "cross_entropy_and_gradient",
]
