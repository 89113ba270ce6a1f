"""Responses: what the student's logits are held against."""

from _fidelity_teacher import teacher as four_ensembles
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

# Those that were not clearly worse with one forest.
AT_ONE = (
    *("hinton", "hinton T=2", "logit matching", "brier", "dkd T=1", "nkd"),
    *("dist T=1", "standardized T=2"),
)
# Those that were best at a fixed alpha.
AUTO = ("hinton", "hinton T=2", "logit matching")


def run(situation, seed):
    """Figures of teacher, control and a student a response; the teacher is one forest."""
    teacher = RandomForestClassifier(300, random_state=seed, n_jobs=1)
    return figures_of(METHODS, situation, seed, lambda n_classes: teacher)


def run_ensembles(situation, seed):
    """The same with the teacher of the fidelity benchmark: the mean of four ensembles."""
    methods = {method: METHODS[method] for method in AT_ONE}
    return figures_of(methods, situation, seed, lambda n: four_ensembles(n, seed, 100))


def figures_of(methods, situation, seed, make_teacher):
    """Figures of teacher, control and a student a method."""
    name, rows, transfer = situation.split()
    X, X_test, y, y_test = split(name, seed, None if rows == "all" else int(rows))
    # Out of fold: on rows that a forest was fitted on, it answers with their labels.
    params = {"transfer": None if transfer == "none" else "auto", "cv": 5}
    teacher = make_teacher(len(set(y)))
    found = {}
    for method, (response, temperature) in methods.items():
        student = distilled(teacher, seed, response=response, temperature=temperature, **params)
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool)
    found["control"] = figures(control(teacher, seed).fit(X, y), X_test, y_test, pool)
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *METHODS])


def report_ensembles(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *AT_ONE])


def run_default(situation, seed):
    """Figures with alpha left to "auto", which may follow the labels alone."""
    name, rows, transfer = situation.split()
    X, X_test, y, y_test = split(name, seed, None if rows == "all" else int(rows))
    teacher = RandomForestClassifier(300, random_state=seed, n_jobs=1)
    params = {"transfer": None if transfer == "none" else "auto", "cv": 5, "alpha": "auto"}
    found = {}
    for method in AUTO:
        response, temperature = METHODS[method]
        student = distilled(teacher, seed, response=response, temperature=temperature, **params)
        found[method] = figures(student.fit(X, y), X_test, y_test) | {"alpha": student.alpha_}
    return found


def report_default(cells):
    """The same table."""
    print_methods(cells, list(AUTO))


def run_all_auto(situation, seed):
    """Figures of what a user gets who sets nothing but the response; four ensembles teach."""
    name, rows, transfer = situation.split()
    X, X_test, y, y_test = split(name, seed, None if rows == "all" else int(rows))
    teacher = four_ensembles(len(set(y)), seed, 100)
    params = {"alpha": "auto", "cv": "auto", "transfer": None if transfer == "none" else "auto"}
    found = {}
    for method in AUTO:
        response, temperature = METHODS[method]
        student = distilled(teacher, seed, response=response, temperature=temperature, **params)
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool) | {"alpha": student.alpha_}
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report_all_auto(cells):
    """The same table."""
    print_methods(cells, ["teacher", *AUTO])


RESPONSES = Form("responses", "Responses", SITUATIONS, run, report)
WITH_ENSEMBLES = Form(
    "ensembles", "Responses, four ensembles as teacher", SITUATIONS, run_ensembles, report_ensembles
)
OF_DEFAULTS = Form(
    "choice", 'Responses, with alpha="auto"', SITUATIONS, run_default, report_default
)
ALL_AUTO = Form(
    "defaults",
    "Responses, all else left to its default, four ensembles as teacher",
    tuple(f"{name} 500 default" for name in ("vowel", "digits", "satimage", "letter")),
    run_all_auto,
    report_all_auto,
)
