"""Hidden layers and gradients of a net: what a teacher tells besides its answers."""

import torch
from _knowledge import Form, control, distilled, figures, print_methods, split
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch import NeuralNetClassifier

from skdistill import CKA, PKT, Hint, InputGradient, Munge, Near

# Of 500 rows of satimage: no synthetic rows, those of "auto", and those near the data.
ROWS = {"none": None, "default": "auto", "near": Near(Munge(s=4.0))}
SITUATIONS = tuple(f"satimage 500 {rows}" for rows in ROWS)


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


def run(situation, seed):
    """Figures of teacher, control and a student a term."""
    name, n_rows, rows = situation.split()
    X, X_test, y, y_test = split(name, seed, int(n_rows))
    n_classes = len(set(y))
    teacher = wide_nets(X.shape[1], n_classes)
    found = {}
    for method, objective in methods().items():
        student = distilled(teacher, seed, objectives=objective, transfer=ROWS[rows])
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool)
    found["control"] = figures(control(teacher, seed).fit(X, y), X_test, y_test, pool)
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *methods()])


NETS = Form("nets", "Hidden layers and gradients of a net", SITUATIONS, run, report)
