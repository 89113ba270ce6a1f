"""Responses: what the student's logits are held against."""

from _knowledge import Form, control, distilled, figures, print_methods, split
from sklearn.ensemble import RandomForestClassifier

from skdistill import Hinton

SITUATIONS = tuple(
    f"{name} {rows} {transfer}"
    for name in ("letter", "satimage", "vowel", "digits")
    for rows in ("500", "all")
    for transfer in ("none", "default")
)


def methods():
    """Responses by name; each with the temperature of its paper, or the plain one."""
    return {"hinton": (Hinton(), 1.0)}


def run(situation, seed):
    """Figures of teacher, control and a student a response."""
    name, rows, transfer = situation.split()
    X, X_test, y, y_test = split(name, seed, None if rows == "all" else int(rows))
    # Out of fold: on rows that a forest was fitted on, it answers with their labels.
    params = {"transfer": None if transfer == "none" else "auto", "cv": 5}
    teacher = RandomForestClassifier(300, random_state=seed, n_jobs=1)
    found = {}
    for method, (response, temperature) in methods().items():
        student = distilled(teacher, seed, response=response, temperature=temperature, **params)
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool)
    found["control"] = figures(control(teacher, seed).fit(X, y), X_test, y_test, pool)
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *methods()])


RESPONSES = Form("responses", "Responses", SITUATIONS, run, report)
