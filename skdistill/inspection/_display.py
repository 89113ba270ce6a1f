"""What displays have in common: computed values first, a plot on demand."""

from importlib.util import find_spec

import numpy as np
from sklearn.utils.validation import column_or_1d

from skdistill._fit.checks import check_known, check_soft_targets

COLOURS = {
    "teacher": "#c2681a",
    "control": "#7a8794",
    "student": "#2f7fc4",
    "compiled teacher": "#8f5fbf",
}


def has_matplotlib():
    """Whether plots can be drawn."""
    return find_spec("matplotlib") is not None


def check_matplotlib(caller):
    """Raise an ImportError that names the extra where matplotlib is not installed."""
    if not has_matplotlib():
        raise ImportError(f"{caller} needs matplotlib: pip install 'skdistill[plot]'.")


class Display:
    """Where a display is drawn."""

    def _prepare(self, ax):
        check_matplotlib(type(self).__name__)
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots()
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def check_predictions(y_true, y_prob, labels):
    """Labels, classes and probabilities, checked against each other."""
    y_true = column_or_1d(y_true)
    labels = np.unique(y_true if labels is None else labels)
    check_known(y_true, labels, "y_true")
    return y_true, labels, check_soft_targets(y_prob, labels, len(y_true), "y_prob")
