"""Teacher fits of a search, and the speed and memory of training, as ratios of one interleaved run.

Run it with ``make bench-training``; it prints the file `results/training.md`.
"""

import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context

import numpy as np
import torch
from _report import print_heading, print_table, spread
from _stopwatch import Stopwatch
from bench_core import (
    HIDDEN,
    REPEATS,
    MemoryWatch,
    epoch_ratios,
    free_memory,
    watch_memory,
)
from datasets import load, load_split
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from threadpoolctl import threadpool_limits
from torch import nn
from xgboost import XGBClassifier

from skdistill import DistilledClassifier, MLPStudent
from skdistill.student import encode

TEMPERATURES = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0]
SEARCH_ROWS = 3_000
TEACHER_TASKS = ("fit-teacher", "label-training-rows")
FITS = []


def main():
    warnings.filterwarnings("ignore")
    print_heading("Training (`make bench-training`)", seeds="0")
    rows = search_rows()
    X, y = load("letter")
    X, y = X.to_numpy()[:14_000], np.unique(y, return_inverse=True)[1][:14_000]
    with threadpool_limits(1):
        torch.set_num_threads(1)
        rows += [epoch_row("MLPStudent", None, X, y, 256, 0.8)]
        rows += [epoch_row("MLPStudent", None, X, y, 1024, 0.85)]
        rows += [epoch_row("a module of the user's", Module, X, y, 256, 1.25)]
    rows += memory_rows()
    print_table(["what", "measured: median (lowest - highest)", "bar"], rows)
    print(
        f"The search: {len(TEMPERATURES)} temperatures, 5 folds and the refit, {SEARCH_ROWS:,} "
        "rows of letter. The teacher's seconds are those of its fits and of labelling, of writing "
        "and reading the cache too. For a teacher whose time is proportional to its rows the fits "
        "alone are 0.1515 (5 x 0.8 + 1 of 40 x 0.8 + 1); what forests that are quick to fit and "
        "large to store take above that is mostly writing. Epochs: "
        f"ratios of {REPEATS} interleaved repeats, 1 thread, letter, MLP 16-128-128-26, against a "
        "torch loop that permutes whole tensors once an epoch and steps fused AdamW."
    )


# --- a search over temperature ---


class Counting(ClassifierMixin, BaseEstimator):
    """A teacher that counts how often it is fitted."""

    def __init__(self, teacher):
        self.teacher = teacher

    def fit(self, X, y):
        FITS.append(1)
        self.teacher_ = clone(self.teacher).fit(X, y)
        self.classes_ = self.teacher_.classes_
        return self

    def predict_proba(self, X):
        return self.teacher_.predict_proba(X)


def search_rows():
    X, _, y, _ = load_split("letter")
    X, _, y, _ = train_test_split(X, y, train_size=SEARCH_ROWS, stratify=y, random_state=0)
    forest = RandomForestClassifier(50, random_state=0)
    parts = [("rf", forest), ("xgb", XGBClassifier(n_estimators=300, n_jobs=1))]
    slow = StackingClassifier(parts, cv=3, stack_method="predict_proba")
    large = voting(
        *[f(150, random_state=0) for f in (RandomForestClassifier, ExtraTreesClassifier)]
    )
    n_fits, kept_fits, share = compare(slow, X, y)
    with tempfile.TemporaryDirectory() as folder:
        folded_fits, *_ = search(forest, X, y, memory=folder, cv=3)
    what = "teacher's seconds of the search, with `memory` / without"
    return [
        ("teacher fits of a search, `cv=None`", f"{kept_fits}, not {n_fits}", "6, not 41"),
        ("the same, `cv=3`", folded_fits, (3 + 1) * 6),
        (f"{what}: stack of RandomForest(50) and XGBoost(300)", share, "<= 0.15"),
        (f"{what}: RandomForest(150) + ExtraTrees(150)", compare(large, X, y)[2], ""),
    ]


def voting(*parts):
    return VotingClassifier([(type(part).__name__, part) for part in parts], voting="soft")


def compare(teacher, X, y):
    """Fits of the teacher in a search without and with `memory`, and its seconds in both."""
    n_fits, seconds, scores = search(teacher, X, y)
    with tempfile.TemporaryDirectory() as folder:
        kept_fits, kept_seconds, kept_scores = search(teacher, X, y, memory=folder)
    assert np.array_equal(scores, kept_scores)
    share = f"{kept_seconds / seconds:.3f} ({kept_seconds:.1f} s / {seconds:.1f} s)"
    return n_fits, kept_fits, share


def search(teacher, X, y, **params):
    """Fits of the teacher, its seconds, and the scores found."""
    FITS.clear()
    watch = Stopwatch()
    student = MLPStudent((64,), n_steps=300)
    params = {"transfer": None, "cv": None, "random_state": 0, **params}
    clf = DistilledClassifier(Counting(teacher), student, **params)
    clf.set_callbacks(watch)
    grid = {"temperature": TEMPERATURES}
    found = GridSearchCV(clf, grid, scoring="neg_log_loss", cv=5).fit(X, y)
    seconds = sum(watch.seconds[task] for task in TEACHER_TASKS)
    return len(FITS), seconds, found.cv_results_["mean_test_score"]


# --- an epoch ---


class Module(nn.Module):
    """The default student's layers, as a user would write them."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        sizes = [n_inputs, *HIDDEN]
        layers = [(nn.Linear(narrow, wide), nn.ReLU()) for narrow, wide in pairwise(sizes)]
        self.layers = nn.Sequential(*[part for pair in layers for part in pair])
        self.head = nn.Linear(sizes[-1], n_outputs)

    def forward(self, X):
        return self.head(self.layers(X))


def epoch_row(what, module, X, y, batch_size, bar):
    ratios = epoch_ratios(X, y, batch_size, module)
    return f"epoch of {what} / torch loop, batch {batch_size}", spread(ratios), f"<= {bar:.2f}"


# --- memory ---


def memory_rows():
    # A fresh process: memory that this one has freed would hide what training takes.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        n_rows, epoch, fit = fresh.submit(memory_of_flights).result()
    return [
        (f"extra peak memory of one epoch, flights, {n_rows:,} rows / encoded data", epoch, "<= 3"),
        ("the same of the whole fit, encoder included", fit, ""),
    ]


def memory_of_flights():
    """Rows, and the extra peak memory of an epoch and of a fit, in encoded tables."""
    X, y = load("flights", most_rows=None)
    X, _, y, _ = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
    y = np.unique(y, return_inverse=True)[1]
    soft = np.full((len(y), 2), 0.1)
    soft[np.arange(len(y)), y] = 0.9
    clf = DistilledClassifier(student=MLPStudent(n_steps=1), random_state=0)
    few = clone(clf).fit(X[:2000], y[:2000], soft_targets=soft[:2000])  # what is loaded once
    size = encode(few.encoder_, X).nbytes
    training = TrainingMemory()
    clf.set_callbacks(training)
    free_memory()
    _, whole = watch_memory(lambda: clf.fit(X, y, soft_targets=soft))
    assert len(clf.history_) == 1
    return len(X), f"{training.peak / size:.2f}", f"{whole / size:.2f}"


class TrainingMemory(Stopwatch):
    """Measures the extra peak memory of the task "fit-student"."""

    def on_fit_task_begin(self, estimator, context):
        if context.task_name == "fit-student":
            free_memory()
            self.watch = MemoryWatch()

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "fit-student":
            self.peak = self.watch.stop()
        return False


if __name__ == "__main__":
    main()
