"""What a report is given: checked before anything is asked."""

from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.utils import column_or_1d, indexable

from skdistill._base import BaseDistiller
from skdistill._fit.weights import counting_weights
from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, FloatArray, Table
from skdistill.inspection._ask import check_truth
from skdistill.inspection._bootstrap import LEAST_ROWS
from skdistill.serving import Scorer
from skdistill.table import check_container

LEAST_RESAMPLES = 100


def scorer_of(exported: Scorer | str | PathLike | None, clf: BaseDistiller) -> Scorer | None:
    """The exported student, if there is one, of the same classes or kind as the student."""
    if exported is None:
        return None
    scorer = exported if isinstance(exported, Scorer) else Scorer(exported)
    if hasattr(scorer, "classes_") != is_classifier(clf):
        raise TypeError(
            f"`exported` is not of a {type(clf).__name__}: give the file that `to_onnx` wrote of "
            "`estimator`."
        )
    return scorer


def check_parameters(n_bootstrap: int, confidence_level: float, speed: bool) -> None:
    is_integer = isinstance(n_bootstrap, Integral) and not isinstance(n_bootstrap, bool)
    if not is_integer or n_bootstrap < LEAST_RESAMPLES:
        raise ValueError(
            f"`n_bootstrap` must be an integer >= {LEAST_RESAMPLES}, got {n_bootstrap!r}: fewer "
            "resamples do not give an interval."
        )
    if not isinstance(confidence_level, Real) or not 0 < confidence_level < 1:
        raise ValueError(f"`confidence_level` must be in (0, 1), got {confidence_level!r}.")
    if not isinstance(speed, (bool, np.bool_)):
        raise ValueError(f"`speed` must be True or False, got {speed!r}.")


def check_rows(
    X: Table, y: ArrayLike | None, sample_weight: ArrayLike | None, clf: BaseDistiller
) -> tuple[np.ndarray | None, FloatArray]:
    """The labels or numbers, None without `y`, and the weight of each row."""
    check_container(X)
    (X,) = indexable(X)
    truth = None if y is None else _truth_of(y, X, clf)
    n_rows = num_samples(X)
    if n_rows < LEAST_ROWS:
        raise ValueError(f"X has {n_rows} rows; a report needs {LEAST_ROWS} at least.")
    weight = counting_weights(sample_weight, X)
    return truth, np.ones(n_rows) if weight is None else weight


def _truth_of(y: ArrayLike, X: Table, clf: BaseDistiller) -> np.ndarray:
    column = column_or_1d(y) if is_classifier(clf) else np.asarray(y)
    n_missing = int(np.sum(pd.isna(column)))
    if n_missing:
        what = "labels" if is_classifier(clf) else "numbers"
        raise ValueError(
            f"`y` lacks {n_missing} of {column.size} {what}: a report compares answers with the "
            "truth, leave those rows out of X and y."
        )
    return check_truth(y, X, clf)


def check_without_labels(clf: BaseDistiller, **given: Any) -> None:
    """Refuse what only labels can answer, where there are none.

    Parameters
    ----------
    clf : BaseDistiller
    **given : objects
        Parameters that need `y`; None where they were not given.

    Raises
    ------
    ValueError
        If one was given, or if the student holds no teacher to be compared with.
    """
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{name}` needs labels, but `y` is None: give `y`, or leave `{name}` out."
            )
    if clf.teacher_ is None:
        raise ValueError(
            "`y` is None and the student holds no teacher: there is nothing to compare it with. "
            "Give `y`, or a student with its teacher."
        )
