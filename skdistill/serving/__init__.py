"""Exported students in production; imports NumPy and ONNX Runtime alone."""

from skdistill._utils.public import publish
from skdistill.serving._matrix import COLUMNS, FEATURES, MATRIX
from skdistill.serving._metadata import Column, ModelMetadata, Tensor, metadata_of
from skdistill.serving._model_file import (
    FILE_FORMAT,
    METADATA_CHECKSUM,
    UNSEALED,
    checksum_of,
    seal,
    write_probe,
)
from skdistill.serving._opening import Source, open_session
from skdistill.serving._rows import CATEGORIES, NUMBERS, Feed, RowReader
from skdistill.serving._scorer import Scorer
from skdistill.serving._self_check import SelfCheck, self_check

__all__ = [
    "CATEGORIES",
    "COLUMNS",
    "FEATURES",
    "FILE_FORMAT",
    "MATRIX",
    "METADATA_CHECKSUM",
    "NUMBERS",
    "UNSEALED",
    "Column",
    "Feed",
    "ModelMetadata",
    "RowReader",
    "Scorer",
    "SelfCheck",
    "Source",
    "Tensor",
    "checksum_of",
    "metadata_of",
    "open_session",
    "seal",
    "self_check",
    "write_probe",
]

# The path that stored models and users know.
for _public in (Column, ModelMetadata, Scorer, SelfCheck, Tensor, self_check):
    publish(_public, "skdistill.scorer")
