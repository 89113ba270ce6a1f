"""The models that a report compares, and their answers on the rows given."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdistill._fit.checks import check_known, check_prior, check_soft_targets
from skdistill._utils._compat import is_fitted, num_samples
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill.classifier import DistilledClassifier
from skdistill.table import without_counts
from skdistill.targets import LEAST_SHARE
from skdistill.task import check_labels

TEACHER, CONTROL, STUDENT, COMPILED = "teacher", "control", "student", "compiled teacher"


class Model(NamedTuple):
    """A model, with the rows that it is asked about.

    Attributes
    ----------
    estimator : object with predict_proba, or callable
    rows : array-like or DataFrame of shape (n_samples, n_features)
    argument : str
        Where it was given, for the error messages.
    """

    estimator: Estimator
    rows: Table
    argument: str

    def probabilities(self, classes: np.ndarray) -> FloatArray:
        """Its answers, the columns in the order of `classes`."""
        return probabilities(self.estimator, self.rows, classes, self.argument)

    @property
    def ask(self) -> Callable[[Table], ArrayLike]:
        """What answers rows."""
        return asker(self.estimator)


def asker(model: Estimator) -> Callable[[Table], ArrayLike]:
    """What answers rows: `predict_proba`, or the model itself where it has none."""
    return model.predict_proba if hasattr(model, "predict_proba") else model


def find_models(
    clf: DistilledClassifier,
    steps: Pipeline | None,
    X: Table,
    control: Estimator | str | None,
    X_train: Table | None = None,
    y_train: ArrayLike | None = None,
    groups_train: ArrayLike | None = None,
    compiled_teacher: Estimator | None = None,
) -> dict[str, Model]:
    """Everything that is compared on X; what is not there is left out.

    Parameters
    ----------
    clf : DistilledClassifier
    steps : Pipeline or None
        What comes before it.
    X : array-like or DataFrame of shape (n_samples, n_features)
    control, X_train, y_train, groups_train
        As :func:`find_control` takes them.
    compiled_teacher : object with predict_proba or callable, default=None

    Returns
    -------
    dict of str to Model
    """
    control, is_ours = find_control(control, clf, steps, X_train, y_train, groups_train)
    seen = transformed(steps, X)
    models = {
        TEACHER: Model(clf.teacher_, seen, "teacher_"),
        CONTROL: Model(control, seen if is_ours else X, "control"),
        STUDENT: Model(clf, seen, "estimator"),
        COMPILED: Model(compiled_teacher, seen, "compiled_teacher"),
    }
    return {name: model for name, model in models.items() if model.estimator is not None}


def subject_of(estimator: Estimator) -> tuple[DistilledClassifier, Pipeline | None]:
    """The fitted DistilledClassifier, and the steps before it.

    Parameters
    ----------
    estimator : DistilledClassifier or Pipeline

    Returns
    -------
    clf : DistilledClassifier
    steps : Pipeline or None
        What comes before it.
    """
    clf, steps = estimator, None
    if isinstance(estimator, Pipeline):
        clf = estimator.steps[-1][1]
        steps = estimator[:-1] if len(estimator.steps) > 1 else None
    if not isinstance(clf, DistilledClassifier):
        raise TypeError(
            "`estimator` must be a fitted DistilledClassifier, or a Pipeline that ends in one, got "
            f"{type(clf).__name__}: of a search give `search.best_estimator_`."
        )
    check_is_fitted(clf)
    return clf, steps


def transformed(steps: Pipeline | None, X: Table) -> Table:
    """X as the last step of the Pipeline gets it."""
    return X if steps is None else steps.transform(X)


def find_control(
    control: Estimator | str | None,
    clf: DistilledClassifier,
    steps: Pipeline | None,
    X_train: Table | None,
    y_train: ArrayLike | None,
    groups_train: ArrayLike | None = None,
) -> tuple[Estimator | None, bool]:
    """The control and what it is asked on: a model, and whether it takes transformed rows.

    Parameters
    ----------
    control : None, "fit" or estimator
    clf : DistilledClassifier
    steps : Pipeline or None
    X_train, y_train : array-like or None
        Of the control, if it is to be fitted.
    groups_train : array-like or None, default=None

    Returns
    -------
    model : object or None
    takes_transformed : bool
    """
    is_fit = isinstance(control, str)
    if is_fit and control != "fit":
        raise ValueError(f"`control` must be None, 'fit' or a fitted classifier, got {control!r}.")
    if [X_train is not None, y_train is not None] != [is_fit, is_fit]:
        raise ValueError(
            "`control='fit'` trains a control on `X_train` and `y_train`: give all three, or none "
            "of them; nothing is trained without being asked for."
        )
    if X_train is not None and y_train is not None:
        return fit_control(clf, transformed(steps, X_train), y_train, groups_train), True
    if groups_train is not None:
        raise ValueError(
            "`groups_train` are those of `X_train`: give `control='fit'`, or leave them out."
        )
    if control is None:
        return None, False
    if isinstance(control, type) or not hasattr(control, "predict_proba"):
        raise TypeError(f"`control` must have predict_proba, got {control!r}: give a classifier.")
    if hasattr(control, "fit") and not is_fitted(control):
        raise ValueError(
            f"`control` is not fitted: fit {type(control).__name__} on the student's training "
            "rows, or give control='fit' with `X_train` and `y_train`."
        )
    return control, False


def fit_control(
    clf: DistilledClassifier, X: Table, y: ArrayLike, groups: ArrayLike | None = None
) -> DistilledClassifier:
    """Train the student of `clf` on the labels alone: no teacher, transfer rows or `objectives`.

    Parameters
    ----------
    clf : DistilledClassifier
        Left as it is.
    X : array-like or DataFrame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    groups : array-like of shape (n_samples,), default=None

    Returns
    -------
    DistilledClassifier
    """
    labels = check_labels(y, X, "y_train")
    check_known(labels, clf.classes_, "y_train")
    without = ("teacher", "teacher_weights", "objectives", "transfer", "cv")
    control = clone(clf.without_teacher()).set_params(alpha=1.0, **dict.fromkeys(without))
    control.set_params(class_prior=_prior_of_control(clf, labels))
    # One-hot labels stand where the teacher's answers were: nobody is asked for any. Their columns
    # name the classes, as the teacher may know some that y lacks.
    one_hot = pd.DataFrame(
        (labels[:, None] == clf.classes_) * 1.0,
        index=X.index if isinstance(X, pd.DataFrame) else None,
        columns=clf.classes_.tolist(),
    )
    return control.fit(X, labels, soft_targets=one_hot, groups=groups)


def _prior_of_control(clf: DistilledClassifier, labels: np.ndarray) -> FloatArray | None:
    """`class_prior` without the classes that no label is of.

    Only a teacher can tell those: moved towards its prior, such a class would win everywhere.
    """
    prior = check_prior(clf.class_prior, clf.classes_)
    if prior is None:
        return None
    return np.where(np.isin(clf.classes_, labels), prior, LEAST_SHARE * prior.sum())


def probabilities(model: Estimator, X: Table, classes: np.ndarray, name: str) -> FloatArray:
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
    answer, n_rows = asker(model)(X), num_samples(X)
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


def check_compiled(compiled_teacher: Estimator | None) -> None:
    """Raise a TypeError unless the compiled teacher, if there is one, can be asked."""
    if compiled_teacher is None:
        return
    if isinstance(compiled_teacher, (type, str)) or not (
        callable(compiled_teacher) or hasattr(compiled_teacher, "predict_proba")
    ):
        raise TypeError(
            "`compiled_teacher` must have predict_proba, or be a function of X that returns "
            f"probabilities, got {compiled_teacher!r}."
        )
