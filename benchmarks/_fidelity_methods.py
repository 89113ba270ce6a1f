"""The rows of the fidelity benchmark: every method that is compared."""

import pickle

from _fidelity_cells import Method
from _fidelity_pool import fit_pool, memory, own_temperature
from _fidelity_rivals import run_catboost, run_hgb, run_mlp_classifier, run_pytabkit
from _fidelity_student import figures_of
from _fidelity_teacher import fit_seconds
from _stopwatch import Stopwatch, us_per_row
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from skdistill import DistilledClassifier, Gibbs, Marginals, Mixup, MLPStudent, Munge, Near
from skdistill._fit.transfer_set import n_new_rows

MEMBERS = ("rf", "et", "xgb", "lgbm")
PYTABKIT = ("pytabkit", "torch")


# --- the teacher and its members ---


def run_teacher(job):
    X, _, y, _ = job.split
    figures, p = run_pool(job, job.members)
    temperature = own_temperature(job.members, X, y, job.seed)
    return figures | {"n_rows": len(y), "temperature": temperature}, p


def run_teacher_with_catboost(job):
    return run_pool(job, job.members_with_catboost)


def run_pool(job, members):
    """Figures and probabilities of a pool fitted on all training rows."""
    X, X_test, y, _ = job.split
    pool = fit_pool(members, X, y, job.seed)
    figures = {
        "fit_seconds": fit_seconds(pool),
        "us_per_row": us_per_row(pool, X_test, repeats=1),
        "bytes": sum(len(pickle.dumps(part)) for part in pool.estimators_),
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


# --- students ---


def run_distil(job, **params):
    """The default arguments but for `params`."""
    if params.get("transfer") is not None:
        params["transfer"] = as_many_rows(params["transfer"], len(job.split[2]))
    clf = DistilledClassifier(job.members, memory=memory(), random_state=job.seed, **params)
    return fit_student(clf, job)


def run_distil_with_catboost(job):
    """The default arguments, with CatBoost among the teachers."""
    members = job.members_with_catboost
    return fit_student(DistilledClassifier(members, memory=memory(), random_state=job.seed), job)


def as_many_rows(sampler, n_rows):
    """The sampler with as many new rows as "auto" draws: they then differ by their rows alone."""
    size = {"size": n_new_rows(n_rows) / n_rows}
    if isinstance(sampler, Near):
        return Near(clone(sampler.sampler).set_params(**size))
    return clone(sampler).set_params(**size)


def run_control(job):
    """The default recipe without a teacher."""
    return fit_student(control(job.seed), job)


def control(seed):
    # With alpha=1 no answer of the teacher is used, so that the cheapest will do.
    return DistilledClassifier(DummyClassifier(), alpha=1.0, transfer=None, random_state=seed)


def fit_student(clf, job):
    """Figures and probabilities of a student; the seconds are those beside the teacher's fit."""
    X, X_test, y, _ = job.split
    watch = Stopwatch()
    clf.set_callbacks(watch).fit(X, y)
    seconds, processor_seconds = watch.beyond_teacher()
    figures = figures_of(clf, len(y)) | {
        "fit_seconds": seconds,
        "processor_seconds": processor_seconds,
        "us_per_row": us_per_row(clf, X_test),
        "tasks": dict(watch.seconds),
    }
    return figures, clf.predict_proba(X_test)


def _student(name, run=run_distil, needs=None, every_seed=False, packages=(), **params):
    return Method(name, run, "student", params, needs, every_seed, packages)


def _rival(name, run, *packages, every_seed=False, **params):
    return Method(name, run, "packages", params, None, every_seed, packages)


# In the order in which they are run: seed by seed, those of every seed first.
METHODS = [
    Method("teacher", run_teacher, "teacher", every_seed=True),
    _student("default", every_seed=True),
    _student("control", run_control, every_seed=True),
    _rival("hgb", run_hgb, every_seed=True),
    _rival("catboost", run_catboost, "catboost", every_seed=True),
    Method(
        "teacher-with-catboost",
        run_teacher_with_catboost,
        "teacher",
        every_seed=True,
        packages=("catboost",),
    ),
    _student(
        "default-with-catboost", run_distil_with_catboost, every_seed=True, packages=("catboost",)
    ),
    _rival("realmlp", run_pytabkit, *PYTABKIT, every_seed=True, kind="RealMLP_TD_Classifier"),
    _student("fast", every_seed=True, student=MLPStudent.fast()),
    *(Method(name, run_member, "teacher", {"name": name}) for name in MEMBERS),
    _rival("mlp-classifier", run_mlp_classifier),
    _rival("tabm", run_pytabkit, *PYTABKIT, kind="TabM_D_Classifier", most_rows=10_000),
    _student("own-rows-in-sample", transfer=None, cv=None),
    _student("own-rows-out-of-fold", transfer=None, cv=5),
    _student("munge", transfer=Munge()),
    _student("gibbs", transfer=Gibbs()),
    _student("mixup", transfer=Mixup()),
    _student("marginals", transfer=Marginals()),
    _student("near-munge", transfer=Near(Munge())),
    _student("accurate", student=MLPStudent.accurate()),
]
