"""The printed tables of the fidelity benchmark."""

import numpy as np
from _fidelity_bars import all_bars
from _fidelity_comparison import SEEDS, Comparison
from _fidelity_measures import MEASURES, standard_error
from _fidelity_older_bars import AUTOGLUON
from _report import print_heading, print_table
from datasets import SETS

DIGITS = {"agreement": 3, "fit_seconds": 1, "processor_seconds": 1, "us_per_row": 2, "bytes": 0}
MOST_NAMED = 6
COLUMNS = (
    "accuracy",
    "log loss",
    "AUC",
    "ECE",
    "agreement",
    "fit seconds",
    "processor seconds",
    "us/row",
    "bytes",
    "retained gain",
)


def print_report(results, data, missing):
    """Print bars and tables of the cells that are there, and name those that are not."""
    print_heading("Fidelity (`make bench-fidelity`)", seeds=", ".join(map(str, SEEDS)))
    if results.n_estimators != 300:
        print(f"**Trying out: a teacher of {results.n_estimators} trees a member.**\n")
    print_what_is_not_there(results, data, missing)
    print_table(
        ["for the default arguments", "bar", "measured", "verdict", "note"],
        [bar.row() for bar in all_bars(results)],
    )
    print("### Means over the data sets\n")
    print_table(["method", "sets", *COLUMNS[:-1]], list(summary(results)))
    print("### By data set\n")
    rows = [row for name in data for row in rows_of(results, name)]
    print_table(["data", "method", "seeds", *COLUMNS], rows)
    print_autogluon()
    print(
        "Means +/- standard errors over seeds. Seconds of students are those beyond the first fit "
        "of the teacher, with answers that were in the cache not counted: by the clock, and of "
        "processors, children of the process included. us/row: predict_proba on 10,000 rows, 1 "
        "thread. Bytes: 4 a parameter for students, pickles for others. Retained gain, in log "
        "loss: (control - method) / (control - teacher), where the teacher beats the control by "
        "more than 2 standard errors of the difference, paired over the test rows of all seeds."
    )


def print_what_is_not_there(results, data, missing):
    """What has no cell, what is not run at all, and the versions of what is optional."""
    for method in results.methods:
        cells = missing.pop(method.name, ())
        left_out = [(name, results.skipped(name, method.name)) for name in data]
        skipped = "; ".join(f"{name}, {why}" for name, why in left_out if why)
        if cells:
            why = f" ({', '.join(method.absent)} not installed)" if method.absent else ""
            print(f"- {method.name}{why}, cells missing or stale: {shortened(cells)}.")
        if skipped:
            print(f"- {method.name} is not run on {skipped}.")
    versions = results.versions(data, SEEDS)
    if versions:
        print(f"- Some methods were measured with {', '.join(versions)}.")
    print()


def shortened(names):
    """The first few, and how many more."""
    more = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return ", ".join([*names[:MOST_NAMED], *more])


def summary(results):
    """A row a method that is run on all seeds: over seeds, the mean over the sets."""
    for method in results.methods:
        if method.every_seed:
            by_set = Comparison(results, (method.name, "teacher"))  # agreement needs it
            cells = [cells[method.name] for cells in by_set.found.values()]
            n_seeds = min((len(one["seeds"]) for one in cells), default=0)
            if n_seeds:
                shown = [shown_mean(name, cells, n_seeds) for name in MEASURES]
                yield [method.name, f"{len(cells)} of {len(SETS)}", *shown]


def shown_mean(name, cells, n_seeds):
    """The mean over sets; nothing for a measure that not all of them have."""
    if any(name not in one for one in cells):
        return ""
    return shown_as(name, np.mean([one[name][:n_seeds] for one in cells], axis=0))


def rows_of(results, data):
    """A row a method that has been run on the data set."""
    for method in results.methods:
        cells = results.together(data, (method.name,), SEEDS)
        if cells and "log_loss" in cells[method.name]:
            values = cells[method.name]
            shown = [shown_as(name, values[name]) if name in values else "" for name in MEASURES]
            share = retained_gain(results, data, method.name, values["seeds"])
            yield [data, method.name, len(values["seeds"]), *shown, share]


def retained_gain(results, data, method, seeds):
    """As text; nothing where teacher or control lacks one of the method's seeds."""
    cells = results.together(data, tuple(dict.fromkeys((method, "teacher", "control"))), seeds)
    if cells is None or cells[method]["seeds"] != seeds:
        return ""
    if not results.is_worth_it(data, seeds):
        return "-"
    loss, teacher, control = (
        cells[name]["log_loss"].mean() for name in (method, "teacher", "control")
    )
    return f"{(control - loss) / (control - teacher):.2f}"


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
