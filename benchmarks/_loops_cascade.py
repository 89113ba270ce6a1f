"""A cascade: how many rows its student answers, and whether its promise holds on test rows."""

from itertools import product

import numpy as np
from _knowledge import ALPHA, Form, figures, split
from _report import print_table
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split

from skdistill import Cascade, DistilledClassifier, MLPStudent, Munge

SETS = ("page_blocks", "satimage")
# Twenty splits of all rows for each seed, five a cell, so that a run goes on where it was stopped.
N_SPLITS, N_CELLS = 20, 4
SITUATIONS = tuple(f"{name} part {part}" for name in SETS for part in range(N_CELLS))
AGREEMENT, CONFIDENCES = 0.99, (0.95, 0.99)
# Of the rows that are not for the test: the more, the closer a threshold may be to the promise.
HELD_OUT = 0.3
# Cheap teachers and students: the promise is to hold for any.
N_TREES, STUDENT, TRANSFER = 100, MLPStudent((64, 64)), Munge(size=1)
WHO = ("teacher", "student")


def run(situation, seed):
    """Figures of five cascades, by the number of their split; all is drawn and fitted anew."""
    name, part = situation.split(" part ")
    n_own = N_SPLITS // N_CELLS
    first = N_SPLITS * seed + n_own * int(part)
    return {str(number): of_split(name, number) for number in range(first, first + n_own)}


def of_split(name, number):
    """Figures of one student; the rows held out, and only these, choose its thresholds."""
    X, X_test, y, y_test = split(name, number)
    X, X_held, y, _ = train_test_split(X, y, test_size=HELD_OUT, stratify=y, random_state=number)
    student = DistilledClassifier(
        RandomForestClassifier(N_TREES, random_state=number),
        STUDENT,
        alpha=ALPHA,
        cv=None,
        transfer=TRANSFER,
        refit=False,
        random_state=number,
    ).fit(X, y)
    teacher = student.teacher_
    told = teacher.predict(X_test)
    found = {
        "n_held_out": len(X_held),
        "n_test": len(X_test),
        "agreement": float(np.mean(student.predict(X_test) == told)),
        "teacher": figures(teacher, X_test, y_test),
        "student": figures(student, X_test, y_test),
    }
    for confidence in CONFIDENCES:
        cascade = Cascade(FrozenEstimator(student), agreement=AGREEMENT, confidence=confidence).fit(
            X_held
        )
        differs = int((cascade.predict(X_test) != told).sum())
        found[f"at {confidence}"] = figures(cascade, X_test, y_test) | {
            "coverage": float(cascade.is_answered(X_test).mean()),
            "n_differ": differs,
        }
    return found


def report(cells):
    """A row a set and confidence: rows that the student answers, and splits that keep the promise.

    The promise is one of the share in all rows. Test rows are few: of a share that is kept, more
    may differ by chance. So the last column counts the splits in which more differ than a share
    that is just kept would show in one of twenty.
    """
    rows = []
    for name, confidence in product(SETS, CONFIDENCES):
        own = [
            one
            for (situation, _), cell in cells.items()
            if situation.startswith(name)
            for one in cell.values()
        ]
        if own:
            rows.append([name, confidence, *row_of(own, f"at {confidence}")])
    columns = ["set", "confidence", "splits", "answered by the student", "least", "agreement"]
    columns += ["least", "kept on test rows", "clearly broken", "student alone"]
    print_table([*columns, "accuracy: teacher", "student", "cascade"], rows)


def row_of(splits, key):
    coverage = np.array([one[key]["coverage"] for one in splits])
    differ = np.array([one[key]["n_differ"] for one in splits])
    n_test = np.array([one["n_test"] for one in splits])
    agreement = 1 - differ / n_test
    chance = binom.sf(differ - 1, n_test, 1 - AGREEMENT)
    accuracy = [np.mean([one[who]["accuracy"] for one in splits]) for who in WHO]
    return [
        len(splits),
        f"{coverage.mean():.1%}",
        f"{coverage.min():.1%}",
        f"{agreement.mean():.2%}",
        f"{agreement.min():.2%}",
        f"{int((agreement >= AGREEMENT).sum())} of {len(splits)}",
        int((chance < 0.05).sum()),
        f"{np.mean([one['agreement'] for one in splits]):.2%}",
        *(f"{one:.4f}" for one in accuracy),
        f"{np.mean([one[key]['accuracy'] for one in splits]):.4f}",
    ]


CASCADE = Form(
    "cascade",
    f"A cascade that promises {AGREEMENT:.0%} agreement with its teacher",
    SITUATIONS,
    run,
    report,
)
