"""Export of a fitted student to ONNX, and its model card. Needs the extras `onnx` and `card`."""

from skdistill.export._api import to_onnx
from skdistill.export._card import model_card
from skdistill.export._check import ExportReport, NumberReport
from skdistill.export._converter import register_skl2onnx_converter
from skdistill.export._provenance import data_hash

__all__ = [
    "ExportReport",
    "NumberReport",
    "data_hash",
    "model_card",
    "register_skl2onnx_converter",
    "to_onnx",
]

# The path that users know; the files may move.
for _public in (
    ExportReport,
    NumberReport,
    data_hash,
    model_card,
    register_skl2onnx_converter,
    to_onnx,
):
    _public.__module__ = __name__
