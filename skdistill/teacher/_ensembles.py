"""Members of a teacher that is an ensemble, in bags."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skdistill._utils._compat import num_samples
from skdistill._utils.types import Estimator, FloatArray, IntArray, Table
from skdistill.teacher._checks import kind_of

FORESTS = (RandomForestClassifier, ExtraTreesClassifier)
ENSEMBLES = (*FORESTS, BaggingClassifier, VotingClassifier)


def ensemble_in(teacher: Estimator) -> Estimator | None:
    """The ensemble that a teacher is, or ends with, fitted or not; None if there is none."""
    if isinstance(teacher, FrozenEstimator):
        return ensemble_in(teacher.estimator)
    if isinstance(teacher, Pipeline):
        return ensemble_in(teacher[-1])
    return teacher if isinstance(teacher, ENSEMBLES) else None


def n_members_of(ensemble: Estimator) -> int:
    """How many members an ensemble has, or will have once it is fitted."""
    if isinstance(ensemble, VotingClassifier):
        return sum(one != "drop" for _, one in ensemble.estimators)
    return len(getattr(ensemble, "estimators_", ())) or int(ensemble.n_estimators)


def check_bags(teachers: list[tuple[str, Estimator]], n_bags: int) -> None:
    """Raise a ValueError for fewer teachers, or members of one, than bags.

    Parameters
    ----------
    teachers : list of (str, object)
        Fitted or not.
    n_bags : int
    """
    if len(teachers) > 1:
        if len(teachers) < n_bags:
            raise ValueError(
                f"{n_bags} heads need as many teachers, got {len(teachers)}: give more, or one "
                f"forest, or `n_heads={len(teachers)}`."
            )
        return
    ((name, teacher),) = teachers
    ensemble = ensemble_in(teacher)
    if ensemble is None:
        raise ValueError(
            "heads need several teachers, or one that is a forest, a bagging or a vote of "
            f"scikit-learn; got `{name}`, {kind_of(teacher)}."
        )
    _check_members(name, ensemble)
    if n_members_of(ensemble) < n_bags:
        raise ValueError(
            f"{n_bags} heads need as many members of teacher `{name}`, which has "
            f"{n_members_of(ensemble)}: give more, or fewer heads by `n_heads`."
        )


def _check_members(name: str, ensemble: Estimator) -> None:
    """Raise a ValueError for members without probabilities, or with different weights."""
    if getattr(ensemble, "weights", None) is not None:
        raise ValueError(
            f"teacher `{name}` weighs its members (`weights`), and heads count them alike: leave "
            "`weights` out, or give the members as teachers."
        )
    base = ensemble.estimator if isinstance(ensemble, BaggingClassifier) else None
    if base is not None and not hasattr(base, "predict_proba"):
        raise ValueError(
            f"the members of teacher `{name}` ({type(base).__name__}) have no `predict_proba`, "
            "which heads learn: give members that have it."
        )


def label_by_bags(
    teacher: Estimator, columns: IntArray, n_classes: int, X: Table, n_bags: int
) -> FloatArray:
    """Mean probabilities of the members of an ensemble, in bags: members 0, n_bags, ... first.

    Parameters
    ----------
    teacher : estimator
        A fitted ensemble, frozen or at the end of a Pipeline perhaps.
    columns : ndarray of int
        The position in the result of each of its columns.
    n_classes : int
    X : array-like or DataFrame of shape (n_samples, n_features)
    n_bags : int

    Returns
    -------
    ndarray of shape (n_samples, n_bags, n_classes)
    """
    ensemble, X = _unwrapped(teacher, X)
    result = np.zeros((num_samples(X), n_bags, n_classes))
    members = ensemble.estimators_
    inputs = _inputs_of(ensemble, X)
    for place, member in enumerate(members):
        seen = inputs
        if isinstance(ensemble, BaggingClassifier):
            seen = inputs[:, ensemble.estimators_features_[place]]
        own = columns[np.asarray(member.classes_).astype(int)]  # members know codes
        bag = place % n_bags
        result[:, bag, own] += member.predict_proba(seen) / len(members[bag::n_bags])
    return result


def _inputs_of(ensemble: Estimator, X: Table) -> Any:
    """X as the members get it."""
    if isinstance(ensemble, VotingClassifier):
        return X
    rows = X.tocsr() if issparse(X) else np.asarray(X)
    return rows.astype(np.float32) if isinstance(ensemble, FORESTS) else rows


def _unwrapped(teacher: Any, X: Table) -> tuple[Any, Table]:
    """The ensemble itself, and its input."""
    if isinstance(teacher, FrozenEstimator):
        return _unwrapped(teacher.estimator, X)
    if isinstance(teacher, Pipeline):
        return _unwrapped(teacher[-1], teacher[:-1].transform(X) if len(teacher) > 1 else X)
    return teacher, X
