"""The exported file against the classifier or regressor it came from."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from skdistill._base import BaseDistiller
from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import FloatArray, NDArray, Table
from skdistill.export._target import spread_of
from skdistill.metrics._probabilities import row_divergences
from skdistill.serving import Scorer
from skdistill.student import QuantizedMLP

# Largest gap of a probability; for int8 the mean Kullback-Leibler divergence.
TOLERANCES = {None: 1e-5, "int8": 0.01}
# A label may differ where two classes are as probable: float32 rounds them apart.
TIE = 1e-6


@dataclass(frozen=True)
class ExportReport:
    """How an exported file compares with its classifier.

    Attributes
    ----------
    path : str
    n_bytes : int
    quantize : None or "int8"
        As it was asked for.
    n_rows : int
        Rows they were compared on.
    largest_gap : float
        Largest difference of a probability.
    mean_kl : float
        Mean Kullback-Leibler divergence of the file's probabilities from the classifier's, in nats.
    agreement : float
        Share of the rows with the same label.
    weights : {"float32", "int8", "int4", "int2"}
        What they are stored as.
    """

    path: str
    n_bytes: int
    quantize: str | None
    n_rows: int
    largest_gap: float
    mean_kl: float
    agreement: float
    weights: str

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.n_bytes:,} bytes, {self.weights}; on "
            f"{self.n_rows:,} rows the largest gap of a probability is {self.largest_gap:.1e}, "
            f"the mean KL divergence {self.mean_kl:.1e}, the agreement {self.agreement:.4f}"
        )


@dataclass(frozen=True)
class NumberReport:
    """How an exported file compares with its regressor.

    Attributes
    ----------
    path : str
    n_bytes : int
    quantize : None or "int8"
        As it was asked for.
    n_rows : int
        Rows they were compared on.
    largest_gap, mean_gap : float
        Difference of a number, as a share of the range of y.
    weights : {"float32", "int8", "int4", "int2"}
        What they are stored as.
    """

    path: str
    n_bytes: int
    quantize: str | None
    n_rows: int
    largest_gap: float
    mean_gap: float
    weights: str

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.n_bytes:,} bytes, {self.weights}; on "
            f"{self.n_rows:,} rows the largest gap of a number is {self.largest_gap:.1e} of the "
            f"range of y, the mean gap {self.mean_gap:.1e}"
        )


def stored_weights(student: BaseDistiller, quantize: str | None) -> str:
    """What a file stores the weights of a student as.

    Parameters
    ----------
    student : DistilledClassifier or DistilledRegressor
        Fitted.
    quantize : None or "int8"

    Returns
    -------
    {"float32", "int8", "int4", "int2"}
    """
    module = student.student_.module_
    if isinstance(module, QuantizedMLP):  # its integers stay as they are
        return f"int{module.bits}"
    return quantize or "float32"


def compare(
    student: BaseDistiller,
    file: Path,
    X: Table,
    path: Path,
    quantize: str | None,
    tolerance: float | None = None,
) -> ExportReport | NumberReport:
    """Compare a file with the classifier or the regressor that it came from.

    Parameters
    ----------
    student : DistilledClassifier or DistilledRegressor
    file : Path
    X : array-like or DataFrame of shape (n_samples, n_features)
    path : Path
        What the file will be called.
    quantize : None or "int8"
    tolerance : float, default=None

    Returns
    -------
    ExportReport or NumberReport

    Raises
    ------
    ValueError
        If they differ by more than the tolerance, or labels do though the probabilities do not.
    """
    scorer = Scorer(file)
    ask = _probabilities if hasattr(student, "classes_") else partial(_numbers, student)
    expected, found = ask(student, X), ask(scorer, X).astype(np.float64)
    of_file: dict[str, Any] = {
        "path": str(path),
        "n_bytes": file.stat().st_size,
        "quantize": quantize,
        "n_rows": len(found),
        "largest_gap": float(np.abs(found - expected).max()),
        "weights": stored_weights(student, quantize),
    }
    tolerance = TOLERANCES[quantize] if tolerance is None else tolerance
    report: ExportReport | NumberReport
    if hasattr(student, "classes_"):
        labels, exported = student.predict(X), scorer.predict(X)
        agreement = float(np.mean(labels == exported))
        report = ExportReport(**of_file, mean_kl=_mean_kl(expected, found), agreement=agreement)
        _check_gap(report, report.mean_kl, tolerance, "classifier", "")
        _check_labels(labels, exported, found, report.largest_gap)
    else:
        report = NumberReport(**of_file, mean_gap=float(np.abs(found - expected).mean()))
        _check_gap(report, report.mean_gap, tolerance, "regressor", " of the range of y")
    _check_one_row(ask(scorer, safe_indexing(X, slice(0, 1))), found)
    return report


def _probabilities(model: Any, X: Table) -> FloatArray:
    return model.predict_proba(X)


def _numbers(reg: Any, model: Any, X: Table) -> FloatArray:
    """The numbers, or quantiles, of a regressor or its file, as shares of the range of y."""
    answers = model.predict_quantiles(X) if hasattr(reg, "quantiles_") else model.predict(X)
    return answers.reshape(len(answers), -1) / spread_of(reg.target_scaler_)


def _check_gap(
    report: ExportReport | NumberReport, mean: float, tolerance: float, kind: str, unit: str
) -> None:
    """Raise if the largest gap, or of int8 the mean one, is above the tolerance."""
    measured = report.largest_gap if report.quantize is None else mean
    if not measured <= tolerance:
        raise ValueError(
            f"the exported graph does not answer as the {kind} does, within {tolerance:.1e}{unit}; "
            f"no file is written. {report}. Give a larger `tolerance` if that will do."
        )


def _check_labels(
    labels: NDArray[Any], exported: NDArray[Any], found: FloatArray, largest_gap: float
) -> None:
    """Raise if labels differ though the probabilities do not."""
    # A label follows the probabilities, unless classes are within the rounding of each other.
    differ = labels != exported
    if differ.any() and _margin(found[differ]).max() > 2 * largest_gap + TIE:
        raise ValueError(
            f"the exported graph gives other labels, for instance '{exported[differ][0]}' for "
            f"'{labels[differ][0]}', with the same probabilities; no file is written."
        )


def _check_one_row(one: FloatArray, found: FloatArray) -> None:
    """Raise if a row has another answer alone than among others."""
    gap = np.abs(one - found[:1]).max()
    if not gap <= TOLERANCES[None]:
        raise ValueError(
            "the exported graph gives another answer for a row alone than for the same row among "
            f"others: they differ by {gap:.1e}, and {TOLERANCES[None]:.1e} is allowed. No file is "
            "written."
        )


def _mean_kl(expected: FloatArray, found: FloatArray) -> float:
    found = np.maximum(found, np.finfo(np.float32).tiny)
    found /= found.sum(axis=1, keepdims=True)
    return float(row_divergences(expected, found, least=0.0).mean())


def _margin(p: FloatArray) -> FloatArray:
    """Probability of the best class less that of the second."""
    top = np.sort(p, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]
