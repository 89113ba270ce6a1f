"""Exported students in production; imports NumPy and ONNX Runtime alone."""

from skdistill.serving._model_file import (
    FILE_FORMAT,
    METADATA_CHECKSUM,
    UNSEALED,
    checksum_of,
    seal,
    write_probe,
)
from skdistill.serving._rows import CATEGORIES, NUMBERS, Feed
from skdistill.serving._scorer import Scorer, Source, open_session

__all__ = [
    "CATEGORIES",
    "FILE_FORMAT",
    "METADATA_CHECKSUM",
    "NUMBERS",
    "UNSEALED",
    "Feed",
    "Scorer",
    "Source",
    "checksum_of",
    "open_session",
    "seal",
    "write_probe",
]

# The path that stored models and users know.
Scorer.__module__ = "skdistill.scorer"
