"""The commands and their options; the work is in the other files."""

from enum import StrEnum
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


class Size(StrEnum):
    """Recipes of a student."""

    fast = "fast"
    default = "default"
    accurate = "accurate"


class Layout(StrEnum):
    """Inputs of the file."""

    columns = "columns"
    matrix = "matrix"


class Task(StrEnum):
    """What a teacher tells."""

    classification = "classification"
    regression = "regression"


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
    batch_rows: Annotated[
        int | None, typer.Option(min=1, help="Rows in memory at a time.", show_default=False)
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of ONNX Runtime.")] = 1,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a student's answers for all rows of a table, in bounded memory."""
    from skdistill.cli._score import score_files

    options = {
        "batch_size": "auto" if batch_rows is None else batch_rows,
        "n_threads": threads,
        "overwrite": force,
    }
    options |= {"keep": _names("keep", keep, keep_rest), "drop": _names("drop", drop, drop_rest)}
    score_files(student, source, out, options, as_json, quiet)


def _names(option: str, names: Columns, rest: bool) -> Any:
    from skdistill.cli._errors import UsageError

    if names and rest:
        raise UsageError(f"--{option} and --{option}-rest do not go together: give one of them.")
    return "rest" if rest else names or ()


@app.command()
def inspect(student: File, as_json: Json = False) -> None:
    """Print what a file says of itself, and check that it answers as when it was written."""
    from skdistill.cli._inspect import inspect_file

    inspect_file(student, as_json)


@app.command()
def card(
    student: File,
    out: Annotated[Path | None, typer.Option(help="File to write; stdout without it.")] = None,
    intended_use: Annotated[
        str | None, typer.Option(help="What the student is for, and what not.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Note, in place of that in the file.")] = None,
    force: Force = False,
) -> None:
    """Write a model card, from what a file says of itself."""
    from skdistill.cli._inspect import write_card

    write_card(student, out, intended_use, licence, force)


@app.command()
def compress(
    teacher: Annotated[
        Path, typer.Option(help=".skops, .json, .ubj, .txt, .cbm, .onnx, or a pickle.")
    ],
    data: Annotated[Path, typer.Option(help="Rows with their target; a table as for `score`.")],
    target: Annotated[str, typer.Option(help="Its column.")],
    out: Annotated[Path, typer.Option(help="File to write, an .onnx file.")],
    test: Annotated[Path | None, typer.Option(help="Rows to test on.")] = None,
    test_fraction: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="Of the data, without --test.")
    ] = 0.2,
    transfer: Annotated[Path | None, typer.Option(help="More rows, without a target.")] = None,
    drop: Annotated[
        Columns, typer.Option(help="Column that is no feature; may be repeated.")
    ] = None,
    groups: Annotated[str | None, typer.Option(help="Column of what belongs together.")] = None,
    weight: Annotated[str | None, typer.Option(help="Column of the weights of the rows.")] = None,
    task: Annotated[
        Task | None, typer.Option(help="If the teacher does not tell.", show_default=False)
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Labels of the teacher's columns: no,yes")
    ] = None,
    size: Annotated[Size, typer.Option(help="Of the student.")] = Size.default,
    int8: Annotated[bool, typer.Option("--int8", help="Weights in 8 bits.")] = False,
    layout: Annotated[Layout, typer.Option(help="matrix: one input of floats.")] = Layout.columns,
    max_latency_us: Annotated[float | None, typer.Option(min=0, help="Bar, for one row.")] = None,
    max_bytes: Annotated[int | None, typer.Option(min=1, help="Bar, of the file.")] = None,
    max_loss: Annotated[float | None, typer.Option(help="Bar, as StudentLadder has it.")] = None,
    min_agreement: Annotated[
        float | None, typer.Option(help="Bar: share of test rows with the teacher's label, or R2.")
    ] = None,
    min_retained: Annotated[
        float | None, typer.Option(help="Bar: share of the teacher's lead that is kept.")
    ] = None,
    max_time: Annotated[float | None, typer.Option(min=0, help="Seconds of the fit.")] = None,
    report: Annotated[Path | None, typer.Option(help="Page with the proof, .html.")] = None,
    card: Annotated[Path | None, typer.Option(help="Model card, .md.")] = None,
    licence: Annotated[str | None, typer.Option(help="Note that the file keeps.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is drawn.")] = 0,
    trust: Annotated[
        bool, typer.Option("--trust", help="Load a pickle, which may run any code.")
    ] = False,
    trust_type: Annotated[Columns, typer.Option(help="Type that a .skops file may hold.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check all, and train nothing.")
    ] = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a small student of a teacher, test its file, and write it if it is good enough.

    A bar that is not met ends with exit code 3, and no student is written. A bar on latency, bytes
    or loss tries eight sizes and takes the smallest that meets it.
    """
    given = dict(locals())
    from skdistill.cli._compress import Request, run_compress

    given |= {"drop": drop or [], "trust_type": trust_type or [], "size": size.value}
    given |= {"layout": layout.value, "task": task.value if task else None}
    run_compress(Request(**given))
