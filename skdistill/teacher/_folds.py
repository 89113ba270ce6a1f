"""Folds for out-of-fold labels; rows of one group stay together."""

import warnings
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, PredefinedSplit, StratifiedGroupKFold, check_cv

from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, IntArray, NDArray, Split, Table

# scikit-learn's meaning of `cv=None`.
DEFAULT_FOLDS = 5


def check_groups(groups: Iterable[Any] | None, X: Table) -> NDArray[Any] | None:
    """Return the groups of the rows as an array that can be sorted; None stays None.

    Parameters
    ----------
    groups : array-like of shape (n_samples,) or None
        Labels of any hashable type.
    X : array-like or DataFrame of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples,) or None
        The labels or, if they cannot be sorted, numbers instead.

    Raises
    ------
    ValueError
        If there is not one group for each row.
    """
    if groups is None:
        return None
    if isinstance(groups, str):
        raise ValueError(
            f"`groups` must be an array, got {groups!r}: give the column, X[{groups!r}]."
        )
    shape = getattr(groups, "shape", None)
    if shape is not None and len(shape) != 1:
        raise ValueError(
            f"`groups` must have shape (n_samples,), got {tuple(shape)}: give one column."
        )
    try:  # NumPy would make a table of a list of tuples
        values = np.asarray(groups if hasattr(groups, "__array__") else pd.Series(list(groups)))
        codes = pd.factorize(values)[0]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`groups` must hold a hashable label for each row of X: {error}."
        ) from error
    if len(codes) != num_samples(X):
        raise ValueError(
            f"`groups` and X have inconsistent numbers of samples: {len(codes)} groups, "
            f"{num_samples(X)} rows."
        )
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise ValueError(
            f"`groups` has {len(missing)} missing values, the first in row {missing[0]}: a row "
            "that belongs to no other needs a group of its own."
        )
    try:
        np.unique(values)
    except TypeError:
        return np.asarray(codes)
    return values


def find_splits(
    cv: Any,
    X: Table,
    y: ArrayLike,
    groups: NDArray[Any] | None = None,
    has_classes: bool = True,
) -> list[Split]:
    """Return the rows to train on and to test on of each split, as index arrays.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        With groups, an int stands for StratifiedGroupKFold.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    groups : ndarray of shape (n_samples,), default=None
        As :func:`check_groups` returns them.
    has_classes : bool, default=True
        Whether y holds labels of classes: an int as `cv` is then stratified.

    Returns
    -------
    list of (ndarray, ndarray)

    Raises
    ------
    ValueError
        If a group has rows on both sides of a split.
    """
    y = np.asarray(y)
    if groups is not None and (cv is None or isinstance(cv, Integral)):
        cv = _group_folds(DEFAULT_FOLDS if cv is None else int(cv), groups, has_classes)
    check_pairs(cv)
    splits = split_by(check_cv(cv, y, classifier=has_classes), X, y, groups)
    for train, test in splits:
        check_apart(train, test, groups)
    return splits


def find_partition(
    cv: Any,
    X: Table,
    y: ArrayLike,
    groups: NDArray[Any] | None = None,
    has_classes: bool = True,
) -> list[Split]:
    """Return folds whose test parts cover every row exactly once; see :func:`find_splits`.

    Raises
    ------
    ValueError
        If the folds are not a partition, or a group has rows on both sides of a fold.
    """
    folds = find_splits(cv, X, y, groups, has_classes)
    tested = np.concatenate([test for _, test in folds]) if folds else np.empty(0)
    if not np.array_equal(np.sort(tested), np.arange(num_samples(y))):
        raise ValueError(
            "`cv` must put every row into exactly one test fold, as KFold does: "
            f"{_name_of(cv)} does not. (`validation_fraction` of DistilledClassifier takes "
            "any splitter, to hold rows out.)"
        )
    return folds


def _name_of(cv: Any) -> str:
    return type(cv).__name__ if hasattr(cv, "split") else "a list of splits"


def check_pairs(cv: object) -> None:
    """Raise a ValueError for a list of splits that are not pairs."""
    for split in cv if isinstance(cv, (list, tuple)) else []:
        parts = split if hasattr(split, "__len__") else []
        if len(parts) != 2 or not all(hasattr(part, "__len__") for part in parts):
            raise ValueError("each split must be a pair: give a list of pairs, [(train, test)].")


def split_by(cv: Any, X: Table, y: ArrayLike | None, groups: NDArray[Any] | None) -> list[Split]:
    """The splits of a splitter as a list of (ndarray, ndarray) of row numbers.

    Raises
    ------
    ValueError
        If they are for another number of rows than X has.
    """
    n_rows = num_samples(X)
    if isinstance(cv, PredefinedSplit):  # it needs no rows
        _check_length("its `test_fold`", len(cv.test_fold), n_rows)
    with warnings.catch_warnings():
        # The resulting splits are checked.
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        splits = list(cv.split(X, y, groups))
    return [(_numbers(train, n_rows), _numbers(test, n_rows)) for train, test in splits]


def check_apart(train: IntArray, test: IntArray, groups: NDArray[Any] | None) -> None:
    """Raise a ValueError if a group has rows in both parts of a split."""
    if groups is None:
        return
    shared = np.intersect1d(groups[train], groups[test])
    if len(shared):
        raise ValueError(
            f"{len(shared)} groups have rows in the training and in the test part of a split, the "
            f"first {shared[0]!r}: use a splitter that keeps groups together, such as GroupKFold, "
            "StratifiedGroupKFold or GroupShuffleSplit, or leave `groups` out."
        )


def _group_folds(n_folds: int, groups: NDArray[Any], has_classes: bool) -> Any:
    n_groups = len(np.unique(groups))
    if n_groups < n_folds:
        raise ValueError(
            f"{n_folds} folds need as many groups, but `groups` has {n_groups}: use fewer folds, "
            "or `cv=None`."
        )
    return StratifiedGroupKFold(n_folds) if has_classes else GroupKFold(n_folds)


def _numbers(rows: ArrayLike, n_rows: int) -> IntArray:
    """Row numbers, also from a mask."""
    rows = np.asarray(rows)
    if rows.dtype != bool:
        return rows
    _check_length("a mask", len(rows), n_rows)
    return np.flatnonzero(rows)


def _check_length(what: str, length: int, n_rows: int) -> None:
    if length != n_rows:
        raise ValueError(
            f"{what} must have a value for each of the {n_rows} rows of X, got {length}."
        )
