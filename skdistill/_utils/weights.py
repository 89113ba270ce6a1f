"""Weights of rows: what they may be, and how much they tell."""

import numpy as np

from skdistill._utils._compat import check_sample_weight
from skdistill._utils.types import ArrayLike, FloatArray, IntArray

# Of the mean weight: all rows below it together weigh less than that of the whole.
LEAST_WEIGHT = 1e-6


def check_weights(
    sample_weight: ArrayLike | None,
    n_rows: int,
    name: str = "sample_weight",
    allow_zero: bool = False,
) -> FloatArray | None:
    """Return the weights of so many rows as float64; None stays None.

    Parameters
    ----------
    sample_weight : array-like of shape (n_rows,), float or None
    n_rows : int
    name : str, default="sample_weight"
        Of the argument, for the messages.
    allow_zero : bool, default=False
        Whether all may be 0, as those of a part of the rows.

    Returns
    -------
    ndarray of shape (n_rows,) or None

    Raises
    ------
    ValueError
        If they are not finite numbers >= 0, with a finite sum above 0 (or 0, with `allow_zero`).
    """
    if sample_weight is None:
        return None
    rows = np.empty((n_rows, 0))
    try:
        weights = check_sample_weight(
            sample_weight, rows, dtype=np.float64, allow_all_zero_weights=True
        )
    except ValueError as error:
        raise ValueError(f"`{name}`: {error}") from error
    if (weights < 0).any():
        raise ValueError(f"Negative values in data passed to `{name}`: weights must be >= 0.")
    if not (allow_zero or weights.sum() > 0):
        raise ValueError(f"`{name}` must be > 0 somewhere, but every weight is zero.")
    if not np.isfinite(weights.sum()):
        raise ValueError(f"`{name}` must have a finite sum, got up to {weights.max():g}: scale it.")
    return weights


def without_negligible(weights: FloatArray) -> FloatArray:
    """The weights, with 0 for rows that change nothing and so are not to count as rows."""
    return np.where(weights < LEAST_WEIGHT * weights.mean(), 0.0, weights)


def n_effective(weight: FloatArray | IntArray) -> float:
    """How many rows of equal weight tell as much as rows of these weights [1]_.

    References
    ----------
    .. [1] Kish (1965). Survey Sampling. Wiley.
    """
    return weight.sum() ** 2 / np.square(weight).sum()


def alike_by_group(weight: FloatArray, groups: np.ndarray) -> FloatArray:
    """Weights by which all groups weigh alike, however many rows they have."""
    code = np.unique(groups, return_inverse=True)[1]
    return weight / np.bincount(code, weights=weight)[code]
