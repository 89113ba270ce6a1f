"""Rows that do not fit into memory, or lie on several machines: thin, over libraries that exist.

Importing this folder is cheap: each library is imported when a function needs it.
"""

from skdistill.scale._score import ScoreResult, score_parquet

__all__ = ["ScoreResult", "score_parquet"]

# The path that users know; the files may move.
for _public in (ScoreResult, score_parquet):
    _public.__module__ = __name__
