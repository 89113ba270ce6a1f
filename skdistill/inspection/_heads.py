"""What the heads of a student answer each."""

from typing import Any

import torch
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from skdistill._utils.process import safe_threads
from skdistill._utils.types import FloatArray, Table
from skdistill.modules import HydraMLP
from skdistill.student import encode

# Rows that go through the module at a time.
CHUNK_ROWS = 1024


@safe_threads()
def head_probabilities(estimator: Any, X: Table) -> FloatArray:
    """Probabilities of each head of a student; their spread says how unsure it is.

    Without a prior of classes and a temperature of the student's own, ``predict_proba`` is their
    mean. :func:`skdistill.metrics.mutual_information` makes a number of the spread.

    Parameters
    ----------
    estimator : DistilledClassifier
        Fitted, with a :class:`~skdistill.HydraStudent` as `student`.
    X : array-like or DataFrame of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_heads, n_classes)
        As the heads give them: neither `calibrate` nor `class_prior` changes them.

    Raises
    ------
    ValueError
        If the student has no heads, or takes no such rows.
    """
    check_is_fitted(estimator)
    student = estimator._student
    module = student.module
    if not isinstance(module, HydraMLP):
        raise ValueError(
            f"`student` has one head, as {type(module).__name__} has: fit with "
            "`student=HydraStudent()` and `objectives=Heads()`."
        )
    inputs = torch.from_numpy(encode(student.encoder, estimator._check_X(X)))
    with torch.inference_mode():
        pieces = [module.heads(rows.to(student.net.device)) for rows in inputs.split(CHUNK_ROWS)]
    return softmax(torch.cat(pieces).double().cpu().numpy(), axis=2)
