"""Every private name of scikit-learn, skorch and torch that the package uses, in one place."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from sklearn.pipeline import _name_estimators as name_estimators
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._indexing import _get_column_indices as get_column_indices
from sklearn.utils._metadata_requests import _routing_enabled as routing_enabled
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    RealNotInt,
    StrOptions,
)
from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_method_params as take_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _is_fitted as is_fitted
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "VisualBlock",
    "adamw_kernel",
    "check_feature_names_in",
    "check_sample_weight",
    "fused_adamw_kernel",
    "get_column_indices",
    "is_fitted",
    "lerp_kernel",
    "log_softmax_backward_kernel",
    "mlp_activations",
    "name_estimators",
    "num_samples",
    "relu_backward_kernel",
    "routing_enabled",
    "safe_indexing",
    "take_params",
]


def adamw_kernel() -> Callable[..., None]:
    """The function that steps AdamW."""
    from torch.optim.adamw import adamw

    return adamw


def fused_adamw_kernel() -> Callable[..., None]:
    """The function that steps AdamW in one pass, and leaves the count of the steps to others."""
    import torch

    return torch._fused_adamw_


def relu_backward_kernel() -> Callable[..., Any]:
    """The function that writes the gradient of a ReLU."""
    import torch

    return torch.ops.aten.threshold_backward.grad_input


def lerp_kernel() -> Callable[..., None]:
    """The function that moves a list of tensors towards another, in place."""
    import torch

    return torch._foreach_lerp_


@cache
def log_softmax_backward_kernel() -> Callable[..., Any]:
    """The function that takes the gradient of log-probabilities to that of logits."""
    import torch

    return torch._log_softmax_backward_data


def mlp_activations() -> dict[str, Callable[..., None]]:
    """The activations of scikit-learn's perceptrons by name; they change an array in place."""
    from sklearn.neural_network._base import ACTIVATIONS

    return ACTIVATIONS


def hist_trees(model: Any) -> list[tuple[Any, Any]]:
    """Nodes and sets of categories of each tree of a HistGradientBoosting model."""
    trees = [tree for iteration in model._predictors for tree in iteration]
    return [(tree.nodes, tree.raw_left_cat_bitsets) for tree in trees]


def hist_categories(model: Any) -> tuple[Any, dict[int, list[Any]]]:
    """Which column each feature of a HistGradientBoosting model is, and the levels of categories.

    Returns
    -------
    order : ndarray of int of shape (n_features,)
    categories : dict of int to list
        By column.
    """
    preprocessor = model._preprocessor
    if preprocessor is None:
        return np.arange(model.n_features_in_), {}
    is_categorical = model.is_categorical_
    known = preprocessor.named_transformers_["encoder"].categories_
    columns = np.flatnonzero(is_categorical)
    order = np.concatenate([columns, np.flatnonzero(~is_categorical)])
    levels = ([one for one in values.tolist() if one == one] for values in known)
    return order, dict(zip(columns.tolist(), levels, strict=True))


def passes_on(step: Any) -> bool:
    """Whether a step of a Pipeline or ColumnTransformer gives its columns as they are."""
    is_name = step is None or (isinstance(step, str) and step == "passthrough")
    return is_name or (isinstance(step, FunctionTransformer) and step.func is None)
