"""One head a part of a forest: which rows the student is unsure of."""

import numpy as np
from _knowledge import Form, control, distilled, figures, split, with_error
from _report import print_table
from sklearn.ensemble import RandomForestClassifier

from skdistill import Heads, HydraStudent, Munge, head_probabilities
from skdistill.metrics import mutual_information

SITUATIONS = ("letter", "satimage", "magic")
# Share of the rows that are answered: the ones that the student is surest of.
COVERAGE = 0.9
N_HEADS = 8
# Four synthetic rows a training row: a fifth of the default, to be done in minutes.
N_TRAIN, TRANSFER = 3000, Munge(size=4)


def risk(unsure, is_wrong):
    """Error among the rows that are answered."""
    order = np.argsort(unsure, kind="stable")
    return float(is_wrong[order[: int(COVERAGE * len(order))]].mean())


def entropy(p):
    return -(p * np.log(np.maximum(p, 1e-12))).sum(axis=1)


def measures(model, X_test, y_test):
    """Risk at 90 % coverage by each measure of uncertainty that the student has."""
    p = model.predict_proba(X_test)
    is_wrong = model.classes_[p.argmax(axis=1)] != y_test
    found = {"max p": risk(-p.max(axis=1), is_wrong), "entropy": risk(entropy(p), is_wrong)}
    if isinstance(model.student, HydraStudent):
        heads = head_probabilities(model, X_test)
        found["mutual information"] = risk(mutual_information(heads), is_wrong)
        told = np.take_along_axis(heads, p.argmax(axis=1)[:, None, None], axis=2)[..., 0]
        for k in (0.5, 1.0, 2.0):
            lower = told.mean(axis=1) - k * told.std(axis=1)
            found[f"mean less {k:g} spreads"] = risk(-lower, is_wrong)
        found["lowest head"] = risk(-told.min(axis=1), is_wrong)
    return found


def run(situation, seed):
    """Figures and risks of control, plain Hinton and Hydra."""
    X, X_test, y, y_test = split(situation, seed, N_TRAIN)
    teacher = RandomForestClassifier(300, random_state=seed)
    hydra = HydraStudent(n_heads=N_HEADS)
    students = {
        "control": control(teacher, seed),
        "hinton": distilled(teacher, seed, transfer=TRANSFER),
        "hydra": distilled(teacher, seed, transfer=TRANSFER, student=hydra, objectives=Heads()),
    }
    found = {}
    for name, student in students.items():
        student.fit(X, y)
        risks = measures(student, X_test, y_test)
        found[name] = figures(student, X_test, y_test) | {"risks": risks}
    pool = students["hydra"].teacher_
    bags = pool.predict_bags(X_test, N_HEADS)
    is_wrong = pool.classes_[bags.mean(axis=1).argmax(axis=1)] != y_test
    found["teacher"] = figures(pool, X_test, y_test) | {
        "risks": {
            "max p": risk(-bags.mean(axis=1).max(axis=1), is_wrong),
            "mutual information": risk(mutual_information(bags), is_wrong),
        }
    }
    return found


def report(cells):
    """Risk at 90 % coverage by student and by measure."""
    found = list(cells.values())
    situations = list(dict.fromkeys(situation for situation, _ in cells))
    rows = []
    for name in ("teacher", "control", "hinton", "hydra"):
        for measure in found[0][name]["risks"]:
            row = [name, measure]
            for one in situations:
                own = [cell for (situation, _), cell in cells.items() if situation == one]
                risks = [100 * cell[name]["risks"][measure] for cell in own]
                row.append(with_error(risks).lstrip("+"))
            beside = [
                100 * (cell[name]["risks"][measure] - cell["hinton"]["risks"]["max p"])
                for cell in found
            ]
            rows.append([*row, with_error(beside)])
    print_table(
        ["student", "measure", *(f"{one}: error %" for one in situations), "less hinton, max p"],
        rows,
    )


HYDRA = Form("hydra", "A head a part of the forest: risk at 90 % coverage", SITUATIONS, run, report)
