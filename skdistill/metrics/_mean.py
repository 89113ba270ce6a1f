"""Means over rows."""

import numpy as np

from skdistill._utils.types import ArrayLike, BoolArray, FloatArray
from skdistill._utils.weights import check_weights


def weighted_mean(rows: FloatArray | BoolArray, sample_weight: ArrayLike | None) -> float:
    """Mean over the rows, by their checked weights."""
    return float(np.average(rows, weights=check_weights(sample_weight, len(rows))))
