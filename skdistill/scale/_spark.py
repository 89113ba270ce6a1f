"""Spark: a student over the batches of a DataFrame, as a table or as a function of columns."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._utils.counts import check_counts
from skdistill._utils.optional import require
from skdistill.scale._answer_table import AnswerTable, Student
from skdistill.serving import Scorer

if TYPE_CHECKING:
    import pyarrow as pa

# Types of the answers in Spark and in Arrow, by NumPy's type or kind.
_TYPES = {
    "f4": ("FloatType", "float32"),
    "f": ("DoubleType", "float64"),
    "i": ("LongType", "int64"),
    "u": ("LongType", "int64"),
    "b": ("BooleanType", "bool"),
    "U": ("StringType", "string"),
}


def score_spark(student: Student, sdf: Any, keep: Sequence[str] = ()) -> Any:
    """Answers of an exported student for a Spark DataFrame, by ``mapInArrow``.

    Nothing is computed before Spark is asked for the result. The content of the file is broadcast,
    and opened once in each Python worker: no path has to be there for them. They need the package,
    NumPy, pyarrow and ONNX Runtime.

    Parameters
    ----------
    student : str, Path, bytes, bytearray, memoryview, binary file or Scorer
        What :func:`skdistill.to_onnx` wrote, or a Scorer of it. A file is opened with one thread:
        Spark runs a task for each core.
    sdf : pyspark.sql.DataFrame
        Columns as the student was fitted with, by name, and those of `keep`. Partitions may be
        empty.
    keep : sequence of str, default=()
        Columns to stand before the answers. Rows have no order in Spark: keep what they are known
        by.

    Returns
    -------
    pyspark.sql.DataFrame
        The columns of `keep`, then ``prediction`` and ``probability_<class>`` for each class. Of
        numbers: ``prediction``, and ``quantile_<level>`` where quantiles are told.

    Raises
    ------
    ImportError
        If pyspark is not installed.
    ValueError
        If a column is missing, or is neither read nor kept. What :meth:`Scorer.predict_proba`
        refuses in a row fails the task when Spark runs it.

    Notes
    -----
    A session of Spark Connect has no broadcast. There the content travels within the function.
    """
    types = require("pyspark.sql.types", "spark")
    table = AnswerTable(student, sdf.columns, keep)
    schema = types.StructType(
        [*(sdf.schema[name] for name in table.kept), *_answer_fields(table.answers)]
    )
    sent = _broadcast(table, sdf.sparkSession)

    def score(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        return _score_batches(batches, sent.value)

    # Spark's `mapInArrow` takes no name that has a dot.
    plain = [sdf[_quoted(name)].alias(f"c{i}") for i, name in enumerate(table.needed)]
    return sdf.select(*plain).mapInArrow(score, schema)


def student_udf(student: Student, batch_size: int = 10_000) -> Callable[..., Any]:
    """An exported student as a function of columns, by ``predict_batch_udf``.

    Use it within expressions and, once it is registered by ``spark.udf.register(name, udf)``, in
    SQL. :func:`score_spark` gives a table, and does not go through pandas.

    Parameters
    ----------
    student : str, Path, bytes, bytearray, memoryview, binary file or Scorer
        What :func:`skdistill.to_onnx` wrote, or a Scorer of it. A file is opened with one thread.
    batch_size : int, default=10_000
        Rows asked for at a time, at most.

    Returns
    -------
    callable
        A user-defined function. It takes one column for each that the student was fitted with, in
        the order of ``feature_names_in_``, and returns a struct: ``prediction`` and
        ``probability_<class>`` for each class; of numbers ``prediction``, and ``quantile_<level>``
        where quantiles are told.

    Raises
    ------
    ImportError
        If pyspark is not installed.
    ValueError
        If `batch_size` is below 1.
    """
    check_counts(batch_size=batch_size)
    types = require("pyspark.sql.types", "spark")
    functions = require("pyspark.ml.functions", "spark")
    session = require("pyspark.sql", "spark").SparkSession.getActiveSession()
    scorer = student if isinstance(student, Scorer) else Scorer(student)
    names = getattr(scorer, "feature_names_in_", map(str, range(scorer.n_features_in_)))
    table = AnswerTable(scorer, names)
    sent = _broadcast(table, session)
    return functions.predict_batch_udf(
        lambda: _predict_function(sent.value),
        return_type=types.StructType(_answer_fields(table.answers)),
        batch_size=batch_size,
    )


def _broadcast(table: AnswerTable, session: Any) -> Any:
    """What has the table as its `value`, on workers too."""
    context = getattr(session, "sparkContext", None)  # Spark Connect has none
    return SimpleNamespace(value=table) if context is None else context.broadcast(table)


def _score_batches(
    batches: "Iterator[pa.RecordBatch]", table: AnswerTable
) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    for plain in batches:
        batch = plain.rename_columns(table.needed)
        answers = [
            pa.array(values).cast(_types_of(values.dtype)[1])
            for values in table.answer(batch.select(table.inputs), batch.num_rows).values()
        ]
        kept = [batch.column(name) for name in table.kept]
        yield pa.RecordBatch.from_arrays([*kept, *answers], [*table.kept, *table.answers])


def _predict_function(table: AnswerTable) -> Callable[..., dict[str, np.ndarray]]:
    """A function of one array a column; Spark counts its parameters."""
    import pandas as pd

    def predict(*columns: np.ndarray) -> dict[str, np.ndarray]:
        rows = pd.DataFrame(dict(zip(table.inputs, columns, strict=True)))
        return table.answer(rows, len(rows))

    kind = inspect.Parameter.POSITIONAL_ONLY
    parameters = [inspect.Parameter(f"c{i}", kind) for i in range(len(table.inputs))]
    predict.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return predict


def _answer_fields(answers: dict[str, np.dtype]) -> list[Any]:
    types = require("pyspark.sql.types", "spark")
    return [
        types.StructField(name, getattr(types, _types_of(dtype)[0])())
        for name, dtype in answers.items()
    ]


def _types_of(dtype: np.dtype) -> tuple[str, str]:
    """The names of a type in Spark and in Arrow."""
    return _TYPES.get(dtype.str[1:]) or _TYPES[dtype.kind]


def _quoted(name: str) -> str:
    """A name that may have dots, as Spark's frames take it."""
    return "`" + name.replace("`", "``") + "`"
