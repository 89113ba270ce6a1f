"""
Compress an ensemble into one small neural student
===================================================

Three tree ensembles are good but slow and large. One small net, distilled from their average, is
held against them and against its *control*: the same net trained on the labels alone. Then a
search finds the temperature and the weight of the labels, in a Pipeline.

Run it in a clone with ``make demo``.
"""

# sphinx_gallery_thumbnail_path = '_static/report.png'

# %%
# The pieces: real data, three teachers, one student
# ---------------------------------------------------

import pickle
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, RobustScaler
from xgboost import XGBClassifier

from skdistill import DistilledClassifier, DistilledClassifierCV, MLPStudent

# Notebooks and the gallery know no __file__, and run in the folder of the example.
sys.path.insert(0, str(Path(globals().get("__file__", "_")).resolve().parents[1] / "benchmarks"))
from datasets import load_split


def with_codes(classifier):
    """Trees take numbers: category columns become codes, other columns stay."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    columns = make_column_selector(dtype_include=["category", "object", "string", "bool"])
    return make_pipeline(
        make_column_transformer((codes, columns), remainder="passthrough"), classifier
    )


def make_teachers():
    return [
        ("rf", with_codes(RandomForestClassifier(200, n_jobs=2, random_state=0))),
        ("et", with_codes(ExtraTreesClassifier(200, n_jobs=2, random_state=0))),
        ("xgb", with_codes(XGBClassifier(n_estimators=150, learning_rate=0.15, n_jobs=2))),
    ]


# %%
# Distil, and train the control
# -----------------------------
# The control has the same teacher object (so that nothing is fitted twice), but ``alpha=1`` gives
# all the weight to the labels.


def distil(X, y):
    distilled = DistilledClassifier(make_teachers(), verbose=1, random_state=0)
    distilled.fit(X, y)
    control = DistilledClassifier(
        FrozenEstimator(distilled.teacher_), alpha=1.0, verbose=1, random_state=0
    )
    return distilled, control.fit(X, y)


# %%
# Measure what was kept
# ---------------------


def measure(model, teacher, X, y):
    start = time.perf_counter()
    p = model.predict_proba(X)
    seconds = time.perf_counter() - start
    labels = model.classes_[p.argmax(axis=1)]
    auc = roc_auc_score(y, p[:, 1] if p.shape[1] == 2 else p, multi_class="ovo")
    return {
        "accuracy": accuracy_score(y, labels),
        "log loss": log_loss(y, p, labels=model.classes_),
        "AUC": auc,
        "agreement": accuracy_score(teacher.predict(X), labels),
        "us/row": 1e6 * seconds / len(y),
        "bytes": len(pickle.dumps(served(model))),
    }


def served(model):
    """What has to be stored to answer: the teacher, or the student without its teacher."""
    if not isinstance(model, DistilledClassifier):
        return model
    return model.encoder_, model.student_.module_, model.classes_


def print_table(rows):
    columns = ["accuracy", "log loss", "AUC", "agreement", "us/row", "bytes"]
    formats = ["{:.4f}", "{:.4f}", "{:.4f}", "{:.4f}", "{:.1f}", "{:,}"]
    print(f"\n| {'data':7} | {'model':9} | " + " | ".join(f"{c:>11}" for c in columns) + " |")
    print("|---|---|" + "---:|" * len(columns))
    for name, model, values in rows:
        cells = (f.format(values[c]) for f, c in zip(formats, columns, strict=True))
        print(f"| {name:7} | {model:9} | " + " | ".join(f"{c:>11}" for c in cells) + " |")


def in_words(name, teacher, control, student):
    # As in a report: a lead of less than a hundredth is of no use.
    if student["log loss"] < 0.99 * control["log loss"]:
        verdict = "the teacher taught it something: serve the student"
    else:
        verdict = "training on the labels alone is about as good here: do not distil"
    return (
        f"On {name} the student is {teacher['us/row'] / student['us/row']:.0f} times faster and "
        f"{teacher['bytes'] / student['bytes']:.0f} times smaller than its teacher, with accuracy "
        f"{student['accuracy']:.4f} (teacher {teacher['accuracy']:.4f}, control "
        f"{control['accuracy']:.4f}) and log loss {student['log loss']:.4f} (teacher "
        f"{teacher['log loss']:.4f}, control {control['log loss']:.4f}); {verdict}."
    )


# %%
# Search over temperature and the weight of the labels
# ----------------------------------------------------
# In each fold the teacher is fitted once, on the training rows alone, and rows are drawn and
# labelled once. The students of all candidates learn from these, side by side.

TEMPERATURES, ALPHAS = (1.0, 2.0, 4.0), (0.3, 0.7, 1.0)


def search(X, y):
    distilled = DistilledClassifier(
        RandomForestClassifier(100, n_jobs=2, random_state=0),
        MLPStudent(hidden_layer_sizes=(128,), n_steps=1000),
        random_state=0,
    )
    found = DistilledClassifierCV(
        distilled, temperatures=TEMPERATURES, alphas=ALPHAS, cv=3, verbose=1
    )
    return make_pipeline(RobustScaler(), found).fit(X, y)[-1]


def print_losses(found):
    """A row a temperature, a column a weight of the labels."""
    results = found.cv_results_
    alone = -max(
        score
        for params, score in zip(results["params"], results["mean_test_score"], strict=True)
        if params["alpha"] == 1
    )
    print(f"\n| {'log loss':14} | " + " | ".join(f"    alpha {alpha}" for alpha in ALPHAS) + " |")
    print("|---|" + "---:|" * len(ALPHAS))
    for temperature in TEMPERATURES:
        cells = []
        for alpha in ALPHAS:
            place = results["params"].index({"temperature": temperature, "alpha": alpha})
            error = results["std_test_score"][place] / (found.n_splits_ - 1) ** 0.5
            cells.append(f"{-results['mean_test_score'][place]:.4f} +- {error:.3f}")
        print(f"| temperature {temperature:2.0f} | " + " | ".join(cells) + " |")
    best = found.best_params_
    print(
        f"\nMean over {found.n_splits_} folds, +- its standard error; lower is better. Best is "
        f"temperature {best['temperature']:.0f} with alpha {best['alpha']}: "
        f"{-found.best_score_:.4f}. Alpha 1.0 learns from the labels alone: {alone:.4f}."
    )


def main():
    started = time.perf_counter()
    rows, sentences = [], []
    for name in ("letter", "churn"):
        X, X_test, y, y_test = load_split(name)
        print(f"\n{name}: {X.shape[0]} rows, {X.shape[1]} columns, {len(np.unique(y))} classes")
        distilled, control = distil(X, y)
        print(f"[demo] measuring on {len(y_test)} test rows")
        models = {"teacher": distilled.teacher_, "control": control, "student": distilled}
        measured = {
            role: measure(model, distilled.teacher_, X_test, y_test)
            for role, model in models.items()
        }
        rows += [(name, role, values) for role, values in measured.items()]
        sentences.append(in_words(name, *measured.values()))
    print_table(rows)
    print("\n" + "\n".join(sentences))

    print("\nSearch over temperature and alpha, in a Pipeline (4,000 rows of letter):")
    X, _, y, _ = load_split("letter")
    print_losses(search(X[:4000], y[:4000]))
    print(f"\nDone in {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=FutureWarning)
    main()
