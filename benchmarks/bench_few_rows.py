"""What folds bring on few rows: the default against a fit that holds nothing out.

Run it with ``make bench-few-rows``; it prints the file `results/few_rows.md`. Each set gives 300
rows to learn from, drawn from its training part. They are scored on other rows of that part: the
test part is not used, since the number of rows from which on there are folds was chosen here.
"""

import argparse
import time
import warnings

import numpy as np
from _fidelity_teacher import teacher as four_ensembles
from _report import print_heading, print_table
from datasets import load_split
from sklearn.datasets import load_diabetes, make_friedman1, make_friedman2
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split

from skdistill import DistilledClassifier, DistilledRegressor

N_ROWS = 300
MOST_SCORED = 3_000
CLASSES = ("vowel", "vehicle", "german", "satimage", "phoneme", "churn", "magic", "page_blocks")
NUMBERS = {
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "friedman1": lambda: make_friedman1(3000, noise=1.0, random_state=0),
    "friedman2": lambda: make_friedman2(3000, noise=100.0, random_state=0),
}


def of_classes(name, seed):
    """The estimator, its rows, and how it is scored."""
    X, _, y, _ = load_split(name, seed)
    y = np.asarray(y)
    teacher = four_ensembles(len(np.unique(y)), seed, 100)

    def score(model, X, y):
        return log_loss(y, model.predict_proba(X), labels=model.classes_)

    return DistilledClassifier(teacher, random_state=seed), X, y, y, score


def of_numbers(name, seed):
    """The same for a regressor."""
    X, y = NUMBERS[name]()
    teacher = [RandomForestRegressor(100), ExtraTreesRegressor(100)]

    def score(model, X, y):
        return root_mean_squared_error(y, np.ravel(model.predict(X)))

    return DistilledRegressor(teacher, random_state=seed), X, y, None, score


def run(name, seed):
    """A row of the table: losses with and without folds, their ratio, and seconds."""
    make = of_classes if name in CLASSES else of_numbers
    estimator, X, y, strata, score = make(name, seed)
    X, X_scored, y, y_scored = train_test_split(
        X, y, train_size=N_ROWS, stratify=strata, random_state=seed + 1
    )
    X_scored, y_scored = X_scored[:MOST_SCORED], y_scored[:MOST_SCORED]
    losses, seconds = [], []
    for early_stopping in (False, "auto"):
        started = time.perf_counter()
        estimator.set_params(early_stopping=early_stopping).fit(X, y)
        seconds.append(time.perf_counter() - started)
        losses.append(score(estimator, X_scored, y_scored))
    teacher = score(estimator.teacher_, X_scored, y_scored)
    return losses[1] / losses[0], [
        *(name, seed, f"{teacher:.4f}", f"{losses[0]:.4f}", f"{losses[1]:.4f}"),
        *(f"{losses[1] / losses[0]:.3f}", f"{seconds[0]:.0f}", f"{seconds[1]:.0f}"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=lambda text: text.split(","), default=["0"])
    seeds = [int(seed) for seed in parser.parse_args().seeds]
    warnings.filterwarnings("ignore")
    found = [run(name, seed) for name in (*CLASSES, *NUMBERS) for seed in seeds]
    print_heading("Few rows (`make bench-few-rows`)", seeds=", ".join(map(str, seeds)))
    header = ["data", "seed", "teacher", "nothing held out", "folds", "ratio", "s", "s, folds"]
    print_table(header, [row for _, row in found])
    mean = np.exp(np.mean(np.log([ratio for ratio, _ in found])))
    print(f"\n{N_ROWS} rows; log loss of classes, RMSE of numbers. Geometric mean: {mean:.3f}.")


if __name__ == "__main__":
    main()
