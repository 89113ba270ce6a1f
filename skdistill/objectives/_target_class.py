"""The class of a row that DKD and NKD set apart: its label, or the teacher's first choice."""

import numpy as np
import torch

from skdistill._utils.types import FloatArray, IntArray


def target_classes(probabilities: FloatArray, labels: IntArray | None) -> IntArray:
    """Position of the target class of each row.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        The teacher's.
    labels : ndarray of shape (n_samples,) or None
        -1 where there is none.

    Returns
    -------
    ndarray of shape (n_samples,)
        The label, or the class that the teacher finds likeliest where there is none.
    """
    likeliest = probabilities.argmax(axis=1)
    return likeliest if labels is None else np.where(labels < 0, likeliest, labels)


def cross_entropy_of_others(
    logits: torch.Tensor, probabilities: torch.Tensor, place: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy among all classes but the target, as shares of what they have together.

    Parameters
    ----------
    logits : torch.Tensor of shape (n_batch, n_classes)
    probabilities : torch.Tensor of shape (n_batch, n_classes)
    place : torch.Tensor of shape (n_batch, 1)
        Of the target class.

    Returns
    -------
    torch.Tensor of shape (n_batch,)
        0 where the teacher leaves the others nothing.
    """
    is_target = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, place, True)
    others = probabilities.masked_fill(is_target, 0.0)
    whole = others.sum(dim=1, keepdim=True)
    shares = others / torch.where(whole > 0, whole, 1.0)
    logs = torch.log_softmax(logits.masked_fill(is_target, -torch.inf), dim=1)
    return -(shares * logs.masked_fill(is_target, 0.0)).sum(dim=1)
