"""What is predicted, and what a label is: the only place that knows."""

from skdistill.task.classification import Classification
from skdistill.task.labels import check_labels, check_target

__all__ = ["Classification", "check_labels", "check_target"]
