"""Fitted models of other libraries, asked for probabilities in their own ways.

No library is imported here: a model is known by the name of its class, and brings its library.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.frozen import FrozenEstimator

from skdistill._utils.types import Estimator, FloatArray, NDArray, Table
from skdistill.table import is_frame

BY_FUNCTION = (
    "give a function that gives probabilities, FittedTeacher(lambda X: ..., classes=[...])"
)


def adapt(model: Estimator) -> Estimator:
    """What answers for a teacher: an adapter for the models known here, else the teacher itself.

    Parameters
    ----------
    model : object
        Frozen or not.

    Returns
    -------
    object
        With ``predict_proba``, where there is a way to ask the model for probabilities.

    Raises
    ------
    ValueError
        If it is a model known here that gives no probabilities of classes.
    """
    if isinstance(model, FrozenEstimator):
        inner = adapt(model.estimator)
        return model if inner is model.estimator else inner
    adapter = _adapter_for(model)
    return model if adapter is None else adapter(model)


def is_known_model(model: object) -> bool:
    """Whether there is an adapter for it: it is taken as fitted then."""
    return not isinstance(model, type) and _adapter_for(model) is not None


def _adapter_for(model: object) -> type[Adapter] | None:
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(model).__mro__}
    if ("xgboost", "Booster") in kinds:
        return XGBoostBooster
    if ("lightgbm", "Booster") in kinds:
        return LightGBMBooster
    if type(model).__name__ == "CatBoost" and ("catboost", "CatBoost") in kinds:
        return CatBoostModel  # its subclasses are scikit-learn's kind of estimator
    if ("onnxruntime", "InferenceSession") in kinds:
        return OnnxSession
    if ("mlflow", "PyFuncModel") in kinds:
        return MlflowModel
    if ("autogluon", "TabularPredictor") in kinds:
        return AutoGluonPredictor
    return None


class Adapter:
    """A fitted model with ``predict_proba``.

    Parameters
    ----------
    model : object
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def key_parts(self) -> tuple[str, str, Any]:
        """What `memory` knows the model by.

        Returns
        -------
        tuple
        """
        package = type(self.model).__module__.split(".")[0]
        version = getattr(sys.modules.get(package), "__version__", "")
        return type(self).__name__, version, self._state()

    def _state(self) -> Any:
        return self.model


class XGBoostBooster(Adapter):
    """An ``xgboost.Booster`` of objective binary:logistic or multi:softprob; all its trees."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        learner = json.loads(model.save_config())["learner"]
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
        return _two_columns(self.model.predict(self._matrix(X)))

    def _matrix(self, X: Table) -> Any:
        from xgboost import DMatrix

        names = self.model.feature_names
        if not is_frame(X):
            X = self._as_wide(np.asarray(X))
            types = None if names is None else self.model.feature_types
            return DMatrix(X, feature_names=names, feature_types=types, enable_categorical=True)
        if names is None:  # it was trained on an array
            X = self._as_wide(nw.from_native(X, eager_only=True).to_numpy())
        return DMatrix(X, enable_categorical=True)

    def _as_wide(self, X: NDArray[Any]) -> NDArray[Any]:
        """X, checked: XGBoost takes columns that are not there for missing values."""
        n_columns = self.model.num_features()
        if X.shape[1:] != (n_columns,):
            raise ValueError(
                f"X has shape {X.shape}, but the Booster was trained on {n_columns} columns"
            )
        return X

    def _state(self) -> bytes:
        return bytes(self.model.save_raw("ubj"))


class LightGBMBooster(Adapter):
    """A ``lightgbm.Booster`` of objective binary or multiclass; its best iteration."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        head = model.model_to_string(num_iteration=1)
        found = re.search(r"^objective=(\S+)", head, re.MULTILINE)
        objective = found[1] if found else None
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
        return _two_columns(np.asarray(self.model.predict(self._in_order(X))))

    def _in_order(self, X: Table) -> NDArray[Any] | pd.DataFrame:
        """A frame with its columns in the order of the training: LightGBM looks at no names."""
        if not is_frame(X):
            return np.asarray(X)
        X, trained = _pandas_of(X), self.model.feature_name()
        if trained == [f"Column_{i}" for i in range(len(trained))]:  # trained on an array
            return X
        # LightGBM stores names without blanks.
        own = {"_".join(str(name).split(" ")): name for name in X.columns}
        absent = [name for name in trained if name not in own]
        if absent:
            raise ValueError(f"X has no columns {absent[:10]}, which the Booster was trained on")
        return X[[own[name] for name in trained]]

    def _state(self) -> str:
        return self.model.model_to_string()


class CatBoostModel(Adapter):
    """A fitted ``catboost.CatBoost`` of loss Logloss, CrossEntropy or MultiClass."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        if not model.is_fitted():
            raise ValueError(
                "a CatBoost that is not fitted does not say whether it is a classifier: give a "
                "CatBoostClassifier, or fit it first"
            )
        loss = model.get_all_params().get("loss_function")
        if loss == "MultiClassOneVsAll":
            raise _no_probabilities("loss_function", loss, "train it with 'MultiClass'")
        if loss not in ("Logloss", "CrossEntropy", "MultiClass"):
            remedy = f"train it with 'Logloss' or 'MultiClass', or {BY_FUNCTION}"
            raise _no_probabilities("loss_function", loss, remedy)
        classes = np.asarray(model.classes_)
        self.classes_ = classes if len(classes) else np.arange(2)

    def predict_proba(self, X: Table) -> Any:
        X = _pandas_of(X) if is_frame(X) else X
        return self.model.predict(X, prediction_type="Probability")


class OnnxSession(Adapter):
    """An ``onnxruntime.InferenceSession`` with one output of probabilities.

    Its input is a matrix, or a column for each feature. A list of dicts, as skl2onnx makes it by
    default, names the classes; a matrix does not.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._output = self._find_output()

    def predict_proba(self, X: Table) -> Any:
        (answer,) = self.model.run([self._output], self._feed(X))
        return pd.DataFrame(answer) if isinstance(answer, list) else answer

    def _find_output(self) -> str:
        outputs = self.model.get_outputs()
        named = [one.name for one in outputs if one.type.startswith("seq(map(")]
        floats = [
            one.name
            for one in outputs
            if re.fullmatch(r"tensor\((float|double|float16)\)", one.type) and len(one.shape) == 2
        ]
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

    def _feed(self, X: Table) -> dict[str, NDArray[Any]]:
        inputs = self.model.get_inputs()
        if len(inputs) == 1 and not _is_column(inputs[0]):
            rows = nw.from_native(X, eager_only=True).to_numpy() if is_frame(X) else np.asarray(X)
            return {inputs[0].name: rows.astype(_dtype_of(inputs[0]))}
        columns = self._columns(X, inputs)
        return {
            one.name: np.asarray(column).astype(_dtype_of(one)).reshape(-1, 1)
            for one, column in zip(inputs, columns, strict=True)
        }

    def _columns(self, X: Table, inputs: list[Any]) -> list[NDArray[Any]]:
        wanted = [one.name for one in inputs]
        if not is_frame(X):
            columns = list(np.asarray(X, dtype=object).T)
            if len(columns) == len(wanted):
                return columns
            raise ValueError(f"X has {len(columns)} columns, the session's inputs are {wanted}")
        X = nw.from_native(X, eager_only=True)
        own = {_as_onnx(name): name for name in X.columns} | {name: name for name in X.columns}
        absent = [name for name in wanted if name not in own]
        if absent:
            raise ValueError(f"X has no columns {absent[:10]}, which are inputs of the session")
        return [X[own[name]].to_numpy() for name in wanted]

    def _state(self) -> bytes:
        # Nothing public gives the graph back.
        path, data = self.model._model_path, self.model._model_bytes
        if data:
            return bytes(data)
        with open(path, "rb") as file:
            return file.read()


class MlflowModel(Adapter):
    """An mlflow pyfunc model whose ``predict`` gives probabilities."""

    def predict_proba(self, X: Table) -> Any:
        answer = self.model.predict(X)
        shape = np.shape(answer)
        if len(shape) != 2 or shape[1] < 2:
            raise ValueError(
                f"`predict` of the mlflow model gave shape {shape}, labels perhaps, and no "
                "probabilities: log it with pyfunc_predict_fn='predict_proba'"
            )
        return answer


class AutoGluonPredictor(Adapter):
    """An ``autogluon.tabular.TabularPredictor`` of problem type binary or multiclass."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        if not model.is_fit:
            raise ValueError("an AutoGluon predictor is taken as fitted: call its `fit` first")
        if not model.can_predict_proba:
            raise _no_probabilities("problem_type", model.problem_type, "give a classifier")
        self.classes_ = np.asarray(model.class_labels)

    def predict_proba(self, X: Table) -> Any:
        if not is_frame(X):
            raise ValueError(
                "an AutoGluon predictor knows its columns by name: give X as a DataFrame"
            )
        return self.model.predict_proba(_pandas_of(X))


def _no_probabilities(parameter: str, value: object, remedy: str) -> ValueError:
    return ValueError(f"with {parameter} {value!r} it gives no probabilities: {remedy}")


def _two_columns(p: FloatArray) -> FloatArray:
    """Both columns, where a binary model gives the probability of the second class alone."""
    return np.column_stack([1 - p, p]) if p.ndim == 1 else p


def _pandas_of(frame: Table) -> pd.DataFrame:
    return nw.from_native(frame, eager_only=True).to_pandas()


def _is_column(one: Any) -> bool:
    return len(one.shape) == 2 and one.shape[1] == 1


def _dtype_of(one: Any) -> str:
    """The dtype of an input of a session: tensor(float), tensor(int64), tensor(string), ..."""
    name = one.type.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64", "string": "object"}.get(name, name)


def _as_onnx(name: object) -> str:
    """A column's name as skl2onnx writes it."""
    return re.sub(r"\W", "_", str(name))
