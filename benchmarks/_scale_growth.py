"""How time and memory grow with rows, columns and classes: of scoring from files, and of a fit.

Each point is measured in processes of its own, for the peak of their memory.
"""

import json
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _knowledge import Form
from _report import print_table
from _scale_rows import names, write_numbers

REPEATS = 3
# More rows than this are scored once.
MANY_ROWS = 1_000_000
SCORED = [(n, 10, 2) for n in (10_000, 100_000, 1_000_000)]
SCORED += [(100_000, n, 2) for n in (100, 1000)] + [(100_000, 10, n) for n in (10, 100, 1000)]
SCORED += [(10_000_000, 10, 2)]  # the longest comes last
FITTED = [(n, 10, 2) for n in (10_000, 100_000, 1_000_000)]
FITTED += [(10_000, n, 2) for n in (100, 1000)] + [(10_000, 10, n) for n in (10, 100, 1000)]
WIDTHS = (64, 64)


def labelled(points):
    return {f"{r} rows, {c} columns, {k} classes": (r, c, k) for r, c, k in points}


def score_point(situation, seed):
    """Seconds and peak memory of score_parquet, from a folder to a file."""
    n_rows, n_columns, n_classes = labelled(SCORED)[situation]
    with TemporaryDirectory() as folder:
        folder = Path(folder)
        write_student(folder / "student.onnx", n_columns, n_classes, seed)
        write_numbers(folder / "rows", n_rows, n_columns, seed)
        repeats = 1 if n_rows > MANY_ROWS else REPEATS
        return best([in_child("score", str(folder)) for _ in range(repeats)])


def fit_point(situation, seed):
    """Seconds and peak memory of a default fit on soft targets that are given."""
    return best([in_child("fit", *labelled(FITTED)[situation], seed)])


def best(found):
    return {of: min(one[of] for one in found) for of in found[0]}


def in_child(what, *args):
    command = [sys.executable, __file__, what, json.dumps(args)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def write_student(path, n_columns, n_classes, seed):
    """A file whose speed alone matters."""
    from skdistill import DistilledClassifier, MLPStudent, to_onnx

    X, soft = table(20 * n_classes, n_columns, n_classes, seed)
    recipe = MLPStudent(WIDTHS, n_steps=10)
    clf = DistilledClassifier(student=recipe, transfer=None, early_stopping=False)
    to_onnx(clf.fit(X, np.arange(len(X)) % n_classes, soft_targets=soft), path)


# --- what a child does: each imports and makes what it needs, and returns what is measured ---


def score(folder):
    import onnxruntime  # noqa: F401
    import pyarrow.dataset  # noqa: F401

    from skdistill.scale import score_parquet

    rows, out = Path(folder) / "rows", Path(folder) / "out.parquet"
    options = {"keep": ["id"], "overwrite": True}
    return partial(score_parquet, Path(folder) / "student.onnx", rows, out, **options)


def fit(n_rows, n_columns, n_classes, seed):
    from skdistill import DistilledClassifier

    X, soft = table(n_rows, n_columns, n_classes, seed)
    y = soft.argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)  # each class is there
    clf = DistilledClassifier(transfer=None, random_state=seed)
    return partial(clf.fit, X, y, soft_targets=soft)


def table(n_rows, n_columns, n_classes, seed):
    """Normal numbers, and probabilities that follow some of them."""
    import pandas as pd
    from scipy.special import softmax

    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns)).astype(np.float32)
    soft = softmax(X[:, :10] @ rng.normal(size=(10, n_classes)).astype(np.float32), axis=1)
    return pd.DataFrame(X, columns=names(n_columns)), soft


def measured(function):
    """Seconds and processor seconds of the call; MB of the process at its peak."""
    started, usage = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    function()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime,
        "peak_mb": after.ru_maxrss / 1024,
    }


# --- tables ---


def report_of(points):
    def report(cells):
        rows = []
        for name, (n_rows, n_columns, n_classes) in labelled(points).items():
            own = [cell for (situation, _), cell in cells.items() if situation == name]
            if own:
                mean = {of: np.mean([cell[of] for cell in own]) for of in own[0]}
                rows.append(
                    [
                        f"{n_rows:,}",
                        f"{n_columns:,}",
                        f"{n_classes:,}",
                        f"{mean['processor_seconds']:.2f}",
                        f"{1e6 * mean['processor_seconds'] / n_rows:.1f}",
                        f"{mean['seconds']:.2f}",
                        f"{mean['peak_mb']:,.0f}",
                    ]
                )
        columns = [
            "rows",
            "columns",
            "classes",
            "processor s",
            "processor us/row",
            "s by the clock",
        ]
        print_table([*columns, "peak MB of the process"], rows)

    return report


def form(name, title, points, run):
    return Form(name, title, tuple(labelled(points)), run, report_of(points))


SCORE_GROWTH = form("score-growth", "Growth of scoring", SCORED, score_point)
FIT_GROWTH = form("fit-growth", "Growth of a fit", FITTED, fit_point)

if __name__ == "__main__":
    functions = {function.__name__: function for function in (score, fit)}
    print(json.dumps(measured(functions[sys.argv[1]](*json.loads(sys.argv[2])))))
