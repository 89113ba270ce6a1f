"""Exported students: equal answers, speed, size, as ratios taken in one interleaved run.

Run it with ``make bench-scoring``; it prints the file `results/scoring.md`. ``--quick`` is a
check that it runs: fewer rows, trees and steps, so its figures say nothing of quality.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import onnxruntime
import skl2onnx
import torch
import xgboost
from _report import print_heading, print_table, spread
from datasets import load, load_split
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

import skdistill
from skdistill import DistilledClassifier, MLPStudent, Scorer, TabularEncoder, to_onnx

NAMES = sorted(path.stem for path in (Path(__file__).parent / "data").glob("*.parquet"))
NUMERIC = ("letter", "magic", "satimage")
WIDTHS = (16, 32, 64, 128, 256)
ROWS = 10_000
REPEATS = 7
# Of the package: a student of other code is another student.
CODE = joblib.hash([p.read_bytes() for p in sorted(Path(skdistill.__file__).parent.rglob("*.py"))])
CACHE = joblib.Memory(Path(__file__).parent / ".cache", verbose=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a check that all of it runs")
    quick = parser.parse_args().quick
    warnings.filterwarnings("ignore")
    print_heading(f"Scoring (`make bench-scoring{' QUICK=1' if quick else ''}`)", seeds="0")
    torch.set_num_threads(1)
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        print_answers(folder, quick)
        print_speed(folder, quick)
        print_teachers(folder, quick)
    print(
        f"1 thread, medians of {REPEATS} interleaved repeats (lowest - highest), other rows in "
        "each call; students are asked through `Scorer.predict_proba`. Left out: XGBoost and "
        "LightGBM in ONNX Runtime, which needs onnxmltools, and HistGradientBoosting there, which "
        "skl2onnx does not convert with this onnx. The best teacher and the narrowest student are "
        "read off the log loss on the test rows, as the bar asks."
    )


# --- equal answers, int8 ---


def print_answers(folder, quick):
    """The exported student against the classifier, on all data sets."""
    columns = ["data", "largest gap, 1 row", f"largest gap, {ROWS:,} rows", "labels equal"]
    columns += ["bytes", "bytes int8", "int8: change in log loss", "agreement"]
    table, changes = [], []
    for name in NAMES:
        clf = small_student(name, 100 if quick else 1000)
        _, X, _, y = load_split(name)
        report = to_onnx(clf, folder / "a.onnx", overwrite=True)
        packed = to_onnx(clf, folder / "b.onnx", overwrite=True, quantize="int8", X=X[:2000])
        scorer, int8 = Scorer(folder / "a.onnx"), Scorer(folder / "b.onnx")
        rows = spoil(X)
        one = max(gap(clf, scorer, rows.iloc[[i]]) for i in range(200))
        many = gap(clf, scorer, rows)
        equal = np.mean(clf.predict(rows) == scorer.predict(rows))
        before, after = loss_of(y, clf, X), loss_of(y, int8, X)
        changes.append(after / before - 1)
        row = [name, f"{one:.1e}", f"{many:.1e}", f"{equal:.6f}"]
        row += [f"{report.n_bytes:,}", f"{packed.n_bytes:,}", f"{changes[-1]:+.4%}"]
        table.append([*row, f"{packed.agreement:.4f}"])
    table.append(["bar", "<= 1e-5", "<= 1e-5", "1", "", "", "mean <= 1 %", ""])
    mean = f"{np.mean(changes):+.4%}"
    table.append(["mean", "", "", "", "", "", mean, ""])
    print_table(columns, table)


@CACHE.cache
def small_student(name, n_steps, code=CODE):
    X, _, y, _ = load_split(name)
    X, y = X[:6000], y[:6000]
    forest = ExtraTreesClassifier(50, min_samples_leaf=3, random_state=0)
    teacher = make_pipeline(TabularEncoder(), forest)
    student = MLPStudent((64, 64), n_steps=n_steps)
    clf = DistilledClassifier(teacher, student, transfer=None, random_state=0).fit(X, y)
    return clf.without_teacher()


def spoil(X, share=0.05):
    """As many rows as are asked for, with missing numbers, missing and unknown categories."""
    rng = np.random.default_rng(0)
    X = X.iloc[rng.choice(len(X), ROWS)].reset_index(drop=True)
    for name in X:
        chosen = rng.random(ROWS) < share
        if X[name].dtype.kind in "fiu":
            X[name] = X[name].astype(float).mask(chosen)
        else:
            X[name] = X[name].astype(object).mask(chosen, None)
            X.loc[rng.random(ROWS) < share, name] = "a level never seen"
    return X


def gap(clf, scorer, X):
    return float(np.abs(clf.predict_proba(X) - scorer.predict_proba(X)).max())


def loss_of(y, model, X):
    p = model.predict_proba(X).astype(np.float64)
    return log_loss(y, p / p.sum(axis=1, keepdims=True), labels=model.classes_)


# --- speed and size of a student ---


def print_speed(folder, quick):
    rows = [floor_row(folder), *one_row_rows(folder), *size_rows(folder), cold_row(folder)]
    rows.append(threads_row(folder, 10_000 if quick else 100_000))
    print_table(["what", "measured", "bar"], rows)


@CACHE.cache
def quick_student(name, hidden, code=CODE):
    """A student whose speed alone matters."""
    X, _, y, _ = load_split(name)
    X = X if name == "churn" else X.to_numpy(np.float64)
    teacher = make_pipeline(TabularEncoder(), ExtraTreesClassifier(10, random_state=0))
    student = MLPStudent(hidden, n_steps=100)
    clf = DistilledClassifier(teacher, student, transfer=None, random_state=0).fit(X, y)
    return clf.without_teacher()


def scorer_of(folder, clf, **options):
    to_onnx(clf, folder / "s.onnx", overwrite=True, **options)
    return Scorer(folder / "s.onnx")


def fresh(X, rng, n_rows=ROWS):
    return X[rng.integers(0, len(X), n_rows)]


def interleaved(makers, *functions):
    """Seconds of each function in each repeat; `makers` gives the rows of a call."""
    seconds = [[] for _ in functions]
    for repeat in range(REPEATS + 1):
        for function, times in zip(functions, seconds, strict=True):
            rows = makers()
            started = time.perf_counter()
            function(rows)
            if repeat:  # the first warms up
                times.append(time.perf_counter() - started)
    return seconds


def floor_row(folder):
    """The whole graph against the matrix products that it cannot do without."""
    X = load("letter")[0].to_numpy(np.float64)
    scorer = scorer_of(folder, quick_student("letter", (128, 128)))
    widths = [2 * X.shape[1], 128, 128, len(scorer.classes_)]
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=s).astype(np.float32) for s in pairwise(widths)]
    buffers = [rng.normal(size=(ROWS, width)).astype(np.float32) for width in widths]

    def products(_):
        for layer, given, out in zip(layers, buffers, buffers[1:], strict=False):
            np.dot(given, layer, out=out)

    ours, floor = interleaved(partial(fresh, X, rng), scorer.predict_proba, products)
    ratios = [a / b for a, b in zip(ours, floor, strict=True)]
    return f"letter, {ROWS:,} rows, MLP 128-128 / sgemm alone", spread(ratios), "<= 3.0"


def one_row_rows(folder):
    table = []
    for name in ("magic", "letter"):
        scorer = scorer_of(folder, quick_student(name, (128, 128)))
        X = load(name)[0].to_numpy(np.float64)
        rows = [X[[i]] for i in range(2000)]
        table.append((f"{name}, 1 row, array, us", one_row(scorer, rows), "<= 30"))
    scorer = scorer_of(folder, quick_student("churn", (128, 128)))
    rows = load("churn")[0][:2000].to_dict("records")
    table.append(("churn, 1 row, dict with categories, us", one_row(scorer, rows), "<= 80"))
    return table


def one_row(scorer, rows):
    return spread([1e6 * seconds_a_row(scorer.predict_proba, rows) for _ in range(REPEATS)], 1)


def seconds_a_row(function, rows):
    started = time.perf_counter()
    for row in rows:
        function(row)
    return (time.perf_counter() - started) / len(rows)


def size_rows(folder):
    clf = quick_student("letter", (128, 128))
    sizes = [
        to_onnx(clf, folder / "s.onnx", overwrite=True, quantize=q).n_bytes for q in (None, "int8")
    ]
    return [
        ("letter, MLP 128-128, bytes", f"{sizes[0]:,}", "<= 120,000"),
        ("the same, int8", f"{sizes[1]:,}", "<= 40,000"),
    ]


COLD = """
import os, sys, time
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before, started = resident(), time.perf_counter()
from skdistill import Scorer
Scorer(sys.argv[1]).predict_proba([[0.0] * 16])
print(time.perf_counter() - started, (resident() - before) / 1e6)
"""


def cold_row(folder):
    to_onnx(quick_student("letter", (128, 128)), folder / "s.onnx", overwrite=True)
    command = [sys.executable, "-c", COLD, folder / "s.onnx"]
    root = Path(__file__).parent.parent
    found = [subprocess.check_output(command, cwd=root, text=True).split() for _ in range(REPEATS)]
    seconds, megabytes = zip(*[map(float, one) for one in found], strict=True)
    told = f"{spread(seconds)} s, {spread(megabytes, 0)} MB"
    return "import, load, first row: seconds and memory", told, "<= 0.5 s, <= 100 MB"


def threads_row(folder, n_calls):
    scorer = scorer_of(folder, quick_student("letter", (128, 128)))
    X = load("letter")[0].to_numpy(np.float64)
    serial = [scorer.predict_proba(X[[i]]) for i in range(1000)]

    def ask(start):
        return all(
            np.array_equal(scorer.predict_proba(X[[i % 1000]]), serial[i % 1000])
            for i in range(start, n_calls, 64)
        )

    with ThreadPoolExecutor(64) as pool:
        equal = all(pool.map(ask, range(64)))
    return f"64 threads, {n_calls:,} calls", "equal to the bit" if equal else "NOT EQUAL", "equal"


# --- students and teachers ---


def print_teachers(folder, quick):
    columns = ["data", "teacher", "log loss", "student", "its log loss", "us/row"]
    columns += ["XGBoost inplace_predict / student", "LightGBM / student"]
    columns += ["HistGradientBoosting / student"]
    table = [teacher_row(folder, name, quick) for name in NUMERIC]
    table.append(["bar", "", "", "", "<= 1.01 x", "magic 1.0, letter 2.0", *[">= 10"] * 3])
    print_table(columns, table)
    print_table(["what", "measured", "bar"], [ensemble_row(folder, quick)])


def split(name, quick):
    X, X_test, y, y_test = load_split(name)
    codes, y_test = np.unique(y, return_inverse=True)[1], np.searchsorted(np.unique(y), y_test)
    n_rows = 3000 if quick else None
    return X.to_numpy(np.float64)[:n_rows], X_test.to_numpy(np.float64), codes[:n_rows], y_test


@CACHE.cache
def fitted_teacher(kind, name, quick):
    X, _, y, _ = split(name, quick)
    n_trees = 50 if quick else 500
    models = {
        "xgboost": xgboost.XGBClassifier(n_estimators=n_trees, learning_rate=0.1, n_jobs=2),
        "lightgbm": lightgbm.LGBMClassifier(
            n_estimators=n_trees, learning_rate=0.1, num_leaves=15, n_jobs=2, verbose=-1
        ),
        "hist": HistGradientBoostingClassifier(
            max_iter=n_trees, learning_rate=0.1, max_leaf_nodes=15, random_state=0
        ),
        "forest": RandomForestClassifier(n_trees, n_jobs=2, random_state=0),
        "extra": ExtraTreesClassifier(n_trees, n_jobs=2, random_state=0),
    }
    return models[kind].fit(X, y)


@CACHE.cache
def distilled(kind, name, width, quick, code=CODE):
    X, _, y, _ = split(name, quick)
    student = MLPStudent((width, width), n_steps=300 if quick else "auto")
    teacher = FrozenEstimator(fitted_teacher(kind, name, quick))
    memory = str(CACHE.location)
    clf = DistilledClassifier(teacher, student, memory=memory, random_state=0).fit(X, y)
    return clf.without_teacher()


def smallest_student(kind, name, quick, most):
    """The narrowest student that loses at most `most`, else the best one."""
    _, X, _, y = split(name, quick)
    found = []
    for width in WIDTHS[:3] if quick else WIDTHS:
        clf = distilled(kind, name, width, quick)
        found.append((loss_of(y, clf, X), width, clf))
        if found[-1][0] <= most:
            return found[-1]
    return min(found, key=lambda one: one[0])


def teacher_row(folder, name, quick):
    _, X, _, y = split(name, quick)
    boosted = {kind: fitted_teacher(kind, name, quick) for kind in ("xgboost", "lightgbm", "hist")}
    losses = {kind: loss_of(y, model, X) for kind, model in boosted.items()}
    best = min(losses, key=losses.get)
    loss, width, clf = smallest_student(best, name, quick, 1.01 * losses[best])
    scorer = scorer_of(folder, clf)
    booster = boosted["xgboost"].get_booster()
    booster.set_param({"nthread": 1})

    def lightgbm_predict(rows):
        return boosted["lightgbm"].booster_.predict(rows, num_threads=1)

    asked = (
        scorer.predict_proba,
        booster.inplace_predict,
        lightgbm_predict,
        boosted["hist"].predict_proba,
    )
    ours, *others = interleaved(partial(fresh, X, np.random.default_rng(0)), *asked)
    ratios = [spread([a / b for a, b in zip(o, ours, strict=True)], 1) for o in others]
    us = [1e6 * seconds / ROWS for seconds in ours]
    mark = "" if loss <= 1.01 * losses[best] else " (none is within 1 %)"
    student = [f"{width}-{width}", f"{loss:.4f}{mark}", spread(us)]
    return [name, best, f"{losses[best]:.4f}", *student, *ratios]


def onnx_session(model, n_features):
    """A scikit-learn model in ONNX Runtime, as a function of float32 rows."""
    types = [("X", FloatTensorType([None, n_features]))]
    proto = skl2onnx.convert_sklearn(model, initial_types=types, options={"zipmap": False})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    return lambda rows: session.run(["probabilities"], {"X": rows})


def ensemble_row(folder, quick):
    """One row of magic: two forests, averaged, against a student."""
    _, X, _, _ = split("magic", quick)
    forests = [onnx_session(fitted_teacher(k, "magic", quick), 10) for k in ("forest", "extra")]

    def teacher(row):
        return (forests[0](row)[0] + forests[1](row)[0]) / 2

    scorer = scorer_of(folder, quick_student("magic", (128, 128)))
    rows = [X[[i]] for i in range(1000)]
    small = [row.astype(np.float32) for row in rows]
    ratios = []
    for _ in range(REPEATS):
        ours = seconds_a_row(scorer.predict_proba, rows)
        ratios.append(seconds_a_row(teacher, small) / ours)
    label = "magic, 1 row: random forest + extra trees in ONNX Runtime / student"
    return label, spread(ratios, 1), ">= 30"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
