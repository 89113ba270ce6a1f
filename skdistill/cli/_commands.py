"""The commands and their options; the work is in the other files."""

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(help="Exported student, an .onnx file.")]
Columns = list[str] | None
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from skdistill import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """Knowledge distillation for tabular data: one small student from any teacher.

    Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 bad input, 2 wrong
    usage, 3 a bar that was not met, 130 interrupted.
    """
    context.obj["debug"] = debug


@app.command()
def score(
    student: File,
    source: Annotated[Path, typer.Argument(help=".parquet, .csv or .arrow, or a folder of them.")],
    out: Annotated[str, typer.Argument(help="File of one of these kinds; - is CSV to stdout.")],
    keep: Annotated[Columns, typer.Option(help="Column to stand before the answers.")] = None,
    drop: Annotated[Columns, typer.Option(help="Column to leave out.")] = None,
    keep_rest: Annotated[
        bool, typer.Option("--keep-rest", help="Keep all that the student does not read.")
    ] = False,
    drop_rest: Annotated[
        bool, typer.Option("--drop-rest", help="Leave out all that is neither read nor kept.")
    ] = False,
    batch_rows: Annotated[int, typer.Option(min=1, help="Rows in memory at a time.")] = 65_536,
    threads: Annotated[int, typer.Option(min=1, help="Of ONNX Runtime.")] = 1,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a student's answers for all rows of a table, in bounded memory."""
    from skdistill.cli._score import score_files

    options = {"batch_size": batch_rows, "n_threads": threads, "overwrite": force}
    options |= {"keep": _names("keep", keep, keep_rest), "drop": _names("drop", drop, drop_rest)}
    score_files(student, source, out, options, as_json, quiet)


def _names(option: str, names: Columns, rest: bool) -> Any:
    from skdistill.cli._errors import UsageError

    if names and rest:
        raise UsageError(f"--{option} and --{option}-rest do not go together: give one of them.")
    return "rest" if rest else names or ()
