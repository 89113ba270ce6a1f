"""Tables in files, read in batches of bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdistill._utils.optional import require
from skdistill.scale._formats import ARROW, CSV, files_of
from skdistill.scale._pieces import EXTRA, parse_options, pieces_of

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
        Types that hold the values of all files: where one has whole numbers, or nothing but missing
        values, those of the others.
    of_path : list of str
        The columns that folders name.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    FileNotFoundError
        If there is no file.
    ValueError
        If a suffix tells no format, the files are of several formats, columns share a name, or
        the files have different columns.
    """

    def __init__(self, source: str | PathLike[str]) -> None:
        paths, self.format = files_of(Path(source))
        folder = str(source) if Path(source).is_dir() else None
        self._dataset = _dataset([str(path) for path in paths], self.format, folder)
        first = self._dataset.schema
        self.names = first.names
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"`source` has several columns of one name, {twice}: rename them.")
        parts = list(self._dataset.get_fragments())
        for part in parts:
            self._check_same(part)
        self.of_path = [name for name in self.names if name in _of_path(parts[0])]
        found = [first, *(part.physical_schema for part in parts)]
        self.schema = first if self.format == CSV else _common(found)

    def take_numbers(self, numbers: Sequence[str]) -> None:
        """Read these columns of a CSV file as float64, and all others as the text that they are.

        Files of other formats know their types.

        Parameters
        ----------
        numbers : sequence of str
        """
        if self.format == CSV:
            pa = require("pyarrow", EXTRA)
            types = [pa.float64() if name in numbers else pa.string() for name in self.names]
            self.schema = pa.schema(list(zip(self.names, types, strict=True)))

    def with_missing(self, rows: "pa.Table", texts: Sequence[str]) -> "pa.Table":
        """Rows of a CSV file with null for some texts; other files have nulls of their own.

        Parameters
        ----------
        rows : pyarrow.Table
        texts : sequence of str
            What stands for a missing value.

        Returns
        -------
        pyarrow.Table
        """
        if self.format != CSV:
            return rows
        pa, pc = require("pyarrow", EXTRA), require("pyarrow.compute", EXTRA)
        marks, null = pa.array(texts, pa.string()), pa.scalar(None, pa.string())
        for place, field in enumerate(rows.schema):
            if field.type == pa.string():
                cells = rows.column(place)
                cells = pc.if_else(pc.is_in(cells, value_set=marks), null, cells)
                rows = rows.set_column(place, field, cells)
        return rows

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
        pa = require("pyarrow", EXTRA)
        schema = pa.schema([self.schema.field(name) for name in columns])
        for fragment in self._dataset.get_fragments():
            of_path = _of_path(fragment)
            own = [name for name in columns if name not in of_path]
            for piece in pieces_of(fragment.path, self.format, own, n_rows, schema):
                arrays = [
                    pa.repeat(of_path[field.name], piece.num_rows).cast(field.type)
                    if field.name in of_path
                    else piece.column(field.name).cast(field.type)
                    for field in schema
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _check_same(self, fragment: Any) -> None:
        """Refuse a file of a folder that has other columns than the first."""
        found = {*fragment.physical_schema.names, *_of_path(fragment)}
        if found != set(self.names):
            raise ValueError(
                f"`source` has files of different columns: {fragment.path!r} has {sorted(found)}, "
                f"the first file {sorted(self.names)}. Write them alike, or apart."
            )


def _dataset(paths: list[str], kind: str, folder: str | None) -> Any:
    """The files as a dataset of pyarrow, which knows columns, folders named column=value, rows."""
    ds = require("pyarrow.dataset", EXTRA)
    named = {"partition_base_dir": folder, "partitioning": "hive"} if folder else {}
    if kind == CSV:
        return ds.dataset(paths, format=ds.CsvFileFormat(parse_options()), **named)
    return ds.dataset(paths, format="ipc" if kind == ARROW else kind, **named)


def _of_path(fragment: Any) -> dict[str, Any]:
    """The columns that the folders of a file name, and their values."""
    found: dict[str, Any] = require("pyarrow.dataset", EXTRA).get_partition_keys(
        fragment.partition_expression
    )
    return found


def _common(schemas: list["pa.Schema"]) -> "pa.Schema":
    """The columns of the first, in types that hold the values of all."""
    pa, types = require("pyarrow", EXTRA), require("pyarrow.types", EXTRA)
    fields = []
    for field in schemas[0]:
        found = [one.field(field.name).type for one in schemas if field.name in one.names]
        if not all(types.is_dictionary(one) or types.is_null(one) for one in found):
            found = [one.value_type if types.is_dictionary(one) else one for one in found]
        parts = [pa.schema([(field.name, one)]) for one in dict.fromkeys(found)]
        try:
            fields.append(pa.unify_schemas(parts, promote_options="permissive").field(0))
        except pa.ArrowTypeError as error:
            raise ValueError(
                f"`source` has files where the column {field.name!r} is of the types "
                f"{', '.join(map(str, dict.fromkeys(found)))}: write it alike in all."
            ) from error
    return pa.schema(fields, schemas[0].metadata)


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
