"""What an exported file says of itself."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from skdistill._stored.files import current_features
from skdistill._utils.levels import BOOLS, NUMBERS, TEXT, kinds_of
from skdistill.serving._matrix import MATRIX

# What ONNX Runtime calls the types of a tensor.
_TYPES = {"tensor(float)": "float32", "tensor(double)": "float64"}
# What the values of a category column are, by what the categories are.
_DTYPES = {TEXT: "string", NUMBERS: "number", BOOLS: "bool"}


@dataclass(frozen=True)
class Column:
    """A column of the table that a file answers for.

    Attributes
    ----------
    name : str
        Its position where the student was fitted without names.
    kind : {"number", "category"}
    dtype : str
        "float64" or "float32" of a number; "string", "bool", "number" or several of them, joined by
        " or ", of a category.
    levels : list of (str, bool, int or float) or None
        The categories. None of a number, and of a column of text in a file of an older version. The
        place of a category, from 0, is its code in a file with ``layout="matrix"``.
    may_be_missing : bool
        Whether a cell may be empty.
    """

    name: str
    kind: str
    dtype: str
    levels: list[Any] | None
    may_be_missing: bool


@dataclass(frozen=True)
class Tensor:
    """An input or an output of the graph.

    Attributes
    ----------
    name : str
    dtype : str
    shape : list of (int or str)
        The number of rows is "n_rows".
    """

    name: str
    dtype: str
    shape: list[int | str]


@dataclass(frozen=True)
class ModelMetadata:
    """What an exported file says of itself: :attr:`skdistill.Scorer.metadata`.

    What a file does not say is None: an older file says less, and a student without its teachers
    does not know them.

    Parameters
    ----------
    task : {"classification", "regression", "quantiles"}
    classes : list of (str, int, bool or float) or None
    quantiles : list of float or None
        Levels of the quantiles.
    n_outputs : int
        Classes, targets or quantiles.
    has_names : bool
        Whether the student was fitted with names of the columns.
    columns : list of Column
        Empty for a student with an encoder of the user's own that is no file yet.
    inputs : list of Tensor
    outputs : list of Tensor
    quantize : None or "int8"
    layout : {"columns", "matrix"}
        Whether the graph takes numbers and texts, or one float32 matrix with codes.
    n_bytes : int or None
        Of the file; None of a student that is no file yet.
    is_as_written : bool
        False where another tool has written the file again.
    packages : dict of str to str
        Versions of skdistill and of the libraries that it was exported with.
    student : str or None
        The module.
    n_parameters : int or None
        Numbers that the module has learned.
    teachers : list of dict or None
        ``name``, ``type`` and ``packages``, the versions of the libraries of each teacher.
    alpha : float or None
        Weight of the labels.
    temperature : float or None
        Of the soft targets.
    calibration_temperature : float or None
        What the logits are divided by; the weights in the file are divided by it already.
    decision : str or None
        What the fit kept, and why.
    data_hash : str or None
        What :func:`skdistill.data_hash` gives for the rows of the fit.
    is_refreshed : bool or None
        Whether the student has gone on with other rows since.
    licence : str or None
        As given to :func:`skdistill.to_onnx`.
    report : dict or None
        ``digest``, ``verdict``, ``n_rows`` and ``scores`` of the report given to it.
    created : str or None
        When the file was made, if it was told.
    """

    task: str
    classes: list[Any] | None
    quantiles: list[float] | None
    n_outputs: int
    has_names: bool
    columns: list[Column]
    inputs: list[Tensor]
    outputs: list[Tensor]
    quantize: str | None
    layout: str
    n_bytes: int | None
    is_as_written: bool
    packages: dict[str, str]
    student: str | None = None
    n_parameters: int | None = None
    teachers: list[dict[str, Any]] | None = None
    alpha: float | None = None
    temperature: float | None = None
    calibration_temperature: float | None = None
    decision: str | None = None
    data_hash: str | None = None
    is_refreshed: bool | None = None
    licence: str | None = None
    report: dict[str, Any] | None = None
    created: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON.

        Returns
        -------
        dict
        """
        return dataclasses.asdict(self)


def metadata_of(
    metadata: dict[str, str],
    session: Any = None,
    n_bytes: int | None = None,
    is_as_written: bool = True,
) -> ModelMetadata:
    """Read what a file says of itself.

    Parameters
    ----------
    metadata : dict of str to str
        As the file holds them.
    session : onnxruntime.InferenceSession, default=None
        None of a student that is no file yet.
    n_bytes : int, default=None
    is_as_written : bool, default=True

    Returns
    -------
    ModelMetadata
    """
    told = json.loads(metadata.get("provenance", "{}"))
    features = current_features(json.loads(metadata["features"]))
    known = {field.name for field in dataclasses.fields(ModelMetadata)}
    quantize = metadata["quantize"]
    return ModelMetadata(
        **_what_it_predicts(metadata),
        has_names=features["names"] is not None,
        columns=_columns(features),
        inputs=[] if session is None else [_tensor(one) for one in session.get_inputs()],
        outputs=[] if session is None else [_tensor(one) for one in session.get_outputs()],
        quantize=None if quantize == "None" else quantize,
        layout=features["layout"],
        n_bytes=n_bytes,
        is_as_written=is_as_written,
        packages=json.loads(metadata["packages"]),
        **{name: value for name, value in told.items() if name in known},
    )


def _what_it_predicts(metadata: dict[str, str]) -> dict[str, Any]:
    if "targets" not in metadata:
        classes = json.loads(metadata["classes"])["values"]
        found = {"classes": classes, "quantiles": None, "n_outputs": len(classes)}
        return {"task": "classification"} | found
    targets = json.loads(metadata["targets"])
    levels, n_outputs = targets["quantiles"], targets["n_targets"]
    if levels is None:
        return {"task": "regression", "classes": None, "quantiles": None, "n_outputs": n_outputs}
    return {"task": "quantiles", "classes": None, "quantiles": levels, "n_outputs": len(levels)}


def _columns(features: dict[str, Any]) -> list[Column]:
    kinds = features["kinds"]
    names = features["names"] or [str(place) for place in range(len(kinds))]
    pairs = zip(features["levels"], features["text_levels"], strict=True)
    levels = iter([text if level is None else level for level, text in pairs])
    number = "float32" if features["layout"] == MATRIX else features["number_type"]
    return [
        Column(name, kind, number, None, features["allow_missing"])
        if kind == "number"
        else _category(name, next(levels), not features["own_encoder"])
        for name, kind in zip(names, kinds, strict=True)
    ]


def _category(name: str, levels: list[Any] | None, may_be_missing: bool) -> Column:
    kinds = kinds_of(levels) if levels else {TEXT}
    dtype = " or ".join(sorted(_DTYPES[kind] for kind in kinds))
    return Column(name, "category", dtype, levels, may_be_missing)


def _tensor(value: Any) -> Tensor:
    dtype = _TYPES.get(value.type, value.type.removeprefix("tensor(").removesuffix(")"))
    return Tensor(value.name, dtype, list(value.shape))
