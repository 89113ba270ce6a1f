"""What y may be: one label a row, and what to do where it is something else."""

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

from skdistill._utils._compat import num_samples
from skdistill._utils.types import Table
from skdistill._utils.warn import warn

# Numbers with more values than this may be quantities, ...
MANY_CLASSES = 30
# ... and are, where each value has fewer rows than this on average.
FEW_ROWS = 5
NO_NUMBERS = (
    "DistilledRegressor predicts numbers; ranges are classes by `pandas.cut(y, bins).astype(str)`"
)


def check_target(y: Any, X: Table) -> np.ndarray | None:
    """Return the y of a fit as a checked 1-D array; warn of, or refuse, what is no class.

    None stays None.

    Raises
    ------
    ValueError
        As :func:`check_labels`, and for numbers that are a quantity to predict.
    """
    if y is None:
        return None
    _warn_of_order(y)
    y = check_labels(y, X)
    if y.dtype.kind in "iuf":
        _refuse_quantities(y)
    return y


def check_labels(y: Any, X: Table, name: str = "y") -> np.ndarray:
    """Return labels as a checked 1-D array.

    Raises
    ------
    ValueError
        For what is no labels, and for rows without a label; the remedy is named.
    """
    _refuse_several_columns(y, name)
    y = column_or_1d(y, warn=True)
    if len(y) != num_samples(X):
        raise ValueError(
            f"`{name}` and its rows have inconsistent numbers of samples: {len(y)} labels, "
            f"{num_samples(X)} rows."
        )
    n_missing = int(pd.isna(y).sum())
    if n_missing:
        remedy = (
            "Give the rows without a label as `X_transfer`" if name == "y" else "Leave them out"
        )
        raise ValueError(
            f"Input {name} contains NaN: {n_missing} of {len(y)} labels are missing. {remedy}."
        )
    assert_all_finite(y, input_name=name)
    _refuse_other_types(y, name)
    return y


def _refuse_several_columns(y: Any, name: str) -> None:
    several = (
        "For several labels a row, sklearn.multioutput.MultiOutputClassifier("
        "DistilledClassifier(...)) fits a student for each column"
    )
    if _holds_collections(y):
        raise ValueError(
            f"`{name}` holds a collection of labels for each row. {several} of "
            "sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)."
        )
    shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    if len(shape) > 1 and shape[1] > 1:
        raise ValueError(
            f"`{name}` should be a 1d array of labels, got an array of shape {shape}. {several}. "
            "Indicators of one label a row become labels by `y.argmax(axis=1)`."
        )


def _holds_collections(y: Any) -> bool:
    """Whether rows hold sets, or lists of several lengths."""
    if not isinstance(y, list) and str(getattr(y, "dtype", "")) != "object":
        return False
    of_rows = [label for label in y if isinstance(label, (list, tuple, set, frozenset))]
    lengths = {len(labels) for labels in of_rows}
    return len(lengths) > 1 or any(isinstance(labels, (set, frozenset)) for labels in of_rows)


def _warn_of_order(y: Any) -> None:
    dtype = getattr(y, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        warn(
            "`y` is an ordered Categorical, but the order is not used: the "
            "student tells classes apart, and `classes_` sorts them by label. `y.astype(str)` "
            "says the same without this warning."
        )


def _refuse_other_types(y: np.ndarray, name: str) -> None:
    try:
        n_values = len(np.unique(y))
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in y})
        raise ValueError(
            f"`{name}` mixes labels of the types {kinds}, which cannot be sorted: give them one "
            "type, as by `y.astype(str)`."
        ) from error
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise ValueError(f"`{name}`: {error} {_remedy_for(y, n_values)}") from error


def _remedy_for(y: np.ndarray, n_values: int) -> str:
    if n_values > MANY_CLASSES:
        return f"{NO_NUMBERS}."
    if y.dtype == object and isinstance(y[0], (Integral, np.bool_)):
        kind = type(y[0]).__name__
        return f"The array is of dtype object, its labels are of type {kind}: `y.astype({kind!r})`."
    return "If these are grades or codes, give them as text: `y.astype(str)`."


def _refuse_quantities(y: np.ndarray) -> None:
    """Counts, ages or prices: each number would be a class of its own."""
    values, n_rows = np.unique(y), len(y)
    n_values = len(values)
    if n_values <= MANY_CLASSES:
        return
    what = (
        f"`y` holds {n_values} different numbers in {n_rows} rows, and each of them is a class of "
        "its own"
    )
    if n_rows < FEW_ROWS * n_values:
        raise ValueError(
            f"{what}: from {values[0]:g} to {values[-1]:g}, they look like a quantity. "
            f"{NO_NUMBERS}. If they are names of classes, give them as text: `y.astype(str)`."
        )
    are_codes = values[0] in (0, 1) and values[-1] - values[0] == n_values - 1
    if not are_codes:
        warn(
            f"{what}; which one is larger is not used. If they are names of "
            "classes, `y.astype(str)` says so without this warning."
        )
