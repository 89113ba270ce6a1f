"""The training of a student."""

from typing import TYPE_CHECKING, Any

from skdistill._utils.types import Estimator
from skdistill.inspection._display import COLOURS, Display
from skdistill.inspection._models import subject_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


class HistoryDisplay(Display):
    """Losses and learning rate by epoch.

    Parameters
    ----------
    history : list of dict
        A dict an epoch, with "train_loss" and, where there are validation rows, "valid_loss"; a
        learning rate is found under "lr" or "event_lr".

    Attributes
    ----------
    lines_ : list of matplotlib Artist
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(self, history: list[dict[str, Any]]) -> None:
        self.history = history

    @classmethod
    def from_estimator(
        cls, estimator: Estimator, *, ax: "Axes | None" = None, **kwargs: Any
    ) -> "HistoryDisplay":
        """Plot the training of a student.

        Parameters
        ----------
        estimator : DistilledClassifier, or a Pipeline that ends in one
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        HistoryDisplay
        """
        clf, _ = subject_of(estimator)
        return cls(list(clf.history_)).plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "HistoryDisplay":
        """Plot the losses.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        HistoryDisplay
        """
        ax = self._prepare(ax)
        self.lines_: list[Artist] = []
        losses = {"train_loss": ("training", "control"), "valid_loss": ("validation", "student")}
        for key, (name, role) in losses.items():
            self._plot_line(ax, key, name, {"color": COLOURS[role]} | kwargs)
        ax.set(xlabel="epoch", ylabel="loss")
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        rates = [key for key in ("lr", "event_lr") if any(key in epoch for epoch in self.history)]
        if rates:
            right = ax.twinx()
            style = {"color": COLOURS["teacher"], "linestyle": "--"} | kwargs
            self._plot_line(right, rates[0], "learning rate", style)
            right.set_ylabel("learning rate")
        return self

    def _plot_line(self, ax: "Axes", key: str, name: str, style: dict[str, Any]) -> None:
        points = [(i + 1, epoch[key]) for i, epoch in enumerate(self.history) if key in epoch]
        if points:
            marker = "o" if len(points) == 1 else None
            self.lines_ += ax.plot(*zip(*points, strict=True), label=name, marker=marker, **style)
