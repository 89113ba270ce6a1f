"""What y may be where numbers are predicted."""

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from skdistill._utils._compat import num_samples
from skdistill._utils.types import FloatArray, Table

# What pandas calls columns of other things.
NO_NUMBERS = ("string", "mixed", "bytes", "datetime", "date", "timedelta", "categorical")


def check_numbers(y: Any, X: Table, name: str = "y") -> FloatArray:
    """Return targets as checked numbers.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
    X : array-like or DataFrame of shape (n_samples, n_features)
    name : str, default="y"

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_targets)
        float64; of one column, one-dimensional.

    Raises
    ------
    ValueError
        For what is no numbers, and for rows without one; the remedy is named.
    """
    try:
        n_missing = int(pd.isna(np.asarray(y)).sum())
    except (TypeError, ValueError):
        n_missing = 0
    if n_missing:
        remedy = "Give those rows as `X_transfer`" if name == "y" else "Leave them out"
        raise ValueError(
            f"Input {name} contains NaN: {n_missing} of {num_samples(y)} are missing. {remedy}."
        )
    if _is_other(y):
        raise ValueError(
            f"`{name}` must hold numbers, got {np.asarray(y).dtype}: convert dates and durations "
            "to numbers yourself; for classes use DistilledClassifier."
        )
    try:
        values = check_array(y, ensure_2d=False, dtype=np.float64, input_name=name)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must hold finite numbers: {error}") from error
    if len(values) != num_samples(X):
        raise ValueError(
            f"`{name}` and its rows have inconsistent numbers of samples: {len(values)} numbers, "
            f"{num_samples(X)} rows."
        )
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _is_other(y: Any) -> bool:
    """Whether y holds text, dates or durations."""
    values = np.asarray(y)
    if values.dtype.kind != "O":
        return values.dtype.kind in "mMSU"
    return pd.api.types.infer_dtype(values.ravel()) in NO_NUMBERS


def read_levels(quantiles: Any) -> tuple[float, ...]:
    """Levels of quantiles: so many in equal steps of an int, or those given, checked.

    Raises
    ------
    ValueError
        Unless they are several, in ascending order, and around the middle.
    """
    if isinstance(quantiles, Integral):
        n_levels = int(quantiles)
        return tuple(k / (n_levels + 1) for k in range(1, n_levels + 1))
    if not _are_levels(quantiles):
        raise ValueError(
            "`quantiles` must be an int >= 2, or hold several levels between 0 and 1 in ascending "
            f"order, 0.5 or levels on both sides of it, got {quantiles!r}."
        )
    return tuple(np.asarray(quantiles, dtype=float).tolist())


def _are_levels(quantiles: Any) -> bool:
    try:
        found = np.asarray(quantiles, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    if found.ndim != 1 or len(found) < 2 or not (np.diff(found) > 0).all():
        return False
    return bool(0 < found[0] <= 0.5 <= found[-1] < 1)
