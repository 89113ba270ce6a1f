"""Relations between rows: distances, similarities and the flow between layers."""

from _knowledge import Form, control, distilled, figures, print_methods, split
from _knowledge_nets import wide_nets
from sklearn.ensemble import RandomForestClassifier

from skdistill import CKA, FSP, PKT, RKD, MLPStudent, Similarity

# Of magic, no forest: of two classes, relations of its answers say what the response says.
SITUATIONS = tuple(
    f"{name} {rows} {teacher}"
    for name, teacher in (("letter", "net"), ("letter", "forest"), ("magic", "net"))
    for rows in ("300", "500")
)
# Relations are those of a batch; 16 rows, as the student takes of so few, have few of them.
BATCH_ROWS = 64


def methods():
    """Terms by name; "auto" weighs them, and they decay."""
    return {
        "hinton": None,
        "RKD": RKD(),
        "Similarity": Similarity(),
        "FSP": FSP(),
        "CKA": CKA(),
        "PKT": PKT(),
    }


def run(situation, seed):
    """Figures of teacher, control and a student a term, without synthetic rows."""
    name, n_rows, kind = situation.split()
    X, X_test, y, y_test = split(name, seed, int(n_rows))
    teacher = RandomForestClassifier(300, random_state=seed, n_jobs=1)
    if kind == "net":
        teacher = wide_nets(X.shape[1], len(set(y)))
    # All rows to train on: an epoch chosen by so few would differ by chance alone.
    params = {
        "student": MLPStudent(batch_size=BATCH_ROWS),
        "transfer": None,
        "early_stopping": False,
        "cv": 5 if kind == "forest" else None,  # a forest answers its own rows with their labels
    }
    found = {}
    for method, objective in methods().items():
        if kind == "forest" and method == "FSP":
            continue  # it needs two layers
        student = distilled(teacher, seed, objectives=objective, **params)
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool)
    found["control"] = figures(
        control(teacher, seed, student=params["student"]).fit(X, y), X_test, y_test, pool
    )
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report(cells):
    """One table over all situations."""
    print_methods(cells, ["teacher", "control", *methods()])


RELATIONS = Form("relations", "Relations between rows", SITUATIONS, run, report)
