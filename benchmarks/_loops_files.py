"""What students cost as files: bytes, and microseconds a row of the file."""

import tempfile
import time
from pathlib import Path

import numpy as np

from skdistill import Scorer, to_onnx

# Rows that are asked one by one, and those that are asked at once.
SINGLE_ROWS, MANY_ROWS, REPEATS = 200, 1000, 5


def file_figures(model, X):
    """Bytes of the exported file, and the best time of a row alone and of one among many."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "student.onnx"
        report = to_onnx(model, path)
        scorer = Scorer(path, n_threads=1)
        rows = X.to_numpy(float)
        rows = rows[np.arange(MANY_ROWS) % len(rows)]
        single = [rows[[place]] for place in range(SINGLE_ROWS)]
        return {
            "bytes": report.n_bytes,
            "gap": report.largest_gap,
            "us_alone": _best_us(
                lambda: [scorer.predict_proba(row) for row in single], len(single)
            ),
            "us_among_many": _best_us(lambda: scorer.predict_proba(rows), MANY_ROWS),
        }


def _best_us(ask, n_rows):
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - started)
    return 1e6 * min(seconds) / n_rows
