"""Tables written batch by batch; a file takes its place when it is whole."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

from skdistill._utils.optional import require
from skdistill.scale._formats import CSV, PARQUET
from skdistill.scale._pieces import EXTRA

if TYPE_CHECKING:
    import pyarrow as pa


def check_writable(schema: "pa.Schema", kind: str) -> None:
    """Refuse columns that a format cannot hold, before there is any work.

    Parameters
    ----------
    schema : pyarrow.Schema
    kind : {"parquet", "csv", "arrow"}

    Raises
    ------
    ValueError
        If a column of nested values is to go into a CSV file.
    """
    types = require("pyarrow.types", EXTRA)
    nested = [field.name for field in schema if types.is_nested(field.type)]
    if kind == CSV and nested:
        raise ValueError(
            f"the column(s) {nested} hold lists or structs, which a CSV file cannot: write a "
            ".parquet or .arrow file, or leave them out."
        )


def write_batches(
    batches: Iterable["pa.Table"], schema: "pa.Schema", file: BinaryIO, kind: str
) -> int:
    """Write batches to an open file; each is a row group of Parquet, or a batch of Arrow.

    Parameters
    ----------
    batches : iterable of pyarrow.Table
        There may be none.
    schema : pyarrow.Schema
        Of each of them.
    file : binary file
    kind : {"parquet", "csv", "arrow"}

    Returns
    -------
    int
        Rows written.
    """
    n_rows = 0
    with _writer(file, schema, kind) as writer:
        for batch in batches:
            writer.write_table(batch)
            n_rows += batch.num_rows
    return n_rows


def _writer(file: BinaryIO, schema: "pa.Schema", kind: str) -> Any:
    if kind == PARQUET:
        types = require("pyarrow.types", EXTRA)
        # Probabilities are all different: a dictionary of them takes time and saves no byte.
        repeated = [field.name for field in schema if not types.is_floating(field.type)]
        writer = require("pyarrow.parquet", EXTRA).ParquetWriter
        return writer(file, schema, use_dictionary=repeated)
    if kind == CSV:
        return require("pyarrow.csv", EXTRA).CSVWriter(file, schema)
    return require("pyarrow", EXTRA).ipc.new_file(file, schema)
