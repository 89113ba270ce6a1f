"""What is measured of growth, in a process that imports no more than it needs.

Each function imports and makes what it needs, and returns what is measured.
"""

import json
import resource
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np


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
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(n_columns)]), soft


def peak_mb():
    """Of this program; `ru_maxrss` counts what the process held before it was this program."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measured(function):
    """Seconds and processor seconds of the call; MB of the process at its peak."""
    started, usage = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    function()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime,
        "peak_mb": peak_mb(),
    }


if __name__ == "__main__":
    functions = {function.__name__: function for function in (score, fit)}
    print(json.dumps(measured(functions[sys.argv[1]](*json.loads(sys.argv[2])))))
