"""How the command ends: exit codes, signals, and errors in one line."""

import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from skdistill._utils.files import check_target
from skdistill.cli._words import words_of

OK, BAD_INPUT, USAGE, BAR_NOT_MET = 0, 1, 2, 3
# A process that a signal has ended, as shells tell it.
BY_SIGNAL = 128


class BarNotMetError(Exception):
    """A student was trained, and is not as good, small or fast as was asked for."""


class UsageError(Exception):
    """Options that do not go together."""


class StoppedError(BaseException):
    """A signal came. It is no KeyboardInterrupt: a fit takes that for its last epoch.

    Parameters
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _stop(number: int, frame: FrameType | None) -> None:
    raise StoppedError(number)


@contextmanager
def signals_as_errors() -> Iterator[None]:
    """Make SIGINT and SIGTERM errors, so that temporary files are removed on the way out."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    # Whoever started the command may have it ignore SIGINT, as nohup and a shell's "&" do.
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Show warnings without the place in the code that they come from."""

    def show(message: Any, *_: Any, **__: Any) -> None:
        tell(f"warning: {one_line(words_of(message))}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def tell(text: str) -> None:
    """Write a line to stderr."""
    print(f"skdistill: {text}", file=sys.stderr, flush=True)


def check_outputs(
    paths: Sequence[Path | None], force: bool, inputs: Sequence[Path | None] = ()
) -> None:
    """Refuse outputs that cannot be written, before there is any work.

    Parameters
    ----------
    paths : sequence of (pathlib.Path or None)
    force : bool
        Whether files may be replaced.
    inputs : sequence of (pathlib.Path or None), default=()
        Files that are read, which `force` does not give up.
    """
    outputs = [path for path in paths if path is not None]
    taken = {path.resolve(): "is read as well" for path in inputs if path is not None}
    for path in outputs:
        check_target(path, overwrite=True)
        if path.resolve() in taken:
            raise ValueError(
                f"{str(path)!r} is to be written, but it {taken[path.resolve()]}: give another."
            )
        taken[path.resolve()] = "is another output"
        if path.exists() and not force:
            raise FileExistsError(f"{str(path)!r} exists: give --force, or another path.")


def one_line(error: object) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def end_quietly() -> None:
    """Whoever read stdout has gone: keep Python from writing to it again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
