"""How time and memory grow with rows, columns and classes: of scoring from files, and of a fit.

Each point is measured in processes of its own, for the peak of their memory.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _knowledge import Form
from _report import print_table
from _scale_growth_child import table
from _scale_rows import write_numbers

CHILD = Path(__file__).with_name("_scale_growth_child.py")
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
    command = [sys.executable, CHILD, what, json.dumps(args)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def write_student(path, n_columns, n_classes, seed):
    """A file whose speed alone matters."""
    from skdistill import DistilledClassifier, MLPStudent, to_onnx

    X, soft = table(20 * n_classes, n_columns, n_classes, seed)
    recipe = MLPStudent(WIDTHS, n_steps=10)
    clf = DistilledClassifier(student=recipe, transfer=None, early_stopping=False)
    to_onnx(clf.fit(X, np.arange(len(X)) % n_classes, soft_targets=soft), path)


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
