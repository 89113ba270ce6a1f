"""How candidates are scored."""

from inspect import signature
from typing import Any

import numpy as np
from sklearn.metrics import log_loss, mean_squared_error

from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.metrics import crps


def usual_scorer(estimator: Estimator) -> Any:
    """The score that the training aims at: greater is better."""
    if hasattr(estimator, "predict_proba"):
        return neg_log_loss
    if estimator.head == "quantiles":
        return neg_crps
    return neg_mean_squared_error


def neg_log_loss(
    estimator: Estimator, X: Table, y: np.ndarray, sample_weight: FloatArray | None = None
) -> float:
    """The log loss with its sign changed, of rows that need not show all classes."""
    p = estimator.predict_proba(X)
    return -float(log_loss(y, p, labels=estimator.classes_, sample_weight=sample_weight))


def neg_mean_squared_error(
    estimator: Estimator, X: Table, y: np.ndarray, sample_weight: FloatArray | None = None
) -> float:
    """The mean squared error with its sign changed."""
    return -float(mean_squared_error(y, estimator.predict(X), sample_weight=sample_weight))


def neg_crps(
    estimator: Estimator, X: Table, y: np.ndarray, sample_weight: FloatArray | None = None
) -> float:
    """The continuous ranked probability score of quantiles, with its sign changed."""
    levels = estimator.quantiles_
    return -crps(y, estimator.predict_quantiles(X), levels, sample_weight=sample_weight)


def takes_weight(scorer: Any) -> bool:
    """Whether a scorer, or the metric that it is made of, has `sample_weight`."""
    return "sample_weight" in signature(getattr(scorer, "_score_func", scorer)).parameters


def score_of(
    scorer: Any, estimator: Estimator, X: Table, y: np.ndarray, weight: FloatArray | None
) -> float:
    """The score of a candidate; rows weigh in it where there are weights and it takes them."""
    if weight is None or not takes_weight(scorer):
        return float(scorer(estimator, X, y))
    return float(scorer(estimator, X, y, sample_weight=weight))
