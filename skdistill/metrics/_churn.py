"""How far the answers of a new model are from those of an old one."""

import numpy as np
from sklearn.utils import check_array

from skdistill._utils.types import ArrayLike, BoolArray, FloatArray
from skdistill.metrics._mean import weighted_mean
from skdistill.metrics._probabilities import check_pair

# Of a number, in standard deviations of the old model's numbers, that counts as the same.
TOLERANCE = 0.1


def prediction_churn(
    y_old: ArrayLike,
    y_new: ArrayLike,
    *,
    tolerance: float | ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Share of rows whose prediction is another one with the new model.

    Of classes this is the churn of Milani Fard et al. [1]_, also called flip rate. It counts
    predictions that got better as well as those that got worse.

    Parameters
    ----------
    y_old, y_new : array-like of shape (n_samples,) or (n_samples, n_targets)
        Predictions of both models on the same rows: labels, or numbers.
    tolerance : float or array-like of shape (n_targets,), default=None
        How far a number may move and still count as the same, in the unit of `y_old`. A row of
        several targets counts if one of them moves by more. None is for labels: any other value
        counts.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        In [0, 1]; 0 where no prediction changed.

    Raises
    ------
    ValueError
        If the shapes differ, or `tolerance` is negative or not finite.

    See Also
    --------
    total_variation : Drift of probabilities.
    sklearn.metrics.mean_absolute_error : Drift of numbers or quantiles, given both models' answers.

    References
    ----------
    .. [1] Milani Fard, Cormier, Canini and Gupta (2016). Launch and Iterate: Reducing Prediction
       Churn. Advances in Neural Information Processing Systems 29.
       https://nips.cc/virtual/2016/poster/7242

    Examples
    --------
    >>> from skdistill.metrics import prediction_churn
    >>> prediction_churn(["a", "b", "b", "a"], ["a", "b", "a", "a"])
    0.25
    >>> prediction_churn([1.0, 2.0], [1.05, 2.5], tolerance=0.1)
    0.5
    """
    if tolerance is None:
        old, new = (np.asarray(one) for one in (y_old, y_new))
        _check_shapes(old, new)
        return weighted_mean(_any_of_row(old != new), sample_weight)
    pair = ((y_old, "y_old"), (y_new, "y_new"))
    old, new = (
        check_array(one, dtype=np.float64, ensure_2d=False, input_name=name) for one, name in pair
    )
    _check_shapes(old, new)
    return weighted_mean(has_moved(old, new, tolerance), sample_weight)


def has_moved(old: FloatArray, new: FloatArray, tolerance: float | ArrayLike) -> BoolArray:
    """Which rows have a number that moved by more than the tolerance."""
    most = np.asarray(tolerance, dtype=np.float64)
    n_targets = 1 if old.ndim == 1 else old.shape[1]
    if most.shape not in ((), (n_targets,)) or not (np.isfinite(most) & (most >= 0)).all():
        raise ValueError(
            "`tolerance` must be a finite number >= 0, or one for each of the "
            f"{n_targets} target(s), got {tolerance!r}."
        )
    return _any_of_row(np.abs(new - old) > most)


def total_variation(
    old_prob: ArrayLike, new_prob: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    r"""Mean total variation distance between the probabilities of two models.

    .. math:: \mathrm{TV}(p, q) = \frac{1}{2} \sum_k | p_k - q_k |

    It is the largest difference between the probabilities that both give to any set of classes.

    Parameters
    ----------
    old_prob, new_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
        Probabilities; of the second class where there is one column.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    float
        In [0, 1]; 0 where both models answer the same.

    Raises
    ------
    ValueError
        If the shapes differ, or the values are no probabilities.

    See Also
    --------
    prediction_churn : Share of rows with another prediction.

    References
    ----------
    .. [1] Levin and Peres (2017). Markov Chains and Mixing Times, section 4.1. American
       Mathematical Society. https://doi.org/10.1090/mbk/107

    Examples
    --------
    >>> from skdistill.metrics import total_variation
    >>> round(total_variation([[0.9, 0.1], [0.4, 0.6]], [[0.8, 0.2], [0.4, 0.6]]), 3)
    0.05
    """
    p, q = check_pair(old_prob, new_prob, ("old_prob", "new_prob"))
    return weighted_mean(row_variations(p, q), sample_weight)


def row_variations(p: FloatArray, q: FloatArray) -> FloatArray:
    """The total variation distance of each row."""
    return np.abs(p - q).sum(axis=1) / 2


def _any_of_row(changed: BoolArray) -> BoolArray:
    return np.asarray(changed.reshape(len(changed), -1).any(axis=1))


def _check_shapes(old: np.ndarray, new: np.ndarray) -> None:
    if old.shape != new.shape or old.ndim not in (1, 2):
        raise ValueError(
            "`y_old` and `y_new` must have one shape, (n_samples,) or (n_samples, n_targets), got "
            f"{old.shape} and {new.shape}: give predictions of the same rows."
        )
