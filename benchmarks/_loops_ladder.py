"""A ladder by successive halving, beside one that trains all sizes in full: loss by steps."""

from functools import partial
from itertools import product

import numpy as np
from _knowledge import Form, distilled, figures, gains, split, with_error
from _report import print_table
from sklearn.ensemble import RandomForestClassifier

from skdistill import MLPStudent, Munge, StudentLadder, TabularEncoder
from skdistill.metrics import kl_divergence

SITUATIONS = ("satimage", "letter")
N_TRAIN, N_TREES, N_STEPS, MAX_BYTES = 3000, 100, 600, 60_000
# Those that `sizes="auto"` takes, and a grid of widths and depths.
EIGHT = ((16,), (32,), (64,), (32, 32), (64, 64), (96, 96), (128, 128), (128,) * 4)
GRID = tuple((width,) * depth for depth, width in product((1, 2, 3, 4), (16, 32, 64, 96)))
LARGEST, ALL, LOWEST = "largest of 8 that fits", "all of 8", "all of 8: lowest loss"
HALVING, GRID_HALVING = "halving of 8", "halving of 16"
SAME = "halving of 16, as many steps"


def run(situation, seed):
    """Students that fit in so many bytes, each by another search; figures on rows apart."""
    X, X_test, y, y_test = split(situation, seed, N_TRAIN)
    climb = partial(climbed, seed, X, y)
    told = partial(told_by, X_test, y_test)
    whole = climb(EIGHT)
    n_whole = whole.ladder_["n_steps"].sum()
    found = {ALL: told(whole, n_whole)}
    # The students of two rungs again. `ladder_` is in the order of the bytes.
    rungs = whole.ladder_[whole.ladder_["bytes"] <= MAX_BYTES]
    largest, lowest = rungs.iloc[-1], rungs.loc[rungs["loss"].idxmin()]
    found[LARGEST] = told(climb([largest["size"]]), largest["n_steps"])
    found[LOWEST] = told(climb([lowest["size"]]), n_whole)
    for name, sizes in {HALVING: EIGHT, GRID_HALVING: GRID}.items():
        race = climb(sizes, search="halving")
        found[name] = told(race, race.rounds_["n_steps"].sum())
    longer = round(N_STEPS * n_whole / found[GRID_HALVING]["n_steps"])
    race = climb(GRID, longer, search="halving")
    found[SAME] = told(race, race.rounds_["n_steps"].sum())
    return found


def climbed(seed, X, y, sizes, n_steps=N_STEPS, **params):
    """A ladder of students of a forest."""
    clf = distilled(
        RandomForestClassifier(N_TREES, random_state=seed),
        seed,
        transfer=Munge(size=2),
        encoder=TabularEncoder(),
        student=MLPStudent(n_steps=n_steps),
        refit=False,
    )
    return StudentLadder(clf, list(sizes), max_bytes=MAX_BYTES, quantize=False, **params).fit(X, y)


def told_by(X_test, y_test, ladder, n_steps):
    """Figures of the student that a ladder keeps, and the steps of the search."""
    model, kept = ladder.best_estimator_, ladder.ladder_.loc[ladder.best_index_]
    teacher = model.teacher_.predict_proba(X_test)
    return figures(model, X_test, y_test, model.teacher_) | {
        "kl": float(kl_divergence(teacher, model.predict_proba(X_test))),
        "n_steps": int(n_steps),
        "bytes": int(kept["bytes"]),
        "size": str(kept["size"]),
    }


def report(cells):
    """A table a data set: what each search keeps, and its steps."""
    for one in dict.fromkeys(situation for situation, _ in cells):
        own = [cell for (situation, _), cell in cells.items() if situation == one]
        rows = []
        for name in (LARGEST, ALL, LOWEST, HALVING, GRID_HALVING, SAME):
            mean = {
                of: np.mean([cell[name][of] for cell in own])
                for of in ("n_steps", "log_loss", "kl", "accuracy", "bytes")
            }
            rows.append(
                [
                    name,
                    f"{mean['n_steps']:,.0f}",
                    f"{mean['log_loss']:.4f}",
                    with_error(gains(own, name, ALL)),
                    f"{mean['kl']:.4f}",
                    f"{mean['accuracy']:.4f}",
                    f"{mean['bytes']:,.0f}",
                    " ".join(cell[name]["size"] for cell in own),
                ]
            )
        print(f"\n{one}, {len(own)} seeds:\n")
        columns = ["search", "steps", "log loss", f"% less than {ALL}", "KL to the teacher"]
        print_table([*columns, "accuracy", "bytes", "kept, by seed"], rows)


LADDER = Form(
    "ladder",
    f"A student of at most {MAX_BYTES:,} bytes, by successive halving",
    SITUATIONS,
    run,
    report,
)
