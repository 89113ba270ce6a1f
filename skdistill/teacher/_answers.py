"""The raw answers of a fitted teacher, and the labels of their columns."""

from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skdistill._utils.types import Estimator, NDArray, Table
from skdistill.table import is_shuffled, names_of
from skdistill.teacher._adapters import adapt
from skdistill.teacher._hints import hint_for
from skdistill.teacher._models import torch_guard
from skdistill.teacher._queries import answer_once


def ask(name: str, estimator: Estimator, X: Table) -> Any:
    """The raw answer of a teacher; an error names the teacher."""
    return answer_once(estimator, X, partial(_ask, name, estimator))


def _ask(name: str, estimator: Estimator, X: Table) -> Any:
    try:
        with torch_guard(estimator, seed=0):
            return adapt(estimator).predict_proba(X)
    except Exception as error:
        raise ValueError(
            f"teacher `{name}` could not label the rows: {error}{hint_for(error)}"
        ) from error


def own_classes(name: str, estimator: Estimator) -> NDArray[Any] | None:
    """The labels that a teacher has in its ``classes_``, None without."""
    try:
        classes = getattr(adapt(estimator), "classes_", None)
    except ValueError as error:
        raise ValueError(f"teacher `{name}`: {error}") from error
    if classes is None:
        return None
    is_flat = not any(isinstance(one, (list, np.ndarray)) for one in classes)
    if not is_flat or len(set(np.asarray(classes).tolist())) < len(classes):
        raise ValueError(
            f"teacher `{name}` must have one label for each class in its `classes_`, got "
            f"{list(classes)[:10]}: a multilabel or multi-output model is no teacher."
        )
    labels = np.asarray(classes)
    if labels.dtype.kind != "O":
        return labels
    plain = np.asarray(labels.tolist())
    return plain if plain.dtype.kind in "iufb" else labels  # objects may be numbers


def check_parts(name: str, estimator: Estimator, row: Table) -> None:
    """Raise a ValueError for a vote that would mix the columns of its parts' DataFrames.

    Parameters
    ----------
    name : str
    estimator : object
        A fitted teacher.
    row : array-like or DataFrame of shape (1, n_features)
    """
    if isinstance(estimator, FrozenEstimator):
        check_parts(name, estimator.estimator, row)
    elif isinstance(estimator, Pipeline) and isinstance(estimator[-1], VotingClassifier):
        check_parts(name, estimator[-1], estimator[:-1].transform(row))
    elif isinstance(estimator, VotingClassifier):
        for part in estimator.estimators_:
            answer, known = ask(name, part, row), own_classes(name, part)
            if known is not None and is_shuffled(answer, known):
                raise ValueError(
                    f"teacher `{name}` takes the columns of {type(part).__name__} by their places, "
                    f"but they are named {names_of(answer)[:10]}, in another order than its "
                    "classes: give the parts themselves as a list of teachers."
                )
