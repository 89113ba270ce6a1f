"""The variants of the recipe benchmark: folds of the training part, and what is tried on them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from _fidelity_cells import Job, Method
from _fidelity_measures import row_losses
from _fidelity_methods import control
from _fidelity_pool import fit_pool, memory
from _fidelity_student import budget, student_bytes
from _stopwatch import Stopwatch, us_per_row
from datasets import load_split
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import SplineTransformer

from skdistill import DistilledClassifier, LogitMatching, MLPStudent, Munge, TabularEncoder
from skdistill._fit.holdout import rows_to_hold_out
from skdistill._fit.plan import draw_seeds
from skdistill._utils.cache import Cache

# Raised when a helper of the variants changes what they measure.
VERSION = 2
SIZES = (
    (128, 128),
    (128,) * 3,
    (128,) * 4,
    (128,) * 6,
    (192,) * 2,
    (192,) * 3,
    (256,) * 2,
    (256,) * 3,
)
PRESETS = {"fast": MLPStudent.fast(), "accurate": MLPStudent.accurate()}
NUMBERS = make_column_selector(dtype_include="number")
REPEATS = 20  # of a prediction: cells are timed at different moments of a shared machine
TRAINING = ("encode-rows", "fit-student", "fit-control", "refit-student")
# What alpha="auto" begins with: no variant is to be judged by a control that took its place.
BASE = {"alpha": 0.3}
# Share of the steps for the first stage: rows in the proportion 8 to 1, steps as their roots.
FIRST_STAGE = 8**0.5 / (8**0.5 + 1)
NOTES = {
    "trust": "The control learns from the labels alone.",
    "encodings": "Without indicators for codes, of which the default sets have none. "
    "Splines of degree 1 between quantiles span the piecewise-linear encoding.",
    "stages": "All have one frozen teacher, and the same validation rows, which it has not seen. "
    "Staged: first synthetic rows with the teacher's answers alone, then the real rows, with "
    "their labels too; together as many rows and steps as mixed.",
}


@dataclass(frozen=True)
class Fold(Job):
    """A cell whose rows are the training part alone, a quarter of them held out by the seed.

    The rows of the test part are never looked at: what is chosen here is tested elsewhere.
    """

    @cached_property
    def split(self):
        X, _, y, _ = load_split(self.data, 0)
        return train_test_split(X, y, test_size=0.25, stratify=y, random_state=self.seed)

    def path(self, method, ending="json"):
        folder = self.cells / f"recipe-{self.n_estimators}"
        return folder / f"{self.data}-{self.seed}-{method}.{ending}"

    def recipe(self, method):
        return super().recipe(method) | {"version": VERSION}


@dataclass(frozen=True)
class Group:
    """The rows of one table.

    Attributes
    ----------
    name, title : str
    rows : list of (str, Method)
    base : Method
        What the others are divided by.
    note : str, default=""
        Printed below.
    shows_front : bool, default=False
        Whether the table marks the Pareto front of loss and time.
    """

    name: str
    title: str
    rows: list
    base: Method
    note: str = ""
    shows_front: bool = False

    @property
    def methods(self):
        return [method for _, method in self.rows]


# --- how a variant is fitted and measured ---


def run_student(job, **params):
    """The default arguments but for the base's and `params`."""
    params = BASE | params
    clf = DistilledClassifier(job.members, memory=memory(), random_state=job.seed, **params)
    return fit_and_measure(clf, job), None


def run_control(job):
    """The default recipe without a teacher."""
    return fit_and_measure(control(job.seed), job), None


def run_splines(job, n_knots):
    """Each number as linear splines too; not where the splines would meet missing values."""
    X = job.split[0]
    if X[NUMBERS(X)].isna().any(axis=None):
        return {"skipped": "its numbers have missing values"}, None
    return run_student(job, encoder=WithSplines(n_knots))


class WithSplines(TransformerMixin, BaseEstimator):
    """The default encoding, and linear splines of each number, with knots at its quantiles.

    They span the functions of the piecewise-linear encoding of Gorishniy, Rubachev and Babenko
    (2022), https://doi.org/10.48550/arXiv.2203.05556.
    """

    def __init__(self, n_knots=8):
        self.n_knots = n_knots

    def fit(self, X, y=None):
        """Fit both."""
        self.plain_ = TabularEncoder(categories="codes").fit(X, y)
        self.cardinalities_ = self.plain_.cardinalities_
        splines = SplineTransformer(self.n_knots, degree=1, knots="quantile")
        self.splines_ = make_column_transformer((splines, NUMBERS)).fit(X)
        return self

    def transform(self, X):
        """Encode rows; codes of categories come last, as the perceptron expects them."""
        return np.hstack([self.splines_.transform(X), self.plain_.transform(X)])


def run_mixed(job):
    """The default arguments, but a frozen teacher and validation rows that neither has seen."""
    clf, X, y, validation = with_frozen_teacher(job)
    watch = Stopwatch()
    clf.set_callbacks(watch).fit(X, y, **validation)
    return measure(clf, watch, job, len(y)), None


def run_staged(job, second_rate):
    """First the teacher alone, on synthetic rows; then the real rows, with their labels.

    Both stages together take the steps of the mixed student, and as many synthetic rows.
    `second_rate` is the learning rate of the second stage as a share of the first's; None leaves
    the second stage out.
    """
    clf, X, y, validation = with_frozen_teacher(job)
    mixed, alpha, watch = job.figures("mixed"), clf.alpha, Stopwatch()
    X_new = Munge().sample(X, mixed["n_transfer_rows"], random_state=job.seed)
    first_steps = round(FIRST_STAGE * mixed["n_steps"])
    clf.set_params(
        student=MLPStudent(n_steps=first_steps, optimizer="muon"),
        encoder=FrozenEstimator(
            TabularEncoder(categories="codes").fit(X, y)
        ),  # of the real rows, as when mixed
        transfer=None,
        alpha=0.0,
        warm_start=True,
    )
    clf.set_callbacks(watch).fit(X_new, **validation)
    if second_rate is not None:
        rate = second_rate * clf.student_.lr
        n_steps = mixed["n_steps"] - first_steps
        second = MLPStudent(n_steps=n_steps, learning_rate=rate, optimizer="muon")
        clf.set_params(student=second, alpha=alpha).fit(X, y, **validation)
    return measure(clf, watch, job, len(y)), None


def with_frozen_teacher(job):
    """A classifier with a fitted teacher, the rows that one has seen, and those held out."""
    X, _, y, _ = job.split
    clf = DistilledClassifier(memory=memory(), random_state=job.seed, **BASE)
    seed = draw_seeds(job.seed, Cache(memory()))["split"]
    held_out = rows_to_hold_out(y, clf.validation_fraction, seed)
    kept = np.setdiff1d(np.arange(len(y)), held_out)
    clf.teacher = FrozenEstimator(fit_pool(job.members, X.iloc[kept], y[kept], job.seed))
    validation = {"X_val": X.iloc[held_out], "y_val": y[held_out]}
    return clf, X.iloc[kept], y[kept], validation


def fit_and_measure(clf, job):
    X, _, y, _ = job.split
    watch = Stopwatch()
    clf.set_callbacks(watch).fit(X, y)
    return measure(clf, watch, job, len(y))


def measure(clf, watch, job, n_rows):
    """The figures of a student on the rows held out; `n_rows` are those of X it was fitted on."""
    _, X_test, _, y_test = job.split
    p, labels = clf.predict_proba(X_test), np.searchsorted(clf.classes_, y_test)
    return {
        "log_loss": float(row_losses(labels, p).mean()),
        "accuracy": float((p.argmax(axis=1) == labels).mean()),
        "train_seconds": sum(watch.seconds[task] for task in TRAINING),
        "us_per_row": us_per_row(clf, X_test, REPEATS),
        "bytes": student_bytes(clf),
        "n_steps": budget(clf, n_rows),
        "n_transfer_rows": clf.n_transfer_rows_,
        "epochs": len(clf.history_),
        "cv": repr(clf.cv_),
        "alpha": clf.alpha_,
        "temperature": clf.temperature_,
        "leak_gap": clf.leak_gap_,
    }


# --- the variants ---


DEFAULT = Method("default", run_student, "student")
MIXED = Method("mixed", run_mixed, "student")


def groups():
    """The tables, in the order in which they are run and printed."""
    folds = {"None": None, "5": 5, "auto": "auto"}
    transfers = {"None": None, "Munge(size=2)": Munge(size=2.0), "auto": "auto"}
    of_default = {
        "sizes": ("Layers", size_rows()),
        "training": ("Training", training_rows()),
        "trust": ("Trust in labels and teacher", trust_rows()),
        "responses": ("Responses", response_rows()),
        "encodings": ("Encodings of numbers", encoding_rows()),
        "rows": ("Synthetic rows", argument_rows("transfer", transfers)),
        "labels": ("Labels out of fold", argument_rows("cv", folds)),
    }
    tables = [
        Group(name, title, with_default(rows), DEFAULT, NOTES.get(name, ""), name == "sizes")
        for name, (title, rows) in of_default.items()
    ]
    title = "Synthetic and real rows mixed, or in stages"
    return [*tables, Group("stages", title, stage_rows(), MIXED, NOTES["stages"])]


def with_default(rows):
    """The rows, the first of the default arguments where none of them is."""
    return rows if DEFAULT in [method for _, method in rows] else [("default", DEFAULT), *rows]


def size_rows():
    presets = {repr(student): name for name, student in PRESETS.items()}
    students = [*(MLPStudent(hidden_layer_sizes=size) for size in SIZES), *PRESETS.values()]
    rows = []
    for text, student in {repr(student): student for student in students}.items():
        size = "-".join(map(str, student.hidden_layer_sizes))
        label = f"{size}, `{presets[text]}`" if text in presets else size
        rows.append(argument_row(presets.get(text, size), label, "student", student))
    return rows


def training_rows():
    changes = [{"average_weights": False}, {"optimizer": "adamw"}]
    changes += [{"learning_rate": rate} for rate in (0.004, 0.012, 0.016)]
    changes += [{"weight_decay": decay} for decay in (0.01, 0.3)]
    changes += [{"batch_size": size} for size in (256, 2048)]
    changes += [{"n_steps": share} for share in (0.5, 2.0)]
    labels = [f"{name}={value}" for change in changes for name, value in change.items()]
    return [
        (label, Method(label, run_student, "student", {"student": MLPStudent(**change)}))
        for label, change in zip(labels, changes, strict=True)
    ]


def trust_rows():
    return [
        *argument_rows("alpha", {str(alpha): alpha for alpha in (0.0, 0.1, 0.3, 0.6, "auto")}),
        ("control: labels alone", Method("control", run_control, "student")),
        *argument_rows("temperature", {str(value): value for value in (1.0, 2.0, 4.0, "auto")}),
    ]


def response_rows():
    """With alpha at that of the base, and left to "auto": a response sets how much labels weigh."""
    told = {"hinton": {}, "hinton-2": {"temperature": 2.0}, "logits": {"response": LogitMatching()}}
    rows = [("alpha=0.3, hinton (default)", DEFAULT)]
    for alpha in (0.3, "auto"):
        for name, params in told.items():
            method = Method(f"{name}-{alpha}", run_student, "student", {"alpha": alpha, **params})
            if alpha == "auto" or params:
                rows.append((f"alpha={alpha}, {name}", method))
    return rows


def encoding_rows():
    return [
        (f"and splines, {n} knots", Method(f"splines-{n}", run_splines, "student", {"n_knots": n}))
        for n in (8, 16)
    ]


def stage_rows():
    stages = {
        "staged": ("staged", 1.0),
        "staged-slower": ("staged, the second at a third of the rate", 1 / 3),
        "first-stage": ("the first stage alone", None),
    }
    return [("mixed", MIXED)] + [
        (label, Method(name, run_staged, "student", {"second_rate": rate}))
        for name, (label, rate) in stages.items()
    ]


def argument_rows(parameter, values):
    """A row a value of an argument of DistilledClassifier, given by name."""
    return [
        argument_row(f"{parameter}-{name}", f"{parameter}={name}", parameter, value)
        for name, value in values.items()
    ]


def argument_row(name, label, parameter, value):
    default = getattr(DistilledClassifier(student=MLPStudent(), **BASE), parameter)
    if repr(value) == repr(default):
        return f"{label} (default)", DEFAULT
    return label, Method(name, run_student, "student", {parameter: value})
