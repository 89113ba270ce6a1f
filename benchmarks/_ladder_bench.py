"""A ladder of sizes: its time against one fit, and budgets that are met in a fresh process."""

import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
from _report import print_table, spread
from datasets import load_split
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from skdistill import DistilledClassifier, MLPStudent, StudentLadder, TabularEncoder

SETS = ("letter", "magic", "churn")
# Budgets are about bytes and time: students that are soon trained cost as much to serve.
SHARE_OF_STEPS = 0.2
CALLS = 2_000
# Asks a file as a service would, in a process that has seen nothing of the training.
FRESH = """
import sys, time
import joblib, numpy as np
from skdistill import Scorer
scorer, rows, n_calls = Scorer(sys.argv[1]), joblib.load(sys.argv[2]), int(sys.argv[3])
seconds = []
for i in range(n_calls + 50):
    row = rows[i % len(rows)]
    started = time.perf_counter()
    scorer.predict_proba(row)
    seconds.append(time.perf_counter() - started)
print(np.median(seconds[50:]) * 1e6)
"""


def run_ladder():
    """Print both tables."""
    warnings.filterwarnings("ignore")
    print_times()
    with tempfile.TemporaryDirectory() as folder:
        print_budgets(Path(folder))


def distiller(**params):
    teacher = [
        ("et", make_pipeline(TabularEncoder(), ExtraTreesClassifier(100, random_state=0))),
        ("hgb", make_pipeline(TabularEncoder(), HistGradientBoostingClassifier(random_state=0))),
    ]
    return DistilledClassifier(teacher, random_state=0, **params)


def print_times():
    table, ratios = [], []
    for name in SETS:
        X, _, y, _ = load_split(name)
        alone = seconds_of(distiller().fit, X, y)
        ladder = StudentLadder(distiller())
        climbed = seconds_of(ladder.fit, X, y)
        ratios.append(climbed / alone)
        sizes = ladder.ladder_["size"].nunique()
        row = [name, sizes, len(ladder.ladder_), f"{alone:.1f}", f"{climbed:.1f}"]
        table.append([*row, f"{ratios[-1]:.2f}", f"{kept(ladder)}"])
    table.append(["all", "", "", "", "", spread(ratios), "bar: <= 3"])
    columns = ["data", "sizes", "files", "default fit, s", "ladder, s", "ladder / fit", "kept"]
    print_table(columns, table)


def seconds_of(fit, X, y):
    started = time.perf_counter()
    fit(X, y)
    return time.perf_counter() - started


def kept(ladder):
    size = ladder.ladder_["size"][ladder.best_index_]
    return f"{size} in {ladder.best_quantize_ or 'float32'}"


def print_budgets(folder):
    """The file of each budget, asked in a process of its own."""
    table, n_met = [], 0
    for name in SETS:
        X, X_test, y, _ = load_split(name)
        clf = distiller(student=MLPStudent(n_steps=SHARE_OF_STEPS), memory=str(folder / name))
        rows = X_test[:1000].to_dict("records")
        joblib.dump(rows, folder / "rows")
        for budget in budgets_of(StudentLadder(clf).fit(X, y).ladder_):
            ladder = StudentLadder(clf, **budget).fit(X, y)
            path = folder / "student.onnx"
            path.write_bytes(ladder.best_file_)
            us = us_in_a_fresh_process(path, folder / "rows")
            n_bytes = path.stat().st_size
            is_met = us <= budget.get("max_latency_us", np.inf)
            is_met &= n_bytes <= budget.get("max_bytes", np.inf)
            n_met += is_met
            asked = ", ".join(f"{key} {value:,.4g}" for key, value in budget.items())
            row = [name, asked, kept(ladder), f"{n_bytes:,}"]
            table.append([*row, f"{ladder.best_costs_['us_one_row']:.1f}", f"{us:.1f}", is_met])
    table.append(["all", "", "", "", "", "", f"{n_met} of {len(table)} (bar: all)"])
    columns = ["data", "budget", "kept", "bytes", "us of one row", "in a fresh process", "met"]
    print_table(columns, table)


def budgets_of(rungs):
    """Three budgets that some rungs meet and others do not: of bytes, of time, of both."""
    fast, slow = np.quantile(rungs["us_one_row_q75"], [0.25, 0.75])
    small, large = (int(value) for value in np.quantile(rungs["bytes"], [0.25, 0.75]))
    yield {"max_bytes": small}
    yield {"max_latency_us": float(fast) * 1.05}
    yield {"max_bytes": large, "max_latency_us": float(slow) * 1.05}


def us_in_a_fresh_process(path, rows):
    command = [sys.executable, "-c", FRESH, path, rows, str(CALLS)]
    root = Path(__file__).parent.parent
    return float(subprocess.check_output(command, cwd=root, text=True))


if __name__ == "__main__":
    run_ladder()
