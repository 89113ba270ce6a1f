"""Results on stdout, for people or for machines; progress on stderr."""

import json
import math
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
        print(json.dumps(_plain(result), indent=2, ensure_ascii=False, allow_nan=False))
        return
    for name, text in _lines(_plain(result), ""):
        print(f"{name}: {text}")


def _plain(value: Any) -> Any:
    """The same, without the numbers that JSON does not have: they are null, and "-" for people."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _lines(result: dict[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for name, value in result.items():
        name = before + name
        if isinstance(value, dict):
            yield from _lines(value, f"{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one in value:
                parts = {key: part for key, part in one.items() if key != "name"}
                yield f"{name}.{one['name']}", _text(parts)
        elif isinstance(value, list):
            yield name, ", ".join(map(_text, value)) or "-"
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, dict):
        return ", ".join(
            f"{name} {_text(part)}" for name, part in value.items() if part is not None
        )
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
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
