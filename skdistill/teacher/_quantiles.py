"""Teachers that predict quantiles: each library has its own method."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.serving import Scorer
from skdistill.teacher._fitted import FittedTeacher
from skdistill.teacher._hints import hint_for
from skdistill.teacher._members import chunks
from skdistill.teacher._number_adapters import adapt_numbers

Quantiles = Callable[[Table, FloatArray], Any]


def quantile_function(estimator: Estimator) -> Quantiles | None:
    """A function for a fitted teacher's quantiles; None if it predicts only a number.

    Known are ``predict_quantiles(X, quantiles)``, as of :class:`~skdistill.DistilledRegressor`;
    ``predict(X, quantiles=...)``, as of quantile-forest, with ``output_type="quantiles"`` as of
    TabPFN; ``pred_dist(X).ppf(level)``, as of NGBoost; and what :func:`adapt_numbers` makes of
    models of CatBoost, XGBoost and AutoGluon.

    Parameters
    ----------
    estimator : object
        A pipeline is asked for those of its last step, a search for those of its best estimator.

    Returns
    -------
    callable or None
        Takes X and levels; returns an array of shape (n_samples, n_levels).
    """
    if isinstance(estimator, FrozenEstimator):
        return quantile_function(estimator.estimator)
    if isinstance(estimator, Pipeline):
        last = quantile_function(estimator[-1])
        if last is None or len(estimator) == 1:
            return last
        return lambda X, q: last(estimator[:-1].transform(X), q)
    if isinstance(estimator, FittedTeacher):
        return quantile_function(estimator.model)
    if hasattr(estimator, "best_estimator_"):
        return quantile_function(estimator.best_estimator_)
    estimator = adapt_numbers(estimator)
    if isinstance(estimator, Scorer) and not hasattr(estimator, "quantiles_"):
        return None
    if not getattr(estimator, "tells_quantiles", True):  # a pool
        return None
    if hasattr(estimator, "predict_quantiles"):
        return lambda X, q: estimator.predict_quantiles(X, quantiles=q)
    if hasattr(estimator, "pred_dist"):
        return lambda X, q: np.column_stack([estimator.pred_dist(X).ppf(level) for level in q])
    names = _arguments_of(estimator)
    if "quantiles" not in names:
        return None
    kind = {"output_type": "quantiles"} if "output_type" in names else {}

    def ask(X: Table, q: FloatArray) -> Any:
        told = estimator.predict(X, quantiles=q.tolist(), **kind)
        return np.column_stack(told) if isinstance(told, list) else told

    return ask


def ask_quantiles(name: str, estimator: Estimator, X: Table, levels: FloatArray) -> FloatArray:
    """The quantiles that a teacher predicts, in chunks; an error names the teacher.

    Raises
    ------
    ValueError
        If it predicts none, fails, or returns another shape.
    """
    ask = quantile_function(estimator)
    if ask is None:
        raise ValueError(f"teacher `{name}` tells a number alone, and no quantiles.")
    told = []
    for rows in chunks(X):
        part = safe_indexing(X, rows)
        try:
            answer = np.asarray(ask(part, levels), dtype=np.float64)
        except Exception as error:
            raise ValueError(
                f"teacher `{name}` could not tell quantiles: {error}{hint_for(error)}"
            ) from error
        shape = num_samples(part), len(levels)
        if answer.shape != shape or not np.isfinite(answer).all():
            raise ValueError(
                f"teacher `{name}` must tell finite quantiles of shape {shape}, got {answer.shape}."
            )
        told.append(np.sort(answer, axis=1))
    return np.concatenate(told)


def _arguments_of(estimator: Estimator) -> set[str]:
    """The names of the arguments of its ``predict``."""
    try:
        return set(inspect.signature(estimator.predict).parameters)
    except (AttributeError, TypeError, ValueError):
        return set()
