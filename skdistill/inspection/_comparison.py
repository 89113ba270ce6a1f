"""Teacher, control, student and compiled teacher held against each other, as one tidy table."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skdistill.inspection._bootstrap import (
    SCORES,
    interval,
    row_losses,
    row_means,
    score,
    spread,
)
from skdistill.inspection._segments import cut
from skdistill.inspection._verdict import CLEAR, Gap
from skdistill.metrics import TINY, largest_probability_gap, retained_gain, row_divergences

TEACHER, CONTROL, STUDENT, COMPILED = "teacher", "control", "student", "compiled teacher"
PAIRS = [(STUDENT, CONTROL), (STUDENT, TEACHER), (CONTROL, TEACHER), (STUDENT, COMPILED)]
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
    labels: np.ndarray
    weight: np.ndarray
    probabilities: dict


class Comparison:
    """Collects the rows of the table.

    Parameters
    ----------
    answers : Answers
    resampling : Resampling
    level : float
        Of the intervals.
    """

    def __init__(self, answers, resampling, level):
        self.answers = answers
        self.resampling = resampling
        self.level = level
        self.rows = []
        self.measured = {
            name: score(answers.labels, p, answers.weight, resampling)
            for name, p in answers.probabilities.items()
        }

    def to_frame(self):
        """The table so far, a row a number."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    def gaps(self, first, second):
        """What the verdict is decided on; None where one of the two is missing."""
        if first not in self.measured or second not in self.measured:
            return None
        a, b = self.measured[first], self.measured[second]
        losses = spread(a.draws["log_loss"] - b.draws["log_loss"])
        errors = spread(a.draws["accuracy"] - b.draws["accuracy"])
        return {
            "log loss": Gap(
                a.values["log_loss"] - b.values["log_loss"], losses, b.values["log_loss"]
            ),
            "errors": Gap(
                b.values["accuracy"] - a.values["accuracy"], errors, 1 - b.values["accuracy"]
            ),
        }

    def add_scores(self):
        """Scores of each model, and their paired differences."""
        for name, one in self.measured.items():
            notes = one.notes | self._note_zeros(name)
            for metric in SCORES:
                value, note = one.values[metric], notes.get(metric, "")
                self._add("scores", metric, value, one.draws[metric], name, note=note)
        for first, second in PAIRS:
            if first in self.measured and second in self.measured:
                a, b = self.measured[first], self.measured[second]
                for metric in SCORES:
                    value, draws = (
                        a.values[metric] - b.values[metric],
                        a.draws[metric] - b.draws[metric],
                    )
                    note = a.notes.get(metric, "")
                    self._add("differences", metric, value, draws, first, second, note=note)

    def _note_zeros(self, name):
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

    def add_fidelity(self):
        """How near student, control and compiled teacher are to the teacher."""
        answers = self.answers.probabilities
        if TEACHER not in answers:
            return
        teacher = answers[TEACHER]
        for name, p in answers.items():
            if name == TEACHER:
                continue
            columns = {
                "agreement": (p.argmax(axis=1) == teacher.argmax(axis=1)) * 1.0,
                "kl_divergence": row_divergences(teacher, p),
            }
            means = row_means(columns, self.answers.weight, self.resampling)
            for metric in columns:
                value, draws = means.values[metric], means.draws[metric]
                self._add("fidelity", metric, value, draws, name, TEACHER)
            gap = largest_probability_gap(teacher, p)
            self._add("fidelity", "largest_probability_gap", gap, None, name, TEACHER)

    def add_retained_gain(self):
        """The share of the teacher's lead over the control that the student keeps."""
        if not {TEACHER, CONTROL} <= set(self.measured):
            return
        found = [self.measured[name] for name in (STUDENT, CONTROL, TEACHER)]
        for metric, name in (("log_loss", "log loss"), ("accuracy", "errors")):
            gap = self.gaps(TEACHER, CONTROL)[name]
            if gap.difference >= -CLEAR * gap.standard_error:
                note = (
                    f"not meaningful: the teacher is not ahead of the control by more than "
                    f"{CLEAR:g} standard errors (lead {-gap.difference:+.4f}, standard error "
                    f"{gap.standard_error:.4f})"
                )
                self._add("retained gain", metric, np.nan, None, STUDENT, note=note)
                continue
            value = retained_gain(*(one.values[metric] for one in found))
            draws = retained_gain(*(one.draws[metric] for one in found))
            self._add("retained gain", metric, value, draws, STUDENT)

    def add_classes(self):
        """Each class: recall and log loss of its rows, of teacher, control and student."""
        for code, label in enumerate(self.answers.classes.tolist()):
            where = np.flatnonzero(self.answers.labels == code)
            self._add_group("classes", "class", str(label), where, {"accuracy": "recall"})

    def add_segments(self, columns):
        """Each level of each column.

        Parameters
        ----------
        columns : dict of str to array-like of shape (n_rows,)
        """
        for name, values in columns.items():
            for level, where in cut(name, values):
                self._add_group("segments", name, level, where, {})

    def add_measurements(self, part, model, values, note=""):
        """Numbers without an interval: times and sizes."""
        for metric, value in values.items():
            self._add(part, metric, value, None, model, note=note)

    def _add_group(self, part, column, level, where, names):
        place = {"column": column, "level": level, "n_rows": len(where)}
        weight = self.answers.weight[where]
        # The compiled teacher says what the teacher says.
        answers = {m: p for m, p in self.answers.probabilities.items() if m != COMPILED}
        if not weight.sum() > 0:
            note = "no row in y"
            for model in answers:
                for metric in ("accuracy", "log_loss"):
                    metric = names.get(metric, metric)
                    self._add(part, metric, np.nan, None, model, note=note, **place)
            return
        losses = {}
        for model, p in answers.items():
            columns = row_losses(self.answers.labels[where], p[where])
            losses[model] = row_means(columns, weight, self.resampling)
        for model, means in losses.items():
            for metric, value in means.values.items():
                draws = means.draws[metric]
                self._add(part, names.get(metric, metric), value, draws, model, **place)
        for first, second in PAIRS[:2]:
            if second in losses:
                a, b = losses[first], losses[second]
                value = a.values["log_loss"] - b.values["log_loss"]
                draws = a.draws["log_loss"] - b.draws["log_loss"]
                self._add(part, "log_loss", value, draws, first, second, **place)

    def _add(self, part, metric, value, draws, model, versus=None, note="", **place):
        low, high = (np.nan, np.nan) if draws is None else interval(draws, self.level)
        error = np.nan if draws is None else spread(draws)
        row = {"part": part, "model": model, "versus": versus, "metric": metric, "value": value}
        row |= {"low": low, "high": high, "standard_error": error, "note": note}
        row |= {"n_rows": len(self.answers.labels)} | place
        self.rows.append({name: row.get(name) for name in COLUMNS})
