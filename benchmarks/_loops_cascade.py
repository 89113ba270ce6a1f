"""A cascade: how many rows its student answers, and whether its promise holds on test rows."""

import numpy as np
from _knowledge import ALPHA, Form, figures, split
from _report import print_table
from sklearn.ensemble import RandomForestClassifier

from skdistill import Cascade, DistilledClassifier, MLPStudent, Munge

SETS = ("page_blocks", "satimage")
# Twenty splits of all rows for each seed, five a cell, so that a run goes on where it was stopped.
N_SPLITS, N_CELLS = 20, 4
SITUATIONS = tuple(f"{name} part {part}" for name in SETS for part in range(N_CELLS))
AGREEMENT, CONFIDENCE = 0.99, 0.95
# Of the rows that are not for the test: the more, the closer a threshold may be to the promise.
TEST_SIZE = 0.3
# Cheap teachers and students: the promise is to hold for any.
N_TREES, STUDENT, TRANSFER = 100, MLPStudent((64, 64)), Munge(size=1)


def run(situation, seed):
    """Figures of five cascades, by the number of their split; all is drawn and fitted anew."""
    name, part = situation.split(" part ")
    n_own = N_SPLITS // N_CELLS
    first = N_SPLITS * seed + n_own * int(part)
    return {str(number): of_split(name, number) for number in range(first, first + n_own)}


def of_split(name, number):
    X, X_test, y, y_test = split(name, number)
    student = DistilledClassifier(
        RandomForestClassifier(N_TREES, random_state=number),
        STUDENT,
        alpha=ALPHA,
        cv=None,
        transfer=TRANSFER,
        refit=False,
        random_state=number,
    )
    cascade = Cascade(
        student,
        agreement=AGREEMENT,
        confidence=CONFIDENCE,
        test_size=TEST_SIZE,
        random_state=number,
    ).fit(X, y)
    teacher = cascade.teacher_
    told = teacher.predict(X_test)
    return {
        "n_calibration": cascade.n_calibration_rows_,
        "n_test": len(X_test),
        "coverage": float(cascade.is_answered(X_test).mean()),
        "agreement": float(np.mean(cascade.predict(X_test) == told)),
        "student_agreement": float(np.mean(cascade.student_.predict(X_test) == told)),
        "teacher": figures(teacher, X_test, y_test),
        "student": figures(cascade.student_, X_test, y_test),
        "cascade": figures(cascade, X_test, y_test),
    }


def report(cells):
    """A row a set: rows answered by the student, and splits in which the promise holds."""
    rows = []
    for name in SETS:
        own = [
            one
            for (situation, _), cell in cells.items()
            if situation.startswith(name)
            for one in cell.values()
        ]
        if own:
            rows.append([name, *row_of(own)])
    columns = ["set", "splits", "answered by the student", "least", "agreement", "least"]
    print_table(
        [*columns, "kept", "student alone", "accuracy: teacher", "student", "cascade"], rows
    )


def row_of(splits):
    coverage, agreement, alone = (
        np.array([one[of] for one in splits])
        for of in ("coverage", "agreement", "student_agreement")
    )
    accuracy = [np.mean([one[who]["accuracy"] for one in splits]) for who in WHO]
    return [
        len(splits),
        f"{coverage.mean():.1%}",
        f"{coverage.min():.1%}",
        f"{agreement.mean():.2%}",
        f"{agreement.min():.2%}",
        f"{int((agreement >= AGREEMENT).sum())} of {len(splits)}",
        f"{alone.mean():.2%}",
        *(f"{one:.4f}" for one in accuracy),
    ]


WHO = ("teacher", "student", "cascade")

CASCADE = Form(
    "cascade",
    f"A cascade that promises {AGREEMENT:.0%} agreement with its teacher",
    SITUATIONS,
    run,
    report,
)
