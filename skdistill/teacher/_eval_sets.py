"""Evaluation sets among the arguments of a teacher's ``fit``."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, IntArray, NDArray
from skdistill.table import ColumnSelection


def in_codes(fit_params: Mapping[str, Any], known: NDArray[Any]) -> dict[str, Any]:
    """The arguments of a ``fit``, with the labels of evaluation sets as codes 0, 1, ...

    Parameters
    ----------
    fit_params : dict of str to object
        A list of pairs of rows and their labels is an evaluation set, whatever its name.
    known : ndarray of shape (n_classes,)
        The labels that the teacher is fitted on, sorted.

    Returns
    -------
    dict of str to object

    Raises
    ------
    ValueError
        If there are other labels.
    """
    return {
        name: [(rows, _codes(name, labels, known)) for rows, labels in value]
        if _is_eval_set(value)
        else value
        for name, value in fit_params.items()
    }


def select_columns(
    fit_params: Mapping[str, dict[str, Any]], selection: ColumnSelection
) -> Mapping[str, dict[str, Any]]:
    """The arguments of each ``fit``, with evaluation sets cut to the columns that teachers see.

    Parameters
    ----------
    fit_params : dict of str to dict
        By the name of the teacher. Pairs of rows and labels are cut, and arguments named
        ``X_...`` or ``eval_X``; but only tables with the columns of X in the fit.
    selection : ColumnSelection

    Returns
    -------
    dict of str to dict
    """
    if selection.indices is None:
        return fit_params
    return {
        teacher: {name: _selected(name, value, selection) for name, value in params.items()}
        for teacher, params in fit_params.items()
    }


def _selected(name: str, value: Any, selection: ColumnSelection) -> Any:
    own = name.rpartition("__")[2]  # a step of a Pipeline comes before it
    if _is_eval_set(value):
        return [(_cut(rows, selection), labels) for rows, labels in value]
    if isinstance(value, tuple) and _is_pair(value) and own == "eval_set":
        return _cut(value[0], selection), value[1]
    if not (own.startswith("X_") or own == "eval_X"):
        return value
    if isinstance(value, (list, tuple)) and all(map(selection.is_for, value)):
        return [_cut(rows, selection) for rows in value]
    return _cut(value, selection)


def _cut(table: Any, selection: ColumnSelection) -> Any:
    return selection.take(table) if selection.is_for(table) else table


def _is_eval_set(value: object) -> bool:
    if not isinstance(value, (list, tuple)) or not value:
        return False
    return all(isinstance(pair, (list, tuple)) and _is_pair(pair) for pair in value)


def _is_pair(pair: Sequence[Any]) -> bool:
    try:
        return len(pair) == 2 and num_samples(pair[0]) == num_samples(pair[1])
    except TypeError:
        return False


def _codes(name: str, labels: ArrayLike, known: NDArray[Any]) -> IntArray:
    labels = np.asarray(labels)
    unknown = labels[~np.isin(labels, known)]
    if len(unknown):
        raise ValueError(
            f"`{name}` has the label {unknown.tolist()[0]!r}, but the teacher is fitted on rows "
            f"with the labels {known[:10].tolist()}: give labels as in y, and leave rows of other "
            "classes out."
        )
    return np.searchsorted(known, labels)
