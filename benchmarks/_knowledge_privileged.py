"""A column that only the teacher sees: the delay at departure, which the student is not told.

`flights` has no such column, so its task is made of reg_flights: late is more than 15 minutes.
"""

import numpy as np
from _knowledge import ALPHA, CACHE, Form, with_error
from _report import print_table
from datasets import DATA
from pandas import read_parquet
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier, DistilledRegressor

SITUATIONS = tuple(
    f"{name} {rows}" for rows in ("1000+50000", "all") for name in ("flights", "reg_flights")
)
Z, N_TEST, LATE = "dep_delay", 9_000, 15
# Days are late as days: few labels do not tell the student that these numbers are codes.
CODES = ("month", "day", "dow")
BOOSTED = {
    "max_iter": 100,
    "learning_rate": 0.05,
    "max_leaf_nodes": 15,
    "categorical_features": "from_dtype",
}
METHODS = ("control", "without it", "permuted", "privileged")


def rows_of(name, seed):
    """X, X_test, y, y_test, with the privileged column."""
    X = read_parquet(DATA / "reg_flights.parquet")
    y = X.pop("target").to_numpy()
    X = X.astype(dict.fromkeys(CODES, "category"))
    if name == "flights":
        y = np.where(y > LATE, "late", "on time")
    return train_test_split(X, y, test_size=N_TEST, random_state=seed)


def student(name, seed, teacher_features, **params):
    """A student that does not see the column, of a teacher that sees `teacher_features`."""
    is_class = name == "flights"
    kind = DistilledClassifier if is_class else DistilledRegressor
    teacher = HistGradientBoostingClassifier if is_class else HistGradientBoostingRegressor
    return kind(
        teacher(**BOOSTED, random_state=seed),
        teacher_features=teacher_features,
        random_state=seed,
        **{"alpha": ALPHA, "cv": None, "transfer": None, "memory": CACHE, **params},
    )


def figures(model, X_test, y_test):
    """Log loss and accuracy, or RMSE, on the test rows."""
    if not hasattr(model, "classes_"):
        return {"loss": float(root_mean_squared_error(y_test, model.predict(X_test)))}
    p = np.clip(model.predict_proba(X_test), 1e-7, 1)
    told = model.classes_[p.argmax(axis=1)]
    loss = log_loss(y_test, p / p.sum(axis=1, keepdims=True), labels=model.classes_)
    return {"loss": float(loss), "accuracy": float(accuracy_score(y_test, told))}


def run(situation, seed):
    """Figures of the control, of three students, and of their teachers."""
    name, how_many = situation.split()
    X, X_test, y, y_test = rows_of(name, seed)
    plain = [column for column in X if column != Z]
    shuffled = X.assign(**{Z: np.random.RandomState(seed).permutation(X[Z])})
    n = 1000 if how_many == "1000+50000" else len(X)
    found = {}
    for method in METHODS:
        table = shuffled if method == "permuted" else X
        seen = plain if method == "without it" else list(X)
        more = {"alpha": 1.0} if method == "control" else {}
        model = student(name, seed, seen, student_features=plain, **more)
        given = {"X_transfer": (table.iloc[n:],)} if n < len(X) else {}
        model.fit(table.iloc[:n], y[:n], **given)
        found[method] = figures(model, X_test[plain], y_test)
        if method != "control":
            found[f"teacher {method}"] = figures(model.teacher_, X_test, y_test)
    return found


def report(cells):
    """The loss by situation, and what it gains over the control and over each other student."""
    situations = list(dict.fromkeys(situation for situation, _ in cells))
    rows = []
    for method in (*METHODS, *(f"teacher {one}" for one in METHODS[1:])):
        row = [method]
        for one in situations:
            own = [cell for (situation, _), cell in cells.items() if situation == one]
            row.append(f"{np.mean([cell[method]['loss'] for cell in own]):.4f}")
            for other in ("control", "permuted"):
                ratios = [100 * (1 - c[method]["loss"] / c[other]["loss"]) for c in own]
                row.append(with_error(ratios))
        rows.append(row)
    columns = []
    for one in situations:
        columns += [f"{one}: loss", "% less than control", "% less than permuted"]
    print_table(["method", *columns], rows)


PRIVILEGED = Form("privileged", "A column that only the teacher sees", SITUATIONS, run, report)
