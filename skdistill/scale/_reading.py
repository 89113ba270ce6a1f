"""Tables in files, read in batches of bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdistill._utils.optional import require
from skdistill.scale._formats import ARROW, CSV, files_of
from skdistill.scale._pieces import EXTRA, pieces_of

if TYPE_CHECKING:
    import pyarrow as pa


class TableFiles:
    """A table in one file, or in the files of a folder.

    Parameters
    ----------
    source : str or path-like
        A Parquet, CSV or Arrow file, told by its suffix, or a folder of such files. Folders named
        ``column=value`` are a column.

    Attributes
    ----------
    format : {"parquet", "csv", "arrow"}
    names : list of str
        The columns.
    schema : pyarrow.Schema

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    FileNotFoundError
        If there is no file.
    ValueError
        If a suffix tells no format, the files are of several formats, or columns share a name.
    """

    def __init__(self, source: str | PathLike[str]) -> None:
        paths, self.format = files_of(Path(source))
        folder = str(source) if Path(source).is_dir() else None
        self._dataset = _dataset([str(path) for path in paths], self.format, folder)
        self.schema = self._dataset.schema
        self.names = self.schema.names
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"`source` has several columns of one name, {twice}: rename them.")

    def take_numbers(self, numbers: Sequence[str]) -> None:
        """Read these columns of a CSV file as float64, and all others as text.

        What stands for a missing value is what pandas takes for one, such as an empty cell and NA.
        Files of other formats know their types.

        Parameters
        ----------
        numbers : sequence of str
        """
        if self.format == CSV:
            pa = require("pyarrow", EXTRA)
            types = [pa.float64() if name in numbers else pa.string() for name in self.names]
            self.schema = pa.schema(list(zip(self.names, types, strict=True)))

    def count(self) -> int | None:
        """How many rows there are; None for CSV, which only reading the file tells."""
        return None if self.format == CSV else self._dataset.count_rows()

    def batches(self, columns: Sequence[str], n_rows: int) -> Iterator["pa.Table"]:
        """Read in order.

        Parameters
        ----------
        columns : sequence of str
        n_rows : int
            Of a batch; the last one may have fewer.

        Yields
        ------
        pyarrow.Table
        """
        yield from _filled(self._pieces(list(columns), n_rows), n_rows)

    def _pieces(self, columns: list[str], n_rows: int) -> Iterator["pa.RecordBatch"]:
        """The rows of one file after the other, in pieces of any size."""
        ds, pa = require("pyarrow.dataset", EXTRA), require("pyarrow", EXTRA)
        schema = pa.schema([self.schema.field(name) for name in columns])
        for fragment in self._dataset.get_fragments():
            of_path = ds.get_partition_keys(fragment.partition_expression)
            own = [name for name in columns if name not in of_path]
            self._check_same(fragment, of_path)
            for piece in pieces_of(fragment.path, self.format, own, n_rows, schema):
                arrays = [
                    pa.repeat(of_path[field.name], piece.num_rows).cast(field.type)
                    if field.name in of_path
                    else piece.column(field.name).cast(field.type)
                    for field in schema
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _check_same(self, fragment: Any, of_path: dict[str, Any]) -> None:
        """Refuse a file of a folder that has other columns than the first."""
        found = {*fragment.physical_schema.names, *of_path}
        if found != set(self.names):
            raise ValueError(
                f"`source` has files of different columns: {fragment.path!r} has {sorted(found)}, "
                f"the first file {sorted(self.names)}. Give each kind a folder of its own."
            )


def _dataset(paths: list[str], kind: str, folder: str | None) -> Any:
    """The files as a dataset of pyarrow, which knows columns, folders named column=value, rows."""
    ds = require("pyarrow.dataset", EXTRA)
    named = {"partition_base_dir": folder, "partitioning": "hive"} if folder else {}
    return ds.dataset(paths, format="ipc" if kind == ARROW else kind, **named)


def _filled(batches: Iterable["pa.RecordBatch"], n_rows: int) -> Iterator["pa.Table"]:
    """The same rows, in batches of equal size: files are read in pieces of any size."""
    pa = require("pyarrow", EXTRA)
    waiting: list[Any] = []
    n_waiting = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, n_rows - n_waiting)
            waiting.append(part)
            n_waiting += part.num_rows
            start += part.num_rows
            if n_waiting == n_rows:
                yield pa.Table.from_batches(waiting).combine_chunks()
                waiting, n_waiting = [], 0
    if n_waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()
