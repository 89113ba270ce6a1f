"""From the arguments of the process to its exit code."""

import sys
import traceback
from collections.abc import Sequence

from skdistill.cli._errors import (
    BAD_INPUT,
    BAR_NOT_MET,
    BY_SIGNAL,
    OK,
    USAGE,
    BarNotMetError,
    StoppedError,
    UsageError,
    end_quietly,
    one_line,
    signals_as_errors,
    tell,
    warnings_in_one_line,
)

INTERRUPTED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Those of the process, without its name, if None.

    Returns
    -------
    int
        0 is done, 1 bad input, 2 wrong usage, 3 a bar that was not met, 130 interrupted.
    """
    state = {"debug": False}
    try:
        with signals_as_errors(), warnings_in_one_line():
            return _run(sys.argv[1:] if arguments is None else list(arguments), state)
    except StoppedError as error:
        return BY_SIGNAL + error.number
    except KeyboardInterrupt:  # pyarrow makes one of a signal that comes while it reads
        return BY_SIGNAL + INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer exits where it finds that stdout is closed
        end_quietly()
        return OK
    except Exception as error:
        if state["debug"]:
            traceback.print_exc()
        return _code_of(error)


def _run(arguments: list[str], state: dict[str, bool]) -> int:
    try:
        import typer

        from skdistill.cli._commands import app
    except ImportError as error:
        tell(f'error: the command line needs its extra: pip install "skdistill[cli]" ({error})')
        return BAD_INPUT
    command = typer.main.get_command(app)
    code = command.main(arguments, prog_name="skdistill", standalone_mode=False, obj=state)
    sys.stdout.flush()  # a closed pipe shows here, and not when Python exits
    return code if isinstance(code, int) else OK


def _code_of(error: Exception) -> int:
    """Say what went wrong, and return the exit code for it."""
    if hasattr(error, "format_message"):  # of typer: an option or an argument
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "skdistill"
        text = one_line(error.format_message())
        if text.startswith("Usage:"):  # the help, as there is no command
            text = "no command"
        tell(f"error: {text.rstrip('.')}; see `{path} --help`.")
        return USAGE
    if isinstance(error, UsageError):
        tell(f"error: {one_line(error)}")
        return USAGE
    if isinstance(error, BarNotMetError):
        tell(f"not met: {one_line(error)}")
        return BAR_NOT_MET
    if isinstance(error, (ValueError, TypeError, OSError, ImportError)):
        tell(f"error: {one_line(error)}")
    else:
        tell(f"error: {type(error).__name__}: {one_line(error)}; --debug shows where.")
    return BAD_INPUT
