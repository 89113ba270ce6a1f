"""What of a fitted classifier becomes a graph: the one place that knows where it keeps it."""

from dataclasses import dataclass

import torch

from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.classifier import DistilledClassifier


@dataclass(frozen=True)
class Student:
    """From the raw columns to the logits of the classes.

    Attributes
    ----------
    encoder : transformer or None
        None hands the rows over as they are.
    module : torch.nn.Module
        What follows on the encoder.
    gives_probabilities : bool
        Whether the module returns probabilities, and not logits.
    temperature : float
        The logits are divided by it.
    offset : ndarray of shape (n_classes,) or None
        Added to the logits after that.
    """

    encoder: Estimator
    module: torch.nn.Module
    gives_probabilities: bool
    temperature: float
    offset: FloatArray | None


def student_of(clf: DistilledClassifier) -> Student:
    """The student of a fitted classifier."""
    return Student(
        encoder=clf.encoder_,
        module=clf.student_.module_,
        gives_probabilities=clf._probabilities,
        temperature=clf.calibration_temperature_,
        offset=clf.class_offset_,
    )


def count_encoded(clf: DistilledClassifier, X: Table) -> int:
    """How many columns the module is given for rows, which are checked as `predict` does."""
    row = clf._check_X(safe_indexing(X, slice(0, 1)), reset=False)
    return clf._encode(row).shape[1]
