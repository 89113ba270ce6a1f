"""Labelling a folder by a frozen XGBoost: memory, speed beside the teacher's own, kills.

Data and teacher are kept in ``.cache``, where the fit on these rows reads them. Each figure is
taken in a process of its own.
"""

import json
import os
import pickle
import resource
import shutil
import signal
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _knowledge import CACHE, Form
from _report import print_table
from _scale_rows import write
from datasets import load
from sklearn.model_selection import train_test_split

SIZES = {f"{n:,} rows": n for n in (500_000, 5_000_000)}
# Rows that the teacher is fitted on; those that it is timed on in memory; those of a killed run.
TEACHER_ROWS, TIMED_ROWS, KILLED_ROWS = 100_000, 500_000, 200_000
N_KILLS = 10
DROP = ("target", "id")


def split(seed):
    """Rows of flights that are repeated, and others for the test."""
    X, y = load("flights", None)
    whole = X.assign(target=y)
    return train_test_split(whole, test_size=0.2, stratify=y, random_state=seed)


def folder_of(n_rows, seed):
    """The folder of the data and the teacher, made where it is not there."""
    folder = CACHE / f"scale-{n_rows}-{seed}"
    if not (folder / "teacher.pkl").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        in_child(make, folder, n_rows, seed)
    return folder


def make(folder, n_rows, seed):
    """Rows with noise, and a teacher of the plain ones."""
    from xgboost import XGBClassifier

    train, _ = split(seed)
    rng = np.random.default_rng(seed)
    numbers = train.select_dtypes("number")
    scale = 0.01 * numbers.std().to_numpy()

    def rows(n):
        part = train.iloc[rng.integers(0, len(train), n)].reset_index(drop=True)
        part[numbers.columns] += rng.normal(scale=scale, size=(n, len(scale)))
        return part

    write(folder / "rows", rows, n_rows, 8)
    few = train[:TEACHER_ROWS]
    teacher = XGBClassifier(
        n_estimators=300, enable_categorical=True, n_jobs=1, random_state=seed
    ).fit(few.drop(columns="target"), (few["target"] == "on_time").astype(int))
    (folder / "teacher.pkl").write_bytes(pickle.dumps(teacher))


def read_teacher(folder):
    """The teacher, with the labels of the data."""
    from skdistill import FittedTeacher

    model = pickle.loads((folder / "teacher.pkl").read_bytes())
    return FittedTeacher(model, classes=["late", "on_time"])


def run(situation, seed):
    """Seconds, processor seconds and memory of labelling, and of the teacher in memory."""
    folder = folder_of(SIZES[situation], seed)
    with TemporaryDirectory(dir=folder) as out:
        found = in_child(label, folder, Path(out) / "labels")
    return found | {"own_" + of: value for of, value in in_child(ask, folder).items()}


def label(folder, out):
    """Label the rows; MB are those beyond the process with the teacher that has been asked once.

    The teacher is timed within the run: on a machine that others use as well, two runs do not say
    how fast one is beside the other.
    """
    from skdistill import FittedTeacher
    from skdistill.scale import label_parquet

    teacher, spent = read_teacher(folder), np.zeros(2)

    def ask(X):
        begun = time_and_work()
        answer = teacher.predict_proba(X)
        spent[:] += np.subtract(time_and_work(), begun)
        return answer

    ask(first_rows(folder, 1000))
    before, begun, spent[:] = memory(), time_and_work(), 0
    timed = FittedTeacher(ask, classes=teacher.classes)
    report = label_parquet(
        timed, folder / "rows", out, drop=DROP, predicts="classes", teacher_id="timed"
    )
    seconds, work = np.subtract(time_and_work(), begun).tolist()
    return {
        "n_rows": report.n_rows,
        "seconds": seconds,
        "processor_seconds": work,
        "teacher_seconds": spent[0],
        "teacher_processor_seconds": spent[1],
        "mb_before": before,
        "mb_beyond": peak() - before,
    }


def first_rows(folder, n):
    """A few rows, read without the others."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = sorted((folder / "rows").glob("*.parquet"))[0]
    batch = next(pq.ParquetFile(file).iter_batches(n))
    return pa.Table.from_batches([batch]).to_pandas().drop(columns=list(DROP))


def ask(folder):
    """The teacher alone, on rows in memory."""
    teacher, X = read_teacher(folder), some_rows(folder, TIMED_ROWS)
    teacher.predict_proba(X[:1000])
    begun = time_and_work()
    teacher.predict_proba(X)
    seconds, work = np.subtract(time_and_work(), begun).tolist()
    return {"n_rows": len(X), "seconds": seconds, "processor_seconds": work}


def some_rows(folder, n):
    """The first rows, without what the teacher does not see."""
    import pandas as pd

    parts, n_rows = [], 0
    for file in sorted((folder / "rows").glob("*.parquet")):
        parts.append(pd.read_parquet(file).drop(columns=list(DROP)))
        n_rows += len(parts[-1])
        if n_rows >= n:
            break
    return pd.concat(parts, ignore_index=True)[:n]


# --- kills ---


def run_kills(situation, seed):
    """Labelling, killed at random moments and gone on with, against one that was not."""
    folder = folder_of(KILLED_ROWS, seed)
    rng, found = np.random.default_rng(seed), []
    with TemporaryDirectory(dir=folder) as place:
        place = Path(place)
        in_fork(partial(read_teacher, folder))  # the first process waits for the imports
        begun = time.perf_counter()
        in_fork(partial(label_small, folder, place / "whole"))
        seconds = time.perf_counter() - begun
        expected = contents(place / "whole")
        while len(found) < N_KILLS:
            out = place / f"killed-{len(found)}"
            moment = (len(found) + rng.uniform()) / N_KILLS * seconds
            if not killed(partial(label_small, folder, out), moment):
                shutil.rmtree(out, ignore_errors=True)  # it was faster than the first
                seconds *= 0.8
                continue
            before = {out / name: (out / name).stat().st_mtime_ns for name in done_in(out)}
            in_fork(partial(label_small, folder, out))
            after = contents(out)
            found.append(
                {
                    "moment": moment,
                    "n_done_before": len(before),
                    "n_lost": len(set(expected) - set(after)),
                    "n_other": sum(after[name] != expected.get(name) for name in after),
                    "n_twice": sum(file.stat().st_mtime_ns != at for file, at in before.items()),
                    "n_left_over": len(list(out.iterdir())) - len(after) - 1,
                }
            )
    return {"kills": found}


def done_in(out):
    """The shards that the manifest says are labelled."""
    manifest = out / "manifest.json"
    return list(json.loads(manifest.read_text())["done"]) if manifest.exists() else []


def label_small(folder, out):
    """Many small shards, so that a kill finds some done."""
    from skdistill.scale import label_parquet

    label_parquet(
        read_teacher(folder), folder / "rows", out, drop=DROP, shard_rows=1000, chunk_rows=5000
    )


def forked():
    """Processes that begin with everything imported, and nothing computed."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["_scale_label", "skdistill.scale._label", "xgboost"])
    return context


def in_fork(call):
    process = forked().Process(target=call)
    process.start()
    process.join()
    assert process.exitcode == 0


def killed(call, seconds):
    """Whether a process was killed before it was done."""
    process = forked().Process(target=call)
    process.start()
    process.join(seconds)
    if process.exitcode is not None:
        return False
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return process.exitcode == -signal.SIGKILL


def contents(out):
    return {file.name: file.read_bytes() for file in out.glob("*.parquet")}


# --- processes ---


def in_child(function, *args):
    """What a function returns, called in a new process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)


def time_and_work():
    """Seconds of the clock, and of the processor."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


def memory():
    """MB that the process has now."""
    import psutil

    return psutil.Process().memory_info().rss / 2**20


def peak():
    """The most MB that the process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- tables ---


def report(cells):
    """Memory beyond the teacher, and the rate beside its own."""
    rows = []
    for (situation, seed), cell in cells.items():
        own = cell["own_n_rows"] / cell["own_processor_seconds"]
        rates = [
            cell["teacher_processor_seconds"] / cell["processor_seconds"],
            cell["teacher_seconds"] / cell["seconds"],
            cell["n_rows"] / cell["processor_seconds"] / own,
        ]
        rows.append(
            [
                situation,
                seed,
                f"{cell['seconds']:.0f}",
                f"{cell['mb_before']:.0f}",
                f"{cell['mb_beyond']:.0f}",
                *(f"{rate:.2f}" for rate in rates),
            ]
        )
    columns = ["data", "seed", "s", "MB with the teacher", "MB beyond (<= 300)"]
    columns += ["share of the teacher: processor time (>= .9)", "by the clock"]
    print_table([*columns, "rate / that of one call in memory, in another run"], rows)


def report_kills(cells):
    """What was lost or done twice, all kills together."""
    for (_, seed), cell in cells.items():
        kills = cell["kills"]
        columns = ["n_lost", "n_other", "n_twice", "n_left_over"]
        sums = [sum(kill[one] for kill in kills) for one in columns]
        done = ", ".join(str(kill["n_done_before"]) for kill in kills)
        print(f"Seed {seed}: {len(kills)} kills, with {done} shards done.\n")
        heads = ["shards lost", "with other labels", "labelled twice", "files left over"]
        print_table(heads, [list(map(str, sums))])


LABEL = Form("label", "Labelling by a frozen XGBoost", tuple(SIZES), run, report)
KILLS = Form(
    "label-kills", "Labelling, killed", (f"{KILLED_ROWS:,} rows",), run_kills, report_kills
)
