"""Rows across the splits of a teacher of trees, beside rows near the data, and none."""

from _knowledge import Form, control, distilled, figures, print_methods, split
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from skdistill import AcrossSplits, Munge, Near

SITUATIONS = ("satimage forest", "satimage booster")
N_TRAIN, SIZE = 500, 8
METHODS = {
    "hinton": None,
    "AcrossSplits": AcrossSplits(size=SIZE),
    "AcrossSplits, 10 splits": AcrossSplits(size=SIZE, n_splits=10),
    "AcrossSplits, 100 splits": AcrossSplits(size=SIZE, n_splits=100),
    "Near(Munge)": Near(Munge(size=SIZE)),
    "Munge": Munge(size=SIZE),
}


def run(situation, seed):
    """Figures of teacher, control and a student a sampler, at equal numbers of rows."""
    name, kind = situation.split()
    X, X_test, y, y_test = split(name, seed, N_TRAIN)
    teacher = {
        "forest": RandomForestClassifier(300, random_state=seed, n_jobs=1),
        "booster": HistGradientBoostingClassifier(random_state=seed),
    }[kind]
    found = {}
    for method, sampler in METHODS.items():
        student = distilled(teacher, seed, transfer=sampler).fit(X, y)
        found[method] = figures(student, X_test, y_test, student.teacher_)
    found["control"] = figures(control(teacher, seed).fit(X, y), X_test, y_test, student.teacher_)
    found["teacher"] = figures(student.teacher_, X_test, y_test)
    return found


def report(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *METHODS])


SPLITS = Form("splits", "Rows across splits", SITUATIONS, run, report)
