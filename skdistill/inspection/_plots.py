"""The plots of a report as inline SVG."""

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import PredictionErrorDisplay

from skdistill._utils.types import FloatArray
from skdistill.inspection._display import COLOURS
from skdistill.inspection._fidelity import MOST_POINTS, FidelityDisplay
from skdistill.inspection._history import HistoryDisplay
from skdistill.inspection._models import COMPILED, EXPORTED, STUDENT, TEACHER
from skdistill.inspection._quantile_display import QuantileDisplay
from skdistill.inspection._reliability import ReliabilityDisplay
from skdistill.inspection._segment_display import segments_of

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
    name : {"reliability", "quantiles", "residuals", "fidelity", "segments", "history"}
    report : DistillationReport

    Returns
    -------
    str or None
        An svg element.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure  # without pyplot there is no state to leave behind

    segments = report.table[report.table["part"] == "segments"]
    n_levels = len(segments[["column", "level"]].drop_duplicates())
    size = {"segments": (6.4, 1.1 + 0.24 * n_levels), "history": (5.4, 3.2)}.get(name, (4.6, 4.0))
    with rc_context({**_RC, "svg.hashsalt": name}):
        figure = Figure(figsize=size, layout="constrained")
        ax = figure.add_subplot()
        if not _DRAWN[name](report, ax):
            return None
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, dpi=150, metadata={"Date": None})
    return _inline(file.getvalue(), name)


def _drawn(answers: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """What has a curve of its own: the exported student lies on the student."""
    return {name: told for name, told in answers.items() if name != EXPORTED}


def _reliability(report: "DistillationReport", ax: "Axes") -> bool:
    answers: Any = report.answers
    codes = np.arange(len(answers.classes))
    for name, p in _drawn(answers.probabilities).items():
        line = "--" if name == COMPILED else "-"  # it lies on the teacher's
        ReliabilityDisplay.from_predictions(
            answers.labels,
            p,
            labels=codes,
            show_counts=name == STUDENT,
            name=name,
            ax=ax,
            linestyle=line,
        )
    return True


def _fidelity(report: "DistillationReport", ax: "Axes") -> bool:
    if TEACHER not in report.answers.by_model:
        return False
    both = (report.answers.plotted(name) for name in (TEACHER, STUDENT))
    # Thousands of points are smaller as a picture.
    FidelityDisplay.from_predictions(*both, ax=ax, rasterized=True)
    return True


def _quantiles(report: "DistillationReport", ax: "Axes") -> bool:
    answers: Any = report.answers
    for name, told in _drawn(answers.predictions).items():
        line = "--" if name == COMPILED else "-"  # it lies on the teacher's
        QuantileDisplay.from_predictions(
            answers.y[:, 0],
            told,
            answers.levels,
            sample_weight=answers.weight,
            name=name,
            ax=ax,
            linestyle=line,
        )
    return True


def _residuals(report: "DistillationReport", ax: "Axes") -> bool:
    shown: Any = report.answers.take(np.flatnonzero(report.answers.weight))
    PredictionErrorDisplay.from_predictions(
        (shown.y / shown.units).ravel(),
        shown.plotted(STUDENT),
        ax=ax,
        subsample=min(MOST_POINTS, shown.y.size),
        random_state=0,
        scatter_kwargs={"color": COLOURS[STUDENT], "s": 9, "alpha": 0.4, "rasterized": True},
        line_kwargs={"color": "0.5", "linestyle": ":", "alpha": 1},
    )
    ax.set(xlabel="prediction", ylabel="truth less prediction")
    return True


def _segments(report: "DistillationReport", ax: "Axes") -> bool:
    display = segments_of(report.table, report.answers)
    if len(display.segments):
        display.plot(ax=ax)
    return len(display.segments) > 0


def _history(report: "DistillationReport", ax: "Axes") -> bool:
    if report.history:
        HistoryDisplay(report.history).plot(ax=ax)
    return len(report.history) > 0


_DRAWN = {
    "reliability": _reliability,
    "quantiles": _quantiles,
    "residuals": _residuals,
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
