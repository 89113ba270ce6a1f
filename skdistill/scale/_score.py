"""A student over the rows of files."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias

import numpy as np

from skdistill._utils.auto import is_auto
from skdistill._utils.counts import check_counts
from skdistill._utils.files import check_target, write_whole
from skdistill._utils.optional import require
from skdistill.scale._answer_table import AnswerTable, Student
from skdistill.scale._formats import CSV, format_of
from skdistill.scale._pieces import EXTRA, missing_texts
from skdistill.scale._reading import TableFiles
from skdistill.scale._writing import check_writable, write_batches
from skdistill.serving import Scorer

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 65_536
# Of a batch, in columns that are read and of answers: wide tables come in fewer rows.
BATCH_CELLS = 64 * BATCH_ROWS
# Columns by name, or all that the student does not read.
Names: TypeAlias = Sequence[str] | Literal["rest"]
REST = "rest"


@dataclass(frozen=True)
class ScoreResult:
    """What was written.

    Attributes
    ----------
    n_rows : int
    seconds : float
    columns : list of str
        Of the output.
    """

    n_rows: int
    seconds: float
    columns: list[str]


def score_parquet(
    student: Student,
    source: str | PathLike[str],
    out: str | PathLike[str] | BinaryIO,
    *,
    keep: Names = (),
    drop: Names = (),
    batch_size: int | Literal["auto"] = "auto",
    n_threads: int = 1,
    overwrite: bool = False,
    progress: Callable[[int], Any] | None = None,
) -> ScoreResult:
    """Answers of an exported student for the rows of files, in bounded memory.

    Parquet, CSV and Arrow are read and written, each told by the suffix. The output is written
    under another name in the same folder, and takes its place when it is whole.

    Parameters
    ----------
    student : str, Path, bytes, bytearray, memoryview, binary file or Scorer
        What :func:`skdistill.to_onnx` wrote, or a Scorer of it.
    source : str or path-like
        A ``.parquet``, ``.csv`` or ``.arrow`` file, or a folder of files of one kind, read in the
        order of their names. Columns are taken by name; by their order where the student was
        fitted without names. In a CSV file, numbers are read as float64, and all that is no number
        for the student is text. For the student, what pandas takes for a missing value is one, such
        as an empty cell and NA.
    out : str, path-like or binary file
        File to write. An open file gets CSV.
    keep : list of str or "rest", default=()
        Columns of the source to stand before the answers, such as an id. "rest" keeps all that the
        student does not read. Of a CSV file, only an empty cell is a missing value here.
    drop : list of str or "rest", default=()
        Columns of the source that are neither read nor kept. A column that is not named anywhere
        is an error, unless this is "rest".
    batch_size : int or "auto", default="auto"
        Rows in memory at a time, and in a row group of the output. "auto" is 65,536 for up to 64
        columns, read and of answers together. It is less with more, so that memory stays bounded.
    n_threads : int, default=1
        Of ONNX Runtime. pyarrow reads ahead in threads of its own. Not used where `student` is a
        Scorer, which has its own.
    overwrite : bool, default=False
        Whether a file at `out` may be replaced.
    progress : callable, default=None
        Called with the number of rows of each batch that is done.

    Returns
    -------
    ScoreResult
        `n_rows`, `seconds` and `columns`.

    Raises
    ------
    ImportError
        If pyarrow or ONNX Runtime is not installed.
    FileExistsError
        If there is a file at `out` and `overwrite` is False.
    ValueError
        If a suffix tells no format; if a column is missing, or is neither read nor kept nor
        dropped; if a row cannot be answered: the message says in which rows of the source it is,
        counted from 0. No file is written then.

    Notes
    -----
    The answers are ``prediction`` and, of classes, ``probability_<class>``; of several numbers
    ``prediction_<i>``; where quantiles are told ``prediction``, the median, and
    ``quantile_<level>``. An empty source gives an output with these columns and no rows.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier, MLPStudent, to_onnx
    >>> from skdistill.scale import score_parquet
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> clf = DistilledClassifier(LogisticRegression(max_iter=500), MLPStudent((8,))).fit(X, y)
    >>> temporary = TemporaryDirectory()
    >>> folder = Path(temporary.name)
    >>> report = to_onnx(clf, folder / "student.onnx")
    >>> X.assign(id=range(150)).to_parquet(folder / "rows.parquet")
    >>> result = score_parquet(
    ...     folder / "student.onnx", folder / "rows.parquet", folder / "out.parquet", keep=["id"])
    >>> result.n_rows
    150
    >>> pd.read_parquet(folder / "out.parquet").columns.tolist()
    ['id', 'prediction', 'probability_0', 'probability_1', 'probability_2']
    >>> temporary.cleanup()
    """
    if not is_auto(batch_size):
        check_counts(batch_size=batch_size)
    target, kind = _target(out, overwrite)
    if isinstance(target, Path) and target.exists() and target.samefile(source):
        raise ValueError(f"`out` is the source, {str(target)!r}: give another path.")
    scorer = student if isinstance(student, Scorer) else Scorer(student, n_threads)
    files = TableFiles(source)
    table = _table(scorer, files.names, keep, drop)
    told = zip(table.inputs, scorer.is_number_, strict=True)
    files.take_numbers([name for name, is_number in told if is_number])
    n_rows_of_batch = rows_of_batch(table) if is_auto(batch_size) else int(batch_size)
    scoring = Scoring(table, files, n_rows_of_batch, progress)
    check_writable(scoring.schema, kind)
    started = time.perf_counter()
    n_rows = scoring.write(target, kind)
    return ScoreResult(n_rows, time.perf_counter() - started, scoring.schema.names)


def rows_of_batch(table: AnswerTable) -> int:
    """Rows at a time, of a table of so many columns.

    Parameters
    ----------
    table : AnswerTable

    Returns
    -------
    int
    """
    n_columns = len(table.needed) + len(table.answers)
    return max(1, min(BATCH_ROWS, BATCH_CELLS // n_columns))


class Scoring:
    """The answers for all rows of a table, batch by batch.

    Parameters
    ----------
    table : AnswerTable
    files : TableFiles
    batch_size : int
    progress : callable or None
    """

    def __init__(
        self,
        table: AnswerTable,
        files: TableFiles,
        batch_size: int,
        progress: Callable[[int], Any] | None,
    ) -> None:
        self.table, self.files = table, files
        self.batch_size, self.progress = batch_size, progress

    @cached_property
    def schema(self) -> "pa.Schema":
        """Of the output: what is kept, as it is in the source, then the answers."""
        pa = require("pyarrow", EXTRA)
        kept = [self.files.schema.field(name) for name in self.table.kept]
        answers = [(name, _arrow_type(dtype)) for name, dtype in self.table.answers.items()]
        return pa.schema([*kept, *answers])

    def write(self, target: Path | BinaryIO, kind: str) -> int:
        """Write all answers; returns the number of rows."""
        if not isinstance(target, Path):
            return write_batches(self._batches(), self.schema, target, kind)
        counts: list[int] = []

        def write(file: BinaryIO) -> None:
            counts.append(write_batches(self._batches(), self.schema, file, kind))

        write_whole(write, target)
        return counts[0]

    def _batches(self) -> Iterator["pa.Table"]:
        start = 0
        for batch in self.files.batches(self.table.needed, self.batch_size):
            yield self._answered(batch, start)
            start += batch.num_rows
            if self.progress is not None:
                self.progress(batch.num_rows)

    def _answered(self, batch: "pa.Table", start: int) -> "pa.Table":
        pa = require("pyarrow", EXTRA)
        try:
            asked = self.files.with_missing(batch.select(self.table.inputs), missing_texts())
            answers = self.table.answer(asked, batch.num_rows)
        except ValueError as error:
            stop = start + batch.num_rows
            raise ValueError(
                f"in the rows {start:,} to {stop - 1:,} of the source, {error}"
            ) from error
        kept = self.files.with_missing(batch.select(self.table.kept), [""]).columns
        return pa.Table.from_arrays([*kept, *map(pa.array, answers.values())], schema=self.schema)


def _target(out: Any, overwrite: bool) -> tuple[Any, str]:
    """Where to write, and which format."""
    if hasattr(out, "write"):
        return out, CSV
    return check_target(out, overwrite, "out"), format_of(Path(out), "out")


def _table(scorer: Scorer, columns: list[str], keep: Names, drop: Names) -> AnswerTable:
    """What of the columns is read, kept and dropped."""
    read = list(getattr(scorer, "feature_names_in_", ()))
    if REST in (keep, drop) and (keep == drop or not read):
        raise ValueError(
            "'rest' is taken by one of `keep` and `drop`, and only where the student knows its "
            f"columns by name; got keep={keep!r} and drop={drop!r}: name the columns."
        )
    for name, columns_named in (("keep", keep), ("drop", drop)):
        if isinstance(columns_named, str) and columns_named != REST:
            raise TypeError(f"`{name}` must be a list of names or 'rest', got {columns_named!r}.")
    if keep == REST:
        keep = [name for name in columns if name not in [*read, *drop]]
    if drop == REST:
        drop = [name for name in columns if name not in [*read, *keep]]
    unknown = [name for name in [*keep, *drop] if name not in columns]
    used = [name for name in drop if name in read or name in keep]
    if unknown or used:
        what = "`keep` or `drop` has" if unknown else "`drop` has"
        wrong = f"{unknown}, which is not there" if unknown else f"{used}, which is read or kept"
        raise ValueError(f"{what} {wrong}: the source has {columns}.")
    if read:
        _check_names(columns, read, [*read, *keep, *drop])
    return AnswerTable(scorer, [name for name in columns if name not in drop], keep)


def _check_names(columns: list[str], read: list[str], told: list[str]) -> None:
    """Refuse a source that lacks a column, or has one of which nothing was said."""
    missing = [name for name in read if name not in columns]
    extra = [name for name in columns if name not in told]
    if not missing and not extra:
        return
    wrong = [f"lacks the column(s) {missing}"] if missing else []
    wrong += [f"has the column(s) {extra} that the student does not read"] if extra else []
    remedy = (
        " Name each in `keep` or `drop`, or give 'rest' as one of these, which is --keep-rest or "
        "--drop-rest in a shell."
        if extra
        else ""
    )
    raise ValueError(f"the source {' and '.join(wrong)}: the student reads {read}.{remedy}")


def _arrow_type(dtype: np.dtype) -> "pa.DataType":
    pa = require("pyarrow", EXTRA)
    return pa.string() if dtype.kind in "OUT" else pa.from_numpy_dtype(dtype)
