"""What a student keeps of its teacher's lead, and a scorer that tells what a fit chose."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline

from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table


def retained_gain(
    student: float | FloatArray, control: float | FloatArray, teacher: float | FloatArray
) -> float | FloatArray:
    """The share of what the teacher is ahead of the control by that the student keeps.

    Parameters
    ----------
    student, control, teacher : float or ndarray
        The same score of the three, of either direction: accuracy, or log loss.

    Returns
    -------
    float or ndarray
        (student - control) / (teacher - control): 0 is no better than the control, 1 as good as
        the teacher; NaN where teacher and control are equal. It says nothing where the teacher is
        behind.

    Examples
    --------
    >>> from skdistill.metrics import retained_gain
    >>> round(retained_gain(student=0.94, control=0.90, teacher=0.95), 2)
    0.8
    """
    gain, ahead = np.subtract(student, control), np.subtract(teacher, control)
    share = np.divide(gain, ahead, out=np.full(np.shape(ahead), np.nan), where=ahead != 0)
    return share if np.ndim(share) else float(share)


def score_and_choices(scoring: str | Callable) -> "_ScoreAndChoices":
    """Make a scorer that also tells what each fit of a search chose.

    Parameters
    ----------
    scoring : str or callable
        As in :class:`~sklearn.model_selection.GridSearchCV`; it gives the "score".

    Returns
    -------
    callable
        Takes a fitted :class:`~skdistill.DistilledClassifier` or
        :class:`~skdistill.DistilledRegressor`, or a Pipeline that ends in one, X and y; returns a
        dict of "score", "alpha", "temperature" (1.0 of a regressor), "out_of_fold" (1.0 where
        labels out of fold were kept), "codes" (columns taken as codes) and "leak_gap" (NaN where
        none was measured). So ``cv_results_`` has ``split0_test_alpha`` and so on; give
        ``refit="score"``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skdistill import DistilledClassifier, MLPStudent
    >>> from skdistill.metrics import score_and_choices
    >>> clf = DistilledClassifier(LogisticRegression(), MLPStudent(n_steps=50), transfer=None)
    >>> search = GridSearchCV(
    ...     clf, {"alpha": [0, 0.5]}, scoring=score_and_choices("neg_log_loss"), refit="score", cv=2
    ... )
    >>> search.fit(*load_iris(return_X_y=True)).cv_results_["mean_test_alpha"]
    array([0. , 0.5])
    """
    return _ScoreAndChoices(scoring)


class _ScoreAndChoices:
    """The scorer of :func:`score_and_choices`; a class, so that it can be pickled."""

    def __init__(self, scoring: str | Callable) -> None:
        self.scoring = scoring

    def __call__(
        self, estimator: Estimator, X: Table, y: ArrayLike | None = None, **params: Any
    ) -> dict[str, float]:
        score = get_scorer(self.scoring)(estimator, X, y, **params)
        clf = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        gap = clf.leak_gap_
        return {
            "score": float(score),
            "alpha": float(clf.alpha_),
            "temperature": float(getattr(clf, "temperature_", 1.0)),
            "out_of_fold": float(clf.cv_ is not None),
            "codes": float(len(getattr(clf.encoder_, "nominal_", ()))),
            "leak_gap": np.nan if gap is None else float(gap),
        }
