"""A search in one pass against as many fits one after the other, and against a torch loop."""

import tempfile
import time
import warnings
from itertools import pairwise

import numpy as np
import torch
from _report import print_table, spread
from datasets import load_split
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from torch import nn
from torch.nn import functional as F

from skdistill import DistilledClassifier, DistilledClassifierCV, MLPStudent, TabularEncoder
from skdistill._fit.inputs import Arguments
from skdistill._fit.several import fit_several
from skdistill._utils.process import ONE_THREAD

SETS = ("letter", "magic", "churn")
HIDDEN = (128, 128)
TEMPERATURES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
ALPHAS = (0.1, 0.3, 0.7)
N_FOLDS = 5
# Epochs of the torch loop that are timed for each candidate; the rest of its epochs are alike.
LOOP_EPOCHS = 2


def run_search(sets=SETS):
    """Print both tables."""
    warnings.filterwarnings("ignore")
    print_times(sets)
    print_choices(sets)


def distiller(memory, **params):
    teacher = [
        ("et", make_pipeline(TabularEncoder(), ExtraTreesClassifier(100, random_state=0))),
        ("hgb", make_pipeline(TabularEncoder(), HistGradientBoostingClassifier(random_state=0))),
    ]
    # Labels out of fold would be tried for some candidates and not for others.
    params = {"student": MLPStudent(HIDDEN), "cv": None, "random_state": 0, **params}
    return DistilledClassifier(teacher, memory=memory, **params)


def grid():
    return [{"temperature": t, "alpha": a} for t in TEMPERATURES for a in ALPHAS]


# --- time ---


def print_times(sets):
    table, of_fits, of_loops = [], [], []
    for name in sets:
        X, _, y, _ = load_split(name)
        train, _ = next(iter(StratifiedKFold(N_FOLDS).split(X, y)))
        rows = X.iloc[train].reset_index(drop=True), y[train]
        with tempfile.TemporaryDirectory() as memory:
            clf = distiller(memory)
            clone(clf).set_params(**grid()[0]).fit(*rows)  # teachers and labels, for all alike
            together, apart, loop, n_epochs = seconds_of_a_fold(clf, *rows)
        of_fits.append(together / apart)
        of_loops.append(together / loop)
        figures = [f"{value:.1f}" for value in (together, apart, loop)]
        table.append([name, n_epochs, *figures, f"{of_fits[-1]:.2f}", f"{of_loops[-1]:.2f}"])
    table.append(["all", "", "", "", "", spread(of_fits), spread(of_loops)])
    table.append(["bar", "", "", "", "", "<= 0.5", "<= 0.3"])
    columns = ["data", "epochs", "in one pass, s", "one after the other, s", "torch loop, s"]
    print_table([*columns, "/ one after the other", "/ torch loop"], table)
    print(
        f"{len(grid())} candidates ({len(TEMPERATURES)} temperatures x {len(ALPHAS)} alphas), MLP "
        f"128-128, the first of {N_FOLDS} folds: the others are like it. Teachers and labels come "
        "from `memory` on all sides. Half of the candidates are trained in one pass and then one "
        "after the other, then the other half. "
        "The torch loop takes the epochs that the fits have taken, on the same rows, in batches of "
        "the same size, by torch's own Muon and fused AdamW, on one thread: two are slower.\n"
    )


def seconds_of_a_fold(clf, X, y):
    """Seconds of a fold in one pass, one after the other and in a loop, and the epochs of all."""
    alone = [clone(clf).set_params(**params) for params in grid()]
    pass_ = [clone(clf).set_params(**params) for params in grid()]
    halves = np.array_split(np.arange(len(alone)), 2)
    apart = loop = together = 0.0
    n_epochs = 0
    for half in halves:  # interleaved: the machine is shared
        together += timed(fit_several, [pass_[place] for place in half], arguments_of(X, y))
        for place in half:
            with EpochCount() as count:
                apart += timed(alone[place].fit, X, y)
            n_epochs += count.n_epochs
            with ONE_THREAD:  # a second one makes it slower
                loop += sum(epoch_seconds(alone[place], rows) * n for rows, n in count.rows)
    return together, apart, loop, n_epochs


def timed(function, *args):
    started = time.perf_counter()
    function(*args)
    return time.perf_counter() - started


def arguments_of(X, y):
    given = dict.fromkeys(Arguments.__dataclass_fields__)
    return Arguments(**(given | {"X": X, "y": y, "fit_params": {}}))


class EpochCount:
    """Counts the epochs of all trainings inside, and keeps the rows of each."""

    def __enter__(self):
        from skdistill.student import Training

        self.rows, self._own = [], Training.finish

        def finish(training):
            self.rows.append((training.rows, training.n_epochs))
            return self._own(training)

        Training.finish = finish
        return self

    def __exit__(self, *error):
        from skdistill.student import Training

        Training.finish = self._own

    @property
    def n_epochs(self):
        return sum(n for _, n in self.rows)


def epoch_seconds(clf, rows):
    """Seconds of an epoch of a usual torch loop on the same rows."""
    X, y, weight = rows.inputs, rows.target["label"], rows.target["weight"]
    soft = rows.target.get("soft")
    recipe = clf.student.for_rows(len(X))
    sizes = [X.shape[1], *HIDDEN, len(clf.classes_)]
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    model = nn.Sequential(layers[0], nn.ReLU(True), layers[1], nn.ReLU(True), layers[2])
    matrices = [layer.weight for layer in layers[:-1]]
    others = [one for one in model.parameters() if all(one is not matrix for matrix in matrices)]
    optimizers = [torch.optim.AdamW(others, lr=recipe.learning_rate, fused=True)]
    optimizers.append(torch.optim.Muon(matrices, lr=recipe.learning_rate, ns_steps=3))
    columns = (X, y, weight) if soft is None else (X, y, weight, soft)
    best = np.inf
    for _ in range(LOOP_EPOCHS):
        started = time.perf_counter()
        order = torch.randperm(len(X))
        batches = [column[order].split(recipe.batch_size) for column in columns]
        for batch in zip(*batches, strict=True):
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss_of(model(batch[0]), clf, *batch[1:]).backward()
            for optimizer in optimizers:
                optimizer.step()
        best = min(best, time.perf_counter() - started)
    return best


def loss_of(logits, clf, labels, weight, soft=None):
    known = labels >= 0
    hard = F.cross_entropy(logits, labels.clamp(min=0), reduction="none") * known
    if soft is None:
        return torch.dot(hard, weight) / len(weight)
    T = clf.temperature
    response = F.cross_entropy(logits / T, soft, reduction="none") * T * T
    return torch.dot(clf.alpha * hard + (1 - clf.alpha) * response, weight) / len(weight)


# --- choice ---


def print_choices(sets):
    table = []
    params = {"temperature": [1.0, 2.0, 4.0], "alpha": list(ALPHAS)}
    for name in sets:
        X, X_test, y, y_test = load_split(name)
        folds = StratifiedKFold(3)
        with tempfile.TemporaryDirectory() as memory:
            clf = distiller(memory).set_params(student=MLPStudent(HIDDEN, n_steps=0.25))
            search = DistilledClassifierCV(
                clf, temperatures=params["temperature"], alphas=params["alpha"], cv=folds
            ).fit(X, y)
            whole = GridSearchCV(clf, params, cv=folds, scoring="neg_log_loss").fit(X, y)
        losses = [log_loss(y_test, one.predict_proba(X_test)) for one in (search, whole)]
        ordered = [
            sorted(one["mean_test_score"]) for one in (search.cv_results_, whole.cv_results_)
        ]
        apart = np.abs(np.subtract(*ordered)).max()
        row = [name, search.best_params_, whole.best_params_, *(f"{loss:.4f}" for loss in losses)]
        table.append([*row, f"{losses[0] / losses[1]:.4f}", f"{apart:.1e}"])
    columns = ["data", "choice", "GridSearchCV's", "test log loss", "GridSearchCV's"]
    print_table([*columns, "ratio (bar: <= 1.005)", "scores apart, at most"], table)
