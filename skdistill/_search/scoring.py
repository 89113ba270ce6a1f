"""How candidates are scored."""

from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, log_loss

from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.metrics import crps


def usual_scorer(estimator: Estimator) -> Any:
    """The score that the training aims at: greater is better."""
    if hasattr(estimator, "predict_proba"):
        return neg_log_loss
    if estimator.head == "quantiles":
        return neg_crps
    return get_scorer("neg_mean_squared_error")


def neg_log_loss(
    estimator: Estimator, X: Table, y: np.ndarray, sample_weight: FloatArray | None = None
) -> float:
    """The log loss with its sign changed, of rows that need not show all classes."""
    p = estimator.predict_proba(X)
    return -float(log_loss(y, p, labels=estimator.classes_, sample_weight=sample_weight))


def neg_crps(
    estimator: Estimator, X: Table, y: np.ndarray, sample_weight: FloatArray | None = None
) -> float:
    """The continuous ranked probability score of quantiles, with its sign changed."""
    levels = estimator.quantiles_
    return -crps(y, estimator.predict_quantiles(X), levels, sample_weight=sample_weight)


def score_of(
    scorer: Any, estimator: Estimator, X: Table, y: np.ndarray, weight: FloatArray | None
) -> float:
    """The score of a candidate; rows weigh in it where there are weights."""
    if weight is None:
        return float(scorer(estimator, X, y))
    return float(scorer(estimator, X, y, sample_weight=weight))
