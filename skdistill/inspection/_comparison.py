"""Teacher, control, student and compiled teacher held against each other, as one tidy table."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skdistill._utils.types import ArrayLike, FloatArray
from skdistill.inspection._answers import Answers
from skdistill.inspection._bootstrap import LEAST_ROWS, Measured, Resampling, interval, spread
from skdistill.inspection._costs import Costs
from skdistill.inspection._models import (
    COMPILED,
    CONTROL,
    EXPORTED,
    PREVIOUS,
    STUDENT,
    TEACHER,
)
from skdistill.inspection._segments import cut
from skdistill.inspection._verdict import CLEAR, Gap, Gaps
from skdistill.inspection._words import amount
from skdistill.metrics import retained_gain

PAIRS = [
    *((STUDENT, CONTROL), (STUDENT, TEACHER), (CONTROL, TEACHER)),
    *((STUDENT, COMPILED), (STUDENT, PREVIOUS)),
]
NOT_PICKLED = "it cannot be pickled"
RETAINED = "retained_gain"
COLUMNS = [
    *("part", "model", "versus", "column", "level", "metric"),
    *("value", "low", "high", "standard_error", "n_rows", "note"),
]


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
    is_labelled : bool, default=True
        Whether the truth is known. Without it only fidelity is told.
    """

    def __init__(
        self, answers: Answers, resampling: Resampling, level: float, is_labelled: bool = True
    ) -> None:
        self.answers = answers
        self.resampling = resampling
        self.level = level
        self.rows: list[dict[str, Any]] = []
        self.is_labelled = is_labelled
        names = answers.by_model if is_labelled else ()
        self.measured = {name: answers.score(name, resampling) for name in names}

    def to_frame(self) -> pd.DataFrame:
        """The table so far, a row a number."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    def gaps(self, first: str, second: str) -> Gaps | None:
        """What the verdict is decided on; None where one of the two is missing."""
        return gaps_of(self.answers, self.measured, first, second)

    def add_all(self, columns: dict[str, ArrayLike]) -> None:
        """Everything that answers tell.

        Parameters
        ----------
        columns : dict of str to array-like of shape (n_rows,)
            To cut rows by.
        """
        self.add_scores()
        self.add_fidelity()
        if not self.is_labelled:
            return
        self.add_retained_gain()
        self.add_parts()
        self.add_segments(columns)
        self.add_changes(columns)

    def add_scores(self) -> None:
        """Scores of each model, and their paired differences."""
        for name, one in self.measured.items():
            self._add_measured(self._all_rows("scores"), one, name)
        for first, second in PAIRS:
            if {first, second} <= set(self.measured):
                less = self.measured[first] - self.measured[second]
                self._add_measured(self._all_rows("differences"), less, first, second)

    def add_fidelity(self) -> None:
        """How near student, control and compiled teacher are to the teacher."""
        if TEACHER not in self.answers.by_model:
            return
        for name in self.answers.by_model:
            if name != TEACHER:
                near = self.answers.nearness(name, self.resampling)
                self._add_measured(self._all_rows("fidelity"), near, name, TEACHER)

    def add_retained_gain(self) -> None:
        """The share of the teacher's lead over the control that the student keeps."""
        for metric, gain in self._gains(self.answers, self.measured).items():
            self._add(self._all_rows("retained gain"), metric, *gain)

    def add_parts(self) -> None:
        """Each class, or each of several targets: teacher, control and student."""
        for part in self.answers.parts():
            group = Group(part.name, len(part.answers), part.column, part.level)
            self._add_part(group, part.answers)

    def add_segments(self, columns: dict[str, ArrayLike]) -> None:
        """Each level of each column.

        Parameters
        ----------
        columns : dict of str to array-like of shape (n_rows,)
        """
        for name, values in columns.items():
            for level, where in cut(name, values):
                self._add_part(Group("segments", len(where), name, level), self.answers.take(where))

    def add_changes(self, columns: dict[str, ArrayLike]) -> None:
        """How far the student is from the previous one: all rows, and each class and segment.

        Parameters
        ----------
        columns : dict of str to array-like of shape (n_rows,)
        """
        if PREVIOUS not in self.measured:
            return
        whole, part = self.answers, "changes"
        most = whole.tolerance()
        self._add_changes(self._all_rows(part), whole, most)
        for one in whole.parts():
            group = Group(part, len(one.answers), one.column, one.level)
            self._add_changes(group, one.answers, one.answers.tolerance())
        for name, values in columns.items():
            for level, where in cut(name, values):
                self._add_changes(Group(part, len(where), name, level), whole.take(where), most)

    def _add_changes(self, group: Group, answers: Answers, most: FloatArray | None) -> None:
        if not answers.weight.sum() > 0:
            return
        changes = answers.changes(self.resampling, most)
        self._add_measured(group, changes, STUDENT, PREVIOUS)
        metric = next(iter(answers.losses))
        one, other = (answers.score_part(name, self.resampling) for name in (STUDENT, PREVIOUS))
        less = one - other
        self._add(group, metric, less.values[metric], less.draws[metric], STUDENT, PREVIOUS)

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
        return Group(part, len(self.answers))

    def _add_part(self, group: Group, answers: Answers) -> None:
        # A compiled teacher says what the teacher says; the previous student has a part of its own.
        names = [name for name in answers.by_model if name not in (EXPORTED, COMPILED, PREVIOUS)]
        measured = {name: answers.score_part(name, self.resampling) for name in names}
        if not answers.weight.sum() > 0:
            for name, nothing in measured.items():
                notes = dict.fromkeys(nothing.values, "no row in y")
                self._add_measured(group, replace(nothing, notes=notes), name)
            return
        for name, one in measured.items():
            self._add_measured(group, one, name)
        metric = next(iter(answers.losses))
        for first, second in PAIRS[:2]:
            if second in measured:
                less = measured[first] - measured[second]
                self._add(group, metric, less.values[metric], less.draws[metric], first, second)
        gains = self._gains(answers, measured)
        if metric in gains:
            self._add(group, RETAINED, *gains[metric])

    def _gains(self, answers: Answers, measured: dict[str, Measured]) -> dict[str, tuple]:
        """Retained gain by each loss, as arguments for a row; with a note where it says nothing."""
        leads = gaps_of(answers, measured, TEACHER, CONTROL)
        if leads is None:
            return {}
        models = [measured[name] for name in (STUDENT, CONTROL, TEACHER)]
        gains: dict[str, tuple] = {}
        for metric, name in answers.losses.items():
            if name not in leads:
                continue
            gap = leads[name]
            if not gap.difference < -CLEAR * gap.standard_error:
                gains[metric] = np.nan, None, STUDENT, None, _not_meaningful(gap)
                continue
            value = float(retained_gain(*(one.values[metric] for one in models)))
            draws = np.asarray(retained_gain(*(one.draws[metric] for one in models)))
            gains[metric] = value, draws, STUDENT, None, ""
        return gains

    def _add_measured(
        self, group: Group, measured: Measured, model: str, versus: str | None = None
    ) -> None:
        for metric, value in measured.values.items():
            note = measured.notes.get(metric, "")
            self._add(group, metric, value, measured.draws.get(metric), model, versus, note)

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


def gaps_of(
    answers: Answers, measured: dict[str, Measured], first: str, second: str
) -> Gaps | None:
    """What one model loses more than another; None where one of the two is missing."""
    if not {first, second} <= set(measured):
        return None
    one, other, gaps = measured[first], measured[second], {}
    for metric, name in answers.losses.items():
        if metric not in one.values:  # of a part not all are measured
            continue
        losses = [answers.loss(metric, model.values[metric]) for model in (one, other)]
        error = spread(one.draws[metric] - other.draws[metric])
        gaps[name] = Gap(losses[0] - losses[1], error, losses[1])
    return gaps


def _not_meaningful(gap: Gap) -> str:
    if np.isnan(gap.standard_error):
        return f"not known: fewer than {LEAST_ROWS} rows"
    lead = amount(-gap.difference, gap.reference, "+")
    error = amount(gap.standard_error, gap.reference)
    return (
        f"not meaningful: the teacher is not ahead of the control by more than {CLEAR:g} standard "
        f"errors (lead {lead}, standard error {error})"
    )
