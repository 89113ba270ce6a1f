"""A fit, from its plan and its arguments to what it leaves."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdistill._fit.candidates import Candidates
from skdistill._fit.checks import check_prior
from skdistill._fit.groups import Judgement, judge_by_all_groups
from skdistill._fit.holdout import rows_apart
from skdistill._fit.inputs import Inputs
from skdistill._fit.outcome import decision_of
from skdistill._fit.run import Run
from skdistill._fit.teachers import fit_teacher
from skdistill._fit.training import train_again, trains_again
from skdistill._fit.trials import Trial
from skdistill._fit.warm_start import identity_of, settled_by, warn_of_other_rows
from skdistill.student import FittedStudent, check_finite
from skdistill.task import Classification
from skdistill.teacher import TeacherPool


@dataclass(frozen=True)
class Outcome:
    """What a fit leaves.

    Attributes
    ----------
    task : Classification
    student : FittedStudent
    teacher : TeacherPool or None
    trial : Trial
        The one that was kept.
    trials : list of dict
    decision : str
    settled : dict of str to str
    rows : str
    split_seed : int or None
        For a fit that goes on from this one.
    """

    task: Classification
    student: FittedStudent
    teacher: TeacherPool | None
    trial: Trial
    trials: list[dict]
    decision: str
    settled: dict[str, str]
    rows: str
    split_seed: int | None

    @property
    def attributes(self) -> dict[str, Any]:
        """What a fitted estimator shows of it, by the name of the attribute."""
        setting, rows = self.trial.setting, self.trial.rows
        return self.task.attributes | {
            "teacher_": self.teacher,
            "student_": self.student.net,
            "encoder_": self.student.encoder,
            "history_": self.trial.history,
            "temperature_": setting.temperature,
            "alpha_": setting.alpha,
            "cv_": rows.cv,
            "leak_gap_": rows.leak_gap,
            "calibration_temperature_": self.student.temperature,
            "class_offset_": self.student.offset,
            "decision_": self.decision,
            "trials_": self.trials,
            "transfer_": rows.samplers,
            "n_transfer_rows_": sum(map(len, self.trial.examples.blocks[1:])),
        }


def distil(given: Inputs, run: Run) -> Outcome:
    """Fit the teachers, label the rows, train students, keep one.

    Parameters
    ----------
    given : Inputs
    run : Run

    Returns
    -------
    Outcome
    """
    plan = run.plan
    whole, given = given, hold_out(given, run)
    rows = identity_of((given.X, given.y))
    if given.holds_out:
        warn_of_other_rows(plan, rows)
    teacher = fit_teacher(given, run) if plan.previous is None else plan.previous.teacher
    labeller, run.teacher = given.labeller.by(teacher), teacher
    whole, given = replace(whole, labeller=labeller), replace(given, labeller=labeller)

    trial = Candidates(given, run).learn()
    if trial.place is not None:
        run.trials[trial.place]["is_kept"] = True
    decision = decision_of(trial, run.trials)
    student = _calibrated(trial, run)
    judgement = judge_by_all_groups(whole, trial, run)
    if judgement is not None:
        decision += _add_judgement(judgement, trial, run)
        student = replace(student, temperature=judgement.temperature or student.temperature)
    # The share of a training in rounds that was best says nothing of a training in one.
    if trains_again(run, given.holds_out) and not trial.in_rounds:
        again = train_again(student, trial, teacher, run)
        student = replace(student, net=again.net)
    student = replace(student, offset=_prior_offset(trial, run))
    run.progress.say(decision)
    settled, seed = settled_by(plan.parameters), plan.seeds["split"]
    return Outcome(run.task, student, teacher, trial, run.trials, decision, settled, rows, seed)


def hold_out(given: Inputs, run: Run) -> Inputs:
    """Hold rows out for validation before a teacher sees them.

    A teacher that has seen them puts their labels into the rows nearby that it labels, and so
    into the student: its loss on them would be too low, and all that is chosen by it wrong.
    """
    plan = run.plan
    if given.validation is not None or not plan.stops_early(given.n_used):
        return given
    kept, rows = rows_apart(given, plan.parameters.validation_fraction, plan.seeds["split"])
    return given.hold_out(kept, rows) if len(rows) else given


def _calibrated(trial: Trial, run: Run) -> FittedStudent:
    """The student of a trial, with the temperature that fits the validation rows best."""
    rows = trial.validation
    if not run.plan.parameters.calibrate or rows is None or not rows.is_labelled:
        return trial.student
    check_finite(trial.outputs)
    temperature = rows.task.calibrate(trial.outputs, rows.labels, rows.weight)
    return replace(trial.student, temperature=temperature)


def _add_judgement(judgement: Judgement, trial: Trial, run: Run) -> str:
    """Put what all groups tell into the trials; returns what the decision says of it."""
    assert trial.place is not None
    loss, n_groups = judgement.loss, judgement.n_groups
    before = run.trials[trial.place]
    run.trials[trial.place] = before | {"is_kept": False}
    run.trials.append(before | {"log_loss": loss, "n_groups": n_groups})
    return f"; over all {n_groups} groups, each held out once, its log loss is {loss:.4f}"


def _prior_offset(trial: Trial, run: Run) -> np.ndarray | None:
    """What turns the shares of the classes among the targets into `class_prior`."""
    task = run.task
    prior = check_prior(run.plan.parameters.class_prior, task.classes)
    if prior is None:
        return None
    alpha = trial.setting.alpha
    shares = np.zeros(task.n_outputs)
    for block in trial.examples.blocks:
        shares += task.shares(block.labels, block.weight, block.soft, alpha)
    offset, untaught = task.prior_offset(shares, prior)
    if len(untaught):
        warnings.warn(
            "DistilledClassifier: `class_prior` cannot bring out the classes "
            f"{untaught[:10].tolist()}: neither a label nor a teacher told the student of them. "
            "Give rows on which a teacher names them."
        )
    return offset
