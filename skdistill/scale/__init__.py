"""Rows that do not fit into memory, or lie on several machines: thin, over libraries that exist.

Importing this folder is cheap: its files, and what they need, are loaded when a name is used.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "GrowthReport": "_growth",
    "LabelReport": "_label",
    "RowSource": "_source",
    "ScoreResult": "_score",
    "label_parquet": "_label",
    "label_until_flat": "_growth",
    "score_dask": "_dask",
    "score_parquet": "_score",
    "score_spark": "_spark",
    "student_udf": "_spark",
}

__all__ = [*sorted(_HOMES)]
# For the command line, and for a fit.
_HOMES |= {
    "LabelledFolder": "_source",
    "RowGroup": "_source",
    "SourceRows": "_source",
    "TableFiles": "_reading",
    "files_of": "_formats",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    value.__module__ = __name__  # the path that users know; the files may move
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
