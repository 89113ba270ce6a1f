"""Responses: what the student's logits are held against."""

from _knowledge import Form, control, distilled, figures, print_methods, split
from sklearn.ensemble import RandomForestClassifier

from skdistill import DIST, DKD, NKD, Brier, Hinton, LogitMatching, StandardizedLogits

SITUATIONS = tuple(
    f"{name} {rows} {transfer}"
    for rows in ("500", "all")
    for transfer in ("none", "default")
    for name in ("vowel", "digits", "satimage", "letter")
)


# By name: the response, and the temperature of its paper or a plain one.
METHODS = {
    "hinton": (Hinton(), 1.0),
    "hinton T=2": (Hinton(), 2.0),
    "hinton T=4": (Hinton(), 4.0),
    "logit matching": (LogitMatching(), 1.0),
    "brier": (Brier(), 1.0),
    "dkd T=1": (DKD(others_weight=1.0), 1.0),
    "dkd T=4": (DKD(), 4.0),
    "nkd": (NKD(), 1.0),
    "dist T=1": (DIST(), 1.0),
    "dist T=4": (DIST(), 4.0),
    "standardized T=2": (StandardizedLogits(), 2.0),
}


def run(situation, seed):
    """Figures of teacher, control and a student a response."""
    name, rows, transfer = situation.split()
    X, X_test, y, y_test = split(name, seed, None if rows == "all" else int(rows))
    # Out of fold: on rows that a forest was fitted on, it answers with their labels.
    params = {"transfer": None if transfer == "none" else "auto", "cv": 5}
    teacher = RandomForestClassifier(300, random_state=seed, n_jobs=1)
    found = {}
    for method, (response, temperature) in METHODS.items():
        student = distilled(teacher, seed, response=response, temperature=temperature, **params)
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool)
    found["control"] = figures(control(teacher, seed).fit(X, y), X_test, y_test, pool)
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *METHODS])


def run_default(situation, seed):
    """Figures with alpha left to "auto", which may follow the labels alone."""
    name, rows, transfer = situation.split()
    X, X_test, y, y_test = split(name, seed, None if rows == "all" else int(rows))
    teacher = RandomForestClassifier(300, random_state=seed, n_jobs=1)
    params = {"transfer": None if transfer == "none" else "auto", "cv": 5, "alpha": "auto"}
    found = {}
    for method in ("hinton", "hinton T=2", "logit matching"):
        response, temperature = METHODS[method]
        student = distilled(teacher, seed, response=response, temperature=temperature, **params)
        found[method] = figures(student.fit(X, y), X_test, y_test) | {"alpha": student.alpha_}
    return found


def report_default(cells):
    """The same table."""
    print_methods(cells, ["hinton", "hinton T=2", "logit matching"])


RESPONSES = Form("responses", "Responses", SITUATIONS, run, report)
OF_DEFAULTS = Form(
    "choice", 'Responses, with alpha="auto"', SITUATIONS, run_default, report_default
)
