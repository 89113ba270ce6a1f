"""The rows that a fit holds out, and the folds in which it labels the others."""

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import check_cv, train_test_split

from skdistill._utils._compat import num_samples
from skdistill._utils.types import FloatArray, IntArray, RandomState, Split, Table
from skdistill._utils.warn import UnevenGroups, give
from skdistill.teacher import check_apart, check_pairs, find_partition, split_by

if TYPE_CHECKING:
    from skdistill._fit.inputs import Inputs

# Least share of the rows that validation_fraction="auto" holds out.
SHARE = 0.1


def find_folds(
    cv: Any,
    X: Table,
    y: np.ndarray | None,
    groups: np.ndarray | None = None,
    has_classes: bool = True,
) -> list[Split]:
    """Return the folds of `cv` as index arrays, checked; there are labels to stratify by."""
    assert y is not None
    try:
        return find_partition(cv, X, y, groups, has_classes)
    except ValueError as error:
        raise ValueError(f"`cv={shown(cv)}`: {error}{_lacks_groups(cv, groups)}") from error


def shown(value: Any) -> str:
    """A splitter or a number, for a message; for a list of splits only its type."""
    return "[...]" if isinstance(value, (list, tuple)) else " ".join(repr(value).split())


def is_splitter(value: Any) -> bool:
    """Whether `validation_fraction` is no number: a splitter, or a list of splits."""
    return isinstance(value, (list, tuple)) or (
        hasattr(value, "split") and not isinstance(value, str)
    )


def check_splitter(value: Any) -> None:
    """Raise a ValueError for an object with a method ``split`` that is not a splitter."""
    if isinstance(value, (str, bytes, type)) and value != "auto":
        raise ValueError(
            "`validation_fraction` must be a number in (0, 1), 'auto', a splitter such as "
            f"TimeSeriesSplit(), or a list of (train, test), got {value!r}."
        )


def last_split(splitter: Any, X: Table, y: np.ndarray | None, groups: np.ndarray | None) -> Split:
    """The last split of what is given as `validation_fraction`, checked.

    Parameters
    ----------
    splitter : splitter or list of (train, test)
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or None
    groups : ndarray of shape (n_samples,) or None

    Returns
    -------
    train, test : ndarray of int

    Raises
    ------
    ValueError
        If there is no split, or its two parts are not sound.
    """
    n_rows = num_samples(X)
    try:
        check_pairs(splitter)
        splits = split_by(check_cv(splitter), X, y, groups)
        if not splits:
            raise ValueError("it gives no split.")
        train, test = (_check_part(part, n_rows) for part in splits[-1])
        shared = np.intersect1d(train, test)
        if len(shared):
            raise ValueError(
                f"{len(shared)} rows are in both parts of its last split, the first is row "
                f"{shared[0]}: the rows held out must be others than those trained on."
            )
        check_apart(train, test, groups)
    except (TypeError, ValueError) as error:
        hint = _lacks_groups(splitter, groups)
        raise ValueError(f"`validation_fraction={shown(splitter)}`: {error}{hint}") from error
    return train, test


def _lacks_groups(splitter: Any, groups: np.ndarray | None) -> str:
    """The remedy if a splitter by groups got no groups, or an empty string."""
    if groups is not None or not hasattr(splitter, "get_metadata_routing"):
        return ""
    asks = splitter.get_metadata_routing().consumes("split", ["groups"])
    return " (It splits by groups: give `groups` to `fit`.)" if asks else ""


def _check_part(rows: np.ndarray, n_rows: int) -> IntArray:
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows):
        raise ValueError(
            "each part of its last split must hold row numbers, and one at least, got "
            f"{rows.tolist()[:5]}."
        )
    if rows.min() < 0 or rows.max() >= n_rows:
        raise ValueError(
            f"row numbers must be from 0 to {n_rows - 1}, got {rows.min()} to {rows.max()}."
        )
    return np.unique(rows)


def rows_apart(given: "Inputs", fraction: float, seed: int | None) -> Split:
    """Choose the rows to train on, and those to hold out.

    Parameters
    ----------
    given : Inputs
    fraction : float
        Share of the rows held out, where `given` has no split.
    seed : int or None

    Returns
    -------
    train, test : ndarray of int
        Without rows of weight 0 in `test`, which may be empty.
    """
    used = np.flatnonzero(given.weights)
    if given.split is not None:
        train, test = given.split
        return train, np.intersect1d(test, used)
    everything = np.arange(num_samples(given.X))
    if given.groups is None:
        test = used[rows_to_hold_out(given.strata[used], fraction, seed)]
        return np.setdiff1d(everything, test), test
    groups = given.groups
    test = used[groups_to_hold_out(given.strata[used], groups[used], fraction, seed)]
    return everything[~np.isin(groups, groups[test])], test


def rows_to_hold_out(labels: IntArray, fraction: float, seed: RandomState) -> IntArray:
    """Choose rows for validation; every class keeps a row for training.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
    fraction : float
        Share of the rows.
    seed : int, RandomState instance or None

    Returns
    -------
    ndarray of int
        In ascending order.
    """
    _, code, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[code] > 1)  # a lone row stays
    smaller_part = min(fraction, 1 - fraction) * len(rows)
    if not round(smaller_part):
        return rows[:0]
    n_classes = (counts > 1).sum()
    kept, held_out = train_test_split(
        rows,
        test_size=fraction,
        random_state=seed,
        stratify=labels[rows] if smaller_part >= n_classes else None,
    )
    return np.sort(held_out[np.isin(labels[held_out], labels[kept])])


def groups_to_hold_out(
    labels: IntArray, groups: np.ndarray, fraction: float, seed: int | None
) -> IntArray:
    """Choose whole groups for validation.

    Groups are looked at in random order. One is held out where that brings the number of rows of
    each class nearer to the number wanted. Every class keeps a row, and at most half the rows are
    held out, or `fraction` if that is more.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
    groups : ndarray of shape (n_rows,)
    fraction : float
        Share of the rows.
    seed : int or None

    Returns
    -------
    ndarray of int
        The rows of these groups, in ascending order.

    Raises
    ------
    ValueError
        If no group can be spared.
    """
    counts, group_of = _class_counts(labels, groups)
    total = counts.sum(axis=0)
    wanted, most = fraction * total, max(fraction, 0.5) * len(labels)
    order = np.random.RandomState(seed).permutation(len(counts))
    held_out, chosen = np.zeros_like(total), []
    for group in order:
        more = held_out + counts[group]
        is_nearer = _distance(more, wanted) < _distance(held_out, wanted)
        if is_nearer and more.sum() <= most and (more < total).all():
            held_out = more
            chosen.append(group)
    if not chosen:  # all are much larger than the share wanted
        chosen = [_nearest(counts, order, wanted, most)]
    rows = np.flatnonzero(np.isin(group_of, chosen))
    _warn_of_share(len(rows) / len(labels), fraction)
    return rows


def _class_counts(labels: IntArray, groups: np.ndarray) -> tuple[IntArray, IntArray]:
    """Rows of each class in each group, and the number of each row's group."""
    labels, groups = (np.unique(values, return_inverse=True)[1] for values in (labels, groups))
    counts = np.zeros((groups.max() + 1, labels.max() + 1), dtype=int)
    np.add.at(counts, (groups, labels), 1)
    return counts, groups


def _distance(counts: IntArray, wanted: FloatArray) -> float:
    return np.abs(counts - wanted).sum()


def _nearest(counts: IntArray, order: IntArray, wanted: FloatArray, most: float) -> int:
    """The group nearest to the wanted numbers of rows, among those that can be spared."""
    total = counts.sum(axis=0)
    can_go = [g for g in order if counts[g].sum() <= most and (counts[g] < total).all()]
    if not can_go:
        why = "has more than half of the rows, or all rows of a class"
        if len(counts) == 1:
            why = "is the only one"
        raise ValueError(
            f"`groups`: no group can be held out for validation, as each {why}. Give `X_val` and "
            "`y_val`, set `early_stopping=False` or, if rows may be held out one by one, leave "
            "`groups` out."
        )
    return min(can_go, key=lambda group: _distance(counts[group], wanted))


def _warn_of_share(share: float, fraction: float) -> None:
    if not fraction / 2 <= share <= 2 * fraction:
        finding = (
            f"{share:.0%} of the rows are held out in place of {fraction:.0%}: groups are not "
            "split, and no set of them comes nearer."
        )
        remedy = "To choose the rows yourself, give a splitter as `validation_fraction`."
        give(UnevenGroups(finding, remedy))
