"""Packages of the extra `onnx`, imported when they are needed."""

from importlib import import_module
from types import ModuleType

from skdistill._utils.optional import require as require_of


def require(name: str) -> ModuleType:
    """Import a package of the extra, as :func:`skdistill._utils.optional.require` does."""
    module: ModuleType = require_of(name, "onnx")
    if name == "onnx":
        for part in ("checker", "helper", "numpy_helper"):
            import_module(f"onnx.{part}")
    return module
