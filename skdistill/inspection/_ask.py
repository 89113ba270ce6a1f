"""The models of a report asked for their answers, by what the student tells."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skdistill._fit.checks import check_known
from skdistill._fit.number_labelling import soft_numbers
from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, FloatArray, Table
from skdistill.inspection._answers import Answers, ClassAnswers
from skdistill.inspection._models import TEACHER, Model, probabilities
from skdistill.inspection._number_answers import NumberAnswers, QuantileAnswers, units_of
from skdistill.task import check_labels, check_numbers


def answers_of(
    models: dict[str, Model], student: Any, y: np.ndarray | None, weight: FloatArray
) -> Answers:
    """Ask each model.

    Parameters
    ----------
    models : dict of str to Model
    student : DistilledClassifier or DistilledRegressor
        What is asked for is what it tells.
    y : ndarray of shape (n_rows,) or (n_rows, n_targets), or None
        As :func:`check_truth` returns it. None puts the teacher's answers in its place.
    weight : ndarray of shape (n_rows,)

    Returns
    -------
    Answers
    """
    told = {name: ask(model, student) for name, model in models.items()}
    if is_classifier(student):
        classes = student.classes_
        labels = told[TEACHER].argmax(axis=1) if y is None else np.searchsorted(classes, y)
        return ClassAnswers(classes, labels, weight, told)
    truth = _told_as_truth(told[TEACHER], student) if y is None else y.reshape(len(y), -1)
    if hasattr(student, "quantiles_"):
        return QuantileAnswers(truth, weight, told, np.ones(1), student.quantiles_)
    return NumberAnswers(truth, weight, told, units_of(truth, weight))


def _told_as_truth(told: FloatArray, student: Any) -> FloatArray:
    """The teacher's numbers; of its quantiles the middle one."""
    levels = getattr(student, "quantiles_", None)
    return told if levels is None else told[:, [len(levels) // 2]]


def ask(model: Model, student: Any) -> FloatArray:
    """A model's probabilities, numbers or quantiles, as the student tells them."""
    if is_classifier(student):
        return probabilities(model.estimator, model.rows, student.classes_, model.argument)
    told = soft_numbers(model.ask(model.rows), num_samples(model.rows), f"{model.argument}.predict")
    if hasattr(student, "quantiles_"):
        return _quantiles(told, model, student)
    if told.shape[1] != student.n_targets_:
        raise ValueError(
            f"`{model.argument}` tells {told.shape[1]} number(s) a row, but there are "
            f"{student.n_targets_} target(s): give a model of the same."
        )
    return told


def check_truth(y: ArrayLike, X: Table, student: Any) -> np.ndarray:
    """Labels that the student knows, or as many numbers a row as it tells.

    Raises
    ------
    ValueError
        If they are something else.
    """
    if is_classifier(student):
        labels = check_labels(y, X)
        check_known(labels, student.classes_, "y")
        return labels
    numbers = check_numbers(y, X)
    n_targets = 1 if numbers.ndim == 1 else numbers.shape[1]
    if n_targets != student.n_targets_:
        raise ValueError(
            f"`y` has {n_targets} target(s), but the student tells {student.n_targets_}: give as "
            "many."
        )
    return numbers


def _quantiles(told: FloatArray, model: Model, student: Any) -> FloatArray:
    """Quantiles of a model; a teacher that tells a number alone is given its spread."""
    levels, spread = student.quantiles_, getattr(student, "teacher_spread_", None)
    is_teacher = model.argument in ("teacher_", "compiled_teacher")
    if told.shape[1] == 1 and is_teacher and spread is not None:
        task = student._task
        return task.quantiles_of(spread.quantiles(model.rows, task.soft_of(told)))
    if told.shape[1] != len(levels):
        raise ValueError(
            f"`{model.argument}` tells {told.shape[1]} number(s) a row, but the report compares "
            f"{len(levels)} quantiles: "
            + ("leave it out, or " if is_teacher else "give control='fit', or ")
            + "give a model that tells quantiles."
        )
    return np.sort(told, axis=1)
