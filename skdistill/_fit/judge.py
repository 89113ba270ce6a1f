"""Whether one model's losses on the held-out rows are clearly lower than another's."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from skdistill._utils.types import FloatArray
from skdistill._utils.weights import n_effective

# Chance that a fit calls one of equally good candidates clearly better.
# It is divided by Bonferroni: folds, codes, alpha, two temperatures, control, teacher.
LEVEL = 0.05
MOST_COMPARISONS = 7


@dataclass(frozen=True)
class MeanGap:
    """The mean of the differences between two models' losses on the same rows.

    Attributes
    ----------
    mean : float
    apart : ndarray of shape (n_units,)
        Share of each row, or group, times its distance from the mean.
    n : float
        Effective number of rows or groups.
    """

    mean: float
    apart: FloatArray
    n: float

    @classmethod
    def of(cls, gaps: FloatArray, weight: FloatArray, groups: np.ndarray | None) -> "MeanGap":
        """The mean of the differences of rows; those of a group depend on each other."""
        share = weight / weight.sum()
        mean = float(share @ gaps)
        apart = share * (gaps - mean)
        if groups is not None:
            _, code = np.unique(groups, return_inverse=True)
            apart, share = (np.bincount(code, weights=one) for one in (apart, share))
        return cls(mean, apart, n_effective(share))

    @property
    def standard_error(self) -> float:
        """NaN for a single row or group."""
        return float(np.sqrt(np.sum(self.apart**2) / (1 - 1 / self.n))) if self.n > 1 else np.nan


def is_clearly_lower(
    losses: FloatArray,
    others: FloatArray,
    weight: FloatArray,
    groups: np.ndarray | None,
    hard_row: float,
) -> bool:
    r"""Whether the mean of some losses is lower, by a one-sided t test of the differences.

    The statistic is corrected for skewness [1]_, since a model may lose much on a few rows. The
    smaller of both statistics is taken. The level is `LEVEL` / `MOST_COMPARISONS`. A few rows may
    contain no hard one. So losses are not clearly lower if their sum is lower by less than
    `hard_row`.

    Parameters
    ----------
    losses, others : ndarray of shape (n_rows,)
        Losses of two models on the same rows.
    weight : ndarray of shape (n_rows,)
    groups : ndarray of shape (n_rows,) or None
        Rows of one group depend on each other: the test is then over groups.
    hard_row : float
        The loss that one hard row may cost.

    Returns
    -------
    bool

    References
    ----------
    .. [1] Hall (1992). On the Removal of Skewness by Transformation.
       https://doi.org/10.1111/j.2517-6161.1992.tb01876.x
    """
    gain = MeanGap.of(others - losses, weight, groups)
    if n_effective(weight) * gain.mean <= hard_row or gain.n <= 1:
        return False
    bound = student_t.isf(LEVEL / MOST_COMPARISONS, gain.n - 1)
    return bool(_statistic(gain) > bound)


def _statistic(gain: MeanGap) -> float:
    """The t statistic of a mean, or Hall's corrected one if that is smaller."""
    apart = gain.apart
    if not gain.standard_error:
        return np.inf
    t = gain.mean / gain.standard_error
    skewness = np.sum(apart**3) / np.sum(apart**2) ** 1.5  # over the square root of n
    corrected = float(t + skewness * (1 / 6 + t**2 / 3) + skewness**2 * t**3 / 27)
    return min(t, corrected)
