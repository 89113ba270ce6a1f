"""The teacher of a step."""

from functools import partial
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.utils.metadata_routing import get_routing_for_object

from skdistill._fit.weights import class_weights, combine_weights
from skdistill._utils._compat import routing_enabled
from skdistill._utils.auto import is_auto
from skdistill._utils.named import named_parts
from skdistill._utils.types import Estimator, FloatArray, Table
from skdistill.loops._pool import placed
from skdistill.teacher import (
    FittedTeacher,
    RowWeights,
    TeacherPool,
    unfrozen,
)


def fit_teacher(
    given: Estimator,
    rows: dict[str, Any],
    held_out: dict[str, Any],
    classes: np.ndarray,
    routes_weights: bool,
) -> TeacherPool:
    """The teachers of an estimator, fitted on the rows of a step.

    Parameters
    ----------
    given : DistilledClassifier
        Holds them, and how they are pooled.
    rows, held_out : dict of str to object
        "X", "y" and "sample_weight" of the rows to fit them on, and of those that weigh them.
    classes : ndarray of shape (n_classes,)
        All that there are.
    routes_weights : bool
        Whether weights go to the teachers that request them, or to all that take them.

    Returns
    -------
    TeacherPool
    """
    weights = given.teacher_weights
    chooses = is_auto(weights) or isinstance(weights, RowWeights)
    pool = TeacherPool(
        given.teacher,
        features=given.teacher_features,
        pooling=given.pooling,
        weights=None if is_auto(weights) else weights,
        n_jobs=given.n_jobs,
        memory=given.memory,
        random_state=given.random_state,
    )
    by_class = class_weights(given.class_weight, rows["y"], rows["sample_weight"])
    weight = combine_weights(rows["sample_weight"], by_class, rows["y"])
    even = weight is None or not np.ptp(weight)
    with config_context(enable_metadata_routing=routes_weights):
        pool.fit(rows["X"], rows["y"], None if even else weight)
    if chooses and len(held_out["y"]) and len(pool.known_columns) > 1:
        pool.fit_weights(**held_out)
    if len(pool.classes_) == len(classes):
        return pool
    # Where nothing is replayed, it says of the old classes that they are impossible.
    wide = FittedTeacher(partial(_told_of, pool, classes), classes=classes)
    return TeacherPool(wide).fit(rows["X"])


def routes_weights(given: Estimator, is_weighted: bool) -> bool:
    """Whether metadata routing says which teachers are given weights.

    Parameters
    ----------
    given : DistilledClassifier
    is_weighted : bool
        Whether the user gave some. Those of the pool are none of the user's: they need no request.

    Returns
    -------
    bool
    """
    if not routing_enabled():
        return False
    parts = unfrozen(named_parts(given.teacher, "teacher"))
    return is_weighted or all(_says_of_weights(get_routing_for_object(one)) for _, one in parts)


def _says_of_weights(requests: Any) -> bool:
    own = getattr(getattr(requests, "fit", None), "requests", {})
    return bool(requests.consumes("fit", ["sample_weight"])) or own.get("sample_weight") is False


def _told_of(pool: TeacherPool, classes: np.ndarray, X: Table) -> FloatArray:
    """Probabilities of a pool that knows some of the classes, as columns of all."""
    return placed(pool.predict_proba(X), pool.classes_, classes)
