"""The student's answers against the teacher's."""

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier

from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill.inspection._ask import ask
from skdistill.inspection._display import COLOURS, Display
from skdistill.inspection._models import STUDENT, TEACHER, find_models, subject_of
from skdistill.inspection._number_answers import median_of, units_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More points than this hide each other; a random part shows the same.
MOST_POINTS = 2_000


class FidelityDisplay(Display):
    """The student's answers against the teacher's, a point a row.

    For two classes the probability of the second; for more, that of the class which the teacher
    finds most probable. Of a regressor the numbers, or the medians.

    Parameters
    ----------
    teacher_prob : ndarray of shape (n_samples,)
        Probabilities, or numbers.
    student_prob : ndarray of shape (n_samples,)
    is_binary : bool, default=True
        Whether there are two classes.
    is_number : bool, default=False
        Whether these are numbers, and no probabilities.

    Attributes
    ----------
    points_ : matplotlib Artist
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    skdistill.metrics.agreement : The share of rows with the same answer.
    skdistill.metrics.kl_divergence : How far the probabilities are from each other.
    """

    def __init__(
        self,
        teacher_prob: FloatArray,
        student_prob: FloatArray,
        *,
        is_binary: bool = True,
        is_number: bool = False,
    ) -> None:
        self.teacher_prob = teacher_prob
        self.student_prob = student_prob
        self.is_binary = is_binary
        self.is_number = is_number

    @classmethod
    def from_estimator(
        cls, estimator: Estimator, X: Table, *, ax: "Axes | None" = None, **kwargs: Any
    ) -> "FidelityDisplay":
        """Ask teacher and student, and plot.

        Parameters
        ----------
        estimator : DistilledClassifier or DistilledRegressor, or a Pipeline that ends in one
            With its teacher.
        X : array-like or DataFrame of shape (n_samples, n_features)
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        FidelityDisplay
        """
        clf, steps = subject_of(estimator)
        if clf.teacher_ is None:
            raise ValueError("`estimator` holds no teacher to compare with: `teacher_` is None.")
        models = find_models(clf, steps, X, None)
        teacher, student = (ask(models[name], clf) for name in (TEACHER, STUDENT))
        if not is_classifier(clf):
            levels = getattr(clf, "quantiles_", None)
            if levels is not None:
                teacher, student = (median_of(told, levels) for told in (teacher, student))
            units = units_of(teacher, np.ones(len(teacher)))
            teacher, student = ((told / units).ravel() for told in (teacher, student))
        return cls.from_predictions(teacher, student, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        teacher_prob: ArrayLike,
        student_prob: ArrayLike,
        *,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "FidelityDisplay":
        """Plot one set of answers against another.

        Parameters
        ----------
        teacher_prob, student_prob : array-like of shape (n_samples, n_classes) or (n_samples,)
            Probabilities, with columns in the same order; or a number a row.
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        FidelityDisplay
        """
        p, q = np.asarray(teacher_prob, dtype=float), np.asarray(student_prob, dtype=float)
        if p.ndim not in (1, 2) or p.shape != q.shape or (p.ndim == 2 and p.shape[1] < 2):
            raise ValueError(
                "`teacher_prob` and `student_prob` must have one shape, (n_samples, n_classes) or "
                f"(n_samples,), got {p.shape} and {q.shape}."
            )
        if not len(p) or not (np.isfinite(p).all() and np.isfinite(q).all()):
            raise ValueError(
                "`teacher_prob` and `student_prob` must hold finite numbers, a row at least: leave "
                "the others out."
            )
        if p.ndim == 1:
            return cls(p, q, is_number=True).plot(ax=ax, **kwargs)
        is_binary = p.shape[1] == 2
        column = np.ones(len(p), dtype=int) if is_binary else p.argmax(axis=1)
        rows = np.arange(len(p))
        display = cls(p[rows, column], q[rows, column], is_binary=is_binary)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "FidelityDisplay":
        """Plot the points, 2,000 of them at most.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        FidelityDisplay
        """
        ax = self._prepare(ax)
        rows = np.arange(len(self.teacher_prob))
        if len(rows) > MOST_POINTS:
            rows = np.random.default_rng(0).choice(len(rows), MOST_POINTS, replace=False)
        style = {"s": 9, "alpha": 0.4, "linewidths": 0} | kwargs
        if not {"c", "color"} & set(kwargs):
            style["color"] = COLOURS["student"]
        ax.plot(*self._diagonal, ":", color="0.5")
        self.points_ = ax.scatter(self.teacher_prob[rows], self.student_prob[rows], **style)
        which = "second class" if self.is_binary else "teacher's class"
        what = "number" if self.is_number else f"probability of the {which}"
        ax.set(xlabel=f"teacher: {what}", ylabel="student: the same")
        return self

    @property
    def _diagonal(self) -> tuple[list[float], list[float]]:
        """Where both say the same."""
        ends = [0.0, 1.0]
        if self.is_number:
            both = np.concatenate([self.teacher_prob, self.student_prob])
            ends = [float(both.min()), float(both.max())]
        return ends, ends
