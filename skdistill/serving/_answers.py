"""What a file answers: classes with probabilities, or numbers."""

import json
from typing import Any, NoReturn

import numpy as np

from skdistill._stored.files import current_features
from skdistill._utils.types import ArrayLike, FloatArray
from skdistill.serving._matrix import MATRIX

# Largest gap of a probability, or of a number as a share of the spread of y: an optimizer reorders
# sums, no more.
TOLERANCE = 1e-5


class ClassAnswers:
    """Labels and probabilities.

    Parameters
    ----------
    metadata : dict of str to str

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
    """

    # The output that tells whether a row was answered.
    main = "probabilities"
    estimator_type = "classifier"

    def __init__(self, metadata: dict[str, str]) -> None:
        told = json.loads(metadata["classes"])
        self._values = told["values"]
        self.classes = np.array(told["values"], dtype=told["dtype"])
        self.n_columns = len(self.classes)
        layout = current_features(json.loads(metadata["features"]))["layout"]
        self.has_labels = layout != MATRIX
        self.outputs = ("probabilities", "label") if self.has_labels else ("probabilities",)

    def gap(self, found: FloatArray, expected: FloatArray) -> float:
        """The largest difference, infinite where the shapes differ."""
        return np.abs(found - expected).max() if found.shape == expected.shape else np.inf

    def are_alike(self, answers: list[Any], expected: FloatArray) -> bool:
        """Whether the outputs are those that were stored."""
        close = self.gap(answers[0], expected) <= TOLERANCE
        if not self.has_labels:
            return close
        return close and _are_best(answers[1].tolist(), self._values, expected)

    def refuse_row(self, row: int) -> NoReturn:
        """Raise the error of a row without an answer."""
        raise ValueError(
            f"row {row} of X has no finite probabilities: a number in it is missing or too large "
            "for the student. Impute it, or leave the row out."
        )


class NumberAnswers:
    """Numbers, or quantiles of one.

    Parameters
    ----------
    metadata : dict of str to str

    Attributes
    ----------
    n_targets : int
    quantiles : ndarray of shape (n_levels,) or None
    """

    main = "predictions"
    outputs = ("predictions",)
    estimator_type = "regressor"

    def __init__(self, metadata: dict[str, str]) -> None:
        told = json.loads(metadata["targets"])
        self.n_targets = told["n_targets"]
        self.quantiles = None if told["quantiles"] is None else np.array(told["quantiles"])
        self.n_columns = self.n_targets if self.quantiles is None else len(self.quantiles)
        self._spread = np.array(told["spread"])

    def gap(self, found: FloatArray, expected: FloatArray) -> float:
        """The largest difference as a share of the spread of y, infinite for another shape."""
        if found.shape != expected.shape:
            return np.inf
        return float((np.abs(found - expected) / self._spread).max())

    def are_alike(self, answers: list[Any], expected: FloatArray) -> bool:
        """Whether the output is that which was stored."""
        return self.gap(answers[0], expected) <= TOLERANCE

    def refuse_row(self, row: int) -> NoReturn:
        """Raise the error of a row without an answer."""
        raise ValueError(
            f"row {row} of X has no finite prediction: a number in it is missing or too large for "
            "the student. Impute it, or leave the row out."
        )


def answers_of(metadata: dict[str, str]) -> ClassAnswers | NumberAnswers:
    """What the file with these metadata answers."""
    return NumberAnswers(metadata) if "targets" in metadata else ClassAnswers(metadata)


def row_weights(sample_weight: ArrayLike | None, n_rows: int) -> FloatArray:
    """Weights of rows, checked without scikit-learn; all are 1 where there are none."""
    weight = np.ones(n_rows) if sample_weight is None else np.asarray(sample_weight, np.float64)
    is_sound = np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0
    if weight.shape != (n_rows,) or not is_sound:
        raise ValueError(
            f"`sample_weight` must have a finite number >= 0 for each of the {n_rows} rows of X, "
            f"not all of them 0; got an array of shape {weight.shape}."
        )
    return weight


def r2(predicted: FloatArray, y: np.ndarray, sample_weight: ArrayLike | None) -> float:
    """The coefficient of determination, as scikit-learn's regressors score."""
    predicted = predicted.reshape(len(predicted), -1)
    y = y.reshape(len(y), -1).astype(np.float64)
    if y.shape != predicted.shape:
        raise ValueError(f"`y` has shape {y.shape} for predictions of shape {predicted.shape}.")
    weight = row_weights(sample_weight, len(y))
    missed = weight @ (y - predicted) ** 2
    spread = weight @ (y - np.average(y, axis=0, weights=weight)) ** 2
    shares = np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), 1.0 * (missed == 0))
    return float(shares.mean())


def _are_best(labels: list, classes: list, probabilities: FloatArray) -> bool:
    """Whether each label is the most probable class, or nearly."""
    code = {label: code for code, label in enumerate(classes)}
    if not set(labels) <= set(code):
        return False
    codes = np.array([code[label] for label in labels], dtype=int)
    own = probabilities[np.arange(len(labels)), codes]
    return bool((own >= probabilities.max(axis=1) - TOLERANCE).all())
