"""Students that lose units in training, beside dense ones that are as small from the start."""

import numpy as np
from _knowledge import Form, distilled, figures, gains, split, with_error
from _loops_files import file_figures
from _report import print_table
from sklearn.ensemble import RandomForestClassifier

from skdistill import MLPStudent, Munge, PrunedStudent

SITUATIONS = ("satimage", "letter")
# Four synthetic rows a training row: a fifth of the default, to be done in minutes.
TRANSFER = Munge(size=4)
WIDTH, N_LAYERS = 128, 4
SHARES = (0.5, 0.25, 0.125)


def students():
    """Recipes by name: for each size that is served, one that was larger and one that was not."""
    found = {f"{WIDTH} units": MLPStudent((WIDTH,) * N_LAYERS)}
    for share in SHARES:
        left = int(share * WIDTH)
        found[f"{left} units"] = MLPStudent((left,) * N_LAYERS)
        found[f"{left} units, pruned"] = PrunedStudent((WIDTH,) * N_LAYERS, keep=share)
        found[f"{left} units, pruned at the end"] = PrunedStudent(
            (WIDTH,) * N_LAYERS, keep=share, end=1.0
        )
    return found


def run(situation, seed):
    """Figures and files of the students of a forest."""
    X, X_test, y, y_test = split(situation, seed)
    forest, found = RandomForestClassifier(300, random_state=seed), {}
    for name, recipe in students().items():
        model = distilled(forest, seed, transfer=TRANSFER, student=recipe)
        model.fit(X, y)
        found[name] = figures(model, X_test, y_test) | file_figures(model, X_test)
    return found


def report(cells):
    """A table a data set: each pruned student beside the dense one of its size."""
    for one in dict.fromkeys(situation for situation, _ in cells):
        own = [cell for (situation, _), cell in cells.items() if situation == one]
        rows = []
        for name in own[0]:
            mean = {of: np.mean([cell[name][of] for cell in own]) for of in own[0][name]}
            rows.append(
                [
                    name,
                    f"{mean['log_loss']:.4f}",
                    with_error(gains(own, name, name.split(",")[0])),
                    f"{mean['accuracy']:.4f}",
                    f"{mean['bytes']:,.0f}",
                    f"{mean['us_alone']:.0f}",
                    f"{mean['us_among_many']:.1f}",
                ]
            )
        print(f"\n{one}:\n")
        columns = ["student", "log loss", "% less than dense", "accuracy", "bytes of the file"]
        print_table([*columns, "us, a row alone", "us a row of 1,000"], rows)


PRUNED = Form("pruned", "Units dropped in training", SITUATIONS, run, report)
