"""The teacher of the fidelity benchmark: four ensembles of trees, averaged, kept in one cache."""

import time
from pathlib import Path

import joblib
import numpy as np
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils import _safe_indexing
from xgboost import XGBClassifier

from skdistill import TeacherPool
from skdistill._fit.holdout import rows_to_hold_out
from skdistill._fit.plan import draw_seeds
from skdistill._utils.cache import Cache
from skdistill.targets import fit_temperature

CACHE = Path(__file__).parent / ".cache"
# From this many classes on, LightGBM gets half its rounds: each has a tree for every class.
MANY_CLASSES = 10
SMALLEST = 1e-12
# Seconds of the fits in this process: those in the cache took theirs earlier.
FIT_SECONDS = []


class TimedPipeline(Pipeline):
    """A pipeline that notes the seconds of its fit, which the cache then keeps with it."""

    def fit(self, X, y=None, **params):
        """Fit; see Pipeline."""
        started = time.perf_counter()
        super().fit(X, y, **params)
        self.fit_seconds_ = time.perf_counter() - started
        FIT_SECONDS.append(self.fit_seconds_)
        return self


def teacher(n_classes, seed, n_estimators=300):
    """The four members, unfitted, as a list of (name, estimator)."""
    rounds = n_estimators // 2 if n_classes >= MANY_CLASSES else n_estimators
    common = {"random_state": seed, "n_jobs": 1}
    members = {
        "rf": RandomForestClassifier(n_estimators, **common),
        "et": ExtraTreesClassifier(n_estimators, **common),
        "xgb": XGBClassifier(
            n_estimators=n_estimators,
            learning_rate=0.1,
            max_depth=6,
            subsample=0.8,
            colsample_bytree=0.8,
            **common,
        ),
        "lgbm": LGBMClassifier(
            n_estimators=rounds, learning_rate=0.07, num_leaves=63, verbose=-1, **common
        ),
    }
    return [
        (name, TimedPipeline([("encode", _coded()), ("model", model)]))
        for name, model in members.items()
    ]


def _coded():
    """Categories as codes, an unknown one -1; missing values stay, which all members take."""
    coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_selector(dtype_include="category")
    return make_column_transformer((coder, columns), remainder="passthrough")


def memory():
    """Where the teachers and their answers are kept."""
    return joblib.Memory(CACHE, verbose=0)


def fit_pool(members, X, y, seed):
    """Fit the pool as a DistilledClassifier of this seed would on these rows, cache and all."""
    seeds = draw_seeds(seed, Cache(None))
    return TeacherPool(members, memory=memory(), random_state=seeds["teacher"]).fit(X, y)


def own_temperature(members, X, y, seed):
    """The temperature of the teacher, found on a tenth of its training rows that it has not seen.

    The split and the fit are those a DistilledClassifier of this seed makes too.
    """
    codes = np.unique(y, return_inverse=True)[1]
    seeds = draw_seeds(seed, Cache(None))
    held_out = rows_to_hold_out(codes, 0.1, seeds["split"])
    kept = np.setdiff1d(np.arange(len(y)), held_out)
    pool = fit_pool(members, _safe_indexing(X, kept), y[kept], seed)
    logits = np.log(np.maximum(pool.predict_proba(_safe_indexing(X, held_out)), SMALLEST))
    return fit_temperature(logits, codes[held_out])


def fit_seconds(pool):
    """Seconds that the fits of the members took, whenever that was."""
    return sum(part.fit_seconds_ for part in pool.estimators_)
