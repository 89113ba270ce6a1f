"""What rows weigh: what the user gives them, times the weight of their class."""

from typing import Any

import numpy as np
from sklearn.utils import compute_class_weight

from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, FloatArray, Table
from skdistill._utils.weights import check_weights, without_negligible


def class_weights(
    class_weight: dict | str | None, y: np.ndarray | None, sample_weight: FloatArray | None
) -> dict[Any, float] | None:
    """Return the weight of each class of y as a dict; None if there is none."""
    if class_weight is None:
        return None
    if y is None:
        raise ValueError(
            f"`class_weight={class_weight!r}` requires y to be passed, but the target y is None: "
            "leave `class_weight` out."
        )
    if isinstance(class_weight, str) and sample_weight is not None:
        used = sample_weight > 0  # a class without a row has no share to balance
        y, sample_weight = y[used], sample_weight[used]
    classes = np.unique(y)
    weights = compute_class_weight(class_weight, classes=classes, y=y, sample_weight=sample_weight)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(f"`class_weight` must give finite weights >= 0, got {class_weight!r}.")
    by_class = dict(zip(classes, weights, strict=True))
    if not _times_class(sample_weight, by_class, y).any():
        raise ValueError(
            "`class_weight` must not be 0 for every class whose rows have a weight, got "
            f"{class_weight!r}."
        )
    return by_class


def combine_weights(
    sample_weight: FloatArray | None, by_class: dict[Any, float] | None, y: np.ndarray | None
) -> FloatArray | None:
    """Return `sample_weight` times the weight of each row's class; None if there is neither."""
    if by_class is None:
        return sample_weight
    assert y is not None  # `class_weight` has asked for it
    return _times_class(sample_weight, by_class, y)


def _times_class(
    sample_weight: FloatArray | None, by_class: dict[Any, float], y: np.ndarray
) -> FloatArray:
    weight = np.array([by_class.get(label, 1.0) for label in y])
    return without_negligible(weight if sample_weight is None else sample_weight * weight)


def counting_weights(
    sample_weight: ArrayLike | None, X: Table, name: str = "sample_weight"
) -> FloatArray | None:
    """Return checked weights of the rows, 0 for rows that do not count; None stays None."""
    weights = check_weights(sample_weight, num_samples(X), name)
    return None if weights is None else without_negligible(weights)
