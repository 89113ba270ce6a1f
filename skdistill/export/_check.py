"""The exported file against the classifier it came from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skdistill._utils._compat import safe_indexing
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.classifier import DistilledClassifier
from skdistill.export._target import spread_of
from skdistill.metrics import row_divergences
from skdistill.serving import Scorer

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
    n_rows : int
        Rows they were compared on.
    largest_gap : float
        Largest difference of a probability.
    mean_kl : float
        Mean Kullback-Leibler divergence of the file's probabilities from the classifier's, in nats.
    agreement : float
        Share of the rows with the same label.
    """

    path: str
    n_bytes: int
    quantize: str | None
    n_rows: int
    largest_gap: float
    mean_kl: float
    agreement: float

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.n_bytes:,} bytes, {self.quantize or 'float32'}; on "
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
    n_rows : int
        Rows they were compared on.
    largest_gap, mean_gap : float
        Difference of a number, as a share of the range of y.
    """

    path: str
    n_bytes: int
    quantize: str | None
    n_rows: int
    largest_gap: float
    mean_gap: float

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.n_bytes:,} bytes, {self.quantize or 'float32'}; on "
            f"{self.n_rows:,} rows the largest gap of a number is {self.largest_gap:.1e} of the "
            f"range of y, the mean gap {self.mean_gap:.1e}"
        )


def compare_numbers(
    reg: Estimator,
    file: Path,
    X: Table,
    path: Path,
    quantize: str | None,
    tolerance: float | None = None,
) -> NumberReport:
    """Compare a file with its regressor; see :func:`compare`.

    Parameters
    ----------
    reg : DistilledRegressor
    file : Path
    X : array-like or DataFrame of shape (n_samples, n_features)
    path : Path
    quantize : None or "int8"
    tolerance : float, default=None

    Returns
    -------
    NumberReport

    Raises
    ------
    ValueError
        If they differ by more than the tolerance.
    """
    scorer, spread = Scorer(file), spread_of(reg.target_scaler_)

    def told(model: Any, rows: Table) -> FloatArray:
        ask = model.predict_quantiles if hasattr(reg, "quantiles_") else model.predict
        answers = ask(rows)
        return answers.reshape(len(answers), -1) / spread

    found = told(scorer, X)
    gap = np.abs(found - told(reg, X))
    report = NumberReport(
        path=str(path),
        n_bytes=file.stat().st_size,
        quantize=quantize,
        n_rows=len(gap),
        largest_gap=float(gap.max()),
        mean_gap=float(gap.mean()),
    )
    tolerance = TOLERANCES[quantize] if tolerance is None else tolerance
    measured = report.largest_gap if quantize is None else report.mean_gap
    if not measured <= tolerance:
        raise ValueError(
            f"the exported graph does not answer as the regressor does, within {tolerance:.1e} of "
            f"the range of y; no file is written. {report}. Give a larger `tolerance` if that will "
            "do."
        )
    _check_one_row(told(scorer, _first_row(X)), found)
    return report


def compare(
    clf: DistilledClassifier,
    file: Path,
    X: Table,
    path: Path,
    quantize: str | None,
    tolerance: float | None = None,
) -> ExportReport:
    """Compare a file with its classifier.

    Parameters
    ----------
    clf : DistilledClassifier
    file : Path
    X : array-like or DataFrame of shape (n_samples, n_features)
    path : Path
        What the file will be called.
    quantize : None or "int8"
    tolerance : float, default=None

    Returns
    -------
    ExportReport

    Raises
    ------
    ValueError
        If they differ by more than the tolerance, or labels do though the probabilities do not.
    """
    scorer = Scorer(file)
    expected, found = clf.predict_proba(X), scorer.predict_proba(X).astype(np.float64)
    labels, exported = clf.predict(X), scorer.predict(X)
    report = ExportReport(
        path=str(path),
        n_bytes=file.stat().st_size,
        quantize=quantize,
        n_rows=len(expected),
        largest_gap=float(np.abs(found - expected).max()),
        mean_kl=_mean_kl(expected, found),
        agreement=float(np.mean(labels == exported)),
    )
    tolerance = TOLERANCES[quantize] if tolerance is None else tolerance
    measured = report.largest_gap if quantize is None else report.mean_kl
    if not measured <= tolerance:
        raise ValueError(
            f"the exported graph does not answer as the classifier does, within {tolerance:.1e}; "
            f"no file is written. {report}. Give a larger `tolerance` if that will do."
        )
    # A label follows the probabilities, unless classes are within the rounding of each other.
    differ = labels != exported
    if differ.any() and _margin(found[differ]).max() > 2 * report.largest_gap + TIE:
        raise ValueError(
            f"the exported graph gives other labels, for instance '{exported[differ][0]}' for "
            f"'{labels[differ][0]}', with the same probabilities; no file is written."
        )
    _check_one_row(scorer.predict_proba(_first_row(X)), found)
    return report


def _first_row(X: Table) -> Table:
    return safe_indexing(X, slice(0, 1))


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
