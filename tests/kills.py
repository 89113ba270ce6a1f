"""Fits that are killed at random moments, and gone on with: run by test_checkpoints.py.

Each fit is a process of its own. They are forked here, where nothing has been computed yet, so
that scikit-learn and torch are imported once.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import torch._dynamo  # noqa: F401  # the first optimizer loads it, for seconds
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from skdistill import DistilledClassifier, MLPStudent, TransferSampler
from skdistill._fit import checkpoints
from skdistill.student import Training

# Teachers fitted on fewer rows are those of a fold.
FEWEST_ROWS = 330
SECONDS = 0.04
LOG = Path()


def note(kind, step):
    """Write down that a step begins; a line is written whole or not at all."""
    with open(LOG, "a") as log:
        log.write(f"{os.getpid()} {kind} {step} {time.time()}\n")


def digest(X):
    return hashlib.md5(np.ascontiguousarray(X)).hexdigest()[:12]


class Slow(ClassifierMixin, BaseEstimator):
    """A teacher that writes down what it is asked for, and takes its time."""

    def __init__(self, name, C=1.0, random_state=None):
        self.name = name
        self.C = C
        self.random_state = random_state

    def fit(self, X, y):
        self.step_ = f"{self.name}-{digest(X)}"
        self.is_of_fold_ = len(X) < FEWEST_ROWS
        note("fit", self.step_)
        time.sleep(SECONDS)
        self.classes_ = np.unique(y)
        self.inner_ = LogisticRegression(C=self.C).fit(X, y)
        return self

    def predict_proba(self, X):
        if len(X) > 2 and not self.is_of_fold_:  # those of a fold are one step with its fit
            note("label", f"{self.step_}-{digest(X)}")
            time.sleep(SECONDS)
        return self.inner_.predict_proba(X)


class Near(TransferSampler):
    def sample(self, X, n, random_state=None):
        note("draw", digest(X))
        time.sleep(SECONDS)
        return X[random_state.randint(len(X), size=n)] + random_state.normal(size=(n, X.shape[1]))


def watch_epochs():
    epoch = Training.epoch

    def noted(self):
        note("epoch", f"{self.loss['alpha']}-{len(self.rows)}-{self.n_epochs}")
        time.sleep(SECONDS / 2)
        return epoch(self)

    Training.epoch = noted


def fit(folder, out):
    """Teachers, folds, labels, drawn rows and three trainings."""
    X, y = make_classification(520, 6, n_informative=4, flip_y=0.1, random_state=0)
    warnings.simplefilter("ignore")
    clf = DistilledClassifier(
        [("a", Slow("a")), ("b", Slow("b", C=0.01))],
        MLPStudent((16,), n_steps=300),
        transfer=Near(size=0.5),
        cv=2,
        validation_fraction=0.1,
        random_state=0,
        checkpoint_dir=folder,
    ).fit(X, y)
    logits = clf.decision_function(X)
    with open(f"{out}.tmp", "wb") as file:
        np.save(file, logits)
    os.replace(f"{out}.tmp", out)


def start(folder, out):
    """Fit in a process of its own."""
    pid = os.fork()
    if pid:
        return pid
    try:
        fit(folder, out)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def steps_of(pid):
    lines = [line.split() for line in LOG.read_text().splitlines()]
    return [(kind, step) for one, kind, step, _ in lines if int(one) == pid]


def whole(folder, out):
    """Fit to the end; returns the process, its seconds and its answers."""
    begun = time.monotonic()
    pid = start(folder, out)
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"{folder}: the fit failed"
    return pid, time.monotonic() - begun, np.load(out)


def kill_and_go_on(folder, out, seconds):
    """Kill a fit after some time, go on with it, and tell what was done twice."""
    status = 0
    while not os.WIFSIGNALED(status):  # it was done before, and faster than the first: sooner then
        pid = start(folder, out)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        seconds *= 0.8
    before = steps_of(pid)
    again, _, answers = whole(folder, out)
    after = steps_of(again)
    return {
        "n_before": len(before),
        "kind": before[-1][0] if before else "none",
        "twice": [f"{kind} {step}" for kind, step in after if (kind, step) in set(before)],
        "done": sorted({*before, *after}),
        "left": sorted(os.listdir(folder)),
    }, answers


def main(place, n_kills, seed, keeps_each):
    global LOG
    place = Path(place)
    LOG = place / "log"
    LOG.touch()
    watch_epochs()
    if keeps_each:
        checkpoints.MOST_SHARE = float("inf")
    pid, seconds, expected = whole(place / "whole", place / "whole.npy")
    rng, found = np.random.RandomState(seed), []
    for number in range(n_kills):
        # One in each part of the fit.
        moment = (number + rng.uniform()) / n_kills * seconds * 0.97
        folder, out = place / f"killed-{number}", place / f"{number}.npy"
        told, answers = kill_and_go_on(folder, out, moment)
        told["gap"] = float(np.abs(answers - expected).max())
        found.append(told)
        shutil.rmtree(folder)
    steps = sorted(set(steps_of(pid)))
    print(json.dumps({"seconds": seconds, "steps": steps, "kills": found}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "each")
