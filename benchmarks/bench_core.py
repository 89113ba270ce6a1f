"""Speed, memory and quality of the main path, as ratios taken in one interleaved run.

Run it with ``make bench-core``; it prints the file `results/core.md`.
"""

import ctypes
import gc
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
import torch
from _report import print_heading, print_table, spread
from datasets import load
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from skorch import NeuralNetClassifier
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional as F

from skdistill import DistilledClassifier, MLPStudent, TeacherPool

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import compress_ensemble

HIDDEN = (128, 128)
REPEATS = 7
EPOCHS = 6
LABELLED_ROWS = 1_000_000


def main():
    warnings.filterwarnings("ignore")
    print_heading("Core (`make bench-core`)", seeds="0")
    X, y = load("letter")
    X, y = X.to_numpy(), np.unique(y, return_inverse=True)[1]
    with threadpool_limits(1):
        torch.set_num_threads(1)
        rows = [epoch_row(X[:14_000], y[:14_000], 256, 1.30)]
        rows += [epoch_row(X[:14_000], y[:14_000], 1024, 1.25)]
        rows += [step_row("adamw", (192, 192), 256, "<= 1.25")]
        rows += [step_row("muon", (128,) * 4, 1024, "")]
        rows += predict_rows(X, y)
    rows += [memory_row()]
    rows += [quality_row()]
    print_table(["what", "measured: median (lowest - highest)", "bar"], rows)
    print(
        f"Ratios of {REPEATS} interleaved repeats, 1 thread, letter, MLP 16-128-128-26. The torch "
        "loop permutes whole tensors once an epoch, steps fused AdamW, and minimises the same "
        "weighted loss."
    )


# --- an epoch of training ---


def epoch_row(X, y, batch_size, bar):
    ratios = epoch_ratios(X, y, batch_size)
    return f"epoch of a fit / torch loop, batch {batch_size}", spread(ratios), f"<= {bar:.2f}"


def epoch_ratios(X, y, batch_size, module=None):
    """Seconds of an epoch of a fit over those of a torch loop, for some interleaved repeats."""
    soft = LogisticRegression(max_iter=50).fit(X, y).predict_proba(X)
    return [
        fit_epoch(X, y, soft, batch_size, module) / torch_epoch(X, y, soft, batch_size)
        for _ in range(REPEATS)
    ]


def fit_epoch(X, y, soft, batch_size, module):
    n_steps = EPOCHS * round(len(X) / batch_size)
    recipe = MLPStudent(HIDDEN, batch_size=batch_size, n_steps=n_steps, optimizer="adamw")
    if module is not None:
        recipe = users_net(module, recipe.make_net(len(X)))
    clf = DistilledClassifier(
        student=recipe, early_stopping=False, calibrate=False, encoder="passthrough", random_state=0
    )
    clf.fit(X, y, soft_targets=soft)
    return min(epoch["dur"] for epoch in clf.history_)


def users_net(module, like):
    """A net as a user would make it, trained as `like` is."""
    return NeuralNetClassifier(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=like.optimizer,
        optimizer__fused=True,
        optimizer__weight_decay=0.01,
        lr=like.lr,
        batch_size=like.batch_size,
        max_epochs=like.max_epochs,
        callbacks=like.callbacks,
        callbacks__valid_acc=None,
    )


def torch_epoch(X, y, soft, batch_size, alpha=0.3):
    X = torch.as_tensor(X, dtype=torch.float32)
    y, soft, weight = torch.as_tensor(y), torch.as_tensor(soft).float(), torch.ones(len(X))
    sizes = [X.shape[1], *HIDDEN, soft.shape[1]]
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    model = nn.Sequential(layers[0], nn.ReLU(True), layers[1], nn.ReLU(True), layers[2])
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    best = np.inf
    for _ in range(EPOCHS):
        started, total = time.perf_counter(), 0.0
        order = torch.randperm(len(X))
        columns = [column[order].split(batch_size) for column in (X, y, soft, weight)]
        for rows, labels, targets, w in zip(*columns, strict=True):
            optimizer.zero_grad()
            logits = model(rows)
            hard = F.cross_entropy(logits, labels, reduction="none")
            loss = (1 - alpha) * F.cross_entropy(logits, targets, reduction="none") + alpha * hard
            loss = torch.dot(loss, w) / w.sum()
            loss.backward()
            optimizer.step()
            total += loss.item()
        best = min(best, time.perf_counter() - started)
    return best


# --- a step of the direct pass ---


def step_row(optimizer, hidden, batch_size, bar):
    """Seconds of a step, of all that an epoch does, over those of its matrix products alone."""
    ratios = [
        step_seconds(optimizer, hidden, batch_size) / product_seconds(hidden, batch_size)
        for _ in range(REPEATS)
    ]
    size = "-".join(map(str, hidden))
    what = f"step, MLP 16-{size}-26, {optimizer}, batch {batch_size} / its matrix products alone"
    return what, spread(ratios), bar


def step_seconds(optimizer, hidden, batch_size):
    rng, n_batches = np.random.default_rng(0), 50
    y = np.arange(n_batches * batch_size) % 26
    X, soft = rng.normal(size=(len(y), 16)), rng.dirichlet(np.ones(26), len(y))
    recipe = MLPStudent(
        hidden, batch_size=batch_size, n_steps=EPOCHS * n_batches, optimizer=optimizer
    )
    clf = DistilledClassifier(
        student=recipe, early_stopping=False, calibrate=False, encoder="passthrough", random_state=0
    )
    clf.fit(X, y, soft_targets=soft)
    return min(epoch["dur"] for epoch in clf.history_) / n_batches


@torch.no_grad()
def product_seconds(hidden, batch_size):
    """Of forward and backward pass, in memory that is there; the best of some rounds."""
    sizes = [16, *hidden, 26]
    inputs = [torch.randn(batch_size, size) for size in sizes]
    weights = [torch.randn(wide, narrow) for narrow, wide in pairwise(sizes)]
    biases = [torch.randn(size) for size in sizes[1:]]
    outputs = [torch.empty_like(one) for one in inputs]
    gradients = [torch.empty_like(weight) for weight in weights]
    best = np.inf
    for _ in range(EPOCHS):
        started = time.perf_counter()
        for _ in range(20):
            for place, weight in enumerate(weights):
                torch.addmm(biases[place], inputs[place], weight.t(), out=outputs[place + 1])
            for place in reversed(range(len(weights))):
                torch.mm(inputs[place + 1].t(), inputs[place], out=gradients[place])
                if place:
                    torch.mm(inputs[place + 1], weights[place], out=outputs[place])
        best = min(best, (time.perf_counter() - started) / 20)
    return best


# --- predict_proba ---


def predict_rows(X, y):
    teacher = FrozenEstimator(LogisticRegression(max_iter=50).fit(X, y))
    ours = DistilledClassifier(teacher, MLPStudent(HIDDEN, n_steps=100), random_state=0).fit(X, y)
    peer = MLPClassifier(HIDDEN, max_iter=2, random_state=0).fit(X, y)
    table = []
    for n_rows, n_calls, bar in ((10_000, 10, 0.7), (1, 500, 1.1)):
        rows = X[:n_rows].copy()
        pairs = [
            (seconds(ours, rows, n_calls), seconds(peer, rows, n_calls)) for _ in range(REPEATS)
        ]
        label = f"`predict_proba`, {n_rows:,} row(s) / MLPClassifier"
        table.append((label, spread([a / b for a, b in pairs]), f"<= {bar:.2f}"))
    return table


def seconds(model, rows, n_calls):
    model.predict_proba(rows)
    started = time.perf_counter()
    for _ in range(n_calls):
        model.predict_proba(rows)
    return (time.perf_counter() - started) / n_calls


# --- memory while labelling ---


def memory_row():
    # A fresh process: memory that this one has freed would hide what labelling takes.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        ours, forest = fresh.submit(extra_megabytes).result()
    label = "extra peak memory, labelling 1,000,000 rows (letter, two forests of 50)"
    return label, f"{ours:.0f} MB (one call of one forest: {forest:.0f} MB)", "<= 200 MB"


def extra_megabytes():
    X, y = load("letter")
    forests = [RandomForestClassifier(50, random_state=0), ExtraTreesClassifier(50, random_state=0)]
    pool = TeacherPool(forests).fit(X, y)
    rows = X.sample(LABELLED_ROWS, replace=True, random_state=0, ignore_index=True)
    extra = []
    for model in (pool, pool.estimators_[0]):
        free_memory()
        result, peak = watch_memory(lambda model=model: model.predict_proba(rows))
        extra.append((peak - result.nbytes) / 1e6)
        del result
    return extra


def free_memory():
    """Give back what the process has freed: it would hide what it takes."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


class MemoryWatch:
    """Watches the resident memory from now on; `stop` gives the peak above that at its start."""

    def __init__(self):
        self._process, self._stop, self._peak = psutil.Process(), threading.Event(), 0
        self._before = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        while not self._stop.wait(0.002):
            self._peak = max(self._peak, self._process.memory_info().rss - self._before)

    def stop(self):
        self._stop.set()
        self._thread.join()
        return self._peak


def watch_memory(function):
    """Return the function's result and the highest resident memory above that at its start."""
    watch = MemoryWatch()
    return function(), watch.stop()


# --- the demo's claim ---


def quality_row():
    X, X_test, y, y_test = compress_ensemble.load_split("letter")
    student, control = compress_ensemble.distil(X, y)
    accuracy = [m.score(X_test, y_test) for m in (student.teacher_, control, student)]
    return (
        "letter, demo: accuracy of teacher, control, student",
        ", ".join(f"{a:.4f}" for a in accuracy),
        "student above both",
    )


if __name__ == "__main__":
    main()
