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

ONCE = "May be given several times."
File = Annotated[
    Path, typer.Argument(help="Student: an .onnx file that compress or to_onnx wrote.")
]
Columns = list[str] | None
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
Force = Annotated[bool, typer.Option("--force", help="Replace output files that exist.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def _column(text: str) -> Any:
    """An option that takes one column, and may be repeated."""
    return typer.Option(help=f"{text} {ONCE}", metavar="<column>")


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
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show where an error comes from; stands before the command."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Knowledge distillation for tabular data: one small student from any teacher.

    Results go to stdout. Progress, warnings and errors go to stderr.

    Exit codes: 0 done; 1 bad input, such as a file, a column or a value; 2 wrong usage; 3 a bar was
    not met, and no student was written; 130 stopped by Ctrl-C; 143 ended by SIGTERM.
    """
    context.obj["debug"] = debug


EXAMPLES = """\b
Examples:
  skdistill compress --teacher model.skops --data train.parquet --target y --out student.onnx
  skdistill compress --teacher model.joblib --trust --data train.csv --target y --drop id \\
      --out student.onnx --max-bytes 100000 --min-agreement 0.97 --report report.html"""


@app.command(
    short_help="Train a small student of a teacher, and write it if it is good enough.",
    epilog=EXAMPLES,
)
def compress(
    teacher: Annotated[
        Path,
        typer.Option(
            help="Model to learn from: .skops, .json or .ubj (XGBoost), .txt (LightGBM), .cbm "
            "(CatBoost), .onnx, or a pickle (.joblib, .pkl, .pickle; needs --trust)."
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            help="Training rows with their target: a .parquet, .csv or .arrow file, or a folder of "
            "them."
        ),
    ],
    target: Annotated[
        str, typer.Option(help="Column of --data to be predicted.", metavar="<column>")
    ],
    out: Annotated[Path, typer.Option(help="File to write the student to, .onnx.")],
    test: Annotated[
        Path | None,
        typer.Option(
            help="Test rows with their target, which are new to the teacher. By default a part of "
            "--data."
        ),
    ] = None,
    test_fraction: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=0.9,
            help="Without --test: share of --data that is held out for the test.",
            metavar="<number>",
        ),
    ] = 0.2,
    transfer: Annotated[
        Path | None,
        typer.Option(help="More rows, which need no target: the teacher answers for them."),
    ] = None,
    drop: Annotated[Columns, _column("Column that neither teacher nor student reads.")] = None,
    teacher_only: Annotated[
        Columns, _column("Column that the teacher reads, and the student does without.")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            help="Column that tells which rows belong together, such as a customer. No group is "
            "split where rows are held out of --data.",
            metavar="<column>",
        ),
    ] = None,
    weight: Annotated[
        str | None,
        typer.Option(
            help="Column of weights of the rows, for the training and all figures.",
            metavar="<column>",
        ),
    ] = None,
    task: Annotated[
        Task | None,
        typer.Option(help="What the teacher predicts, if its file does not say."),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            help="Labels of the teacher's classes, in its order, if it knows them as 0, 1, ...",
            metavar="<no,yes>",
        ),
    ] = None,
    size: Annotated[
        Size,
        typer.Option(
            help="fast: less than half the weights. accurate: two to three times as many."
        ),
    ] = Size.default,
    int8: Annotated[
        bool, typer.Option("--int8", help="Store weights in 8 bits, not 32: a smaller file.")
    ] = False,
    layout: Annotated[
        Layout,
        typer.Option(
            help="Inputs of the file. columns: one for each. matrix: one of all, as floats, for "
            "other runtimes."
        ),
    ] = Layout.columns,
    max_latency_us: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Bar that chooses the size: microseconds of a call with one row.",
            metavar="<number>",
        ),
    ] = None,
    max_bytes: Annotated[
        int | None,
        typer.Option(
            min=1, help="Bar that chooses the size: bytes of the file.", metavar="<number>"
        ),
    ] = None,
    max_loss: Annotated[
        float | None,
        typer.Option(
            help="Bar that chooses the size: log loss on rows held out of --data. Of numbers: "
            "squared error, where the mean of the target would have 1.",
            metavar="<number>",
        ),
    ] = None,
    min_agreement: Annotated[
        float | None,
        typer.Option(
            help="Bar: share of test rows with the teacher's label. Of numbers: R2 against the "
            "teacher's numbers.",
            metavar="<number>",
        ),
    ] = None,
    min_retained: Annotated[
        float | None,
        typer.Option(
            help="Bar: share of the teacher's lead over the control that the student keeps on the "
            "test rows. The control, the same student without the teacher, is trained as well.",
            metavar="<number>",
        ),
    ] = None,
    max_time: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds for one fit. Bars that choose the size, and a control, take several.",
            metavar="<number>",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Page to write, .html: scores, costs, and a verdict against the control, which is "
            "trained as well."
        ),
    ] = None,
    card: Annotated[Path | None, typer.Option(help="Model card to write, .md.")] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence, or another note, for the file to keep.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of all random numbers.", metavar="<number>")
    ] = 0,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Load a pickle, or unknown types of a .skops file: may run any code."
        ),
    ] = False,
    trust_type: Annotated[
        Columns, typer.Option(help=f"Type that a .skops file may hold. {ONCE}", metavar="<type>")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check all, but train and write nothing.")
    ] = False,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a small student of a teacher, test its file, and write it if it is good enough.

    A bar that is not met ends with exit code 3, and no student is written. Bars that choose the
    size try eight sizes, and take the smallest that meets them all; --size and --int8 do not go
    with them.

    Test rows are those of --test, or a share of --data. If the teacher was fitted on them, its
    scores and the agreement are too good: then give rows that are new to it.

    With --report or --min-retained, stderr and --json tell the verdict: whether the student owes
    anything to its teacher. No verdict changes the exit code.
    """
    given = dict(locals())
    from skdistill.cli._compress import Request, run_compress

    given |= {"drop": drop or [], "trust_type": trust_type or [], "size": size.value}
    given |= {"teacher_only": teacher_only or []}
    given |= {"layout": layout.value, "task": task.value if task else None}
    run_compress(Request(**given))


@app.command(
    short_help="Write a student's answers for the rows of a table.",
    epilog="""\b
Examples:
  skdistill score student.onnx in.parquet out.parquet --keep id --drop-rest
  skdistill score student.onnx folder_of_csv - --drop-rest | head""",
)
def score(
    student: File,
    source: Annotated[
        Path, typer.Argument(help="Table: a .parquet, .csv or .arrow file, or a folder of them.")
    ],
    out: Annotated[
        str, typer.Argument(help="File to write: .parquet, .csv or .arrow; - writes CSV to stdout.")
    ],
    keep: Annotated[Columns, _column("Column to copy to the output, before the answers.")] = None,
    drop: Annotated[Columns, _column("Column that is not copied.")] = None,
    keep_rest: Annotated[
        bool, typer.Option("--keep-rest", help="Copy all columns that the student does not read.")
    ] = False,
    drop_rest: Annotated[
        bool, typer.Option("--drop-rest", help="Copy no columns but those of --keep.")
    ] = False,
    batch_rows: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Rows in memory at a time; by default 65,536, or fewer of wide tables.",
            show_default=False,
            metavar="<number>",
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="Threads of ONNX Runtime.", metavar="<number>")
    ] = 1,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a student's answers for all rows of a table, in bounded memory.

    A column that the student does not read is an error until it is copied (--keep, --keep-rest) or
    left out (--drop, --drop-rest).
    """
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


@app.command(short_help="Show what a student's file says of itself, and check it.")
def inspect(student: File, as_json: Json = False) -> None:
    """Show what a student's file says of itself, and check it.

    It says which columns it reads, which classes it tells, what its teachers were and how it was
    made. The check asks it for a few rows that it holds: an answer that has changed is an error,
    with exit code 1.
    """
    from skdistill.cli._inspect import inspect_file

    inspect_file(student, as_json)


@app.command(
    short_help="Write a model card of a student's file.",
    epilog="""\b
Example:
  skdistill card student.onnx --out README.md --intended-use 'To rank leads.'""",
)
def card(
    student: File,
    out: Annotated[
        Path | None, typer.Option(help="Card to write, as Markdown. Without it: to stdout.")
    ] = None,
    intended_use: Annotated[
        str | None,
        typer.Option(help="Text: what the student is for, and what it is not for."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence to name in place of the one in the file.")
    ] = None,
    force: Force = False,
) -> None:
    """Write a model card, in Markdown, from what a student's file says of itself."""
    from skdistill.cli._inspect import write_card

    write_card(student, out, intended_use, licence, force)
