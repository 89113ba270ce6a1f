"""What a student predicts, as its file holds it: classes or numbers."""

import json
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from skdistill._utils.types import Estimator, NDArray
from skdistill.export._build import LABEL, PROBABILITIES, Answer, label_values
from skdistill.export._numbers import PREDICTIONS, NumberAnswer
from skdistill.export._optional import require
from skdistill.serving import COLUMNS, MATRIX


class Target(Protocol):
    """What a file says of what it predicts."""

    # The output that tells whether a row was answered.
    main: str

    @property
    def answer(self) -> Answer | NumberAnswer:
        """The last nodes of the graph."""
        ...

    def outputs(self) -> list[Any]:
        """The outputs of the graph."""
        ...

    def metadata(self) -> dict[str, str]:
        """What the Scorer reads of it."""
        ...


class ClassTarget:
    """Labels and probabilities.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    layout : {"columns", "matrix"}
        A matrix has no labels beside the probabilities.
    """

    main = PROBABILITIES

    def __init__(self, classes: NDArray[Any], layout: str) -> None:
        self.classes = classes
        self.layout = layout

    @property
    def answer(self) -> Answer:
        """Calibrated probabilities, and the label of the highest."""
        label = None if self.layout == MATRIX else LABEL
        return Answer(label_values(self.classes), label=label)

    def outputs(self) -> list[Any]:
        """A label and a probability of each class, of each row."""
        onnx = require("onnx")
        label = onnx.numpy_helper.from_array(label_values(self.classes)).data_type
        make, n_classes = onnx.helper.make_tensor_value_info, len(self.classes)
        probabilities = make(PROBABILITIES, onnx.TensorProto.FLOAT, ["n_rows", n_classes])
        if self.layout == MATRIX:
            return [probabilities]
        return [make(LABEL, label, ["n_rows"]), probabilities]

    def metadata(self) -> dict[str, str]:
        """The classes and their dtype."""
        labels = {
            "values": label_values(self.classes).tolist(),
            "dtype": "object" if self.classes.dtype == object else self.classes.dtype.str,
        }
        return {"classes": json.dumps(labels)}


class NumberTarget:
    """Numbers, or quantiles of one.

    Parameters
    ----------
    reg : DistilledRegressor
        Fitted.
    layout : {"columns", "matrix"}, default="columns"
        A matrix has float32, and not float64.
    """

    main = PREDICTIONS

    def __init__(self, reg: Estimator, layout: str = COLUMNS) -> None:
        self.is_double = layout == COLUMNS
        self.scaler = reg.target_scaler_
        self.clip = bool(reg.clip)
        self.quantiles = getattr(reg, "quantiles_", None)
        self.n_outputs = reg.n_targets_ if self.quantiles is None else len(self.quantiles)

    @property
    def answer(self) -> NumberAnswer:
        """Numbers on the scale of y."""
        are_quantiles = self.quantiles is not None
        answer = NumberAnswer(self.scaler, are_quantiles, self.n_outputs, self.clip)
        return replace(answer, is_double=self.is_double)

    def outputs(self) -> list[Any]:
        """One matrix of numbers."""
        onnx = require("onnx")
        make, types = onnx.helper.make_tensor_value_info, onnx.TensorProto
        element = types.DOUBLE if self.is_double else types.FLOAT
        return [make(PREDICTIONS, element, ["n_rows", self.n_outputs])]

    def metadata(self) -> dict[str, str]:
        """How many targets there are, of which quantiles, and their spread."""
        told = {
            "n_targets": len(self.scaler.scale_),
            "quantiles": None if self.quantiles is None else self.quantiles.tolist(),
            "spread": spread_of(self.scaler).tolist(),
        }
        return {"classes": "null", "targets": json.dumps(told)}


def spread_of(scaler: Any) -> NDArray[Any]:
    """The range of each target, its deviation where none was seen, and 1 for a constant."""
    n_targets = len(scaler.scale_)
    zero, one = (scaler.inverse_transform(np.full((1, n_targets), z))[0] for z in (0.0, 1.0))
    spread = np.where(np.isfinite(scaler.high_), scaler.high_ - scaler.low_, one - zero)
    return np.where(spread > 0, spread, 1.0)


def target_of(estimator: Estimator, layout: str = COLUMNS) -> ClassTarget | NumberTarget:
    """What a fitted student predicts, and how a file of this layout tells it."""
    if hasattr(estimator, "classes_"):
        return ClassTarget(estimator.classes_, layout)
    return NumberTarget(estimator, layout)
