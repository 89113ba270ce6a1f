"""The loss of a student over all groups, if too few groups are held out."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._fit.calibration import cooler_temperature
from skdistill._fit.candidates import FEWEST_JUDGES
from skdistill._fit.inputs import Inputs
from skdistill._fit.jobs import Steps
from skdistill._fit.labelling import validation_rows, with_teacher
from skdistill._fit.plan import N_FOLDS
from skdistill._fit.run import Run
from skdistill._fit.teachers import fit_teacher
from skdistill._fit.training import make_examples, train_for
from skdistill._fit.transfer_set import LabelledRows, label_rows
from skdistill._fit.trials import Trial, row_losses_of
from skdistill._utils.types import FloatArray, Split
from skdistill._utils.warn import said_once
from skdistill._utils.weights import n_effective
from skdistill.teacher import find_partition


@dataclass
class Judgement:
    """The judgement of a student on all groups.

    Attributes
    ----------
    loss : float
    n_groups : int
    temperature : float or None
        The calibration temperature; None if it is not calibrated.
    rows : Block
        All of them, without their tables.
    outputs : ndarray of shape (n_rows, n_outputs)
        By students that had not seen the group.
    """

    loss: float
    n_groups: int
    temperature: float | None
    rows: Block
    outputs: FloatArray


def judge_by_all_groups(whole: Inputs, trial: Trial, run: Run) -> Steps[Judgement | None]:
    """Find the loss and the calibration on all groups, if few are held out.

    In each fold, teachers and a student like it are trained on the other groups.

    Parameters
    ----------
    whole : Inputs
        Before rows were held out, with the teacher.
    trial : Trial
        The one that is kept.
    run : Run

    Returns
    -------
    Judgement or None
        None if it is not needed, or if it failed or was ended.
    """
    if not _needs_all_groups(whole, trial, run):
        return None
    assert whole.groups is not None
    used = np.flatnonzero(whole.weights)
    # The folds need only the row numbers of X.
    rows = replace(whole.block, X=np.arange(len(whole.labels))).take(used)
    outputs = np.empty((len(used), run.task.n_outputs))
    kept = "the loss and the calibration are those of the few groups held out"
    with run.optional("judging the student by all groups", kept):
        folds = find_partition(N_FOLDS, used, whole.strata[used], rows.groups)
        run.progress.say(
            f"judging by all groups: {N_FOLDS} more fits; a splitter as `validation_fraction` "
            "does without"
        )
        for number, (_, test) in enumerate(folds):
            assert rows.groups is not None
            is_other = ~np.isin(whole.groups, rows.groups[test])
            part = whole.hold_out(np.flatnonzero(is_other), used[test])
            outputs[test] = yield from _outputs_of_twin(part, number, trial, run)
            if run.was_ended:
                return None
        return _judge(outputs, rows, folds, run)
    return None


def _needs_all_groups(whole: Inputs, trial: Trial, run: Run) -> bool:
    rows = trial.validation
    if whole.groups is None or trial.place is None or rows is None or rows.groups is None:
        return False
    is_ours = run.plan.is_student_ours and not run.plan.parameters.warm_start
    weight = np.bincount(np.unique(rows.groups, return_inverse=True)[1], weights=rows.weight)
    is_few = n_effective(weight) < FEWEST_JUDGES and whole.fills_folds(N_FOLDS)
    is_free = run.plan.deadline is None and not run.was_ended and run.plan.queries is None
    return is_ours and whole.split is None and is_few and is_free


def _outputs_of_twin(part: Inputs, number: int, trial: Trial, run: Run) -> Steps[FloatArray]:
    """Outputs for the rows held out of `part`, by a student trained on the rest like `trial`'s.

    It is trained for the same share of the epochs, so that no choice depends on these rows.
    """
    setting = trial.setting
    if setting.learns_of_teacher:
        with said_once():
            key = "twin", number, trial.rows.cv is None, part.labeller.floored
            part, rows = run.plan.once(key, partial(_rows_of_twin, part, trial, run))
    else:
        rows = LabelledRows([part.block.with_weight()], [], None, None)
    encoded = run.plan.once(("encoded", "twin", number), run.encoded.afresh)
    own = replace(run, encoded=encoded)
    validation = validation_rows(part, run.plan)
    examples = make_examples(setting, rows.blocks, validation, part.labeller.teacher, own)
    text = f"training a student without a fifth of the groups, on {examples.n_training} rows"
    learned = examples.training(run.plan.response, setting.temperature)
    student = yield from train_for(
        trial.best_share, setting, rows.blocks, learned, own, "fit-student", text
    )
    run.was_ended = own.was_ended
    return student.raw_outputs(examples.validation_inputs).astype(np.float64)


def _rows_of_twin(part: Inputs, trial: Trial, run: Run) -> tuple[Inputs, LabelledRows]:
    """Rows of `part` and rows drawn, labelled by a teacher that has seen no others."""
    weights = getattr(part.labeller.teacher, "weights_", None)
    part = with_teacher(part, fit_teacher(part, run, weights), run)
    learned = part.in_folds(trial.rows.cv)
    return part, label_rows(learned, trial.setting, None, trial.rows.cv, run)


def _judge(outputs: FloatArray, rows: Block, folds: list[Split], run: Run) -> Judgement:
    assert rows.groups is not None
    losses = row_losses_of(outputs, rows, is_calibrated=False)
    temperature = None
    if run.plan.parameters.calibrate and run.task.has_classes:
        temperature = cooler_temperature(outputs, rows)
        for others, test in folds:  # no row is judged at a temperature that it has chosen
            calibrated = outputs[test] / cooler_temperature(outputs[others], rows.take(others))
            losses[test] = row_losses_of(calibrated, rows.take(test), is_calibrated=False)
    loss = float(np.average(losses, weights=rows.weight))
    return Judgement(loss, len(np.unique(rows.groups)), temperature, rows, outputs)
