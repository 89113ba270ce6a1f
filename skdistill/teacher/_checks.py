"""Checks of the user's teachers, before anything is fitted."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, get_tags, indexable
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from skdistill._utils._compat import Interval, StrOptions, is_fitted, num_samples
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, IntArray, NDArray, Table
from skdistill._utils.warn import warn
from skdistill.serving import Scorer
from skdistill.table import check_container, check_single, is_frame, labels_of_names, names_of
from skdistill.teacher._adapters import BY_FUNCTION, adapt
from skdistill.teacher._answers import ask, own_classes
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._libraries import is_known_model
from skdistill.teacher._row_weights import RowWeights
from skdistill.teacher._torch import TorchTeacher

# Valid values of `floor`.
FLOOR = [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="left")]


def is_frozen(part: Estimator) -> bool:
    """Whether a teacher is used as it is: FrozenEstimator, Scorer, no ``fit``, or a known model."""
    is_fitted = isinstance(part, (FrozenEstimator, Scorer)) or not hasattr(part, "fit")
    return is_fitted or is_known_model(part)


def unfrozen(parts: list[tuple[str, Estimator]]) -> list[tuple[str, Estimator]]:
    """The teachers, as (name, object), that are fitted and not used as they are."""
    return [(name, part) for name, part in parts if not is_frozen(part)]


def check_instances(parts: list[tuple[str, Estimator]], y: ArrayLike | None) -> None:
    """Raise a ValueError for no teachers, for classes instead of instances, or for a missing y."""
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


def check_refittable(jobs: Sequence[object]) -> None:
    """Raise a ValueError if no teacher can be fitted on folds."""
    if not jobs:
        raise ValueError(
            "`cv` needs a teacher that can be fitted again, but all are frozen: use `cv=None`, "
            "or give the unfitted teacher."
        )


def check_teachers(parts: list[tuple[str, Estimator]], y: ArrayLike | None) -> None:
    """Raise a ValueError for a teacher that cannot give probabilities, or that needs y."""
    check_instances(parts, y)
    for name, part in parts:
        try:
            answers = adapt(part)
        except ValueError as error:
            raise ValueError(f"teacher `{name}` ({kind_of(part)}): {error}.") from error
        if not _will_give_probabilities(answers):
            raise ValueError(
                f"teacher `{name}` ({kind_of(part)}) has no predict_proba: {_remedy_for(part)}."
            )


def warn_of_refits(parts: list[tuple[str, Estimator]]) -> None:
    """Warn of fitted teachers that are not frozen: they are cloned, and their fit is lost."""
    for name, part in parts:
        if hasattr(part, "get_params") and not is_frozen(part) and _is_fitted(part):
            warn(
                f"teacher `{name}` is fitted but not frozen, so a clone of it "
                "is fitted again. Wrap it in sklearn.frozen.FrozenEstimator to use it as it is."
            )


def tags_of(part: Estimator) -> Tags | None:
    """The tags of a teacher, or of the model frozen in it; None if it declares none."""
    inner = inner_of(part)
    has_tags = hasattr(inner, "__sklearn_tags__") and not isinstance(inner, type)
    return get_tags(inner) if has_tags else None


def pool_tags(tags: Tags, parts: list[tuple[str, Estimator]]) -> Tags:
    """The tags of a pool: what all of its teachers take."""
    own = _declared(parts)
    for name, takes in taken_by_all(parts).items():
        setattr(tags.input_tags, name, takes)
    tags.input_tags.positive_only = any(one.input_tags.positive_only for one in own)
    kinds = ("classifier_tags", "regressor_tags")
    for kind in (kind for kind in kinds if getattr(tags, kind) is not None):
        of_kind = [getattr(one, kind) for one in own if getattr(one, kind) is not None]
        getattr(tags, kind).poor_score = any(one.poor_score for one in of_kind)
        if kind == "classifier_tags":
            tags.classifier_tags.multi_class = all(one.multi_class for one in of_kind)
    tags.target_tags.multi_output = tells_several(parts) and tags.regressor_tags is not None
    tags.non_deterministic = any(one.non_deterministic for one in own)
    tags.target_tags.required = bool(unfrozen(parts))
    return tags


def taken_by_all(parts: list[tuple[str, Estimator]]) -> dict[str, bool]:
    """Whether all of some teachers take an input, by the name of its tag."""
    # An object without tags is assumed to take anything.
    names = ("allow_nan", "categorical", "sparse", "string")
    own = _declared(parts)
    return {name: all(getattr(one.input_tags, name) for one in own) for name in names}


def tells_several(parts: list[tuple[str, Estimator]]) -> bool:
    """Whether all teachers, as far as they declare it, take several targets."""
    return all(one.target_tags.multi_output for one in _declared(parts))


def _declared(parts: list[tuple[str, Estimator]]) -> list[Tags]:
    """The tags of the teachers that declare some."""
    return [own for own in (tags_of(part) for _, part in parts) if own is not None]


def _is_fitted(part: Estimator) -> bool:
    try:
        check_is_fitted(part)
    except (NotFittedError, TypeError):
        return False
    return True


def kind_of(part: Estimator) -> str:
    """The class of a teacher, or of the model frozen in it."""
    return type(inner_of(part)).__name__


def inner_of(part: Estimator) -> Estimator:
    """The frozen model, at any depth, or the teacher itself."""
    while isinstance(part, FrozenEstimator):
        part = part.estimator
    return part


def _remedy_for(part: Estimator) -> str:
    inner = inner_of(part)
    if isinstance(inner, VotingClassifier):
        return "set its `voting='soft'`"
    is_sklearn = hasattr(inner, "__sklearn_tags__")
    if is_sklearn and is_regressor(inner):
        return "it is a regressor: give a classifier"
    if not hasattr(inner, "predict"):
        return (
            "give an estimator, a torch module in TorchTeacher, or a function of X that gives "
            "probabilities in FittedTeacher"
        )
    if not is_sklearn:
        return BY_FUNCTION
    own = f"{type(inner).__name__}(...)"
    if is_frozen(part):
        return f"wrap it: CalibratedClassifierCV(FrozenEstimator({own})), fitted on other rows"
    return f"wrap it: CalibratedClassifierCV({own}, ensemble=False)"


def _will_give_probabilities(part: Estimator) -> bool:
    if hasattr(part, "predict_proba"):
        return True
    # An unfitted stack with the default final estimator does not know yet that it will.
    last = part[-1] if isinstance(part, Pipeline) else part
    return isinstance(last, StackingClassifier) and last.final_estimator is None


def union_of_classes(
    parts: list[tuple[str, Estimator]], y: ArrayLike | None, first_row: Table
) -> NDArray[Any]:
    """The sorted union of the labels of y and the frozen teachers' classes.

    Parameters
    ----------
    parts : list of (str, object)
    y : array-like of shape (n_samples,) or None
    first_row : array-like or DataFrame of shape (1, n_features)
        Shown to the teachers if none knows labels: their columns are 0, 1, ...

    Returns
    -------
    ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If the labels are disjoint or of different kinds.
    """
    frozen = [(name, part) for name, part in parts if is_frozen(part)]
    told = {name: own_classes(name, part) for name, part in frozen}
    known = {name: classes for name, classes in told.items() if classes is not None}
    if y is not None:
        known["y"] = np.unique(np.asarray(y))
    # The others may name their columns.
    labels = np.concatenate(list(known.values())) if known else None
    for name, part in frozen:
        classes = known.get(name)
        if classes is None:
            classes = classes_of(name, part, first_row, labels)
        if classes is not None:
            known[name] = classes
    if not known:
        return np.arange(max(_width(name, part, first_row) for name, part in parts))
    if y is not None:
        for name, part in frozen:
            if name in known and not _are_told(part):
                _check_codes(name, known[name], known["y"])
    _check_alike(known)
    return np.unique(np.concatenate(list(known.values())))


def _check_alike(known: dict[str, NDArray[Any]]) -> None:
    """Raise a ValueError for classes that are disjoint or of two kinds; it says who names them."""
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


def _check_codes(name: str, classes: NDArray[Any], labels: NDArray[Any]) -> None:
    """Raise a ValueError for a teacher that knows codes, perhaps of the labels of y."""
    is_codes = classes.dtype.kind in "iu" and np.array_equal(np.sort(classes), range(len(classes)))
    differ = not np.isin(classes, labels).all() and not np.isin(labels, classes).all()
    if is_codes and differ:
        raise ValueError(
            f"teacher `{name}` knows the codes {brief(classes)}, but y has other labels, "
            f"{brief(labels)}, and which code stands for which is not plain. Give y in the codes; "
            "or say the label of each code, as in FittedTeacher(model, classes=[...]); or give the "
            "teacher unfitted: it is then fitted here, and answers in the labels of y."
        )


def _are_told(part: Estimator) -> bool:
    """Whether the user said which labels the columns of a teacher mean."""
    inner = inner_of(part)
    return isinstance(inner, (FittedTeacher, TorchTeacher)) and inner.classes is not None


def classes_of(
    name: str, part: Estimator, first_row: Table, labels: NDArray[Any] | None
) -> NDArray[Any] | None:
    """The labels of a fitted teacher's columns.

    Parameters
    ----------
    name : str
    part : object
    first_row : array-like or DataFrame of shape (1, n_features)
        Shown to a teacher without ``classes_``: it may answer with columns that have names.
    labels : ndarray or None
        The labels known besides; the names may be their texts.

    Returns
    -------
    ndarray of shape (n_columns,) or None
        None if it does not say.
    """
    classes = own_classes(name, part)
    if classes is not None:
        return classes
    answer = ask(name, part, first_row)
    if not is_frame(answer):
        return None
    return labels_of_names(names_of(answer), labels, f"`predict_proba` of teacher `{name}`")


def _width(name: str, part: Estimator, first_row: Table) -> int:
    """The number of columns of a teacher that does not say its classes."""
    answer, what = ask(name, part, first_row), f"`predict_proba` of teacher `{name}`"
    check_single(answer, what)
    shape = np.shape(answer)
    if len(shape) != 2:
        raise ValueError(f"{what} must have shape (n_samples, n_classes), got {shape} for one row.")
    return shape[1]


def check_pool_weights(
    weights: ArrayLike | RowWeights | None, n_teachers: int
) -> FloatArray | RowWeights:
    """Return the weights of the teachers, ones for None and for RowWeights to be fitted."""
    if isinstance(weights, RowWeights):
        weights.check_parameters()
        return weights if is_fitted(weights) else np.ones(n_teachers)
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
            f"not all 0, or be RowWeights(), or 'auto' in DistilledClassifier, got {weights!r}."
        )
    return checked


def check_columns(pool: Estimator, X: Table, reset: bool = False) -> Table:
    """Return X as a table whose rows can be selected, with its columns checked."""
    check_container(X)
    (X,) = indexable(X)
    if not num_samples(X):
        raise ValueError("Found array with 0 sample(s) in X while a minimum of 1 is required.")
    # A list of texts has no columns; for a single row the teachers raise their own error.
    has_columns = hasattr(pool, "n_features_in_") and getattr(X, "ndim", 2) > 1
    if reset or has_columns:
        validate_data(pool, X, reset=reset, skip_check_array=True)
    return X


def check_known_labels(y: ArrayLike, X: Table, classes: NDArray[Any]) -> IntArray:
    """Return the position in `classes` of the label of each row of X."""
    labels = column_or_1d(y)
    check_consistent_length(X, labels)
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(
            f"`y` has labels {unknown[:10].tolist()} that are not in classes_ "
            f"{classes[:10].tolist()}: leave those rows out."
        )
    return np.searchsorted(classes, labels)


def brief(values: Sequence[Any] | NDArray[Any]) -> str:
    """The first few labels, for a message."""
    shown = [str(v) for v in values[:5]]
    return "[" + ", ".join(shown) + (", ...]" if len(values) > 5 else "]")
