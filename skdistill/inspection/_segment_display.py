"""Loss by segment."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skdistill._utils._compat import num_samples
from skdistill._utils.types import ArrayLike, Estimator, Table
from skdistill.inspection._answers import Answers, ClassAnswers
from skdistill.inspection._ask import answers_of, check_truth
from skdistill.inspection._bootstrap import Resampling
from skdistill.inspection._comparison import Comparison
from skdistill.inspection._display import COLOURS, Display, check_predictions
from skdistill.inspection._models import find_models, subject_of
from skdistill.inspection._segments import Segments, find_columns

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


class SegmentDisplay(Display):
    """Loss of each model in each segment: log loss, or of numbers RMSE, of quantiles CRPS.

    Parameters
    ----------
    segments : DataFrame
        Columns "column", "level", "model" and "value", the loss; a row a model and segment.
    loss : str, default="log loss"
        What it is called.

    Attributes
    ----------
    lines_ : list of matplotlib Artist
        A set of points a model.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, segments: pd.DataFrame, *, loss: str = "log loss") -> None:
        self.segments = segments
        self.loss = loss

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
        estimator : DistilledClassifier or DistilledRegressor, or a Pipeline that ends in one
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        segments : str, list of column names or positions, or dict of str to array-like
            As for :class:`DistillationReport`.
        control : fitted model, default=None
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
        answers = answers_of(models, clf, check_truth(y, X, clf), np.ones(num_samples(X)))
        return _display_of(answers, find_columns(segments, X)).plot(ax=ax, **kwargs)

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
        """Plot the log loss of probabilities; for numbers use :meth:`from_estimator`.

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
        answers = ClassAnswers(
            labels,
            np.searchsorted(labels, y_true),
            np.ones(len(y_true)),
            {name: p for name, (_, _, p) in checked.items()},
        )
        return _display_of(answers, segments).plot(ax=ax, **kwargs)

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
        ax.set_xlabel(self.loss)
        ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
        return self


def segments_of(table: pd.DataFrame, answers: Answers) -> SegmentDisplay:
    """What a report's table says of the segments, not drawn."""
    metric, name = next(iter(answers.losses.items()))
    is_loss = (table["part"] == "segments") & (table["metric"] == metric)
    chosen = table[is_loss & table["versus"].isna()]
    columns = ["column", "level", "model", "value"]
    return SegmentDisplay(chosen[columns].reset_index(drop=True), loss=name)


def _display_of(answers: Answers, columns: dict[str, ArrayLike]) -> SegmentDisplay:
    comparison = Comparison(answers, Resampling(0, 0), 0.95)
    comparison.add_segments(columns)
    return segments_of(comparison.to_frame(), answers)
