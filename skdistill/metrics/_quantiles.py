"""How good quantiles and intervals are."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import column_or_1d

from skdistill._utils.types import ArrayLike, FloatArray
from skdistill.metrics._mean import weighted_mean


def crps(
    y_true: ArrayLike,
    y_quantiles: ArrayLike,
    quantiles: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Continuous ranked probability score of quantiles: twice their mean pinball loss.

    .. math:: \frac{2}{K} \sum_k \max(\tau_k (y - q_k), (\tau_k - 1) (y - q_k))

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    y_quantiles : array-like of shape (n_samples, n_levels)
        Quantiles of each row.
    quantiles : array-like of shape (n_levels,)
        Their levels, in (0, 1).
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    float
        In the unit of `y_true`; 0 is best. Compare values of the same levels only: few levels do
        not show the tails.

    Raises
    ------
    ValueError
        If shapes do not match, or a level is not in (0, 1).

    References
    ----------
    .. [1] Gneiting and Raftery (2007). Strictly Proper Scoring Rules, Prediction, and Estimation.
       https://doi.org/10.1198/016214506000001437

    Examples
    --------
    >>> from skdistill.metrics import crps
    >>> round(crps([0.0, 1.0], [[-1.0, 0.0, 1.0], [0.0, 1.0, 2.0]], [0.25, 0.5, 0.75]), 3)
    0.333
    """
    y, told, levels = check_quantiles(y_true, y_quantiles, quantiles)
    return weighted_mean(row_crps(y, told, levels), sample_weight)


def check_quantiles(
    y_true: ArrayLike, y_quantiles: ArrayLike, quantiles: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Numbers, quantiles and their levels as arrays, checked against each other."""
    told = check_array(y_quantiles, dtype=np.float64, input_name="y_quantiles")
    y = _numbers(y_true, told)
    levels = np.asarray(quantiles, dtype=np.float64)
    if levels.shape != told.shape[1:] or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(
            f"`quantiles` must hold a level in (0, 1) for each of the {told.shape[1]} columns of "
            f"`y_quantiles`, got {quantiles!r}."
        )
    return y, told, levels


def row_crps(y: FloatArray, told: FloatArray, levels: FloatArray) -> FloatArray:
    """Twice the mean pinball loss of the quantiles of each row."""
    apart = y[:, None] - told
    return 2 * np.mean(np.maximum(levels * apart, (levels - 1) * apart), axis=1)


def interval_coverage(
    y_true: ArrayLike, y_interval: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of rows whose number lies in its interval, ends included.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    y_interval : array-like of shape (n_samples, 2)
        Lower and upper end, as of :meth:`DistilledRegressor.predict_interval`; either may be
        infinite.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If shapes do not match.

    Examples
    --------
    >>> from skdistill.metrics import interval_coverage
    >>> interval_coverage([1.0, 5.0], [[0.0, 2.0], [0.0, 2.0]])
    0.5
    """
    ends = check_array(
        y_interval, dtype=np.float64, ensure_all_finite=False, input_name="y_interval"
    )
    y = _numbers(y_true, ends)
    if ends.shape[1] != 2:
        raise ValueError(f"`y_interval` must have 2 columns, got {ends.shape[1]}.")
    if not (ends[:, 0] <= ends[:, 1]).all():
        raise ValueError(
            "`y_interval` must hold a lower end and then an upper one in each row, and no NaN: "
            "sort them, or leave those rows out."
        )
    return weighted_mean(((ends[:, 0] <= y) & (y <= ends[:, 1])) * 1.0, sample_weight)


def _numbers(y_true: ArrayLike, rows: FloatArray) -> FloatArray:
    """One finite number for each row."""
    y = check_array(y_true, ensure_2d=False, dtype=np.float64, input_name="y_true")
    y = column_or_1d(y)
    check_consistent_length(y, rows)
    return y
