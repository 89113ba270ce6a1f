"""Adapters that ask fitted models of other libraries for probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator

from skdistill._utils.types import Estimator, FloatArray, Table
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
    "give a function that gives probabilities, FittedTeacher(lambda X: ..., classes=[...])"
)


def adapt(model: Estimator) -> Estimator:
    """An adapter for a known model, else the teacher itself.

    Parameters
    ----------
    model : object
        Frozen or not.

    Returns
    -------
    object
        With ``predict_proba``, if the model can give probabilities.

    Raises
    ------
    ValueError
        If it is a model known here that gives no probabilities of classes.
    """
    if isinstance(model, FrozenEstimator):
        inner = adapt(model.estimator)
        return model if inner is model.estimator else inner
    library = library_of(model)
    return model if library is None else _ADAPTERS[library](model)


class XGBoostBooster(XGBoostModel):
    """A Booster of objective binary:logistic or multi:softprob."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        learner = self.settings()
        objective = learner["objective"]["name"]
        if objective == "multi:softmax":
            raise _no_probabilities(
                "objective", objective, "call `booster.set_param({'objective': 'multi:softprob'})`"
            )
        if objective == "binary:logitraw":
            raise _no_probabilities(
                "objective", objective, "call `booster.set_param({'objective': 'binary:logistic'})`"
            )
        if objective not in ("binary:logistic", "multi:softprob"):
            remedy = f"train it with 'binary:logistic' or 'multi:softprob', or {BY_FUNCTION}"
            raise _no_probabilities("objective", objective, remedy)
        n_classes = int(learner["learner_model_param"]["num_class"])
        self.classes_ = np.arange(max(n_classes, 2))

    def predict_proba(self, X: Table) -> Any:
        return _two_columns(self.ask(X))


class LightGBMBooster(LightGBMModel):
    """A Booster of objective binary or multiclass."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        objective = self.objective()
        if objective == "multiclassova":
            raise _no_probabilities(
                "objective",
                objective,
                "train it with objective='multiclass', or wrap LGBMClassifier in "
                "CalibratedClassifierCV",
            )
        if objective not in ("binary", "multiclass"):
            remedy = f"train it with 'binary' or 'multiclass', or {BY_FUNCTION}"
            raise _no_probabilities("objective", objective, remedy)
        self.classes_ = np.arange(max(model.num_model_per_iteration(), 2))

    def predict_proba(self, X: Table) -> Any:
        return _two_columns(self.ask(X))


class CatBoostClasses(CatBoostModel):
    """A fitted ``catboost.CatBoost`` of loss Logloss, CrossEntropy or MultiClass."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.check_fitted("classifier")
        loss = self.loss()
        if loss == "MultiClassOneVsAll":
            raise _no_probabilities("loss_function", loss, "train it with 'MultiClass'")
        if loss not in ("Logloss", "CrossEntropy", "MultiClass"):
            remedy = f"train it with 'Logloss' or 'MultiClass', or {BY_FUNCTION}"
            raise _no_probabilities("loss_function", loss, remedy)
        classes = np.asarray(model.classes_)
        self.classes_ = classes if len(classes) else np.arange(2)

    def predict_proba(self, X: Table) -> Any:
        return self.ask(X, "Probability")


class OnnxSession(OnnxModel):
    """A session with one output of probabilities.

    A list of dicts, as skl2onnx makes it by default, names the classes; a matrix does not.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._output = self._find_output()

    def predict_proba(self, X: Table) -> Any:
        answer = self.ask(X, self._output)
        return pd.DataFrame(answer) if isinstance(answer, list) else answer

    def _find_output(self) -> str:
        outputs = self.model.get_outputs()
        named = [one.name for one in outputs if one.type.startswith("seq(map(")]
        floats = [one.name for one in outputs if is_float_output(one) and len(one.shape) == 2]
        of_name = [name for name in floats if name in ("probabilities", "output_probability")]
        for found in (named, of_name, floats):
            if len(found) == 1:
                return found[0]
        raise ValueError(
            "an InferenceSession must have one output of probabilities, of shape (n_rows, "
            f"n_classes), got {[(one.name, one.type, one.shape) for one in outputs]}: "
            "convert it with one, or give FittedTeacher(lambda X: session.run(...)[0], "
            "classes=[...])"
        )


class MlflowClasses(MlflowModel):
    """A model whose ``predict`` gives probabilities."""

    def predict_proba(self, X: Table) -> Any:
        answer = self.model.predict(X)
        shape = np.shape(answer)
        if len(shape) != 2 or shape[1] < 2:
            raise ValueError(
                f"`predict` of the mlflow model gave shape {shape}, labels perhaps, and no "
                "probabilities: log it with pyfunc_predict_fn='predict_proba'"
            )
        return answer


class AutoGluonPredictor(AutoGluonModel):
    """A predictor of problem type binary or multiclass."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.check_fitted()
        if not model.can_predict_proba:
            raise _no_probabilities("problem_type", model.problem_type, "give a classifier")
        self.classes_ = np.asarray(model.class_labels)

    def predict_proba(self, X: Table) -> Any:
        return self.model.predict_proba(self.frame(X))


_ADAPTERS: dict[type[LibraryModel], type[LibraryModel]] = {
    XGBoostModel: XGBoostBooster,
    LightGBMModel: LightGBMBooster,
    CatBoostModel: CatBoostClasses,
    OnnxModel: OnnxSession,
    MlflowModel: MlflowClasses,
    AutoGluonModel: AutoGluonPredictor,
}


def _no_probabilities(parameter: str, value: object, remedy: str) -> ValueError:
    return ValueError(f"with {parameter} {value!r} it gives no probabilities: {remedy}")


def _two_columns(p: FloatArray) -> FloatArray:
    """Both columns, for a binary model that gives only the probability of the second class."""
    return np.column_stack([1 - p, p]) if p.ndim == 1 else p
