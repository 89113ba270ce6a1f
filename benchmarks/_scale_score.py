"""`skdistill score` from Parquet to Parquet, beside Scorer on rows in memory.

Each figure is taken in a process of its own. Rows and student are kept in ``.cache``.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _knowledge import CACHE, Form
from _report import print_table
from _scale_rows import write_flights
from datasets import load_split

SIZES = {f"{n:,} rows": n for n in (500_000, 5_000_000)}
# Rows that are asked for in memory, and times that they are, before the command and after it. The
# mean counts: the command has no second try either, on a machine that others use as well.
IN_MEMORY, REPEATS = 300_000, 3
WAYS = ("frame", "array")
CAPTURED = {"stdout": subprocess.PIPE, "text": True, "check": True}
# What the console script does, and nothing else: this module alone takes as much memory again.
# VmHWM is of this process; `ru_maxrss` counts that of the process which started it, too.
COMMAND = r"""
import json, re, resource, sys, time
started = time.perf_counter()
from skdistill.cli import main
assert main(sys.argv[1:]) == 0
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "seconds": time.perf_counter() - started,
    "processor_seconds": usage.ru_utime + usage.ru_stime,
    "peak_mb": int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024,
}))
"""


def run(situation, seed):
    """Seconds, processor seconds and peak memory of the command; of Scorer in memory, by way."""
    folder = folder_of(SIZES[situation], seed)
    found = {way: in_child("in_memory", str(folder), way) for way in WAYS}
    with TemporaryDirectory(dir=folder) as out:
        found["command"] = command(folder, f"{out}/answers.parquet")
    again = {way: in_child("in_memory", str(folder), way) for way in WAYS}
    for way in WAYS:
        for of in ("seconds", "processor_seconds"):
            found[way][of] = (found[way][of] + again[way][of]) / 2
    return found | {"n_rows": SIZES[situation]}


def folder_of(n_rows, seed):
    """The folder of rows and student, made where it is not there."""
    folder = CACHE / f"scale-score-{n_rows}-{seed}"
    if not (folder / "student.onnx").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "rows").exists():
            write_flights(folder / "rows", n_rows, seed)
        in_child("student", str(folder / "student.onnx"), seed)
    return folder


def command(folder, out):
    """The command itself, with an id kept beside each answer."""
    line = ["score", str(folder / "student.onnx"), str(folder / "rows"), out, "--keep", "id"]
    done = subprocess.run([sys.executable, "-c", COMMAND, *line, "-q"], **CAPTURED)
    return json.loads(done.stdout.splitlines()[-1])


def in_child(what, *args):
    command = [sys.executable, __file__, what, json.dumps(args)]
    done = subprocess.run(command, **CAPTURED)
    return json.loads(done.stdout.splitlines()[-1])


# --- what a child does ---


def student(path, seed):
    """A student of the default size, whose speed alone matters."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    from skdistill import DistilledClassifier, to_onnx

    X, _, y, _ = load_split("flights", seed)
    teacher = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
    params = {"transfer": None, "cv": None, "alpha": 0.3, "temperature": 1.0, "refit": False}
    to_onnx(DistilledClassifier(teacher, random_state=seed, **params).fit(X, y), path)
    return {}


def in_memory(folder, way):
    """Scorer on rows that are there, as a DataFrame or as an array."""
    import pandas as pd

    from skdistill import Scorer

    scorer = Scorer(Path(folder) / "student.onnx")
    files = sorted((Path(folder) / "rows").glob("*.parquet"))
    parts = []
    while sum(map(len, parts)) < IN_MEMORY:
        parts.append(pd.read_parquet(files[len(parts)], columns=scorer.feature_names_in_.tolist()))
    rows = pd.concat(parts, ignore_index=True)[:IN_MEMORY]
    rows = rows if way == "frame" else rows.to_numpy(dtype=object)
    scorer.predict_proba(rows[:1000])
    found = [measured(lambda: scorer.predict_proba(rows)) for _ in range(REPEATS)]
    return {of: np.mean([one[of] for one in found]) for of in found[0]} | {"n_rows": len(rows)}


def measured(function):
    """Seconds and processor seconds of a call."""
    started, worked = time.perf_counter(), time.process_time()
    function()
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - worked,
    }


# --- tables ---


def report(cells):
    """Memory and rate of the command, and its rate over that of Scorer in memory."""
    rows = []
    for (situation, seed), cell in cells.items():
        own = cell["command"]
        ratios = [
            cell["n_rows"] / own[of] / (cell[way]["n_rows"] / cell[way][of])
            for way in WAYS
            for of in ("seconds", "processor_seconds")
        ]
        rows.append(
            [
                situation,
                seed,
                f"{own['peak_mb']:.0f}",
                f"{own['seconds']:.0f}",
                f"{cell['n_rows'] / own['seconds']:,.0f}",
                *(f"{ratio:.2f}" for ratio in ratios),
            ]
        )
    columns = ["data", "seed", "peak MB (<= 600)", "s", "rows/s"]
    ratios = [
        f"rate / Scorer on {what} in memory, {by}"
        for what in ("a DataFrame", "an array of objects")
        for by in ("by the clock (>= .7)", "by processor time")
    ]
    print_table([*columns, *ratios], rows)


SCORE = Form("score", "`skdistill score`, Parquet to Parquet", tuple(SIZES), run, report)

if __name__ == "__main__":
    functions = {function.__name__: function for function in (student, in_memory)}
    print(json.dumps(functions[sys.argv[1]](*json.loads(sys.argv[2]))))
