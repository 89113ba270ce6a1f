"""What displays have in common: computed values first, a plot on demand."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import column_or_1d

from skdistill._fit.checks import check_known, check_soft_targets
from skdistill._utils.types import ArrayLike, FloatArray, Table

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

COLOURS = {
    "teacher": "#c2681a",
    "control": "#7a8794",
    "student": "#2f7fc4",
    "compiled teacher": "#8f5fbf",
}


def has_matplotlib() -> bool:
    """Whether plots can be drawn."""
    return find_spec("matplotlib") is not None


def check_matplotlib(caller: str) -> None:
    """Raise an ImportError that names the extra where matplotlib is not installed."""
    if not has_matplotlib():
        raise ImportError(f"{caller} needs matplotlib: pip install 'skdistill[plot]'.")


class Display:
    """Where a display is drawn."""

    def _prepare(self, ax: "Axes | None") -> "Axes":
        check_matplotlib(type(self).__name__)
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots()
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def plot_calibration(
    ax: "Axes", told: FloatArray, found: FloatArray, name: str | None, kwargs: dict[str, Any]
) -> "Artist":
    """A model's curve of what was found against what it told, and the line where both are equal."""
    reference = "perfectly calibrated"
    if reference not in ax.get_legend_handles_labels()[1]:
        ax.plot([0, 1], [0, 1], ":", color="0.5", label=reference)
    style: dict[str, Any] = {"marker": "o", "markersize": 4, "label": name} | kwargs
    if "c" not in kwargs and name in COLOURS:
        style.setdefault("color", COLOURS[name])
    (line,) = ax.plot(told, found, **style)
    return line


def check_predictions(
    y_true: ArrayLike, y_prob: Table, labels: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, FloatArray]:
    """Labels, classes and probabilities, checked against each other."""
    y = column_or_1d(y_true)
    classes = np.unique(y if labels is None else labels)
    check_known(y, classes, "y_true")
    return y, classes, check_soft_targets(y_prob, classes, len(y), "y_prob")
