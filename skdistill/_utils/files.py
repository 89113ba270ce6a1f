"""Where a file is written, and how: whole, or not at all."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO


def check_target(path: str | os.PathLike[str], overwrite: bool, name: str = "path") -> Path:
    """Return the path of a file that may be written, or raise before there is any work.

    Parameters
    ----------
    path : str or path-like
    overwrite : bool
        Whether a file that is there may be replaced.
    name : str, default="path"
        The parameter, for errors.

    Returns
    -------
    pathlib.Path
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"`{name}` {str(path)!r} is a folder: give the path of a file.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`{name}` is {str(path)!r}, but there is no folder {str(path.parent)!r}: make it "
            "first."
        )
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"`{name}` {str(path)!r} exists: give overwrite=True, or another path."
        )
    return path


def write_whole(
    data: bytes | Callable[[BinaryIO], None],
    path: Path,
    check: Callable[[Path], Any] | None = None,
) -> Any:
    """Write a file that takes its place only when it is whole and passes the check.

    Parameters
    ----------
    data : bytes or callable
        A callable writes to the open file that it is given.
    path : pathlib.Path
    check : callable, default=None
        Called with the path of the file under its temporary name.

    Returns
    -------
    object
        What `check` returns.
    """
    # A name of its own for each call: threads and machines may write to one path at once.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:  # before the file is opened: a signal may come at once
        with temporary.open("xb") as file:
            if callable(data):
                data(file)
            else:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        result = None if check is None else check(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return result
