"""Students that are trained as candidates, and the comparison of two."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.examples import Examples
from skdistill._fit.judge import is_clearly_lower
from skdistill._fit.setting import Setting
from skdistill._fit.transfer_set import LabelledRows
from skdistill._utils.types import FloatArray
from skdistill._utils.warn import Remark
from skdistill.student import FittedStudent
from skdistill.task import Task


@dataclass
class Fitting:
    """A student trained on one part of the rows, and what it learned from.

    Attributes
    ----------
    student : FittedStudent
    history : skorch.history.History
    rows : LabelledRows
        The rows at the start of the training.
    examples : Examples
        The rows at its end: `Rounds` draw others in between.
    in_rounds : bool, default=False
        Whether samplers draw rows during its training.
    """

    student: FittedStudent
    history: Any
    rows: LabelledRows
    examples: Examples
    in_rounds: bool = False

    @property
    def judges(self) -> Block:
        """The validation rows, if there are some."""
        assert self.examples.validation is not None
        return self.examples.validation

    @property
    def outputs(self) -> FloatArray:
        """Of the validation rows, without calibration."""
        return self.student.raw_outputs(self.examples.validation_inputs).astype(np.float64)


@dataclass
class Trial:
    """A candidate: a student trained once, or once for each fold.

    Attributes
    ----------
    setting : Setting
    fittings : list of Fitting
        One, or one for each fold, each judged on the rows that it does not learn from.
    is_calibrated : bool
        Whether the student will be.
    place : int or None, default=None
        Its position in `trials_`.
    why : str, default=""
        Why it is the best so far.
    remark : Remark or None, default=None
        What surprises, of the one that is kept.
    """

    setting: Setting
    fittings: list[Fitting]
    is_calibrated: bool
    place: int | None = None
    why: str = ""
    remark: Remark | None = None

    @property
    def first(self) -> Fitting:
        return self.fittings[0]

    @property
    def rows(self) -> LabelledRows:
        return self.first.rows

    @property
    def n_tempered(self) -> int:
        """Labels that `label_tolerance` moved, in the first part."""
        return self.rows.n_tempered

    @property
    def task(self) -> Task:
        return self.first.examples.blocks[0].task

    @cached_property
    def validation(self) -> Block | None:
        """The validation rows of all fittings, without their tables; None where there are none."""
        blocks = [fitting.examples.validation for fitting in self.fittings]
        return None if blocks[0] is None else joined([one for one in blocks if one is not None])

    @property
    def judges(self) -> Block:
        """The validation rows, if there are some."""
        assert self.validation is not None
        return self.validation

    @cached_property
    def outputs(self) -> FloatArray:
        """Of the validation rows, without calibration."""
        return np.concatenate([fitting.outputs for fitting in self.fittings])

    def forget_inputs(self) -> None:
        """Free the encoded rows; the outputs for validation rows stay."""
        if self.validation is not None:
            assert len(self.outputs) == len(self.validation)
        for fitting in self.fittings:
            fitting.examples.inputs = np.empty((0, 0), np.float32)

    @cached_property
    def row_losses(self) -> FloatArray:
        """Loss of each validation row."""
        return row_losses_of(self.outputs, self.judges, self.is_calibrated)

    @property
    def mean_loss(self) -> float:
        return float(np.average(self.row_losses, weights=self.judges.weight))

    def is_better_than(self, other: "Trial") -> bool:
        """Whether its loss on the validation rows is clearly lower."""
        return self.loses_less_than(other.row_losses)

    def loses_less_than(self, losses: FloatArray) -> bool:
        """Whether its loss on them is clearly lower than other `losses` of shape (n_rows,)."""
        rows = self.judges
        hard_row = rows.task.hard_row(losses)
        return is_clearly_lower(self.row_losses, losses, rows.weight, rows.groups, hard_row)

    def is_behind(self, losses: FloatArray) -> bool:
        """Whether its loss is higher, even slightly, than other `losses` of shape (n_rows,)."""
        return self.mean_loss > float(np.average(losses, weights=self.judges.weight))

    @property
    def summary(self) -> dict[str, Any]:
        """Its entry in `trials_`."""
        setting = self.setting
        return {
            "who": "student" if setting.learns_of_teacher else "control",
            "alpha": setting.alpha,
            "temperature": setting.temperature,
            "cv": self.rows.cv,
            "nominal": list(getattr(setting.encoder, "nominal_", [])),
            self.judges.task.loss_key: self.mean_loss,
            "is_kept": False,
        }

    @property
    def best_share(self) -> float:
        """Share of the planned epochs after which the validation loss was lowest.

        With several fittings, it is their mean loss. Of a net that is trained in two phases, it is
        the share of the first.
        """
        net = self.first.student.net
        n_judged = getattr(net, "n_judged_", net.max_epochs)
        curves = [fitting.history[:, "valid_loss"] for fitting in self.fittings]
        n_epochs = min(n_judged, *map(len, curves))
        best = int(np.argmin(np.mean([curve[:n_epochs] for curve in curves], axis=0))) + 1
        return best / n_judged


def joined(blocks: list[Block]) -> Block:
    """The labels, weights and groups of several blocks."""
    if len(blocks) == 1:
        return blocks[0]
    groups = [block.groups for block in blocks if block.groups is not None]
    return replace(
        blocks[0],
        X=None,
        labels=np.concatenate([block.labels for block in blocks]),
        weight=np.concatenate([block.weight for block in blocks]),
        soft=None,
        groups=np.concatenate(groups) if groups else None,
    )


def row_losses_of(outputs: FloatArray, rows: Block, is_calibrated: bool) -> FloatArray:
    """Loss of each row, at the best temperature if `is_calibrated`."""
    if is_calibrated:
        outputs = outputs / rows.task.calibrate(outputs, rows.labels, rows.weight)
    return rows.task.row_losses(outputs, rows.labels)
