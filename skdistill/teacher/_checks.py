"""Checks of the teachers a user gives, before anything is fitted."""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import is_regressor
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdistill.scorer import Scorer


def is_frozen(part):
    """Whether a teacher is used as it is: FrozenEstimator, Scorer, TorchTeacher, or no ``fit``."""
    return isinstance(part, (FrozenEstimator, Scorer)) or not hasattr(part, "fit")


def unfrozen(parts):
    """The teachers, as (name, object), that are fitted and not used as they are."""
    return [(name, part) for name, part in parts if not is_frozen(part)]


def check_teachers(parts, y):
    """Raise a ValueError for a teacher that cannot give probabilities, or not without y."""
    if not parts:
        raise ValueError("`teacher` is an empty list: give at least one teacher.")
    unfitted = [name for name, _ in unfrozen(parts)]
    if y is None and unfitted:
        raise ValueError(
            "The teacher requires y to be passed, but the target y is None. Give y, or wrap a "
            f"fitted teacher in sklearn.frozen.FrozenEstimator; not frozen: {unfitted}."
        )
    for name, part in parts:
        if isinstance(part, type):
            raise ValueError(
                f"teacher `{name}` is the class {part.__name__}: give an instance, "
                f"{part.__name__}(...)."
            )
        if not _will_give_probabilities(part):
            raise ValueError(
                f"teacher `{name}` ({_kind_of(part)}) has no predict_proba: {_remedy_for(part)}."
            )


def warn_of_refits(parts):
    """Warn of fitted teachers that are not frozen: they are cloned, and their fit is lost."""
    for name, part in parts:
        if hasattr(part, "get_params") and not is_frozen(part) and _is_fitted(part):
            warnings.warn(
                f"DistilledClassifier: teacher `{name}` is fitted but not frozen, so a clone of it "
                "is fitted again. Wrap it in sklearn.frozen.FrozenEstimator to use it as it is."
            )


def _is_fitted(part):
    try:
        check_is_fitted(part)
    except (NotFittedError, TypeError):
        return False
    return True


def _kind_of(part):
    inner = part.estimator if isinstance(part, FrozenEstimator) else part
    return type(inner).__name__


def _remedy_for(part):
    inner = part.estimator if isinstance(part, FrozenEstimator) else part
    if isinstance(inner, VotingClassifier):
        return "set its `voting='soft'`"
    if hasattr(inner, "__sklearn_tags__") and is_regressor(inner):
        return "it is a regressor: give a classifier"
    if not hasattr(inner, "predict"):
        return "give an estimator, or a torch module in TorchTeacher"
    return "wrap it, for instance CalibratedClassifierCV(SVC(), ensemble=False)"


def _will_give_probabilities(part):
    if hasattr(part, "predict_proba"):
        return True
    # An unfitted stack with the default final estimator does not know yet that it will.
    last = part[-1] if isinstance(part, Pipeline) else part
    return isinstance(last, StackingClassifier) and last.final_estimator is None


def union_of_classes(parts, y, first_row):
    """The sorted union of the labels of y and the frozen teachers' classes.

    Parameters
    ----------
    parts : list of (str, object)
    y : array-like of shape (n_samples,) or None
    first_row : array-like or DataFrame of shape (1, n_features)
        Shown to teachers that know no labels, if nobody does: their columns are 0, 1, ...

    Returns
    -------
    ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If the labels are disjoint or of different kinds.
    """
    known = {name: classes_of(part) for name, part in parts if is_frozen(part)}
    known = {name: classes for name, classes in known.items() if classes is not None}
    if y is not None:
        known["y"] = np.unique(np.asarray(y))
    if not known:
        widths = [np.shape(part.predict_proba(first_row))[1] for _, part in parts]
        return np.arange(max(widths))
    if len({one.dtype.kind in "OUST" for one in known.values()}) > 1:
        named = " against ".join(f"{brief(one)} ({name})" for name, one in known.items())
        raise ValueError(
            f"y and the frozen teachers name the classes differently: {named}. Give y in the "
            "teacher's labels."
        )
    for name, classes in known.items():
        others = [one for other, one in known.items() if other != name]
        if others and not np.isin(classes, np.concatenate(others)).any():
            raise ValueError(
                f"`{name}` has the classes {brief(classes)}, none of which is known to "
                f"{[other for other in known if other != name]}: all must name the classes alike."
            )
    return np.unique(np.concatenate(list(known.values())))


def classes_of(part):
    """The labels of a fitted teacher's columns, None where it does not say."""
    classes = getattr(part, "classes_", None)
    return None if classes is None else np.asarray(classes)


def check_pool_weights(weights, n_teachers):
    """Return the weights of the teachers as an array, ones for None."""
    if weights is None:
        return np.ones(n_teachers)
    if isinstance(weights, str) and weights == "auto":
        raise ValueError(
            "`weights='auto'` needs labelled rows that the teachers have not seen, and a "
            "TeacherPool is given none: call `fit_weights` with such rows after `fit`, or use "
            "`teacher_weights='auto'` of DistilledClassifier."
        )
    try:
        checked = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        checked = np.array([np.nan])
    valid = checked.shape == (n_teachers,) and np.isfinite(checked).all()
    if not valid or (checked < 0).any() or not checked.sum():
        raise ValueError(
            f"`teacher_weights` must hold a number >= 0 for each of the {n_teachers} teacher(s), "
            f"not all 0, or be 'auto' in DistilledClassifier, got {weights!r}."
        )
    return checked


def check_floor(floor):
    """Raise a ValueError unless the floor is "auto" or a number in [0, 0.5)."""
    if floor != "auto" and not (isinstance(floor, Real) and 0 <= floor < 0.5):
        raise ValueError(f"`floor` must be 'auto' or a number in [0, 0.5), got {floor!r}.")


def check_partition(cv, X, y):
    """Return the folds of a splitter whose test folds cover every row exactly once."""
    folds = list(cv.split(X, y))
    tested = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(tested), np.arange(len(y))):
        raise ValueError(
            "`cv` must put every row into exactly one test fold, as KFold does: "
            f"{type(cv).__name__} does not."
        )
    return folds


def brief(values):
    """The first few labels, for a message."""
    shown = [str(v) for v in values[:5]]
    return "[" + ", ".join(shown) + (", ...]" if len(values) > 5 else "]")
