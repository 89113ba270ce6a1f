"""Hidden layers and gradients of a net: what a teacher tells besides its answers."""

import torch
from _knowledge import CACHE, Form, control, distilled, figures, print_methods, split
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch import NeuralNetClassifier

from skdistill import CKA, PKT, FittedTeacher, Hint, InputGradient, Munge, Near, TeacherPool

# No synthetic rows, those of "auto", and those near the data.
ROWS = {"none": None, "default": "auto", "near": Near(Munge(s=4.0))}
# A teacher of its own 500 rows, and one that knows all rows to train on, of which the student has
# 500: what is trained once on much data and compressed by whoever has little.
SITUATIONS = (
    "satimage 500 own none",
    "satimage 500 own near",
    "satimage 500 own default",
    "satimage 500 strong none",
    "satimage 500 strong near",
    "satimage 500 strong default",
)
# All rows to train on: an epoch chosen by a part of so few would differ by chance alone. The
# control may stop early: labels alone are soon learned by heart.
PARAMS = {"early_stopping": False}


def methods():
    """Terms by name; "auto" weighs them, and they decay."""
    return {
        "hinton": None,
        "Hint": Hint(),
        "PKT": PKT(),
        "CKA": CKA(),
        "InputGradient": InputGradient(),
    }


class Wide(torch.nn.Module):
    """A perceptron with dropout, wider than its student."""

    def __init__(self, n_inputs, n_outputs, width=256):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_inputs, width),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.3),
            torch.nn.Linear(width, width),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.3),
            torch.nn.Linear(width, n_outputs),
        )

    def forward(self, X):
        return self.layers(X)


def as_floats(X):
    return X.astype("float32")


def wide_nets(n_inputs, n_outputs, n_nets=4):
    """Skorch nets behind scalers, of other weights each. Few epochs: they overfit soon."""
    net = NeuralNetClassifier(
        Wide,
        module__n_inputs=n_inputs,
        module__n_outputs=n_outputs,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=0.1,
        lr=1e-3,
        batch_size=32,
        max_epochs=20,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    one = make_pipeline(StandardScaler(), FunctionTransformer(as_floats), net)
    return [(f"net{place}", clone(one)) for place in range(n_nets)]


def frozen_nets(name, seed):
    """The nets, fitted on all rows to train on."""
    X, _, y, _ = split(name, seed)
    nets = wide_nets(X.shape[1], len(set(y)))
    pool = TeacherPool(nets, random_state=seed, memory=CACHE).fit(X, y)
    return [
        (name, FittedTeacher(FrozenEstimator(net), classes=pool.classes_))
        for name, net in pool.named_estimators_.items()
    ]


def run(situation, seed):
    """Figures of teacher, control and a student a term."""
    name, n_rows, kind, rows = situation.split()
    X, X_test, y, y_test = split(name, seed, int(n_rows))
    nets = wide_nets(X.shape[1], len(set(y))) if kind == "own" else frozen_nets(name, seed)
    found = {}
    for method, objective in methods().items():
        student = distilled(nets, seed, objectives=objective, transfer=ROWS[rows], **PARAMS)
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool)
    found["control"] = figures(control(nets, seed).fit(X, y), X_test, y_test, pool)
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report(cells):
    """A table for each kind of teacher."""
    for kind, what in {"own": "fitted on the same rows", "strong": "that knows more"}.items():
        print(f"A teacher {what}:\n")
        of_kind = {key: cell for key, cell in cells.items() if kind in key[0].split()}
        print_methods(of_kind, ["teacher", "control", *methods()])


NETS = Form("nets", "Hidden layers and gradients of a net", SITUATIONS, run, report)
