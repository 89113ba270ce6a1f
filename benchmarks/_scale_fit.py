"""A fit on labelled rows in files, beside one on a tenth of the rows in memory."""

import time

import numpy as np
from _knowledge import ALPHA, Form
from _report import print_table
from _scale_label import DROP, SIZES, folder_of, in_child, peak, read_teacher, some_rows, split


def run(situation, seed):
    """Loss, seconds and memory of both."""
    n_rows = SIZES[situation]
    folder = folder_of(n_rows, seed)
    in_child(label, folder)
    streamed = in_child(fit_source, folder, seed)
    return {"streamed": streamed, "memory": in_child(fit_memory, folder, n_rows // 10, seed)}


def label(folder):
    """Label all rows, where that is not done yet."""
    from skdistill.scale import label_parquet

    label_parquet(read_teacher(folder), folder / "rows", folder / "labels", drop=DROP)


def fit_source(folder, seed):
    """A fit on all rows, a buffer at a time."""
    from skdistill import DistilledClassifier
    from skdistill.scale import RowSource

    started = time.perf_counter()
    clf = DistilledClassifier(alpha=ALPHA, random_state=seed)
    clf.fit(RowSource(folder / "rows", folder / "labels", target="target"))
    return {
        "seconds": time.perf_counter() - started,
        "peak_mb": peak(),
        "n_epochs": len(clf.history_),
        **losses(clf, folder, seed),
    }


def fit_memory(folder, n_rows, seed):
    """A fit on the first rows, with the teacher's answers as soft targets."""
    from skdistill import DistilledClassifier

    X, y = some_rows(folder, n_rows), targets(folder, n_rows)
    soft = read_teacher(folder).predict_proba(X)
    started = time.perf_counter()
    clf = DistilledClassifier(alpha=ALPHA, random_state=seed).fit(X, y, soft_targets=soft)
    return {
        "seconds": time.perf_counter() - started,
        "peak_mb": peak(),
        "n_rows": n_rows,
        **losses(clf, folder, seed),
    }


def targets(folder, n_rows):
    import pandas as pd

    files = sorted((folder / "rows").glob("*.parquet"))
    parts = [pd.read_parquet(file, columns=["target"])["target"] for file in files]
    return pd.concat(parts).to_numpy(dtype=object)[:n_rows]


def losses(clf, folder, seed):
    """Log loss on other flights, of the student and of its teacher, and how far it is from it."""
    from sklearn.metrics import log_loss

    _, test = split(seed)
    X, y = test.drop(columns="target"), test["target"]
    own = np.clip(clf.predict_proba(X).astype(float), 1e-7, 1)
    told = np.clip(read_teacher(folder).predict_proba(X).astype(float), 1e-7, 1)
    return {
        "log_loss": float(log_loss(y, own)),
        "teacher_log_loss": float(log_loss(y, told)),
        "divergence": float((told * np.log(told / own)).sum(axis=1).mean()),
    }


def report(cells):
    """Memory, and both losses beside each other."""
    rows = []
    for (situation, seed), cell in cells.items():
        own, other = cell["streamed"], cell["memory"]
        rows.append(
            [
                situation,
                seed,
                f"{own['peak_mb']:,.0f}",
                f"{own['seconds']:.0f}",
                f"{own['log_loss']:.4f}",
                f"{other['log_loss']:.4f}",
                f"{own['log_loss'] / other['log_loss']:.4f}",
                f"{own['divergence']:.5f}",
                f"{other['divergence']:.5f}",
                f"{own['teacher_log_loss']:.4f}",
            ]
        )
    columns = ["data", "seed", "peak MB (<= 1,000)", "s", "log loss", "of a tenth in memory"]
    columns += ["ratio (<= 1.00)", "KL to the teacher", "of a tenth", "teacher's log loss"]
    print_table(columns, rows)


FIT = Form("fit-source", "A fit on labelled files", tuple(SIZES), run, report)
