"""The adversarial objective beside plain Hinton."""

from _knowledge import Form, control, distilled, figures, print_methods, split
from sklearn.ensemble import RandomForestClassifier

from skdistill import Discriminator

SITUATIONS = tuple(
    f"{name} 500 {transfer}" for name in ("satimage", "letter") for transfer in ("none", "default")
)
METHODS = {"hinton": None, "discriminator": Discriminator()}


def run(situation, seed):
    """Figures of teacher, control and students with and without the discriminator."""
    name, n_rows, transfer = situation.split()
    X, X_test, y, y_test = split(name, seed, int(n_rows))
    params = {"transfer": None if transfer == "none" else "auto", "cv": 5}
    teacher = RandomForestClassifier(300, random_state=seed, n_jobs=1)
    found = {}
    for method, objective in METHODS.items():
        student = distilled(teacher, seed, objectives=objective, **params).fit(X, y)
        found[method] = figures(student, X_test, y_test, student.teacher_)
    found["control"] = figures(control(teacher, seed).fit(X, y), X_test, y_test)
    found["teacher"] = figures(student.teacher_, X_test, y_test)
    return found


def report(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *METHODS])


ADVERSARIAL = Form("adversarial", "Adversarial", SITUATIONS, run, report)
