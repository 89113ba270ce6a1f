"""Results on stdout, for people or for machines; progress on stderr."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def show(result: dict[str, Any], as_json: bool) -> None:
    """Print a result.

    Parameters
    ----------
    result : dict of str to object
        Plain values, lists or dicts of them.
    as_json : bool
        Whether it is for machines: one JSON object. Otherwise a line a value.
    """
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
        return
    for name, text in _lines(result, ""):
        print(f"{name}: {text}")


def _lines(result: dict[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in result.items():
        name = before + name
        if isinstance(value, dict):
            yield from _lines(value, f"{name}.")
        elif isinstance(value, list):
            yield name, ", ".join(map(_text, value))
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def bar_of_rows(total: int | None, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's stderr; yields a function that takes the rows just done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), "rows", TimeElapsedColumn())
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=console, disable=hidden, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda n_rows: progress.advance(task, n_rows)
