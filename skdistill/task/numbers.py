"""What y may be where numbers are predicted."""

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
