"""Probabilities as people give them: arrays, lists, frames whose columns are named by class."""

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skdistill._utils.types import FloatArray, NDArray, Table
from skdistill.table._containers import is_frame, names_of

# What rows may miss a sum of 1 by: rounded to a few digits is fine.
TOLERANCE = 1e-2
_DIVIDE = "divide by the sum, or apply softmax to logits"


def read_probabilities(
    values: Table,
    classes: NDArray[Any],
    n_rows: int,
    what: str,
    *,
    complete: bool = False,
    remedy: str = _DIVIDE,
) -> FloatArray:
    """Read probabilities as an array, checked.

    Parameters
    ----------
    values : array-like of shape (n_rows, n_classes) or DataFrame
        The columns of a frame are taken by name: a label, or its text.
    classes : ndarray of shape (n_classes,)
    n_rows : int
    what : str
        What they are, for the error messages.
    complete : bool, default=False
        Whether a frame needs a column for each class; without one, a class has 0.
    remedy : str, default="divide by the sum, or apply softmax to logits"
        For rows that do not sum to 1.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        Columns in the order of `classes`; rows sum to 1.

    Raises
    ------
    ValueError
        If they are no probabilities of these classes.
    """
    check_single(values, what)
    places = _places(names_of(values), classes, what, complete) if is_frame(values) else None
    try:
        values = values.toarray() if issparse(values) else values
        p = _by_name(values, places, len(classes)) if places else np.asarray(values, dtype=float)
    except (TypeError, ValueError, RuntimeError) as error:  # the last: a tensor with a gradient
        raise ValueError(f"{what} must be an array of probabilities: {error}") from error
    if p.shape != (n_rows, len(classes)):
        raise ValueError(
            f"{what} must have shape (n_samples, n_classes) = {(n_rows, len(classes))}, got "
            f"{p.shape}. The classes are {classes[:10].tolist()}; {_remedy_for_shape(p, n_rows)}."
        )
    return _summing_to_one(p, what, remedy)


def _remedy_for_shape(p: FloatArray, n_rows: int) -> str:
    if p.shape in ((n_rows,), (n_rows, 1)):
        return "of the probability p of the second of two, give numpy.column_stack([1 - p, p])"
    return "a DataFrame may name its columns"


def check_single(values: object, what: str) -> None:
    """Raise a ValueError for several arrays in place of one."""
    if isinstance(values, (list, tuple)) and values and all(np.ndim(v) == 2 for v in values):
        raise ValueError(
            f"{what} must be one array, got {len(values)} arrays, as a multilabel or multi-output "
            "model gives them: give a model of one target."
        )


def _summing_to_one(p: FloatArray, what: str, remedy: str) -> FloatArray:
    if not np.isfinite(p).all() or (p < 0).any():
        row = int((~np.isfinite(p) | (p < 0)).any(axis=1).argmax())
        raise ValueError(
            f"{what} must hold probabilities, but row {row} is {p[row].tolist()}: some are NaN, "
            "infinite or < 0. Give the softmax of logits, and leave rows without labels out."
        )
    sums = p.sum(axis=1)
    wrong = np.abs(sums - 1) > TOLERANCE
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"the rows of {what} must sum to 1, but row {row} sums to {sums[row]:.6g}: {remedy}."
        )
    return p / sums[:, None]


def labels_of_names(names: list[Any], labels: NDArray[Any] | None, what: str) -> NDArray[Any]:
    """The labels that columns are named by; texts stand for the labels they are written as.

    Parameters
    ----------
    names : list
    labels : ndarray or None
        The labels known besides.
    what : str
        What has these columns, for the error message.

    Returns
    -------
    ndarray of shape (n_columns,)
    """
    if labels is None:
        return np.asarray(names)
    written = _positions(labels)
    found = [labels[written[name]] if name in written else name for name in names]
    if labels.dtype.kind in "OUSb":
        return np.asarray(found)
    try:
        return np.asarray(found, dtype=labels.dtype)
    except (TypeError, ValueError):
        raise ValueError(
            f"{what} has columns {names[:10]}, but the classes are {labels[:10].tolist()}: name "
            "the columns by class."
        ) from None


def without_counts(values: Table, classes: NDArray[Any], what: str) -> Table:
    """An array in place of a frame whose columns are only counted, 0, ..., K - 1, and not named.

    Parameters
    ----------
    values : array-like of shape (n_rows, n_classes) or DataFrame
    classes : ndarray of shape (n_classes,)
        A frame whose columns have these names keeps them.
    what : str
        What they are, for the error message.

    Returns
    -------
    array-like of shape (n_rows, n_classes) or DataFrame

    Raises
    ------
    ValueError
        If the columns may be counted or named, which would be two different orders.
    """
    if not is_frame(values) or names_of(values) != list(range(len(classes))):
        return values
    position = _positions(classes)
    if all(name in position for name in range(len(classes))):
        in_order = all(position[name] == name for name in range(len(classes)))
        if not in_order and isinstance(values.columns, pd.RangeIndex):
            raise ValueError(
                f"{what} has the columns 0, ..., {len(classes) - 1}, and whether they are counted "
                f"or named by class is not plain, as `classes_` are {classes[:10].tolist()}: give "
                "an array, in the order of `classes_`, or `columns=classes_`."
            )
        return values
    return nw.from_native(values, eager_only=True).to_numpy()


def is_shuffled(values: Table, classes: NDArray[Any]) -> bool:
    """Whether a frame names its columns by class, in another order than that of `classes`."""
    position = _positions(classes)
    places = [position.get(name) for name in names_of(values)] if is_frame(values) else []
    return None not in places and places != list(range(len(places)))


def _positions(classes: NDArray[Any]) -> dict[Any, int]:
    """The position of each class, by its label and by the texts it may be written as."""
    labels = classes.tolist()
    texts = {str(label): i for i, label in enumerate(labels)}
    whole = {
        str(int(label)): i
        for i, label in enumerate(labels)
        if isinstance(label, float) and label.is_integer()
    }
    return whole | texts | {label: i for i, label in enumerate(labels)}


def _places(names: list[Any], classes: NDArray[Any], what: str, complete: bool) -> list[int]:
    """The position in `classes` of each column."""
    position = _positions(classes)
    unknown = [name for name in names if name not in position]
    if unknown:
        raise ValueError(
            f"{what} has columns {unknown[:10]} that are not classes; the classes are "
            f"{classes[:10].tolist()}."
        )
    places = [position[name] for name in names]
    if len(set(places)) < len(places):
        twice = [name for name, place in zip(names, places, strict=True) if places.count(place) > 1]
        raise ValueError(f"{what} has two columns for one class: {twice[:10]}. Drop one of them.")
    absent = np.setdiff1d(np.arange(len(classes)), places)
    if complete and len(absent):
        raise ValueError(
            f"{what} has columns {names[:10]}, none of them for the classes "
            f"{classes[absent][:10].tolist()}."
        )
    return places


def _by_name(values: Table, places: list[int], n_classes: int) -> FloatArray:
    """The columns of a frame in the order of the classes."""
    frame = nw.from_native(values, eager_only=True)
    p = np.zeros((len(frame), n_classes))
    for i, place in enumerate(places):
        p[:, place] = frame[:, i].to_numpy()
    return p
