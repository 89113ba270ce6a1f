"""New classes and new years, without the rows of before."""

import numpy as np
import pandas as pd
from _knowledge import ALPHA, Form, with_error
from _report import print_table
from datasets import load, load_split
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from skdistill import (
    ContinualClassifier,
    DarkExperience,
    DistilledClassifier,
    LearningWithoutForgetting,
    MLPStudent,
    Munge,
    StoredRows,
    SyntheticReplay,
)

SITUATIONS = ("letter A-M N-Z", "storms by years")
REPLAYS = {
    "naive": SyntheticReplay(n_rows=0),
    "lwf": LearningWithoutForgetting(),
    "200 rows stored": StoredRows(200),
    "2000 rows stored": StoredRows(2000),
    "der++, 200 rows": DarkExperience(200),
    "der++, 2000 rows": DarkExperience(2000),
    "synthetic": SyntheticReplay(),
}
# Last years of the steps; what comes later is the future, which no method sees.
YEARS = (1999, 2008, 2016)


def student(seed, replay=None):
    """The recipe of all methods: a third of the default, to be done in minutes."""
    # As in its paper, dark experience replay has labels and stored logits alone.
    is_dark = isinstance(replay, DarkExperience)
    return DistilledClassifier(
        RandomForestClassifier(300, random_state=seed),
        MLPStudent((192, 192), n_steps=4000),
        transfer=None if is_dark else Munge(size=2),
        alpha=1.0 if is_dark else ALPHA,
        random_state=seed,
    )


def letter(seed):
    """Rows of A to M, then of N to Z; tests on both and on all."""
    X, X_test, y, y_test = load_split("letter", seed)
    steps = [(X[part], y[part]) for part in (y <= "M", y > "M")]
    old = y_test <= "M"
    tests = {"all": old | ~old, "old": old, "new": ~old}
    return steps, {name: (X_test[part], y_test[part]) for name, part in tests.items()}


def storms(seed):
    """Rows by years; tests on rows of the first and of the last step, and on the years after."""
    X, y = load("storms", None)
    year = X.pop("year").to_numpy()
    steps, tests = [], {}
    for low, high in zip((0, *YEARS), YEARS, strict=False):
        own = (year > low) & (year <= high)
        rows, test, labels, truth = train_test_split(
            X[own], y[own], test_size=0.3, random_state=seed
        )
        steps.append((rows, labels))
        tests[{YEARS[0]: "old", YEARS[-1]: "new"}.get(high, "middle")] = test, truth
    future = year > YEARS[-1]
    return steps, tests | {"future": (X[future], y[future])}


def run(situation, seed):
    """Figures of all ways to go on, and of training again on all rows."""
    steps, tests = (letter if situation.startswith("letter") else storms)(seed)
    found = {}
    for name, replay in REPLAYS.items():
        model = ContinualClassifier(student(seed, replay), replay, random_state=seed)
        for X, y in steps:
            model.partial_fit(X, y)
        found[name] = tested(model, tests) | {"steps": model.steps_[1:]}
    X, y = pd.concat([X for X, _ in steps]), np.concatenate([y for _, y in steps])
    again = student(seed).fit(X, y)
    before = student(seed).fit(*steps[0])
    return found | {"training again": tested(again, tests), "first step": tested(before, tests)}


def tested(model, tests):
    """Accuracy on each test, whose classes the model need not know."""
    return {name: float(np.mean(model.predict(X) == y)) for name, (X, y) in tests.items()}


def report(cells):
    """Accuracy by method and by test, and what the last step changed."""
    for situation in dict.fromkeys(one for one, _ in cells):
        own = [cell for (name, _), cell in cells.items() if name == situation]
        names = [name for name in own[0]["synthetic"] if name != "steps"]
        rows = []
        for method in own[0]:
            row = [method]
            for name in names:
                row.append(with_error([100 * cell[method][name] for cell in own]).lstrip("+"))
            for flip in ("flip_rate", "flip_rate_pool"):
                flips = [100 * c[method]["steps"][-1][flip] for c in own if "steps" in c[method]]
                known = [one for one in flips if not np.isnan(one)]  # where such rows were held out
                row.append(with_error(known).lstrip("+"))
            rows.append(row)
        flips = ["% of new rows flipped", "% of the pool flipped"]
        print_table([situation, *(f"{name}: accuracy %" for name in names), *flips], rows)


CONTINUAL = Form("continual", "New rows without the old ones", SITUATIONS, run, report)
