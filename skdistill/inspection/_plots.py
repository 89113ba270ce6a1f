"""The plots of a report as inline SVG."""

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from skdistill.inspection._fidelity import FidelityDisplay
from skdistill.inspection._history import HistoryDisplay
from skdistill.inspection._models import COMPILED, STUDENT, TEACHER
from skdistill.inspection._reliability import ReliabilityDisplay
from skdistill.inspection._segment_display import SegmentDisplay, segment_losses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from skdistill.inspection._report import DistillationReport

# Stands for the colour of the text around the plot, which is dark on light or light on dark.
_INK = "#010203"
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK
    ),
}


def draw(name: str, report: "DistillationReport") -> str | None:
    """One plot of a report; None where it has nothing to show.

    Parameters
    ----------
    name : {"reliability", "fidelity", "segments", "history"}
    report : DistillationReport

    Returns
    -------
    str or None
        An svg element.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # without pyplot there is no state to leave behind

    n_levels = len(segment_losses(report.table)[["column", "level"]].drop_duplicates())
    size = {"segments": (6.4, 1.1 + 0.24 * n_levels), "history": (5.4, 3.2)}.get(name, (4.6, 4.0))
    with rc_context({**_RC, "svg.hashsalt": name}):
        figure = Figure(figsize=size, layout="constrained")
        ax = figure.add_subplot()
        if not _DRAWN[name](report, ax):
            return None
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, dpi=150, metadata={"Date": None})
    return _inline(file.getvalue(), name)


def _reliability(report: "DistillationReport", ax: "Axes") -> bool:
    answers = report.answers
    codes = np.arange(len(answers.classes))
    for name, p in answers.probabilities.items():
        line = "--" if name == COMPILED else "-"  # it lies on the teacher's
        ReliabilityDisplay.from_predictions(
            answers.labels, p, labels=codes, name=name, ax=ax, linestyle=line
        )
    return True


def _fidelity(report: "DistillationReport", ax: "Axes") -> bool:
    answers = report.answers.probabilities
    if TEACHER not in answers:
        return False
    # Thousands of points are smaller as a picture.
    FidelityDisplay.from_predictions(answers[TEACHER], answers[STUDENT], ax=ax, rasterized=True)
    return True


def _segments(report: "DistillationReport", ax: "Axes") -> bool:
    losses = segment_losses(report.table)
    if len(losses):
        SegmentDisplay(losses).plot(ax=ax)
    return len(losses) > 0


def _history(report: "DistillationReport", ax: "Axes") -> bool:
    if report.history:
        HistoryDisplay(report.history).plot(ax=ax)
    return len(report.history) > 0


_DRAWN = {
    "reliability": _reliability,
    "fidelity": _fidelity,
    "segments": _segments,
    "history": _history,
}


def _inline(svg: str, name: str) -> str:
    """The svg element alone, in the colour of the text around it."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace(_INK, "currentColor")
    return svg.replace("<svg", f'<svg role="img" aria-label="{name}"', 1)
