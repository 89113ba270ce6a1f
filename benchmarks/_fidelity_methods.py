"""The rows of the fidelity benchmark: every method that is compared."""

import pickle
import time

import numpy as np
from _fidelity_cells import Method
from _fidelity_teacher import fit_pool, fit_seconds, memory, own_temperature
from _stopwatch import Stopwatch
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import _safe_indexing

from skdistill import DistilledClassifier, Gibbs, Marginals, Mixup, MLPStudent, Munge, Near

SCORED_ROWS = 10_000
MEMBERS = ("rf", "et", "xgb", "lgbm")
# Synthetic rows that `transfer="auto"` draws at most.
MOST_NEW_ROWS = 100_000


# --- the teacher and what needs no student ---


def run_teacher(job):
    X, X_test, y, _ = job.split
    pool = fit_pool(job.members, X, y, job.seed)
    figures = {
        "fit_seconds": fit_seconds(pool),
        "us_per_row": us_per_row(pool, X_test, repeats=1),
        "bytes": sum(len(pickle.dumps(part)) for part in pool.estimators_),
        "temperature": own_temperature(job.members, X, y, job.seed),
    }
    return figures, pool.predict_proba(X_test)


def run_member(job, name):
    X, X_test, y, _ = job.split
    part = fit_pool(job.members, X, y, job.seed).named_estimators_[name]
    figures = {
        "fit_seconds": part.fit_seconds_,
        "us_per_row": us_per_row(part, X_test, repeats=1),
        "bytes": len(pickle.dumps(part)),
    }
    return figures, part.predict_proba(X_test)


def run_hgb(job):
    clf = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=job.seed)
    return fit_alone(clf, job)


def run_mlp_classifier(job):
    categories = make_column_selector(dtype_include="category")
    numbers = make_column_selector(dtype_exclude="category")
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
    )
    return fit_alone(make_pipeline(encoder, MLPClassifier(random_state=job.seed)), job)


def fit_alone(clf, job):
    """Figures and probabilities of an estimator that learns from the labels."""
    X, X_test, y, _ = job.split
    started = time.perf_counter()
    clf.fit(X, y)
    figures = {
        "fit_seconds": time.perf_counter() - started,
        "us_per_row": us_per_row(clf, X_test),
        "bytes": len(pickle.dumps(clf)),
    }
    return figures, clf.predict_proba(X_test)


# --- students ---


def run_distil(job, **params):
    """The default arguments but for `params`."""
    if params.get("transfer") is not None:
        params["transfer"] = as_many_rows(params["transfer"], len(job.split[2]))
    clf = DistilledClassifier(job.members, memory=memory(), random_state=job.seed, **params)
    return fit_student(clf, job)


def as_many_rows(sampler, n_rows):
    """The sampler with as many new rows as "auto" draws: they then differ by their rows alone."""
    size = {"size": min(8.0, MOST_NEW_ROWS / n_rows)}
    if isinstance(sampler, Near):
        return Near(clone(sampler.sampler).set_params(**size))
    return clone(sampler).set_params(**size)


def run_control(job):
    """The default student without a teacher: as many steps, on the labels alone."""
    n_steps = job.figures("default")["n_steps"]
    clf = control(n_steps, job.seed)
    return fit_student(clf, job)


def control(n_steps, seed):
    # With alpha=1 no answer of the teacher is used, so that the cheapest will do.
    student = MLPStudent(n_steps=n_steps)
    return DistilledClassifier(
        DummyClassifier(), student, alpha=1.0, transfer=None, random_state=seed
    )


def fit_student(clf, job):
    """Figures and probabilities of a student; the seconds are those beside the teacher's fit."""
    X, X_test, y, _ = job.split
    watch = Stopwatch()
    clf.set_callbacks(watch).fit(X, y)
    figures = {
        "fit_seconds": watch.seconds["fit"] - watch.seconds["fit-teacher"],
        "us_per_row": us_per_row(clf, X_test),
        "bytes": student_bytes(clf),
        "n_steps": budget(clf, len(y)),
        "epochs": len(clf.history_),
        "n_transfer_rows": clf.n_transfer_rows_,
        "alpha": clf.alpha_,
        "temperature": clf.temperature_,
        "calibration_temperature": clf.calibration_temperature_,
        "leak_gap": clf.leak_gap_,
        "tasks": dict(watch.seconds),
    }
    return figures, clf.predict_proba(X_test)


def budget(clf, n_rows):
    """Training steps that the student was given."""
    n_rows = n_rows + clf.n_transfer_rows_
    return clf.student_.max_epochs * -(-n_rows // clf.student_.batch_size)


def student_bytes(clf):
    """Bytes of the student's parameters in float32."""
    return 4 * sum(part.numel() for part in clf.student_.module_.parameters())


def us_per_row(clf, X, repeats=3):
    """Microseconds a row of predict_proba on 10,000 rows, the best of some repeats."""
    rows = _safe_indexing(X, np.arange(SCORED_ROWS) % len(X))
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        clf.predict_proba(rows)
        seconds.append(time.perf_counter() - started)
    return min(seconds) / SCORED_ROWS * 1e6


def _student(name, run=run_distil, needs=None, every_seed=False, **params):
    return Method(name, run, "student", params, needs, every_seed)


# In the order in which they are run: seed by seed, those of every seed first.
METHODS = [
    Method("teacher", run_teacher, "teacher", every_seed=True),
    _student("default", every_seed=True),
    _student("control", run_control, needs="default", every_seed=True),
    Method("hgb", run_hgb, "sklearn", every_seed=True),
    _student("fast", every_seed=True, student=MLPStudent.fast()),
    *(Method(name, run_member, "teacher", {"name": name}) for name in MEMBERS),
    Method("mlp-classifier", run_mlp_classifier, "sklearn"),
    _student("own-rows-in-sample", transfer=None, cv=None),
    _student("own-rows-out-of-fold", transfer=None, cv=5),
    _student("munge", transfer=Munge()),
    _student("gibbs", transfer=Gibbs()),
    _student("mixup", transfer=Mixup()),
    _student("marginals", transfer=Marginals()),
    _student("near-munge", transfer=Near(Munge())),
    _student("accurate", student=MLPStudent.accurate()),
]
