"""A file that one process at a time can hold; whoever dies lets it go."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # on Windows, processes are not kept apart
    fcntl = None

# Locks of the system are of a process, not of a thread.
_HELD: set[str] = set()


class HeldError(RuntimeError):
    """Another fit holds the file; the message is its process id, where that is known."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file, which is deleted in the end.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    HeldError
        If another process or thread holds it.
    """
    name = str(path.resolve())
    if name in _HELD:  # to open and close the file here would let it go
        raise HeldError(str(os.getpid()))
    _HELD.add(name)
    try:
        file = _open_locked(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            file.close()
    finally:
        _HELD.discard(name)


def _open_locked(path: Path) -> Any:
    while True:
        file = path.open("a+")
        try:
            if fcntl is not None:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise HeldError(holder) from None
        if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            break
        file.close()  # its holder has just deleted it
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
