"""Numbers to predict on the scale that a student learns them on."""

from typing import ClassVar, Self

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import yeojohnson
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill._utils._compat import StrOptions
from skdistill._utils.types import ArrayLike, FloatArray

# The powers of Yeo and Johnson: 1 changes nothing, and 0 is log(1 + y).
POWERS = {"identity": 1.0, "log": 0.0, "yeo-johnson": None}
# Less than this, of the mean, is the rounding of a constant; a power has no smaller base.
SMALLEST = 1e-12
# Where the best power is looked for.
POWER_BOUNDS = (-2.0, 4.0)


class TargetScaler(BaseEstimator):
    r"""Brings targets to a mean of 0 and a standard deviation of 1, after a power transform.

    Parameters
    ----------
    kind : {"identity", "log", "yeo-johnson"}, default="identity"
        What is done first: nothing; :math:`\log(1 + y)`, for y >= 0; or the transform of Yeo and
        Johnson [1]_ with the power that makes the target most like a normal distribution.

    Attributes
    ----------
    power_ : ndarray of shape (n_targets,)
        Of Yeo and Johnson's transform: 1 changes nothing, 0 is the logarithm.
    mean_, scale_ : ndarray of shape (n_targets,)
        Of the transformed targets. The scale of a constant is 1.
    low_, high_ : ndarray of shape (n_targets,)
        The range of y.

    References
    ----------
    .. [1] Yeo and Johnson (2000). A New Family of Power Transformations to Improve Normality or
       Symmetry. https://doi.org/10.1093/biomet/87.4.954

    Examples
    --------
    >>> from skdistill import TargetScaler
    >>> scaler = TargetScaler("log").fit([0.0, 9.0, 99.0])
    >>> scaler.transform([0.0, 9.0, 99.0]).round(2).ravel().tolist()
    [-1.22, 0.0, 1.22]
    >>> scaler.inverse_transform([[0.0]]).round(6)
    array([[9.]])
    """

    _parameter_constraints: ClassVar[dict] = {"kind": [StrOptions(set(POWERS))]}

    def __init__(self, kind: str = "identity") -> None:
        self.kind = kind

    def fit(self, y: ArrayLike, sample_weight: FloatArray | None = None) -> Self:
        """Find power, mean and scale.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : ndarray of shape (n_samples,), default=None
            Of mean and scale. Rows of weight 0 are left out.

        Returns
        -------
        self : TargetScaler

        Raises
        ------
        ValueError
            If `kind` is not valid, or is "log" and y has negative values.
        """
        self._validate_params()
        values = _columns(y)
        weight = np.ones(len(values)) if sample_weight is None else sample_weight
        values, weight = values[weight > 0], weight[weight > 0]
        self.low_, self.high_ = values.min(axis=0), values.max(axis=0)
        if self.kind == "log" and self.low_.min() < 0:
            raise ValueError(
                f"`target_transform='log'` needs y >= 0, got {self.low_.min():g}: take "
                "'yeo-johnson', or 'identity'."
            )
        power = POWERS[self.kind]
        given = np.full(values.shape[1], power)
        best = [_best(one, weight) for one in values.T] if power is None else given
        self.power_ = np.asarray(best)
        powered = self._powered(values)
        self.mean_ = np.average(powered, axis=0, weights=weight)
        spread = np.sqrt(np.average((powered - self.mean_) ** 2, axis=0, weights=weight))
        self.scale_ = np.where(spread > SMALLEST * np.abs(self.mean_), spread, 1.0)
        return self

    def transform(self, y: ArrayLike) -> FloatArray:
        """Bring targets to the scale of the student.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        check_is_fitted(self)
        values = _columns(y)
        return (self._powered(values) - self.mean_) / self.scale_

    def inverse_transform(self, y: ArrayLike) -> FloatArray:
        """Bring targets back.

        Parameters
        ----------
        y : array-like of shape (n_samples, n_targets)

        Returns
        -------
        ndarray of shape (n_samples, n_targets)
        """
        check_is_fitted(self)
        powered = np.asarray(y, dtype=np.float64) * self.scale_ + self.mean_
        pairs = zip(powered.T, self.power_, strict=True)
        return np.column_stack([_unpowered(one, power) for one, power in pairs])

    def _powered(self, values: FloatArray) -> FloatArray:
        pairs = zip(values.T, self.power_, strict=True)
        return np.column_stack(
            [one if power == 1 else yeojohnson(one, power) for one, power in pairs]
        )


def _columns(y: ArrayLike) -> FloatArray:
    values = np.asarray(y, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values


def _best(values: FloatArray, weight: FloatArray) -> float:
    """The power that makes the values most like a normal distribution; 1 for a constant."""
    if not np.ptp(values) > 0:
        return 1.0
    share = weight / weight.sum()
    slope = share @ (np.sign(values) * np.log1p(np.abs(values)))

    def minus_likelihood(power: float) -> float:
        powered = yeojohnson(values, power)
        variance = share @ (powered - share @ powered) ** 2
        return float(np.log(variance) / 2 - (power - 1) * slope)

    return float(minimize_scalar(minus_likelihood, bounds=POWER_BOUNDS, method="bounded").x)


def _unpowered(z: FloatArray, power: float) -> FloatArray:
    """The inverse of Yeo and Johnson's transform; what it never gives becomes its bound."""
    if power == 1:
        return z
    found = np.empty_like(z)
    above = z >= 0
    for rows, sign, p in ((above, 1.0, power), (~above, -1.0, 2 - power)):
        size = sign * z[rows]
        grown = np.expm1(size) if p == 0 else np.maximum(p * size + 1, SMALLEST) ** (1 / p) - 1
        found[rows] = sign * grown
    return found
