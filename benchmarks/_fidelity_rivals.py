"""The rows of the fidelity benchmark that learn from the labels, without a teacher."""

import logging
import pickle
import time

import numpy as np
from _fidelity_teacher import catboost_member
from _stopwatch import processor_seconds, us_per_row
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


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


def run_catboost(job):
    return fit_alone(catboost_member(job.split[0], job.seed)[1], job)


def run_pytabkit(job, kind, most_rows=None):
    """The defaults of one of pytabkit's nets, which take no missing numbers, on one thread."""
    n_rows = len(job.split[0])
    if most_rows is not None and n_rows > most_rows:
        why = f"{n_rows:,} training rows, more than {most_rows:,}"
        return {"skipped": f"{why}: about 15 minutes or more on one thread"}, None
    net = _net(kind)(device="cpu", n_threads=1, random_state=job.seed)
    numbers = make_column_selector(dtype_include="number")
    filled = make_column_transformer(
        (SimpleImputer(strategy="median", add_indicator=True), numbers),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return fit_alone(make_pipeline(filled.set_output(transform="pandas"), net), job)


def _net(kind):
    try:
        import pytabkit
    except ImportError as error:
        raise ImportError("needs pytabkit, of the extra `bench`") from error
    for name in ("pytorch_lightning", "lightning.pytorch"):  # they tell of every fit
        logging.getLogger(name).setLevel(logging.ERROR)
    return getattr(pytabkit, kind)


def fit_alone(clf, job):
    """Figures and probabilities of an estimator that learns from the labels."""
    X, X_test, y, _ = job.split
    started, processor = time.perf_counter(), processor_seconds()
    clf.fit(X, y)
    figures = {
        "fit_seconds": time.perf_counter() - started,
        "processor_seconds": processor_seconds() - processor,
        "us_per_row": us_per_row(clf, X_test),
        "bytes": len(pickle.dumps(clf)),
    }
    # CatBoost sorts text of numbers as numbers; here the order is that of np.unique.
    return figures, clf.predict_proba(X_test)[:, np.argsort(clf.classes_)]
