"""The student's probabilities against the teacher's."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill._utils.types import ArrayLike, Estimator, FloatArray, Table
from skdistill.inspection._display import COLOURS, Display
from skdistill.inspection._models import probabilities, subject_of, transformed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More points than this hide each other; a random part shows the same.
MOST_POINTS = 2_000


class FidelityDisplay(Display):
    """The student's probabilities against the teacher's, a point a row.

    For two classes the probability of the second; for more, that of the class which the teacher
    finds most probable.

    Parameters
    ----------
    teacher_prob : ndarray of shape (n_samples,)
    student_prob : ndarray of shape (n_samples,)
    is_binary : bool, default=True
        Whether there are two classes.

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
        self, teacher_prob: FloatArray, student_prob: FloatArray, *, is_binary: bool = True
    ) -> None:
        self.teacher_prob = teacher_prob
        self.student_prob = student_prob
        self.is_binary = is_binary

    @classmethod
    def from_estimator(
        cls, estimator: Estimator, X: Table, *, ax: "Axes | None" = None, **kwargs: Any
    ) -> "FidelityDisplay":
        """Ask teacher and student, and plot.

        Parameters
        ----------
        estimator : DistilledClassifier, or a Pipeline that ends in one
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
        X = transformed(steps, X)
        return cls.from_predictions(
            probabilities(clf.teacher_, X, clf.classes_, "teacher_"),
            probabilities(clf, X, clf.classes_, "estimator"),
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        teacher_prob: ArrayLike,
        student_prob: ArrayLike,
        *,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "FidelityDisplay":
        """Plot one set of probabilities against another.

        Parameters
        ----------
        teacher_prob, student_prob : array-like of shape (n_samples, n_classes)
            Columns in the same order.
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        FidelityDisplay
        """
        p, q = np.asarray(teacher_prob, dtype=float), np.asarray(student_prob, dtype=float)
        if p.ndim != 2 or p.shape != q.shape or p.shape[1] < 2:
            raise ValueError(
                "`teacher_prob` and `student_prob` must have one shape (n_samples, n_classes), got "
                f"{p.shape} and {q.shape}."
            )
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
        ax.plot([0, 1], [0, 1], ":", color="0.5")
        self.points_ = ax.scatter(self.teacher_prob[rows], self.student_prob[rows], **style)
        which = "second class" if self.is_binary else "teacher's class"
        ax.set(xlabel=f"teacher: probability of the {which}", ylabel="student: the same")
        return self
