"""Students that are trained to choose among, and how two are compared."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.examples import Examples
from skdistill._fit.judge import is_clearly_lower
from skdistill._fit.setting import Setting
from skdistill._utils.types import FloatArray
from skdistill.student import FittedStudent


@dataclass
class LabelledRows:
    """The rows a student learns from.

    Attributes
    ----------
    blocks : list of Block
        The training rows, then the transfer set.
    samplers : list of (str, TransferSampler)
    cv : int, splitter or None
    leak_gap : float or None
    """

    blocks: list[Block]
    samplers: list[tuple[str, Any]]
    cv: Any
    leak_gap: float | None


@dataclass
class Trial:
    """A student and what it learned from.

    Attributes
    ----------
    student : FittedStudent
    history : skorch.history.History
    setting : Setting
    rows : LabelledRows
        That the training began with.
    examples : Examples
        That it ended with: `Rounds` draw others on the way.
    is_calibrated : bool
        Whether the student will be.
    place : int or None, default=None
        Its own in `trials_`.
    in_rounds : bool, default=False
        Whether samplers were to draw rows in the course of its training.
    why : str, default=""
        Why it is the best so far.
    """

    student: FittedStudent
    history: Any
    setting: Setting
    rows: LabelledRows
    examples: Examples
    is_calibrated: bool
    place: int | None = None
    in_rounds: bool = False
    why: str = ""

    @property
    def validation(self) -> Block | None:
        return self.examples.validation

    @property
    def judges(self) -> Block:
        """The validation rows, where there are some."""
        assert self.validation is not None
        return self.validation

    @cached_property
    def outputs(self) -> FloatArray:
        """Of the validation rows, without calibration."""
        return self.student.raw_outputs(self.examples.validation_inputs).astype(np.float64)

    @cached_property
    def row_losses(self) -> FloatArray:
        """Loss of each validation row."""
        return row_losses_of(self.outputs, self.judges, self.is_calibrated)

    def is_better_than(self, other: "Trial") -> bool:
        """Whether it clearly loses less on the validation rows."""
        return self.loses_less_than(other.row_losses)

    def loses_less_than(self, losses: FloatArray) -> bool:
        """Whether it clearly loses less on them than somebody's `losses` of shape (n_rows,)."""
        rows = self.judges
        return is_clearly_lower(self.row_losses, losses, rows.weight, rows.groups)

    @property
    def summary(self) -> dict[str, Any]:
        """What `trials_` says of it."""
        weight, setting = self.judges.weight, self.setting
        return {
            "who": "student" if setting.learns_of_teacher else "control",
            "alpha": setting.alpha,
            "temperature": setting.temperature,
            "cv": self.rows.cv,
            "nominal": list(getattr(setting.encoder, "nominal_", [])),
            "log_loss": float(np.average(self.row_losses, weights=weight)),
            "is_kept": False,
        }

    @property
    def best_share(self) -> float:
        """Share of the epochs planned at the end of which the validation loss was lowest."""
        best = int(np.argmin(self.history[:, "valid_loss"])) + 1
        return best / self.student.net.max_epochs


def row_losses_of(outputs: FloatArray, rows: Block, is_calibrated: bool) -> FloatArray:
    """Loss of each row, at the best temperature where `is_calibrated`."""
    if is_calibrated:
        outputs = outputs / rows.task.calibrate(outputs, rows.labels, rows.weight)
    return rows.task.row_losses(outputs, rows.labels)
