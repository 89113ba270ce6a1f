"""An exported student behind HTTP: a FastAPI application around :class:`skdistill.Scorer`.

It imports neither torch nor scikit-learn.
"""

import json
import math
import os
from types import GenericAlias
from typing import TYPE_CHECKING, Any

from skdistill._utils.counts import check_counts
from skdistill._utils.optional import require
from skdistill.serving import Column, ModelMetadata, Scorer, self_check

if TYPE_CHECKING:  # of the extra `serve`
    from fastapi import FastAPI

__all__ = ["create_app"]

# Where the file is, if :func:`create_app` is not told.
MODEL_VARIABLE = "SKDISTILL_MODEL"
MAX_ROWS = 10_000
EXTRA = "serve"


def create_app(
    path: "str | os.PathLike[str] | Scorer | None" = None,
    *,
    max_rows: int = MAX_ROWS,
    n_threads: int = 1,
) -> "FastAPI":
    """Make a service of an exported student. Needs the extra `serve`.

    ============== ================================================================================
    GET /health    200 once the file is loaded and its self-check has passed
    GET /schema    what :attr:`Scorer.metadata` says: columns, categories, classes, versions
    POST /predict  ``{"rows": [{...}, ...]}`` to the answers, in the order of the rows
    ============== ================================================================================

    A row is an object with a value for each column, null for a missing one; of a student that was
    fitted without names, a list. Rows that are not such are an error 422 that names row and column.
    OpenAPI describes them under ``/docs``.

    Parameters
    ----------
    path : str, Path or Scorer, default=None
        File of :func:`skdistill.to_onnx`. None takes the path in the environment variable
        ``SKDISTILL_MODEL``, as ``uvicorn --factory skdistill.service:create_app`` needs it.
    max_rows : int, default=10_000
        Rows that a request may have.
    n_threads : int, default=1
        Threads of ONNX Runtime within a request.

    Returns
    -------
    fastapi.FastAPI

    Raises
    ------
    ImportError
        If FastAPI is not installed.
    ValueError
        If no file is told, it is not whole, its self-check fails, or a parameter is not valid.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier, MLPStudent, to_onnx
    >>> from skdistill.service import create_app
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(LogisticRegression(max_iter=500), MLPStudent((8,))).fit(X, y)
    >>> folder = TemporaryDirectory()
    >>> report = to_onnx(clf, Path(folder.name) / "student.onnx")
    >>> app = create_app(Path(folder.name) / "student.onnx")
    >>> folder.cleanup()
    """
    check_counts(max_rows=max_rows)
    fastapi = require("fastapi", EXTRA)
    scorer = path if isinstance(path, Scorer) else Scorer(_path_of(path), n_threads=n_threads)
    check, metadata = self_check(scorer), scorer.metadata
    app: FastAPI = fastapi.FastAPI(title="skdistill", version=metadata.packages["skdistill"])
    body = _request_type(metadata, max_rows)
    answer = fastapi.responses.JSONResponse
    about = metadata.to_dict()

    @app.exception_handler(fastapi.exceptions.RequestValidationError)
    def refuse(request: Any, error: Any) -> Any:
        return fastapi.Response(_refusal(error), 422, media_type="application/json")

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "ok", "task": metadata.task, "self_check_rows": check.n_rows}

    @app.get("/schema")
    def schema() -> Any:
        return answer(about)

    @app.post("/predict")
    def predict(request: body) -> Any:  # type: ignore[valid-type]
        try:
            return answer(_answers(scorer, metadata, request.rows))  # type: ignore[attr-defined]
        except (TypeError, ValueError) as error:
            detail = [{"type": "value_error", "loc": ["body", "rows"], "msg": str(error)}]
            raise fastapi.HTTPException(422, detail) from error

    return app


def _path_of(path: "str | os.PathLike[str] | None") -> "str | os.PathLike[str]":
    found = os.environ.get(MODEL_VARIABLE) if path is None else path
    if not found:
        raise ValueError(
            f"`path` is None and the environment variable {MODEL_VARIABLE} is not set: tell the "
            "file by one of them."
        )
    return found


def _request_type(metadata: ModelMetadata, max_rows: int) -> Any:
    """The body of a request as a model of pydantic, which tells row and column of an error."""
    pydantic = require("pydantic", EXTRA)
    rows = pydantic.conlist(_row_type(metadata), min_length=1, max_length=max_rows)
    return pydantic.create_model(
        "Rows", __config__=pydantic.ConfigDict(extra="forbid"), rows=(rows, ...)
    )


def _row_type(metadata: ModelMetadata) -> Any:
    """A row: an object by the names of the columns, or a list where they have none."""
    cells = {column.name: _cell_type(column) for column in metadata.columns}
    if not metadata.has_names:
        return GenericAlias(tuple, tuple(cells.values()))
    # Of this package, since pydantic does not take the one of typing before Python 3.12.
    row: Any = require("typing_extensions", EXTRA).TypedDict("Row", cells)
    row.__pydantic_config__ = require("pydantic", EXTRA).ConfigDict(extra="forbid")
    return row


def _cell_type(column: Column) -> Any:
    pydantic = require("pydantic", EXTRA)
    number = pydantic.confloat(strict=True, allow_inf_nan=False)
    # An integer stays one, so that a category is found as it is.
    types = {"string": str, "bool": pydantic.StrictBool, "number": pydantic.StrictInt | number}
    kind = number if column.kind == "number" else types[column.dtype.split(" or ")[0]]
    for other in column.dtype.split(" or ")[1:]:
        kind = kind | types[other]
    return kind | None if column.may_be_missing else kind


def _refusal(error: Any) -> str:
    """What is wrong with a request, as JSON; the bad value that it repeats may not be JSON."""
    encode = require("fastapi.encoders", EXTRA).jsonable_encoder
    return json.dumps({"detail": _finite(encode(error.errors()))}, allow_nan=False)


def _finite(value: Any) -> Any:
    """The same, with the names of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _answers(scorer: Scorer, metadata: ModelMetadata, rows: list[Any]) -> dict[str, Any]:
    """The answers to rows, as plain values."""
    if metadata.task == "classification":
        p = scorer.predict_proba(rows)
        labels = scorer.classes_[p.argmax(axis=1)].tolist()
        return {
            "labels": labels,
            "classes": scorer.classes_.tolist(),
            "probabilities": p.tolist(),
        }
    if metadata.task == "quantiles":
        quantiles = scorer.predict_quantiles(rows)
        levels = scorer.quantiles_.tolist()
        return {"levels": levels, "quantiles": quantiles.tolist()}
    return {"predictions": scorer.predict(rows).tolist()}
