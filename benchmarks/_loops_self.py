"""A student of copies of itself, without another model, beside the control."""

import numpy as np
from _knowledge import ALPHA, Form, figures, print_methods, split
from _report import print_table
from datasets import SETS

from skdistill import (
    DepthHeads,
    DistilledClassifier,
    MLPStudent,
    Munge,
    SelfDistilledClassifier,
)

METHODS = ("control", "ensemble that teaches", "self-ensemble", "generations")
N_STUDENTS = 8
# Four synthetic rows a training row: a fifth of the default, to be done in minutes.
TRANSFER = Munge(size=4)


def run(situation, seed):
    """Figures of the control, of the copies, and of what learns of them."""
    X, X_test, y, y_test = split(situation, seed)
    # "auto" would choose, and hide differences.
    fixed = {"alpha": ALPHA, "cv": None, "random_state": seed}
    of_copies = SelfDistilledClassifier(n_students=N_STUDENTS, transfer=TRANSFER, **fixed)
    generations = SelfDistilledClassifier(
        scheme="generations", transfer=TRANSFER, random_state=seed
    )
    of_copies.fit(X, y)
    found = {
        "control": figures(on_labels(X, y, seed), X_test, y_test),
        "ensemble that teaches": figures(of_copies.teacher_, X_test, y_test),
        "self-ensemble": figures(of_copies, X_test, y_test),
        "generations": figures(generations.fit(X, y), X_test, y_test),
    }
    found["self-ensemble"]["decision"] = of_copies.decision_
    found["generations"]["decision"] = generations.decision_
    return found


def on_labels(X, y, seed, **params):
    """The usual control: the same student on the labels alone, which stand for a teacher."""
    model = DistilledClassifier(alpha=1.0, transfer=None, cv=None, random_state=seed, **params)
    certain = np.eye(len(np.unique(y)))[np.unique(y, return_inverse=True)[1]]
    return model.fit(X, y, soft_targets=certain)


def report(cells):
    """The methods on the mean of all sets, and each set's loss over that of the control."""
    print_methods(cells, METHODS, beside="control")
    print()
    rows = []
    for (situation, seed), cell in cells.items():
        base = cell["control"]["log_loss"]
        ratios = [f"{cell[name]['log_loss'] / base:.3f}" for name in METHODS[1:]]
        rows.append([situation, seed, f"{base:.4f}", *ratios])
    print_table(["set", "seed", "control", *METHODS[1:]], rows)


DEPTHS = {
    "two layers": (None, DepthHeads()),
    "three layers": (MLPStudent((192,) * 3), DepthHeads(("first", "antepenultimate"))),
}


def run_depths(situation, seed):
    """Figures of students on the labels alone, without and with heads at their lower layers."""
    X, X_test, y, y_test = split(situation, seed)
    found = {}
    for name, (student, heads) in DEPTHS.items():
        for what, objectives in (("control", None), ("heads at each depth", heads)):
            model = on_labels(X, y, seed, student=student, objectives=objectives)
            found[f"{name}: {what}"] = figures(model, X_test, y_test)
    return found


def report_depths(cells):
    """Each beside the student of its size without heads."""
    for name in DEPTHS:
        methods = [f"{name}: {what}" for what in ("control", "heads at each depth")]
        print_methods(cells, methods, beside=methods[0])
        print()


DEPTH = Form("depth", "Heads at each depth, dropped", SETS, run_depths, report_depths)
SELF = Form("self", "Copies of the student teach it", SETS, run, report)
