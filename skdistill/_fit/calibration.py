"""The calibration temperature of a student, from rows that it has not learned from."""

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.trials import row_losses_of
from skdistill._utils.types import FloatArray
from skdistill._utils.weights import n_effective


def careful_temperature(outputs: FloatArray, rows: Block) -> float:
    """The temperature nearest to 1 within a standard error of the best [1]_.

    The best one is that of a student which is then trained again, on other rows.

    Parameters
    ----------
    outputs : ndarray of shape (n_rows, n_outputs)
    rows : Block

    Returns
    -------
    float

    References
    ----------
    .. [1] Breiman, Friedman, Olshen and Stone (1984). Classification and Regression Trees.
       https://doi.org/10.1201/9781315139470
    """
    best = rows.task.calibrate(outputs, rows.labels, rows.weight)
    least = row_losses_of(outputs / best, rows, is_calibrated=False)
    for temperature in np.geomspace(1, best, 50):
        more = row_losses_of(outputs / temperature, rows, is_calibrated=False) - least
        if _mean_within_error(more, rows):
            return float(temperature)
    return best


def cooler_temperature(outputs: FloatArray, rows: Block) -> float:
    """The best temperature; if that is below 1, the cautious one.

    With few groups a student easily becomes overconfident, and that costs most.
    """
    best = rows.task.calibrate(outputs, rows.labels, rows.weight)
    return best if best >= 1 else careful_temperature(outputs, rows)


def _mean_within_error(values: FloatArray, rows: Block) -> bool:
    """Whether the mean is at most one standard error from 0, over groups if there are some."""
    share = rows.weight / rows.weight.sum()
    mean = share @ values
    apart, shares = share * (values - mean), share
    if rows.groups is not None:
        code = np.unique(rows.groups, return_inverse=True)[1]
        apart, shares = (np.bincount(code, weights=one) for one in (apart, shares))
    if n_effective(shares) <= 1:  # one alone has no error
        return True
    return bool(mean**2 <= np.sum(apart**2) / (1 - 1 / n_effective(shares)))
