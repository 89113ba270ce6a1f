"""Tables in files, read in batches of bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdistill.scale._formats import ARROW, CSV, PARQUET, files_of
from skdistill.scale._optional import require

if TYPE_CHECKING:
    import pyarrow as pa

EXTRA = "cli"
# Batches, and files, that are read ahead of the one that is worked on.
BATCHES_AHEAD, FILES_AHEAD = 2, 1
# What stands for a missing value in a CSV file besides what pyarrow takes for one; as pandas does.
_ALSO_MISSING = ["<NA>", "None"]


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
        self._files, self.format = files_of(Path(source))
        self._folder = str(source) if Path(source).is_dir() else None
        self._dataset = self._open(None)
        self.names = self._dataset.schema.names
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"`source` has several columns of one name, {twice}: rename them.")

    @property
    def schema(self) -> "pa.Schema":
        return self._dataset.schema

    def take_numbers(self, numbers: Sequence[str]) -> None:
        """Read these columns of a CSV file as float64, and all others as text.

        What stands for a missing value is what pandas takes for one, such as an empty cell and NA.
        Files of other formats know their types.

        Parameters
        ----------
        numbers : sequence of str
        """
        if self.format == CSV:
            self._dataset = self._open(set(numbers))

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
        scanned = self._dataset.to_batches(
            columns=list(columns),
            batch_size=n_rows,
            batch_readahead=BATCHES_AHEAD,
            fragment_readahead=FILES_AHEAD,
        )
        yield from _filled(scanned, n_rows)

    def _open(self, numbers: set[str] | None) -> Any:
        """The files as a dataset of pyarrow."""
        ds = require("pyarrow.dataset", EXTRA)
        form = _file_format(ds, self.format, None if numbers is None else (self.names, numbers))
        named = {"partition_base_dir": self._folder, "partitioning": "hive"} if self._folder else {}
        return ds.dataset([str(path) for path in self._files], format=form, **named)


def _file_format(ds: Any, kind: str, types: tuple[list[str], set[str]] | None) -> Any:
    if kind == CSV:
        return ds.CsvFileFormat(convert_options=None if types is None else _conversion(*types))
    if kind == ARROW:
        return ds.IpcFileFormat()
    assert kind == PARQUET
    # Without, the bytes of a whole row group are in memory, which may be those of a whole file.
    options = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
    return ds.ParquetFileFormat(default_fragment_scan_options=options)


def _conversion(names: list[str], numbers: set[str]) -> Any:
    """How the cells of a CSV file are read."""
    pa, csv = require("pyarrow", EXTRA), require("pyarrow.csv", EXTRA)
    return csv.ConvertOptions(
        column_types={name: pa.float64() if name in numbers else pa.string() for name in names},
        null_values=[*csv.ConvertOptions().null_values, *_ALSO_MISSING],
        strings_can_be_null=True,
    )


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
