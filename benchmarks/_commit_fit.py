"""One default fit, by the package in a folder; bench_commit.py runs it in a process of its own.

``python _commit_fit.py <folder of the package> <set> <teacher>`` prints one line of JSON. The
teacher, "forest" or "benchmark", and the data are of this commit, whatever the package is of.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from _fidelity_teacher import teacher
from _stopwatch import Stopwatch
from datasets import load_split
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

import skdistill
from skdistill import DistilledClassifier, TabularEncoder


def main(source, name, kind):
    found = Path(skdistill.__file__).resolve().parents[1]
    if found != Path(source).resolve():
        raise SystemExit(f"Python imports skdistill from {found}, and not from {source}.")
    warnings.simplefilter("ignore")
    X, X_test, y, y_test = load_split(name, 0)
    clf = DistilledClassifier(members(kind, y), random_state=0)
    watch = Stopwatch()
    clf.set_callbacks(watch).fit(X, y)
    p = clf.predict_proba(X_test).astype(float)
    seconds, processor_seconds = watch.beyond_teacher()
    figures = {
        "whole": watch.seconds["fit"],
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "log_loss": log_loss(y_test, p, labels=clf.classes_),
        "answers": float(p.std()).hex(),
    }
    print(json.dumps(figures))


def members(kind, y):
    """The teacher, unfitted."""
    if kind == "benchmark":
        return teacher(len(np.unique(y)), 0)
    return make_pipeline(TabularEncoder(), RandomForestClassifier(50, random_state=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
