"""``skdistill score``."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from skdistill.cli._errors import UsageError, check_outputs, tell
from skdistill.cli._show import bar_of_rows, show
from skdistill.scale import TableFiles, score_parquet

STDOUT = "-"


def score_files(
    student: Path, source: Path, out: str, options: dict[str, Any], as_json: bool, quiet: bool
) -> None:
    """Score the rows of files, and say how many there were.

    Parameters
    ----------
    student, source : pathlib.Path
    out : str
        "-" for stdout.
    options : dict of str to object
        Of :func:`skdistill.scale.score_parquet`.
    as_json, quiet : bool
    """
    if out == STDOUT and as_json:
        raise UsageError("--json prints to stdout, where the answers go with `-`: give a file.")
    check_outputs([None if out == STDOUT else Path(out)], options["overwrite"], [student, source])
    target = sys.stdout.buffer if out == STDOUT else out
    with bar_of_rows(TableFiles(source).count(), quiet) as progress:
        result = score_parquet(student, source, target, progress=progress, **options)
    if as_json:
        show({"out": out, **asdict(result)}, as_json)
    elif not quiet:
        tell(f"{result.n_rows:,} rows in {result.seconds:.1f} s")
