"""Spark: a student over batches and as a function of columns, in a session of two cores."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from shared import small_table
from sklearn.linear_model import LinearRegression, LogisticRegression

from skdistill import DistilledClassifier, DistilledRegressor, MLPStudent, Scorer, to_onnx
from skdistill.scale import score_spark, student_udf

sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed (the extra `spark`)")
if shutil.which("java") is None:
    pytest.skip("there is no Java, which Spark needs", allow_module_level=True)

pytestmark = [
    pytest.mark.slow,  # a JVM has to start
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]
SMALL = MLPStudent((8,), n_steps=20)
PROBABILITIES = ["probability_a", "probability_b", "probability_c"]


@pytest.fixture(scope="module")
def spark():
    """A session with two workers, which run the Python of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            sql.SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.log.level", "OFF")
            .config("spark.sql.shuffle.partitions", "2")
            # Little is asked of the JVM: to compile it well would take longer.
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.execution.arrow.pyspark.enabled", "true")
            .getOrCreate()
        )
        yield session
        session.stop()


@pytest.fixture(scope="module")
def table(spark):
    """Rows with ids in pandas and in Spark; numbers and text are missing in some."""
    X = small_table(300).assign(id=np.arange(300))
    X["colour"] = X["colour"].astype(object).mask(X["id"] % 11 == 0, None)
    rows = X.astype(object).where(X.notna(), None).to_numpy().tolist()
    sdf = spark.createDataFrame(rows, "size double, colour string, is_new boolean, id bigint")
    return X, sdf.cache()


def check(found, X, path):
    """They are those of a Scorer, row by row."""
    scorer, rows = Scorer(path), X[["size", "colour", "is_new"]]
    found = found.toPandas().sort_values("id")
    assert found["id"].tolist() == X["id"].tolist()
    np.testing.assert_array_equal(found[PROBABILITIES], scorer.predict_proba(rows))
    assert found["prediction"].tolist() == scorer.predict(rows).tolist()


def test_batches(table, exported):
    X, sdf = table
    _, _, path = exported
    sdf = sdf.selectExpr("*", "current_timestamp() AS day", "array(id) AS ids").repartition(4)
    answers = score_spark(path, sdf, keep=["day", "id", "ids"])
    assert answers.dtypes == [
        ("day", "timestamp"),
        ("id", "bigint"),
        ("ids", "array<bigint>"),
        ("prediction", "string"),
        *((name, "float") for name in PROBABILITIES),
    ]
    check(answers, X, path)


def test_empty_partitions(table, exported):
    X, sdf = table
    _, _, path = exported
    some = sdf.filter("id < 40").repartition(8, "is_new")  # most of them are empty
    check(score_spark(path, some, keep=["id"]), X[X["id"] < 40], path)
    assert score_spark(path, sdf.filter("id < 0"), keep=["id"]).count() == 0


def test_content_travels(table, exported, tmp_path):
    """No worker needs the file, in a session with a broadcast and in one without."""
    X, sdf = table
    _, _, path = exported
    gone = tmp_path / "gone.onnx"
    gone.write_bytes(path.read_bytes())
    answers = score_spark(gone, sdf, keep=["id"])
    without = score_spark(gone, WithoutContext(sdf), keep=["id"])
    gone.unlink()
    check(answers, X, path)
    check(without, X, path)


class WithoutContext:
    """A table as that of Spark Connect, whose session has no SparkContext."""

    def __init__(self, sdf):
        self.columns, self.schema, self.select = sdf.columns, sdf.schema, sdf.select
        self.sparkSession, self._sdf = object(), sdf

    def __getitem__(self, name):
        return self._sdf[name]


def test_function_of_columns(table, exported):
    X, sdf = table
    _, _, path = exported
    answer = student_udf(path, batch_size=64)("size", "colour", "is_new").alias("answer")
    check(sdf.repartition(3).select("id", answer).select("id", "answer.*"), X, path)


def test_in_sql(spark, table, exported):
    X, sdf = table
    _, _, path = exported
    spark.udf.register("student", student_udf(path))
    sdf.createOrReplaceTempView("rows")
    found = spark.sql(
        "SELECT id, answer.* FROM (SELECT id, student(size, colour, is_new) AS answer FROM rows)"
    )
    check(found, X, path)


def test_labels_of_few_bits_and_a_name_with_a_dot(spark, tmp_path):
    X = pd.DataFrame({"size.cm": np.linspace(-1, 1, 60)})
    y = np.where(X["size.cm"] > 0, 1, -1).astype(np.int8)
    clf = DistilledClassifier(LogisticRegression(), SMALL, transfer=None, random_state=0)
    to_onnx(clf.fit(X, y), tmp_path / "a.onnx")
    sdf = spark.createDataFrame(X.reset_index().to_numpy().tolist(), "id double, `size.cm` double")
    table = score_spark(tmp_path / "a.onnx", sdf, keep=["id"])
    answer = student_udf(tmp_path / "a.onnx")("`size.cm`").alias("answer")
    for found in (table, sdf.select("id", answer).select("id", "answer.*")):
        assert dict(found.dtypes)["prediction"] == "bigint"
        found = found.toPandas().sort_values("id")
        assert found["prediction"].tolist() == clf.predict(X).tolist()


@pytest.mark.parametrize("head", ["mean", "quantiles"])
def test_numbers(spark, tmp_path, head):
    X = pd.DataFrame({"size": np.linspace(-1, 1, 60)})
    reg = DistilledRegressor(LinearRegression(), SMALL, head=head, transfer=None, random_state=0)
    to_onnx(reg.fit(X, X["size"].to_numpy()), tmp_path / "a.onnx")
    sdf = spark.createDataFrame(X.reset_index().to_numpy().tolist(), "id double, size double")
    found = score_spark(tmp_path / "a.onnx", sdf, keep=["id"])
    assert found.dtypes[1] == ("prediction", "double")
    assert len(found.columns) == (2 if head == "mean" else 2 + len(reg.quantiles_))
    found = found.toPandas().sort_values("id")
    np.testing.assert_array_equal(found["prediction"], Scorer(tmp_path / "a.onnx").predict(X))


def test_what_is_refused(table, exported):
    _, sdf = table
    _, _, path = exported
    with pytest.raises(ValueError, match=r"lacks the column\(s\) \['size'\]"):
        score_spark(path, sdf.drop("size"), keep=["id"])
    with pytest.raises(ValueError, match="`batch_size` must be an integer of 1 or above, got 0"):
        student_udf(path, batch_size=0)
    infinite = score_spark(path, sdf.selectExpr("double('inf') size", "colour", "is_new"))
    with pytest.raises(Exception, match="contains infinity in column"):
        infinite.collect()
