"""Numbers and their distributions: the student against teacher, control and CatBoost.

Run it with ``make bench-regression`` (hours; it goes on where it was stopped); it prints the
file `results/regression.md`.
"""

import argparse
import json
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from _regression_data import SETS, load_split, split_params
from _regression_report import print_report
from _regression_teacher import catboost, teacher
from threadpoolctl import threadpool_limits

from skdistill import DistilledRegressor, Scorer, to_onnx
from skdistill._fit.spread import Spread
from skdistill.table import ColumnSelection, TabularEncoder

FOLDER = Path(__file__).parent
CELLS, CACHE = FOLDER / ".cells-regression", FOLDER / ".cache"
SEEDS = (0, 1, 2)
LEVELS = np.arange(1, 20) / 20
SCORED_ROWS = 10_000


def main():
    options = parse()
    CELLS.mkdir(exist_ok=True)
    warnings.filterwarnings("ignore")
    cells = {}
    for seed in options.seeds:
        for name in options.data:
            path = CELLS / f"{name}-{seed}-{options.n_estimators}.json"
            if not path.exists() and not options.report:
                started = time.perf_counter()
                with threadpool_limits(1):
                    figures = run(name, seed, options.n_estimators)
                path.write_text(json.dumps(figures, indent=1))
                print(f"{name} {seed}: {time.perf_counter() - started:.0f} s", flush=True)
            if path.exists():
                cells[name, seed] = json.loads(path.read_text())
    print_report(cells, options.n_estimators)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=lambda text: text.split(","), default=SETS)
    parser.add_argument(
        "--seeds", type=lambda text: [int(one) for one in text.split(",")], default=SEEDS
    )
    parser.add_argument("--n-estimators", type=int, default=300, help="of each teacher")
    parser.add_argument("--report", action="store_true", help="print what is there, run nothing")
    return parser.parse_args()


def run(name, seed, n_estimators):
    """Figures of all models on one table."""
    X, X_test, y, y_test = load_split(name, seed)
    params = {"random_state": seed, "memory": CACHE, **split_params(name)}
    members = teacher(seed, n_estimators)
    student = DistilledRegressor(members, **params).fit(X, y)
    own_rows = DistilledRegressor(members, transfer=None, **params).fit(X, y)
    alone = {**params, "alpha": 1.0, "transfer": None, "cv": None}
    cheapest = teacher(seed, 1)[:1]
    control = DistilledRegressor(cheapest, **alone).fit(X, y)
    spread = DistilledRegressor(members, head="quantiles", **params).fit(X, y)
    spread_control = DistilledRegressor(cheapest, head="quantiles", **alone).fit(X, y)
    pool = student.teacher_
    rival = catboost(seed).fit(X, y)
    means = {
        "teacher": pool.predict(X_test),
        "control": control.predict(X_test),
        "student": student.predict(X_test),
        "own rows": own_rows.predict(X_test),
        "catboost": rival.predict(X_test),
    }
    figures = {"rmse": {who: rmse(told, y_test) for who, told in means.items()}}
    told, told_intervals = teacher_distribution(pool, X, y, X_test, seed)
    quantiles = {
        "teacher": told,
        "control": spread_control.predict_quantiles(X_test, LEVELS),
        "student": spread.predict_quantiles(X_test, LEVELS),
    }
    figures["crps"] = {who: crps(q, y_test) for who, q in quantiles.items()}
    figures["intervals"] = {
        str(c): {
            "student": covered(spread.predict_interval(X_test, c), y_test),
            "control": covered(spread_control.predict_interval(X_test, c), y_test),
            "teacher": covered(told_intervals[c], y_test),
        }
        for c in (0.8, 0.9)
    }
    figures["decisions"] = [student.decision_, spread.decision_]
    figures["alpha"] = [student.alpha_, spread.alpha_]
    return figures | served(student, spread, pool, X, y, X_test)


def rmse(told, y):
    return float(np.sqrt(np.mean((told - y) ** 2)))


def crps(quantiles, y):
    """Twice the mean pinball loss of the 19 levels."""
    apart = y[:, None] - quantiles
    return float(2 * np.mean(np.maximum(LEVELS * apart, (LEVELS - 1) * apart)))


def covered(intervals, y):
    """The share of rows inside, and the mean width."""
    low, high = intervals.T
    return [float(np.mean((low <= y) & (y <= high))), float(np.mean(high - low))]


def teacher_distribution(pool, X, y, X_test, seed):
    """The teacher with a scale for each row and errors out of fold: quantiles, and intervals."""
    folds = np.random.RandomState(seed).permutation(np.arange(len(y)) % 5)
    splits = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
    means, _, _ = pool.label_folds(X, y, splits, [[]] * 5, False, {}, lambda *_: False)
    encoder = TabularEncoder().fit(X)
    told = pool.predict(X_test)[:, None]
    spread = Spread(encoder, ColumnSelection(None), tuple(LEVELS))
    spread.fit_quantiles(X, means, y - means[:, 0], np.ones(len(y)), seed)
    quantiles = spread.quantiles(X_test, told)
    places = {0.8: (1, 17), 0.9: (0, 18)}
    return quantiles, {c: quantiles[:, list(pair)] for c, pair in places.items()}


def served(student, spread, pool, X, y, X_test):
    """The exported file: its gap, its bytes, and its time for 10,000 rows beside the teacher's."""
    gaps, deviation = [], np.std(y)
    with tempfile.TemporaryDirectory() as folder:
        for number, model in enumerate((student, spread)):
            path = Path(folder) / f"{number}.onnx"
            to_onnx(model, path)
            ask = "predict" if model is student else "predict_quantiles"
            gap = getattr(Scorer(path), ask)(X_test) - getattr(model, ask)(X_test)
            gaps.append(float(np.abs(gap).max() / deviation))
        scorer, n_bytes = Scorer(Path(folder) / "0.onnx"), (Path(folder) / "0.onnx").stat().st_size
        rows = X.sample(SCORED_ROWS, replace=True, random_state=0)
        ratios = []
        for _ in range(3):
            seconds = [timed(scorer.predict, rows), timed(pool.predict, rows)]
            ratios.append(seconds[1] / seconds[0])
    return {"gaps": gaps, "bytes": n_bytes, "faster": float(np.median(ratios))}


def timed(function, rows):
    started = time.perf_counter()
    function(rows)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
