"""The models that a report compares, and their answers on the rows given."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdistill._fit.checks import check_known, check_prior, check_soft_targets
from skdistill._utils._compat import is_fitted, num_samples
from skdistill.classifier import DistilledClassifier
from skdistill.table import without_counts
from skdistill.targets import LEAST_SHARE
from skdistill.task import check_labels


def subject_of(estimator):
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


def transformed(steps, X):
    """X as the last step of the Pipeline gets it."""
    return X if steps is None else steps.transform(X)


def find_control(control, clf, steps, X_train, y_train, groups_train=None):
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
    if is_fit != (X_train is not None and y_train is not None) or (X_train is None) != (
        y_train is None
    ):
        raise ValueError(
            "`control='fit'` trains a control on `X_train` and `y_train`: give all three, or none "
            "of them; nothing is trained without being asked for."
        )
    if is_fit:
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


def fit_control(clf, X, y, groups=None):
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


def _prior_of_control(clf, labels):
    """`class_prior` without the classes that no label is of.

    Only a teacher can tell those: moved towards its prior, such a class would win everywhere.
    """
    prior = check_prior(clf.class_prior, clf.classes_)
    if prior is None:
        return None
    return np.where(np.isin(clf.classes_, labels), prior, LEAST_SHARE * prior.sum())


def probabilities(model, X, classes, name):
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


def check_compiled(compiled_teacher):
    """Raise a TypeError unless the compiled teacher can be asked."""
    if isinstance(compiled_teacher, (type, str)) or not (
        callable(compiled_teacher) or hasattr(compiled_teacher, "predict_proba")
    ):
        raise TypeError(
            "`compiled_teacher` must have predict_proba, or be a function of X that returns "
            f"probabilities, got {compiled_teacher!r}."
        )
