"""LeafHint: what the trees of a booster know of a row, for a layer of the student."""

from _knowledge import Form, control, distilled, figures, gains, print_methods, split, with_error
from xgboost import XGBClassifier

from skdistill import LeafHint

SITUATIONS = tuple(
    f"{rows} {transfer}"
    for transfer in ("none", "default")
    for rows in ("letter 3000", "flights 50000")
)
BAR = "LeafHint of margin_path"


def methods():
    """Objectives by name; plain Hinton has none."""
    features = ("margin_path", "leaf_values", "leaf_embedding")
    return {"hinton": None} | {f"LeafHint of {of}": LeafHint(of) for of in features}


def teacher(name, seed):
    """A booster; with 26 classes of fewer rounds, each a tree a class."""
    return XGBClassifier(
        n_estimators=100 if name == "letter" else 300,
        learning_rate=0.1,
        max_depth=6,
        subsample=0.8,
        colsample_bytree=0.8,
        enable_categorical=True,
        random_state=seed,
        n_jobs=1,
    )


def run(situation, seed):
    """Figures of teacher, control and a student a method; all see labels of the fitted teacher."""
    name, rows, transfer = situation.split()
    X, X_test, y, y_test = split(name, seed, int(rows))
    booster, found = teacher(name, seed), {}
    params = {"transfer": None if transfer == "none" else "auto"}
    for method, objectives in methods().items():
        student = distilled(booster, seed, objectives=objectives, **params)
        pool = student.fit(X, y).teacher_
        found[method] = figures(student, X_test, y_test, pool)
    found["control"] = figures(control(booster, seed).fit(X, y), X_test, y_test, pool)
    found["teacher"] = figures(pool, X_test, y_test)
    return found


def report(cells):
    """A table without synthetic rows, the bar, and a table with the default ones."""
    for transfer, title in (("none", "No synthetic rows"), ("default", "Default transfer set")):
        some = {key: cell for key, cell in cells.items() if key[0].endswith(transfer)}
        if not some:
            continue
        print(f"\n{title}:\n")
        print_methods(some, ["teacher", "control", *methods()])
        if transfer == "none":
            gain = with_error(gains(list(some.values()), BAR))
            print(f"\n{BAR}: {gain} % less than plain Hinton on the mean of both; bar: above 0")


TREES = Form("trees", "Features of trees", SITUATIONS, run, report)
