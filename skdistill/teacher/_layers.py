"""The hidden layers of teachers that are nets."""

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_array
from skorch import NeuralNet

from skdistill._utils._compat import mlp_activations, safe_indexing
from skdistill._utils.layers import (
    ANTEPENULTIMATE,
    PENULTIMATE,
    read_layer_of,
)
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._members import chunks
from skdistill.teacher._models import torch_guard
from skdistill.teacher._torch import TorchTeacher

_SKLEARN = (MLPClassifier, MLPRegressor)
_SEARCHES = (GridSearchCV, RandomizedSearchCV)
NETS = "a skorch net, TorchTeacher, MLPClassifier or MLPRegressor, or a Pipeline that ends in one"


def is_net(teacher: Estimator) -> bool:
    """Whether a teacher, fitted or not, has hidden layers that can be read."""
    while not isinstance(teacher, (*_SKLEARN, NeuralNet, TorchTeacher)):
        if isinstance(teacher, (FrozenEstimator, *_SEARCHES)):
            teacher = teacher.estimator
        elif isinstance(teacher, FittedTeacher):
            teacher = teacher.model
        elif isinstance(teacher, Pipeline):
            teacher = teacher.steps[-1][1]
        else:
            return False
    return True


def read_layer(teacher: Any, X: Table, layer: str = PENULTIMATE) -> FloatArray:
    """The output of a hidden layer of the teachers; several nets are concatenated.

    Parameters
    ----------
    teacher : TeacherPool or RegressorPool
        Fitted. Members that are not nets are skipped.
    X : array-like or DataFrame of shape (n_samples, n_features)
    layer : str, default="penultimate"
        Name of a submodule, for its output; "penultimate" for the input of the linear layer that
        is called last, "antepenultimate" for the input of the linear layer before it.

    Returns
    -------
    ndarray of shape (n_samples, n_units, ...)
        float32.

    Raises
    ------
    ValueError
        If no member is a net, one has no such layer, or several have outputs that are not flat.
    """
    seen = teacher.select(X)
    parts = []
    for name, estimator in teacher.named_estimators_.items():
        if is_net(estimator):
            blocks = [
                _read(name, estimator, safe_indexing(seen, rows), layer) for rows in chunks(X)
            ]
            parts.append(np.concatenate(blocks))
    if not parts:
        raise ValueError(f"no teacher is a net: {list(teacher.named_estimators_)}. Give {NETS}.")
    if len(parts) > 1 and any(part.ndim > 2 for part in parts):
        raise ValueError(
            f"the layer {layer!r} of several teachers gives arrays of shapes "
            f"{[part.shape[1:] for part in parts]}, which cannot be put side by side: give one net."
        )
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _read(name: str, estimator: Estimator, X: Table, layer: str) -> FloatArray:
    """The layer of one teacher, for a block of rows."""
    try:
        with torch_guard(estimator, seed=0):
            found = np.asarray(_layer_of(estimator, X, layer), dtype=np.float32)
    except Exception as error:  # it is anyone's code
        raise ValueError(f"the layer {layer!r} of teacher `{name}`: {error}") from error
    if found.ndim < 2 or not np.isfinite(found).all():
        raise ValueError(
            f"the layer {layer!r} of teacher `{name}` must give finite numbers of shape "
            f"(n_rows, n_units), got shape {found.shape}."
        )
    return found


def _layer_of(estimator: Any, X: Table, layer: str) -> FloatArray:
    if isinstance(estimator, FrozenEstimator):
        return _layer_of(estimator.estimator, X, layer)
    if isinstance(estimator, _SEARCHES):
        return _layer_of(estimator.best_estimator_, X, layer)
    if isinstance(estimator, FittedTeacher):
        return _layer_of(estimator.model, X, layer)
    if isinstance(estimator, Pipeline):
        rows = estimator[:-1].transform(X) if len(estimator) > 1 else X
        return _layer_of(estimator[-1], rows, layer)
    if isinstance(estimator, TorchTeacher):
        return estimator.layer(X, layer)
    if isinstance(estimator, NeuralNet):
        return read_layer_of(estimator.module_, layer, estimator.forward_iter(X))
    return _sklearn_layer(estimator, X, layer)


def _sklearn_layer(estimator: Any, X: Table, layer: str) -> FloatArray:
    """The same of a perceptron of scikit-learn."""
    n_left_out = {PENULTIMATE: 1, ANTEPENULTIMATE: 2}.get(layer)
    if n_left_out is None:
        raise ValueError("a net of scikit-learn has 'penultimate' and 'antepenultimate' alone")
    names = getattr(estimator, "feature_names_in_", None)
    rows = X if names is None else X[list(names)]
    hidden = check_array(rows, accept_sparse="csr", dtype=np.float64)
    activate = mlp_activations()[estimator.activation]
    places = range(len(estimator.coefs_) - n_left_out)
    for place in places:
        hidden = hidden @ estimator.coefs_[place] + estimator.intercepts_[place]
        activate(hidden)  # in place
    return hidden
