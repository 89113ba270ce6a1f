"""The teacher of the fidelity benchmark, fitted: averaged, and kept in one cache."""

from pathlib import Path

import joblib
import numpy as np
from sklearn.utils import _safe_indexing

from skdistill import TeacherPool
from skdistill._fit.holdout import rows_to_hold_out
from skdistill._fit.plan import draw_seeds
from skdistill._utils.cache import Cache
from skdistill.targets import fit_temperature

CACHE = Path(__file__).parent / ".cache"
SMALLEST = 1e-12


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
