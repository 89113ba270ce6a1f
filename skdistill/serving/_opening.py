"""A file, or its content, and the session that answers from it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from skdistill.serving._model_file import names_of_external_files

if TYPE_CHECKING:  # not imported before it is asked for
    from onnxruntime import InferenceSession

# The file, or its content.
Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO


def read_source(path: Source) -> tuple[bytes, dict[str, bytes], str]:
    """The content of a file, that of the files beside it that it names, and what to call it.

    Parameters
    ----------
    path : str, Path, bytes, bytearray, memoryview or binary file

    Returns
    -------
    data : bytes
    files : dict of str to bytes
    name : str
        For errors.
    """
    if isinstance(path, (str, os.PathLike)):
        data = Path(path).read_bytes()
        return data, _files_beside(data, Path(path)), f"the file {os.fspath(path)!r}"
    given: Any = path.read() if hasattr(path, "read") else path
    if not isinstance(given, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"`path` must be a path, bytes or a binary file, got {type(path).__name__}."
        )
    return bytes(given), {}, "the content given as `path`"


def _files_beside(data: bytes, path: Path) -> dict[str, bytes]:
    """Where a tool has put weights of the model into files of their own: these files, by name."""
    folder = path.parent.resolve()
    files = {name: (folder / name).resolve() for name in names_of_external_files(data)}
    return {
        name: file.read_bytes()
        for name, file in files.items()
        if file.is_relative_to(folder) and file.is_file()
    }


def open_session(
    data: bytes,
    name: str,
    n_threads: int,
    files: dict[str, bytes] | None = None,
    *,
    fault: str = "is damaged or truncated, for ONNX Runtime cannot load it",
) -> "InferenceSession":
    """Load a model into ONNX Runtime.

    Parameters
    ----------
    data : bytes
    name : str
        What to call it in an error.
    n_threads : int
    files : dict of str to bytes, default=None
        Its external data.
    fault : str
        What an error says of it where ONNX Runtime cannot load it.

    Returns
    -------
    onnxruntime.InferenceSession
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            'Scorer needs the package onnxruntime: pip install "skdistill[onnx]"', name=error.name
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if files:
        sizes = [len(content) for content in files.values()]
        options.add_external_initializers_from_files_in_memory(
            list(files), list(files.values()), sizes
        )
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own kinds
        raise ValueError(f"{name} {fault}: {error}") from error
