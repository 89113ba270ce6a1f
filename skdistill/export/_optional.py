"""Packages of the extra `onnx`, imported when they are needed."""

from importlib import import_module
from types import ModuleType

EXTRA = 'pip install "skdistill[onnx]"'


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
    try:
        module = import_module(name)
    except ImportError as error:
        raise ImportError(
            f"export to ONNX needs the package {name}: {EXTRA} ({error})", name=name
        ) from error
    if name == "onnx":
        for part in ("checker", "helper", "numpy_helper"):
            import_module(f"onnx.{part}")
    return module
