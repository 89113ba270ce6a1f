"""Students of 8, 4 and 2 bits that learn as such, beside those that are rounded after training."""

import numpy as np
from _knowledge import Form, control, distilled, figures, gains, split, with_error
from _loops_files import file_figures
from _report import print_table
from sklearn.ensemble import RandomForestClassifier

from skdistill import MLPStudent, Munge, QuantizedStudent

SITUATIONS = ("satimage", "letter")
# Four synthetic rows a training row: a fifth of the default, to be done in minutes.
TRANSFER = Munge(size=4)


def students():
    """Recipes by name; those of start=1 are the plain student, rounded after training."""
    found = {"32 bits": MLPStudent()}
    for bits in (8, 4, 2):
        found[f"{bits} bits"] = QuantizedStudent(bits=bits)
        found[f"{bits} bits, after training"] = QuantizedStudent(
            bits=bits, start=1.0, average_weights=True
        )
    return found


def run(situation, seed):
    """Figures and files of the students of a forest, and of two that have no teacher."""
    X, X_test, y, y_test = split(situation, seed)
    forest = RandomForestClassifier(300, random_state=seed)
    models = {
        name: distilled(forest, seed, transfer=TRANSFER, student=recipe)
        for name, recipe in students().items()
    }
    models["32 bits, no teacher"] = control(forest, seed)
    models["4 bits, no teacher"] = control(forest, seed, student=QuantizedStudent())
    found = {}
    for name, model in models.items():
        model.fit(X, y)
        found[name] = figures(model, X_test, y_test) | file_figures(model, X_test)
    return found


def report(cells):
    """A table a data set: loss beside 32 bits, bytes and time."""
    for one in dict.fromkeys(situation for situation, _ in cells):
        own = [cell for (situation, _), cell in cells.items() if situation == one]
        rows = []
        for name in own[0]:
            mean = {of: np.mean([cell[name][of] for cell in own]) for of in own[0][name]}
            rows.append(
                [
                    name,
                    f"{mean['log_loss']:.4f}",
                    with_error(-gains(own, name, "32 bits")),
                    f"{mean['accuracy']:.4f}",
                    f"{mean['bytes']:,.0f}",
                    f"{mean['us_alone']:.0f}",
                    f"{mean['us_among_many']:.1f}",
                ]
            )
        print(f"\n{one}:\n")
        columns = ["student", "log loss", "% over 32 bits", "accuracy", "bytes of the file"]
        print_table([*columns, "us, a row alone", "us a row of 1,000"], rows)


QUANTIZED = Form("quantized", "Weights of 8, 4 and 2 bits", SITUATIONS, run, report)
