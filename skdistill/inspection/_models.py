"""The models that a report compares, and their answers on the rows given."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdistill._base import BaseDistiller
from skdistill._fit.checks import check_known, check_prior, check_soft_targets
from skdistill._utils._compat import is_fitted, num_samples
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill._utils.warn import warn
from skdistill.serving import Scorer
from skdistill.table import without_counts
from skdistill.targets import LEAST_SHARE
from skdistill.task import check_labels, check_numbers
from skdistill.teacher import adapt_numbers, quantile_function

TEACHER, CONTROL, STUDENT, COMPILED = "teacher", "control", "student", "compiled teacher"
EXPORTED, PREVIOUS = "exported student", "previous student"


class Model(NamedTuple):
    """A model, with the rows that it is asked about.

    Attributes
    ----------
    estimator : object with predict_proba or predict, or callable
    rows : array-like or DataFrame of shape (n_samples, n_features)
    argument : str
        Where it was given, for the error messages.
    ask : callable
        What answers rows.
    """

    estimator: Estimator
    rows: Table
    argument: str
    ask: Callable[[Table], ArrayLike]


def asker(model: Any, student: BaseDistiller) -> Callable[[Table], ArrayLike]:
    """What answers rows as the student does; the model itself where it has no such method."""
    levels = getattr(student, "quantiles_", None)
    if levels is not None:
        quantiles = quantile_function(model)
        if quantiles is not None:
            return lambda X: quantiles(X, levels)
    own = model if is_classifier(student) else adapt_numbers(model)
    return getattr(own, method_of(student), model)


def method_of(student: BaseDistiller) -> str:
    """The method that a model to compare with must have."""
    return "predict_proba" if is_classifier(student) else "predict"


def find_models(
    clf: BaseDistiller,
    steps: Pipeline | None,
    X: Table,
    control: Estimator | str | None,
    X_train: Table | None = None,
    y_train: ArrayLike | None = None,
    groups_train: ArrayLike | None = None,
    weight_train: ArrayLike | None = None,
    compiled_teacher: Estimator | None = None,
    previous: Estimator | None = None,
    exported: Scorer | None = None,
) -> dict[str, Model]:
    """Everything that is compared on X; what is not there is left out.

    Parameters
    ----------
    clf : BaseDistiller
    steps : Pipeline or None
        What comes before it.
    X : array-like or DataFrame of shape (n_samples, n_features)
    control, X_train, y_train, groups_train, weight_train
        As :func:`find_control` takes them.
    compiled_teacher : object with predict_proba or predict, or callable, default=None
    previous : BaseDistiller, Pipeline that ends in one, or None, default=None
    exported : Scorer, default=None

    Returns
    -------
    dict of str to Model
    """
    old, old_rows = _find_previous(previous, clf, X)
    train = X_train, y_train, groups_train, weight_train
    control, is_ours = find_control(control, clf, steps, *train)
    seen = transformed(steps, X)
    given = {
        TEACHER: (clf.teacher_, seen, "teacher_"),
        CONTROL: (control, seen if is_ours else X, "control"),
        STUDENT: (clf, seen, "estimator"),
        EXPORTED: (exported, seen, "exported"),
        COMPILED: (compiled_teacher, seen, "compiled_teacher"),
        PREVIOUS: (old, old_rows, "previous"),
    }
    return {
        name: Model(model, rows, argument, asker(model, clf))
        for name, (model, rows, argument) in given.items()
        if model is not None
    }


def _find_previous(
    previous: Estimator | None, clf: BaseDistiller, X: Table
) -> tuple[BaseDistiller | None, Table]:
    """An older student of the same kind, and the rows as it takes them."""
    if previous is None:
        return None, None
    old, steps = subject_of(previous, "previous")
    if is_classifier(old) != is_classifier(clf):
        raise TypeError(
            f"`previous` is a {type(old).__name__}, but `estimator` a {type(clf).__name__}: give a "
            "student of the same kind."
        )
    return old, transformed(steps, X)


def subject_of(
    estimator: Estimator, argument: str = "estimator"
) -> tuple[BaseDistiller, Pipeline | None]:
    """The fitted distiller, and the steps before it.

    Parameters
    ----------
    estimator : BaseDistiller or Pipeline
    argument : str, default="estimator"
        Where it was given, for the error message.

    Returns
    -------
    clf : BaseDistiller
    steps : Pipeline or None
        What comes before it.
    """
    clf, steps = estimator, None
    if isinstance(estimator, Pipeline):
        clf = estimator.steps[-1][1]
        steps = estimator[:-1] if len(estimator.steps) > 1 else None
    if not isinstance(clf, BaseDistiller):
        raise TypeError(
            f"`{argument}` must be a fitted DistilledClassifier or DistilledRegressor, or a "
            f"Pipeline that ends in one, got {type(clf).__name__}: of a search give "
            "`search.best_estimator_`."
        )
    check_is_fitted(clf)
    return clf, steps


def transformed(steps: Pipeline | None, X: Table) -> Table:
    """X as the last step of the Pipeline gets it."""
    return X if steps is None else steps.transform(X)


def find_control(
    control: Estimator | str | None,
    clf: BaseDistiller,
    steps: Pipeline | None,
    X_train: Table | None,
    y_train: ArrayLike | None,
    groups_train: ArrayLike | None = None,
    weight_train: ArrayLike | None = None,
) -> tuple[Estimator | None, bool]:
    """The control and what it is asked on: a model, and whether it takes transformed rows.

    Parameters
    ----------
    control : None, "fit" or estimator
    clf : BaseDistiller
    steps : Pipeline or None
    X_train, y_train : array-like or None
        Of the control, if it is to be fitted.
    groups_train, weight_train : array-like or None, default=None

    Returns
    -------
    model : object or None
    takes_transformed : bool
    """
    is_fit = isinstance(control, str)
    if is_fit and control != "fit":
        raise ValueError(f"`control` must be None, 'fit' or a fitted model, got {control!r}.")
    if [X_train is not None, y_train is not None] != [is_fit, is_fit]:
        raise ValueError(
            "`control='fit'` trains a control on `X_train` and `y_train`: give all three, or none "
            "of them; nothing is trained without being asked for."
        )
    if X_train is not None and y_train is not None:
        if hasattr(clf, "refresh_"):
            warn(
                "the student was refreshed: a fair control learns from the rows of the fit and of "
                "the refresh. Give both as `X_train` and `y_train`."
            )
        if _is_control(clf):
            return clf, True
        more = {"groups": groups_train, "sample_weight": weight_train}
        return fit_control(clf, transformed(steps, X_train), y_train, **more), True
    for name, given in (("groups_train", groups_train), ("sample_weight_train", weight_train)):
        if given is not None:
            raise ValueError(
                f"`{name}` are those of `X_train`: give `control='fit'`, or leave them out."
            )
    if control is None:
        return None, False
    if isinstance(control, type) or not hasattr(control, method_of(clf)):
        kind = "classifier" if is_classifier(clf) else "regressor"
        raise TypeError(
            f"`control` must have {method_of(clf)}, got {control!r}: give a fitted {kind}."
        )
    if hasattr(control, "fit") and not is_fitted(control):
        raise ValueError(
            f"`control` is not fitted: fit {type(control).__name__} on the student's training "
            "rows, or give control='fit' with `X_train` and `y_train`."
        )
    return control, False


def _is_control(clf: BaseDistiller) -> bool:
    """Whether the student follows the labels alone already, so that it is its own control."""
    return clf.alpha_ == 1 and not clf.objectives


def fit_control(
    clf: BaseDistiller,
    X: Table,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> BaseDistiller:
    """Train the student of `clf` on the labels alone: no teacher, transfer rows or `objectives`.

    Parameters
    ----------
    clf : BaseDistiller
        Left as it is.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    groups, sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    BaseDistiller
    """
    more = {"groups": groups, "sample_weight": sample_weight}
    without = ["teacher", "teacher_weights", "objectives", "transfer", "cv"]
    if not is_classifier(clf):
        without.append("label_tolerance")
    control = clf._unfitted_plain().set_params(alpha=1.0, **dict.fromkeys(without))
    if not is_classifier(clf):
        numbers = check_numbers(y, X, "y_train")
        # The numbers themselves stand where the teacher's were; one for each quantile.
        n_levels = len(getattr(clf, "quantiles_", [0.5]))
        told = numbers if n_levels == 1 else np.tile(numbers[:, None], n_levels)
        return control.fit(X, numbers, soft_targets=told, **more)
    labels = check_labels(y, X, "y_train")
    check_known(labels, clf.classes_, "y_train")
    control.set_params(class_prior=_prior_of_control(clf, labels))
    # One-hot labels stand where the teacher's answers were: nobody is asked for any. Their columns
    # name the classes, as the teacher may know some that y lacks.
    one_hot = pd.DataFrame(
        (labels[:, None] == clf.classes_) * 1.0,
        index=X.index if isinstance(X, pd.DataFrame) else None,
        columns=clf.classes_.tolist(),
    )
    return control.fit(X, labels, soft_targets=one_hot, **more)


def _prior_of_control(clf: BaseDistiller, labels: np.ndarray) -> FloatArray | None:
    """`class_prior` without the classes that no label is of.

    Only a teacher can tell those: moved towards its prior, such a class would win everywhere.
    """
    prior = check_prior(clf.class_prior, clf.classes_)
    if prior is None:
        return None
    return np.where(np.isin(clf.classes_, labels), prior, LEAST_SHARE * prior.sum())


def probabilities(model: Any, X: Table, classes: np.ndarray, name: str) -> FloatArray:
    """Probabilities of a model, their columns in the order of `classes`.

    Parameters
    ----------
    model : object with predict_proba, or callable
        Without ``classes_``, its columns are taken to be in order already.
    X : array-like or DataFrame of shape (n_samples, n_features)
    classes : ndarray of shape (n_classes,)
    name : str
        Of the argument that gave the model, for the error messages.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        float64. A class that the model does not know gets 0.
    """
    answer, n_rows = getattr(model, "predict_proba", model)(X), num_samples(X)
    own, what = getattr(model, "classes_", None), f"predict_proba of {name}"
    if own is None:
        return check_soft_targets(answer, classes, n_rows, what)
    own = np.asarray(own)
    unknown = np.setdiff1d(own, classes)
    if len(unknown):
        raise ValueError(
            f"`{name}` knows classes {unknown[:10].tolist()} that the student does not: "
            f"{classes[:10].tolist()}. Give a model of the same classes."
        )
    aligned = np.zeros((n_rows, len(classes)))
    p = check_soft_targets(without_counts(answer, own, what), own, n_rows, what)
    aligned[:, np.searchsorted(classes, own)] = p
    return aligned


def check_compiled(compiled_teacher: Estimator | None, student: BaseDistiller) -> None:
    """Raise a TypeError unless the compiled teacher, if there is one, can be asked."""
    method = method_of(student)
    if compiled_teacher is None:
        return
    if isinstance(compiled_teacher, (type, str)) or not (
        callable(compiled_teacher) or hasattr(compiled_teacher, method)
    ):
        raise TypeError(
            f"`compiled_teacher` must have {method}, or be a function of X that returns the same, "
            f"got {compiled_teacher!r}."
        )
