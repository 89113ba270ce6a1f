"""NeighbourhoodGraph: rows that the teacher finds alike, near each other in the student."""

from _knowledge import Form, control, distilled, figures, print_methods, split
from sklearn.ensemble import RandomForestClassifier

from skdistill import NeighbourhoodGraph

SITUATIONS = tuple(f"{name} {rows}" for name in ("letter", "magic") for rows in ("300", "500"))


def methods(name):
    """Objectives by name; plain Hinton has none. Two classes have no graph of probabilities."""
    graphs = {"graph of leaves": NeighbourhoodGraph("leaves")}
    if name != "magic":
        graphs["graph of probabilities"] = NeighbourhoodGraph("probabilities")
    return {"hinton": None} | graphs


def run(situation, seed):
    """Figures of teacher, control and a student a method, on labels out of fold."""
    name, rows = situation.split()
    X, X_test, y, y_test = split(name, seed, int(rows))
    forest, found = RandomForestClassifier(300, random_state=seed, n_jobs=1), {}
    for method, objectives in methods(name).items():
        student = distilled(forest, seed, objectives=objectives, transfer=None, cv=5)
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool)
    found["control"] = figures(control(forest, seed).fit(X, y), X_test, y_test, pool)
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *methods("letter")])


GRAPH = Form("graph", "Graph of neighbours", SITUATIONS, run, report)
