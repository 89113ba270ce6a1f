"""Teacher, control, student and compiled teacher held against each other, as one tidy table."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skdistill._utils.types import ArrayLike, FloatArray, IntArray
from skdistill.inspection._bootstrap import (
    Measured,
    Resampling,
    interval,
    row_losses,
    row_means,
    score,
    spread,
)
from skdistill.inspection._costs import Costs
from skdistill.inspection._models import COMPILED, CONTROL, STUDENT, TEACHER, Model
from skdistill.inspection._segments import cut
from skdistill.inspection._verdict import CLEAR, Gap, Gaps
from skdistill.metrics import TINY, largest_probability_gap, retained_gain, row_divergences

PAIRS = [(STUDENT, CONTROL), (STUDENT, TEACHER), (CONTROL, TEACHER), (STUDENT, COMPILED)]
NOT_PICKLED = "it cannot be pickled"
COLUMNS = [
    *("part", "model", "versus", "column", "level", "metric"),
    *("value", "low", "high", "standard_error", "n_rows", "note"),
]


@dataclass
class Answers:
    """What the models answered on the rows of the report.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
    labels : ndarray of int of shape (n_rows,)
        Column of the true class.
    weight : ndarray of shape (n_rows,)
    probabilities : dict of str to ndarray of shape (n_rows, n_classes)
    """

    classes: np.ndarray
    labels: IntArray
    weight: FloatArray
    probabilities: dict[str, FloatArray]

    @classmethod
    def of(
        cls, models: dict[str, Model], classes: np.ndarray, y: np.ndarray, weight: FloatArray
    ) -> "Answers":
        """Ask each model; `y` holds labels of `classes`."""
        answers = {name: model.probabilities(classes) for name, model in models.items()}
        return cls(classes, np.searchsorted(classes, y), weight, answers)


class Group(NamedTuple):
    """The rows that a number is about, and the part of the report that it stands in.

    Attributes
    ----------
    part : str
    n_rows : int
    column, level : str, default=None
        None where it is about all rows.
    """

    part: str
    n_rows: int
    column: str | None = None
    level: str | None = None


class Comparison:
    """Collects the rows of the table.

    Parameters
    ----------
    answers : Answers
    resampling : Resampling
    level : float
        Of the intervals.
    """

    def __init__(self, answers: Answers, resampling: Resampling, level: float) -> None:
        self.answers = answers
        self.resampling = resampling
        self.level = level
        self.rows: list[dict[str, Any]] = []
        self.measured = {
            name: score(answers.labels, p, answers.weight, resampling)
            for name, p in answers.probabilities.items()
        }

    def to_frame(self) -> pd.DataFrame:
        """The table so far, a row a number."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    def gaps(self, first: str, second: str) -> Gaps | None:
        """What the verdict is decided on; None where one of the two is missing."""
        if not {first, second} <= set(self.measured):
            return None
        one, other = self.measured[first], self.measured[second]
        errors = {name: spread(draws) for name, draws in (one - other).draws.items()}
        loss, right = other.values["log_loss"], other.values["accuracy"]
        return {
            "log loss": Gap(one.values["log_loss"] - loss, errors["log_loss"], loss),
            "errors": Gap(right - one.values["accuracy"], errors["accuracy"], 1 - right),
        }

    def add_all(self, columns: dict[str, ArrayLike]) -> None:
        """Everything that answers tell.

        Parameters
        ----------
        columns : dict of str to array-like of shape (n_rows,)
            To cut rows by.
        """
        self.add_scores()
        self.add_fidelity()
        self.add_retained_gain()
        self.add_classes()
        self.add_segments(columns)

    def add_scores(self) -> None:
        """Scores of each model, and their paired differences."""
        for name, one in self.measured.items():
            noted = replace(one, notes=one.notes | self._note_zeros(name))
            self._add_measured(self._all_rows("scores"), noted, name)
        for first, second in PAIRS:
            if {first, second} <= set(self.measured):
                less = self.measured[first] - self.measured[second]
                self._add_measured(self._all_rows("differences"), less, first, second)

    def _note_zeros(self, name: str) -> dict[str, str]:
        """Rows of which a model excludes the truth cost 36 each, and so can be most of its loss."""
        p, rows = self.answers.probabilities[name], np.arange(len(self.answers.labels))
        is_zero = (p[rows, self.answers.labels] == 0) & (self.answers.weight > 0)
        if not is_zero.any():
            return {}
        cost = -np.log(TINY) * self.answers.weight[is_zero].sum() / self.answers.weight.sum()
        text = (
            f"The {name} gives the true class exactly 0 on {is_zero.sum():,} of {len(rows):,} "
            f"rows, which makes {cost:.4f} of its log loss"
        )
        return {"log_loss": text}

    def add_fidelity(self) -> None:
        """How near student, control and compiled teacher are to the teacher."""
        answers = self.answers.probabilities
        if TEACHER not in answers:
            return
        teacher, group = answers[TEACHER], self._all_rows("fidelity")
        for name, p in answers.items():
            if name == TEACHER:
                continue
            columns = {
                "agreement": (p.argmax(axis=1) == teacher.argmax(axis=1)) * 1.0,
                "kl_divergence": row_divergences(teacher, p),
            }
            means = row_means(columns, self.answers.weight, self.resampling)
            self._add_measured(group, means, name, TEACHER)
            gap = largest_probability_gap(teacher, p)
            self._add(group, "largest_probability_gap", gap, None, name, TEACHER)

    def add_retained_gain(self) -> None:
        """The share of the teacher's lead over the control that the student keeps."""
        leads, group = self.gaps(TEACHER, CONTROL), self._all_rows("retained gain")
        if leads is None:
            return
        found = [self.measured[name] for name in (STUDENT, CONTROL, TEACHER)]
        for metric, name in (("log_loss", "log loss"), ("accuracy", "errors")):
            gap = leads[name]
            if gap.difference >= -CLEAR * gap.standard_error:
                note = (
                    f"not meaningful: the teacher is not ahead of the control by more than "
                    f"{CLEAR:g} standard errors (lead {-gap.difference:+.4f}, standard error "
                    f"{gap.standard_error:.4f})"
                )
                self._add(group, metric, np.nan, None, STUDENT, note=note)
                continue
            value = float(retained_gain(*(one.values[metric] for one in found)))
            draws = np.asarray(retained_gain(*(one.draws[metric] for one in found)))
            self._add(group, metric, value, draws, STUDENT)

    def add_classes(self) -> None:
        """Each class: recall and log loss of its rows, of teacher, control and student."""
        for code, label in enumerate(self.answers.classes.tolist()):
            where = np.flatnonzero(self.answers.labels == code)
            self._add_group(Group("classes", len(where), "class", str(label)), where, "recall")

    def add_segments(self, columns: dict[str, ArrayLike]) -> None:
        """Each level of each column.

        Parameters
        ----------
        columns : dict of str to array-like of shape (n_rows,)
        """
        for name, values in columns.items():
            for level, where in cut(name, values):
                self._add_group(Group("segments", len(where), name, level), where)

    def add_costs(self, costs: Costs) -> None:
        """Times and sizes, which have no interval.

        Parameters
        ----------
        costs : Costs
        """
        for name, speeds in costs.speeds.items():
            for metric, value in speeds.items():
                self._add(self._all_rows("speed"), metric, value, None, name)
        for name, sizes in costs.sizes.items():
            for metric, n_bytes in sizes.items():
                value, note = (np.nan, NOT_PICKLED) if n_bytes is None else (n_bytes, "")
                self._add(self._all_rows("size"), metric, value, None, name, note=note)

    def _all_rows(self, part: str) -> Group:
        return Group(part, len(self.answers.labels))

    def _add_group(self, group: Group, where: IntArray, hit: str = "accuracy") -> None:
        weight, labels = self.answers.weight[where], self.answers.labels[where]
        measured = {}
        for model, p in self.answers.probabilities.items():
            if model != COMPILED:  # it says what the teacher says
                losses = row_losses(labels, p[where])
                columns = {hit: losses["accuracy"], "log_loss": losses["log_loss"]}
                measured[model] = row_means(columns, weight, self.resampling)
        if not weight.sum() > 0:
            for model, nothing in measured.items():
                notes = dict.fromkeys(nothing.values, "no row in y")
                self._add_measured(group, replace(nothing, notes=notes), model)
            return
        for model, means in measured.items():
            self._add_measured(group, means, model)
        for first, second in PAIRS[:2]:
            if second in measured:
                less = measured[first] - measured[second]
                value, draws = less.values["log_loss"], less.draws["log_loss"]
                self._add(group, "log_loss", value, draws, first, second)

    def _add_measured(
        self, group: Group, measured: Measured, model: str, versus: str | None = None
    ) -> None:
        for metric, value in measured.values.items():
            note = measured.notes.get(metric, "")
            self._add(group, metric, value, measured.draws[metric], model, versus, note)

    def _add(
        self,
        group: Group,
        metric: str,
        value: float,
        draws: FloatArray | None,
        model: str,
        versus: str | None = None,
        note: str = "",
    ) -> None:
        low, high = (np.nan, np.nan) if draws is None else interval(draws, self.level)
        error = np.nan if draws is None else spread(draws)
        row = {"model": model, "versus": versus, "metric": metric, "value": value}
        row |= {"low": low, "high": high, "standard_error": error, "note": note}
        self.rows.append(group._asdict() | row)
