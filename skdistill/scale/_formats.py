"""Which kind of file a path is, by its suffix."""

from pathlib import Path

PARQUET, CSV, ARROW = "parquet", "csv", "arrow"
SUFFIXES = {
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".csv": CSV,
    ".arrow": ARROW,
    ".feather": ARROW,
    ".ipc": ARROW,
}
# What other programs leave in a folder of shards: Spark's _SUCCESS, checksums.
_IGNORED = (".", "_")


def format_of(path: Path, parameter: str) -> str:
    """The format of a file.

    Parameters
    ----------
    path : pathlib.Path
    parameter : str
        What an error calls it.

    Returns
    -------
    {"parquet", "csv", "arrow"}

    Raises
    ------
    ValueError
        If the suffix tells none.
    """
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise ValueError(
            f"`{parameter}` is {str(path)!r}, whose suffix {path.suffix!r} tells no format: give a "
            f"file of {', '.join(SUFFIXES)}."
        )
    return found


def files_of(source: Path) -> tuple[list[Path], str]:
    """The files of a table, in the order of their names, and their format.

    Parameters
    ----------
    source : pathlib.Path
        A file, or a folder of files of one format, at any depth. Names that begin with a dot or an
        underscore are passed over, as Arrow and Spark do.

    Returns
    -------
    files : list of pathlib.Path
    format : {"parquet", "csv", "arrow"}

    Raises
    ------
    FileNotFoundError
        If it is not there, or the folder holds no file.
    ValueError
        If a suffix tells no format, or the files are of several.
    """
    if not source.exists():
        raise FileNotFoundError(f"`source` is {str(source)!r}, where there is no file or folder.")
    if not source.is_dir():
        return [source], format_of(source, "source")
    files = sorted(
        path
        for path in source.rglob("*")
        if path.is_file()
        and not any(part.startswith(_IGNORED) for part in path.relative_to(source).parts)
    )
    if not files:
        raise FileNotFoundError(f"`source` is the folder {str(source)!r}, which holds no file.")
    formats = {format_of(path, "source") for path in files}
    if len(formats) > 1:
        raise ValueError(
            f"`source` is the folder {str(source)!r}, which holds files of {sorted(formats)}: give "
            "each format a folder of its own."
        )
    return files, formats.pop()
