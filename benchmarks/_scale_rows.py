"""Tables of any length, written a file at a time."""

from itertools import pairwise

import numpy as np
import pandas as pd
from datasets import load

# Rows written at a time.
CHUNK = 50_000


def write_flights(folder, n_rows, seed, n_files=8):
    """Rows of flights, repeated with noise in the numbers, with an id each."""
    X, _ = load("flights", None)
    rng = np.random.default_rng(seed)

    def rows(n):
        part = X.iloc[rng.integers(0, len(X), n)].reset_index(drop=True)
        for name in part:
            if part[name].dtype.kind == "f":
                part[name] += rng.normal(scale=0.01 * X[name].std(), size=n)
            else:
                part[name] = part[name].astype(object)
        return part

    write(folder, rows, n_rows, n_files)


def write_numbers(folder, n_rows, n_columns, seed, n_files=8):
    """Normal numbers, with an id for each row."""
    rng = np.random.default_rng(seed)

    def rows(n):
        return pd.DataFrame(rng.normal(size=(n, n_columns)), columns=names(n_columns))

    write(folder, rows, n_rows, n_files)


def names(n_columns):
    return [f"x{i}" for i in range(n_columns)]


def write(folder, rows, n_rows, n_files):
    """A folder of Parquet files, in row groups of a chunk."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    bounds = np.linspace(0, n_rows, n_files + 1).astype(int)
    for i, (start, stop) in enumerate(pairwise(bounds)):
        writer = None
        for first in range(start, stop, CHUNK):
            ids = np.arange(first, min(first + CHUNK, stop))
            part = pa.Table.from_pandas(rows(len(ids)).assign(id=ids), preserve_index=False)
            writer = writer or pq.ParquetWriter(folder / f"{i:03}.parquet", part.schema)
            writer.write_table(part)
        writer.close()
