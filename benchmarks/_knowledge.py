"""What the forms of bench_knowledge.py share: rows, figures of a student, and a table."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _report import print_table
from datasets import MOST_ROWS, load
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier

FOLDER = Path(__file__).parent
CELLS, CACHE = FOLDER / ".cells-knowledge", FOLDER / ".cache"
SEEDS = (0, 1, 2)
# Weight of the labels in all methods but the control: "auto" would choose, and hide differences.
ALPHA = 0.3


@dataclass(frozen=True)
class Form:
    """A kind of knowledge: where it is measured, and how.

    `run(situation, seed)` returns figures that JSON holds; `report(cells)` prints the tables of
    what all situations and seeds gave, by (situation, seed).
    """

    name: str
    title: str
    situations: tuple[str, ...]
    run: Callable
    report: Callable


def split(name, seed, n_train=None):
    """X, X_test, y, y_test: 30 % for the test, and a stratified `n_train` of the rest."""
    is_large = n_train is not None and n_train > 0.7 * MOST_ROWS
    X, y = digits() if name == "digits" else load(name, None if is_large else MOST_ROWS)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    if n_train is not None and n_train < len(X):
        X, _, y, _ = train_test_split(X, y, train_size=n_train, stratify=y, random_state=seed)
    return X, X_test, y, y_test


def digits():
    """The 1,797 images of scikit-learn as rows of 64 numbers."""
    X, y = load_digits(return_X_y=True, as_frame=True)
    return X, y.astype(str).to_numpy(dtype=object)


def control(teacher, seed, **params):
    """The same student on the labels alone."""
    alone = {"alpha": 1.0, "transfer": None, "cv": None}
    return DistilledClassifier(teacher, random_state=seed, memory=CACHE, **{**params, **alone})


def distilled(teacher, seed, **params):
    """A student of the teacher at a fixed alpha; "auto" would choose between methods."""
    params = {"alpha": ALPHA, "cv": None, **params}
    return DistilledClassifier(teacher, random_state=seed, memory=CACHE, **params)


def figures(model, X_test, y_test, teacher=None):
    """Log loss, accuracy and agreement with the teacher on the test rows."""
    p = np.clip(model.predict_proba(X_test), 1e-7, 1)
    told = model.classes_[p.argmax(axis=1)]
    found = {
        "log_loss": float(
            log_loss(y_test, p / p.sum(axis=1, keepdims=True), labels=model.classes_)
        ),
        "accuracy": float(accuracy_score(y_test, told)),
    }
    if teacher is not None:
        answer = teacher.classes_[teacher.predict_proba(X_test).argmax(axis=1)]
        found["agreement"] = float(np.mean(told == answer))
    return found


def gains(cells, method, beside="hinton", of="log_loss"):
    """What `method` gains over another, in percent of the other's loss, or points of accuracy."""
    pairs = [(cell[method][of], cell[beside][of]) for cell in cells if method in cell]
    if of == "log_loss":
        return np.array([100 * (1 - own / other) for own, other in pairs])
    return np.array([100 * (own - other) for own, other in pairs])


def with_error(values, digits=2):
    """The mean and its standard error."""
    values = np.asarray(values)
    if len(values) < 2:
        return f"{values.mean():+.{digits}f}" if len(values) else "-"
    return f"{values.mean():+.{digits}f} ± {values.std(ddof=1) / len(values) ** 0.5:.{digits}f}"


def print_methods(cells, methods, beside="hinton"):
    """A row a method: the mean of its figures, and its gain over plain Hinton with its error."""
    found = list(cells.values())
    situations = list(dict.fromkeys(situation for situation, _ in cells))
    rows = []
    for method in methods:
        there = [cell for cell in found if method in cell]
        if not there:
            continue
        mean = {
            of: np.mean([cell[method][of] for cell in there]) for of in ("log_loss", "accuracy")
        }
        rows.append(
            [
                method,
                f"{mean['log_loss']:.4f}",
                f"{mean['accuracy']:.4f}",
                with_error(gains(found, method, beside)),
                with_error(gains(found, method, beside, "accuracy")),
                *(
                    with_error(
                        gains([c for (s, _), c in cells.items() if s == one], method, beside)
                    )
                    for one in situations
                ),
            ]
        )
    columns = ["method", "log loss", "accuracy", f"% log loss less than {beside}", "points more"]
    print_table([*columns, *(f"{one}: % less" for one in situations)], rows)
