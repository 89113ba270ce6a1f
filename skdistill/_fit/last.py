"""The last training of a fit: on all rows, with the choices made on held-out rows."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.inputs import Inputs
from skdistill._fit.jobs import Steps
from skdistill._fit.labelling import Labeller, with_teacher
from skdistill._fit.run import Run
from skdistill._fit.teachers import fit_teacher
from skdistill._fit.training import is_fitted_again, make_examples, train_for
from skdistill._fit.transfer_set import LabelledRows, label_once
from skdistill._fit.trials import Trial
from skdistill._fit.views import find_views
from skdistill._utils.types import FloatArray
from skdistill._utils.warn import said_once
from skdistill.student import FittedStudent
from skdistill.teacher import RowWeights

KEPT = "the student that was fitted without the rows held out is kept"


@dataclass
class Last:
    """The final student of a fit, the labeller of its rows, and the rows it learned from.

    Attributes
    ----------
    student : FittedStudent
    labeller : Labeller
        With the teacher.
    samplers : list of (str, TransferSampler)
    blocks : list of Block
    """

    student: FittedStudent
    labeller: Labeller
    samplers: list[tuple[str, Any]]
    blocks: list[Block]


def train_at_last(trial: Trial, parts: list[Inputs], whole: Inputs, run: Run) -> Steps[Last]:
    """Fit teachers and student on all rows.

    The choices made on the held-out rows are kept: settings, epoch and calibration.

    Parameters
    ----------
    trial : Trial
        The one that is kept.
    parts : list of Inputs
        The rows that it learned from, and those that judged it.
    whole : Inputs
        All rows of these.
    run : Run

    Returns
    -------
    Last
        With the student at hand if there is no time, or if a step fails or is ended.
    """
    first = trial.first
    at_hand = Last(first.student, parts[0].labeller, first.rows.samplers, first.examples.blocks)
    # The best share of a training in rounds says nothing about a training without rounds.
    may = is_fitted_again(run, parts[0].holds_out) and not first.in_rounds
    if run.is_over or not may:
        return at_hand
    last = None
    with run.optional("training the student again", KEPT):
        fits_teachers = run.plan.has_unfitted_teachers and not run.plan.continues
        # A new teacher would have to be asked for all rows again.
        fits_teachers = fits_teachers and run.plan.queries is None
        if fits_teachers or len(parts) > 1:
            last = yield from _fit_everything(trial, parts, whole, run)
        else:
            last = yield from _with_rows_held_out(trial, at_hand, run)
    return at_hand if last is None or run.was_ended else last


def _fit_everything(trial: Trial, parts: list[Inputs], whole: Inputs, run: Run) -> Steps[Last]:
    """Fit the teachers again, label all rows, and train the student on them."""
    setting, share = trial.setting, trial.best_share
    trial.forget_inputs()  # those of the first training are not needed again
    run.encoded = run.plan.once(("encoded", "all rows"), run.encoded.afresh)
    with said_once():
        whole = replace(whole, labeller=_whole_labeller(parts, whole, run))
        teacher = run.teacher = whole.labeller.teacher
        rows = LabelledRows([whole.block.with_weight()], [], None, None)
        if setting.learns_of_teacher:
            cv = trial.rows.cv
            rows = label_once(
                whole.in_folds(cv), setting, None, cv, run, f"all rows of {len(parts)}"
            )
    examples = make_examples(setting, rows.blocks, None, teacher, run)
    learned_rows = examples.training(run.plan.response, setting.temperature)
    text = f"training the student again, on all {len(learned_rows)} rows"
    student = yield from train_for(
        share, setting, rows.blocks, learned_rows, run, "refit-student", text, KEPT
    )
    return Last(student, whole.labeller, rows.samplers, rows.blocks)


def _whole_labeller(parts: list[Inputs], whole: Inputs, run: Run) -> Labeller:
    """The labeller of all rows: by teachers that were fitted on them."""

    def fit() -> Labeller:
        return with_teacher(whole, fit_teacher(whole, run, _mean_weights(parts)), run).labeller

    # The weights depend on the number of parts.
    return run.plan.once(("labeller of all rows", len(parts)), fit).at(run.plan.temperatures)


def _mean_weights(parts: list[Inputs]) -> FloatArray | RowWeights | None:
    """Mean weights of the teachers over the parts."""
    pools = [part.labeller.teacher for part in parts]
    found = [pool.weighing_ for pool in pools if pool is not None]
    by_row = [weights for weights in found if isinstance(weights, RowWeights)]
    if by_row:
        return RowWeights.mean_of(by_row)
    return np.mean(found, axis=0) if found else None


def _with_rows_held_out(trial: Trial, at_hand: Last, run: Run) -> Steps[Last]:
    """Train the student on the rows at hand and the held-out ones, with the present teacher."""
    setting, examples = trial.setting, trial.first.examples
    assert examples.validation is not None
    held_out, response = [examples.validation], run.plan.response
    teacher, first = at_hand.labeller.teacher, examples.blocks[0]
    views = find_views(setting, teacher, held_out, run.plan, first)
    rows = examples.everything(response, setting.temperature, views)
    text = f"training the student again, on all {len(rows)} rows"
    blocks = [*examples.blocks, examples.validation]
    student = yield from train_for(
        trial.best_share, setting, blocks, rows, run, "refit-student", text, KEPT
    )
    return replace(at_hand, student=student)
