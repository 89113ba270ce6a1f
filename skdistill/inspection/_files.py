"""Where a page is written, and how."""

import os
import tempfile
from pathlib import Path


def check_path(path, overwrite):
    """Return the path of a file that may be written.

    Parameters
    ----------
    path : str or path-like
    overwrite : bool
        Whether a file that is there may be replaced.

    Returns
    -------
    pathlib.Path
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f"`path` {str(path)!r} is a folder: give the name of a file, as in "
            f"{str(path / 'report.html')!r}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`path` is {str(path)!r}, but there is no folder {str(path.parent)!r}: make it first."
        )
    if path.exists() and not overwrite:
        raise FileExistsError(f"`path` {str(path)!r} is there: pass overwrite=True to replace it.")
    return path


def write_whole(text, path):
    """Write a file so that whoever reads it never sees half of it.

    Parameters
    ----------
    text : str
    path : pathlib.Path
    """
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(part, 0o644)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
