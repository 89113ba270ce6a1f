"""Adapters of models that predict numbers or quantiles in their own ways."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtri
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skdistill._utils.quantiles import interpolate
from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill.teacher._libraries import (
    AutoGluonModel,
    CatBoostModel,
    LibraryModel,
    LightGBMModel,
    MlflowModel,
    OnnxModel,
    XGBoostModel,
    is_float_output,
    library_of,
)

BY_FUNCTION = (
    "use DistilledClassifier for classes, or give a function that gives numbers, "
    "FittedTeacher(lambda X: ...)"
)
# Objectives for which a Booster's `predict` returns numbers like y.
XGBOOST_OBJECTIVES = ("reg:", "count:poisson", "survival:aft")
LIGHTGBM_OBJECTIVES = (
    *("regression", "regression_l1", "huber", "fair", "poisson"),
    *("quantile", "mape", "gamma", "tweedie"),
)
CATBOOST_LOSSES = (
    *("RMSE", "MAE", "Quantile", "MAPE", "Poisson", "Tweedie", "Huber", "Lq", "Expectile"),
    *("LogCosh", "MultiRMSE", "MultiRMSEWithMissingValues", "RMSEWithUncertainty", "MultiQuantile"),
)
# For these losses CatBoost's formula gives the logarithm.
OF_LOGARITHMS = ("Poisson", "Tweedie")
# Levels nearer than this are the same: XGBoost stores 1 / 3 as 0.33333334.
SAME_LEVEL = 1e-6


def adapt_numbers(model: Estimator) -> Estimator:
    """An adapter of a teacher of numbers, or the teacher itself.

    Parameters
    ----------
    model : object
        Fitted or not, frozen or not. A pipeline is known by its last step, a search by its best.

    Returns
    -------
    object
        With ``predict``, if the model can give numbers.

    Raises
    ------
    ValueError
        If it is a model known here that gives no numbers.
    """
    if isinstance(model, FrozenEstimator):
        inner = adapt_numbers(model.estimator)
        return model if inner is model.estimator else inner
    if isinstance(model, Pipeline):
        last = adapt_numbers(model[-1])
        return model if last is model[-1] else AfterSteps(model, last)
    if hasattr(model, "best_estimator_"):
        inner = adapt_numbers(model.best_estimator_)
        return model if inner is model.best_estimator_ else inner
    library = library_of(model)
    if library is not None:
        return _with_distribution(_ADAPTERS[library](model))
    return _with_distribution(model)


class AfterSteps:
    """A pipeline whose last step needs an adapter."""

    def __init__(self, pipeline: Pipeline, last: Estimator) -> None:
        self.pipeline = pipeline
        self.last = last

    def predict(self, X: Table) -> Any:
        X = self.pipeline[:-1].transform(X) if len(self.pipeline) > 1 else X
        return self.last.predict(X)


class Normal:
    """A model whose ``predict`` gives mean and variance of a normal distribution."""

    def __init__(self, model: Estimator) -> None:
        self.model = model

    def predict(self, X: Table) -> FloatArray:
        return np.asarray(self.model.predict(X))[:, 0]

    def predict_quantiles(self, X: Table, quantiles: ArrayLike) -> FloatArray:
        mean, variance = np.asarray(self.model.predict(X)).T
        return mean[:, None] + np.sqrt(variance)[:, None] * ndtri(np.asarray(quantiles))


class SomeLevels:
    """A model whose ``predict`` gives quantiles of its own levels; its number is the median.

    Parameters
    ----------
    model : object
    levels : sequence of float
        In the order of its columns.
    """

    def __init__(self, model: Estimator, levels: Sequence[float]) -> None:
        self.model = model
        self.levels = levels
        if self.outside([0.5]):
            raise ValueError(
                f"it tells quantiles of {self._range}, and no median, which a teacher's number "
                "is: train it for levels around 0.5"
            )

    def predict(self, X: Table) -> FloatArray:
        return self.predict_quantiles(X, [0.5])[:, 0]

    def predict_quantiles(self, X: Table, quantiles: Sequence[float] | FloatArray) -> FloatArray:
        """Quantiles of its levels, with linear interpolation."""
        outside = self.outside(quantiles)
        if outside:
            raise ValueError(outside)
        told = np.sort(np.asarray(self.model.predict(X), dtype=np.float64), axis=1)
        return interpolate(told, np.sort(self.levels), np.asarray(quantiles))

    def outside(self, quantiles: Sequence[float] | FloatArray) -> str:
        """The error message for levels outside its own; empty if all are inside."""
        low, high = min(self.levels) - SAME_LEVEL, max(self.levels) + SAME_LEVEL
        absent = [float(level) for level in quantiles if not low <= level <= high]
        if not absent:
            return ""
        shown = ", ".join(f"{level:g}" for level in absent)
        return (
            f"it tells quantiles of {self._range}, and not of {shown}: train it for these as "
            f"well, or give `quantiles={sorted(self.levels)}`"
        )

    @property
    def _range(self) -> str:
        return f"the levels {min(self.levels):g} to {max(self.levels):g}"


# --- models of other libraries ---


class XGBoostNumbers(XGBoostModel):
    """A Booster of a regression objective."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        objective = self.settings()["objective"]["name"]
        if not objective.startswith(XGBOOST_OBJECTIVES):
            raise _no_numbers("objective", objective, "reg:squarederror")

    def predict(self, X: Table) -> Any:
        return self.ask(X)


class LightGBMNumbers(LightGBMModel):
    """A Booster of a regression objective."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        if self.objective() not in LIGHTGBM_OBJECTIVES:
            raise _no_numbers("objective", self.objective(), "regression")

    def predict(self, X: Table) -> Any:
        return self.ask(X)


class CatBoostNumbers(CatBoostModel):
    """A fitted ``catboost.CatBoost`` of a regression loss."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.check_fitted("regressor")
        self._kind = str(self.loss()).split(":")[0]
        if self._kind not in CATBOOST_LOSSES:
            raise _no_numbers("loss_function", self.loss(), "RMSE")

    def predict(self, X: Table) -> Any:
        if self._kind == "RMSEWithUncertainty":
            return self.ask(X, self._kind)
        return self.ask(X, "Exponent" if self._kind in OF_LOGARITHMS else "RawFormulaVal")


class OnnxNumbers(OnnxModel):
    """A session with one output, of numbers."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        outputs = self.model.get_outputs()
        if len(outputs) != 1 or not is_float_output(outputs[0]):
            raise ValueError(
                "an InferenceSession must have one output, of numbers, got "
                f"{[(one.name, one.type, one.shape) for one in outputs]}: convert it with one, or "
                "give FittedTeacher(lambda X: session.run(...)[0])"
            )

    def predict(self, X: Table) -> Any:
        return self.ask(X, self.model.get_outputs()[0].name)


class MlflowNumbers(MlflowModel):
    """A model whose ``predict`` gives numbers."""

    def predict(self, X: Table) -> Any:
        return self.model.predict(X)


class AutoGluonNumbers(AutoGluonModel):
    """A predictor of problem type regression or quantile."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.check_fitted()
        if model.problem_type not in ("regression", "quantile"):
            raise _no_numbers("problem_type", model.problem_type, "regression")

    def predict(self, X: Table) -> Any:
        return self.model.predict(self.frame(X))


_ADAPTERS: dict[type[LibraryModel], type[LibraryModel]] = {
    XGBoostModel: XGBoostNumbers,
    LightGBMModel: LightGBMNumbers,
    CatBoostModel: CatBoostNumbers,
    OnnxModel: OnnxNumbers,
    MlflowModel: MlflowNumbers,
    AutoGluonModel: AutoGluonNumbers,
}


def _no_numbers(parameter: str, value: object, example: str) -> ValueError:
    return ValueError(
        f"with {parameter} {value!r} it gives no numbers: train it with {example!r}, {BY_FUNCTION}"
    )


# --- models whose `predict` returns more than a number ---


def _with_distribution(model: Estimator) -> Estimator:
    """An adapter for numbers and quantiles, if the columns of its answer are not targets."""
    kind, levels = _distribution_of(model)
    if kind == "normal":
        return Normal(model)
    return model if len(levels) < 2 else SomeLevels(model, levels)


def _distribution_of(model: Estimator) -> tuple[str, list[float]]:
    """The meaning of the columns of a model's ``predict``, and their levels."""
    if isinstance(model, XGBoostNumbers):
        return "levels", _levels_of_booster(model)
    if isinstance(model, AutoGluonNumbers):
        of_quantiles = model.model.problem_type == "quantile"
        return "levels", list(model.model.quantile_levels) if of_quantiles else []
    if isinstance(model, CatBoostNumbers):
        return _distribution_of_loss(model.loss())
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(model).__mro__}
    if ("catboost", "CatBoostRegressor") in kinds:
        return _distribution_of_loss(_loss_of(model))
    if ("xgboost", "XGBRegressor") in kinds and model.objective == "reg:quantileerror":
        if model.__sklearn_is_fitted__():  # one read from a file has no parameters
            return "levels", _levels_of_booster(XGBoostNumbers(model.get_booster()))
        levels = model.get_params().get("quantile_alpha")
        return "levels", [] if levels is None else np.ravel(levels).tolist()
    return "number", []


def _levels_of_booster(model: XGBoostModel) -> list[float]:
    told = model.settings()["objective"].get("quantile_loss_param", {})
    return _numbers_in(told.get("quantile_alpha", ""))


def _loss_of(model: Any) -> Any:
    """The loss of a CatBoostRegressor, fitted or not; it may be an object of the user."""
    params = model.get_params()
    told = params.get("objective", params.get("loss_function"))
    return told if told is not None or not model.is_fitted() else CatBoostModel(model).loss()


def _distribution_of_loss(loss: Any) -> tuple[str, list[float]]:
    kind, _, parameters = str(loss).partition(":")
    if kind == "RMSEWithUncertainty":
        return "normal", []
    found = re.search(r"alpha=([^;:]*)", parameters)
    return "levels", _numbers_in(found[1]) if kind == "MultiQuantile" and found else []


def _numbers_in(text: str) -> list[float]:
    """Those of a list as a text, "[1E-1,5E-1]" or "0.1, 0.5"."""
    return [float(one) for one in text.strip("[]").split(",") if one.strip()]
