"""New rows of a refresh: checked, and divided."""

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import check_random_state, indexable

from skdistill._fit.holdout import rows_to_hold_out
from skdistill._fit.weights import class_weights, combine_weights, counting_weights
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, IntArray, Table
from skdistill.table import check_container
from skdistill.teacher import check_groups


@dataclass(frozen=True)
class NewRows:
    """Rows of a refresh.

    Attributes
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, ...) or None
    sample_weight : ndarray of shape (n_samples,) or None
    class_weighted : ndarray of shape (n_samples,) or None
        The same times the weight of each row's class.
    groups : ndarray of shape (n_samples,) or None
    """

    X: Table
    y: np.ndarray | None
    sample_weight: FloatArray | None
    class_weighted: FloatArray | None
    groups: np.ndarray | None

    def take(self, rows: IntArray) -> "NewRows":
        """Some of the rows."""
        names = ("y", "sample_weight", "class_weighted", "groups")
        given = {name: getattr(self, name) for name in names}
        parts = {name: None if one is None else one[rows] for name, one in given.items()}
        return replace(self, X=safe_indexing(self.X, rows), **parts)


def check_rows(
    estimator: Estimator, X: Table, y: Any, sample_weight: ArrayLike | None, groups: Any
) -> NewRows:
    """Check new rows, as far as this is possible without training.

    Parameters
    ----------
    estimator : BaseDistiller
        Fitted.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like or None
    sample_weight, groups : array-like of shape (n_samples,) or None

    Returns
    -------
    NewRows

    Raises
    ------
    ValueError, TypeError
        If they are not valid, or the estimator has no teacher to label them.
    """
    if estimator.teacher_ is None:
        raise ValueError(
            "`refresh` asks the fitted teacher about the new rows, but `teacher_` is None: the "
            "student was fitted on `soft_targets`, or comes of `without_teacher()`. Refresh the "
            "estimator that still holds its teacher, or `fit` again."
        )
    if isinstance(estimator.validation_fraction, (list, tuple)):
        raise ValueError(
            "`validation_fraction` is a list of splits, which are of other rows than those of "
            "`refresh`: `fit` with a number, a splitter or 'auto' to refresh later."
        )
    check_container(X)
    estimator._as_in_the_fit()._check_X(X)
    (X,) = indexable(X)
    kind = estimator._kind
    y = kind.check_target(y, X)
    kind.check_known(estimator._task, y, "y")
    weight = counting_weights(sample_weight, X)
    by_class = None if y is None else class_weights(estimator.class_weight, y, weight)
    weighted = combine_weights(weight, by_class, y)
    return NewRows(X, y, weight, weighted, check_groups(groups, X))


def split_rows(estimator: Estimator, rows: NewRows, test_size: float) -> tuple[NewRows, NewRows]:
    """The rows to train on, and those on which both students are compared.

    Parameters
    ----------
    estimator : BaseDistiller
    rows : NewRows
    test_size : float

    Returns
    -------
    train, test : NewRows

    Raises
    ------
    ValueError
        If `test_size` is not in (0, 1), or leaves one side without a row.
    """
    if isinstance(test_size, bool) or not isinstance(test_size, Real) or not 0 < test_size < 1:
        raise ValueError(f"`test_size` must be a number in (0, 1), got {test_size!r}.")
    n_rows, task = num_samples(rows.X), estimator._task
    used = np.arange(n_rows)
    if rows.class_weighted is not None:
        used = np.flatnonzero(rows.class_weighted)
    seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
    if rows.groups is None:
        labels = task.unlabelled(n_rows) if rows.y is None else task.encode(rows.y)
        test = used[rows_to_hold_out(task.strata(labels)[used], float(test_size), seed)]
        train = np.setdiff1d(np.arange(n_rows), test)
    else:
        train, test = _apart_by_group(rows.groups, used, float(test_size), seed)
    if not len(test) or not len(np.intersect1d(train, used)):
        what = "row" if rows.groups is None else "group"
        raise ValueError(
            f"`test_size={test_size}` of {len(used)} new row(s) leaves no {what} to compare the "
            "students on, or none to train on: give more rows."
        )
    return rows.take(train), rows.take(test)


def _apart_by_group(
    groups: np.ndarray, used: IntArray, test_size: float, seed: int
) -> tuple[IntArray, IntArray]:
    """Whole groups to train on, and others to compare on; a single group has no others."""
    if len(np.unique(groups[used])) < 2:
        return np.arange(len(groups)), used[:0]
    splitter = GroupShuffleSplit(1, test_size=test_size, random_state=seed)
    _, test = next(splitter.split(used, groups=groups[used]))
    return np.flatnonzero(~np.isin(groups, groups[used[test]])), used[test]
