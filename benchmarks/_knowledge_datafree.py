"""A student without data: rows from the trees of the teacher, or from ranges and levels alone."""

import numpy as np
from _knowledge import Form, distilled, figures, split, with_error
from _report import print_table
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from skdistill import FromSchema, FromTrees, MLPStudent, TableSchema

SETS = ("letter", "magic", "churn")
SITUATIONS = tuple(f"{name} {teacher}" for name in SETS for teacher in ("forest", "booster"))
N_ROWS = 20_000
# Of the agreement of the student that had data.
BAR = 0.85


def new_teacher(kind, seed):
    """A forest behind an encoder of categories, or a booster that takes them as they are."""
    if kind == "booster":
        return HistGradientBoostingClassifier(random_state=seed)
    categories = make_column_selector(dtype_exclude="number")
    encoder = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), categories),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return make_pipeline(encoder, RandomForestClassifier(300, random_state=seed, n_jobs=1))


def methods(teacher, X):
    """Samplers, and what each asks; `uniform` knows the ranges and levels of X, and no trees."""
    return {
        "FromTrees": (FromTrees(), teacher),
        "FromSchema": (FromSchema(), teacher),
        "uniform": (FromSchema(TableSchema.from_table(X)), teacher.predict_proba),
    }


def run(situation, seed):
    """Agreement with the teacher on real test rows, with data and without."""
    name, kind = situation.split()
    X, X_test, y, y_test = split(name, seed)
    teacher = new_teacher(kind, seed).fit(X, y)
    student = MLPStudent()
    frozen = FrozenEstimator(teacher)
    params = {"student": student, "alpha": 0.0}
    with_data = distilled(frozen, seed, **params).fit(X, y)
    found = {"with data": figures(with_data, X_test, y_test, teacher)}
    for method, (sampler, asked) in methods(teacher, X).items():
        rows = sampler.rows(asked, N_ROWS, random_state=seed)
        model = distilled(frozen, seed, transfer=None, **params).fit(rows)
        found[method] = figures(model, X_test, y_test, teacher)
        found[method]["coverage"] = FromSchema().coverage(rows, teacher)
    found["teacher"] = figures(teacher, X_test, y_test)
    return found


def report(cells):
    """Agreement, as a share of that with data, by situation."""
    situations = list(dict.fromkeys(situation for situation, _ in cells))
    names = list(dict.fromkeys(name for cell in cells.values() for name in cell))
    rows = []
    for name in names:
        row = [name]
        for one in situations:
            there = [c for (s, _), c in cells.items() if s == one and name in c]
            if name == "teacher" or not there:
                row.append("-")
                continue
            agreement = np.mean([cell[name]["agreement"] for cell in there])
            shares = [cell[name]["agreement"] / cell["with data"]["agreement"] for cell in there]
            row.append(f"{agreement:.3f} ({with_error(shares, 3)})")
        rows.append(row)
    print_table(["rows", *situations], rows)
    print(f"\nIn brackets: share of the agreement with data; the bar is {BAR}.\n")


DATA_FREE = Form("datafree", "Data-free", SITUATIONS, run, report)
