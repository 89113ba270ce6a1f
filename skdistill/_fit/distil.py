"""A fit, from its plan and its arguments to its results."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from skdistill._fit.budget import words_of_budget
from skdistill._fit.calibration import careful_temperature
from skdistill._fit.candidates import Candidates
from skdistill._fit.checks import check_prior
from skdistill._fit.groups import Judgement, judge_by_all_groups
from skdistill._fit.inputs import Inputs
from skdistill._fit.jobs import Steps, run_steps
from skdistill._fit.labelling import with_teacher
from skdistill._fit.last import Last, train_at_last
from skdistill._fit.outcome import decision_of, words_of_weights
from skdistill._fit.parts import find_parts, rows_of
from skdistill._fit.run import Run
from skdistill._fit.target import settle_target
from skdistill._fit.teachers import fit_teacher
from skdistill._fit.trials import Trial
from skdistill._fit.warm_start import identity_of, settled_by, warn_of_other_rows
from skdistill._utils.warn import Remark, warn
from skdistill._utils.weights import alike_by_group
from skdistill.student import FittedStudent, check_finite
from skdistill.task import Task

# Fewer groups say nothing about the quantiles of another group.
FEWEST_GROUPS = 20


@dataclass(frozen=True)
class Outcome:
    """The results of a fit.

    Attributes
    ----------
    task : Task
    student : FittedStudent
    trial : Trial
        The one that was kept.
    last : Last
        The student as it was trained in the end.
    leak_gap : float or None
    trials : list of dict
    decision : str
    settled : dict of str to str
    rows : str
    split_seed : int or None
        For a fit that goes on from this one.
    n_queries : int or None
        Rows that teachers were asked for, where `max_queries` limits them.
    """

    task: Task
    student: FittedStudent
    trial: Trial
    last: Last
    leak_gap: float | None
    trials: list[dict]
    decision: str
    settled: dict[str, str]
    rows: str
    split_seed: int | None
    n_queries: int | None

    @property
    def remark(self) -> Remark | None:
        """What surprises of the student that was kept."""
        return self.trial.remark

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the fitted estimator, by name."""
        setting, last = self.trial.setting, self.last
        found = self.task.attributes_of(setting.temperature, self.student)
        return found | {
            **last.labeller.attributes,
            "student_": self.student.net,
            "encoder_": self.student.encoder,
            "history_": self.trial.first.history,
            "alpha_": setting.alpha,
            "cv_": self.trial.rows.cv,
            "leak_gap_": self.leak_gap,
            "decision_": self.decision,
            "objective_weights_": self.student.objective_weights,
            "trials_": self.trials,
            "transfer_": last.samplers,
            "n_transfer_rows_": sum(map(len, last.blocks[1:])),
            **({} if self.n_queries is None else {"n_queries_": self.n_queries}),
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
    checkpoint = run.plan.checkpoint
    if checkpoint is None:
        return run_steps(learn(prepare(given, run).like(given), run))
    if checkpoint.begin(run.plan.seeds):
        run.progress.say(f"going on with the fit in {checkpoint.path!r}")
    outcome = run_steps(learn(prepare(given, run), run), checkpoint.run)
    teacher = outcome.last.labeller.teacher
    if teacher is not None and teacher.memory is checkpoint.store:
        teacher.hold_in_memory()
    return outcome


@dataclass(frozen=True)
class Prepared:
    """The parts that all students of a fit share.

    Attributes
    ----------
    given : Inputs
    parts : list of Inputs
        With the rows held out, and teachers that have not seen them.
    """

    given: Inputs
    parts: list[Inputs]

    def like(self, given: Inputs) -> "Prepared":
        """The same for a fit with an encoder and temperatures of its own."""
        encoder = self.given.encoder
        if getattr(encoder, "unseen_missing", None) == "error":  # a teacher refuses them
            given.encoder.set_params(unseen_missing="error")
        change = partial(_like, given)
        return Prepared(change(self.given), [change(part) for part in self.parts])


def _like(given: Inputs, one: Inputs) -> Inputs:
    """Some rows with the encoder and the temperatures of others."""
    labeller, validation = one.labeller.at(given.labeller.temperatures), one.validation
    if validation is not None:
        validation = replace(validation, soft=labeller.lift_given(validation.soft))
    return replace(
        one,
        encoder=given.encoder,
        labeller=labeller,
        soft=labeller.lift_given(one.soft),
        soft_transfer=labeller.lift_given(one.soft_transfer),
        validation=validation,
    )


def prepare(given: Inputs, run: Run) -> Prepared:
    """Hold rows out, and fit the teachers on the others."""
    given = settle_target(given, run)
    parts = find_parts(given, run)
    if parts[0].holds_out:
        warn_of_other_rows(run.plan, identity_of((parts[0].X, parts[0].y)))
    return Prepared(given, [_with_teacher(part, run) for part in parts])


def learn(prepared: Prepared, run: Run) -> Steps[Outcome]:
    """Label the rows, train students, keep one; yields the trainings."""
    given, parts, plan = prepared.given, prepared.parts, run.plan
    run.teacher = parts[0].labeller.teacher
    candidates = Candidates(parts, run)
    trial = yield from candidates.learn()
    if trial.place is not None:
        run.trials[trial.place]["is_kept"] = True
    decision = decision_of(trial, run.trials, plan.kind.alpha)
    judged = replace(given, labeller=parts[0].labeller)
    judgement = yield from judge_by_all_groups(judged, trial, run)
    if judgement is not None:
        decision += _add_judgement(judgement, trial, run)
    whole = rows_of(given)
    last = yield from train_at_last(trial, parts, whole, run)
    seen = parts[0] if last.labeller is parts[0].labeller else whole
    temperature = None if judgement is None else judgement.temperature
    temperature = temperature or _calibration(trial, last, run)
    offset = _offset(trial, judgement, last, run)
    student = replace(last.student, temperature=temperature, offset=offset)
    decision += words_of_budget(sum(len(one) for one in last.blocks if one.sampler), run)
    if any(objective.weight == "auto" for _, objective in trial.setting.objectives):
        run.progress.say(words_of_weights(student.objective_weights))
    run.progress.say(decision)
    return Outcome(
        run.task,
        student,
        trial,
        last,
        candidates.leak_gap,
        run.trials,
        decision,
        plan.once("settled", lambda: settled_by(plan.parameters)),
        plan.once(("rows", seen is whole), lambda: identity_of((seen.X, seen.y))),
        plan.seeds["split"],
        None if plan.queries is None else plan.queries.n_asked,
    )


def _with_teacher(part: Inputs, run: Run) -> Inputs:
    """The rows with a teacher that was fitted on them."""
    previous = run.plan.previous
    with run.progress.within(part.where):
        teacher = fit_teacher(part, run) if previous is None else previous.teacher
        return with_teacher(part, teacher, run)


def _calibration(trial: Trial, last: Last, run: Run) -> float:
    """The temperature at which the student fits the validation rows; 1 without any."""
    rows = trial.validation
    may = run.task.has_classes and run.plan.parameters.calibrate
    if not may or rows is None or not rows.is_labelled:
        return 1.0
    check_finite(trial.outputs)
    if last.student is not trial.first.student:  # its calibration may not suit the last student
        return careful_temperature(trial.outputs, rows)
    rows = trial.first.judges  # with several, the first one is kept
    return rows.task.calibrate(trial.outputs[: len(rows)], rows.labels, rows.weight)


def _add_judgement(judgement: Judgement, trial: Trial, run: Run) -> str:
    """Add the judgement on all groups to the trials; returns the words for the decision."""
    assert trial.place is not None
    loss, n_groups = judgement.loss, judgement.n_groups
    before = run.trials[trial.place]
    run.trials[trial.place] = before | {"is_kept": False}
    run.trials.append(before | {run.task.loss_key: loss, "n_groups": n_groups})
    return (
        f"; over all {n_groups} groups, each held out once, its {run.task.loss_name} is {loss:.4f}"
    )


def _offset(trial: Trial, judgement: Judgement | None, last: Last, run: Run) -> np.ndarray | None:
    """The offset of the student's outputs: for the class prior, or the coverage of quantiles."""
    if run.task.has_classes:
        return _prior_offset(trial, last, run)
    if not run.task.needs_folds:
        return None
    rows, outputs = trial.validation, None if trial.validation is None else trial.outputs
    if judgement is not None:  # all groups tell more than the held-out ones
        rows, outputs = judgement.rows, judgement.outputs
    n_apart = None
    if rows is not None and rows.groups is not None:
        n_apart = float(len(np.unique(rows.groups)))
    is_enough = n_apart is None or n_apart >= FEWEST_GROUPS
    if rows is None or outputs is None or not rows.is_labelled or not is_enough:
        warn(
            "the quantiles are not calibrated, as too few labelled rows or groups were held out: "
            "intervals may hold far fewer or more rows than they should. Give `X_val` and `y_val`."
        )
        return None
    weight = rows.weight if rows.groups is None else alike_by_group(rows.weight, rows.groups)
    return run.task.offset_of(outputs, rows.labels, weight, n_apart)


def _prior_offset(trial: Trial, last: Last, run: Run) -> np.ndarray | None:
    """The offset from the shares of the classes among the targets to `class_prior`."""
    if run.plan.parameters.class_prior is None:
        return None
    task: Any = run.task
    prior = check_prior(run.plan.parameters.class_prior, task.classes)
    alpha = trial.setting.alpha
    shares = np.zeros(task.n_outputs)
    for block in last.blocks:
        shares += task.shares(block.labels, block.weight, block.soft, alpha)
    offset, untaught = task.prior_offset(shares, prior)
    if len(untaught):
        warn(
            "`class_prior` cannot bring out the classes "
            f"{untaught[:10].tolist()}: neither a label nor a teacher told the student of them. "
            "Give rows on which a teacher names them."
        )
    return offset
