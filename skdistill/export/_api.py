"""The function that exports."""

import datetime
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

from scipy.sparse import issparse
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill._base import BaseDistiller
from skdistill._utils.files import check_target, write_whole
from skdistill._utils.types import Table
from skdistill.export._build import build
from skdistill.export._check import ExportReport, NumberReport, compare
from skdistill.export._drawn import draw_table
from skdistill.export._file import to_bytes
from skdistill.export._int8 import quantize_weights
from skdistill.export._matrix import check_digits
from skdistill.export._optional import require
from skdistill.export._provenance import Notes, provenance_of
from skdistill.export._schema import schema_of
from skdistill.export._student import own_columns, student_of
from skdistill.export._target import target_of
from skdistill.inspection import DistillationReport
from skdistill.serving import COLUMNS, MATRIX


def to_onnx(
    clf: BaseDistiller,
    path: str | Path,
    *,
    quantize: str | None = None,
    X: Table | None = None,
    overwrite: bool = False,
    tolerance: float | None = None,
    layout: str = COLUMNS,
    licence: str | None = None,
    report: DistillationReport | None = None,
    created: datetime.datetime | str | None = None,
) -> ExportReport | NumberReport:
    """Write a fitted student as one ONNX file, from raw columns to what it predicts.

    Encoding, missing values, categories and calibration are inside the graph; :class:`Scorer`, or
    any ONNX Runtime, needs nothing of the training. The file is checked against the classifier
    before it takes its place: what does not answer the same is not written.

    Parameters
    ----------
    clf : DistilledClassifier or DistilledRegressor
        Fitted. Of a search, give ``search.best_estimator_``. Of a Pipeline, give the last step:
        its file takes the columns that the steps before it give, not the raw ones. To have those
        steps in the graph, convert the Pipeline whole; see :func:`register_skl2onnx_converter`.
    path : str or Path
        File to write.
    quantize : None or "int8", default=None
        "int8" stores the weights in 8 bits, a quarter of the bytes. The arithmetic stays float32.
    X : array-like or DataFrame of shape (n_samples, n_features), default=None
        Rows to check the file on. None draws 512 rows from the ranges and categories that the
        encoder learned, with missing and unknown values among them. An `encoder` of your own needs
        X, to tell the types of the columns.
    overwrite : bool, default=False
        Whether a file at `path` may be replaced.
    tolerance : float, default=None
        Largest gap of a probability that passes, or of a number as a share of the range of y: None
        for 1e-5. With ``quantize="int8"`` the largest mean Kullback-Leibler divergence, None for
        0.01, or the largest mean gap of a number, None for 0.01.
    layout : {"columns", "matrix"}, default="columns"
        "matrix" is one float32 input and one float32 output, by ONNX' core operators alone, for
        runtimes that know no strings; see the notes.
    licence : str, default=None
        A note for the metadata: under which licence the file is, and which that of the teacher
        allows.
    report : DistillationReport, default=None
        Its digest, verdict and scores go into the metadata.
    created : datetime.datetime or str, default=None
        Time for the metadata, by ISO 8601. None takes that of the environment variable
        ``SOURCE_DATE_EPOCH``, or tells no time, so that two exports are equal to the byte.

    Returns
    -------
    ExportReport
        `path`, `n_bytes`, `quantize`, `weights`, `n_rows`, `largest_gap`, `mean_kl`, `agreement`:
        what the check measured. Of a regressor a :class:`~skdistill.export.NumberReport`, with
        `mean_gap` in the place of the last two.

    Raises
    ------
    ImportError
        If a package of the extra `onnx` is missing.
    FileExistsError
        If there is a file at `path` and `overwrite` is False.
    ValueError
        If the student or its encoder cannot be converted, or the graph does not answer as the
        classifier. No file is written then.

    Notes
    -----
    Numbers are one float64 matrix (input ``numbers``), categories one matrix of strings (input
    ``categories``), each in the order of the table; an input is left out where there are no such
    columns. A missing number is NaN, a missing category the text that the metadata `features`
    names `missing`, the empty one unless that is a category. The outputs are ``label`` and
    ``probabilities``; of a regressor ``predictions``, a float64 matrix of a column a target or
    quantile. With ``encoder="passthrough"`` the numbers are float32.

    With ``layout="matrix"`` the input ``features`` has a column for each of the table, in its
    order. A category is the place of its text in the metadata `features` (``levels`` or
    ``text_levels``), from 0; NaN is missing, and any other number is unknown.
    :meth:`Scorer.to_matrix` makes it. The output is ``probabilities`` or ``predictions``. The
    check rounds the rows that it draws to float32, but not those of X.

    The metadata also say where the student comes from: teachers, versions, a hash of the rows,
    settings. :attr:`Scorer.metadata` reads them. A few rows made of medians and categories are in
    the file with their answers: :func:`self_check` asks them.
    """
    _check_arguments(clf, quantize, tolerance, layout)
    for package in ("onnx", "onnxruntime"):
        require(package)
    notes = Notes(licence, report, created)
    notes.check()
    target = check_target(path, overwrite)
    if X is not None and issparse(X):
        X = X.toarray()  # the graph takes dense rows
    X = None if X is None else own_columns(clf, X)
    schema = replace(schema_of(clf, X), layout=layout)
    student = student_of(clf)
    if layout == MATRIX:
        check_digits(student.encoder, schema)
    what = target_of(clf, layout)
    graph = build(student, schema, what.answer)
    if quantize == "int8":
        quantize_weights(graph)
    provenance = provenance_of(clf, notes)
    data = to_bytes(graph, student.encoder, what, schema, quantize, provenance)
    rows = draw_table(student.encoder, schema) if X is None else X

    def check(file: Path) -> ExportReport | NumberReport:
        return compare(clf, file, rows, target, quantize, tolerance)

    return write_whole(data, target, check)


def _check_arguments(clf: Any, quantize: str | None, tolerance: float | None, layout: str) -> None:
    """Raise for what is no fitted student, and for values that are not known."""
    if not isinstance(clf, BaseDistiller):
        raise TypeError(
            "`clf` must be a DistilledClassifier or a DistilledRegressor, got "
            f"{type(clf).__name__}: {_advice(clf)}."
        )
    check_is_fitted(clf)
    if quantize not in (None, "int8"):
        raise ValueError(f"`quantize` must be None or 'int8', got {quantize!r}.")
    if tolerance is not None and not (isinstance(tolerance, Real) and tolerance >= 0):
        raise ValueError(f"`tolerance` must be None or a number of 0 or above, got {tolerance!r}.")
    if layout not in (COLUMNS, MATRIX):
        raise ValueError(f"`layout` must be 'columns' or 'matrix', got {layout!r}.")


def _advice(clf: Any) -> str:
    """What to give instead of something that is no student."""
    if hasattr(clf, "best_estimator_"):
        return "give the fitted student in it, its `best_estimator_`"
    if isinstance(clf, FrozenEstimator):
        return "give what is frozen in it, its `estimator`"
    return (
        "of a Pipeline give the last step, whose file takes the columns that the steps before it "
        "give, not the raw ones, or convert the Pipeline whole with register_skl2onnx_converter()"
    )
