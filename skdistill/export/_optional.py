"""Packages of the extra `onnx`, imported when they are needed."""

from importlib import import_module
from types import ModuleType

from skdistill._utils.optional import require as require_of


def require(name: str) -> ModuleType:
    """Import a package of the extra.

    Parameters
    ----------
    name : str

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is not installed; the message names the extra.
    """
    module: ModuleType = require_of(name, "onnx")
    if name == "onnx":
        for part in ("checker", "helper", "numpy_helper"):
            import_module(f"onnx.{part}")
    return module
