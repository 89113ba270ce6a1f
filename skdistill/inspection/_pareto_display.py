"""The loss of a ladder of students against what they cost."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdistill._utils.types import BoolArray, Estimator, FloatArray
from skdistill.inspection._display import COLOURS, Display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    "bytes": "bytes of the file",
    "us_one_row": "microseconds for one row",
    "us_per_row": "microseconds a row, of 10,000 rows",
}


class ParetoDisplay(Display):
    """The loss of each file of a ladder against its cost, and the Pareto front.

    A file is on the front if no other has both a lower loss and a lower cost.

    Parameters
    ----------
    ladder : DataFrame
        With "size", "quantize", "loss" and the column `x`; times with quartiles besides.
    x : {"bytes", "us_one_row", "us_per_row"}, default="bytes"
        The cost.
    best_index : int, default=None
        Row of the file that is kept.
    teacher_loss : float, default=None
        Shown as a line.
    max_x : float, default=None
        Budget of the cost, shown as a line.
    max_loss : float, default=None
        Budget of the loss, shown as a line.

    Attributes
    ----------
    front_ : ndarray of int
        Places of the files on the front, in ascending cost.
    points_ : list of matplotlib Artist
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    skdistill.StudentLadder : What trains and measures the files.
    """

    def __init__(
        self,
        ladder: pd.DataFrame,
        *,
        x: str = "bytes",
        best_index: int | None = None,
        teacher_loss: float | None = None,
        max_x: float | None = None,
        max_loss: float | None = None,
    ) -> None:
        self.ladder = ladder
        self.x = x
        self.best_index = best_index
        self.teacher_loss = teacher_loss
        self.max_x = max_x
        self.max_loss = max_loss

    @classmethod
    def from_estimator(
        cls, estimator: Estimator, *, x: str = "bytes", ax: "Axes | None" = None, **kwargs: Any
    ) -> "ParetoDisplay":
        """Plot the rungs of a ladder.

        Parameters
        ----------
        estimator : StudentLadder, or a Pipeline that ends in one
            Fitted.
        x : {"bytes", "us_one_row", "us_per_row"}, default="bytes"
            The cost.
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        ParetoDisplay
        """
        ladder = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
        if not hasattr(ladder, "max_latency_us"):
            raise TypeError(
                "`estimator` must be a fitted StudentLadder, or a Pipeline that ends in one, got "
                f"{type(ladder).__name__}."
            )
        check_is_fitted(ladder)
        budgets = {"bytes": ladder.max_bytes, "us_one_row": ladder.max_latency_us}
        display = cls(
            ladder.ladder_,
            x=x,
            best_index=ladder.best_index_,
            teacher_loss=ladder.teacher_loss_,
            max_x=budgets.get(x),
            max_loss=ladder.max_loss,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "ParetoDisplay":
        """Plot the files as points, the front as steps and the file kept as a ring.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        ParetoDisplay
        """
        if self.x not in LABELS:
            raise ValueError(f"`x` must be one of {list(LABELS)}, got {self.x!r}.")
        ax = self._prepare(ax)
        cost, loss = self.ladder[self.x].to_numpy(float), self.ladder["loss"].to_numpy(float)
        self.front_ = pareto_front(cost, loss)
        ax.step(cost[self.front_], loss[self.front_], where="post", color="0.6", zorder=1)
        self.points_ = [
            self._plot_points(ax, cost, loss, quantize, kwargs) for quantize in (None, "int8")
        ]
        if self.best_index is not None:
            ring: dict[str, Any] = {
                "s": 110,
                "facecolors": "none",
                "edgecolors": "black",
                "label": "kept",
            }
            ax.scatter(cost[self.best_index], loss[self.best_index], **ring)
        self._plot_lines(ax)
        ax.set(xlabel=LABELS[self.x], ylabel="loss on rows held out", xscale="log")
        ax.legend(frameon=False)
        return self

    def _plot_points(
        self, ax: "Axes", cost: FloatArray, loss: FloatArray, quantize: str | None, kwargs: Any
    ) -> Any:
        is_int8: BoolArray = (self.ladder["quantize"] == "int8").to_numpy()
        where = np.flatnonzero(is_int8 if quantize else ~is_int8)
        colour = COLOURS["student"] if quantize is None else COLOURS["teacher"]
        style: dict[str, Any] = {"s": 28, "label": quantize or "float32", "zorder": 2} | kwargs
        if not {"c", "color"} & set(kwargs):
            style["color"] = colour
        if f"{self.x}_q25" in self.ladder:
            ends = self.ladder[[f"{self.x}_q25", f"{self.x}_q75"]].to_numpy(float)[where].T
            spread: dict[str, Any] = {"linestyle": "none", "color": colour, "alpha": 0.5}
            ax.errorbar(cost[where], loss[where], xerr=np.abs(ends - cost[where]), **spread)
        return ax.scatter(cost[where], loss[where], **style)

    def _plot_lines(self, ax: "Axes") -> None:
        if self.teacher_loss is not None and np.isfinite(self.teacher_loss):
            ax.axhline(self.teacher_loss, ls=":", color=COLOURS["control"], label="teacher")
        if self.max_loss is not None:
            ax.axhline(self.max_loss, ls="--", color="0.5", label="budget")
        if self.max_x is not None:
            label = None if self.max_loss is not None else "budget"
            ax.axvline(self.max_x, ls="--", color="0.5", label=label)


def pareto_front(cost: FloatArray, loss: FloatArray) -> np.ndarray:
    """The points that no other beats in both.

    Parameters
    ----------
    cost, loss : ndarray of shape (n_points,)

    Returns
    -------
    ndarray of int
        In ascending cost.
    """
    order = np.lexsort((loss, cost))
    lowest = np.minimum.accumulate(np.append(np.inf, loss[order][:-1]))
    return order[loss[order] < lowest]
