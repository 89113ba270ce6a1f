"""One file, read piece by piece: only as fast as the pieces are taken.

A dataset of pyarrow reads on until a gigabyte waits, since it is faster than a student.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from skdistill._utils.optional import require
from skdistill.scale._formats import ARROW, CSV

if TYPE_CHECKING:
    import pyarrow as pa

EXTRA = "cli"
# What stands for a missing value in a CSV file besides what pyarrow takes for one; as pandas does.
_ALSO_MISSING = ["<NA>", "None"]
# Of a column chunk, in memory at a time: a row group may be as large as a file.
BUFFER_BYTES = 2**16


def pieces_of(
    path: str, kind: str, columns: list[str], n_rows: int, schema: "pa.Schema"
) -> Iterator["pa.RecordBatch"]:
    """Read some columns of a file.

    Parameters
    ----------
    path : str
    kind : {"parquet", "csv", "arrow"}
    columns : list of str
    n_rows : int
        Of a piece of Parquet, at most. Other files have pieces of their own.
    schema : pyarrow.Schema
        Types of the columns of a CSV file.

    Yields
    ------
    pyarrow.RecordBatch
        Columns in any order.
    """
    if kind == CSV:
        yield from _of_csv(path, columns, schema)
    elif kind == ARROW:
        yield from _of_arrow(path, columns)
    else:
        parquet = require("pyarrow.parquet", EXTRA)
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file:
            yield from file.iter_batches(n_rows, columns=columns)


def parse_options() -> Any:
    """How a CSV file is cut into rows: a text may have several lines, as pandas writes them."""
    return require("pyarrow.csv", EXTRA).ParseOptions(newlines_in_values=True)


def missing_texts() -> list[str]:
    """What stands for a missing value in a CSV file. Texts are read as they are."""
    return [*require("pyarrow.csv", EXTRA).ConvertOptions().null_values, *_ALSO_MISSING]


def _of_csv(path: str, columns: list[str], schema: "pa.Schema") -> Iterator["pa.RecordBatch"]:
    csv = require("pyarrow.csv", EXTRA)
    options = csv.ConvertOptions(
        column_types={name: schema.field(name).type for name in columns},
        include_columns=columns,
        null_values=missing_texts(),
    )
    with csv.open_csv(path, parse_options=parse_options(), convert_options=options) as reader:
        yield from reader


def _of_arrow(path: str, columns: list[str]) -> Iterator["pa.RecordBatch"]:
    pa = require("pyarrow", EXTRA)
    with pa.memory_map(path) as file:
        names = pa.ipc.open_file(file).schema.names
        options = pa.ipc.IpcReadOptions(included_fields=[names.index(name) for name in columns])
        reader: Any = pa.ipc.open_file(file, options=options)
        for place in range(reader.num_record_batches):
            yield reader.get_batch(place)
