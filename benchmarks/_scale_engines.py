"""Dask and Spark with two workers beside one process: the same answers, and how many rows a second.

Each reads a folder of Parquet files and writes one. They take turns.
"""

import os
import shutil
import sys
import time
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
from _knowledge import Form
from _report import print_table, spread
from _scale_rows import names, write_flights, write_numbers
from _stopwatch import processor_seconds
from datasets import load
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline

from skdistill import DistilledClassifier, MLPStudent, Scorer, TabularEncoder, to_onnx
from skdistill.scale import score_dask, score_parquet, score_spark

SITUATIONS = ("flights", "20 numbers")
N_ROWS, REPEATS = 5_000_000, 3
ONE, DASK, SPARK = "one process", "Dask, two workers", "Spark, two workers"
FILES = "Spark, two workers, a file a task"
BARS = {DASK: 1.5, SPARK: 1.2, FILES: 1.2}
# Of the default student, on as many rows as are usual.
WIDTHS = (128, 128, 128, 128)


def run(situation, seed):
    """Seconds of each engine in each repeat, and how far its answers are from those of a Scorer."""
    pa.set_cpu_count(1)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        folder = Path(folder)
        student = make_student(situation, folder, seed)
        write_rows(situation, folder / "rows", N_ROWS, seed)
        engines = {ONE: one_process, DASK: stack.enter_context(dask_engine())}
        if find_spec("pyspark") and shutil.which("java"):
            engines |= stack.enter_context(spark_engines())
        found = {name: {"seconds": [], "processor_seconds": []} for name in engines}
        for repeat in range(REPEATS + 1):
            for name, engine in engines.items():
                shutil.rmtree(folder / name, ignore_errors=True)
                busy, started = processor_seconds(), time.perf_counter()
                engine(student, folder / "rows", folder / name)
                seconds = time.perf_counter() - started
                if repeat:  # the first warms up
                    found[name]["seconds"].append(seconds)
                    found[name]["processor_seconds"].append(processor_seconds() - busy)
        expected = answers_of_scorer(student, folder / "rows")
        for name in engines:
            found[name] |= difference(folder / name, expected)
    return found | {"load": os.getloadavg()[1]}


def make_student(situation, folder, seed):
    """A file whose speed alone matters."""
    rng = np.random.default_rng(seed)
    if situation == "flights":
        X, y = load("flights", 6000)
    else:
        X = pd.DataFrame(rng.normal(size=(2000, 20)), columns=names(20))
        y = rng.integers(0, 2, 2000)
    teacher = make_pipeline(TabularEncoder(), ExtraTreesClassifier(20, random_state=seed))
    student = MLPStudent(WIDTHS, n_steps=100)
    clf = DistilledClassifier(teacher, student, transfer=None, cv=None, random_state=seed)
    to_onnx(clf.fit(X, y), folder / "student.onnx")
    return folder / "student.onnx"


def write_rows(situation, folder, n_rows, seed):
    if situation == "flights":
        write_flights(folder, n_rows, seed)
    else:
        write_numbers(folder, n_rows, 20, seed)


# --- the engines ---


def one_process(student, rows, out):
    out.mkdir()
    score_parquet(student, rows, out / "0.parquet", keep=["id"])


@contextmanager
def dask_engine():
    import dask.dataframe as dd
    from dask.distributed import Client, LocalCluster

    def score(student, rows, out):
        score_dask(student, dd.read_parquet(rows), keep=["id"]).to_parquet(out)

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster):
        yield score


@contextmanager
def spark_engines():
    """Rows through Spark, and a file a task, that each worker reads and writes by itself."""
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "OFF")
        .getOrCreate()
    )

    def through_spark(student, rows, out):
        score_spark(student, session.read.parquet(str(rows)), keep=["id"]).write.parquet(str(out))

    def a_file_a_task(student, rows, out):
        def score_file(path):
            pa.set_cpu_count(1)
            score_parquet(student, path, out / path.name, keep=["id"])

        out.mkdir()
        paths = sorted(rows.glob("*.parquet"))
        session.sparkContext.parallelize(paths, len(paths)).foreach(score_file)

    yield {SPARK: through_spark, FILES: a_file_a_task}
    session.stop()


# --- answers ---


def answers_of_scorer(student, rows):
    """By id: labels and probabilities."""
    scorer, X = Scorer(student), pd.read_parquet(rows).set_index("id").sort_index()
    return scorer.predict(X), scorer.predict_proba(X)


def difference(out, expected):
    found = pd.read_parquet(out).sort_values("id")
    labels, probabilities = expected
    told = found.filter(like="probability_").to_numpy()
    return {
        "gap": float(np.abs(told - probabilities).max()),
        "labels_equal": float(np.mean(found["prediction"].to_numpy() == labels)),
    }


def report(cells):
    """An engine a row: rows a second, ratios to one process, differences."""
    rows = []
    for (situation, seed), cell in cells.items():
        one = cell[ONE]
        for name in (ONE, *BARS):
            if name not in cell:
                continue
            own = cell[name]
            pairs = zip(one["seconds"], own["seconds"], strict=True)
            free = 2 * np.median(one["processor_seconds"]) / np.median(own["processor_seconds"])
            rows.append(
                [
                    situation,
                    seed,
                    name,
                    f"{N_ROWS / np.median(own['seconds']):,.0f}",
                    spread([a / b for a, b in pairs]) if name in BARS else "",
                    f">= {BARS[name]}" if name in BARS else "",
                    f"{1e6 * np.median(own['processor_seconds']) / N_ROWS:.1f}",
                    f"{free:.2f}" if name in BARS else "",
                    f"{own['gap']:.1e}",
                    f"{own['labels_equal']:.6f}",
                    f"{cell['load']:.1f}",
                ]
            )
    columns = ["rows", "seed", "engine", "rows/s", "rows/s over one process", "bar"]
    columns += ["processor us/row", "the same on two free cores", "largest gap", "labels equal"]
    print_table([*columns, "load"], rows)
    print(
        f"{N_ROWS:,} rows, Parquet to Parquet, {REPEATS} interleaved repeats: median (lowest - "
        "highest). `One process` is score_parquet with one thread. `On two free cores`: twice the "
        "processor seconds of one process over those of the engine, all of its processes together. "
        "Load: runnable processes, mean of five minutes, on the machine named above.\n"
    )


ENGINES = Form("engines", "Dask and Spark", SITUATIONS, run, report)
