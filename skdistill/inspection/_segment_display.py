"""Log loss by segment."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skdistill._utils.types import ArrayLike, Estimator, Table
from skdistill.inspection._bootstrap import Resampling
from skdistill.inspection._comparison import Answers, Comparison
from skdistill.inspection._display import COLOURS, Display, check_predictions
from skdistill.inspection._models import find_models, subject_of
from skdistill.inspection._segments import Segments, find_columns

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


class SegmentDisplay(Display):
    """Log loss of each model in each segment.

    Parameters
    ----------
    segments : DataFrame
        Columns "column", "level", "model" and "value", the log loss; a row a model and segment.

    Attributes
    ----------
    lines_ : list of matplotlib Artist
        A set of points a model.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, segments: pd.DataFrame) -> None:
        self.segments = segments

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        y: ArrayLike,
        *,
        segments: Segments,
        control: Estimator | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "SegmentDisplay":
        """Ask teacher, control and student, and plot.

        Parameters
        ----------
        estimator : DistilledClassifier, or a Pipeline that ends in one
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        segments : str, list of column names or positions, or dict of str to array-like
            As for :class:`DistillationReport`.
        control : fitted classifier, default=None
            Gets X as `estimator` does.
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        SegmentDisplay
        """
        clf, steps = subject_of(estimator)
        models = find_models(clf, steps, X, control)
        answers = {name: model.probabilities(clf.classes_) for name, model in models.items()}
        return cls.from_predictions(
            y, answers, segments=find_columns(segments, X), labels=clf.classes_, ax=ax, **kwargs
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_prob: dict[str, Table],
        *,
        segments: dict[str, ArrayLike],
        labels: ArrayLike | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "SegmentDisplay":
        """Plot the log loss of probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
        y_prob : dict of str to array-like of shape (n_samples, n_classes)
            Probabilities by model.
        segments : dict of str to array-like of shape (n_samples,)
        labels : array-like of shape (n_classes,), default=None
            The classes in the order of the columns. None takes the sorted labels of `y_true`.
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        SegmentDisplay
        """
        checked = {name: check_predictions(y_true, p, labels) for name, p in y_prob.items()}
        y_true, labels, _ = next(iter(checked.values()))
        answers = Answers(
            labels,
            np.searchsorted(labels, y_true),
            np.ones(len(y_true)),
            {name: p for name, (_, _, p) in checked.items()},
        )
        comparison = Comparison(answers, Resampling(0, 0), 0.95)
        comparison.add_segments(segments)
        return cls(segment_losses(comparison.to_frame())).plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "SegmentDisplay":
        """Plot a line a segment, a point a model.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        SegmentDisplay
        """
        ax = self._prepare(ax)
        wide = self.segments.pivot_table(
            index=["column", "level"], columns="model", values="value", sort=False
        )
        heights = np.arange(len(wide))
        ax.hlines(heights, wide.min(axis=1), wide.max(axis=1), color="0.5", alpha=0.5, linewidth=1)
        self.lines_: list[Artist] = []
        for model in [name for name in COLOURS if name in wide] + sorted(set(wide) - set(COLOURS)):
            style = {"color": COLOURS.get(model), "label": model} | kwargs
            self.lines_ += ax.plot(wide[model], heights, "o", **style)
        ax.set_yticks(heights, [f"{column}: {level}" for column, level in wide.index])
        ax.invert_yaxis()
        ax.set_xlabel("log loss")
        ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
        return self


def segment_losses(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a report's table that a :class:`SegmentDisplay` shows."""
    is_loss = (table["part"] == "segments") & (table["metric"] == "log_loss")
    chosen = table[is_loss & table["versus"].isna()]
    return chosen[["column", "level", "model", "value"]].reset_index(drop=True)
