"""Center and scales of number columns that heavy tails do not move."""

from collections.abc import Sequence

import numpy as np

from skdistill._utils.types import FloatArray


def robust_scale(
    numbers: FloatArray, weight: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Median, 1 / IQR and 2 / s, with the median s of the distances to the median that are not 0.

    Where the IQR is 0, 1 / 2s stands for its inverse; where all values are equal, 0 for both.
    """
    if not numbers.shape[1] or not len(numbers):
        nothing = np.zeros(numbers.shape[1])
        return nothing, nothing, nothing
    present = numbers.copy()
    present[:, np.isnan(numbers).all(axis=0)] = 0.0
    low, q25, center, q75, high = _quantiles(present, [0, 0.25, 0.5, 0.75, 1], weight)
    with np.errstate(divide="ignore", over="ignore"):
        # Rounding errors are no spread, and no distance.
        flat = high - low <= 1e-12 * np.maximum(np.abs(low), np.abs(high))
        rounding = 1e-14 * np.abs(center)
        distance = np.abs(present - center)
        distance[distance <= rounding] = np.nan
        distance[:, flat] = 1.0
        iqr, typical = q75 - q25, _median(distance, weight)
        scales = np.array([np.where(iqr > rounding, 1 / iqr, 0.5 / typical), 2.0 / typical])
    scales[:, flat] = 0.0
    scales[~np.isfinite(scales)] = 0.0
    return center.copy(), *scales  # a view of all quantiles would be stored otherwise


def _quantiles(
    values: FloatArray, levels: Sequence[float], weight: FloatArray | None
) -> FloatArray:
    """Quantiles of the columns, without NaN."""
    if weight is None:
        return np.nanquantile(values, levels, axis=0)
    columns = []
    for column in values.T:
        known = ~np.isnan(column)
        columns.append(
            np.quantile(column[known], levels, weights=weight[known], method="inverted_cdf")
        )
    return np.column_stack(columns)


def _median(values: FloatArray, weight: FloatArray | None) -> FloatArray:
    if weight is None:  # which differs from the quantile in the last bit
        return np.nanmedian(values, axis=0)
    return _quantiles(values, [0.5], weight)[0]
