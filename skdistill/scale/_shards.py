"""The shards of a Parquet folder: what is labelled, and taken up again, as a whole."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skdistill._utils.optional import require


@dataclass(frozen=True)
class Shard:
    """Some row groups of a file, one after the other.

    Attributes
    ----------
    source : str
        The file, relative to its folder, with "/" between its parts.
    first, stop : int
        Its row groups.
    sizes : tuple of int
        Rows of each of them.
    """

    source: str
    first: int
    stop: int
    sizes: tuple[int, ...]

    @property
    def n_rows(self) -> int:
        return sum(self.sizes)

    @property
    def file(self) -> str:
        """Name of the file of its labels; no other shard has it."""
        stem = self.source.removesuffix(".parquet").replace("%", "%25").replace("/", "%2F")
        return f"{stem}.{self.first:05d}-{self.stop - 1:05d}.parquet"


def parquet() -> Any:
    """The module ``pyarrow.parquet``."""
    return require("pyarrow.parquet", "data")


def find_shards(folder: Path, shard_rows: int) -> list[Shard]:
    """Divide the files of a folder into shards, in the order of their names.

    Parameters
    ----------
    folder : pathlib.Path
        Files that end in ``.parquet``, in folders inside it as well. What begins with "." or "_"
        is left out, as in other Parquet readers.
    shard_rows : int
        A shard ends with the row group that fills it.

    Returns
    -------
    list of Shard

    Raises
    ------
    ValueError
        If there is no file with rows.
    """
    shards = [
        shard
        for path in _files_of(folder)
        for shard in _shards_of(path, path.relative_to(folder).as_posix(), shard_rows)
    ]
    if not shards:
        raise ValueError(
            f"`folder` {str(folder)!r} holds no rows in files that end in .parquet: give the "
            "folder of a Parquet data set."
        )
    return shards


def columns_of(folder: Path, shards: list[Shard]) -> list[str]:
    """The columns of the files, which must be the same in all; the index of a frame is none.

    Parameters
    ----------
    folder : pathlib.Path
    shards : list of Shard

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If a file has other columns than the first.
    """
    sources = list(dict.fromkeys(shard.source for shard in shards))
    first, *others = (_names_in(folder / source) for source in sources)
    for source, names in zip(sources[1:], others, strict=True):
        if set(names) != set(first):
            odd = sorted(set(names) ^ set(first))[:10]
            raise ValueError(
                f"`folder`: {source!r} and {sources[0]!r} do not have the same columns; one of "
                f"them lacks {odd}. Write them alike."
            )
    return list(first)


def _names_in(path: Path) -> list[str]:
    schema = parquet().read_schema(path)
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    return [name for name in schema.names if name not in index]


def hash_of(path: Path) -> str:
    """What tells the content of a file from that of another."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _files_of(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise NotADirectoryError(f"`folder` {str(folder)!r} is no folder: give one that is there.")
    for path in sorted(folder.rglob("*.parquet")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "_")) for part in parts):
            yield path


def _shards_of(path: Path, source: str, shard_rows: int) -> Iterator[Shard]:
    metadata = parquet().read_metadata(path)
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    first = 0
    for stop in range(1, len(sizes) + 1):
        own = tuple(sizes[first:stop])
        if sum(own) >= shard_rows or (stop == len(sizes) and sum(own)):
            yield Shard(source, first, stop, own)
            first = stop
