"""On what measurements the recipe of the default student was chosen.

Every variant is a DistilledClassifier that is fitted on three quarters of the training part of a
data set and scored on the fourth; the test part stays out of it. Run it with ``make bench-recipe``
(hours; it goes on where it was stopped); it prints a table a set and the means.
"""

import argparse
import warnings
from collections import defaultdict
from statistics import fmean, geometric_mean

from _recipe_variants import Fold, groups
from _report import print_heading, print_table
from bench_fidelity import names, run_cells
from datasets import SETS

CHOSEN_ON = ("spambase", "churn", "satimage", "magic")
FOLDS = (0, 1, 2)
COLUMNS = (
    "variant",
    "sets",
    "log loss / base",
    "worst set",
    "folds better",
    "accuracy - base",
    "training s / base",
    "us/row",
    "bytes",
)


def main():
    options = parse()
    tables = groups()
    methods = chosen_methods(options, tables)
    jobs = [
        Fold(name, int(seed), options.n_estimators)
        for seed in names(options.folds, FOLDS)
        for name in chosen("data", options.data, CHOSEN_ON, known=SETS)
    ]
    if not options.report:
        for job in jobs:
            run_cells(job, methods)
    warnings.filterwarnings("ignore")
    print_report(jobs, tables, methods, options.n_estimators)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="names, with commas")
    parser.add_argument("--folds", help="numbers, with commas")
    parser.add_argument("--variants", help="names of variants or of groups of them, with commas")
    parser.add_argument("--report", action="store_true", help="print what is there, run nothing")
    parser.add_argument("--n-estimators", type=int, default=100, help="of each teacher")
    return parser.parse_args()


def chosen(option, text, default, known):
    """The names that an option gives."""
    asked = names(text, default)
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise SystemExit(f"--{option}: {unknown} not among {list(known)}.")
    return asked


def chosen_methods(options, tables):
    """The variants to run, each after the one that it is compared with."""
    known = {group.name: group.methods for group in tables}
    known |= {method.name: [method] for group in tables for method in group.methods}
    asked = chosen("variants", options.variants, [group.name for group in tables], known)
    wanted = {method.name for name in asked for method in known[name]}
    found = {}
    for group in tables:
        of_group = [method for method in group.methods if method.name in wanted]
        for method in [group.base, *of_group] if of_group else []:
            found[method.name] = method
    return list(found.values())


# --- the report ---


def print_report(jobs, tables, methods, n_estimators):
    """Print the cells that are there, and name those that are not."""
    folds = sorted({job.seed for job in jobs})
    print_heading("Recipe (`make bench-recipe`)", seeds=", ".join(map(str, folds)))
    missing = [
        f"{job.data} {job.seed} {method.name}"
        for job in jobs
        for method in methods
        if not job.is_done(method)
    ]
    if missing:
        print(f"{len(missing)} cells missing or stale: {', '.join(missing)}.\n")
    chosen_names = {method.name for method in methods}
    for group in tables:
        rows = [(label, method) for label, method in group.rows if method.name in chosen_names]
        print_group(group, rows, jobs)
    print(
        "Scored on a quarter of the training part, drawn anew for each seed; no row of the test "
        f"part is used. Teacher: four ensembles of {n_estimators} trees (LightGBM of half as many "
        "from 10 classes on). Log loss and training seconds: geometric mean over the data sets of "
        "the ratio of means over the folds. Training: encoding rows and training the student, "
        "without the teacher's fits and answers. us/row: predict_proba on 10,000 rows, 1 thread, "
        "best of the folds, mean over the data sets. Bytes: 4 a parameter."
    )


def print_group(group, rows, jobs):
    """Print the table of one group, of the rows that have cells; none of the base alone."""
    found = [(label, pairs_by_set(method, group.base, jobs)) for label, method in rows]
    found = [(label, summary(by_set)) for label, by_set in found if by_set]
    if all(method.name == group.base.name for _, method in rows) or not found:
        return
    print(f"### {group.title} (base: {group.base.name})\n")
    columns, cells = list(COLUMNS), [[label, *shown(one)] for label, one in found]
    if group.shows_front:
        columns.append("Pareto front")
        for row, (_, one) in zip(cells, found, strict=True):
            row.append("yes" if is_on_front(one, [other for _, other in found]) else "")
    print_table(columns, cells)
    left_out = skipped(rows, jobs)
    notes = [group.note] if group.note else []
    notes += [f"Left out: {', '.join(left_out)}."] if left_out else []
    if notes:
        print(" ".join(notes) + "\n")


def pairs_by_set(method, base, jobs):
    """By data set, the figures of a variant and of its base on each fold that has both."""
    by_set = defaultdict(list)
    for job in jobs:
        if job.is_done(method) and job.is_done(base):
            figures = job.figures(method.name)
            if "skipped" not in figures:
                by_set[job.data].append((figures, job.figures(base.name)))
    return by_set


def skipped(rows, jobs):
    """The data sets that a variant does not take, with the reason."""
    done = [(job, job.figures(method.name)) for _, method in rows for job in jobs]
    return sorted(
        {f"{job.data} ({one['skipped']})" for job, one in done if one and "skipped" in one}
    )


def summary(by_set):
    """The measures of one row of a table."""
    losses = {name: ratio_of_means(pairs, "log_loss") for name, pairs in by_set.items()}
    every = [pair for pairs in by_set.values() for pair in pairs]
    return {
        "n_sets": len(by_set),
        "log_loss": geometric_mean(losses.values()),
        "worst": max((ratio, name) for name, ratio in losses.items()),
        "n_better": sum(one["log_loss"] < base["log_loss"] for one, base in every),
        "n_folds": len(every),
        "accuracy": fmean(
            fmean(one["accuracy"] - base["accuracy"] for one, base in pairs)
            for pairs in by_set.values()
        ),
        "train_seconds": geometric_mean(
            ratio_of_means(pairs, "train_seconds") for pairs in by_set.values()
        ),
        "us_per_row": fmean(min(one["us_per_row"] for one, _ in p) for p in by_set.values()),
        "bytes": fmean(pairs[0][0]["bytes"] for pairs in by_set.values()),
    }


def ratio_of_means(pairs, name):
    return fmean(one[name] for one, _ in pairs) / fmean(base[name] for _, base in pairs)


def shown(one):
    worst, name = one["worst"]
    return [
        one["n_sets"],
        f"{one['log_loss']:.4f}",
        f"{worst:.4f} {name}",
        f"{one['n_better']} of {one['n_folds']}",
        f"{one['accuracy']:+.4f}",
        f"{one['train_seconds']:.2f}",
        f"{one['us_per_row']:.2f}",
        f"{one['bytes']:,.0f}",
    ]


def is_on_front(one, others):
    """Whether no other is at least as good in loss and time, and better in one of them."""
    mine = one["log_loss"], one["us_per_row"]
    points = [(other["log_loss"], other["us_per_row"]) for other in others]
    return not any(p != mine and p[0] <= mine[0] and p[1] <= mine[1] for p in points)


if __name__ == "__main__":
    main()
