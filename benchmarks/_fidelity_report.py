"""The printed tables of the fidelity benchmark."""

import numpy as np
from _fidelity_bars import AUTOGLUON, SEEDS, SETS, Comparison, all_bars
from _fidelity_measures import MEASURES, standard_error
from _report import print_heading, print_table

DIGITS = {"agreement": 3, "fit_seconds": 1, "us_per_row": 2, "bytes": 0}
COLUMNS = (
    "accuracy",
    "log loss",
    "AUC",
    "ECE",
    "agreement",
    "fit seconds",
    "us/row",
    "bytes",
    "retained gain",
)


def print_report(results, data, missing):
    """Print bars and tables of the cells that are there, and name those that are not."""
    print_heading("Fidelity (`make bench-fidelity`)", seeds=", ".join(map(str, SEEDS)))
    if results.n_estimators != 300:
        print(f"**Trying out: a teacher of {results.n_estimators} trees a member.**\n")
    if missing:
        print(f"{len(missing)} cells missing or stale: {', '.join(missing)}.\n")
    print_table(
        ["for the default arguments", "bar", "measured", "verdict", "note"],
        [bar.row() for bar in all_bars(results)],
    )
    print("### Means over the data sets, all but flights\n")
    print_table(["method", "sets", *COLUMNS[:-1]], list(summary(results)))
    print("### By data set\n")
    rows = [row for name in data for row in rows_of(results, name)]
    print_table(["data", "method", "seeds", *COLUMNS], rows)
    print_autogluon()
    print(
        "Means +/- standard errors over seeds. Fit seconds of students are those beside the "
        "teacher's fits, with answers that were in the cache not counted. us/row: predict_proba "
        "on 10,000 rows, 1 thread. Bytes: 4 a parameter for students, pickles for others. Retained "
        "gain, in log loss: (control - method) / (control - teacher), where the teacher beats the "
        "control by more than 2 standard errors of the difference on one test set."
    )


def summary(results):
    """A row a method that is run on all seeds: over seeds, the mean over the sets."""
    for method in results.methods:
        if method.every_seed:
            by_set = Comparison(results, (method.name, "teacher"))  # agreement needs it
            cells = [cells[method.name] for cells in by_set.found.values()]
            n_seeds = min((one["n_seeds"] for one in cells), default=0)
            if n_seeds:
                means = [
                    np.mean([one[name][:n_seeds] for one in cells], axis=0) for name in MEASURES
                ]
                shown = [shown_as(name, mean) for name, mean in zip(MEASURES, means, strict=True)]
                yield [method.name, f"{len(cells)} of {len(SETS)}", *shown]


def rows_of(results, data):
    """A row a method that has been run on the data set."""
    base = results.together(data, ("teacher", "control"), SEEDS)
    for method in results.methods:
        cells = results.together(data, (method.name,), SEEDS)
        if cells and "log_loss" in cells[method.name]:
            values = cells[method.name]
            shown = [shown_as(name, values[name]) if name in values else "" for name in MEASURES]
            share = retained_gain(base, values["log_loss"])
            yield [data, method.name, values["n_seeds"], *shown, share]


def retained_gain(base, loss):
    """As text; a method of seed 0 alone is compared with teacher and control of seed 0."""
    if base is None or len(base["teacher"]["log_loss"]) < len(loss):
        return ""
    seeds = slice(0, len(loss))
    teacher, control = (base[name]["log_loss"][seeds].mean() for name in ("teacher", "control"))
    if control - teacher <= 2 * base["control"]["error_of_gain"][seeds].mean():
        return "-"
    return f"{(control - loss.mean()) / (control - teacher):.2f}"


def shown_as(name, values):
    digits = DIGITS.get(name, 4)
    text = f"{np.mean(values):,.{digits}f}"
    if len(values) == 1 or name == "bytes":
        return text
    return f"{text} +/- {standard_error(values):,.{digits}f}"


def print_autogluon():
    print("### AutoGluon 1.6.3, seed 0 (accuracy / log loss), measured once beforehand\n")
    columns = ["data", "whole ensemble", "its distilled net", "its distilled LightGBM"]
    rows = [
        [name, *(f"{accuracy:.4g} / {loss:.3f}" for accuracy, loss in models)]
        for name, models in AUTOGLUON.items()
    ]
    print_table(columns, rows)
