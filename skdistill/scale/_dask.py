"""Dask: a student over the partitions of a collection."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skdistill._utils.optional import require
from skdistill.scale._answer_table import AnswerTable, Student

if TYPE_CHECKING:
    import pandas as pd


def score_dask(student: Student, ddf: Any, keep: Sequence[str] = ()) -> Any:
    """Answers of an exported student for a Dask DataFrame, partition by partition.

    Nothing is computed before the result is. The content of the file travels with the graph, once
    for each worker, so that workers need no path. They need the package, NumPy and ONNX Runtime.

    Parameters
    ----------
    student : str, Path, bytes, bytearray, memoryview, binary file or Scorer
        What :func:`skdistill.to_onnx` wrote, or a Scorer of it. A file is opened with one thread:
        Dask itself has one for each task.
    ddf : dask.dataframe.DataFrame
        Columns as the student was fitted with, by name, and those of `keep`. Partitions may be
        empty.
    keep : sequence of str, default=()
        Columns to stand before the answers.

    Returns
    -------
    dask.dataframe.DataFrame
        The columns of `keep`, then ``prediction`` and ``probability_<class>`` for each class. Of
        numbers: ``prediction``, and ``quantile_<level>`` where quantiles are told. Index and
        partitions are those of `ddf`.

    Raises
    ------
    ImportError
        If Dask is not installed.
    ValueError
        If a column is missing, or is neither read nor kept; when it is computed, as
        :meth:`Scorer.predict_proba`.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> import numpy as np
    >>> import pandas as pd
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import DistilledClassifier, MLPStudent, to_onnx
    >>> from skdistill.scale import score_dask
    >>> X = pd.DataFrame({"size": np.linspace(-1, 1, 100)})
    >>> clf = DistilledClassifier(LogisticRegression(), MLPStudent((8,), n_steps=50))
    >>> clf = clf.fit(X, np.where(X["size"] > 0, "large", "small"))
    >>> with TemporaryDirectory() as folder:
    ...     report = to_onnx(clf, Path(folder) / "student.onnx")
    ...     answers = score_dask(Path(folder) / "student.onnx", dd.from_pandas(X, npartitions=2))
    >>> list(answers.columns)
    ['prediction', 'probability_large', 'probability_small']
    >>> len(answers.compute())
    100
    """
    delayed = require("dask", "dask").delayed
    make_meta = require("dask.dataframe.utils", "dask").make_meta
    table = AnswerTable(student, ddf.columns, keep)
    meta = _score_partition(make_meta(ddf), table)
    # Delayed: one object in the graph, that each worker opens once for all of its tasks.
    return ddf[table.needed].map_partitions(_score_partition, delayed(table), meta=meta)


def _score_partition(rows: "pd.DataFrame", table: AnswerTable) -> "pd.DataFrame":
    import pandas as pd

    answers = pd.DataFrame(table.answer(rows[table.inputs], len(rows)), index=rows.index)
    return pd.concat([rows[table.kept], answers], axis=1) if table.kept else answers
