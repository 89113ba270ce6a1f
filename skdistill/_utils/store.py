"""Results of functions in files of their own, each whole or not there."""

import errno
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from skdistill._utils.files import write_whole

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class CheckpointError(OSError):
    """The folder of `checkpoint_dir` cannot be written."""


@contextmanager
def naming_folder(path: str) -> Iterator[None]:
    """Let errors of the file system say what to do about `checkpoint_dir`."""
    try:
        yield
    except CheckpointError:
        raise
    except OSError as error:
        name = f"`checkpoint_dir={path!r}`"
        text = f"{name} cannot be written ({error.strerror}): give a folder that you may write to."
        if error.errno in NO_ROOM:
            text = (
                f"{name} has no room left: free some, and `fit` again with the same inputs. All "
                "that has been kept is whole."
            )
        raise CheckpointError(error.errno, text) from error


class Store:
    """What :class:`~skdistill._utils.cache.Cache` asks of a joblib.Memory, and surer.

    A result is in its file as soon as it is there, or an error says why not. joblib warns of a
    full disk, leaves a torn file, and computes what it has kept anew where its copy of the
    function's code is missing.

    Parameters
    ----------
    folder : pathlib.Path
    path : str
        What error messages call it.
    """

    parameter = "checkpoint_dir"

    def __init__(self, folder: Path, path: str) -> None:
        self.location = str(folder)
        self.path = path

    def cache(self, function: Callable[..., Any], ignore: list[str] | None = None) -> "Kept":
        """A function whose results are kept by its first argument, a key."""
        return Kept(self, function)

    def __repr__(self) -> str:
        return f"Store({self.path!r})"


class Kept:
    """A function whose results are kept.

    Parameters
    ----------
    store : Store
    function : callable
        Takes its key first.
    """

    def __init__(self, store: Store, function: Callable[..., Any]) -> None:
        self.store = store
        self.function = function

    def __call__(self, key: str, *args: Any) -> Any:
        """The result, read where it is kept."""
        place = self._place(key)
        try:
            return place.get()
        except FileNotFoundError:
            pass
        result = self.function(key, *args)
        place.put(result)
        return result

    def check_call_in_cache(self, key: str, *args: Any) -> bool:
        """Whether the result is kept."""
        return self._place(key).file.exists()

    def call_and_shelve(self, key: str, *args: Any) -> "Place":
        """Where the result is kept, which is made first if need be."""
        place = self._place(key)
        if not place.file.exists():
            place.put(self.function(key, *args))
        return place

    def _place(self, key: str) -> "Place":
        name = self.function.__name__.strip("_")
        return Place(Path(self.store.location) / f"{name}-{key}.pkl", self.store.path)


class Place:
    """The file of a result.

    Parameters
    ----------
    file : pathlib.Path
    path : str
        What error messages call its folder.
    """

    def __init__(self, file: Path, path: str) -> None:
        self.file = file
        self.path = path

    def get(self) -> Any:
        """Read the result; raises a FileNotFoundError where there is none."""
        with self.file.open("rb") as file:
            return pickle.load(file)

    def put(self, result: Any) -> None:
        """Keep a result."""
        with naming_folder(self.path):
            write_whole(lambda file: pickle.dump(result, file, protocol=5), self.file)

    def clear(self) -> None:
        """Forget the result."""
        self.file.unlink(missing_ok=True)


def remove_torn(folder: Path) -> None:
    """Delete what a killed process has left of files that it was writing."""
    for file in folder.glob(".*.tmp"):
        file.unlink(missing_ok=True)


def remove_folder(folder: Path, first: str) -> None:
    """Delete a folder and its files, one of them first: without it the others mean nothing."""
    (folder / first).unlink(missing_ok=True)
    for file in folder.iterdir():
        file.unlink(missing_ok=True)
    with suppress(OSError):  # a worker that outlives its killed fit has written to it again
        folder.rmdir()
