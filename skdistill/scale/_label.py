"""Labels of a fitted teacher for a Parquet folder, shard by shard, in bounded memory."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from sklearn.utils import check_random_state
from sklearn.utils.parallel import delayed

from skdistill._utils.counts import check_counts
from skdistill._utils.files import write_whole
from skdistill._utils.lock import HeldError, locked
from skdistill._utils.optional import require
from skdistill._utils.parallel import run_jobs
from skdistill._utils.store import remove_torn
from skdistill._utils.types import RandomState
from skdistill.scale._manifest import Labelled, Manifest, versions_here
from skdistill.scale._shards import Shard, columns_of, find_shards, hash_of, parquet
from skdistill.scale._teacher import LabellingTeacher, as_labelling, teacher_identity

# Rows by which a teacher shows the columns of its answers.
FEW_ROWS = 2
# A shard ends with the row group that brings it to so many rows.
SHARD_ROWS = 1_000_000


@dataclass(frozen=True)
class LabelReport:
    """What a call of :func:`label_parquet` has done.

    Attributes
    ----------
    n_rows : int
        Rows that are labelled, those of earlier calls included.
    n_new_rows : int
        Rows that this call has labelled.
    n_shards : int
        Shards that are labelled.
    seconds : float
    """

    n_rows: int
    n_new_rows: int
    n_shards: int
    seconds: float


def label_parquet(
    teacher: Any,
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    drop: Sequence[str] = (),
    predicts: str = "auto",
    max_rows: int | None = None,
    shard_rows: int = SHARD_ROWS,
    chunk_rows: int = 65_536,
    teacher_id: str | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> LabelReport:
    """Label a Parquet folder by a fitted teacher.

    Each shard, some row groups of a file, is read in chunks, and its labels are written as one
    Parquet file with a row for each of its rows: a column a class of float16 probabilities, or
    float32 numbers. ``manifest.json`` says what is done. A call with the same `out` goes on where
    the last one was ended, however it was; it labels what is new in the folder as well. The labels
    do not depend on `n_jobs`.

    Parameters
    ----------
    teacher : estimator, list of estimators, TeacherPool or RegressorPool
        Fitted, frozen or not. Anything that :class:`DistilledClassifier` or
        :class:`DistilledRegressor` takes as a teacher; several are averaged.
    folder : str or path-like
        Files that end in ``.parquet``, with the same columns.
    out : str or path-like
        Folder of the labels; made where it is not there.
    drop : sequence of str, default=()
        Columns that the teacher is not shown, such as the target.
    predicts : {"auto", "classes", "numbers"}, default="auto"
        "auto" asks the teacher.
    max_rows : int, default=None
        Label no further shard once so many rows are labelled. None labels all.
    shard_rows : int, default=1_000_000
        A shard ends with the row group that brings it to so many rows. What was labelled when a
        process is killed is lost for the shards in progress alone.
    chunk_rows : int, default=65_536
        Rows that the teacher is asked for at a time.
    teacher_id : str, default=None
        What the teacher is known by. None hashes its content, which takes a teacher that can be
        pickled.
    random_state : int, RandomState instance or None, default=None
        Order of the shards; None takes that of their names. Give a number with `max_rows`, where
        the files are sorted by anything.
    n_jobs : int, default=None
        Shards labelled at the same time, by threads, or by the backend of
        :func:`joblib.parallel_config`. Each holds a chunk in memory.
    verbose : int, default=0
        1 prints how long the rest will take, once the first chunk is labelled, and each shard.

    Returns
    -------
    LabelReport

    Raises
    ------
    ValueError
        If the teacher, the columns or the data are not those that `out` was begun with, `out` is
        inside `folder`, or the teacher cannot label the rows.
    RuntimeError
        If another process is labelling into `out`.
    ImportError
        If pyarrow is not installed.

    See Also
    --------
    RowSource : The labelled rows, for ``fit``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill.scale import label_parquet
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> teacher = LogisticRegression(max_iter=1000).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     data, labels = Path(folder, "data"), Path(folder, "labels")
    ...     data.mkdir()
    ...     X.to_parquet(data / "iris.parquet", index=False)
    ...     label_parquet(teacher, data, labels).n_rows
    150
    """
    started = time.monotonic()
    counts = {"shard_rows": shard_rows, "chunk_rows": chunk_rows}
    check_counts(**counts | ({} if max_rows is None else {"max_rows": max_rows}))
    folder, out = Path(folder), Path(out)
    _check_apart(folder, out)
    shards = find_shards(folder, shard_rows)
    columns = _shown(columns_of(folder, shards), drop)
    few = next(_chunks(folder, shards[0], columns, FEW_ROWS))
    labelling = as_labelling(teacher, predicts, few)
    identity = teacher_identity(teacher, teacher_id)
    names = labelling.names(few)
    new = Manifest(identity, labelling.predicts, labelling.classes, names, columns, shard_rows)
    out.mkdir(parents=True, exist_ok=True)
    with _held(out):
        remove_torn(out)
        manifest = _going_on(replace(new, versions=versions_here()), out, folder)
        wanted = wanted_shards(shards, max_rows, random_state)
        manifest.n_wanted = sum(shard.n_rows for shard in wanted)
        manifest.write(out)
        job = ShardJob(folder, out, labelling, columns, names, chunk_rows)
        n_before = manifest.n_rows
        _label_all(job, wanted, manifest, n_jobs, verbose)
    n_rows, seconds = manifest.n_rows, time.monotonic() - started
    return LabelReport(n_rows, n_rows - n_before, len(manifest.done), seconds)


@dataclass(frozen=True)
class ShardJob:
    """How shards are labelled.

    Attributes
    ----------
    folder, out : pathlib.Path
    teacher : LabellingTeacher
    columns : list of str
        That it is shown.
    names : list of str
        Of the columns of its answers.
    chunk_rows : int
    """

    folder: Path
    out: Path
    teacher: LabellingTeacher
    columns: list[str]
    names: list[str]
    chunk_rows: int

    def run(
        self, shard: Shard, hash: str, tell: Callable[[int, float], None] | None = None
    ) -> Labelled:
        """Label a shard; its file takes its place when it is whole.

        Parameters
        ----------
        shard : Shard
        hash : str
            Of the file that it is a part of.
        tell : callable, default=None
            Called with the rows and the seconds of the first chunk.

        Returns
        -------
        Labelled
        """
        write_whole(lambda file: self._write(file, shard, tell), self.out / shard.file)
        return Labelled(shard, hash)

    def _write(
        self, file: BinaryIO, shard: Shard, tell: Callable[[int, float], None] | None
    ) -> None:
        pa = require("pyarrow", "data")
        writer, started = None, time.monotonic()
        for X in _chunks(self.folder, shard, self.columns, self.chunk_rows):
            labels = self.teacher.label(X)
            arrays = [pa.array(column) for column in labels.T.copy()]
            table = pa.table(arrays, names=self.names)
            if writer is None:
                writer = parquet().ParquetWriter(file, table.schema)
                if tell is not None:
                    tell(len(X), time.monotonic() - started)
            writer.write_table(table, row_group_size=len(X))
        assert writer is not None  # a shard has rows
        writer.close()


def _label_all(
    job: ShardJob, wanted: list[Shard], manifest: Manifest, n_jobs: int | None, verbose: int
) -> None:
    """Label the shards that are not done, and write down each as soon as it is."""
    rest = [shard for shard in wanted if shard.file not in manifest.done]
    n_rows = sum(shard.n_rows for shard in rest)
    cost = Cost(n_rows) if verbose else None
    hash_once = cache(lambda source: hash_of(job.folder / source))
    calls = (
        delayed(job.run)(shard, hash_once(shard.source), None if place else cost)
        for place, shard in enumerate(rest)
    )
    for one in run_jobs(calls, n_jobs, prefer="threads"):
        manifest.done[one.shard.file] = one
        manifest.write(job.out)
        if verbose:
            _say(f"{manifest.n_rows} of {manifest.n_wanted} rows are labelled")


class Cost:
    """Says what the rest of the rows will take, once a first chunk is labelled.

    Parameters
    ----------
    n_rows : int
        All that are to be labelled.
    """

    def __init__(self, n_rows: int) -> None:
        self.n_rows = n_rows

    def __call__(self, n_done: int, seconds: float) -> None:
        left = (self.n_rows - n_done) * seconds / n_done
        _say(
            f"{n_done} of {self.n_rows} rows in {seconds:.3g} s: one worker needs {left:.3g} s more"
        )


def _say(text: str) -> None:
    print(f"[label_parquet] {text}", flush=True)


def _chunks(folder: Path, shard: Shard, columns: list[str], chunk_rows: int) -> Iterator[Any]:
    """The rows of a shard as frames, none of which holds rows of two row groups."""
    pa = require("pyarrow", "data")
    with parquet().ParquetFile(folder / shard.source) as file:
        for group in range(shard.first, shard.stop):
            for batch in file.iter_batches(chunk_rows, row_groups=[group], columns=columns):
                if batch.num_rows:
                    yield pa.Table.from_batches([batch]).select(columns).to_pandas()


def _shown(columns: list[str], drop: Sequence[str]) -> list[str]:
    """The columns that the teacher is shown."""
    drop = [drop] if isinstance(drop, str) else list(drop)
    absent = [name for name in drop if name not in columns]
    if absent:
        raise ValueError(f"`drop` names {absent}, but the files have the columns {columns[:20]}.")
    return [name for name in columns if name not in drop]


def _check_apart(folder: Path, out: Path) -> None:
    if out.resolve().is_relative_to(folder.resolve()):
        raise ValueError(
            f"`out` {str(out)!r} is inside `folder`, so that the labels would be taken for data: "
            "give a folder elsewhere."
        )


def wanted_shards(
    shards: list[Shard], max_rows: int | None, random_state: RandomState
) -> list[Shard]:
    """The shards to label, in their order."""
    if random_state is not None:
        order = check_random_state(random_state).permutation(len(shards))
        shards = [shards[place] for place in order]
    wanted, n_rows = [], 0
    for shard in shards:
        if max_rows is not None and n_rows >= max_rows:
            break
        wanted.append(shard)
        n_rows += shard.n_rows
    return wanted


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """The folder of the labels, for one writer."""
    try:
        with locked(out / ".lock"):
            yield
    except HeldError as error:
        raise RuntimeError(
            f"`out` {str(out)!r}: process {error} is labelling into it. Wait, or give another."
        ) from error


def _going_on(new: Manifest, out: Path, folder: Path) -> Manifest:
    """The manifest that is there, where it is of the same teacher, columns and data."""
    try:
        found = Manifest.read(out)
    except FileNotFoundError:
        return new
    remedy = f"give another `out`, or delete {str(out)!r} to label anew"
    meanings = {
        "teacher": "labelled by another teacher (or the same, changed)",
        "predicts": f"of {found.predicts}",
        "columns": f"labelled by the columns {found.columns[:20]}",
        "shard_rows": f"begun with `shard_rows={found.shard_rows}`",
    }
    for name, meaning in meanings.items():
        if getattr(found, name) != getattr(new, name):
            raise ValueError(f"`out` {str(out)!r} is {meaning}: {remedy}.")
    check_data(found, folder, remedy)
    for name in list(found.done):  # labelled anew, should somebody have deleted it
        if not (out / name).is_file():
            del found.done[name]
    return found


def check_data(manifest: Manifest, folder: Path, remedy: str) -> None:
    """Raise a ValueError unless the files that were labelled are there, as they were then.

    Parameters
    ----------
    manifest : Manifest
    folder : pathlib.Path
    remedy : str
        What to do about it.
    """
    hashes = {one.shard.source: one.hash for one in manifest.done.values()}
    for source, known in hashes.items():
        path = folder / source
        if not path.is_file():
            raise ValueError(f"`folder`: {source!r} was labelled, but is not there: {remedy}.")
        if hash_of(path) != known:
            raise ValueError(f"`folder`: {source!r} has changed since it was labelled: {remedy}.")
