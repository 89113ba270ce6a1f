"""Fitted models of other libraries: the rows that each takes, and its key in `memory`.

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
from scipy.sparse import issparse
from sklearn.frozen import FrozenEstimator

from skdistill._utils.types import Estimator, NDArray, Table
from skdistill.table import is_frame


def known_by(model: Estimator) -> Estimator:
    """The key of a teacher in `memory`: a model of a known library, or the teacher itself.

    Parameters
    ----------
    model : object
        Frozen or not.

    Returns
    -------
    object
    """
    if isinstance(model, FrozenEstimator):
        inner = known_by(model.estimator)
        return model if inner is model.estimator else inner
    library = library_of(model)
    return model if library is None else library(model)


def is_known_model(model: object) -> bool:
    """Whether it is of a known library: then it is taken as fitted."""
    return library_of(model) is not None


def library_of(model: object) -> type[LibraryModel] | None:
    """The class that asks a model; None if its library is not known, or if it is a class."""
    if isinstance(model, type):
        return None
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(model).__mro__}
    if ("xgboost", "Booster") in kinds:
        return XGBoostModel
    if ("lightgbm", "Booster") in kinds:
        return LightGBMModel
    if type(model).__name__ == "CatBoost" and ("catboost", "CatBoost") in kinds:
        return CatBoostModel  # its subclasses are scikit-learn estimators
    if ("onnxruntime", "InferenceSession") in kinds:
        return OnnxModel
    if ("mlflow", "PyFuncModel") in kinds:
        return MlflowModel
    if ("autogluon", "TabularPredictor") in kinds:
        return AutoGluonModel
    return None


class LibraryModel:
    """A fitted model of a library.

    Parameters
    ----------
    model : object
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def key_parts(self) -> tuple[str, str, Any]:
        """The key of the model in `memory`.

        Returns
        -------
        tuple
        """
        package = type(self.model).__module__.split(".")[0]
        version = getattr(sys.modules.get(package), "__version__", "")
        return type(self).__name__, version, self._state()

    def _state(self) -> Any:
        return self.model


class XGBoostModel(LibraryModel):
    """An ``xgboost.Booster``; all its trees."""

    def settings(self) -> dict[str, Any]:
        """Its configuration: objective and shape."""
        return json.loads(self.model.save_config())["learner"]

    def ask(self, X: Table) -> Any:
        """What it predicts."""
        return self.model.predict(self.matrix(X))

    def matrix(self, X: Table, missing: float | None = None) -> Any:
        """The rows in its own format; `missing` stands for a missing number."""
        from xgboost import DMatrix

        names, options = self.model.feature_names, {"missing": missing, "enable_categorical": True}
        if not is_frame(X):
            X = self._as_wide(X if issparse(X) else np.asarray(X))
            types = None if names is None else self.model.feature_types
            return DMatrix(X, feature_names=names, feature_types=types, **options)
        if names is None:  # it was trained on an array
            X = self._as_wide(nw.from_native(X, eager_only=True).to_numpy())
        return DMatrix(X, **options)

    def _as_wide(self, X: NDArray[Any]) -> NDArray[Any]:
        """X, checked: XGBoost treats absent columns as missing values."""
        n_columns = self.model.num_features()
        if X.shape[1:] != (n_columns,):
            raise ValueError(
                f"X has shape {X.shape}, but the Booster was trained on {n_columns} columns"
            )
        return X

    def _state(self) -> bytes:
        return bytes(self.model.save_raw("ubj"))


class LightGBMModel(LibraryModel):
    """A ``lightgbm.Booster``; its best iteration."""

    def objective(self) -> str | None:
        """Its objective; None if that was a function."""
        head = self.model.model_to_string(num_iteration=1)
        found = re.search(r"^objective=(\S+)", head, re.MULTILINE)
        return found[1] if found else None

    def ask(self, X: Table) -> NDArray[Any]:
        """What it predicts."""
        return np.asarray(self.model.predict(self.in_order(X)))

    def in_order(self, X: Table) -> NDArray[Any] | pd.DataFrame:
        """A frame with its columns in the order of the training: LightGBM ignores names."""
        if not is_frame(X):
            return np.asarray(X)
        X, trained = pandas_of(X), self.model.feature_name()
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


class CatBoostModel(LibraryModel):
    """A fitted model of catboost."""

    def check_fitted(self, kind: str) -> None:
        """Raise a ValueError if it is not fitted: its loss is then not known."""
        if not self.model.is_fitted():
            raise ValueError(
                f"a CatBoost that is not fitted does not say whether it is a {kind}: give a "
                f"CatBoost{kind.capitalize()}, or fit it first"
            )

    def loss(self) -> str | None:
        """What it was trained for."""
        return self.model.get_all_params().get("loss_function")

    def ask(self, X: Table, prediction_type: str) -> Any:
        """What it predicts."""
        X = pandas_of(X) if is_frame(X) else X
        return self.model.predict(X, prediction_type=prediction_type)


class OnnxModel(LibraryModel):
    """An ``onnxruntime.InferenceSession``; its input is a matrix, or a column for each feature."""

    def ask(self, X: Table, output: str) -> Any:
        """One of its outputs."""
        (answer,) = self.model.run([output], self._feed(X))
        return answer

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


class MlflowModel(LibraryModel):
    """An mlflow pyfunc model."""


class AutoGluonModel(LibraryModel):
    """An ``autogluon.tabular.TabularPredictor``."""

    def check_fitted(self) -> None:
        """Raise a ValueError if it is not."""
        if not self.model.is_fit:
            raise ValueError("an AutoGluon predictor is taken as fitted: call its `fit` first")

    def frame(self, X: Table) -> pd.DataFrame:
        """The rows as it takes them."""
        if not is_frame(X):
            raise ValueError(
                "an AutoGluon predictor knows its columns by name: give X as a DataFrame"
            )
        return pandas_of(X)


def is_float_output(one: Any) -> bool:
    """Whether an output of a session holds floats."""
    return re.fullmatch(r"tensor\((float|double|float16)\)", one.type) is not None


def pandas_of(frame: Table) -> pd.DataFrame:
    """A frame of any library as one of pandas."""
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
