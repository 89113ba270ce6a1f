"""The training of a student."""

from skdistill.inspection._display import COLOURS, Display
from skdistill.inspection._models import subject_of


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

    def __init__(self, history):
        self.history = history

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **kwargs):
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

    def plot(self, ax=None, **kwargs):
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
        self.lines_ = []
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

    def _plot_line(self, ax, key, name, style):
        points = [(i + 1, epoch[key]) for i, epoch in enumerate(self.history) if key in epoch]
        if points:
            marker = "o" if len(points) == 1 else None
            self.lines_ += ax.plot(*zip(*points, strict=True), label=name, marker=marker, **style)
