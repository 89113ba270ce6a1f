"""How often a model is right, by how sure it is."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.utils.validation import check_is_fitted

from skdistill._utils.types import ArrayLike, Estimator, FloatArray, IntArray, Table
from skdistill.inspection._display import Display, check_predictions, plot_calibration
from skdistill.inspection._models import probabilities

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ReliabilityDisplay(Display):
    """How often a model is right, by how sure it is.

    For two classes, the share of the second class by its probability; for more, the share of
    right answers by the probability of the most probable class.

    Parameters
    ----------
    prob_true : ndarray of shape (n_bins,)
        Share of the second class, or of right answers, in each bin that has rows.
    prob_pred : ndarray of shape (n_bins,)
        Mean probability in each bin.
    name : str, default=None
        Of the model, for the legend.
    is_binary : bool, default=True
        Which of the two it is.
    counts : ndarray of shape (n_bins,), default=None
        Rows in each bin that has rows; drawn as bars. None draws none.

    Attributes
    ----------
    line_ : matplotlib Artist
    bars_ : matplotlib BarContainer or None
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : The same for two classes.
    skdistill.metrics.expected_calibration_error : One number for it.

    References
    ----------
    .. [1] Guo et al. (2017). On Calibration of Modern Neural Networks.
       https://doi.org/10.48550/arXiv.1706.04599
    """

    def __init__(
        self,
        prob_true: FloatArray,
        prob_pred: FloatArray,
        *,
        name: str | None = None,
        is_binary: bool = True,
        counts: IntArray | None = None,
    ) -> None:
        self.prob_true = prob_true
        self.prob_pred = prob_pred
        self.name = name
        self.is_binary = is_binary
        self.counts = counts

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Table,
        y: ArrayLike,
        *,
        n_bins: int = 10,
        strategy: Literal["uniform", "quantile"] = "uniform",
        show_counts: bool = False,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "ReliabilityDisplay":
        """Ask a classifier, and plot.

        Parameters
        ----------
        estimator : fitted classifier
            With ``predict_proba`` and ``classes_``.
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        n_bins : int, default=10
        strategy : {"uniform", "quantile"}, default="uniform"
            Bins of equal width, or of as many rows.
        show_counts : bool, default=False
            Whether bars show how many rows each bin has.
        name : str, default=None
            None takes the name of the class.
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        ReliabilityDisplay
        """
        check_is_fitted(estimator)
        classes = np.asarray(estimator.classes_)
        return cls.from_predictions(
            y,
            probabilities(estimator, X, classes, "estimator"),
            labels=classes,
            n_bins=n_bins,
            strategy=strategy,
            show_counts=show_counts,
            name=type(estimator).__name__ if name is None else name,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_prob: Table,
        *,
        labels: ArrayLike | None = None,
        n_bins: int = 10,
        strategy: Literal["uniform", "quantile"] = "uniform",
        show_counts: bool = False,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "ReliabilityDisplay":
        """Plot probabilities against the truth.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
        y_prob : array-like of shape (n_samples, n_classes)
        labels : array-like of shape (n_classes,), default=None
            The classes in the order of the columns. None takes the sorted labels of `y_true`.
        n_bins : int, default=10
        strategy : {"uniform", "quantile"}, default="uniform"
            Bins of equal width, or of as many rows.
        show_counts : bool, default=False
            Whether bars show how many rows each bin has.
        name : str, default=None
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        ReliabilityDisplay
        """
        y_true, labels, p = check_predictions(y_true, y_prob, labels)
        if len(labels) == 2:
            right, sure = y_true == labels[1], p[:, 1]
        else:
            right, sure = y_true == labels[p.argmax(axis=1)], p.max(axis=1)
        sure = np.clip(sure, 0, 1)
        true, predicted = calibration_curve(
            right.astype(int), sure, pos_label=1, n_bins=n_bins, strategy=strategy
        )
        counts = _counts(sure, n_bins, strategy) if show_counts else None
        display = cls(true, predicted, name=name, is_binary=len(labels) == 2, counts=counts)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "ReliabilityDisplay":
        """Plot the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        ReliabilityDisplay
        """
        ax = self._prepare(ax)
        self.line_ = plot_calibration(ax, self.prob_pred, self.prob_true, self.name, kwargs)
        if self.is_binary:
            ax.set(xlabel="probability of the second class", ylabel="share of the second class")
        else:
            ax.set(xlabel="probability of the most probable class", ylabel="share of right answers")
        ax.legend(frameon=False, loc="best")
        self.bars_ = None if self.counts is None else self._plot_counts(ax, self.counts)
        return self

    def _plot_counts(self, ax: "Axes", counts: IntArray) -> Any:
        """Bars of rows, on an axis of their own, behind the curves."""
        own = ax.twinx()
        bars = own.bar(self.prob_pred, counts, width=0.04, color="0.5", alpha=0.25)
        own.set(ylim=(0, 3 * max(counts)), yticks=[0, max(counts)])
        own.set_ylabel("rows" if self.name is None else f"rows, {self.name}", loc="bottom")
        return bars


def _counts(sure: FloatArray, n_bins: int, strategy: Literal["uniform", "quantile"]) -> IntArray:
    """Rows in each bin of `calibration_curve` that has any."""
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.percentile(sure, edges * 100)
    counts = np.bincount(np.searchsorted(edges[1:-1], sure), minlength=len(edges))
    return counts[counts > 0]
