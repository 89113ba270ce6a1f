"""The files of the rungs: written, asked and timed as they would be served."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import narwhals as nw
import numpy as np
from scipy.sparse import issparse

from skdistill._base import BaseDistiller
from skdistill._ladder.sizes import size_of
from skdistill._utils._compat import num_samples, safe_indexing
from skdistill._utils.types import FloatArray, Table
from skdistill.export._api import to_onnx
from skdistill.export._check import stored_weights
from skdistill.export._student import own_columns
from skdistill.inspection._costs import BATCH_ROWS, SINGLE_CALLS, seconds_of_calls, tiled
from skdistill.serving import Scorer
from skdistill.table import TabularEncoder, is_frame

# Times that the files take turns: a moment in which the machine is busy meets all of them.
TURNS = 3
# Rows on which an encoder of the user's own is checked.
CHECKED_ROWS = 512


@dataclass(frozen=True)
class File:
    """An exported student.

    Attributes
    ----------
    rung : DistilledClassifier or DistilledRegressor
        That it was exported from.
    place : int
        Of the rung.
    quantize : None or "int8"
    data : bytes
        Its content.
    """

    rung: BaseDistiller
    place: int
    quantize: str | None
    data: bytes

    @property
    def weights(self) -> str:
        """What the weights are stored as, such as "float32"."""
        return stored_weights(self.rung, self.quantize)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{size_of(self.rung)}, {self.weights}"

    def asker(self) -> Any:
        """The method of a Scorer that answers as the student does, on one thread."""
        scorer = Scorer(self.data, n_threads=1)
        if self.rung._kind.has_classes:
            return scorer.predict_proba
        return scorer.predict_quantiles if hasattr(self.rung, "quantiles_") else scorer.predict

    def answers(self, X: Table) -> FloatArray:
        """Its answers for rows, of shape (n_rows, n_outputs)."""
        answers = self.asker()(_columns(self.rung, X))
        return answers.reshape(num_samples(X), -1).astype(np.float64)


def export(rung: BaseDistiller, place: int, quantize: str | None, X: Table) -> File:
    """Write the file of a student and read it again.

    Parameters
    ----------
    rung : DistilledClassifier or DistilledRegressor
    place : int
    quantize : None or "int8"
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows to check the file on, where it takes some of the table.

    Returns
    -------
    File
    """
    is_own = not isinstance(rung.encoder_, (TabularEncoder, type(None)))
    rows = safe_indexing(X, np.arange(min(num_samples(X), CHECKED_ROWS))) if is_own else None
    # What int8 loses is measured on the rows held out, so no loss of it is refused here.
    tolerance = None if quantize is None else np.inf
    with TemporaryDirectory() as folder:
        path = Path(folder) / "student.onnx"
        to_onnx(rung, path, quantize=quantize, X=rows, tolerance=tolerance)
        return File(rung, place, quantize, path.read_bytes())


def export_all(rungs: dict[int, BaseDistiller], quantize: Any, X: Table) -> tuple[list[File], int]:
    """Write the files of all rungs.

    Parameters
    ----------
    rungs : dict of int to estimator
        By their places.
    quantize : bool or "auto"
    X : array-like or DataFrame of shape (n_samples, n_features)

    Returns
    -------
    files : list of File
    n_left_out : int
        int8 files that "auto" left out, since they are not smaller.
    """
    files, n_left_out = [], 0
    for place, rung in rungs.items():
        plain = export(rung, place, None, X)
        files.append(plain)
        if quantize is False:
            continue
        packed = export(rung, place, "int8", X)
        if quantize is True or len(packed.data) < len(plain.data):
            files.append(packed)
        else:
            n_left_out += 1
    return files, n_left_out


def _columns(rung: BaseDistiller, X: Table) -> Table:
    """Rows as the file takes them: dense, with the columns of the student."""
    X = own_columns(rung, X)
    return X.toarray() if issparse(X) else X


def single_rows(rung: BaseDistiller, X: Table) -> list[Any]:
    """Rows one by one, as a service has them: dicts where columns have names, else arrays."""
    X = _columns(rung, X)
    rows = safe_indexing(X, np.arange(min(num_samples(X), SINGLE_CALLS)))
    if is_frame(rows) and hasattr(rung, "feature_names_in_"):
        return nw.from_native(rows, eager_only=True).rows(named=True)
    if hasattr(rows, "itertuples"):  # a pandas frame without names is slow to take apart
        return [[list(row)] for row in rows.itertuples(index=False, name=None)]
    return [safe_indexing(rows, [i]) for i in range(num_samples(rows))]


def measure(files: list[File], X: Table) -> list[dict[str, float]]:
    """Weigh and time files, in turns, on one thread.

    Parameters
    ----------
    files : list of File
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows to ask about.

    Returns
    -------
    list of dict of str to float
        ``bytes``; microseconds of a call with one row (``us_one_row``) and, of one with 10,000,
        by row (``us_per_row``): the median, and the quartiles under ``_q25`` and ``_q75``.
    """
    askers = [file.asker() for file in files]
    singles = single_rows(files[0].rung, X)
    batch = tiled(_columns(files[0].rung, X))
    ones: list[list[float]] = [[] for _ in files]
    many: list[list[float]] = [[] for _ in files]
    for _ in range(TURNS):
        for place, ask in enumerate(askers):
            seconds, batches = seconds_of_calls(ask, singles, batch)
            ones[place] += seconds
            many[place] += batches
    return [
        {"bytes": len(file.data)}
        | _quartiles("us_one_row", one, 1)
        | _quartiles("us_per_row", batches, BATCH_ROWS)
        for file, one, batches in zip(files, ones, many, strict=True)
    ]


def _quartiles(name: str, seconds: list[float], n_rows: int) -> dict[str, float]:
    low, middle, high = np.quantile(seconds, [0.25, 0.5, 0.75]) * 1e6 / n_rows
    return {name: middle, f"{name}_q25": low, f"{name}_q75": high}
