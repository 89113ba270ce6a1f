"""Several teachers: two of three are spoilt, or each is good on a part of the rows."""

import numpy as np
from _knowledge import ALPHA, Form, control, distilled, figures, split
from _report import print_table
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier

from skdistill import Munge, RandomTeacher, RowWeights

SITUATIONS = tuple(
    f"{name} {what}" for what in ("spoilt", "parts") for name in ("satimage", "magic", "phoneme")
)
# Four synthetic rows a training row: a fifth of the default, to be done in minutes.
N_TRAIN, TRANSFER = 3000, Munge(size=4)
# Share of the labels that a spoilt teacher is told wrongly.
NOISE = 0.4


class Spoilt(ClassifierMixin, BaseEstimator):
    """A teacher fitted on wrong labels, or on columns that say nothing.

    `how` is "labels": a share of the labels is drawn anew. "columns": the values of each column are
    shuffled. ("part", k): the labels are right where the first column is in its third k alone.
    """

    def __init__(self, estimator, how, seed=0):
        self.estimator, self.how, self.seed = estimator, how, seed

    def fit(self, X, y):
        rng = np.random.RandomState(self.seed)
        X, y = X.reset_index(drop=True), np.asarray(y).copy()
        if self.how == "columns":
            X = X.apply(lambda column: rng.permutation(column))
        else:
            wrong = rng.uniform(size=len(y)) < NOISE
            if isinstance(self.how, tuple):
                third = np.digitize(X.iloc[:, 0], np.quantile(X.iloc[:, 0], [1 / 3, 2 / 3]))
                wrong = (rng.uniform(size=len(y)) < 2 * NOISE) & (third != self.how[1])
            y[wrong] = rng.choice(np.unique(y), size=wrong.sum())
        self.fitted_ = clone(self.estimator).fit(X, y)
        self.classes_ = self.fitted_.classes_
        return self

    def predict_proba(self, X):
        return self.fitted_.predict_proba(X)


def teachers_of(what, seed):
    forest = RandomForestClassifier(100, random_state=seed)
    if what == "parts":
        return [(f"part_{k}", Spoilt(forest, ("part", k), seed)) for k in range(3)]
    spoilt = [(how, Spoilt(forest, how, seed)) for how in ("labels", "columns")]
    return [("good", forest), *spoilt]


def methods():
    """Parameters of the student, by name."""
    return {
        "average": {},
        'teacher_weights="auto"': {"teacher_weights": "auto"},
        "RowWeights()": {"teacher_weights": RowWeights()},
        "RandomTeacher": {
            "objectives": RandomTeacher(weight=(1 - ALPHA) / ALPHA),
            "alpha": 1.0,
        },
    }


def run(situation, seed):
    """Figures of control, the good teacher's student, and students of all three teachers."""
    name, what = situation.split()
    X, X_test, y, y_test = split(name, seed, N_TRAIN)
    good, three = RandomForestClassifier(100, random_state=seed), teachers_of(what, seed)
    plain = distilled(good, seed, transfer=TRANSFER).fit(X, y)
    found = {
        "control": figures(control(good, seed).fit(X, y), X_test, y_test),
        "teacher": figures(plain.teacher_, X_test, y_test),
        "good alone": figures(plain, X_test, y_test),
    }
    for method, params in methods().items():
        student = distilled(three, seed, transfer=TRANSFER, **params).fit(X, y)
        found[method] = figures(student, X_test, y_test)
        found[method]["pool"] = figures(student.teacher_, X_test, y_test)["log_loss"]
        found[method]["weights"] = student.teacher_.weights_.tolist()
    return found


def recovered(cells, method):
    """Percent of the good teacher's gain over the control, in log loss, of several cells together.

    A share of each by itself says nothing where that gain is small.
    """
    gains = {
        name: sum(cell["control"]["log_loss"] - cell[name]["log_loss"] for cell in cells)
        for name in ("good alone", method)
    }
    return 100 * gains[method] / gains["good alone"]


def report(cells):
    """Log loss by situation, and the share of the good teacher's gain that is recovered."""
    situations = list(dict.fromkeys(situation for situation, _ in cells))
    rows = []
    for method in ("control", "teacher", "good alone", *methods()):
        row = [method]
        for one in situations:
            own = [cell for (situation, _), cell in cells.items() if situation == one]
            loss = f"{np.mean([cell[method]['log_loss'] for cell in own]):.4f}"
            row.append(f"{loss} ({recovered(own, method):.0f} %)")
        spoilt = [cell for (situation, _), cell in cells.items() if "spoilt" in situation]
        rows.append([*row, f"{recovered(spoilt, method):.0f} %"])
    columns = ["log loss (share of the good one's gain)", *situations, "all that are spoilt"]
    print_table(columns, rows)


TEACHERS = Form("teachers", "Several teachers", SITUATIONS, run, report)
